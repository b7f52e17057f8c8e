#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use crate::sim::{
    ledger::Ledger,
    smtp::{MAIL, Options, SmtpSim},
    wire::{Call, Delivery, Fate, Meddler, Mischief},
};
use mail_parser::{MessageParser, MimeHeaders as _};
use navette_domain::personal::Personal;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

struct Post {
    sim: SmtpSim,
    ledger: Ledger,
    meddler: Meddler,
}

impl Post {
    async fn start(options: Options) -> Self {
        let (ledger, meddler) = (Ledger::default(), Meddler::default());
        let sim = SmtpSim::start(ledger.clone(), meddler.clone(), options)
            .await
            .unwrap();
        Self {
            sim,
            ledger,
            meddler,
        }
    }

    fn smtp(&self, password: Option<&str>) -> Smtp {
        Smtp::new(&SmtpConfig {
            host: "127.0.0.1".into(),
            port: Some(self.sim.address().port()),
            tls: SmtpTls::None,
            login: password.map(|_| "navette".into()),
            password: password.map(Into::into),
            from: "Département de la Drôme <ne-pas-repondre@drome.example>".into(),
            timeout_seconds: 5,
        })
        .unwrap()
    }

    async fn failure(&self, email: &Email) -> PortFailure {
        self.smtp(None).send(email).await.unwrap_err()
    }
}

fn email() -> Email {
    Email {
        message_id: "6f0c5d5e@navette.example".into(),
        to: Personal("jeanne.martin@example.org".into()),
        subject: "Votre subvention « Fête de l'été » est attribuée".into(),
        text: "Bonjour,\r\n.\r\n.une ligne qui commence par un point\r\nÀ bientôt".into(),
        html: "<p>Bonjour,</p><p>À bientôt</p>".into(),
        attachments: vec![(
            "Notification — été n° 1.pdf".into(),
            "application/pdf".into(),
            b"%PDF-1.7\n.\n\0\xff".to_vec(),
        )],
        date: "2026-01-05T10:00:00Z".parse().unwrap(),
    }
}

#[tokio::test]
async fn accents_dots_and_attachments_arrive_as_they_were_written() {
    let post = Post::start(Options::default()).await;
    post.smtp(None).send(&email()).await.unwrap();
    let accepted = post.sim.accepted().remove(0);
    assert_eq!(accepted.to, ["jeanne.martin@example.org"]);
    let mail = MessageParser::default().parse(&accepted.raw).unwrap();
    assert_eq!(
        mail.subject(),
        Some("Votre subvention « Fête de l'été » est attribuée")
    );
    assert_eq!(mail.message_id(), Some("6f0c5d5e@navette.example"));
    assert_eq!(mail.date().unwrap().to_rfc3339(), "2026-01-05T10:00:00Z");
    assert_eq!(
        mail.from().unwrap().first().unwrap().name(),
        Some("Département de la Drôme")
    );
    assert_eq!(
        mail.header_raw("Auto-Submitted").unwrap().trim(),
        "auto-generated"
    );
    assert_eq!(mail.body_text(0).unwrap().trim_end(), email().text);
    assert_eq!(mail.body_html(0).unwrap().trim_end(), email().html);
    let attachment = mail.attachment(0).unwrap();
    assert_eq!(
        attachment.attachment_name(),
        Some("Notification — été n° 1.pdf")
    );
    assert_eq!(attachment.contents(), email().attachments[0].2);
}

#[tokio::test]
async fn a_sending_repeated_after_a_lost_answer_is_the_same_message_byte_for_byte() {
    struct LoseOnce(AtomicU32);
    impl Mischief for LoseOnce {
        fn applied(&self, _: &Call) -> Delivery {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Delivery::Lose,
                _ => Delivery::Answer,
            }
        }
    }
    let post = Post::start(Options::default()).await;
    post.meddler.becomes(LoseOnce(AtomicU32::new(0)));
    assert_eq!(post.failure(&email()).await.class, FailureClass::Transient);
    post.smtp(None).send(&email()).await.unwrap();
    let accepted = post.sim.accepted();
    assert_eq!(accepted[0], accepted[1]);
    assert_eq!(
        post.ledger.keys(Neighbour::Smtp, MAIL),
        [email().message_id, email().message_id]
    );
}

#[tokio::test]
async fn a_refused_address_waits_for_a_person_and_is_not_told_to_the_journal() {
    let refuse = |address: &str| Some(format!("550 5.1.1 <{address}> unknown"));
    let options = Options {
        refuse: Arc::new(refuse),
        ..Options::default()
    };
    let failure = Post::start(options).await.failure(&email()).await;
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(failure.sentence.contains("adresse"), "{}", failure.sentence);
    assert!(!format!("{failure:?}").contains("jeanne"), "{failure:?}");
}

#[tokio::test]
async fn what_is_not_an_address_is_never_sent() {
    let post = Post::start(Options::default()).await;
    let email = Email {
        to: Personal("jeanne martin".into()),
        ..email()
    };
    assert_eq!(post.failure(&email).await.class, FailureClass::Rejected);
    assert_eq!(post.sim.accepted(), []);
}

