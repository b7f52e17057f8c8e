//! Old events leave the log and come back, without any other event being written again.
//!
//! The log is one table, `events`. Cutting it gives that table a name of its own range of positions, and puts a
//! new one in its place, under which it stands as a child (inheritance): nothing is copied or read, and whoever
//! reads `events` reads both. Detaching takes the oldest such table out whole, once nobody has anything to read
//! there any more. In its place come the events of the streams that go on, the last event of each stream that
//! left, so that nobody takes it for one that never was, and the hash of every event, so that every proof still
//! holds. Attaching puts all of it back as it was.
//!
//! Each is one transaction of the owner of the tables: killed at any moment, it leaves nothing behind, and is
//! begun again. The order lock and the tables are held for the last instant only.

mod detach;

pub use detach::{Detached, detach};

use super::{Log, read::Reading};
use sqlx::{Connection as _, Executor as _, PgConnection, PgExecutor};
use std::{collections::HashSet, fmt, time::Duration};
use uuid::Uuid;

/// How often the instant is waited for when nobody else uses the log, and how long apart.
const TRIES: u32 = 120;
const PAUSE: Duration = Duration::from_millis(500);
/// How long others wait at most behind each try.
const PATIENCE: &str = "500ms";

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum NotArchived {
    #[error("nothing was written since the log was cut last: there is nothing to close")]
    NothingToCut,
    #[error("no closed part of the log is left: close one with `navette archive cut`")]
    NothingClosed,
    #[error("nothing is archived")]
    NothingArchived,
    #[error(
        "no checkpoint covers the events up to position {0} yet: make one with `navette checkpoint seal`"
    )]
    NotSealed(i64),
    #[error(
        "the {place} tables of the projection {name} have read up to position {position} only, and positions up to \
         {last} are to leave: wait, or forget those that nobody reads with `navette rebuild {name} --drop`"
    )]
    Unread {
        name: String,
        place: String,
        position: i64,
        last: i64,
    },
    #[error(
        "the table {0} is not in this database: bring it back first, for instance with pg_restore"
    )]
    Missing(String),
    #[error("the table {0} does not hold the events that left under this name")]
    Changed(String),
    #[error(
        "somebody has used the log without pause for a minute (`pg_stat_activity` says who): nothing was done"
    )]
    Busy,
    #[error("the database did not do it, and nothing was done")]
    Database(#[from] sqlx::Error),
}

/// A range of positions that has a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Part {
    /// Its first position.
    pub first: i64,
    /// Its last.
    pub last: i64,
}

impl fmt::Display for Part {
    /// The name of its table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "events_{}_to_{}", self.first, self.last)
    }
}

/// Where a part of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// Closed, and in the log.
    InTheLog,
    /// Out of the log, and still in this database.
    Detached,
    /// Out of this database.
    Elsewhere,
}

/// The parts of the log that were closed, in order, and where they are.
pub async fn parts(connection: &mut PgConnection) -> sqlx::Result<Vec<(Part, Whereabouts)>> {
    let mut parts = vec![];
    for part in archived(&mut *connection).await? {
        let place = if is_detached(&mut *connection, part).await? {
            Whereabouts::Detached
        } else {
            Whereabouts::Elsewhere
        };
        parts.push((part, place));
    }
    let closed = closed(connection).await?;
    parts.extend(closed.into_iter().map(|part| (part, Whereabouts::InTheLog)));
    Ok(parts)
}

/// Closes what is in the log now: a table of its own, which can be detached later. Events that come afterwards
/// go into a new one.
pub async fn cut(owner: &mut PgConnection) -> Result<Part, NotArchived> {
    let mut transaction = owner.begin().await?;
    one_at_a_time(&mut transaction).await?;
    alone(&mut transaction).await?;
    let parts = parts(&mut transaction).await?;
    let before = parts.last().map_or(0, |(part, _)| part.last);
    let last: Option<i64> = sqlx::query_scalar("SELECT max(position) FROM ONLY events")
        .fetch_one(&mut *transaction)
        .await?;
    let part = Part {
        first: before + 1,
        last: last.ok_or(NotArchived::NothingToCut)?,
    };
    let script = include_str!("cut.sql").replace("%NAME%", &part.to_string());
    transaction.execute(sqlx::raw_sql(&script)).await?;
    transaction.commit().await?;
    Ok(part)
}

