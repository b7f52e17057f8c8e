//! How far every copy of every projection is, for whoever watches over Navette.

use super::place::Place;
use sqlx::PgPool;

/// One copy, as the database knows it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Status {
    /// Which projection.
    pub name: String,
    /// The shape of its tables.
    pub shape: String,
    /// Which copy: live, next or former.
    pub place: String,
    /// How far it is.
    pub position: i64,
    /// The last position of the log.
    pub head: i64,
    /// The age of the oldest event that it has not applied, in seconds; 0 when there is none.
    pub behind: f64,
    /// How long ago it moved, in seconds.
    pub rest: f64,
    /// The position that it cannot apply, and how often it was tried.
    pub failed_at: Option<i64>,
    /// See `failed_at`.
    pub failures: i32,
    /// Why it cannot.
    pub trouble: Option<String>,
    /// Whether it is held there.
    pub held: bool,
}

impl Status {
    /// Whether it is the one that is read.
    pub fn is_live(&self) -> bool {
        self.place == Place::Live.as_str()
    }
}

/// All the copies, by name.
pub async fn statuses(pool: &PgPool) -> sqlx::Result<Vec<Status>> {
    sqlx::query_as(
        "SELECT name, shape, place, p.position, head,
                greatest(coalesce(extract(epoch FROM clock_timestamp() - e.recorded_at), 0), 0)::float8 AS behind,
                greatest(extract(epoch FROM clock_timestamp() - moved_at), 0)::float8 AS rest,
                failed_at, failures, trouble, held_since IS NOT NULL AS held
         FROM projections AS p
         CROSS JOIN (SELECT coalesce(max(position), 0) AS head FROM events) AS log
         LEFT JOIN events AS e ON e.position = p.position + 1
         ORDER BY name, place, shape",
    )
    .fetch_all(pool)
    .await
}

/// How long, in seconds, the transaction has lasted that holds the rows of projections: the age of the lease
/// under which they are followed, 0 when nobody is applying anything.
pub async fn longest_lock(pool: &PgPool) -> sqlx::Result<f64> {
    sqlx::query_scalar(
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(xact_start)), 0)::float8
         FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND relation = 'projections'::regclass AND mode = 'RowShareLock' AND granted",
    )
    .fetch_one(pool)
    .await
}
