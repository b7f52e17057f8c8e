//! Projections follow the log: rows and position change in one transaction.
//!
//! Each projection stands in a PostgreSQL schema of its own (`place`). Live ones are followed together here
//! (`advance`); a copy is built beside (`copy`), compared (`compare`) and put in the live one's place
//! (`rebuild`). An event that cannot be applied holds its projection and no other (`trouble`).

mod advance;
mod compare;
mod copy;
mod place;
mod rebuild;
mod status;
mod trouble;

pub use compare::Difference;
pub use place::{Place, Shape, drop_unread, search_path};
pub use rebuild::{Rebuilt, build_beside, rebuild, return_to_former};
pub use status::{Status, longest_lock, statuses};
pub use trouble::{Poison, ProjectionFailure, resume};

use super::Timings;
use advance::{Advance, Window};
use anyhow::Context as _;
use futures::{FutureExt as _, future::BoxFuture};
use navette_adapters::{log::Log, postgres::by_index};
use navette_projections::Projector;
use sqlx::PgPool;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use trouble::{Manner, Setback};

/// A rest after each round, so that what is written meanwhile is applied together: a round costs the
/// same few statements, whether it brings one event or a hundred.
const GATHER: Duration = Duration::from_millis(20);
/// Another process may have written without our hearing it.
const GLANCE: Duration = Duration::from_secs(1);
/// One follows; another catches up beside it.
const FOLLOWERS: u32 = 2;
/// How long a build that failed rests.
const REST: Duration = Duration::from_secs(5);
/// The same while an event waits to be tried again.
const GLANCE_AT_TROUBLE: Duration = Duration::from_millis(100);

/// How far the projections are, as this process knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The position that all of them have reached, but for those that are held or not built yet.
    pub position: i64,
    /// Those that are held before an event they cannot take.
    pub held: Vec<Held>,
    /// Those whose tables are not built yet: nothing can be read until they are.
    pub building: Vec<&'static str>,
}

/// A projection that does not go on by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which one.
    pub name: &'static str,
    /// How far it got.
    pub position: i64,
}

impl Standing {
    /// The projection that will not reach this position before somebody mends it.
    pub fn held_before(&self, position: i64) -> Option<&Held> {
        self.held.iter().find(|held| held.position < position)
    }
}

/// Follows the log for all the projections.
#[derive(Clone)]
pub struct Projections {
    log: Log,
    /// For what follows the log: the same few statements, over and over.
    followers: PgPool,
    projectors: Arc<Vec<Box<dyn Projector>>>,
    standing: watch::Sender<Standing>,
    timings: Timings,
}

/// What a round came to.
struct Round {
    /// Whether there may be more to apply at once.
    more: bool,
    /// Whether an event waits to be tried again.
    stuck: bool,
}

/// A live copy.
#[derive(sqlx::FromRow)]
struct Live {
    name: String,
    position: i64,
    failures: i32,
    held: bool,
    due: bool,
}

impl Projections {
    /// Follows `log`, whose connections must find the tables of these projectors by their `search_path`.
    /// On an empty log, tables that are missing are made at once; on another, `build_missing` builds them.
    pub async fn open(log: Log, projectors: Vec<Box<dyn Projector>>) -> anyhow::Result<Self> {
        for projector in &projectors {
            rebuild::found(&log, projector.as_ref())
                .await
                .with_context(|| format!("making the tables of projection {}", projector.name()))?;
        }
        let projections = Self {
            followers: by_index(log.pool(), FOLLOWERS),
            log,
            projectors: Arc::new(projectors),
            standing: watch::channel(Standing::default()).0,
            timings: Timings::default(),
        };
        let live = projections.live().await?;
        projections.stand(&live);
        Ok(projections)
    }

    /// How far they are, as it changes.
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// The shapes that this release wants.
    pub fn shapes(&self) -> Arc<[Shape]> {
        self.projectors
            .iter()
            .map(|projector| Shape::of(projector.as_ref()))
            .collect()
    }

    /// The projections themselves.
    pub fn projectors(&self) -> &[Box<dyn Projector>] {
        &self.projectors
    }

