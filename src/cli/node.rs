//! The name of this process among those that share a database.
//!
//! A process that starts frees the leases of its own name at once, since whoever held them is dead; so two
//! living processes must never have the same name. A session lock in the database sees to it: it goes with
//! the connection that holds it.

use anyhow::Context as _;
use sqlx::{Connection as _, PgConnection, PgPool};

/// How many processes of one machine may share a database.
const MOST: u32 = 100;

/// A name that is ours as long as this lives.
pub struct Node {
    name: String,
    lock: PgConnection,
}

impl Node {
    /// Takes the machine's name, or the first of `name-2`, `name-3`… that is free.
    pub async fn claim(pool: &PgPool) -> anyhow::Result<Self> {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = match host.trim() {
            "" => "navette",
            host => host,
        };
        let mut lock = pool.acquire().await?.detach();
        for rank in 1..=MOST {
            let name = match rank {
                1 => host.to_owned(),
                rank => format!("{host}-{rank}"),
            };
            let free: bool = sqlx::query_scalar(
                "SELECT pg_try_advisory_lock(hashtext('navette node'), hashtext($1))",
            )
            .bind(&name)
            .fetch_one(&mut lock)
            .await
            .context("taking a name")?;
            if free {
                return Ok(Self { name, lock });
            }
        }
        anyhow::bail!("{MOST} processes of {host} already share this database")
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the name back.
    pub async fn release(self) {
        // The lock goes with the connection, however it ends.
        let _ = self.lock.close().await;
    }
}
