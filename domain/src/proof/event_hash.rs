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
        let (position, recorded_at) = (self.position.to_string(), written_time(self.recorded_at));
        let mut bytes = Vec::with_capacity(512 + self.payload.len() + self.metadata.len());
        for field in [KIND, previous.as_bytes(), position.as_bytes()] {
            frame(&mut bytes, field);
        }
        bytes.extend(framed_identity(
            (&self.stream_type, self.stream_id, self.version),
            (&self.event_type, self.event_version),
        ));
        for field in [&recorded_at, &self.payload, &self.metadata] {
            frame(&mut bytes, field.as_bytes());
        }
        Digest::of(&bytes)
    }
}

/// What is hashed of an event between its position and its time: the fields that say which event it is, each
/// after its length.
pub fn framed_identity(
    (stream_type, stream_id, version): (&str, Uuid, i64),
    (event_type, event_version): (&str, i16),
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    for field in [
        stream_type,
        &stream_id.to_string(),
        &version.to_string(),
        event_type,
        &event_version.to_string(),
    ] {
        frame(&mut bytes, field.as_bytes());
    }
    bytes
}

fn frame(bytes: &mut Vec<u8>, field: &[u8]) {
    // A length of 64 bits holds that of any text in memory.
    bytes.extend((field.len() as u64).to_be_bytes());
    bytes.extend(field);
}

/// A time as it is hashed: `2026-11-27T10:00:00.123456Z`.
pub fn written_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}
