//! The adapter against the simulator, on the wire.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::sim::{
    ledger::Ledger,
    maarch::{MaarchOptions, MaarchSim},
    mischief::Once,
    wire::Meddler,
};
use navette_domain::{
    digest::Digest,
    ids::DocumentId,
    personal::Personal,
    ports::{Named, Trial as _},
};
use uuid::Uuid;

const PDF: &[u8] = b"%PDF-1.7 a signed letter %%EOF";

struct Bench {
    sim: MaarchSim,
    maarch: MaarchCourrier,
    ledger: Ledger,
    meddler: Meddler,
}

async fn bench_with(options: MaarchOptions, change: impl FnOnce(&mut MaarchConfig)) -> Bench {
    let (ledger, meddler) = (Ledger::default(), Meddler::default());
    let sim = MaarchSim::start(ledger.clone(), meddler.clone(), options);
    let sim = sim.await.unwrap();
    let mut config = MaarchConfig {
        url: sim.url(),
        login: "navette".into(),
        password: "maarch".into(),
        model: default_model(),
        doctype: "Notification d'aide".into(),
        priority: default_priority(),
        status: "END".into(),
        destination: "AIDES".into(),
        timeout_seconds: 5,
    };
    change(&mut config);
    let maarch = MaarchCourrier::new(config).unwrap();
    Bench {
        sim,
        maarch,
        ledger,
        meddler,
    }
}

async fn bench() -> Bench {
    bench_with(MaarchOptions::default(), |_| {}).await
}

fn letter(document: u128) -> OutgoingMail {
    OutgoingMail {
        document: DocumentId(Uuid::from_u128(document)),
        subject: "Attribution d'une aide à l'été culturel".into(),
        recipient: Personal("Association L'Été".into()),
        recipient_email: Some(Personal("contact@ete.example".into())),
        date: "2026-03-02".parse().unwrap(),
        pdf: PDF.into(),
    }
}

impl Bench {
    async fn refused(&self) -> PortFailure {
        let answer = self.maarch.register(&letter(1), Attempt::First).await;
        answer.unwrap_err()
    }

    fn created(&self) -> Vec<String> {
        self.ledger.keys(NEIGHBOUR, "resource created")
    }
}

#[tokio::test]
async fn a_letter_is_registered_under_the_codes_of_the_site_and_gets_its_chrono() {
    let bench = bench().await;
    let registration = bench
        .maarch
        .register(&letter(1), Attempt::First)
        .await
        .unwrap();
    assert!(
        registration.chrono.starts_with("AIDES/"),
        "{registration:?}"
    );
    let [registered] = bench.sim.registered().try_into().unwrap();
    assert_eq!(registration.resource, registered.resource.to_string());
    let expected = serde_json::json!({
        "modelId": 2, "doctype": 1201, "priority": "poiuytre1357nbvc", "status": "END",
        "destination": 13, "subject": "Attribution d'une aide à l'été culturel",
        "documentDate": "2026-03-02", "chrono": true,
        "recipients": [{"id": 1, "type": "contact"}],
        "externalId": {"navette": "00000000-0000-0000-0000-000000000001"}, "format": "pdf",
    });
    assert_eq!(registered.body, expected);
    let entries = bench.ledger.entries();
    let created = entries
        .iter()
        .find(|e| e.effect == "resource created")
        .unwrap();
    assert_eq!(created.content, Some(Digest::of(PDF)));
}

#[tokio::test]
async fn an_answer_lost_anywhere_leaves_one_letter_in_the_register() {
    for operation in [
        "PUT resources/external",
        "GET entities",
        "POST contacts",
        "POST resources",
        "GET resources",
    ] {
        let bench = bench().await;
        bench.meddler.becomes(Once::loses(operation));
        assert_eq!(
            bench.refused().await.class,
            FailureClass::Transient,
            "{operation}"
        );
        let again = bench
            .maarch
            .register(&letter(1), Attempt::Again)
            .await
            .unwrap();
        assert_eq!(bench.created().len(), 1, "{operation}");
        assert_eq!(bench.sim.contacts(), 1, "{operation}");
        let [registered] = bench.sim.registered().try_into().unwrap();
        assert_eq!(Some(again.chrono), registered.chrono, "{operation}");
    }
}

#[tokio::test]
async fn a_repetition_finds_the_same_number_even_when_called_a_first_attempt() {
    let bench = bench().await;
    let first = bench
        .maarch
        .register(&letter(1), Attempt::First)
        .await
        .unwrap();
    let again = bench
        .maarch
        .register(&letter(1), Attempt::First)
        .await
        .unwrap();
    assert_eq!(first, again);
    assert_eq!(bench.created().len(), 1);
}

