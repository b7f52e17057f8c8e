//! Reading the log: one stream, several streams at once, or everything in order.

use super::{Appended, Log, archive};
use crate::keys::{self, KeysFault, Place};
use chrono::{DateTime, Utc};
use navette_domain::{
    digest::Digest,
    event::{Event, Metadata, Recorded, UnreadableEvent},
    ids::CommandId,
    proof::StoredEvent,
    upcast::{self, Upcaster},
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

mod tuples;

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Reading {
    /// The database did not answer.
    #[error("the log cannot be read")]
    Database(#[from] sqlx::Error),
    /// The keys of its personal values are out of reach.
    #[error("the log cannot be opened")]
    Keys(#[from] KeysFault),
    /// The first events of a stream are archived.
    #[error(
        "the stream {stream} is archived up to position {position}: `navette archive attach` brings it back (if \
         `navette archive list` knows nothing of it, events were removed: `navette verify`)"
    )]
    Archived {
        /// Which stream.
        stream: Uuid,
        /// The first of its events that is still in the log.
        position: i64,
    },
    /// What is asked for has left the log.
    #[error(
        "what follows position {position} is archived, up to position {last}: `navette archive attach` brings it back"
    )]
    LeftTheLog {
        /// After which position it was asked for.
        position: i64,
        /// The last position that is archived.
        last: i64,
    },
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

/// What an event says, without who said it, why and when.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Said {
    pub position: i64,
    pub stream_type: String,
    pub stream_id: Uuid,
    pub version: i64,
    event_type: String,
    event_version: i16,
    payload: String,
}

/// A row of the log.
#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    #[sqlx(flatten)]
    pub said: Said,
    metadata: String,
    recorded_at: DateTime<Utc>,
    hash: [u8; 32],
}

impl AsMut<Said> for Said {
    fn as_mut(&mut self) -> &mut Said {
        self
    }
}

impl AsMut<Said> for Row {
    fn as_mut(&mut self) -> &mut Said {
        &mut self.said
    }
}

impl From<Row> for StoredEvent {
    fn from(row: Row) -> Self {
        Self {
            position: row.said.position,
            stream_type: row.said.stream_type,
            stream_id: row.said.stream_id,
            version: row.said.version,
            event_type: row.said.event_type,
            event_version: row.said.event_version,
            recorded_at: row.recorded_at,
            payload: row.said.payload,
            metadata: row.metadata,
            hash: Digest::from_bytes(row.hash),
        }
    }
}

impl Said {
    /// The names and payloads under which this version of Navette reads it.
    pub fn current(self, upcasters: &[Upcaster]) -> Result<Vec<(String, String)>, Reading> {
        let version = u16::try_from(self.event_version).unwrap_or_default();
        let position = self.position;
        upcast::current(upcasters, self.event_type, version, self.payload)
            .map_err(|cause| Reading::Unreadable { position, cause })
    }
}

impl Row {
    fn read(self, upcasters: &[Upcaster]) -> Result<Vec<Recorded>, Reading> {
        let said = self.said;
        let position = said.position;
        let unreadable = |cause| Reading::Unreadable { position, cause };
        let metadata: Metadata = serde_json::from_str(&self.metadata).map_err(|error| {
            unreadable(UnreadableEvent {
                event_type: said.event_type.clone(),
                cause: error.to_string(),
            })
        })?;
        let (stream_type, stream_id) = (said.stream_type.clone(), said.stream_id);
        let version = said.version;
        said.current(upcasters)?
            .into_iter()
            .map(|(event_type, payload)| {
                Ok(Recorded {
                    position,
                    stream_type: stream_type.clone(),
                    stream_id,
                    version,
                    event: Event::read(&event_type, &payload).map_err(unreadable)?,
                    event_type,
                    metadata: metadata.clone(),
                    recorded_at: self.recorded_at,
                })
            })
            .collect()
    }
}

/// A part of the log, in order. A stored event may read as several events, or as none, so their number is
/// not that of the positions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stretch {
    /// The events; those that come of one stored event share its position.
    pub events: Vec<Recorded>,
    /// The last position that was read, or the one after which there was nothing.
    pub last: i64,
    /// How many stored events were read: as many as the positions passed, unless the log has a hole.
    pub stored: i64,
    /// Whether there may be more.
    pub more: bool,
}

