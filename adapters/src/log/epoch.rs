//! Epochs: a log that was restored, or taken over by another server, may lack what was already told. It goes
//! on only in an epoch that somebody has announced, so that nobody mistakes its positions for the former ones.

use super::Log;
use navette_domain::digest::Digest;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The last event that somebody outside the database has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// In which epoch.
    pub epoch: Uuid,
    /// Where.
    pub position: i64,
    /// Its hash.
    pub hash: Digest,
}

/// Why the log may not go on as if nothing had happened.
#[derive(Debug, thiserror::Error)]
pub enum Unannounced {
    /// Another server holds it, or the same one after a recovery to a point in time.
    #[error(
        "the log is on another server than before, or on one that was brought back to a point in time"
    )]
    Moved,
    /// What was seen is gone, or something else is in its place.
    #[error(
        "the log was set back: position {seen} was seen here, and is not what it was; the log ends at {head}"
    )]
    Rewound {
        /// The position that was seen.
        seen: i64,
        /// The last one there is.
        head: i64,
    },
    /// It never was the log that was seen here.
    #[error("epoch {0} was seen here, and this log knows nothing of it")]
    Foreign(Uuid),
    /// The database did not answer.
    #[error("the epoch of the log cannot be read")]
    Unknown(#[from] sqlx::Error),
}

/// An epoch of the log.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Epoch {
    /// Its name.
    pub epoch: Uuid,
    /// The last position when it was announced.
    pub after_position: i64,
    /// Why it was.
    pub reason: String,
    /// When.
    pub began_at: chrono::DateTime<chrono::Utc>,
}

impl Log {
    /// The epoch of the log.
    pub async fn epoch(&self) -> sqlx::Result<Uuid> {
        sqlx::query_scalar("SELECT epoch FROM log")
            .fetch_one(&self.pool)
            .await
    }

    /// All its epochs, in order.
    pub async fn epochs(&self) -> sqlx::Result<Vec<Epoch>> {
        sqlx::query_as(
            "SELECT epoch, after_position, reason, began_at FROM epochs ORDER BY began_at",
        )
        .fetch_all(&self.pool)
        .await
    }

    /// The last event, to be kept outside.
    pub async fn last_seen(&self) -> sqlx::Result<Option<Seen>> {
        let row: Option<(Uuid, i64, [u8; 32])> = sqlx::query_as(
            "SELECT log.epoch, e.position, e.hash FROM log, events e ORDER BY e.position DESC LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|(epoch, position, hash)| Seen {
            epoch,
            position,
            hash: Digest::from_bytes(hash),
        }))
    }

    /// Goes on only if the log is where its epoch began, and holds what was `seen` outside.
    pub async fn check_epoch(&self, seen: Option<&Seen>) -> Result<(), Unannounced> {
        let (epoch, here): (Uuid, bool) = sqlx::query_as(
            "SELECT log.epoch,
                    e.system_identifier = server.system_identifier AND e.timeline = server_timeline()
             FROM log JOIN epochs e USING (epoch), pg_control_system() AS server",
        )
        .fetch_one(&self.pool)
        .await?;
        if !here {
            return Err(Unannounced::Moved);
        }
        let Some(seen) = seen else {
            return Ok(());
        };
        if seen.epoch != epoch {
            // One that was announced since has settled what became of the positions of this one.
            let known = self.epochs().await?;
            let announced = known.iter().any(|known| known.epoch == seen.epoch);
            return announced
                .then_some(())
                .ok_or(Unannounced::Foreign(seen.epoch));
        }
        let hash: Option<[u8; 32]> =
            sqlx::query_scalar(
                "SELECT hash FROM events WHERE position = $1 UNION SELECT hash FROM archived_hashes WHERE position = $1 LIMIT 1",
            )
                .bind(seen.position)
                .fetch_optional(&self.pool)
                .await?;
        if hash.map(Digest::from_bytes) == Some(seen.hash) {
            return Ok(());
        }
        let head = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events")
            .fetch_one(&self.pool)
            .await?;
        Err(Unannounced::Rewound {
            seen: seen.position,
            head,
        })
    }

    /// Announces that the log goes on from where it is, on the server where it is.
    pub async fn begin_epoch(&self, reason: &str) -> sqlx::Result<Epoch> {
        let mut transaction = self.pool.begin().await?;
        let epoch: Epoch = sqlx::query_as(
            "INSERT INTO epochs (epoch, after_position, reason, system_identifier, timeline)
             SELECT gen_random_uuid(), (SELECT coalesce(max(position), 0) FROM events), $1, server.system_identifier, server_timeline()
             FROM pg_control_system() AS server
             RETURNING epoch, after_position, reason, began_at",
        )
        .bind(reason)
        .fetch_one(&mut *transaction)
        .await?;
        sqlx::query("UPDATE log SET epoch = $1")
            .bind(epoch.epoch)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(epoch)
    }
}