    /// How long each of them took, by its name.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    fn pool(&self) -> &PgPool {
        self.log.pool()
    }

    /// Applies what is new, then waits for more.
    pub async fn follow(&self) -> anyhow::Result<()> {
        let mut head = self.log.head();
        head.mark_changed();
        let mut glance = GLANCE;
        loop {
            let _ = tokio::time::timeout(glance, head.changed()).await;
            head.mark_unchanged();
            let mut round = self.round().await?;
            while round.more {
                round = self.round().await?;
            }
            glance = if round.stuck {
                GLANCE_AT_TROUBLE
            } else {
                GLANCE
            };
            tokio::time::sleep(GATHER).await;
        }
    }

    /// Builds what is missing and applies everything that is in the log now. Fails if a projection is held,
    /// after all the others went on.
    pub async fn catch_up(&self) -> anyhow::Result<()> {
        self.build_missing().await?;
        loop {
            let round = self.round().await?;
            if round.more {
                continue;
            }
            if round.stuck {
                tokio::time::sleep(GLANCE_AT_TROUBLE).await;
                continue;
            }
            return match self.standing.borrow().held.first() {
                None => Ok(()),
                Some(Held { name, position }) => Err(anyhow::anyhow!(
                    "projection {name} is held at position {position}: `navette projections` says why"
                )),
            };
        }
    }

    /// Builds the projections that have no tables of the shape this release wants. Those of another release
    /// are left to whoever reads them.
    pub fn build_missing(&self) -> BoxFuture<'_, anyhow::Result<()>> {
        // Boxed, since the compiler cannot follow that many borrows into a task.
        let build = async move {
            let missing = self.standing.borrow().building.clone();
            for projector in self.projectors.iter() {
                let projection = projector.name();
                if missing.contains(&projection) {
                    tracing::info!(projection, "building the tables that this release wants");
                    rebuild::build_missing(&self.log, projector.as_ref()).await?;
                    tracing::info!(projection, "built");
                }
            }
            let live = self.live().await?;
            self.stand(&live);
            Ok(())
        };
        build.boxed()
    }

    /// Drops the copies that nobody reads, which hold what live ones held: an erasure does not reach them.
    pub async fn drop_unread(&self) -> sqlx::Result<()> {
        for projector in self.projectors.iter() {
            drop_unread(self.pool(), projector.as_ref()).await?;
        }
        Ok(())
    }

    /// The same until nothing is missing; failures are told, and tried again.
    pub async fn build_missing_until_done(&self) {
        while let Err(error) = self.build_missing().await {
            let error = format!("{error:#}");
            tracing::error!(
                error,
                "a read model cannot be built, and will be tried again"
            );
            tokio::time::sleep(REST).await;
        }
    }

    /// The live copies of this release's shapes.
    async fn live(&self) -> sqlx::Result<Vec<Live>> {
        let (names, digests) = advance::keys(self.projectors.iter().map(AsRef::as_ref));
        sqlx::query_as(
            "SELECT name, position, failures, held_since IS NOT NULL AS held,
                    coalesce(clock_timestamp() > tried_at + interval '50 ms' * 2 ^ failures, true) AS due
             FROM projections JOIN unnest($1::text[], $2::text[]) AS mine(name, shape) USING (name, shape)
             WHERE place = 'live'",
        )
        .bind(&names)
        .bind(&digests)
        .fetch_all(&self.followers)
        .await
    }

    /// Tells how far everybody is.
    fn stand(&self, live: &[Live]) {
        let find = |name: &str| live.iter().find(|live| live.name == name);
        let mut standing = Standing::default();
        for projector in self.projectors.iter() {
            let name = projector.name();
            match find(name) {
                None => standing.building.push(name),
                Some(live) if live.held => standing.held.push(Held {
                    name,
                    position: live.position,
                }),
                Some(_) => {}
            }
        }
        let going = live.iter().filter(|live| !live.held);
        standing.position = match going.map(|live| live.position).min() {
            Some(position) => position,
            None => self.standing.borrow().position,
        };
        self.standing.send_if_modified(|told| {
            *told != standing && {
                *told = standing;
                true
            }
        });
    }

    /// Applies one window of events to each projection: to all those that are well in one transaction, as
    /// long as they stand at the same position, else to each in its own. One that is behind, or stuck, does
    /// not hold the others.
    async fn round(&self) -> anyhow::Result<Round> {
        let mut live = self.live().await?;
        let find = |name: &str| live.iter().position(|live| live.name == name);
        let mut well = vec![];
        let mut stuck = vec![];
        for projector in self.projectors.iter() {
            match find(projector.name()) {
                Some(at) if live[at].held => {}
                Some(at) if live[at].failures > 0 => stuck.push((at, projector.as_ref())),
                Some(at) => well.push((at, projector.as_ref())),
                None => {}
            }
        }
        let mut round = Round {
            more: false,
            stuck: !stuck.is_empty(),
        };
        let mut window = Window::default();
        let group: Vec<_> = well.iter().map(|(_, projector)| *projector).collect();
        match self.advance(&group, &mut window, Manner::Together).await {
            Ok(Advance::Moved { position, more }) => {
                round.more = more;
                for (at, _) in well.drain(..) {
                    live[at].position = position;
                }
            }
            Ok(Advance::Uneven) | Err(Setback::Poison(_) | Setback::Among(_)) => {}
            Err(Setback::Fault(error)) => return Err(error),
        }
        let mut fault = None;
        for (at, projector) in well.into_iter().chain(stuck) {
            let one = &mut live[at];
            if !one.due {
                continue;
            }
            match self.advance_apart(projector, &mut window).await {
                Ok(apart) => {
                    round.more |= apart.more;
                    one.position = apart.position.unwrap_or(one.position);
                    one.held = apart.held;
                    round.stuck |= apart.failed && !apart.held;
                }
                Err(error) => fault = Some(error),
            }
        }
        self.stand(&live);
        fault.map_or(Ok(round), Err)
    }
}
