//! What must hold once nothing is left to do, whatever was killed.

use crate::{site::Site, story::Batch};
use navette::{
    app::App,
    workers::{Place, Shape, build_beside},
};
use navette_adapters::{
    file_store::Files,
    postgres::roles::could_change_the_log,
    proof::{CheckpointKey, Trust, verify},
    sim::{grants_tool, ledger::Entry, porte_documents, smtp},
};
use navette_domain::{
    digest::Digest,
    ports::{FileStore as _, Neighbour},
};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Opens the site and checks everything.
pub async fn everything_holds(site: &Site, batches: &[Batch]) {
    let (database, app) = site.visit().await;
    app.projections.catch_up().await.unwrap();
    everybody_is_served(&database.pool, batches).await;
    the_log_is_whole(&database.pool).await;
    the_log_is_proved(site, &database.pool).await;
    projections_equal_a_rebuild(&app).await;
    files_of_exports_are_whole(site, &database.pool).await;
    schedules_ran_once_for_each_due_time(site, &database.pool).await;
    triggers_fired_once_for_each_due_time(&database.pool).await;
    nothing_is_done_twice(&site.neighbours.ledger.entries());
    each_step_is_done_once(site, &app, batches).await;
    database.close().await;
}

/// Whatever was killed, every hash, and every checkpoint that was signed meanwhile, still fits; and all of it
/// was done by a role that could not have changed the log.
async fn the_log_is_proved(site: &Site, pool: &PgPool) {
    let key = CheckpointKey::read(&site.key_file()).unwrap();
    let trust = Trust {
        key: key.verifier(Uuid::nil()).public,
        authorities: None,
    };
    let report = verify(pool, &trust, vec![]).await.unwrap();
    assert!(report.faults.is_empty(), "{report}");
    assert!(report.checkpoints > 0, "{report}");
    assert_eq!(could_change_the_log(pool).await.unwrap(), Some(false));
}

/// A file that is said to be whole is there, and is the one that was said.
async fn files_of_exports_are_whole(site: &Site, pool: &PgPool) {
    let files = Files::in_folder(&site.files()).unwrap();
    for file in column(pool, "SELECT file FROM exports").await {
        let digest: Digest = file.parse().unwrap();
        assert!(files.get(digest).await.unwrap().is_some(), "{file}");
    }
}

/// Nothing is in their folder but one whole file for each time that a schedule was due.
async fn schedules_ran_once_for_each_due_time(site: &Site, pool: &PgPool) {
    let twice = "SELECT min(payload) FROM events WHERE event_type = 'export_schedule.started'
                 GROUP BY stream_id, payload::jsonb ->> 'due' HAVING count(*) > 1";
    assert_eq!(column(pool, twice).await, Vec::<String>::new());
    let mut made = column(
        pool,
        "SELECT exports.file FROM events JOIN exports ON exports.id = (payload::jsonb ->> 'export')::uuid
         WHERE event_type = 'export_schedule.started'",
    )
    .await;
    assert!(!made.is_empty(), "no schedule was due");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        Digest::of(&bytes).to_string()
    };
    let entries = std::fs::read_dir(site.shelf()).unwrap();
    let mut delivered: Vec<String> = entries.map(read).collect();
    made.sort();
    delivered.sort();
    assert_eq!(delivered, made);
}

/// Each answered once to each time that it was due, and said why it started none of the dossiers.
async fn triggers_fired_once_for_each_due_time(pool: &PgPool) {
    let fired = "SELECT DISTINCT payload::jsonb #>> '{firing,occurrence,due}' FROM events
                 WHERE event_type = 'trigger.fired'";
    let times = column(pool, fired).await;
    assert!(!times.is_empty(), "no trigger was due");
    let twice = "SELECT stream_id::text FROM events WHERE event_type = 'trigger.fired'
                 GROUP BY stream_id, payload::jsonb #>> '{firing,occurrence}' HAVING count(*) > 1";
    assert_eq!(column(pool, twice).await, Vec::<String>::new());
    let untold =
        "SELECT t::text FROM triggers t WHERE kind = 'calendar' AND (left_out = 0 OR started > 0)";
    assert_eq!(column(pool, untold).await, Vec::<String>::new());
}

