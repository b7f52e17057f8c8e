//! The bundles that were taken of a dossier. Reading its proofs is an act: who took which is in the log.
//!
//! ```text
//! (none) --take--> one taken --take--> two taken …
//! ```

use crate::{
    digest::Digest,
    event::{aggregate, events},
    ids::DossierId,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

events! {
    /// What happens to the bundles of a dossier.
    pub enum BundleEvent {
        /// One was taken.
        Taken = "bundle.taken", 1 {
            /// Of which dossier.
            dossier: DossierId,
            /// The number of events of the checkpoint that it is proved by.
            size: u64,
            /// The bytes that were given.
            file: Digest,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The bundles of a dossier: how many were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundles {
    taken: u32,
}

/// What one may ask of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleCommand {
    /// Note that one is taken.
    Take {
        /// Of which dossier.
        dossier: DossierId,
        /// The number of events of the checkpoint that it is proved by.
        size: u64,
        /// The bytes that are given.
        file: Digest,
        /// When.
        at: DateTime<Utc>,
    },
}

impl Bundles {
    /// The state after `event`.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the same shape as every aggregate's"
    )]
    pub fn evolve(self, event: BundleEvent) -> Self {
        match event {
            BundleEvent::Taken { .. } => Self {
                taken: self.taken.saturating_add(1),
            },
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "the same shape as every aggregate's"
)]
fn decide(_: &Bundles, command: BundleCommand) -> Result<Vec<BundleEvent>, Infallible> {
    let BundleCommand::Take {
        dossier,
        size,
        file,
        at,
    } = command;
    Ok(vec![BundleEvent::Taken {
        dossier,
        size,
        file,
        at,
    }])
}

aggregate!(Bundles, "bundle", BundleCommand, BundleEvent, Infallible);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::Decider as _,
        testing::{now, replay, uuid},
    };

    #[test]
    fn every_bundle_that_is_taken_is_an_event_even_the_same_one_again() {
        let command = BundleCommand::Take {
            dossier: DossierId(uuid(1)),
            size: 42,
            file: Digest::of(b"zip"),
            at: now(),
        };
        let mut told = vec![];
        for _ in 0..2 {
            let state: Bundles = replay(told.clone());
            told.extend(state.decide(command.clone()).unwrap_or_default());
        }
        assert_eq!(told.len(), 2);
        assert_eq!(replay::<Bundles>(told), Bundles { taken: 2 });
    }
}
