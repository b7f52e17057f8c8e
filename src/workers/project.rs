//! Projections follow the log: rows and checkpoint change in one transaction.

use super::Timings;
use anyhow::Context as _;
use navette_adapters::log::{Log, Stretch};
use navette_domain::{digest::Digest, event::Recorded};
use navette_projections::Projector;
use sqlx::{Connection as _, PgConnection, PgPool};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// The most events applied in one transaction.
const BATCH: i64 = 500;
/// A rest after each round, so that what is written meanwhile is applied together: a round costs the
/// same few statements, whether it brings one event or a hundred.
const GATHER: Duration = Duration::from_millis(20);
/// Another process may have written without our hearing it.
const GLANCE: Duration = Duration::from_secs(1);

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
    pub cause: sqlx::Error,
}

/// Follows the log for all the projections.
#[derive(Clone)]
pub struct Projections {
    log: Log,
    projectors: Arc<Vec<Box<dyn Projector>>>,
    position: watch::Sender<i64>,
    timings: Timings,
}

impl Projections {
    /// Follows `log`; tables are made if they are missing.
    pub async fn open(log: Log, projectors: Vec<Box<dyn Projector>>) -> anyhow::Result<Self> {
        for projector in &projectors {
            prepare(log.pool(), projector.as_ref())
                .await
                .with_context(|| format!("making the tables of projection {}", projector.name()))?;
        }
        Ok(Self {
            log,
            projectors: Arc::new(projectors),
            position: watch::channel(0).0,
            timings: Timings::default(),
        })
    }

    /// The position that all the projections have reached, as it grows.
    pub fn position(&self) -> watch::Receiver<i64> {
        self.position.subscribe()
    }

    /// The projections themselves.
    pub fn projectors(&self) -> &[Box<dyn Projector>] {
        &self.projectors
    }