#[tokio::test]
async fn two_letters_to_one_address_have_two_numbers_and_one_contact() {
    let bench = bench().await;
    let first = bench
        .maarch
        .register(&letter(1), Attempt::First)
        .await
        .unwrap();
    let second = bench
        .maarch
        .register(&letter(2), Attempt::First)
        .await
        .unwrap();
    assert_ne!(first.chrono, second.chrono);
    assert_eq!(bench.sim.contacts(), 1);
}

#[tokio::test]
async fn a_recipient_without_e_mail_is_registered_too() {
    let bench = bench().await;
    let mail = OutgoingMail {
        recipient_email: None,
        ..letter(1)
    };
    bench.maarch.register(&mail, Attempt::First).await.unwrap();
    assert_eq!(bench.sim.registered()[0].body["recipients"][0]["id"], 1);
}

#[tokio::test]
async fn after_one_refused_password_nobody_knocks_again() {
    let bench = bench_with(MaarchOptions::default(), |config| {
        config.password = "wrong".into();
    })
    .await;
    for _ in 0..3 {
        assert_eq!(bench.refused().await.class, FailureClass::Credentials);
    }
    assert_eq!(bench.sim.refused_logins(), 1);
}

#[tokio::test]
async fn a_letter_that_the_server_refuses_is_refused_in_its_words() {
    let small = MaarchOptions {
        largest_file: 10,
        ..MaarchOptions::default()
    };
    let refused = bench_with(small, |_| {}).await.refused().await;
    assert_eq!(refused.class, FailureClass::Rejected);
    assert_eq!(
        refused.sentence,
        "Maarch Courrier refuse le courrier : Body encodedFile size is over limit"
    );
    let bench = bench().await;
    let not_a_pdf = OutgoingMail {
        pdf: b"hello".into(),
        ..letter(1)
    };
    let refused = bench
        .maarch
        .register(&not_a_pdf, Attempt::First)
        .await
        .unwrap_err();
    assert!(
        refused.sentence.contains("mimeType is not allowed"),
        "{}",
        refused.sentence
    );
    assert!(bench.created().is_empty());
}

type Change = fn(&mut MaarchConfig);

#[tokio::test]
async fn a_code_that_the_site_does_not_know_is_named_and_nothing_is_registered() {
    let changes: [(Change, &str); 6] = [
        (
            |c| c.model = "Note interne".into(),
            "« Note interne » n'existe pas",
        ),
        (|c| c.doctype = "Dessin".into(), "« Dessin » n'existe pas"),
        (
            |c| c.doctype = "Convention".into(),
            "« Convention » existe plusieurs fois",
        ),
        (|c| c.priority = "Jamais".into(), "« Jamais » n'existe pas"),
        (|c| c.status = "XYZ".into(), "« XYZ » n'existe pas"),
        (|c| c.destination = "LUNE".into(), "« LUNE » n'existe pas"),
    ];
    for (change, expected) in changes {
        let bench = bench_with(MaarchOptions::default(), change).await;
        let refused = bench.refused().await;
        assert_eq!(refused.class, FailureClass::Rejected);
        assert!(refused.sentence.contains(expected), "{}", refused.sentence);
        assert!(bench.created().is_empty());
    }
}

#[tokio::test]
async fn a_fallen_server_is_called_again_later() {
    let bench = bench().await;
    bench.meddler.becomes(Once::finds_down("POST resources"));
    assert_eq!(bench.refused().await.class, FailureClass::Transient);
    assert!(bench.created().is_empty());
    bench
        .maarch
        .register(&letter(1), Attempt::Again)
        .await
        .unwrap();
    assert_eq!(bench.created().len(), 1);
}

#[tokio::test]
async fn a_trial_names_every_word_of_the_configuration_that_the_site_does_not_know() {
    let told = bench().await.maarch.try_out(&Named::default()).await;
    assert!(matches!(told.as_slice(), [Ok(_)]), "{told:?}");
    let bench = bench_with(MaarchOptions::default(), |config| {
        config.doctype = "Autre".into();
        config.priority = "Jamais".into();
    })
    .await;
    let told = bench.maarch.try_out(&Named::default()).await;
    let wrong: Vec<_> = told.into_iter().map(|t| t.unwrap_err().sentence).collect();
    assert_eq!(
        wrong,
        [
            "Le type de document « Autre » n'existe pas dans Maarch Courrier.",
            "La priorité « Jamais » n'existe pas dans Maarch Courrier.",
        ]
    );
    assert_eq!(bench.ledger.entries(), []);
}

#[tokio::test]
async fn a_trial_knocks_once_with_a_wrong_password() {
    let options = MaarchOptions {
        lock_after: 2,
        ..MaarchOptions::default()
    };
    let bench = bench_with(options, |config| config.password = "wrong".into()).await;
    let told = bench.maarch.try_out(&Named::default()).await;
    let [Err(refused)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert_eq!(refused.class, FailureClass::Credentials);
}
