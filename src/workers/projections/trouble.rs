//! What keeps a projection from going on: an event that it cannot take, or a database that does not answer.

use super::place::{Place, Shape};
use futures::FutureExt as _;
use navette_adapters::log::Reading;
use navette_domain::event::Recorded;
use navette_projections::Projector;
use sqlx::{PgConnection, PgPool};
use std::{panic::AssertUnwindSafe, slice};

/// How often an event is tried before its projection is held. The pauses between double, from a tenth of a
/// second.
const TRIES: i32 = 5;

/// An event that a projection cannot take.
#[derive(Debug, thiserror::Error)]
#[error("projection {projection} cannot apply position {position}")]
pub struct ProjectionFailure {
    /// Which projection.
    pub projection: &'static str,
    /// Which event.
    pub position: i64,
    /// Why.
    #[source]
    pub cause: Poison,
}

/// Why an event cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum Poison {
    /// The database refuses what would be written.
    #[error("the database refuses it")]
    Refused(#[source] sqlx::Error),
    /// It is not an event that this release knows.
    #[error("it is no event that this release can read")]
    Unreadable(#[source] Reading),
    /// The projector has a bug.
    #[error("the projector panicked")]
    Panicked,
}

impl Poison {
    /// What is kept of it: nothing that an event may hold of a person.
    fn sentence(&self) -> String {
        match self {
            Self::Refused(sqlx::Error::Database(cause)) => match cause.constraint() {
                Some(constraint) => format!("{self}: constraint {constraint}"),
                None => format!("{self}: SQLSTATE {}", cause.code().unwrap_or_default()),
            },
            Self::Unreadable(Reading::Unreadable { cause, .. }) => {
                format!("{self}: {}", cause.event_type)
            }
            Self::Refused(_) | Self::Unreadable(_) | Self::Panicked => self.to_string(),
        }
    }
}

/// Why a window of events was not applied.
pub(super) enum Setback {
    /// One of them cannot be.
    Poison(ProjectionFailure),
    /// The same, among many that were taken together: one by one, they tell which.
    Among(ProjectionFailure),
    /// The database does not answer; the events have no part in it.
    Fault(anyhow::Error),
}

impl From<sqlx::Error> for Setback {
    fn from(error: sqlx::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Setback> for anyhow::Error {
    fn from(setback: Setback) -> Self {
        match setback {
            Setback::Poison(failure) | Setback::Among(failure) => failure.into(),
            Setback::Fault(error) => error,
        }
    }
}

impl Setback {
    /// What reading the log for this projection came to.
    pub fn of_reading(projection: &'static str, cause: Reading) -> Self {
        match cause {
            Reading::Unreadable { position, .. } => Self::Poison(ProjectionFailure {
                projection,
                position,
                cause: Poison::Unreadable(cause),
            }),
            Reading::Database(_)
            | Reading::Keys(_)
            | Reading::Archived { .. }
            | Reading::LeftTheLog { .. } => Self::Fault(cause.into()),
        }
    }
}

/// How events are applied, in order.
#[derive(Clone, Copy)]
pub(super) enum Manner {
    /// As fast as can be.
    Together,
    /// So that the one which cannot be applied is known, up to this position if it is given.
    OneByOne { until: Option<i64> },
}

impl Manner {
    pub async fn apply(
        self,
        connection: &mut PgConnection,
        projector: &dyn Projector,
        events: &[Recorded],
    ) -> Result<(), Setback> {
        match self {
            Self::Together => {
                let applied = projector.apply_all(connection, events);
                let outcome = outcome(projector, events, applied).await;
                outcome.map_err(|setback| match setback {
                    Setback::Poison(failure) if events.len() > 1 => Setback::Among(failure),
                    setback => setback,
                })
            }
            Self::OneByOne { .. } => {
                for recorded in events {
                    let applied = projector.apply(connection, recorded);
                    outcome(projector, slice::from_ref(recorded), applied).await?;
                }
                Ok(())
            }
        }
    }
}

/// What came of applying these events; a failure is told of the first.
async fn outcome(
    projector: &dyn Projector,
    events: &[Recorded],
    applied: impl Future<Output = sqlx::Result<()>>,
) -> Result<(), Setback> {
    let cause = match AssertUnwindSafe(applied).catch_unwind().await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error)) if is_no_answer(&error) => return Err(error.into()),
        Ok(Err(error)) => Poison::Refused(error),
        Err(_) => Poison::Panicked,
    };
    Err(Setback::Poison(ProjectionFailure {
        projection: projector.name(),
        position: events.first().map_or(0, |first| first.position),
        cause,
    }))
}

/// Whether the database failed, and not the statement: connections, resources, deadlocks, shutdowns.
fn is_no_answer(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    match error {
        E::Database(cause) => cause.code().is_none_or(|code| {
            ["08", "25", "40", "53", "55", "57", "58"]
                .iter()
                .any(|class| code.starts_with(class))
        }),
        E::Io(_)
        | E::Tls(_)
        | E::Protocol(_)
        | E::PoolTimedOut
        | E::PoolClosed
        | E::WorkerCrashed => true,
        _ => false,
    }
}

/// Notes that an event could not be applied to a copy that stands just before it. Says whether the
/// projection is held there from now on.
pub(super) async fn note(
    pool: &PgPool,
    shape: &Shape,
    place: Place,
    failure: &ProjectionFailure,
) -> sqlx::Result<bool> {
    let held: Option<bool> = sqlx::query_scalar(
        "UPDATE projections AS p
         SET failures = tried.times, failed_at = $4, trouble = $5, tried_at = clock_timestamp(),
             held_since = CASE WHEN tried.times >= $6 THEN coalesce(held_since, clock_timestamp()) END
         FROM (SELECT CASE WHEN failed_at = $4 THEN failures ELSE 0 END + 1 AS times
               FROM projections WHERE name = $1 AND shape = $2 AND place = $3 FOR UPDATE) AS tried
         WHERE name = $1 AND shape = $2 AND place = $3 AND position < $4
         RETURNING held_since IS NOT NULL",
    )
    .bind(shape.name)
    .bind(&shape.digest)
    .bind(place.as_str())
    .bind(failure.position)
    .bind(failure.cause.sentence())
    .bind(TRIES)
    .fetch_optional(pool)
    .await?;
    let held = held.unwrap_or(false);
    let (projection, position) = (failure.projection, failure.position);
    let cause = failure.cause.sentence();
    if held {
        tracing::error!(
            projection,
            position,
            cause,
            "a projection is held: it cannot apply this event, and nothing after it is applied; mend the cause, then `navette projections --resume`"
        );
    } else {
        tracing::warn!(
            projection,
            position,
            cause,
            "an event could not be applied and will be tried again"
        );
    }
    Ok(held)
}

/// Lets every copy of a projection try again.
pub async fn resume(pool: &PgPool, name: &str) -> sqlx::Result<bool> {
    let resumed = sqlx::query(
        "UPDATE projections
         SET failures = 0, failed_at = NULL, trouble = NULL, tried_at = NULL, held_since = NULL
         WHERE name = $1 AND failed_at IS NOT NULL",
    )
    .bind(name)
    .execute(pool)
    .await?;
    Ok(resumed.rows_affected() > 0)
}
