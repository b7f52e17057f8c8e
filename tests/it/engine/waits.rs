//! Waits of days: what they cost, and hints that shorten them.

use super::Watched;
use crate::support::{TestApp, asks, quick, run};
use navette::{
    http::{Doors, router},
    neighbourhood::Manners,
    workers::RetryPolicy,
};
use navette_domain::{
    document::DocumentStatus,
    ids::DocumentId,
    ports::{Neighbour, Tray},
};
use navette_projections::{documents, scope::Scope};
use reqwest::Client;
use std::{sync::atomic::Ordering, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};

const DESK: Neighbour = Neighbour::IParapheur;

fn unattended(poll_ms: u64) -> (Manners, RetryPolicy) {
    let manners = Manners {
        signature: None,
        ..Manners::obliging()
    };
    (manners, RetryPolicy { poll_ms, ..quick() })
}

/// A letter that waits for its signature, and has been looked at.
async fn waiting(test: &TestApp) -> DocumentId {
    let dossier = test.granted("SUB-1").await;
    let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
    test.until_status(document, DocumentStatus::InSignature)
        .await;
    test.until("it sleeps", async || sleeping(test).await == 1)
        .await;
    document
}

/// How many wait in a tray, and are not looked at.
async fn sleeping(test: &TestApp) -> i64 {
    let count = "SELECT count(*) FROM effects
        WHERE tray IS NOT NULL AND lease_token IS NULL AND run_at > clock_timestamp()";
    let count = sqlx::query_scalar(count).fetch_one(&test.app.pool).await;
    count.unwrap()
}

fn sign(test: &TestApp) {
    let desk = &test.neighbours.iparapheur;
    desk.sign(&desk.running().pop().unwrap()).unwrap();
}

#[test]
fn ten_thousand_that_wait_at_five_desks_cost_fifteen_calls_a_round() {
    run(async {
        let (manners, policy) = unattended(600);
        let test = TestApp::start_with(manners, policy).await;
        let document = waiting(&test).await;
        let subtypes = ["Notification", "Refus", "Avenant", "Solde", "Convention"];
        let trays = subtypes.map(|subtype| {
            let tray = Tray::Desk {
                desk_type: "Courrier".to_owned(),
                desk_subtype: subtype.to_owned(),
            };
            tray.key()
        });
        sqlx::query(
            "INSERT INTO effects (id, document_id, batch_id, step, neighbour, work, doubtful, on_the_way, run_at, tray, mark)
               SELECT id, id, id, 'essai', 'iparapheur', jsonb_build_object('kind', 'watch_signature', 'signature', id),
                   true, true, clock_timestamp() + interval '1 day', ($1::text[])[1 + rank % 5], id::text
               FROM (SELECT gen_random_uuid() AS id, rank FROM generate_series(1, 10000) AS rank) AS waiting",
        )
        .bind(&trays[..])
        .execute(&test.app.pool)
        .await
        .unwrap();
        let desk = Watched::on(&test, DESK);
        test.until("five rounds were made", async || desk.calls().len() > 75)
            .await;
        let calls = desk.calls();
        assert!(
            calls
                .iter()
                .all(|(_, operation)| operation == "RechercherDossiers")
        );
        // The first round of a new tray comes after the others': from then on, fifteen calls every 600 ms.
        let took = calls[75].0.duration_since(calls[15].0);
        assert!(took >= Duration::from_millis(1_800), "{took:?}");
        // No hint comes: the rounds find what is signed.
        sign(&test);
        test.until_status(document, DocumentStatus::Delivered).await;
        let asked = |operation: &str| {
            let calls = desk.calls();
            calls.iter().filter(|(_, of)| of == operation).count()
        };
        // The letter does not wait for it.
        test.until("the desk is cleared", async || {
            asked("GetHistoDossier") >= 2
        })
        .await;
        assert_eq!(
            asked("GetHistoDossier"),
            2,
            "once to see, once to clear the desk"
        );
        let essays = "DELETE FROM effects WHERE step = 'essai'";
        sqlx::query(essays).execute(&test.app.pool).await.unwrap();
        test.end().await;
    });
}

/// The chain of letters whose signature has this patience, in days.
fn patient(remind: u16, expire: u16) -> String {
    let shipped = include_str!("../../../examples/chains/notification-attribution.toml");
    let signs = "kind = \"sign\"\n";
    assert!(shipped.contains(signs));
    let patience = format!("{signs}remind_days = {remind}\nexpire_days = {expire}\n");
    shipped.replace(signs, &patience)
}

/// So many days later, when what waits is looked at.
async fn later(test: &TestApp, days: i64) {
    test.ahead.fetch_add(days, Ordering::SeqCst);
    let look = "UPDATE effects SET run_at = clock_timestamp() WHERE tray IS NOT NULL AND lease_token IS NULL";
    sqlx::query(look).execute(&test.app.pool).await.unwrap();
}