impl Log {
    /// The same with their personal values as they were, or erased.
    pub(super) async fn opened<R: AsMut<Said>>(&self, mut rows: Vec<R>) -> Result<Vec<R>, Reading> {
        let needed: BTreeSet<Uuid> = rows
            .iter_mut()
            .flat_map(|row| keys::keys_of(&row.as_mut().payload))
            .collect();
        if needed.is_empty() {
            return Ok(rows);
        }
        let ring = self.keys.ring(&needed).await?;
        for said in rows.iter_mut().map(AsMut::as_mut) {
            let place = Place {
                stream_type: &said.stream_type,
                stream_id: said.stream_id,
                event_type: &said.event_type,
            };
            let opened = place.open(&said.payload, &ring);
            let opened = opened.map_err(|fault| Reading::Unreadable {
                position: said.position,
                cause: UnreadableEvent {
                    event_type: said.event_type.clone(),
                    cause: fault.to_string(),
                },
            })?;
            if let Some(payload) = opened {
                said.payload = payload;
            }
        }
        Ok(rows)
    }

    /// What is at the `limit` positions after `position`.
    pub async fn read(&self, position: i64, limit: i64) -> Result<Stretch, Reading> {
        let rows = self.rows_after(position, limit).await?;
        self.stretch(position, limit, rows).await
    }

    pub(super) async fn stretch(
        &self,
        position: i64,
        limit: i64,
        rows: Vec<Row>,
    ) -> Result<Stretch, Reading> {
        let stored = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Ok(Stretch {
            last: rows.last().map_or(position, |row| row.said.position),
            stored,
            more: stored >= limit,
            events: self.recorded(rows).await?,
        })
    }

    /// All the events of one stream, in order.
    pub async fn stream(&self, stream: Uuid) -> Result<Vec<Recorded>, Reading> {
        self.streams(&[stream]).await
    }

    /// All the events of these streams, in the order of the log.
    pub async fn streams(&self, streams: &[Uuid]) -> Result<Vec<Recorded>, Reading> {
        let rows = self.rows_of(streams).await?;
        let mut reached = HashMap::new();
        for Row { said, .. } in &rows {
            let before = reached.entry(said.stream_id).or_default();
            let place = (said.version, said.position);
            archive::check_follows(said.stream_id, place, *before)?;
            *before = said.version;
        }
        self.recorded(rows).await
    }

    /// The events of one stored name after `position`, up to `last`, in order.
    pub async fn read_named(
        &self,
        event_type: &str,
        position: i64,
        last: i64,
    ) -> Result<Vec<Recorded>, Reading> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT * FROM events WHERE event_type = $1 AND position > $2 AND position <= $3
             ORDER BY position",
        )
        .bind(event_type)
        .bind(position)
        .bind(last)
        .fetch_all(&self.pool)
        .await?;
        self.recorded(rows).await
    }

    /// The events at the `limit` positions after `position`, as they are stored.
    pub async fn stored(&self, position: i64, limit: i64) -> sqlx::Result<Vec<StoredEvent>> {
        let rows = self.rows_after(position, limit).await?;
        Ok(rows.into_iter().map(StoredEvent::from).collect())
    }

    /// All the events of one stream, in order, as they are stored.
    pub async fn stored_stream(&self, stream: Uuid) -> sqlx::Result<Vec<StoredEvent>> {
        self.stored_streams(&[stream]).await
    }

    /// All the events of these streams, in the order of the log, as they are stored.
    pub async fn stored_streams(&self, streams: &[Uuid]) -> sqlx::Result<Vec<StoredEvent>> {
        let rows = self.rows_of(streams).await?;
        Ok(rows.into_iter().map(StoredEvent::from).collect())
    }

    pub(super) async fn rows_after(&self, position: i64, limit: i64) -> sqlx::Result<Vec<Row>> {
        tuples::after(&self.pool, position, limit).await
    }

    async fn rows_of(&self, streams: &[Uuid]) -> sqlx::Result<Vec<Row>> {
        sqlx::query_as("SELECT * FROM events WHERE stream_id = ANY($1) ORDER BY position")
            .bind(streams)
            .fetch_all(&self.pool)
            .await
    }

    async fn recorded(&self, rows: Vec<Row>) -> Result<Vec<Recorded>, Reading> {
        let mut events = Vec::with_capacity(rows.len());
        for row in self.opened(rows).await? {
            events.extend(row.read(self.upcasters)?);
        }
        Ok(events)
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
                    handed: false,
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
