//! What really happened at the neighbours: the witness that nothing was done twice.

use navette_domain::{digest::Digest, ports::Neighbour};
use std::sync::{Arc, Mutex, PoisonError};

/// One effect that a neighbour applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub neighbour: Neighbour,
    /// What, as the simulator names it: `upload`, `approval requested`, `folder created`, `mail`…
    pub effect: &'static str,
    /// On what: the key that must be unique for the effect (a path, a folder id, a Message-ID).
    pub key: String,
    /// The bytes it carried, when it carried some.
    pub content: Option<Digest>,
}

/// The effects of all the neighbours of one run, in order.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<Vec<Entry>>>);

impl Ledger {
    /// Notes an effect that was just applied.
    pub fn note(
        &self,
        neighbour: Neighbour,
        effect: &'static str,
        key: impl Into<String>,
        content: Option<&[u8]>,
    ) {
        let entry = Entry {
            neighbour,
            effect,
            key: key.into(),
            content: content.map(Digest::of),
        };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
    }

    /// Everything noted so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The keys of one effect, in order, with their repetitions.
    pub fn keys(&self, neighbour: Neighbour, effect: &str) -> Vec<String> {
        self.entries()
            .into_iter()
            .filter(|e| e.neighbour == neighbour && e.effect == effect)
            .map(|e| e.key)
            .collect()
    }
}