#[test]
fn whoever_asked_is_reminded_once_a_period_then_the_letter_stops_and_a_retry_waits_anew() {
    run(async {
        let (manners, policy) = unattended(3_600_000);
        let test = TestApp::start_with(manners, policy).await;
        test.publish(&patient(3, 10)).await;
        let document = waiting(&test).await;
        let reminders = async || -> i64 {
            let count = "SELECT count(*) FROM events WHERE event_type = 'document.reminded'";
            let count = sqlx::query_scalar(count).fetch_one(&test.app.pool).await;
            count.unwrap()
        };
        let messages = || test.neighbours.smtp.accepted();
        later(&test, 4).await;
        test.until("a reminder is sent", async || messages().len() == 1)
            .await;
        assert_eq!(messages()[0].to, ["agent@departement.example"]);
        test.until("it waits again", async || sleeping(&test).await == 1)
            .await;
        later(&test, 0).await;
        test.until("it was looked at", async || sleeping(&test).await == 1)
            .await;
        assert_eq!(reminders().await, 1, "once in three days");
        later(&test, 7).await;
        let sentence = test.until_stopped(document).await;
        assert!(
            sentence.starts_with("Personne n'a répondu depuis 10 jours"),
            "{sentence}"
        );
        test.retry(document).await.unwrap();
        test.until("it waits anew", async || sleeping(&test).await == 1)
            .await;
        assert_eq!(test.status(document).await, DocumentStatus::InSignature);
        sign(&test);
        later(&test, 0).await;
        test.until_status(document, DocumentStatus::Delivered).await;
        test.end().await;
    });
}

#[test]
fn the_watchdog_sees_a_document_that_nothing_will_move_and_no_other() {
    run(async {
        let (manners, policy) = unattended(3_600_000);
        let test = TestApp::start_with(manners, policy).await;
        let says = async || {
            let says = documents::watchdog(&test.app.pool, &Scope::whole(), 30).await;
            says.unwrap()
        };
        let document = waiting(&test).await;
        test.until("it is shown", async || says().await.unfinished == 1)
            .await;
        assert_eq!(says().await.asleep, 0);
        // By hand, since nothing in Navette does it.
        let lost = "DELETE FROM effects";
        sqlx::query(lost).execute(&test.app.pool).await.unwrap();
        test.until("all is shown", async || says().await.asleep == 1)
            .await;
        let old = "UPDATE documents SET updated_at = updated_at - interval '31 days'";
        sqlx::query(old).execute(&test.app.pool).await.unwrap();
        assert_eq!(says().await.still, 1);
        let batches = &test.app.batches;
        let cancelled = batches.cancel_document(&asks(), document, "Perdu").await;
        cancelled.unwrap();
        test.until("it is over", async || says().await.unfinished == 0)
            .await;
        test.end().await;
    });
}

/// The door of a test, with a secret for the desk.
async fn door(test: &TestApp) -> (String, JoinHandle<()>) {
    let doors = Doors {
        hooks: [(DESK, "le-bon".into())].into(),
        ..Doors::default()
    };
    let router = router(&test.app, doors);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, serving)
}

async fn hint(url: &str, path: &str, secret: &str) -> u16 {
    let client = Client::new();
    let request = client.post(format!("{url}/hooks/{path}"));
    let lies = "{\"event\": \"FINISHED\", \"folder\": \"nav-of-somebody-else\"}";
    let request = request.bearer_auth(secret).body(lies);
    request.send().await.unwrap().status().as_u16()
}

#[test]
fn a_hint_makes_the_next_round_come_and_is_believed_in_nothing_else() {
    run(async {
        // No round comes by itself within this test.
        let (manners, policy) = unattended(3_600_000);
        let test = TestApp::start_with(manners, policy).await;
        let (url, serving) = door(&test).await;
        let signed = async || -> i64 {
            let count = "SELECT count(*) FROM events WHERE event_type = 'document.signed'";
            sqlx::query_scalar(count)
                .fetch_one(&test.app.pool)
                .await
                .unwrap()
        };
        for (path, secret) in [
            ("iparapheur", "le-mauvais"),
            ("nextcloud", "le-bon"),
            ("ailleurs", "le-bon"),
        ] {
            assert_eq!(hint(&url, path, secret).await, 401, "{path}");
        }
        // Before anything was sent.
        assert_eq!(hint(&url, "iparapheur", "le-bon").await, 202);
        let document = waiting(&test).await;
        let desk = Watched::on(&test, DESK);
        // While nothing has moved, whatever it says: a round is made, and finds nothing.
        test.until("a hint is heeded", async || {
            hint(&url, "iparapheur", "le-bon").await == 202 && desk.calls().len() >= 3
        })
        .await;
        assert_eq!(test.status(document).await, DocumentStatus::InSignature);
        // Again and again, and beside a round that is under way.
        sign(&test);
        test.until("it is delivered", async || {
            assert_eq!(hint(&url, "iparapheur", "le-bon").await, 202);
            test.status(document).await == DocumentStatus::Delivered
        })
        .await;
        // After all is over.
        assert_eq!(hint(&url, "iparapheur", "le-bon").await, 202);
        test.settle().await;
        assert_eq!(signed().await, 1);
        serving.abort();
        test.end().await;
    });
}
