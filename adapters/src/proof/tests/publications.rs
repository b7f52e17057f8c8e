//! Checkpoints out of the database.

use super::*;
use crate::{
    sim::{
        ledger::Ledger,
        smtp::{Options, SmtpSim},
        wire::Meddler,
    },
    smtp::{Smtp, SmtpConfig, SmtpTls},
};
use std::{
    fs,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// (failures, last error, whether it is published)
async fn recorded(site: &Site, place: &str) -> Vec<(i32, Option<String>, bool)> {
    sqlx::query_as(
        "SELECT failures, last_error, published_at IS NOT NULL FROM checkpoint_publications
         WHERE place = $1 ORDER BY size",
    )
    .bind(place)
    .fetch_all(site.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn a_folder_takes_one_file_per_checkpoint_and_none_is_written_over() {
    let (site, [first, second]) = Site::sealed().await;
    let folder = site.folder.path().join("published");
    let place = Place::Folder(folder.clone());
    for sealed in [&first, &second, &second] {
        publish(site.pool(), &place, sealed).await.unwrap();
    }
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    files.sort();
    let mut notes = vec![first.note.clone(), second.note.clone()];
    notes.sort();
    assert_eq!(files, notes);
    assert_eq!(
        recorded(&site, "folder").await,
        [(0, None, true), (0, None, true)]
    );

    // A rebuilt log cannot take the place of what was published.
    site.tamper("DELETE FROM checkpoint_publications").await;
    let forged = SealedCheckpoint {
        note: second.note.replace("\n20\n", "\n21\n"),
        ..second
    };
    let refused = publish(site.pool(), &place, &forged).await.unwrap_err();
    let refused = format!("{refused:#}");
    assert!(refused.contains("is another checkpoint"), "{refused}");
    let recorded = recorded(&site, "folder").await;
    let [(1, Some(why), false)] = recorded.as_slice() else {
        panic!("{recorded:?}");
    };
    assert!(why.contains("is another checkpoint"), "{why}");
}

#[tokio::test]
async fn the_auditor_receives_the_note_as_a_file() {
    let (site, [first, _]) = Site::sealed().await;
    let sim = SmtpSim::start(Ledger::default(), Meddler::default(), Options::default())
        .await
        .unwrap();
    let smtp = Smtp::new(&SmtpConfig {
        host: "127.0.0.1".into(),
        port: Some(sim.address().port()),
        tls: SmtpTls::None,
        login: None,
        password: None,
        from: "Navette <ne-pas-repondre@drome.example>".into(),
        timeout_seconds: 5,
    });
    let place = Place::Email {
        to: "auditeur@cour.example".to_owned(),
        postman: Arc::new(smtp.unwrap()),
    };
    publish(site.pool(), &place, &first).await.unwrap();
    publish(site.pool(), &place, &first).await.unwrap();
    let accepted = sim.accepted();
    let [mail] = accepted.as_slice() else {
        panic!("{} mails", accepted.len());
    };
    assert_eq!(mail.to, ["auditeur@cour.example"]);
    let message = mail_parser::MessageParser::default()
        .parse(&mail.raw)
        .unwrap();
    let attached = message.attachment(0).unwrap().contents();
    assert_eq!(String::from_utf8_lossy(attached), first.note);
    assert_eq!(recorded(&site, "email").await, [(0, None, true)]);
}

/// Answers each request with the next of these statuses, and keeps what was sent.
async fn webhook(statuses: &'static [u16]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/points", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(vec![]));
    let kept = received.clone();
    tokio::spawn(async move {
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = String::new();
            // A note ends with its signature line.
            while !request
                .trim_end_matches('\n')
                .lines()
                .any(|line| line.starts_with('—'))
            {
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).await.unwrap();
                request.push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
            kept.lock().unwrap().push(request);
            let answer =
                format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, received)
}

#[tokio::test]
async fn a_webhook_that_fails_is_tried_again_later_and_both_are_recorded() {
    let (site, [first, _]) = Site::sealed().await;
    let (url, received) = webhook(&[503, 204]).await;
    let place = Place::Webhook(Webhook {
        url,
        token: Some("secret".into()),
    });
    let failed = publish(site.pool(), &place, &first).await.unwrap_err();
    assert!(format!("{failed:#}").contains("503"), "{failed:#}");
    // Not at once: it is left alone for a while.
    publish(site.pool(), &place, &first).await.unwrap();
    assert_eq!(received.lock().unwrap().len(), 1);
    let why = Some("the webhook answered 503 Service Unavailable".to_owned());
    assert_eq!(recorded(&site, "webhook").await, [(1, why, false)]);

    site.tamper("UPDATE checkpoint_publications SET tried_at = tried_at - interval '1 minute'")
        .await;
    publish(site.pool(), &place, &first).await.unwrap();
    assert_eq!(recorded(&site, "webhook").await, [(1, None, true)]);
    let received = received.lock().unwrap();
    assert!(received[1].starts_with("POST /points "), "{received:?}");
    assert!(received[1].contains("Bearer secret"));
    assert!(received[1].ends_with(&first.note));
}
