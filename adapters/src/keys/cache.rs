//! The keys that this process remembers, and how soon it forgets them.

use super::{InForce, Keyring, SubjectKey};
use chrono::{DateTime, Utc};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How many keys are remembered: some megabytes. Then all are forgotten, which costs a few statements.
const BOUND: usize = 10_000;
/// For how long a key may be used without asking whether it was destroyed.
const TRUST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Cache {
    keys: Keyring,
    in_force: HashMap<Uuid, Uuid>,
    /// When others' destructions were last asked for: by our clock, and by the database's.
    looked: Option<Instant>,
    since: DateTime<Utc>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            keys: HashMap::new(),
            in_force: HashMap::new(),
            looked: None,
            since: DateTime::UNIX_EPOCH,
        }
    }
}

impl Cache {
    /// Those of these keys that are known, and the ids of the others.
    pub fn find(&self, ids: &BTreeSet<Uuid>) -> (Keyring, Vec<Uuid>) {
        let (mut found, mut unknown) = (Keyring::new(), vec![]);
        for id in ids {
            match self.keys.get(id) {
                Some(key) => drop(found.insert(*id, key.clone())),
                None => unknown.push(*id),
            }
        }
        (found, unknown)
    }

    /// Those of these subjects whose key in force is known, and the others.
    pub fn in_force(&self, subjects: &BTreeSet<Uuid>) -> (InForce, Vec<Uuid>) {
        let (mut found, mut unknown) = (HashMap::new(), vec![]);
        for subject in subjects {
            let id = self.in_force.get(subject);
            match id.and_then(|id| Some((*id, self.keys.get(id)?.clone()?))) {
                Some(key) => drop(found.insert(*subject, key)),
                None => unknown.push(*subject),
            }
        }
        (found, unknown)
    }

    pub fn keep(&mut self, id: Uuid, key: Option<Arc<SubjectKey>>) {
        if self.keys.len() >= BOUND {
            self.keys.clear();
            self.in_force.clear();
        }
        if let Some(key) = &key {
            self.in_force.insert(key.subject, id);
        }
        self.keys.insert(id, key);
    }

    pub fn destroy(&mut self, id: Uuid, subject: Uuid) {
        self.in_force.remove(&subject);
        self.keys.insert(id, None);
    }

    /// Since when others' destructions are to be asked for, if it is time to.
    pub fn due(&self) -> Option<DateTime<Utc>> {
        let recent = self.looked.is_some_and(|looked| looked.elapsed() < TRUST);
        // Nothing is remembered before the first look: nothing can have been missed.
        (!recent).then_some(self.since)
    }

    pub fn heard(&mut self, looked: Instant, now: DateTime<Utc>, destroyed: &[Uuid]) {
        for id in destroyed {
            if let Some(Some(key)) = self.keys.insert(*id, None) {
                self.in_force.remove(&key.subject);
            }
        }
        self.looked = Some(looked);
        self.since = now;
    }
}
