//! A log copied into an empty database, byte for byte.

use super::{archive::archived, read::Reading};
use anyhow::{Context as _, ensure};
use futures::TryStreamExt as _;
use sqlx::PgPool;

/// What is copied. A column that is not named here would get a value of the copy's own.
const COLUMNS: &str = "position, stream_type, stream_id, version, event_type, event_version, payload, \
                       metadata, recorded_at, hash";

/// Copies the events of `source`, with their positions and hashes, into `target`, whose tables are made and
/// which has no event; all of them or none. Receipts and effects stay behind: what fills from the copy is
/// what the events alone say. Returns the last position.
pub async fn copy(source: &PgPool, target: &PgPool) -> anyhow::Result<i64> {
    let mut from = source.acquire().await.context("reaching the log")?;
    if let Some(part) = archived(&mut *from).await?.pop() {
        let last = part.last;
        return Err(Reading::LeftTheLog { position: 0, last }.into());
    }
    let mut into = target.begin().await.context("reaching the copy")?;
    // Whoever appends to it meanwhile takes a position that is copied too: one of the two then fails.
    let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM events")
        .fetch_one(&mut *into)
        .await?;
    ensure!(
        count == 0,
        "a log is copied into an empty database only, and this one has {count} events"
    );
    let out =
        format!("COPY (SELECT {COLUMNS} FROM events ORDER BY position) TO STDOUT (FORMAT binary)");
    let mut rows = from.copy_out_raw(&out).await.context("reading the log")?;
    let statement = format!("COPY events ({COLUMNS}) FROM STDIN (FORMAT binary)");
    let mut written = into.copy_in_raw(&statement).await?;
    while let Some(chunk) = rows.try_next().await.context("reading the log")? {
        written.send(chunk).await?;
    }
    written.finish().await.context("writing the copy")?;
    let (count, last): (i64, i64) =
        sqlx::query_as("SELECT count(*), coalesce(max(position), 0) FROM events")
            .fetch_one(&mut *into)
            .await?;
    ensure!(
        count == last,
        "the log has {count} events up to position {last}: run `navette verify`"
    );
    into.commit().await.context("writing the copy")?;
    Ok(last)
}
