//! Schedules of exports: what they say, when they are due, and what came of their last run.

mod filter;

pub use filter::{ExportScheduleFilter, ExportScheduleOrder, ExportScheduleOrderField};

use crate::{
    Projector,
    kinds::{DestinationKind, ExportFormat},
    list::List as _,
    scope::Scope,
};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    event::{Event, Recorded},
    export::{
        Choice,
        schedule::{Calendar, Destination, ExportScheduleEvent, Schedule},
    },
};
use sqlx::{PgConnection, PgPool, QueryBuilder, types::Json};
use uuid::Uuid;

/// One schedule.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "ExportScheduleRow")]
pub struct ExportScheduleRow {
    /// Its id.
    pub id: Uuid,
    /// What people call it: its files bear this name.
    pub name: String,
    /// As whom it runs.
    pub owner: String,
    /// The model whose format and columns are taken.
    pub model_id: Option<Uuid>,
    /// The form of the bytes, unless the model says it.
    #[graphql(skip)]
    pub format: Option<String>,
    /// The columns, unless the model says them; none for the usual ones.
    #[graphql(skip)]
    pub columns: Option<Json<Vec<Choice>>>,
    /// The selection whose dossiers are taken.
    pub selection_id: Option<Uuid>,
    /// Which dossiers.
    #[graphql(skip)]
    pub filter: Option<Json<serde_json::Value>>,
    /// When it is due.
    #[graphql(skip)]
    pub calendar: Json<Calendar>,
    /// Where its files go.
    #[sqlx(try_from = "String")]
    #[graphql(skip)]
    pub destination: DestinationKind,
    /// The folder or collection, as the configuration names it.
    #[graphql(skip)]
    pub place: Option<String>,
    /// How many addresses its files go to. Which, only the log tells.
    #[graphql(skip)]
    pub recipients: i32,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it last changed.
    pub saved_at: DateTime<Utc>,
    /// When it is due next.
    pub next_at: DateTime<Utc>,
    /// The run under way, or the last.
    #[sqlx(flatten)]
    #[graphql(skip)]
    pub last: LastRun,
}

impl ExportScheduleRow {
    /// The form of the bytes, unless the model says it.
    pub fn format(&self) -> Option<ExportFormat> {
        self.format.clone()?.try_into().ok()
    }
}

/// The last time that a schedule was carried out, or is.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LastRun {
    /// When it was due.
    pub last_due_at: Option<DateTime<Utc>>,
    /// Its export, if one was asked for.
    pub last_export_id: Option<Uuid>,
    /// Where it stands.
    pub last_state: Option<String>,
    /// When it was delivered or given up.
    pub last_ended_at: Option<DateTime<Utc>>,
    /// How often its delivery failed.
    pub last_failures: i32,
    /// Why, the last time.
    pub last_failure: Option<String>,
    /// When its delivery is tried again.
    pub last_retry_at: Option<DateTime<Utc>>,
}

/// Keeps `export_schedules`.
#[derive(Debug)]
pub struct ExportSchedules;

const SCHEMA: &str = r#"
CREATE TABLE export_schedules (
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    model_id uuid,
    format text,
    columns jsonb,
    selection_id uuid,
    filter jsonb,
    calendar jsonb NOT NULL,
    destination text NOT NULL,
    place text,
    recipients integer NOT NULL,
    version bigint NOT NULL,
    saved_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    last_due_at timestamptz,
    last_export_id uuid,
    last_state text,
    last_ended_at timestamptz,
    last_failures integer NOT NULL,
    last_failure text,
    last_retry_at timestamptz
);
CREATE INDEX ON export_schedules (name, id);
CREATE INDEX ON export_schedules (next_at, id);
CREATE INDEX ON export_schedules (last_export_id) WHERE last_state = 'running';
"#;

