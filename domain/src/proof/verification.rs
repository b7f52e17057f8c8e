//! Whether a log is what it was: read once, in order, with constant memory.

use super::{HASHED_BEFORE_FIRST, StoredEvent, fault::Fault, tree::Frontier};
use crate::{digest::Digest, proof::tree::Subtree};

/// The event before another in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Previous {
    /// Its position.
    pub position: i64,
    /// Its hash.
    pub hash: Digest,
}

/// How far from its place the former place of an event is looked for.
const FARTHEST: i64 = 1000;
/// How often that is done in vain: when much was changed, one reason is enough.
const VAIN_SEARCHES: u32 = 20;
/// How many faults are told; the others are counted.
const TOLD: usize = 50;

/// What was found wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The first ones.
    pub told: Vec<Fault>,
    /// How many more there are.
    pub more: u64,
}

impl Faults {
    /// Adds one.
    pub fn add(&mut self, fault: Fault) {
        if self.told.len() < TOLD {
            self.told.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }
}

/// Events that stand next to each other and were all moved as far.
#[derive(Debug, Clone, Copy)]
struct Moved {
    first: i64,
    last: i64,
    /// Where they are, less where they were.
    by: i64,
}

/// A log that is being verified.
#[derive(Debug, Default)]
pub struct Verification {
    /// What was found so far.
    pub faults: Faults,
    frontier: Frontier,
    last: i64,
    moved: Vec<Moved>,
    searches: u32,
    /// Whether every position so far held one event: else the tree says nothing more.
    dense: bool,
}

impl Verification {
    /// Before the first event.
    pub fn begin() -> Self {
        Self {
            dense: true,
            ..Self::default()
        }
    }

    /// After the events of this tree, which are taken as they are.
    pub fn after(before: Frontier) -> Self {
        Self {
            last: i64::try_from(before.size()).unwrap_or(i64::MAX),
            frontier: before,
            ..Self::begin()
        }
    }

    /// The last position that was read.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// The root of the tree over the events so far, unless some are missing.
    pub fn root(&self) -> Option<Digest> {
        self.dense.then(|| self.frontier.root())
    }

    /// Takes the next event, and the one before it in its stream; tells `made` the subtrees it completes.
    pub fn take(
        &mut self,
        event: &StoredEvent,
        previous: Option<Previous>,
        made: impl FnMut(Subtree, &Digest),
    ) {
        self.take_hash(event.position, &event.hash, made);
        if let Some(fault) = link_fault(event, previous) {
            match self.former_position(event, previous) {
                Some(former) => self.moved(event.position, event.position - former),
                None => self.faults.add(fault),
            }
        }
    }

    /// Takes the hash alone of the next event: its content is elsewhere.
    pub fn take_hash(&mut self, position: i64, hash: &Digest, made: impl FnMut(Subtree, &Digest)) {
        let expected = self.last + 1;
        if position > expected {
            self.dense = false;
            self.faults.add(Fault::Removed {
                first: expected,
                last: position - 1,
            });
        } else if position < expected {
            self.dense = false;
            self.faults.add(Fault::Doubled { position });
        }
        self.last = position;
        self.frontier.push(hash, made);
    }

    /// Says where an event whose hash is wrong at its place had been when it was hashed.
    fn former_position(&mut self, event: &StoredEvent, previous: Option<Previous>) -> Option<i64> {
        let before = hash_before(event, previous)?;
        let mut moved = event.clone();
        let mut was_at = |former: i64| {
            moved.position = former;
            (moved.hash_after(&before) == event.hash).then_some(former)
        };
        let alike = self.moved.last().map(|moved| event.position - moved.by);
        if let Some(found) = alike.and_then(&mut was_at) {
            return Some(found);
        }
        if self.searches >= VAIN_SEARCHES {
            return None;
        }
        let found = (1..=FARTHEST)
            .flat_map(|far| [event.position - far, event.position + far])
            .find_map(was_at);
        self.searches += u32::from(found.is_none());
        found
    }

    fn moved(&mut self, position: i64, by: i64) {
        if let Some(moved) = self.moved.last_mut()
            && moved.by == by
            && moved.last + 1 == position
        {
            moved.last = position;
        } else if self.moved.len() < TOLD {
            let (first, last) = (position, position);
            self.moved.push(Moved { first, last, by });
        } else {
            self.faults.more += 1;
        }
    }

    /// After the last event: what moved to the very end made or filled a gap, the rest changed places.
    pub fn end(mut self) -> Faults {
        for Moved { first, last, by } in self.moved {
            let fault = match by {
                _ if last < self.last => Fault::Reordered { first, last },
                1.. => Fault::Inserted {
                    first: first - by,
                    last: first - 1,
                },
                _ => Fault::RemovedAndRenumbered {
                    before: first,
                    count: -by,
                },
            };
            self.faults.add(fault);
        }
        self.faults
    }
}

/// The hash that the one of this event must cover; none when the event before it is missing.
fn hash_before(event: &StoredEvent, previous: Option<Previous>) -> Option<Digest> {
    match previous {
        Some(previous) => Some(previous.hash),
        None if event.version == 1 => Some(HASHED_BEFORE_FIRST),
        None => None,
    }
}

/// What is wrong between an event and the one before it in its stream.
pub fn link_fault(event: &StoredEvent, previous: Option<Previous>) -> Option<Fault> {
    let position = event.position;
    let Some(before) = hash_before(event, previous) else {
        return Some(Fault::PredecessorRemoved {
            position,
            stream: event.stream_id,
            version: event.version - 1,
        });
    };
    if event.hash_after(&before) != event.hash {
        return Some(Fault::Changed {
            position,
            after: previous.map(|previous| previous.position),
        });
    }
    let before = previous.filter(|previous| previous.position >= position)?;
    Some(Fault::Reordered {
        first: position,
        last: before.position,
    })
}
