//! How far an export is that is being made.

use async_graphql::SimpleObject;
use navette_domain::ids::ExportId;
use sqlx::PgPool;
use uuid::Uuid;

/// How far an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SimpleObject)]
#[graphql(name = "ExportProgress")]
pub struct Progress {
    /// The rows that are written.
    pub rows: i64,
    /// How many there were when it began.
    pub expected: i64,
}

/// How far those of these exports are that are being made.
pub async fn progress(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<(Uuid, Progress)>, sqlx::Error> {
    let rows: Vec<(Uuid, i64, i64)> =
        sqlx::query_as("SELECT export, rows, expected FROM export_progress WHERE export = ANY($1)")
            .bind(ids)
            .fetch_all(pool)
            .await?;
    let told = |(export, rows, expected)| (export, Progress { rows, expected });
    Ok(rows.into_iter().map(told).collect())
}

/// Notes that an export begins, perhaps not for the first time; says how often it began.
pub(super) async fn begin(pool: &PgPool, id: ExportId, expected: u64) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO export_progress AS known (export, expected) VALUES ($1, $2)
         ON CONFLICT (export) DO UPDATE SET rows = 0, expected = $2, tries = known.tries + 1,
             updated_at = clock_timestamp()
         RETURNING tries",
    )
    .bind(id.0)
    .bind(i64::try_from(expected).unwrap_or(i64::MAX))
    .fetch_one(pool)
    .await
}

/// Notes how many rows are written.
pub(super) async fn advance(pool: &PgPool, id: ExportId, rows: u64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE export_progress SET rows = $2, updated_at = clock_timestamp() WHERE export = $1",
    )
    .bind(id.0)
    .bind(i64::try_from(rows).unwrap_or(i64::MAX))
    .execute(pool)
    .await?;
    Ok(())
}

/// Forgets it: what came of the export is in the log.
pub(super) async fn end(pool: &PgPool, id: ExportId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM export_progress WHERE export = $1")
        .bind(id.0)
        .execute(pool)
        .await?;
    Ok(())
}
