//! Pauses: what operators hold for a while, beside batches, which are held by themselves.
//!
//! ```text
//! going on --begin--> paused --end--> going on     for everything, a neighbour, a chain, a document; each apart
//! ```
//! What is under way when a pause begins ends; nothing new begins. All the pauses are one stream.

#[cfg(test)]
mod tests;

use crate::{
    event::{aggregate, events},
    ids::{ChainId, DocumentId},
    ports::Neighbour,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// What is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// All outside work.
    Everything,
    /// All work at one neighbour.
    Neighbour {
        /// Which.
        neighbour: Neighbour,
    },
    /// The documents of a chain, in all its versions.
    Chain {
        /// Which.
        chain: ChainId,
    },
    /// One document.
    Document {
        /// Which.
        document: DocumentId,
    },
}

events! {
    /// What happens to pauses.
    pub enum PauseEvent {
        /// Something is held.
        Begun = "pause.begun", 1 {
            /// What.
            target: Target,
            /// Why.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// It goes on.
        Ended = "pause.ended", 1 {
            /// What.
            target: Target,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("tout le travail"),
            Self::Neighbour { neighbour } => neighbour.fmt(f),
            Self::Chain { chain } => write!(f, "chaîne {chain}"),
            Self::Document { document } => write!(f, "document {document}"),
        }
    }
}

impl PauseEvent {
    /// What it says in histories.
    pub fn sentence(&self) -> String {
        match self {
            Self::Begun { target, reason, .. } => format!("Suspendu ({target}) : {reason}"),
            Self::Ended { target, .. } => format!("Repris ({target})"),
        }
    }
}

/// A pause that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// What is held.
    pub target: Target,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// All the pauses that last, in the order in which they began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pauses(Vec<Pause>);

/// What one may ask of pauses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each field means what it means in the event of the same name"
)]
pub enum PauseCommand {
    Begin {
        target: Target,
        reason: String,
        at: DateTime<Utc>,
    },
    End {
        target: Target,
        at: DateTime<Utc>,
    },
}

/// Why a pause is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PauseRefusal {
    /// Others will ask why nothing moves.
    #[error("Le motif de la suspension est vide.")]
    NoReason,
}

impl Pauses {
    /// The stream of all of them.
    pub const STREAM: Uuid = Uuid::from_u128(0x4e61_7665_7474_6500_0000_7061_7573_6573);

    /// Those that last.
    pub fn all(&self) -> &[Pause] {
        &self.0
    }

    fn holds(&self, target: Target) -> bool {
        self.0.iter().any(|pause| pause.target == target)
    }

    /// The state after `event`.
    #[must_use]
    pub fn evolve(mut self, event: PauseEvent) -> Self {
        match event {
            PauseEvent::Begun { target, reason, at } => self.0.push(Pause {
                target,
                reason,
                since: at,
            }),
            PauseEvent::Ended { target, .. } => self.0.retain(|pause| pause.target != target),
        }
        self
    }
}

fn decide(state: &Pauses, command: PauseCommand) -> Result<Vec<PauseEvent>, PauseRefusal> {
    match command {
        PauseCommand::Begin { reason, .. } if reason.trim().is_empty() => {
            Err(PauseRefusal::NoReason)
        }
        PauseCommand::Begin { target, .. } if state.holds(target) => Ok(vec![]),
        PauseCommand::Begin { target, reason, at } => {
            Ok(vec![PauseEvent::Begun { target, reason, at }])
        }
        PauseCommand::End { target, at } if state.holds(target) => {
            Ok(vec![PauseEvent::Ended { target, at }])
        }
        PauseCommand::End { .. } => Ok(vec![]),
    }
}

aggregate!(Pauses, "pause", PauseCommand, PauseEvent, PauseRefusal);
