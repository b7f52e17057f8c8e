//! What the commits of a group are judged against.

use super::{AppendRefusal, Appended, Commit, NewEvent, Verdict};
use navette_domain::digest::Digest;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Ground {
    /// The position of the last event.
    pub head: i64,
    /// Of each stream.
    pub versions: HashMap<Uuid, i64>,
    /// Of commands that were answered before.
    pub receipts: HashMap<Uuid, (Digest, Appended)>,
    /// Effects and the leases on them that hold.
    pub leases: HashSet<(Uuid, Uuid)>,
}

/// What the database found, of what it was asked about.
pub(super) struct Found {
    pub head: i64,
    pub versions: Vec<(Uuid, i64)>,
    pub receipts: Vec<(Uuid, (Digest, Appended))>,
    pub leases_lost: Vec<(Uuid, Uuid)>,
}

impl Ground {
    /// Each stream at the first version that is expected of it, no receipt, and every lease.
    pub fn hoped_for(commits: &[Commit]) -> Self {
        let mut ground = Self::default();
        for commit in commits {
            for stream in &commit.streams {
                ground
                    .versions
                    .entry(stream.stream_id)
                    .or_insert(stream.expected);
            }
            ground
                .leases
                .extend(commit.finished.map(|effect| (effect.id.0, effect.lease)));
        }
        ground
    }

    /// The same after so many events.
    pub fn at(self, head: i64) -> Self {
        Self { head, ..self }
    }

    /// Puts what was found in the place of what was hoped for.
    pub fn learn(&mut self, found: Found) {
        self.head = found.head;
        self.versions.extend(found.versions);
        self.receipts.extend(found.receipts);
        for lost in found.leases_lost {
            self.leases.remove(&lost);
        }
    }

    /// What becomes of the commits, in order: each is judged on what those before it leave, so that two
    /// commits of one group may follow each other on one stream.
    pub fn judge(&self, commits: &[Commit]) -> Vec<Verdict> {
        let mut ground = self.clone();
        let verdicts = commits.iter().map(|commit| ground.advance(commit));
        verdicts.collect()
    }

    fn advance(&mut self, commit: &Commit) -> Verdict {
        match self.receipts.get(&commit.command.0) {
            Some((content, appended)) if *content == commit.content => return Ok(*appended),
            Some(_) => return Err(AppendRefusal::KeyReused),
            None => {}
        }
        if let Some(effect) = commit.finished
            && !self.leases.remove(&(effect.id.0, effect.lease))
        {
            return Err(AppendRefusal::LeaseLost);
        }
        for stream in &commit.streams {
            let actual = self.versions.get(&stream.stream_id).copied().unwrap_or(0);
            if actual != stream.expected {
                return Err(AppendRefusal::Conflict {
                    stream: stream.stream_id,
                    actual,
                });
            }
        }
        for stream in &commit.streams {
            let added = count(&stream.events);
            self.head += added;
            self.versions
                .insert(stream.stream_id, stream.expected + added);
        }
        let version = commit
            .streams
            .first()
            .map_or(0, |stream| stream.expected + count(&stream.events));
        let appended = Appended {
            version,
            position: self.head,
            replayed: false,
            handed: false,
        };
        let again = Appended {
            replayed: true,
            ..appended
        };
        self.receipts
            .insert(commit.command.0, (commit.content, again));
        Ok(appended)
    }
}

fn count(events: &[NewEvent]) -> i64 {
    i64::try_from(events.len()).unwrap_or(i64::MAX)
}
