//! The hash of an event.

use crate::digest::Digest;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Names the way events are hashed, and keeps a hash from meaning anything else.
const KIND: &[u8] = b"navette event 1";

/// What stands for the previous hash in the first event of a stream.
pub const HASHED_BEFORE_FIRST: Digest = Digest::from_bytes([0; 32]);

/// An event as it is stored, with the exact bytes that are hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the log: dense, from 1.
    pub position: i64,
    /// The aggregate's type.
    pub stream_type: String,
    /// The aggregate's id.
    pub stream_id: Uuid,
    /// Its place in the stream, from 1.
    pub version: i64,
    /// Its stored name.
    pub event_type: String,
    /// Its stored version.
    pub event_version: i16,
    /// When the log received it, to the microsecond.
    pub recorded_at: DateTime<Utc>,
    /// Its exact bytes.
    pub payload: String,
    /// Who and why: the exact bytes.
    pub metadata: String,
    /// The hash it was stored with.
    pub hash: Digest,
}

impl StoredEvent {
    /// The hash it must have, after the event with the hash `previous` in its stream. Each field is preceded
    /// by its length, so that no two events write the same bytes.
    pub fn hash_after(&self, previous: &Digest) -> Digest {
        let (position, version) = (self.position.to_string(), self.version.to_string());
        let (stream_id, event_version) =
            (self.stream_id.to_string(), self.event_version.to_string());
        let recorded_at = written_time(self.recorded_at);
        let fields: [&[u8]; 11] = [
            KIND,
            previous.as_bytes(),
            position.as_bytes(),
            self.stream_type.as_bytes(),
            stream_id.as_bytes(),
            version.as_bytes(),
            self.event_type.as_bytes(),
            event_version.as_bytes(),
            recorded_at.as_bytes(),
            self.payload.as_bytes(),
            self.metadata.as_bytes(),
        ];
        // A length of 64 bits holds that of any text in memory.
        let lengths = fields.map(|field| (field.len() as u64).to_be_bytes());
        let parts = lengths.iter().zip(fields);
        Digest::of_parts(parts.flat_map(|(length, field)| [length.as_slice(), field]))
    }
}

/// A time as it is hashed: `2026-11-27T10:00:00.123456Z`.
pub fn written_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
