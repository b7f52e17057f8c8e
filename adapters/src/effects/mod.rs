//! Outside work that is not done yet: claimed under leases, fairly over batches, and fenced.
//!
//! An effect appears and goes in the log's own transactions (`log::append`); here it is only claimed, put
//! back, and kept.

mod begun;
mod nodes;
#[cfg(all(test, feature = "sim"))]
mod tests;
mod trays;

pub use begun::Begun;

use crate::{log::HandedEffect, postgres::by_index};
use navette_domain::{
    chain::{Effect, StepId, Work},
    ids::{BatchId, DocumentId, EffectId},
    ports::Neighbour,
};
use sqlx::{PgPool, types::Json};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// An effect that this process carries out, until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// What to do. It is doubtful if any process ever claimed it before.
    pub effect: Effect,
    /// The fence: a result reported under another lease is refused.
    pub lease: Uuid,
    /// Failed attempts in a row before this one.
    pub failures: u32,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    document_id: Uuid,
    batch_id: Uuid,
    step: String,
    work: Json<Work>,
    was_doubtful: bool,
    failures: i32,
    lease_token: Uuid,
}

impl From<Row> for Claimed {
    fn from(row: Row) -> Self {
        Self {
            effect: Effect {
                id: EffectId(row.id),
                document: DocumentId(row.document_id),
                batch: BatchId(row.batch_id),
                step: StepId(row.step),
                work: row.work.0,
                doubtful: row.was_doubtful,
            },
            lease: row.lease_token,
            failures: u32::try_from(row.failures).unwrap_or(0),
        }
    }
}

/// What does not move on for a while, whatever waits for it; it is still cleaned up behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldBack {
    /// These documents.
    pub documents: Vec<Uuid>,
    /// The documents of these batches.
    pub batches: Vec<Uuid>,
}

/// The effects of one database, for one named process.
#[derive(Debug, Clone)]
pub struct Effects {
    held_back: Arc<Mutex<HeldBack>>,
    pool: PgPool,
    /// For claims alone.
    claims: PgPool,
    owner: String,
    lease: Duration,
}

/// One claims and looks for what is due; in the tests, another claims at the same time.
const CLAIMS: u32 = 2;