/// Puts everything that was detached back in its place, where all of it must be. Says up to which position.
pub async fn attach(owner: &mut PgConnection) -> Result<i64, NotArchived> {
    let mut transaction = owner.begin().await?;
    one_at_a_time(&mut transaction).await?;
    let parts = archived(&mut *transaction).await?;
    let last = parts.last().ok_or(NotArchived::NothingArchived)?.last;
    for part in &parts {
        if !is_detached(&mut *transaction, *part).await? {
            return Err(NotArchived::Missing(part.to_string()));
        }
        let same = format!(
            "SELECT count(*) = {} AND count(*) = (SELECT count(*) FROM {part}) FROM {part} JOIN archived_hashes USING (position, hash)",
            part.last - part.first + 1
        );
        let same: bool = sqlx::query_scalar(&same)
            .fetch_one(&mut *transaction)
            .await?;
        if !same {
            return Err(NotArchived::Changed(part.to_string()));
        }
    }
    alone(&mut transaction).await?;
    // What was kept of them is in them.
    let back = format!("DROP TABLE {}; DELETE FROM archives", kept(last));
    transaction.execute(sqlx::raw_sql(&back)).await?;
    for part in &parts {
        let back = format!("ALTER TABLE {part} INHERIT events");
        transaction.execute(sqlx::raw_sql(&back)).await?;
    }
    transaction.commit().await?;
    Ok(last)
}

/// What is archived, in order.
pub(crate) async fn archived(connection: impl PgExecutor<'_>) -> sqlx::Result<Vec<Part>> {
    sqlx::query_as("SELECT first, last FROM archives ORDER BY first")
        .fetch_all(connection)
        .await
}

/// Whether the table of what is archived is in this database.
pub(crate) async fn is_detached(connection: impl PgExecutor<'_>, part: Part) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(part.to_string())
        .fetch_one(connection)
        .await
}

/// The table of what is kept of all that is archived up to this position.
fn kept(last: i64) -> String {
    format!("events_kept_to_{last}")
}

/// The parts that are closed and in the log, in order.
async fn closed(connection: &mut PgConnection) -> sqlx::Result<Vec<Part>> {
    sqlx::query_as(
        r"SELECT named[1]::bigint AS first, named[2]::bigint AS last
          FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid,
               regexp_match(relname, '^events_([0-9]+)_to_([0-9]+)$') AS named
          WHERE inhparent = 'events'::regclass AND named IS NOT NULL ORDER BY first",
    )
    .fetch_all(connection)
    .await
}

/// Two of these would stand in each other's way. What is made, is made beside the log.
async fn one_at_a_time(transaction: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query(
        "SELECT pg_advisory_xact_lock(hashtext('navette archive')),
                set_config('search_path', (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'events'::regclass), true)",
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Waits for an instant when nobody uses the log, and keeps it to the end of the transaction. What comes
/// meanwhile waits, and is let through between two tries.
async fn alone(transaction: &mut PgConnection) -> Result<(), NotArchived> {
    let locks = format!(
        "SET LOCAL lock_timeout = '{PATIENCE}'; SELECT pg_advisory_xact_lock(x'4e415645545445'::bigint);
         LOCK TABLE events IN ACCESS EXCLUSIVE MODE"
    );
    for _ in 0..TRIES {
        let mut attempt = transaction.begin().await?;
        match attempt.execute(sqlx::raw_sql(&locks)).await {
            Ok(_) => return Ok(attempt.commit().await?),
            Err(error) if is_lock_timeout(&error) => attempt.rollback().await?,
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(NotArchived::Busy)
}

fn is_lock_timeout(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(|error| error.code().as_deref() == Some("55P03"))
}

/// Refuses a stream of which the first events are not there: one that is archived must never be taken for a
/// shorter one.
pub(super) fn check_follows(
    stream: Uuid,
    (version, position): (i64, i64),
    before: i64,
) -> Result<(), Reading> {
    if version == before + 1 {
        Ok(())
    } else {
        Err(Reading::Archived { stream, position })
    }
}

impl Log {
    /// Up to which position events are archived: those after it are all in the log.
    pub async fn archived_up_to(&self) -> Result<i64, Reading> {
        let last = sqlx::query_scalar("SELECT coalesce(max(last), 0) FROM archives");
        Ok(last.fetch_one(&self.pool).await?)
    }

    /// Refuses to go on after `position` when what follows it is archived.
    pub async fn check_reaches_back_to(&self, position: i64) -> Result<(), Reading> {
        match self.archived_up_to().await? {
            last if position < last => Err(Reading::LeftTheLog { position, last }),
            _ => Ok(()),
        }
    }

    /// Those of these streams that are archived.
    pub async fn archived_among(&self, streams: &[Uuid]) -> Result<HashSet<Uuid>, Reading> {
        let archived: Vec<Uuid> = sqlx::query_scalar(
            "SELECT stream_id FROM events
             WHERE EXISTS (SELECT FROM archives) AND stream_id = ANY ($1) GROUP BY stream_id HAVING min(version) > 1",
        )
        .bind(streams)
        .fetch_all(&self.pool)
        .await?;
        Ok(archived.into_iter().collect())
    }
}