async fn column(pool: &PgPool, sql: &str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

async fn number(pool: &PgPool, sql: &str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

async fn everybody_is_served(pool: &PgPool, batches: &[Batch]) {
    let all_documents: Vec<Uuid> = batches
        .iter()
        .flat_map(Batch::documents)
        .map(|document| document.0)
        .collect();
    let delivered: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM documents WHERE status = 'delivered'")
            .fetch_all(pool)
            .await
            .unwrap();
    assert_eq!(set(delivered), set(all_documents));
    let told = batches.iter().filter(|batch| batch.makes_letters());
    let told: Vec<Uuid> = told
        .flat_map(Batch::dossiers)
        .map(|dossier| dossier.0)
        .collect();
    let notified: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM dossiers WHERE status = 'notified'")
            .fetch_all(pool)
            .await
            .unwrap();
    assert_eq!(set(notified), set(told));
    let unfinished = "SELECT b::text FROM batches b WHERE state <> 'completed'
                      UNION ALL SELECT e::text FROM effects e
                      UNION ALL SELECT e::text FROM exports e WHERE state <> 'completed'";
    assert_eq!(column(pool, unfinished).await, Vec::<String>::new());
}

fn set<T: Ord>(all: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    all.into_iter().collect()
}

/// Positions are dense, streams are contiguous, every event has its command's receipt, and a projection
/// that is behind would be seen.
async fn the_log_is_whole(pool: &PgPool) {
    let events = number(pool, "SELECT count(*) FROM events").await;
    let dense = "SELECT coalesce(max(position), 0) FROM events WHERE position > 0";
    assert_eq!(number(pool, dense).await, events);
    let torn = "SELECT stream_id::text FROM events GROUP BY stream_id
                HAVING min(version) <> 1 OR max(version) <> count(*)";
    assert_eq!(column(pool, torn).await, Vec::<String>::new());
    let orphans = "SELECT e.event_type FROM events e WHERE NOT EXISTS (
                       SELECT FROM command_receipts r
                       WHERE r.command_id = (e.metadata::json ->> 'command')::uuid)";
    assert_eq!(column(pool, orphans).await, Vec::<String>::new());
    let behind = format!(
        "SELECT name FROM projections
         WHERE place = 'live' AND (position <> {events} OR applied <> {events})"
    );
    assert_eq!(column(pool, &behind).await, Vec::<String>::new());
}

async fn projections_equal_a_rebuild(app: &App) {
    for projector in app.projections.projectors() {
        build_beside(app.dispatcher.log(), projector.as_ref())
            .await
            .unwrap();
        let shape = Shape::of(projector.as_ref());
        for table in projector.tables() {
            let rows = |place| {
                let schema = shape.schema(place);
                format!("SELECT t::text FROM {schema}.{table} t ORDER BY t::text")
            };
            let live = column(&app.pool, &rows(Place::Live)).await;
            assert!(!live.is_empty(), "{table} shows nothing");
            assert_eq!(column(&app.pool, &rows(Place::Next)).await, live, "{table}");
        }
    }
}

/// No neighbour applied the same effect twice. A mail relay cannot be asked what it accepted: there the
/// same message may arrive twice, byte for byte, under its one Message-ID.
fn nothing_is_done_twice(ledger: &[Entry]) {
    let mut seen: BTreeMap<(&str, &str, &str), Option<Digest>> = BTreeMap::new();
    for entry in ledger {
        assert!(
            !matches!(
                entry.effect,
                "overwritten" | "deleted" | "folder taken back" | "folder erased"
            ),
            "nobody asked for this: {entry:?}"
        );
        let key = (entry.neighbour.code(), entry.effect, entry.key.as_str());
        if let Some(before) = seen.insert(key, entry.content) {
            assert_eq!(entry.effect, smtp::MAIL, "done twice: {entry:?}");
            assert_eq!(
                before, entry.content,
                "another mail under the same Message-ID"
            );
        }
    }
}

/// Each neighbour applied exactly one effect for each step of each document, and whoever received the
/// letter received the one that was signed.
async fn each_step_is_done_once(site: &Site, app: &App, batches: &[Batch]) {
    let ledger = &site.neighbours.ledger;
    let distinct = |neighbour, effect| set(ledger.keys(neighbour, effect)).len();
    let all: usize = batches.iter().map(|batch| batch.documents().len()).sum();
    for effect in ["upload", "file shared", "approval requested", "visa given"] {
        assert_eq!(distinct(Neighbour::Nextcloud, effect), all, "{effect}");
    }
    assert_eq!(distinct(Neighbour::Smtp, smtp::MAIL), all, "mail");
    let letters = batches.iter().filter(|batch| batch.makes_letters());
    let letters: BTreeSet<String> = letters
        .flat_map(Batch::documents)
        .map(|document| document.to_string())
        .collect();
    for (neighbour, effect) in [
        (Neighbour::IParapheur, "folder created"),
        (Neighbour::IParapheur, "folder archived"),
        (Neighbour::MaarchCourrier, "contact created"),
        (Neighbour::GrantsTool, grants_tool::STATUS_CHANGED),
    ] {
        assert_eq!(distinct(neighbour, effect), letters.len(), "{effect}");
    }
    let signed: BTreeMap<String, String> =
        sqlx::query_as("SELECT id::text, signed_pdf FROM documents WHERE signed_pdf IS NOT NULL")
            .fetch_all(&app.pool)
            .await
            .unwrap()
            .into_iter()
            .collect();
    assert_eq!(set(signed.keys().cloned()), letters);
    for (neighbour, effect) in [
        (Neighbour::MaarchCourrier, "resource created"),
        (Neighbour::GrantsTool, grants_tool::ATTACHED),
        (Neighbour::PorteDocuments, porte_documents::DEPOSITED),
    ] {
        let received = ledger.entries().into_iter();
        let received: BTreeMap<String, String> = received
            .filter(|entry| entry.neighbour == neighbour && entry.effect == effect)
            .map(|entry| (entry.key, entry.content.unwrap().to_string()))
            .collect();
        assert_eq!(received, signed, "{effect}");
    }
    for digest in signed.values() {
        let kept = app.ports.files.get(digest.parse().unwrap()).await.unwrap();
        assert!(kept.is_some(), "a signed letter is not kept");
    }
}
