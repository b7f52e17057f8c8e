//! Batches, and which dossiers they hold. How far they are is told by their documents
//! ([`crate::documents::progress`]), so that nothing is counted twice.

use crate::{
    Projector,
    kinds::BatchState,
    page::{self, Count, ListFault, Order, PageRequest, Slice},
    scope::Scope,
};
use async_graphql::{InputObject, SimpleObject};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    batch::{self, BatchEvent},
    event::{Event, Recorded},
};
use serde::Serialize;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
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

/// Which batches: every condition that is given must hold.
#[derive(Debug, Clone, Default, InputObject, Serialize)]
pub struct BatchFilter {
    /// One of these states.
    pub state: Option<Vec<BatchState>>,
}

/// Keeps `batches` and `batch_dossiers`.
#[derive(Debug)]
pub struct Batches;

const SCHEMA: &str = "
CREATE TABLE batches (
    id uuid PRIMARY KEY,
    label text NOT NULL,
    state text NOT NULL,
    chain_id uuid NOT NULL,
    chain_version integer NOT NULL,
    template_id uuid NOT NULL,
    template_version integer NOT NULL,
    dossier_count integer NOT NULL,
    requested_by text NOT NULL,
    reason text,
    version bigint NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX ON batches (started_at, id);
CREATE TABLE batch_dossiers (
    batch_id uuid NOT NULL,
    place integer NOT NULL,
    dossier_id uuid NOT NULL,
    PRIMARY KEY (batch_id, place)
);
CREATE INDEX ON batch_dossiers (dossier_id);
";

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

/// One page of the batches that `scope` sees, the newest first.
pub async fn page(
    pool: &PgPool,
    scope: &Scope,
    filter: &BatchFilter,
    request: &PageRequest,
) -> Result<Slice<BatchRow>, ListFault> {
    let order = Order {
        key: "started_at",
        sql_type: "timestamptz",
        descending: true,
    };
    let narrow = |query: &mut QueryBuilder<'_, Postgres>| {
        conditions(query, scope, filter);
    };
    page::page(pool, "batches", order, request, &(scope, filter), narrow).await
}

/// How many they are.
pub async fn count(
    pool: &PgPool,
    scope: &Scope,
    filter: &BatchFilter,
) -> Result<Count, sqlx::Error> {
    page::count(pool, "batches", |query| {
        conditions(query, scope, filter);
    })
    .await
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

fn conditions(query: &mut QueryBuilder<'_, Postgres>, scope: &Scope, filter: &BatchFilter) {
    query.push(" AND ");
    scope.sees_batch(query, "batches.id");
    if let Some(states) = &filter.state {
        let names: Vec<&'static str> = states.iter().map(|state| state.as_str()).collect();
        query.push(" AND state = ANY(").push_bind(names).push(")");
    }
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
