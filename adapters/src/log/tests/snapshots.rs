//! Snapshots change nothing but the time it takes.

use super::*;
use crate::log::snapshots::Snapshot;
use navette_domain::{
    event::{Decider, RULES},
    ports::OfficeFormat,
    template::{Template, TemplateCommand},
};
use std::time::Duration;

/// A log with one template of so many versions.
async fn template(versions: usize) -> (TestDatabase, Log, Uuid) {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = Log::of_tests(database.pool.clone());
    let id = Uuid::now_v7();
    upload(&log, id, versions).await;
    (database, log, id)
}

/// Uploads so many more versions.
async fn upload(log: &Log, id: Uuid, versions: usize) {
    let loaded = log.load::<Template>(id).await.unwrap();
    let mut template = loaded.state;
    let mut commit = nothing();
    commit.streams = vec![StreamAppend {
        stream_type: "template",
        stream_id: id,
        expected: loaded.version,
        events: vec![],
    }];
    for _ in 0..versions {
        let command = TemplateCommand::Upload {
            code: "lettre".to_owned(),
            file_name: "lettre.odt".to_owned(),
            format: OfficeFormat::Odt,
            file: Digest::of(Uuid::now_v7().as_bytes()),
            fields: vec![],
            at: "2026-11-23T12:00:00Z".parse().unwrap(),
        };
        for event in template.decide(command).unwrap() {
            let stored = NewEvent::of(
                &event,
                r#"{"command":"00000000-0000-0000-0000-000000000000","actor":"navette"}"#,
            );
            commit.streams[0].events.push(stored.unwrap());
            template = template.evolve(event);
        }
    }
    log.append(commit).await.unwrap();
}

async fn kept(log: &Log, id: Uuid) -> Option<i64> {
    sqlx::query_scalar("SELECT version FROM snapshots WHERE stream_id = $1")
        .bind(id)
        .fetch_optional(log.pool())
        .await
        .unwrap()
}

/// Loads it until a snapshot of this version is kept.
async fn until_kept(log: &Log, id: Uuid, version: i64) {
    let kept = async {
        while kept(log, id).await != Some(version) {
            log.load::<Template>(id).await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_mins(1), kept)
        .await
        .unwrap();
}

async fn drop_all(log: &Log) {
    sqlx::query("DELETE FROM snapshots")
        .execute(log.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_long_stream_is_loaded_the_same_with_its_snapshot_and_without() {
    let (_database, log, id) = template(250).await;
    until_kept(&log, id, 250).await;
    for more in [0, 1, 40, 120] {
        if more > 0 {
            upload(&log, id, more).await;
        }
        let with = log.load::<Template>(id).await.unwrap();
        assert!(kept(&log, id).await.is_some());
        drop_all(&log).await;
        assert_eq!(with, log.load::<Template>(id).await.unwrap());
        until_kept(&log, id, with.version).await;
    }
}

#[tokio::test]
async fn only_a_snapshot_of_these_rules_and_of_these_events_is_used() {
    let (_database, log, id) = template(10).await;
    let right = log.load::<Template>(id).await.unwrap();
    // What the events never said, so that one sees whether it is used.
    let other = r#""Unborn""#;
    let snapshot = |rules: &str, version| Snapshot {
        stream: id,
        version,
        state: other.to_owned(),
        digest: Snapshot::digest::<Template>(rules, id, version, other),
    };
    snapshot(RULES, 10).write(log.pool()).await.unwrap();
    let used = log.load::<Template>(id).await.unwrap();
    assert_eq!((used.state, used.version), (Template::Unborn, 10));

    snapshot("other rules", 10).write(log.pool()).await.unwrap();
    assert_eq!(log.load::<Template>(id).await.unwrap(), right);
    for damage in [
        "UPDATE snapshots SET hash = sha256('another event')",
        "UPDATE snapshots SET version = 9",
        "UPDATE snapshots SET state = '{'",
        r#"UPDATE snapshots SET state = ' "Unborn"'"#,
        "UPDATE snapshots SET digest = hash",
    ] {
        snapshot(RULES, 10).write(log.pool()).await.unwrap();
        sqlx::query(damage).execute(log.pool()).await.unwrap();
        assert_eq!(log.load::<Template>(id).await.unwrap(), right, "{damage}");
    }
}

#[tokio::test]
async fn a_short_stream_and_one_about_people_get_no_snapshot() {
    let (_database, log, id) = template(100).await;
    let dossier = Uuid::now_v7();
    log.append(commit(dossier, 0, 300)).await.unwrap();
    log.load::<Template>(id).await.unwrap();
    log.load::<Dossier>(dossier).await.unwrap();
    let people = [
        Dossier::SNAPSHOTS,
        navette_domain::third_party::ThirdParty::SNAPSHOTS,
        navette_domain::document::Document::SNAPSHOTS,
        navette_domain::signature::Signature::SNAPSHOTS,
        navette_domain::batch::Batch::SNAPSHOTS,
    ];
    assert_eq!(people, [false; 5]);
    // A longer one, loaded later, is kept: theirs would be there by now.
    let long = Uuid::now_v7();
    upload(&log, long, 101).await;
    until_kept(&log, long, 101).await;
    assert_eq!(
        (kept(&log, id).await, kept(&log, dossier).await),
        (None, None)
    );
}
