//! What runs by itself: following the log, carrying effects out, closing batches.

mod carry_out;
mod close_batches;
mod gates;
mod leases;
mod paused;
mod projections;
mod retry;
mod rounds;
mod seal;
mod timings;

pub use carry_out::CarryOut;
pub use close_batches::close_batches;
pub use gates::Gates;
pub use projections::{
    Difference, Held, Place, Poison, ProjectionFailure, Projections, Rebuilt, Shape, Standing,
    Status, build_beside, drop_unread, longest_lock, rebuild, resume, return_to_former,
    search_path, statuses,
};
pub use retry::{NeighbourLimits, RetryPolicy};
pub use rounds::Rounds;
pub use seal::{Sealing, seal};
pub use timings::{Timing, Timings};

use navette_adapters::log::Log;
use sqlx::{Connection as _, PgConnection, PgPool};
use std::{future::Future, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// Says when to stop.
pub type Stop = watch::Receiver<bool>;

/// How long a worker rests after a failure of the database.
const REST: Duration = Duration::from_millis(500);

/// Waits until told to stop.
pub async fn stopped(stop: &mut Stop) {
    // A sender that is gone means the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Repeats `work` until told to stop; a failure is logged and followed by a rest.
pub fn keep_doing<F, T>(name: &'static str, mut stop: Stop, mut work: F) -> JoinHandle<()>
where
    F: FnMut() -> T + Send + 'static,
    T: Future<Output = anyhow::Result<()>> + Send,
{
    tokio::spawn(async move {
        loop {
            let result = tokio::select! {
                result = work() => result,
                () = stopped(&mut stop) => return,
            };
            if let Err(error) = result {
                tracing::warn!(
                    worker = name,
                    error = format!("{error:#}"),
                    "a worker failed and will try again"
                );
                tokio::select! {
                    () = tokio::time::sleep(REST) => {}
                    () = stopped(&mut stop) => return,
                }
            }
        }
    })
}

/// The connection that holds the lock of this name, if no other process does. The lock goes with it, however it
/// ends.
pub async fn lock(pool: &PgPool, name: &str) -> sqlx::Result<Option<PgConnection>> {
    let mut connection = pool.acquire().await?.detach();
    let ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtext($1))")
        .bind(name)
        .fetch_one(&mut connection)
        .await?;
    if ours {
        return Ok(Some(connection));
    }
    connection.close().await?;
    Ok(None)
}

/// Hears what other processes write.
pub fn listen(log: Log, stop: Stop) -> JoinHandle<()> {
    keep_doing("listen", stop, move || {
        let log = log.clone();
        async move { Ok(log.listen().await?) }
    })
}
