//! Streams that are asked for together.

use super::*;
use navette_domain::signature::Signature;

async fn streams(log: &Log, count: i64) -> Vec<(Uuid, i64)> {
    let streams: Vec<_> = (1..=count).map(|events| (Uuid::now_v7(), events)).collect();
    for (stream, events) in &streams {
        let events = usize::try_from(*events).unwrap();
        log.append(commit(*stream, 0, events)).await.unwrap();
    }
    streams
}

#[tokio::test(flavor = "multi_thread")]
async fn of_streams_that_are_asked_for_together_each_gets_its_own_events() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let mut asked = streams(&log, 20).await;
    asked.extend_from_within(..);
    asked.push((Uuid::now_v7(), 0));
    let loads = asked.iter().map(|(stream, _)| log.load::<Dossier>(*stream));
    for (loaded, (_, events)) in join_all(loads).await.into_iter().zip(&asked) {
        assert_eq!(loaded.unwrap().version, *events);
    }
}

#[tokio::test]
async fn an_aggregate_of_another_kind_is_unborn_at_this_id() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let (stream, _) = streams(&log, 1).await[0];
    let loaded = log.load::<Signature>(stream).await.unwrap();
    assert_eq!(loaded, StreamState::default());
}

#[tokio::test]
async fn a_stream_is_read_although_the_connection_that_reads_was_cut() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let log = log_of(&database);
    let (stream, _) = streams(&log, 3).await[2];
    for _ in 0..2 {
        assert_eq!(log.load::<Dossier>(stream).await.unwrap().version, 3);
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .execute(&database.pool)
        .await
        .unwrap();
    }
    assert_eq!(log.load::<Dossier>(stream).await.unwrap().version, 3);
}
