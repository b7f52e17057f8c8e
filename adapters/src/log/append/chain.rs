//! Events about to be stored, chained by their hashes.

use super::{Appended, Commit};
use chrono::{DateTime, Utc};
use navette_domain::{
    digest::Digest,
    proof::{HASHED_BEFORE_FIRST, StoredEvent},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Where the chains stand before a group is written.
pub(super) struct Chains {
    /// The position of the next event.
    pub first: i64,
    /// The database's time.
    pub now: DateTime<Utc>,
    /// The hash of the last event of each stream that exists.
    pub heads: HashMap<Uuid, Digest>,
}

impl Chains {
    /// What is stored of the winners, in order.
    pub fn extend(&mut self, winners: &[(&Commit, Appended)]) -> Vec<StoredEvent> {
        let streams = winners.iter().flat_map(|(commit, _)| &commit.streams);
        let events = streams.flat_map(|stream| {
            let numbered = (stream.expected + 1..).zip(&stream.events);
            numbered.map(move |(version, event)| (stream, version, event))
        });
        let stored = (self.first..).zip(events);
        stored
            .map(|(position, (stream, version, event))| {
                let mut stored = StoredEvent {
                    position,
                    stream_type: stream.stream_type.to_owned(),
                    stream_id: stream.stream_id,
                    version,
                    event_type: event.event_type.clone(),
                    event_version: event.event_version,
                    recorded_at: self.now,
                    payload: event.payload.clone(),
                    metadata: event.metadata.clone(),
                    hash: HASHED_BEFORE_FIRST,
                };
                let head = self.heads.entry(stream.stream_id);
                let head = head.or_insert(HASHED_BEFORE_FIRST);
                stored.hash = stored.hash_after(head);
                *head = stored.hash;
                stored
            })
            .collect()
    }
}
