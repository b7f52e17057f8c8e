//! Sealing against a real PostgreSQL: what is stored, what is read, with and without its key.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use crate::{
    log::{
        Commit, Log, NewEvent, StreamAppend,
        tests::{MIGRATIONS, log_of, nothing},
    },
    postgres::test_cluster::TestDatabase,
};
use chrono::DateTime;
use navette_domain::{
    event::{Event, Recorded},
    personal::Personal,
    third_party::{Profile, ThirdParty, ThirdPartyEvent},
};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    time::{Duration, Instant},
};

const NAME: &str = "Jeanne Le Goff";

fn profile(name: &str) -> Profile {
    Profile {
        name: Personal(name.to_owned()),
        ..Profile::erased()
    }
}

fn registered(name: &str) -> ThirdPartyEvent {
    ThirdPartyEvent::Registered {
        profile: profile(name),
        at: DateTime::UNIX_EPOCH,
    }
}

fn registration(stream: Uuid, name: &str) -> Commit {
    let metadata = format!(r#"{{"command":"{}","actor":"navette"}}"#, Uuid::nil());
    Commit {
        streams: vec![StreamAppend {
            stream_type: "third_party",
            stream_id: stream,
            expected: 0,
            events: vec![NewEvent::of(&registered(name), &metadata).unwrap()],
        }],
        ..nothing()
    }
}

async fn stored(database: &TestDatabase) -> String {
    sqlx::query_scalar("SELECT payload FROM events ORDER BY position DESC LIMIT 1")
        .fetch_one(&database.pool)
        .await
        .unwrap()
}

async fn name(log: &Log, stream: Uuid) -> String {
    let loaded = log.load::<ThirdParty>(stream).await.unwrap();
    loaded.state.profile().unwrap().name.reveal().clone()
}

/// Changes the stored payload of every event of a stream as only a superuser can.
async fn tamper(database: &TestDatabase, stream: Uuid, payload: &str) {
    let mut connection = database.pool.acquire().await.unwrap();
    sqlx::raw_sql("SET session_replication_role = replica")
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::query("UPDATE events SET payload = $2 WHERE stream_id = $1")
        .bind(stream)
        .bind(payload)
        .execute(&mut *connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_value_is_never_stored_as_it_is_and_reads_as_it_was() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let (log, stream) = (log_of(&database), Uuid::now_v7());
    log.append(registration(stream, NAME)).await.unwrap();
    let payload = stored(&database).await;
    assert!(payload.contains(r#"{"sealed":["#) && !payload.contains("Jeanne"));
    assert_eq!(name(&log, stream).await, NAME);
    // Another process, which must ask for the key.
    assert_eq!(name(&log_of(&database), stream).await, NAME);
    let recorded: Vec<Recorded> = log.read(0, 10).await.unwrap().events;
    assert_eq!(
        recorded[0].event,
        Event::ThirdParty(registered(NAME)),
        "readers of the whole log see it too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_value_is_never_sealed_twice_into_the_same_bytes() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let mut payloads = vec![];
    for _ in 0..2 {
        log.append(registration(Uuid::now_v7(), NAME))
            .await
            .unwrap();
        payloads.push(stored(&database).await);
    }
    let ciphertext = |payload: &String| {
        let (_, after) = payload.split_once(r#""profile",""#).unwrap();
        after.split_once('"').unwrap().0.to_owned()
    };
    assert_ne!(ciphertext(&payloads[0]), ciphertext(&payloads[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroyed_key_erases_for_every_node_within_seconds_and_only_its_subject() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let [here, there] = [(); 2].map(|()| log_of(&database));
    let (erased, other) = (Uuid::now_v7(), Uuid::now_v7());
    for stream in [erased, other] {
        here.append(registration(stream, NAME)).await.unwrap();
        assert_eq!(name(&there, stream).await, NAME, "both nodes know the key");
    }
    here.keys().destroy(erased).await.unwrap();
    assert_eq!(name(&here, erased).await, "[effacé]");
    let asked = Instant::now();
    while name(&there, erased).await == NAME {
        assert!(asked.elapsed() < Duration::from_secs(3), "never noticed");
        tokio::task::yield_now().await;
    }
    assert_eq!(name(&there, erased).await, "[effacé]");
    assert_eq!(name(&there, other).await, NAME);
    here.keys().destroy(erased).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_of_one_new_subject_agree_on_one_key() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let keys = [(); 2].map(|()| Keys::of_tests(database.pool.clone()));
    let subjects: BTreeSet<Uuid> = (0..50).map(|_| Uuid::now_v7()).collect();
    let asked = keys.iter().cycle().take(8).map(|keys| {
        let (keys, subjects) = (keys.clone(), subjects.clone());
        tokio::spawn(async move { keys.in_force(subjects).await.unwrap() })
    });
    let answers = futures::future::join_all(asked.collect::<Vec<_>>()).await;
    let ids = |answer: &InForce| {
        let ids: BTreeSet<Uuid> = answer.values().map(|(id, _)| *id).collect();
        ids
    };
    let first = ids(answers[0].as_ref().unwrap());
    assert_eq!(first.len(), subjects.len());
    for answer in &answers {
        assert_eq!(ids(answer.as_ref().unwrap()), first);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_asked_for_together_are_made_together() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let keys = Keys::of_tests(database.pool.clone());
    let busy = keys.making.clone().lock_owned().await;
    let subjects: Vec<Uuid> = (0..40).map(|_| Uuid::now_v7()).collect();
    let asked = subjects.iter().map(|subject| {
        let (keys, subject) = (keys.clone(), *subject);
        tokio::spawn(async move { keys.in_force(BTreeSet::from([subject])).await.unwrap() })
    });
    let asked: Vec<_> = asked.collect();
    while keys.waiting().len() < subjects.len() {
        tokio::task::yield_now().await;
    }
    // One of them gives up while it waits: the others have theirs all the same.
    asked[0].abort();
    drop(busy);
    for (subject, asked) in subjects.iter().zip(asked).skip(1) {
        assert!(asked.await.unwrap().contains_key(subject));
    }
    let (keys, statements): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT xmin::text) FROM keys.subject_keys")
            .fetch_one(&database.pool)
            .await
            .unwrap();
    assert_eq!((keys, statements), (40, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_over_one_connection_and_over_another_when_it_is_cut() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let makers = async || -> Vec<i32> {
        let makers = "SELECT pid FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'INSERT INTO keys.subject_keys%'";
        let makers = sqlx::query_scalar(makers).fetch_all(&database.pool);
        makers.await.unwrap()
    };
    let register = async || {
        let stream = Uuid::now_v7();
        log.append(registration(stream, NAME)).await.unwrap();
        assert_eq!(name(&log, stream).await, NAME);
    };
    register().await;
    let first = makers().await;
    assert_eq!(first.len(), 1);
    register().await;
    assert_eq!(makers().await, first);
    sqlx::query("SELECT pg_terminate_backend($1, 5000)")
        .bind(first[0])
        .execute(&database.pool)
        .await
        .unwrap();
    register().await;
    let second = makers().await;
    assert!(second.len() == 1 && second != first, "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_stored_before_sealing_is_read_as_it_is() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let (log, stream) = (log_of(&database), Uuid::now_v7());
    log.append(registration(stream, "X")).await.unwrap();
    let plain = serde_json::to_string(&registered(NAME)).unwrap();
    tamper(&database, stream, &plain).await;
    assert_eq!(name(&log, stream).await, NAME);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_value_opens_nowhere_but_where_it_was_sealed() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let (log, here, there) = (log_of(&database), Uuid::now_v7(), Uuid::now_v7());
    log.append(registration(here, NAME)).await.unwrap();
    let sealed = stored(&database).await;
    log.append(registration(there, "X")).await.unwrap();
    tamper(&database, there, &sealed).await;
    let moved = log.load::<ThirdParty>(there).await.unwrap_err();
    assert_eq!(moved.to_string(), "position 2 of the log cannot be read");
    assert_eq!(name(&log, here).await, NAME);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_never_there_is_a_fault_and_no_erasure() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let (log, stream) = (log_of(&database), Uuid::now_v7());
    log.append(registration(stream, NAME)).await.unwrap();
    sqlx::query("DELETE FROM keys.subject_keys")
        .execute(&database.pool)
        .await
        .unwrap();
    let lost = log_of(&database).load::<ThirdParty>(stream).await;
    assert!(matches!(
        lost,
        Err(crate::log::Reading::Keys(KeysFault::Missing(_)))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_cannot_pass_for_a_sealed_value() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let (log, stream) = (log_of(&database), Uuid::now_v7());
    let cunning = r#"{"sealed":["00000000-0000-0000-0000-000000000000","text","AAAA"]}"#;
    log.append(registration(stream, cunning)).await.unwrap();
    assert_eq!(name(&log, stream).await, cunning);
    let plain = serde_json::to_string(&registered(cunning)).unwrap();
    tamper(&database, stream, &plain).await;
    assert_eq!(name(&log, stream).await, cunning);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_tells_its_content_to_nobody_without_the_master_key() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let commit = registration(Uuid::now_v7(), NAME);
    log.append(commit.clone()).await.unwrap();
    let (receipt, _) = log.receipt(commit.command).await.unwrap().unwrap();
    assert_ne!(receipt, commit.content);
    assert!(log.is_receipt_of(receipt, commit.content));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_may_be_in_a_database_of_their_own() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let apart = TestDatabase::create(&sqlx::migrate::Migrator::DEFAULT)
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys/master");
    let keys = Keys::open(apart.pool.clone(), true, &file).await.unwrap();
    let (log, stream) = (Log::open(database.pool.clone(), keys), Uuid::now_v7());
    log.append(registration(stream, NAME)).await.unwrap();
    let beside: i64 = sqlx::query_scalar("SELECT count(*) FROM keys.subject_keys")
        .fetch_one(&database.pool)
        .await
        .unwrap();
    assert_eq!(beside, 0);
    let again = Keys::open(apart.pool.clone(), true, &file).await.unwrap();
    let again = Log::open(database.pool.clone(), again);
    assert_eq!(name(&again, stream).await, NAME);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_ours_alone_and_another_one_is_refused() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        let (pool, file) = (database.pool.clone(), folder.path().join(name));
        async move { Keys::open(pool, false, &file).await }
    };
    open("ours").await.unwrap();
    let ours = folder.path().join("ours");
    assert_eq!(
        fs::metadata(&ours).unwrap().permissions().mode() & 0o777,
        0o600
    );
    open("ours").await.unwrap();
    let gone = open("elsewhere").await.unwrap_err();
    assert!(matches!(gone, KeysFault::Master(MasterFault::Gone(_))));
    assert!(!folder.path().join("elsewhere").exists());
    fs::write(folder.path().join("foreign"), "ab".repeat(32)).unwrap();
    let mode = |name: &str, mode| {
        fs::set_permissions(folder.path().join(name), Permissions::from_mode(mode)).unwrap();
    };
    mode("foreign", 0o600);
    let foreign = open("foreign").await.unwrap_err();
    assert!(matches!(
        foreign,
        KeysFault::Master(MasterFault::Foreign(_))
    ));
    mode("ours", 0o640);
    let shown = open("ours").await.unwrap_err();
    assert!(matches!(shown, KeysFault::Master(MasterFault::Open(_))));
}
