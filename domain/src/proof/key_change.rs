//! The passage from one key to the next: a checkpoint that names both, in two more lines, and that both have
//! signed. Whoever trusts one of them can follow it to the others.

use super::{Checkpoint, NotACheckpoint, SignedCheckpoint, VerifierKey, checkpoint::signed};
use std::str::FromStr;

/// A passage, whose signatures are still to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The checkpoint: what comes after it is signed with the next key.
    pub note: SignedCheckpoint,
    /// The key that signed until then.
    pub from: VerifierKey,
    /// The key that signs from then on.
    pub to: VerifierKey,
}

impl KeyChange {
    /// The text that both keys sign.
    pub fn text(checkpoint: &Checkpoint, from: &VerifierKey, to: &VerifierKey) -> String {
        format!("{}{from}\n{to}\n", checkpoint.text())
    }

    /// The note, with the signature of each key over its text.
    pub fn note(
        checkpoint: &Checkpoint,
        from: (&VerifierKey, &[u8; 64]),
        to: (&VerifierKey, &[u8; 64]),
    ) -> String {
        signed(&Self::text(checkpoint, from.0, to.0), &[from, to])
    }

    fn size(&self) -> u64 {
        self.note.checkpoint.size
    }
}

impl FromStr for KeyChange {
    type Err = NotACheckpoint;

    fn from_str(text: &str) -> Result<Self, NotACheckpoint> {
        let note: SignedCheckpoint = text.parse()?;
        let mut keys = note.text.lines().skip(3).map(str::parse);
        let (Some(Ok(from)), Some(Ok(to)), None) = (keys.next(), keys.next(), keys.next()) else {
            let form = "the fourth and fifth lines must be the keys before and after";
            return Err(NotACheckpoint::Form(form));
        };
        Ok(Self { note, from, to })
    }
}

/// Which key signs checkpoints up to which size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHistory(Vec<(u64, [u8; 32])>);

impl KeyHistory {
    /// The keys that lead to the trusted one and from it, by passages in the order of their sizes. Else the
    /// trusted one alone, and the size of the passage that does not hold.
    pub fn of(
        trusted: [u8; 32],
        changes: &[KeyChange],
        is_signed: impl Fn(&SignedCheckpoint, [u8; 32]) -> bool,
    ) -> (Self, Option<u64>) {
        let alone = |fault| (Self(vec![(u64::MAX, trusted)]), fault);
        let mut keys: Vec<(u64, [u8; 32])> = vec![];
        let mut before = None;
        for change in changes {
            let (from, to) = (change.from.public, change.to.public);
            let both = is_signed(&change.note, from) && is_signed(&change.note, to);
            if !both || before.is_some_and(|before| before != from) {
                return alone(Some(change.size()));
            }
            keys.push((change.size(), from));
            before = Some(to);
        }
        keys.extend(before.map(|last| (u64::MAX, last)));
        if keys.iter().any(|(_, key)| *key == trusted) {
            (Self(keys), None)
        } else {
            alone(None)
        }
    }

    /// The key that signs a checkpoint of this size.
    pub fn at(&self, size: u64) -> [u8; 32] {
        let found = self.0.iter().find(|(until, _)| size <= *until);
        found.or(self.0.last()).map_or([0; 32], |(_, key)| *key)
    }

    /// How many events the last checkpoint of a former key has.
    pub fn last_change(&self) -> u64 {
        let former = self.0.iter().rev().nth(1);
        former.map_or(0, |(until, _)| *until)
    }
}