#[async_trait]
impl Projector for ExportSchedules {
    fn name(&self) -> &'static str {
        "export_schedules"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["export_schedules"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        use ExportScheduleEvent as E;
        let Event::ExportSchedule(event) = &recorded.event else {
            return Ok(());
        };
        let change = |sql| {
            sqlx::query(sql)
                .bind(recorded.stream_id)
                .bind(recorded.version)
        };
        let statement = match event {
            E::Saved { schedule, next, at } => {
                return saved(connection, recorded, schedule, (*next, *at)).await;
            }
            E::Removed { .. } => {
                sqlx::query("DELETE FROM export_schedules WHERE id = $1").bind(recorded.stream_id)
            }
            E::Started {
                due, export, next, ..
            } => change(
                "UPDATE export_schedules SET version = $2, next_at = $3, last_due_at = $4,
                     last_export_id = $5, last_state = 'running', last_ended_at = NULL, last_failures = 0,
                     last_failure = NULL, last_retry_at = NULL
                 WHERE id = $1",
            )
            .bind(next)
            .bind(due)
            .bind(export.0),
            E::DeliveryFailed { reason, retry, .. } => change(
                "UPDATE export_schedules SET version = $2, last_failures = last_failures + 1,
                     last_failure = $3, last_retry_at = $4
                 WHERE id = $1",
            )
            .bind(reason)
            .bind(retry),
            E::Delivered { at } => change(
                "UPDATE export_schedules SET version = $2, last_state = 'delivered', last_ended_at = $3,
                     last_failure = NULL, last_retry_at = NULL
                 WHERE id = $1",
            )
            .bind(at),
            // One that was never started has no export.
            E::GivenUp {
                due,
                reason,
                next,
                at,
            } => change(
                "UPDATE export_schedules SET version = $2, next_at = $3, last_due_at = $4,
                     last_export_id = CASE WHEN last_due_at = $4 THEN last_export_id END,
                     last_failures = CASE WHEN last_due_at = $4 THEN last_failures ELSE 0 END + 1,
                     last_state = 'given_up', last_ended_at = $5, last_failure = $6, last_retry_at = NULL
                 WHERE id = $1",
            )
            .bind(next)
            .bind(due)
            .bind(at)
            .bind(reason),
        };
        statement.execute(connection).await?;
        Ok(())
    }
}

async fn saved(
    connection: &mut PgConnection,
    recorded: &Recorded,
    schedule: &Schedule,
    (next, at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), sqlx::Error> {
    let (kind, place, recipients) = match &schedule.destination {
        Destination::Folder(name) => (DestinationKind::Folder, Some(name), 0),
        Destination::Webdav(name) => (DestinationKind::Webdav, Some(name), 0),
        Destination::Email(addresses) => (DestinationKind::Email, None, addresses.len()),
    };
    sqlx::query(
        "INSERT INTO export_schedules (id, version, saved_at, next_at, name, owner, model_id, format, columns,
            selection_id, filter, calendar, destination, place, recipients, last_failures)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0)
         ON CONFLICT (id) DO UPDATE SET version = $2, saved_at = $3, next_at = $4, name = $5, owner = $6,
            model_id = $7, format = $8, columns = $9, selection_id = $10, filter = $11, calendar = $12,
            destination = $13, place = $14, recipients = $15",
    )
    .bind(recorded.stream_id)
    .bind(recorded.version)
    .bind(at)
    .bind(next)
    .bind(&schedule.name)
    .bind(&schedule.owner)
    .bind(schedule.model.map(|model| model.0))
    .bind(schedule.format.map(navette_domain::export::Format::code))
    .bind(schedule.columns.as_ref().map(Json))
    .bind(schedule.selection.map(|selection| selection.0))
    .bind(schedule.filter.as_ref().map(Json))
    .bind(Json(&schedule.calendar))
    .bind(kind.as_str())
    .bind(place)
    .bind(i32::try_from(recipients).unwrap_or(i32::MAX))
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the schedules of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<ExportScheduleRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM export_schedules WHERE id = ANY(");
    query.push_bind(ids.to_vec()).push(")");
    ExportScheduleFilter::seen(&mut query, scope);
    query.build_query_as().fetch_all(pool).await
}

/// The schedules for which something is to be done now: to start what is due, or to deliver what was made.
pub async fn to_carry_out(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM export_schedules WHERE last_state IS DISTINCT FROM 'running' AND next_at <= $1
         UNION ALL
         SELECT schedule.id FROM export_schedules schedule JOIN exports ON exports.id = last_export_id
         WHERE last_state = 'running' AND exports.state <> 'requested'
            AND (last_retry_at IS NULL OR last_retry_at <= $1)",
    )
    .bind(now)
    .fetch_all(pool)
    .await
}
