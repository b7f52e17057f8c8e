//! A batch: a chain started on a selection of dossiers. It knows what was asked; each document knows how
//! far it is.
//!
//! ```text
//! (unborn) --start--> running ⇄ paused
//!                     running | paused --complete--> completed
//!                     running | paused --cancel--> cancelled
//! ```

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{BatchCommand, BatchRefusal};

use crate::{
    chain::ChainRef,
    event::{aggregate, events},
    ids::DossierId,
    template::TemplateRef,
    trigger::TriggerRef,
};
use chrono::{DateTime, Utc};
use decide::decide;
use serde::{Deserialize, Serialize};

/// What was asked of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What its clerk calls it.
    pub label: String,
    /// The chain, on the version that the batch stays on.
    pub chain: ChainRef,
    /// The template, on the version that the batch stays on.
    pub template: TemplateRef,
    /// The dossiers, in the clerk's order.
    pub dossiers: Vec<DossierId>,
    /// Who asked, as in `Metadata::actor`.
    pub requested_by: String,
    /// Where to write to whoever asked.
    pub reply_to: Option<crate::personal::Personal<crate::third_party::EmailAddress>>,
    /// The trigger that asked in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<TriggerRef>,
}

events! {
    /// What happens to a batch.
    pub enum BatchEvent {
        /// It started.
        Started = "batch.started", 1 {
            /// What was asked.
            order: Order,
            /// When.
            at: DateTime<Utc>,
        }
        /// Its chains wait.
        Paused = "batch.paused", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// Its chains go on.
        Resumed = "batch.resumed", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// It was given up.
        Cancelled = "batch.cancelled", 1 {
            /// Why.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// All its documents reached their end.
        Completed = "batch.completed", 1 {
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of a batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Batch {
    /// Nothing was asked.
    #[default]
    Unborn,
    /// Its chains run.
    Running(Box<Order>),
    /// Its chains wait.
    Paused(Box<Order>),
    /// All its documents reached their end.
    Completed(Box<Order>),
    /// It was given up.
    Cancelled(Box<Order>),
}

impl Batch {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: BatchEvent) -> Self {
        match (self, event) {
            (Self::Unborn, BatchEvent::Started { order, .. }) => Self::Running(Box::new(order)),
            (Self::Running(order), BatchEvent::Paused { .. }) => Self::Paused(order),
            (Self::Paused(order), BatchEvent::Resumed { .. }) => Self::Running(order),
            (Self::Running(order) | Self::Paused(order), BatchEvent::Cancelled { .. }) => {
                Self::Cancelled(order)
            }
            (Self::Running(order) | Self::Paused(order), BatchEvent::Completed { .. }) => {
                Self::Completed(order)
            }
            (state, _) => state,
        }
    }

    /// What was asked, if anything was.
    pub fn order(&self) -> Option<&Order> {
        match self {
            Self::Unborn => None,
            Self::Running(order)
            | Self::Paused(order)
            | Self::Completed(order)
            | Self::Cancelled(order) => Some(order),
        }
    }
}

aggregate!(Batch, "batch", BatchCommand, BatchEvent, BatchRefusal);