#[tokio::test]
async fn the_relays_codes_say_whether_trying_again_can_help() {
    for (answer, class) in [
        (
            "421 4.7.0 too many connections",
            FailureClass::Throttled(None),
        ),
        ("450 4.2.0 greylisted", FailureClass::Throttled(None)),
        ("451 4.3.0 local error", FailureClass::Transient),
        ("452 4.2.2 mailbox full", FailureClass::Transient),
        ("554 5.7.1 spam", FailureClass::Rejected),
    ] {
        let options = Options {
            refuse: Arc::new(|_| Some(answer.into())),
            ..Options::default()
        };
        assert_eq!(
            Post::start(options).await.failure(&email()).await.class,
            class,
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_relay_that_is_down_or_hangs_up_is_tried_again() {
    struct Down(Fate);
    impl Mischief for Down {
        fn before(&self, _: &Call) -> Fate {
            self.0
        }
    }
    let post = Post::start(Options::default()).await;
    for fate in [Fate::Unavailable, Fate::HangUp] {
        post.meddler.becomes(Down(fate));
        assert_eq!(post.failure(&email()).await.class, FailureClass::Transient);
    }
    assert_eq!(post.sim.accepted(), []);
    let smtp = post.smtp(None);
    drop(post);
    assert_eq!(
        smtp.send(&email()).await.unwrap_err().class,
        FailureClass::Transient
    );
}

#[tokio::test]
async fn a_relay_that_does_not_answer_in_time_is_tried_again() {
    struct Slow;
    impl Mischief for Slow {
        fn before(&self, _: &Call) -> Fate {
            Fate::Delay(Duration::from_hours(1))
        }
    }
    let post = Post::start(Options::default()).await;
    post.meddler.becomes(Slow);
    let hurried = Smtp {
        timeout: Duration::from_millis(100),
        ..post.smtp(None)
    };
    let failure = hurried.send(&email()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Transient);
    assert!(failure.sentence.contains("à temps"), "{}", failure.sentence);
}

#[tokio::test]
async fn a_refused_account_stops_the_channel() {
    let account = Some(("navette".into(), "juste".into()));
    let post = Post::start(Options {
        account,
        ..Options::default()
    })
    .await;
    post.smtp(Some("juste")).send(&email()).await.unwrap();
    let failure = post.smtp(Some("fausse")).send(&email()).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Credentials);
    assert_eq!(
        post.failure(&email()).await.class,
        FailureClass::Credentials
    );
    assert_eq!(post.sim.accepted().len(), 1);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_for_good() {
    let post = Post::start(Options {
        largest: 500,
        ..Options::default()
    })
    .await;
    assert_eq!(post.failure(&email()).await.class, FailureClass::Rejected);
}

#[tokio::test]
async fn a_subject_with_line_breaks_adds_no_header() {
    let post = Post::start(Options::default()).await;
    let email = Email {
        subject: "Bonjour\r\nBcc: tous@example.org".into(),
        ..email()
    };
    post.smtp(None).send(&email).await.unwrap();
    let accepted = post.sim.accepted().remove(0);
    let mail = MessageParser::default().parse(&accepted.raw).unwrap();
    assert!(mail.bcc().is_none());
}

#[tokio::test]
async fn a_password_never_travels_in_the_clear() {
    let refused = Smtp::new(&SmtpConfig {
        host: "relais.example".into(),
        port: None,
        tls: SmtpTls::None,
        login: Some("navette".into()),
        password: Some("secret".into()),
        from: "navette@example.org".into(),
        timeout_seconds: 1,
    });
    assert!(refused.is_err());
}

#[tokio::test]
async fn a_trial_says_whether_the_relay_takes_our_account_and_sends_nothing() {
    let post = Post::start(Options {
        account: Some(("navette".into(), "right".into())),
        ..Options::default()
    })
    .await;
    let told = post.smtp(Some("right")).try_out(&Named::default()).await;
    assert!(matches!(told.as_slice(), [Ok(_)]), "{told:?}");
    let told = post.smtp(Some("wrong")).try_out(&Named::default()).await;
    let [Err(refused)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert_eq!(refused.class, FailureClass::Credentials);
    assert_eq!(post.ledger.entries(), []);
}

#[tokio::test]
async fn a_trial_says_that_nobody_listens_or_that_the_relay_does_not_speak_tls() {
    let post = Post::start(Options::default()).await;
    let config = |tls| SmtpConfig {
        host: "127.0.0.1".into(),
        port: Some(post.sim.address().port()),
        tls,
        login: None,
        password: None,
        from: "ne-pas-repondre@drome.example".into(),
        timeout_seconds: 5,
    };
    let trial = async |config| {
        let told = Smtp::new(&config).unwrap().try_out(&Named::default()).await;
        told.into_iter().next().unwrap().unwrap_err().sentence
    };
    let in_the_clear = trial(config(SmtpTls::Tls)).await;
    assert!(in_the_clear.contains("ne parle pas TLS"), "{in_the_clear}");
    let nobody = SmtpConfig {
        port: Some(9),
        ..config(SmtpTls::None)
    };
    let nobody = trial(nobody).await;
    assert!(nobody.contains("rien n'écoute"), "{nobody}");
}
