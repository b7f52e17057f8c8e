//! Exports: what was asked, by whom, and what came of it.

mod filter;

pub use filter::{ExportFilter, ExportOrder, ExportOrderField};

use crate::{
    Projector,
    kinds::{ExportFormat, ExportState},
    list::List as _,
    scope::Scope,
};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    event::{Event, Recorded},
    export::{Choice, ExportEvent, Order},
};
use sqlx::{PgConnection, PgPool, QueryBuilder, types::Json};
use uuid::Uuid;

/// One export.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "ExportRow")]
pub struct ExportRow {
    /// Its id.
    pub id: Uuid,
    /// What whoever asked calls it.
    pub label: String,
    /// The form of its bytes.
    #[sqlx(try_from = "String")]
    pub format: ExportFormat,
    /// Its columns; none for the usual ones.
    #[graphql(skip)]
    pub columns: Json<Vec<Choice>>,
    /// Which dossiers.
    #[graphql(skip)]
    pub filter: Json<serde_json::Value>,
    /// The selection that was named instead of a filter.
    #[graphql(skip)]
    pub selection_id: Option<Uuid>,
    /// The services that whoever asked is limited to; all when empty.
    pub services: Vec<String>,
    /// The schemes that whoever asked is limited to; all when empty.
    pub schemes: Vec<String>,
    /// Whether its file is made for later; otherwise it went straight to whoever asked.
    pub kept: bool,
    /// Who asked.
    pub requested_by: String,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: ExportState,
    /// How many rows it has, once it is whole; before it stopped, if it did.
    pub rows: Option<i64>,
    /// How many bytes they are.
    pub bytes: Option<i64>,
    /// The SHA-256 of its bytes.
    pub file: Option<String>,
    /// Why it stopped.
    pub reason: Option<String>,
    /// How often its file was taken.
    pub downloads: i32,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it was completed, stopped or given up.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Keeps `exports`.
#[derive(Debug)]
pub struct Exports;

const SCHEMA: &str = r#"
CREATE TABLE exports (
    id uuid PRIMARY KEY,
    label text COLLATE "C" NOT NULL,
    format text NOT NULL,
    columns jsonb NOT NULL,
    filter jsonb NOT NULL,
    selection_id uuid,
    services text[] NOT NULL,
    schemes text[] NOT NULL,
    kept boolean NOT NULL,
    requested_by text COLLATE "C" NOT NULL,
    state text NOT NULL,
    rows bigint,
    bytes bigint,
    file text,
    reason text,
    downloads integer NOT NULL,
    version bigint NOT NULL,
    requested_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX ON exports (requested_at, id);
CREATE INDEX ON exports (label, id);
CREATE INDEX ON exports (requested_by, requested_at, id);
CREATE INDEX ON exports (requested_by, label, id);
CREATE INDEX ON exports (requested_at, id) WHERE state = 'requested';
CREATE INDEX ON exports (ended_at) WHERE state = 'completed' AND kept;
CREATE INDEX ON exports (file) WHERE state = 'completed' AND kept;
"#;

#[async_trait]
impl Projector for Exports {
    fn name(&self) -> &'static str {
        "exports"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["exports"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let Event::Export(event) = &recorded.event else {
            return Ok(());
        };
        let change = |sql| {
            sqlx::query(sql)
                .bind(recorded.stream_id)
                .bind(recorded.version)
        };
        let statement = match event {
            ExportEvent::Requested { order, at } => {
                return requested(connection, recorded, order, *at).await;
            }
            ExportEvent::Completed { made, at } => change(
                "UPDATE exports SET version = $2, state = 'completed', rows = $3, bytes = $4, file = $5,
                     ended_at = $6
                 WHERE id = $1",
            )
            .bind(i64::try_from(made.rows).unwrap_or(i64::MAX))
            .bind(i64::try_from(made.bytes).unwrap_or(i64::MAX))
            .bind(made.file.to_string())
            .bind(at),
            ExportEvent::Failed { reason, rows, at } => change(
                "UPDATE exports SET version = $2, state = 'failed', rows = $3, reason = $4, ended_at = $5
                 WHERE id = $1",
            )
            .bind(i64::try_from(*rows).unwrap_or(i64::MAX))
            .bind(reason)
            .bind(at),
            ExportEvent::Cancelled { at } => change(
                "UPDATE exports SET version = $2, state = 'cancelled', ended_at = $3 WHERE id = $1",
            )
            .bind(at),
            ExportEvent::Downloaded { .. } => {
                change("UPDATE exports SET version = $2, downloads = downloads + 1 WHERE id = $1")
            }
            ExportEvent::Expired { .. } => {
                change("UPDATE exports SET version = $2, state = 'expired' WHERE id = $1")
            }
        };
        statement.execute(connection).await?;
        Ok(())
    }
}

async fn requested(
    connection: &mut PgConnection,
    recorded: &Recorded,
    order: &Order,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO exports (id, version, state, downloads, label, format, columns, filter, services,
            schemes, kept, requested_by, requested_at, selection_id)
         VALUES ($1, $2, 'requested', 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(recorded.stream_id)
    .bind(recorded.version)
    .bind(&order.label)
    .bind(order.format.code())
    .bind(Json(&order.columns))
    .bind(Json(&order.filter))
    .bind(&order.services)
    .bind(&order.schemes)
    .bind(order.kept)
    .bind(&order.requested_by)
    .bind(at)
    .bind(order.selection.map(|selection| selection.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the exports of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<ExportRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM exports WHERE id = ANY(");
    query.push_bind(ids.to_vec()).push(")");
    ExportFilter::seen(&mut query, scope);
    query.build_query_as().fetch_all(pool).await
}

/// The exports whose file is to be made, the oldest first.
pub async fn to_make(pool: &PgPool) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM exports WHERE state = 'requested' AND kept ORDER BY requested_at, id LIMIT 100",
    )
    .fetch_all(pool)
    .await
}

/// The exports that went straight to whoever asked, before this time, and never came to an end.
pub async fn abandoned(pool: &PgPool, before: DateTime<Utc>) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM exports WHERE state = 'requested' AND NOT kept AND requested_at < $1 LIMIT 100",
    )
    .bind(before)
    .fetch_all(pool)
    .await
}

/// The exports whose file was complete before this time, and is still kept. Those that were asked for before a
/// third party was erased may still say who it was: they are kept no longer either.
pub async fn to_expire(
    pool: &PgPool,
    before: DateTime<Utc>,
) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, file FROM exports WHERE state = 'completed' AND kept
            AND (ended_at < $1 OR requested_at < (SELECT max(erased_at) FROM third_parties))
         LIMIT 100",
    )
    .bind(before)
    .fetch_all(pool)
    .await
}

/// Whether an export other than `but` keeps the file of this digest.
pub async fn is_kept(pool: &PgPool, file: &str, but: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM exports
            WHERE file = $1 AND state = 'completed' AND kept AND id <> $2)",
    )
    .bind(file)
    .bind(but)
    .fetch_one(pool)
    .await
}
