//! Reading the log: one stream, several streams at once, or everything in order.

use super::{Appended, Log, upcast};
use crate::keys::{self, KeysFault, Place};
use chrono::{DateTime, Utc};
use cqrs_es::persist::SerializedEvent;
use navette_domain::{
    digest::Digest,
    event::{Decider, Event, Metadata, Recorded, UnreadableEvent},
    ids::CommandId,
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Reading {
    /// The database did not answer.
    #[error("the log cannot be read")]
    Database(#[from] sqlx::Error),
    /// The keys of its personal values are out of reach.
    #[error("the log cannot be opened")]
    Keys(#[from] KeysFault),
    /// An event is not one of ours.
    #[error("position {position} of the log cannot be read")]
    Unreadable {
        /// Where.
        position: i64,
        /// Why.
        #[source]
        cause: UnreadableEvent,
    },
}

/// An aggregate as its stream tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamState<A> {
    /// The state.
    pub state: A,
    /// The number of events behind it; 0 for a stream that does not exist.
    pub version: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    position: i64,
    stream_type: String,
    stream_id: Uuid,
    version: i64,
    event_type: String,
    event_version: i16,
    payload: String,
    metadata: String,
    recorded_at: DateTime<Utc>,
}

impl Row {
    fn read(self) -> Result<Recorded, Reading> {
        let position = self.position;
        let unreadable = |event_type: &str, cause: String| Reading::Unreadable {
            position,
            cause: UnreadableEvent {
                event_type: event_type.to_owned(),
                cause,
            },
        };
        let metadata: Metadata = serde_json::from_str(&self.metadata)
            .map_err(|error| unreadable(&self.event_type, error.to_string()))?;
        let (event_type, payload) = self.current()?;
        let event = Event::read(&event_type, &payload)
            .map_err(|cause| Reading::Unreadable { position, cause })?;
        Ok(Recorded {
            position,
            stream_type: self.stream_type,
            stream_id: self.stream_id,
            version: self.version,
            event,
            event_type,
            metadata,
            recorded_at: self.recorded_at,
        })
    }

    /// The event's name and payload as this version writes them. What needs no upcaster is not even parsed.
    fn current(&self) -> Result<(String, String), Reading> {
        let upcasters = upcast::upcasters();
        let version = self.event_version.to_string();
        if !upcasters
            .iter()
            .any(|upcaster| upcaster.can_upcast(&self.event_type, &version))
        {
            return Ok((self.event_type.clone(), self.payload.clone()));
        }
        let unreadable = |error: serde_json::Error| Reading::Unreadable {
            position: self.position,
            cause: UnreadableEvent {
                event_type: self.event_type.clone(),
                cause: error.to_string(),
            },
        };
        let event = SerializedEvent::new(
            self.stream_id.to_string(),
            usize::try_from(self.version).unwrap_or_default(),
            self.stream_type.clone(),
            self.event_type.clone(),
            version,
            serde_json::from_str(&self.payload).map_err(unreadable)?,
            serde_json::Value::Null,
        );
        let event = upcast::upcast(event, &upcasters);
        Ok((event.event_type, event.payload.to_string()))
    }
}

impl Log {
    /// These rows with their personal values as they were, or erased.
    async fn opened(&self, mut rows: Vec<Row>) -> Result<Vec<Row>, Reading> {
        let needed = rows.iter().flat_map(|row| keys::keys_of(&row.payload));
        let needed: BTreeSet<Uuid> = needed.collect();
        if needed.is_empty() {
            return Ok(rows);
        }
        let ring = self.keys.ring(&needed).await?;
        for row in &mut rows {
            let place = Place {
                stream_type: &row.stream_type,
                stream_id: row.stream_id,
                event_type: &row.event_type,
            };
            let opened = place.open(&row.payload, &ring);
            let opened = opened.map_err(|fault| Reading::Unreadable {
                position: row.position,
                cause: UnreadableEvent {
                    event_type: row.event_type.clone(),
                    cause: fault.to_string(),
                },
            })?;
            if let Some(payload) = opened {
                row.payload = payload;
            }
        }
        Ok(rows)
    }

    /// At most `limit` events after `position`, in order.
    pub async fn read(&self, position: i64, limit: i64) -> Result<Vec<Recorded>, Reading> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT * FROM events WHERE position > $1 ORDER BY position LIMIT $2")
                .bind(position)
                .bind(limit)
                .fetch_all(&self.pool)
                .await?;
        self.opened(rows)
            .await?
            .into_iter()
            .map(Row::read)
            .collect()
    }

    /// All the events of one stream, in order.
    pub async fn stream(&self, stream: Uuid) -> Result<Vec<Recorded>, Reading> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT * FROM events WHERE stream_id = $1 ORDER BY version")
                .bind(stream)
                .fetch_all(&self.pool)
                .await?;
        self.opened(rows)
            .await?
            .into_iter()
            .map(Row::read)
            .collect()
    }

    /// One aggregate; unborn, at version 0, if its stream does not exist.
    pub async fn load<A: Decider>(&self, stream: Uuid) -> Result<StreamState<A>, Reading> {
        Ok(self
            .load_many(&[stream])
            .await?
            .remove(&stream)
            .unwrap_or_default())
    }

    /// Several aggregates of one kind in one statement; those that do not exist are left out.
    pub async fn load_many<A: Decider>(
        &self,
        streams: &[Uuid],
    ) -> Result<HashMap<Uuid, StreamState<A>>, Reading> {
        let rows: Vec<Row> = sqlx::query_as("SELECT * FROM events WHERE stream_id = ANY($1) AND stream_type = $2 ORDER BY stream_id, version")
            .bind(streams)
            .bind(A::TYPE)
            .fetch_all(&self.pool)
            .await?;
        let rows = self.opened(rows).await?;
        let mut loaded: HashMap<Uuid, StreamState<A>> = HashMap::new();
        for row in rows {
            let (position, stream, version) = (row.position, row.stream_id, row.version);
            let (event_type, payload) = row.current()?;
            let event: A::Event =
                serde_json::from_str(&payload).map_err(|error| Reading::Unreadable {
                    position,
                    cause: UnreadableEvent {
                        event_type,
                        cause: error.to_string(),
                    },
                })?;
            let entry = loaded.entry(stream).or_default();
            entry.state.apply(event);
            entry.version = version;
        }
        Ok(loaded)
    }

    /// What was answered to this command, if it was written.
    pub async fn receipt(&self, command: CommandId) -> Result<Option<(Digest, Appended)>, Reading> {
        let row: Option<(Vec<u8>, i64, i64)> = sqlx::query_as(
            "SELECT content, version, position FROM command_receipts WHERE command_id = $1",
        )
        .bind(command.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.and_then(|(content, version, position)| {
            let content = Digest::from_bytes(content.try_into().ok()?);
            Some((
                content,
                Appended {
                    version,
                    position,
                    replayed: true,
                },
            ))
        }))
    }

    /// The position of the last event.
    pub async fn last_position(&self) -> Result<i64, Reading> {
        let (position,): (i64,) = sqlx::query_as("SELECT coalesce(max(position), 0) FROM events")
            .fetch_one(&self.pool)
            .await?;
        Ok(position)
    }
}
