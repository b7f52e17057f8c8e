//! An export: rows of dossiers that leave Navette as a file. Who took which is in the log, whether the file
//! went straight to whoever asked or was made for later.
//!
//! ```text
//! (unborn) --request--> requested --complete--> completed --download--> completed …
//!                       requested --fail--> failed
//!                       requested --cancel--> cancelled
//!                       completed --expire--> expired
//! ```

pub mod columns;
mod decide;
pub mod model;
pub mod scdl;
pub mod schedule;
mod table;
#[cfg(test)]
mod tests;

pub use columns::{Choice, ColumnFault};
pub use decide::{ExportCommand, ExportRefusal};
pub use table::{Format, Heading, Kind};

use crate::{
    digest::Digest,
    event::{aggregate, events},
    ids::SelectionId,
};
use chrono::{DateTime, Utc};
use decide::decide;
use serde::{Deserialize, Serialize};

/// What was asked of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What whoever asked calls it: the name of its file.
    pub label: String,
    /// The form of its bytes.
    pub format: Format,
    /// Its columns in their order; none for the usual ones.
    pub columns: Vec<Choice>,
    /// Which dossiers, as GraphQL writes a filter: of a selection, what it held when this was asked.
    pub filter: serde_json::Value,
    /// The selection that was named instead of a filter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionId>,
    /// The services that whoever asked is limited to; all when empty.
    pub services: Vec<String>,
    /// The schemes that whoever asked is limited to; all when empty.
    pub schemes: Vec<String>,
    /// Whether the file is made for later; otherwise it goes straight to whoever asks.
    pub kept: bool,
    /// Who asked, as in `Metadata::actor`.
    pub requested_by: String,
}

/// What came of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// How many rows left.
    pub rows: u64,
    /// How many bytes they are.
    pub bytes: u64,
    /// The bytes.
    pub file: Digest,
}

events! {
    /// What happens to an export.
    pub enum ExportEvent {
        /// It was asked for.
        Requested = "export.requested", 1 {
            /// What was asked.
            order: Order,
            /// When.
            at: DateTime<Utc>,
        }
        /// It is whole.
        Completed = "export.completed", 1 {
            /// What came of it.
            made: Made,
            /// When.
            at: DateTime<Utc>,
        }
        /// It stopped before its end.
        Failed = "export.failed", 1 {
            /// Why, for whoever asked.
            reason: String,
            /// How many rows may have left before.
            rows: u64,
            /// When.
            at: DateTime<Utc>,
        }
        /// It was given up.
        Cancelled = "export.cancelled", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// Its file was taken.
        Downloaded = "export.downloaded", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// Its file is no longer kept.
        Expired = "export.expired", 1 {
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Export {
    /// Nothing was asked.
    #[default]
    Unborn,
    /// Its file is not whole yet.
    Requested(Box<Order>),
    /// Its file is whole.
    Completed(Box<Order>, Made),
    /// It stopped before its end.
    Failed(Box<Order>),
    /// It was given up.
    Cancelled(Box<Order>),
    /// Its file is no longer kept.
    Expired(Box<Order>),
}

impl Export {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: ExportEvent) -> Self {
        use ExportEvent as E;
        match (self, event) {
            (Self::Unborn, E::Requested { order, .. }) => Self::Requested(Box::new(order)),
            (Self::Requested(order), E::Completed { made, .. }) => Self::Completed(order, made),
            (Self::Requested(order), E::Failed { .. }) => Self::Failed(order),
            (Self::Requested(order), E::Cancelled { .. }) => Self::Cancelled(order),
            (Self::Completed(order, _), E::Expired { .. }) => Self::Expired(order),
            (state, _) => state,
        }
    }

    /// What was asked, if anything was.
    pub fn order(&self) -> Option<&Order> {
        match self {
            Self::Unborn => None,
            Self::Requested(order)
            | Self::Completed(order, _)
            | Self::Failed(order)
            | Self::Cancelled(order)
            | Self::Expired(order) => Some(order),
        }
    }
}

aggregate!(Export, "export", ExportCommand, ExportEvent, ExportRefusal);
