//! Batches, and which dossiers they hold. How far they are is told by their documents
//! ([`crate::documents::progress`]), so that nothing is counted twice.

mod filter;

pub use filter::{BatchFilter, BatchOrder, BatchOrderField};

use crate::{Projector, condition::key, kinds::BatchState, scope::Scope};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    batch::{self, BatchEvent},
    event::{Event, Recorded},
};
use sqlx::{PgConnection, PgPool, QueryBuilder};
use uuid::Uuid;

/// One batch.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "BatchRow")]
pub struct BatchRow {
    /// Its id.
    pub id: Uuid,
    /// What its clerk calls it.
    pub label: String,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: BatchState,
    /// The chain.
    pub chain_id: Uuid,
    /// The chain's version it stays on.
    pub chain_version: i32,
    /// The template.
    pub template_id: Uuid,
    /// The template's version it stays on.
    pub template_version: i32,
    /// How many dossiers it holds.
    pub dossier_count: i32,
    /// Who started it.
    pub requested_by: String,
    /// Why it was cancelled.
    pub reason: Option<String>,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When it was completed or cancelled.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Keeps `batches` and `batch_dossiers`.
#[derive(Debug)]
pub struct Batches;

const SCHEMA: &str = concat!(
    "
CREATE TABLE batches (
    id uuid PRIMARY KEY,
    label text COLLATE \"C\" NOT NULL,
    state text NOT NULL,
    chain_id uuid NOT NULL,
    chain_version integer NOT NULL,
    template_id uuid NOT NULL,
    template_version integer NOT NULL,
    dossier_count integer NOT NULL,
    requested_by text COLLATE \"C\" NOT NULL,
    reason text,
    version bigint NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX ON batches (started_at, id);
CREATE INDEX ON batches (label, id);
CREATE INDEX ON batches (dossier_count, id);
CREATE INDEX ON batches (",
    key!(date "ended_at"),
    ", id);
CREATE TABLE batch_dossiers (
    batch_id uuid NOT NULL,
    place integer NOT NULL,
    dossier_id uuid NOT NULL,
    PRIMARY KEY (batch_id, place)
);
CREATE INDEX ON batch_dossiers (dossier_id);
"
);

#[async_trait]
impl Projector for Batches {
    fn name(&self) -> &'static str {
        "batches"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["batches", "batch_dossiers"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let Event::Batch(event) = &recorded.event else {
            return Ok(());
        };
        let (state, reason, ended) = match event {
            BatchEvent::Started { order, at } => {
                return started(connection, recorded, order, *at).await;
            }
            BatchEvent::Paused { .. } => (BatchState::Paused, None, None),
            BatchEvent::Resumed { .. } => (BatchState::Running, None, None),
            BatchEvent::Cancelled { reason, at } => (BatchState::Cancelled, Some(reason), Some(at)),
            BatchEvent::Completed { at } => (BatchState::Completed, None, Some(at)),
        };
        sqlx::query(
            "UPDATE batches SET version = $2, state = $3, reason = $4, ended_at = $5 WHERE id = $1",
        )
        .bind(recorded.stream_id)
        .bind(recorded.version)
        .bind(state.as_str())
        .bind(reason)
        .bind(ended)
        .execute(connection)
        .await?;
        Ok(())
    }
}

async fn started(
    connection: &mut PgConnection,
    recorded: &Recorded,
    order: &batch::Order,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    sqlx::query(
        "INSERT INTO batches (id, version, label, state, chain_id, chain_version, template_id,
            template_version, dossier_count, requested_by, started_at)
         VALUES ($1, $2, $3, 'running', $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(recorded.stream_id)
    .bind(recorded.version)
    .bind(&order.label)
    .bind(order.chain.chain.0)
    .bind(number(order.chain.version))
    .bind(order.template.template.0)
    .bind(number(order.template.version))
    .bind(i32::try_from(order.dossiers.len()).unwrap_or(i32::MAX))
    .bind(&order.requested_by)
    .bind(at)
    .execute(&mut *connection)
    .await?;
    let dossiers: Vec<Uuid> = order.dossiers.iter().map(|dossier| dossier.0).collect();
    sqlx::query(
        "INSERT INTO batch_dossiers (batch_id, place, dossier_id)
         SELECT $1, place, dossier FROM unnest($2::uuid[]) WITH ORDINALITY AS listed (dossier, place)",
    )
    .bind(recorded.stream_id)
    .bind(dossiers)
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<BatchRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM batches WHERE id = ANY(");
    query.push_bind(ids.to_vec()).push(") AND ");
    scope.sees_batch(&mut query, "batches.id");
    query.build_query_as().fetch_all(pool).await
}

/// The batches of these chains that are not over.
pub async fn of_chains(pool: &PgPool, chains: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "SELECT id FROM batches WHERE state IN ('running', 'paused') AND chain_id = ANY($1)",
    )
    .bind(chains.to_vec())
    .fetch_all(pool)
    .await
}

/// The batches whose documents have all ended, and which nobody has completed yet. All the documents of a
/// batch are asked for before any of them ends, so a projection that lags tells no lie.
pub async fn ended(pool: &PgPool) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(
        "SELECT id FROM batches
         WHERE state IN ('running', 'paused')
           AND EXISTS (SELECT FROM documents WHERE documents.batch_id = batches.id)
           AND NOT EXISTS (
               SELECT FROM documents
               WHERE documents.batch_id = batches.id AND documents.status NOT IN ('delivered', 'cancelled')
           )",
    )
    .fetch_all(pool)
    .await
}
