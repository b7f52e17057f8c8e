//! Snapshots: the states of long streams, so that only what came since is read.
//!
//! A snapshot is used only if the event it was made at is still the log's, and if these very rules made it: it
//! can be dropped, damaged or outdated, and never wrong. It is written after its stream was read, by nobody
//! who waits.

use super::{Log, StreamState};
use navette_domain::{
    digest::Digest,
    event::{Decider, RULES},
};
use sqlx::PgPool;
use std::collections::HashMap;
use uuid::Uuid;

/// A stream of which more events than this had to be read gets a snapshot.
const LONG: i64 = 100;

/// A state as it is kept.
pub(super) struct Snapshot {
    pub stream: Uuid,
    pub version: i64,
    pub state: String,
    pub digest: Digest,
}

impl Snapshot {
    fn of<A: Decider>(stream: Uuid, loaded: &StreamState<A>) -> serde_json::Result<Self> {
        let state = serde_json::to_string(&loaded.state)?;
        Ok(Self {
            digest: Self::digest::<A>(RULES, stream, loaded.version, &state),
            version: loaded.version,
            stream,
            state,
        })
    }

    pub fn digest<A: Decider>(rules: &str, stream: Uuid, version: i64, state: &str) -> Digest {
        let ties = format!("{rules} {} {stream} {version} ", A::TYPE);
        Digest::of_parts([ties.as_bytes(), state.as_bytes()])
    }

    fn read<A: Decider>(&self) -> Option<StreamState<A>> {
        let made = Self::digest::<A>(RULES, self.stream, self.version, &self.state);
        Some(StreamState {
            state: (made == self.digest)
                .then(|| serde_json::from_str(&self.state).ok())
                .flatten()?,
            version: self.version,
        })
    }

    /// Puts it in the place of an earlier one.
    pub async fn write(self, pool: &PgPool) -> sqlx::Result<()> {
        sqlx::query(
            "INSERT INTO snapshots (stream_id, version, hash, state, digest)
             SELECT stream_id, version, hash, $3, $4 FROM events WHERE stream_id = $1 AND version = $2
             ON CONFLICT (stream_id) DO UPDATE
                 SET version = EXCLUDED.version, hash = EXCLUDED.hash, state = EXCLUDED.state, digest = EXCLUDED.digest",
        )
        .bind(self.stream)
        .bind(self.version)
        .bind(self.state)
        .bind(self.digest.as_bytes().as_slice())
        .execute(pool)
        .await?;
        Ok(())
    }
}

impl Log {
    /// The states of those of these streams that have a snapshot which holds.
    pub(super) async fn snapshots<A: Decider>(
        &self,
        streams: &[Uuid],
    ) -> sqlx::Result<HashMap<Uuid, StreamState<A>>> {
        if !A::SNAPSHOTS {
            return Ok(HashMap::new());
        }
        let rows: Vec<(Uuid, i64, String, [u8; 32])> = sqlx::query_as(
            "SELECT kept.stream_id, kept.version, kept.state, kept.digest
             FROM snapshots AS kept JOIN events AS event USING (stream_id, version, hash)
             WHERE kept.stream_id = ANY ($1)",
        )
        .bind(streams)
        .fetch_all(&self.pool)
        .await?;
        let read = |(stream, version, state, digest)| {
            let kept = Snapshot {
                stream,
                version,
                state,
                digest: Digest::from_bytes(digest),
            };
            Some((stream, kept.read()?))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Keeps the states of streams that were long to read from the versions that were `known`.
    pub(super) fn keep_snapshots<A: Decider>(
        &self,
        known: &HashMap<Uuid, i64>,
        loaded: &HashMap<Uuid, StreamState<A>>,
    ) {
        if !A::SNAPSHOTS {
            return;
        }
        let long = loaded.iter().filter(|(stream, loaded)| {
            let known = known.get(stream).copied().unwrap_or_default();
            loaded.version - known > LONG
        });
        let kept: Vec<Snapshot> = long
            .filter_map(|(stream, loaded)| Snapshot::of(*stream, loaded).ok())
            .collect();
        if kept.is_empty() {
            return;
        }
        let pool = self.pool.clone();
        tokio::spawn(async move {
            for snapshot in kept {
                if let Err(error) = snapshot.write(&pool).await {
                    tracing::warn!(%error, "a snapshot could not be kept");
                }
            }
        });
    }
}
