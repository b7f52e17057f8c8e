//! The log against a real PostgreSQL, with several writers, several processes and broken connections.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod loading;
mod lost_answers;
mod snapshots;

use super::*;
use crate::postgres::test_cluster::TestDatabase;
use futures::future::join_all;
use navette_domain::{
    digest::Digest,
    dossier::Dossier,
    event::Recorded,
    ids::{BatchId, CommandId},
    proof::HASHED_BEFORE_FIRST,
    upcast::Written,
};
use sqlx::migrate::Migrator;
use std::collections::HashMap;

/// The tables of the shell.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// The log of one more process.
pub(crate) fn log_of(database: &TestDatabase) -> Log {
    let pool = &database.pool;
    Log::of_tests(pool.clone())
}

/// A commit of a fresh command that adds so many events to one stream.
pub(crate) fn commit(stream: Uuid, expected: i64, events: usize) -> Commit {
    Commit {
        streams: vec![on(stream, expected, events)],
        ..nothing()
    }
}

/// A commit of a fresh command that changes nothing yet.
pub(crate) fn nothing() -> Commit {
    let command = Uuid::now_v7();
    Commit {
        command: CommandId(command),
        content: Digest::of(command.as_bytes()),
        streams: vec![],
        finished: None,
        begun: vec![],
        handed: None,
        dropped: vec![],
        held: vec![],
    }
}

fn on(stream: Uuid, expected: i64, events: usize) -> StreamAppend {
    let event = NewEvent {
        event_type: "dossier.taken_up".into(),
        event_version: 1,
        payload: r#"{"type":"dossier.taken_up","at":"2026-11-23T12:00:00Z"}"#.into(),
        metadata: format!(r#"{{"command":"{}","actor":"navette"}}"#, Uuid::nil()),
    };
    StreamAppend {
        stream_type: "dossier",
        stream_id: stream,
        expected,
        events: vec![event; events],
    }
}

/// The whole log as (position, stream, version), after checking that it is one.
async fn read_through(pool: &PgPool) -> Vec<(i64, Uuid, i64)> {
    let events = Log::of_tests(pool.clone())
        .stored(0, i64::MAX)
        .await
        .unwrap();
    let mut heads: HashMap<Uuid, (i64, Digest)> = HashMap::new();
    for (event, dense) in events.iter().zip(1..) {
        assert_eq!(event.position, dense, "positions are dense");
        let head = heads.entry(event.stream_id);
        let (version, hash) = head.or_insert((0, HASHED_BEFORE_FIRST));
        *version += 1;
        assert_eq!(
            event.version, *version,
            "streams are contiguous, in the order of the log"
        );
        *hash = event.hash_after(hash);
        assert_eq!(event.hash, *hash, "each event is chained to the one before");
    }
    events
        .iter()
        .map(|event| (event.position, event.stream_id, event.version))
        .collect()
}

/// Two commits of one group may follow each other on one stream.
#[tokio::test]
async fn every_event_is_chained_to_the_one_before_it_in_its_stream() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    let both = Commit {
        streams: vec![on(one, 0, 2), on(other, 0, 3)],
        ..nothing()
    };
    let waiting = [both, commit(one, 2, 2), commit(one, 4, 1)].map(|commit| log.append(commit));
    for answer in join_all(waiting).await {
        answer.unwrap();
    }
    log.append(commit(other, 3, 1)).await.unwrap();
    assert_eq!(read_through(&database.pool).await.len(), 9);
    let stream = log.stored_stream(one).await.unwrap();
    let versions: Vec<_> = stream.iter().map(|event| event.version).collect();
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_dense_and_streams_contiguous_with_sixteen_writers_in_two_processes() {
    const COMMITS: usize = 20;
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let processes = [(); 2].map(|()| log_of(&database));
    let streams: [Uuid; 4] = std::array::from_fn(|_| Uuid::now_v7());
    let writers = (0..16).map(|writer| {
        let log = processes[writer % 2].clone();
        tokio::spawn(async move {
            let mut conflicts = 0;
            for turn in 0..COMMITS {
                let stream = streams[(writer + turn) % streams.len()];
                let mut expected = 0;
                while let Err(refusal) = log.append(commit(stream, expected, 1 + turn % 3)).await {
                    let AppendRefusal::Conflict { actual, .. } = refusal else {
                        panic!("{refusal}");
                    };
                    conflicts += 1;
                    expected = actual;
                }
            }
            conflicts
        })
    });
    let mut conflicts = 0;
    for writer in join_all(writers).await {
        conflicts += writer.unwrap();
    }
    assert!(conflicts > 0, "the writers did not meet");
    let events: usize = (0..COMMITS).map(|turn| 1 + turn % 3).sum();
    assert_eq!(read_through(&database.pool).await.len(), 16 * events);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_commands_on_one_version_exactly_one_wins() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let processes = [(); 2].map(|()| log_of(&database));
    let stream = Uuid::now_v7();
    let answers = (0..50).map(|rank| processes[rank % 2].append(commit(stream, 0, 2)));
    let answers = join_all(answers).await;
    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won, 1);
    for refusal in answers.into_iter().filter_map(Result::err) {
        assert_eq!(refusal, AppendRefusal::Conflict { stream, actual: 2 });
    }
    assert_eq!(read_through(&database.pool).await.len(), 2);
}

