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

use sqlx::PgPool;

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
