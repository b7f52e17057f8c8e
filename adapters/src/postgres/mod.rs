//! PostgreSQL: the one that Navette runs by itself when it is given no other, and what is asked of any.

pub mod embedded;
#[cfg(feature = "sim")]
pub mod test_cluster;

mod account;
mod binaries;
mod home;
mod postmaster;
pub mod roles;

pub use embedded::{EmbeddedPostgres, EmbeddedPostgresError};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;

/// Why a database may not hold the log.
#[derive(Debug, thiserror::Error)]
pub enum NotDurable {
    /// A commit would be acknowledged before it is on disk.
    #[error(
        "the database has `{0} = off`: after a power cut, work that was acknowledged would be gone. \
         Set `{0} = on` and start Navette again"
    )]
    SettingOff(&'static str),
    /// The question was not answered.
    #[error("the database did not tell its durability settings")]
    Unknown(#[from] sqlx::Error),
}

/// Refuses a database that acknowledges commits before they are on disk.
///
/// The settings are read as the pool's own sessions see them, so that a value set on the role or on the
/// database is seen too.
pub async fn check_durability(pool: &PgPool) -> Result<(), NotDurable> {
    for setting in ["fsync", "synchronous_commit"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(pool)
            .await?;
        if value == "off" {
            return Err(NotDurable::SettingOff(setting));
        }
    }
    Ok(())
}

/// At most so many connections to the same database, whose plans are made once, and find rows by their indexes
/// whatever the tables hold then: a queue, or a read model, is empty one moment and full the next, so that what the
/// server knows of its size is of no use. The statements are short, and planning them each time costs more.
pub fn by_index(pool: &PgPool, connections: u32) -> PgPool {
    let options = PgConnectOptions::clone(&pool.connect_options()).options([
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("enable_bitmapscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("jit", "off"),
    ]);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .connect_lazy_with(options)
}