#[tokio::test]
async fn a_repeated_command_gets_its_first_answer_and_changes_nothing() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let asked = commit(Uuid::now_v7(), 0, 2);
    let first = log.append(asked.clone()).await.unwrap();
    log.append(commit(Uuid::now_v7(), 0, 1)).await.unwrap();
    let again = log_of(&database).append(asked.clone()).await;
    assert_eq!(
        again,
        Ok(Appended {
            replayed: true,
            ..first
        })
    );
    let receipt = log.receipt(asked.command).await.unwrap().unwrap();
    let replayed = Appended {
        replayed: true,
        ..first
    };
    assert!(log.is_receipt_of(receipt.0, asked.content));
    assert_eq!(receipt.1, replayed);
    assert_eq!(read_through(&database.pool).await.len(), 3);
}

#[tokio::test]
async fn a_command_id_used_for_another_content_is_refused() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let asked = commit(Uuid::now_v7(), 0, 1);
    log.append(asked.clone()).await.unwrap();
    let other = Commit {
        content: Digest::of(b"something else"),
        ..asked
    };
    assert_eq!(log.append(other).await, Err(AppendRefusal::KeyReused));
    assert_eq!(read_through(&database.pool).await.len(), 1);
}

#[tokio::test]
async fn a_commit_in_conflict_writes_nothing_and_does_not_disturb_those_written_with_it() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let [one, other, third] = std::array::from_fn(|_| Uuid::now_v7());
    let torn = Commit {
        streams: vec![on(one, 0, 1), on(other, 7, 1)],
        held: vec![(BatchId(one), true)],
        ..nothing()
    };
    // On this one thread all three are waiting before the appender looks: they are written together.
    let (torn, written, follows) = tokio::join!(
        log.append(torn),
        log.append(commit(third, 0, 2)),
        log.append(commit(third, 2, 1)),
    );
    let actual = AppendRefusal::Conflict {
        stream: other,
        actual: 0,
    };
    assert_eq!(torn, Err(actual));
    assert_eq!((written.unwrap().version, follows.unwrap().version), (2, 3));
    let written = read_through(&database.pool).await;
    assert!(
        written.iter().all(|(_, stream, _)| *stream == third),
        "{written:?}"
    );
    let held: i64 = sqlx::query_scalar("SELECT count(*) FROM batch_holds")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(held, 0);
}

#[tokio::test]
async fn what_is_in_the_log_cannot_be_changed_or_removed() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    log.append(commit(Uuid::now_v7(), 0, 3)).await.unwrap();
    for change in [
        "UPDATE events SET payload = '{}' WHERE position = 1",
        "DELETE FROM events WHERE position = 3",
        "TRUNCATE events",
    ] {
        let refused = sqlx::query(change)
            .execute(&database.pool)
            .await
            .unwrap_err();
        let code = refused
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        assert_eq!(code.as_deref(), Some("42501"), "{change}: {refused}");
    }
    assert_eq!(read_through(&database.pool).await.len(), 3);
}

