//! A log that is sealed, published and verified; and what its administrator may try.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod archive;
mod publications;
mod rotation;
mod sealing;
mod tampering;
mod time_stamps;

use super::*;
use crate::{
    log::{
        Log,
        tests::{MIGRATIONS, commit},
    },
    postgres::test_cluster::TestDatabase,
};
use navette_domain::{digest::Digest, proof::SignedCheckpoint};
use sqlx::PgPool;
use tempfile::TempDir;
use uuid::Uuid;

/// A log, and the key that seals it.
struct Site {
    database: TestDatabase,
    log: Log,
    folder: TempDir,
    trust: Trust,
    streams: [Uuid; 3],
}

impl Site {
    async fn new() -> Self {
        let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
        let log = Log::of_tests(database.pool.clone());
        // The databases of tests are copies of one; real ones have an epoch each.
        log.begin_epoch("test").await.unwrap();
        let folder = TempDir::new().unwrap();
        let key = CheckpointKey::open(&folder.path().join("checkpoint.key")).unwrap();
        Self {
            log,
            database,
            trust: Trust {
                key: key.verifier(Uuid::nil()).public,
                authorities: None,
            },
            folder,
            streams: std::array::from_fn(|_| Uuid::now_v7()),
        }
    }

    /// Twenty-two events in three streams that take turns, sealed after twelve and after twenty: stream 0
    /// has positions 1, 4, 7 …, stream 1 has 2, 5, 8 …, stream 2 has 3, 6, 9 …
    async fn sealed() -> (Self, [SealedCheckpoint; 2]) {
        let site = Self::new().await;
        site.write(0..12).await;
        let first = site.seal().await;
        site.write(12..20).await;
        let second = site.seal().await;
        site.write(20..22).await;
        (site, [first, second])
    }

    async fn write(&self, events: std::ops::Range<i64>) {
        for event in events {
            let stream = self.streams[usize::try_from(event % 3).unwrap()];
            self.log.append(commit(stream, event / 3, 1)).await.unwrap();
        }
    }

    fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    fn key(&self) -> CheckpointKey {
        CheckpointKey::open(&self.folder.path().join("checkpoint.key")).unwrap()
    }

    fn sealer(&self) -> Sealer {
        Sealer::new(self.pool().clone(), self.key())
    }

    async fn seal(&self) -> SealedCheckpoint {
        self.sealer().seal().await.unwrap().unwrap()
    }

    /// What the administrator of the database does, past every trigger.
    async fn tamper(&self, statements: &str) {
        let mut transaction = self.pool().begin().await.unwrap();
        sqlx::raw_sql("SET LOCAL session_replication_role = replica")
            .execute(&mut *transaction)
            .await
            .unwrap();
        sqlx::raw_sql(statements)
            .execute(&mut *transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    }

    /// The faults, as they are told.
    async fn faults(&self, held: &[&SealedCheckpoint]) -> Vec<String> {
        let held: Vec<SignedCheckpoint> = held
            .iter()
            .map(|sealed| sealed.note.parse().unwrap())
            .collect();
        let report = verify(self.pool(), &self.trust, held).await.unwrap();
        told(&report)
    }
}

fn told(report: &Report) -> Vec<String> {
    assert_eq!(report.faults.more, 0, "{report}");
    report.faults.told.iter().map(ToString::to_string).collect()
}