/// The neighbour of this stored name.
fn neighbour(code: &str) -> Option<Neighbour> {
    Neighbour::ALL.into_iter().find(|of| of.code() == code)
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

impl Effects {
    /// `owner` must name one living process only; a lease that is not renewed for `lease` is free again.
    pub fn new(pool: PgPool, owner: String, lease: Duration) -> Self {
        Self {
            claims: by_index(&pool, CLAIMS),
            pool,
            owner,
            lease,
            held_back: Arc::default(),
        }
    }

    /// Frees what this process held before it was killed. To be called once, before anything is claimed. Each
    /// counts as a failure: what kills every process that tries it must stop in the end.
    pub async fn free_own(&self) -> sqlx::Result<u64> {
        let freed = sqlx::query("UPDATE effects SET lease_token = NULL, lease_owner = NULL, lease_until = NULL, failures = failures + 1 WHERE lease_owner = $1")
            .bind(&self.owner)
            .execute(&self.pool)
            .await?;
        Ok(freed.rows_affected())
    }

    /// Frees what any process stopped renewing, which counts as a failure too.
    pub async fn free_expired(&self) -> sqlx::Result<u64> {
        let freed = sqlx::query(
            "UPDATE effects SET lease_token = NULL, lease_owner = NULL, lease_until = NULL,
                 failures = failures + 1
             WHERE lease_token IS NOT NULL AND lease_until < clock_timestamp()",
        )
        .execute(&self.pool)
        .await?;
        Ok(freed.rows_affected())
    }

    /// Keeps what this process carries out.
    pub async fn renew(&self, leases: &[Uuid]) -> sqlx::Result<()> {
        sqlx::query("UPDATE effects SET lease_until = clock_timestamp() + make_interval(secs => $2) WHERE lease_token = ANY($1)")
            .bind(leases)
            .bind(seconds(self.lease))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// From now on, this process claims nothing that moves these on.
    pub fn hold_back(&self, held_back: HeldBack) {
        *self
            .held_back
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = held_back;
    }

    /// Whether this process is to claim nothing that moves the document of this effect on.
    pub fn holds_back(&self, effect: &Effect) -> bool {
        let held_back = self.held_back.lock();
        let held_back = held_back.unwrap_or_else(PoisonError::into_inner);
        held_back.documents.contains(&effect.document.0)
            || held_back.batches.contains(&effect.batch.0)
    }

    /// An effect that begins, to be leased to this process by the commit that begins it.
    pub fn hand(&self, claimed: &Claimed) -> HandedEffect {
        HandedEffect {
            id: claimed.effect.id,
            lease: claimed.lease,
            owner: self.owner.clone(),
            lasts: self.lease,
        }
    }

    /// Puts back what was perhaps handed over, and was not begun.
    pub async fn give_back(&self, handed: &Claimed) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE effects SET lease_token = NULL, lease_owner = NULL, lease_until = NULL
             WHERE id = $1 AND lease_token = $2",
        )
        .bind(handed.effect.id.0)
        .bind(handed.lease)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Claims at most `limit` effects of `neighbour` that are due, one batch after the other in turn.
    pub async fn claim(&self, neighbour: Neighbour, limit: usize) -> sqlx::Result<Vec<Claimed>> {
        let held_back = self.held_back.lock();
        let HeldBack { documents, batches } =
            held_back.unwrap_or_else(PoisonError::into_inner).clone();
        let rows: Vec<Row> = sqlx::query_as(include_str!("claim.sql"))
            .bind(neighbour.code())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .bind(&self.owner)
            .bind(seconds(self.lease))
            .bind(documents)
            .bind(batches)
            .fetch_all(&self.claims)
            .await?;
        Ok(rows.into_iter().map(Claimed::from).collect())
    }

    /// Puts back an effect that has nothing to do yet: it is looked at again `after` a while.
    pub async fn look_again(&self, claimed: &Claimed, after: Duration) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE effects
             SET lease_token = NULL, lease_owner = NULL, lease_until = NULL, failures = 0, last_error = NULL,
                 run_at = clock_timestamp() + make_interval(secs => $3)
             WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.effect.id.0)
        .bind(claimed.lease)
        .bind(seconds(after))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Puts back an effect that failed, to be tried again `after` a while.
    pub async fn try_again(
        &self,
        claimed: &Claimed,
        after: Duration,
        spent: bool,
        error: &str,
    ) -> sqlx::Result<()> {
        let failures = claimed.failures + u32::from(spent);
        sqlx::query(
            "UPDATE effects
             SET lease_token = NULL, lease_owner = NULL, lease_until = NULL,
                 run_at = clock_timestamp() + make_interval(secs => $3), failures = $4, last_error = $5
             WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.effect.id.0)
        .bind(claimed.lease)
        .bind(seconds(after))
        .bind(i32::try_from(failures).unwrap_or(i32::MAX))
        // PostgreSQL's texts hold no such character.
        .bind(error.replace('\0', ""))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Leaves a neighbour alone for a while; the sentence says why.
    pub async fn hold_neighbour(
        &self,
        neighbour: Neighbour,
        pause: Duration,
        sentence: &str,
    ) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO neighbour_holds (neighbour, until, sentence)
             VALUES ($1, clock_timestamp() + make_interval(secs => $2), $3)
             ON CONFLICT (neighbour) DO UPDATE SET until = EXCLUDED.until, sentence = EXCLUDED.sentence",
        )
        .bind(neighbour.code())
        .bind(seconds(pause))
        .bind(sentence)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The neighbours that have effects due now.
    pub async fn due(&self) -> sqlx::Result<Vec<Neighbour>> {
        let all: Vec<&str> = Neighbour::ALL.iter().map(|of| of.code()).collect();
        let due: Vec<(String,)> = sqlx::query_as(
            "SELECT code FROM unnest($1::text[]) AS each (code) WHERE EXISTS (
                 SELECT FROM effects
                 WHERE neighbour = code AND lease_token IS NULL AND run_at <= statement_timestamp()
             )",
        )
        .bind(all)
        .fetch_all(&self.claims)
        .await?;
        Ok(due.iter().filter_map(|(code,)| neighbour(code)).collect())
    }

    /// How many effects are not done.
    pub async fn waiting(&self) -> sqlx::Result<i64> {
        let (waiting,): (i64,) = sqlx::query_as("SELECT count(*) FROM effects")
            .fetch_one(&self.pool)
            .await?;
        Ok(waiting)
    }
}