#[tokio::test]
async fn what_another_process_writes_is_heard() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let [here, there] = [(); 2].map(|()| log_of(&database));
    let mut head = here.head();
    let listening = tokio::spawn({
        let here = here.clone();
        async move { here.listen().await }
    });
    let written = there.append(commit(Uuid::now_v7(), 0, 2)).await.unwrap();
    head.wait_for(|head| *head == written.position)
        .await
        .unwrap();
    listening.abort();
}

/// A past that never was: `dossier.opened` is now told by two events, `dossier.looked_at` by none.
const PAST: &[Upcaster] = &[
    Upcaster {
        event_type: "dossier.opened",
        version: 1,
        reads_as: |payload| {
            let at = &payload["at"];
            let written = |name: &str| Written {
                event_type: name.to_owned(),
                version: 1,
                payload: serde_json::json!({ "type": name, "at": at }),
            };
            Ok(vec![
                written("dossier.completed"),
                written("dossier.taken_up"),
            ])
        },
    },
    Upcaster {
        event_type: "dossier.looked_at",
        version: 1,
        reads_as: |_| Ok(vec![]),
    },
];

#[tokio::test]
async fn a_stored_event_that_reads_as_several_or_none_still_counts_for_one_position() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = Log {
        upcasters: PAST,
        ..log_of(&database)
    };
    let stream = Uuid::now_v7();
    for (expected, name) in (0..).zip(["dossier.opened", "dossier.looked_at", "dossier.looked_at"])
    {
        let mut written = commit(stream, expected, 1);
        written.streams[0].events[0].event_type = name.to_owned();
        log.append(written).await.unwrap();
    }
    let told = |events: &[Recorded]| -> Vec<_> {
        events
            .iter()
            .map(|read| (read.position, read.version, read.event_type.clone()))
            .collect()
    };
    let two = [
        (1, 1, "dossier.completed".to_owned()),
        (1, 1, "dossier.taken_up".to_owned()),
    ];
    let first = log.read(0, 1).await.unwrap();
    assert_eq!(told(&first.events), two);
    assert_eq!((first.last, first.more), (1, true));
    // Nothing to apply, and yet the reader goes on.
    let second = log.read(1, 1).await.unwrap();
    assert_eq!(
        (second.events.len(), second.last, second.more),
        (0, 2, true)
    );
    let rest = log.read(2, 2).await.unwrap();
    assert_eq!((rest.events.len(), rest.last, rest.more), (0, 3, false));
    assert_eq!(told(&log.stream(stream).await.unwrap()), two);
    let loaded = log.load::<Dossier>(stream).await.unwrap();
    assert_eq!(loaded.version, 3);
}

/// Whoever hangs in the middle of a statement or dies does not matter: there is no middle.
#[tokio::test]
async fn a_process_that_stops_after_any_answer_of_the_database_holds_no_lock() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    log.append(commit(Uuid::now_v7(), 0, 1)).await.unwrap();
    // The appender has its answer, and says nothing more.
    let held: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .fetch_one(&database.pool)
    .await
    .unwrap();
    assert_eq!(held, 0);
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
    )
    .fetch_one(&database.pool)
    .await
    .unwrap();
    assert_eq!(open, 0);
}

#[tokio::test]
async fn the_database_hashes_whatever_text_it_is_given_as_the_domain_does() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let stream = Uuid::now_v7();
    let texts = [
        "",
        "é € 𝄞",
        "\\x41 \\ \"quoted\" 'twice' $1 %",
        "a\nb\tc\r",
        "{\"at\":\"2026\"}",
    ];
    for (expected, text) in (0..).zip(texts) {
        let mut written = commit(stream, expected, 1);
        let event = &mut written.streams[0].events[0];
        event.payload = text.to_owned();
        event.metadata = text.repeat(3000);
        event.event_version = i16::MAX;
        log.append(written).await.unwrap();
    }
    assert_eq!(read_through(&database.pool).await.len(), texts.len());
}

#[tokio::test]
async fn a_thousand_streams_are_written_by_one_commit() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let streams: Vec<_> = (0..1200).map(|_| on(Uuid::now_v7(), 0, 2)).collect();
    let appended = log
        .append(Commit {
            streams,
            ..nothing()
        })
        .await
        .unwrap();
    assert_eq!((appended.version, appended.position), (2, 2400));
    assert_eq!(read_through(&database.pool).await.len(), 2400);
}