    /// How long each of them took, by its name.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// Applies what is new, then waits for more.
    pub async fn follow(&self) -> anyhow::Result<()> {
        let mut head = self.log.head();
        head.mark_changed();
        loop {
            let _ = tokio::time::timeout(GLANCE, head.changed()).await;
            head.mark_unchanged();
            self.catch_up().await?;
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Applies everything that is in the log now.
    pub async fn catch_up(&self) -> anyhow::Result<()> {
        loop {
            let (reached, more) = match self.advance_together().await {
                Ok(Some(advanced)) => advanced,
                // One projection that is behind, or stuck, must not hold the others.
                Ok(None) | Err(_) => self.advance_apart().await?,
            };
            self.position
                .send_if_modified(|position| std::mem::replace(position, reached) != reached);
            if !more {
                return Ok(());
            }
        }
    }

    /// Applies one window of events to all the projections in one transaction, as long as they all stand at
    /// the same position. Says where they stand then, and whether there is more.
    async fn advance_together(&self) -> anyhow::Result<Option<(i64, bool)>> {
        let names: Vec<&str> = self.projectors.iter().map(|p| p.name()).collect();
        let mut transaction = self.log.pool().begin().await?;
        let positions: Vec<i64> = sqlx::query_scalar(
            "SELECT position FROM projection_checkpoints WHERE name = ANY($1) ORDER BY name FOR UPDATE",
        )
        .bind(&names)
        .fetch_all(&mut *transaction)
        .await?;
        let Some(position) = positions.first().copied() else {
            return Ok(None);
        };
        if positions.iter().any(|other| *other != position) {
            return Ok(None);
        }
        let stretch = self.log.read(position, BATCH).await?;
        let last = stretch.last;
        if last == position {
            return Ok(Some((position, false)));
        }
        for projector in self.projectors.iter() {
            let apply = apply(&mut transaction, projector.as_ref(), &stretch.events);
            self.timings.of(projector.name(), apply).await?;
        }
        sqlx::query("UPDATE projection_checkpoints SET position = $2 WHERE name = ANY($1)")
            .bind(&names)
            .bind(last)
            .execute(&mut *transaction)
            .await?;
        let commit = transaction.commit();
        self.timings.of("commit", commit).await?;
        Ok(Some((last, stretch.more)))
    }

    /// The same for each projection in a transaction of its own; fails after the others went on.
    async fn advance_apart(&self) -> anyhow::Result<(i64, bool)> {
        let (mut reached, mut more) = (i64::MAX, false);
        let mut failed = None;
        let mut events = Window::default();
        for projector in self.projectors.iter() {
            match self.advance(projector.as_ref(), &mut events).await {
                Ok((position, full)) => {
                    reached = reached.min(position);
                    more |= full;
                }
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if !more => Err(error),
            Some(_) => Ok((*self.position.borrow(), true)),
            None => Ok((reached, more)),
        }
    }

    /// Applies one window of events to one projection, unless another process is doing it.
    async fn advance(
        &self,
        projector: &dyn Projector,
        window: &mut Window,
    ) -> anyhow::Result<(i64, bool)> {
        let mut transaction = self.log.pool().begin().await?;
        let (position,): (i64,) = sqlx::query_as(
            "SELECT position FROM projection_checkpoints WHERE name = $1 FOR UPDATE",
        )
        .bind(projector.name())
        .fetch_one(&mut *transaction)
        .await?;
        let stretch = window.after(&self.log, position).await?;
        let last = stretch.last;
        if last == position {
            return Ok((position, false));
        }
        apply(&mut transaction, projector, &stretch.events).await?;
        sqlx::query("UPDATE projection_checkpoints SET position = $2 WHERE name = $1")
            .bind(projector.name())
            .bind(last)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok((last, stretch.more))
    }
}

/// The events last read, which most projections want one after the other.
#[derive(Default)]
struct Window {
    after: Option<i64>,
    stretch: Stretch,
}

impl Window {
    async fn after(&mut self, log: &Log, position: i64) -> anyhow::Result<&Stretch> {
        if self.after != Some(position) {
            self.stretch = log.read(position, BATCH).await?;
            self.after = Some(position);
        }
        Ok(&self.stretch)
    }
}

async fn apply(
    connection: &mut PgConnection,
    projector: &dyn Projector,
    events: &[Recorded],
) -> Result<(), ProjectionFailure> {
    for recorded in events {
        projector
            .apply(connection, recorded)
            .await
            .map_err(|cause| ProjectionFailure {
                projection: projector.name(),
                position: recorded.position,
                cause,
            })?;
    }
    Ok(())
}

/// Makes the tables of a projection if they are missing or of another shape; they then fill from the start.
async fn prepare(pool: &PgPool, projector: &dyn Projector) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    // Two processes that start together must not make the same table.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('projections'))")
        .execute(&mut *transaction)
        .await?;
    let schema = Digest::of(projector.schema().as_bytes())
        .as_bytes()
        .to_vec();
    let made: Option<(Vec<u8>,)> =
        sqlx::query_as("SELECT schema FROM projection_checkpoints WHERE name = $1 FOR UPDATE")
            .bind(projector.name())
            .fetch_optional(&mut *transaction)
            .await?;
    if made.is_some_and(|(made,)| made == schema) {
        return Ok(());
    }
    for table in projector.tables() {
        sqlx::raw_sql(&format!("DROP TABLE IF EXISTS {table} CASCADE"))
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::raw_sql(projector.schema())
        .execute(&mut *transaction)
        .await?;
    sqlx::query(
        "INSERT INTO projection_checkpoints (name, position, schema) VALUES ($1, 0, $2)
         ON CONFLICT (name) DO UPDATE SET position = 0, schema = EXCLUDED.schema",
    )
    .bind(projector.name())
    .bind(schema)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// Builds a projection anew in the schema `rebuilt`, beside the live one, from the whole log. Returns the
/// position it reached.
pub async fn build_beside(
    log: &Log,
    projector: &dyn Projector,
    connection: &mut PgConnection,
) -> anyhow::Result<i64> {
    sqlx::raw_sql("CREATE SCHEMA IF NOT EXISTS rebuilt")
        .execute(&mut *connection)
        .await?;
    for table in projector.tables() {
        sqlx::raw_sql(&format!("DROP TABLE IF EXISTS rebuilt.{table} CASCADE"))
            .execute(&mut *connection)
            .await?;
    }
    sqlx::raw_sql("SET search_path = rebuilt")
        .execute(&mut *connection)
        .await?;
    sqlx::raw_sql(projector.schema())
        .execute(&mut *connection)
        .await?;
    let mut position = 0;
    loop {
        let stretch = log.read(position, BATCH).await?;
        if stretch.last == position {
            break;
        }
        let mut transaction = connection.begin().await?;
        apply(&mut transaction, projector, &stretch.events).await?;
        transaction.commit().await?;
        position = stretch.last;
    }
    sqlx::raw_sql("SET search_path = DEFAULT")
        .execute(&mut *connection)
        .await?;
    Ok(position)
}

/// Rebuilds a projection from the whole log and puts it in the place of the live one, in one transaction.
pub async fn rebuild(log: &Log, projector: &dyn Projector) -> anyhow::Result<i64> {
    let mut connection = log.pool().acquire().await?.detach();
    // Two rebuilds would fill the same copy. The lock goes with the connection.
    sqlx::query("SELECT pg_advisory_lock(hashtext('navette rebuild'))")
        .execute(&mut connection)
        .await?;
    let built = build_beside(log, projector, &mut connection).await?;
    let mut transaction = connection.begin().await?;
    sqlx::query("SELECT position FROM projection_checkpoints WHERE name = $1 FOR UPDATE")
        .bind(projector.name())
        .execute(&mut *transaction)
        .await?;
    for table in projector.tables() {
        sqlx::raw_sql(&format!("DROP TABLE IF EXISTS public.{table} CASCADE; ALTER TABLE rebuilt.{table} SET SCHEMA public"))
            .execute(&mut *transaction)
            .await?;
    }
    // The follower applies what was written meanwhile.
    sqlx::query("UPDATE projection_checkpoints SET position = $2 WHERE name = $1")
        .bind(projector.name())
        .bind(built)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(built)
}
