//! A chain: what is done to each document of a batch, as data. Its published versions never change, and a
//! document stays on its version.
//!
//! ```text
//! (unborn) --publish--> version 1 --publish--> version 2 …
//! ```

mod definition;
mod delay;
mod effect;
mod fault;
mod migration;
mod react;
#[cfg(test)]
mod tests;
mod wait;

pub use definition::{Action, Definition, Recipient, Scope, Step, StepId};
pub use delay::{Delay, NoDelay};
pub use effect::{Effect, Work};
pub use fault::DefinitionFault;
pub use migration::Migration;
pub use react::{Reaction, is_due, may_take, react};
pub use wait::{Due, due};

use crate::{
    event::{aggregate, events},
    ids::ChainId,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One version of one chain, as documents refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChainRef {
    /// Which chain.
    pub chain: ChainId,
    /// Which version, from 1.
    pub version: u32,
}

events! {
    /// What happens to a chain.
    pub enum ChainEvent {
        /// A new version was published.
        Published = "chain.published", 1 {
            /// From 1.
            version: u32,
            /// The definition.
            definition: Definition,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of a chain: all its versions, since documents stay on theirs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    versions: Vec<Definition>,
}

/// What one may ask of a chain.
#[derive(Debug, Clone, PartialEq)]
pub enum ChainCommand {
    /// Add a version; the same definition as the last version changes nothing.
    Publish {
        /// The definition.
        definition: Definition,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a chain says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainRefusal {
    /// The definition cannot work.
    #[error("La définition de la chaîne est incorrecte : {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ; "))]
    Faulty(Vec<DefinitionFault>),
}

impl Chain {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(mut self, event: ChainEvent) -> Self {
        match event {
            ChainEvent::Published { definition, .. } => self.versions.push(definition),
        }
        self
    }

    /// The definition of one version, from 1.
    pub fn version(&self, version: u32) -> Option<&Definition> {
        self.versions
            .get(usize::try_from(version).ok()?.checked_sub(1)?)
    }

    /// The last version and its definition.
    pub fn latest(&self) -> Option<(u32, &Definition)> {
        let version = u32::try_from(self.versions.len()).ok()?;
        Some((version, self.versions.last()?))
    }
}

fn decide(state: &Chain, command: ChainCommand) -> Result<Vec<ChainEvent>, ChainRefusal> {
    let ChainCommand::Publish { definition, at } = command;
    let faults = definition.faults();
    if !faults.is_empty() {
        return Err(ChainRefusal::Faulty(faults));
    }
    match state.latest() {
        Some((_, last)) if *last == definition => Ok(vec![]),
        latest => Ok(vec![ChainEvent::Published {
            version: latest.map_or(0, |(version, _)| version) + 1,
            definition,
            at,
        }]),
    }
}

aggregate!(Chain, "chain", ChainCommand, ChainEvent, ChainRefusal, with snapshots);
