//! A copy takes the place of the live one, in one short transaction that renames schemas: nobody who reads
//! waits, or sees a table that is missing or older than before.

use super::{
    compare::{self, Difference},
    copy::{Copy, apply_to},
    place::{self, Place, Shape},
    trouble::{Manner, Setback},
};
use anyhow::Context as _;
use navette_adapters::log::Log;
use navette_projections::Projector;
use sqlx::{Connection as _, PgConnection};

/// The most stored events that are applied while the live one is kept from moving.
const LAST_STEP: i64 = 500;

/// What a rebuild came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// How far the new one is: so many events were applied, each once.
    pub position: i64,
    /// Its tables and their rows.
    pub rows: Vec<(&'static str, i64)>,
    /// What is not as it was, and was accepted.
    pub differences: Vec<Difference>,
}

/// Makes the tables of a projection if they are missing and the log is empty.
pub(super) async fn found(log: &Log, projector: &dyn Projector) -> anyhow::Result<()> {
    let shape = Shape::of(projector);
    let mut transaction = log.pool().begin().await?;
    place::lock(&mut transaction, false, shape.name).await?;
    let live = place::position(&mut transaction, &shape, Place::Live).await?;
    if live.is_none() && log.last_position().await? == 0 {
        place::make(&mut transaction, projector, Place::Live).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Builds a projection that has no live copy of this shape. Of the shapes of other releases, the last that
/// moved is kept, for whoever still reads it or goes back to it.
pub(super) async fn build_missing(log: &Log, projector: &dyn Projector) -> anyhow::Result<()> {
    let mut copy = Copy::open(log, projector, Place::Next).await?;
    // Somebody else may have built it while we waited.
    if copy.position_of(Place::Live).await?.is_some() {
        return Ok(());
    }
    copy.begin().await?;
    copy.fill(None).await?;
    swap(&mut copy).await?;
    let mut transaction = copy.connection.begin().await?;
    place::drop_shapes(&mut transaction, &copy.shape, |rank, _| rank > 0).await?;
    transaction.commit().await?;
    Ok(())
}

/// Builds a fresh copy of a projection beside the live one, and leaves it there. Returns the position it
/// reached.
pub async fn build_beside(log: &Log, projector: &dyn Projector) -> anyhow::Result<i64> {
    let mut copy = Copy::open(log, projector, Place::Next).await?;
    copy.begin_anew().await?;
    let position = copy.fill(None).await?;
    let Copy {
        shape,
        place,
        connection,
        ..
    } = &mut copy;
    check_whole(connection, shape, *place).await?;
    Ok(position)
}

/// Rebuilds a projection from the whole log, compares it with the live one, and puts it in its place. A
/// rebuild that was stopped goes on where it was.
pub async fn rebuild(
    log: &Log,
    projector: &dyn Projector,
    accept_differences: bool,
) -> anyhow::Result<Rebuilt> {
    let mut copy = Copy::open(log, projector, Place::Next).await?;
    copy.begin().await?;
    let differences = compare::compare(&mut copy).await?;
    if !differences.is_empty() && !accept_differences {
        let told: Vec<_> = differences.iter().map(ToString::to_string).collect();
        anyhow::bail!(
            "the rebuilt tables are not what the live ones are; the live ones stay (--accept-differences puts the rebuilt ones in their place, --drop forgets them):\n{}",
            told.join("\n")
        );
    }
    copy.fill(None).await?;
    for table in projector.tables() {
        let schema = copy.shape.schema(copy.place);
        place::run(&mut copy.connection, &format!("ANALYZE {schema}.{table}")).await?;
    }
    let position = swap(&mut copy).await?;
    let mut reader = log.pool().acquire().await?;
    let sums = compare::checksums(&mut reader, projector, &copy.shape, Place::Live).await?;
    let rows = sums.into_iter().map(|(rows, _)| rows);
    Ok(Rebuilt {
        position,
        rows: projector.tables().iter().copied().zip(rows).collect(),
        differences,
    })
}

/// Brings the copy whose place was last taken up to date, and puts it back. Returns where it stands.
pub async fn return_to_former(log: &Log, projector: &dyn Projector) -> anyhow::Result<i64> {
    let mut copy = Copy::open(log, projector, Place::Former).await?;
    copy.position_of(Place::Former)
        .await?
        .with_context(|| format!("no former copy of {} was kept", projector.name()))?;
    swap(&mut copy).await
}

/// Puts a copy in the live place, up to date, and the live one in the former's.
async fn swap(copy: &mut Copy<'_>) -> anyhow::Result<i64> {
    if copy.place == Place::Next {
        let mut transaction = copy.connection.begin().await?;
        place::drop(&mut transaction, &copy.shape, Place::Former).await?;
        transaction.commit().await?;
    }
    loop {
        copy.fill(None).await?;
        if let Some(position) = swap_now(copy).await? {
            return Ok(position);
        }
    }
}

/// The same if the live one is near enough.
async fn swap_now(copy: &mut Copy<'_>) -> anyhow::Result<Option<i64>> {
    let Copy {
        log,
        projector,
        shape,
        place,
        connection,
    } = copy;
    let mut transaction = connection.begin().await?;
    // Whoever applies events to the live one waits for this row, and finds it changed.
    let live: Option<i64> = sqlx::query_scalar(
        "SELECT position FROM projections WHERE name = $1 AND shape = $2 AND place = 'live' FOR UPDATE",
    )
    .bind(shape.name)
    .bind(&shape.digest)
    .fetch_optional(&mut *transaction)
    .await?;
    let mut position = place::position(&mut transaction, shape, *place)
        .await?
        .unwrap_or(0);
    let step = live.unwrap_or(0) - position;
    if step > LAST_STEP {
        transaction.rollback().await?;
        return Ok(None);
    }
    if step > 0 {
        let stretch = log
            .read(position, step)
            .await
            .map_err(|cause| Setback::of_reading(shape.name, cause))?;
        apply_to(
            &mut transaction,
            *projector,
            shape,
            *place,
            &stretch,
            Manner::Together,
        )
        .await?;
        position = stretch.last;
    }
    check_whole(&mut transaction, shape, *place).await?;
    exchange(&mut transaction, shape, *place, live.is_some()).await?;
    transaction.commit().await?;
    Ok(Some(position))
}

/// Renames schemas and rows. The live row stays the same row, so that whoever waits for it finds it.
async fn exchange(
    connection: &mut PgConnection,
    shape: &Shape,
    place: Place,
    replaces: bool,
) -> sqlx::Result<()> {
    let (live, copy) = (shape.schema(Place::Live), shape.schema(place));
    let renames = if replaces {
        let former = shape.schema(Place::Former);
        format!(
            "ALTER SCHEMA {live} RENAME TO {live}_aside; ALTER SCHEMA {copy} RENAME TO {live};
             ALTER SCHEMA {live}_aside RENAME TO {former}"
        )
    } else {
        format!("ALTER SCHEMA {copy} RENAME TO {live}")
    };
    place::run(&mut *connection, &renames).await?;
    let becomes = if replaces { Place::Former } else { Place::Live };
    sqlx::query("UPDATE projections SET place = $4 WHERE name = $1 AND shape = $2 AND place = $3")
        .bind(shape.name)
        .bind(&shape.digest)
        .bind(place.as_str())
        .bind(becomes.as_str())
        .execute(&mut *connection)
        .await?;
    if replaces {
        sqlx::query(
            "UPDATE projections AS p
             SET position = o.position, applied = o.applied, release = o.release, moved_at = o.moved_at,
                 failures = o.failures, failed_at = o.failed_at, tried_at = o.tried_at,
                 trouble = o.trouble, held_since = o.held_since
             FROM projections AS o
             WHERE p.name = $1 AND p.shape = $2 AND o.name = p.name AND o.shape = p.shape
               AND (p.place, o.place) IN (('live', 'former'), ('former', 'live'))",
        )
        .bind(shape.name)
        .bind(&shape.digest)
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Fails if something was skipped: positions are dense, so as many events were applied as the position says.
async fn check_whole(
    connection: &mut PgConnection,
    shape: &Shape,
    place: Place,
) -> anyhow::Result<()> {
    let (position, applied): (i64, i64) = sqlx::query_as(
        "SELECT position, applied FROM projections WHERE name = $1 AND shape = $2 AND place = $3",
    )
    .bind(shape.name)
    .bind(&shape.digest)
    .bind(place.as_str())
    .fetch_one(connection)
    .await?;
    anyhow::ensure!(
        position == applied,
        "{applied} events were applied up to position {position}: the log has holes, see `navette verify`"
    );
    Ok(())
}
