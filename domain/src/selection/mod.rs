//! Selections that people keep under a name: a filter, or a fixed list of dossiers.
//!
//! ```text
//! (none) --save--> saved --save--> saved … --remove--> removed
//! ```
//!
//! Only whoever saved a selection changes it; a shared one is read and used by all, each within their sight.

use crate::{
    event::{aggregate, events},
    ids::DossierId,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a selection holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Whatever dossiers a filter keeps when it is used: the filter of the read models, which alone can read it.
    Filter(Value),
    /// These dossiers, in this order.
    Dossiers(Vec<DossierId>),
}

events! {
    /// What happens to a selection.
    pub enum SelectionEvent {
        /// It was saved, for the first time or anew.
        Saved = "selection.saved", 1 {
            /// What people call it.
            name: String,
            /// Whether others may use it.
            shared: bool,
            /// What it holds.
            content: Content,
            /// Who saved it: as in `Metadata::actor`.
            owner: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// It is kept no longer.
        Removed = "selection.removed", 1 {
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of a selection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Selection {
    /// Nothing was saved.
    #[default]
    Unborn,
    /// It can be used.
    Saved {
        /// What people call it.
        name: String,
        /// Whether others may use it.
        shared: bool,
        /// What it holds.
        content: Content,
        /// Who saved it.
        owner: String,
    },
    /// It was removed.
    Removed,
}

/// What one may ask of a selection.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectionCommand {
    /// Keep this.
    Save {
        /// What people call it.
        name: String,
        /// Whether others may use it.
        shared: bool,
        /// What it holds.
        content: Content,
        /// Who asks.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Keep it no longer.
    Remove {
        /// Who asks.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a selection says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionRefusal {
    /// It does not exist, or is private to somebody else: nobody can tell which.
    #[error("Cette sélection n'existe pas.")]
    NotSaved,
    /// Somebody else shares it.
    #[error("Cette sélection est à quelqu'un d'autre : enregistrez-en une à vous.")]
    NotYours,
    /// It needs a name.
    #[error("Le nom d'une sélection a de 1 à 200 caractères.")]
    BadName,
    /// A list without dossiers.
    #[error("Une liste fixe contient au moins un dossier.")]
    Empty,
}

impl Selection {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: SelectionEvent) -> Self {
        match event {
            SelectionEvent::Saved {
                name,
                shared,
                content,
                owner,
                ..
            } => Self::Saved {
                name,
                shared,
                content,
                owner,
            },
            SelectionEvent::Removed { .. } => Self::Removed,
        }
    }

    /// Goes on only if `by` may change it.
    fn belongs_to(&self, by: &str) -> Result<(), SelectionRefusal> {
        match self {
            Self::Saved { owner, .. } if owner == by => Ok(()),
            Self::Saved { shared: true, .. } => Err(SelectionRefusal::NotYours),
            Self::Saved { shared: false, .. } | Self::Unborn | Self::Removed => {
                Err(SelectionRefusal::NotSaved)
            }
        }
    }
}

fn decide(
    state: &Selection,
    command: SelectionCommand,
) -> Result<Vec<SelectionEvent>, SelectionRefusal> {
    match command {
        SelectionCommand::Save {
            name,
            shared,
            content,
            by,
            at,
        } => {
            if *state != Selection::Unborn {
                state.belongs_to(&by)?;
            }
            let name = name.trim().to_owned();
            if !(1..=200).contains(&name.chars().count()) {
                return Err(SelectionRefusal::BadName);
            }
            if content == Content::Dossiers(vec![]) {
                return Err(SelectionRefusal::Empty);
            }
            let event = SelectionEvent::Saved {
                name,
                shared,
                content,
                owner: by,
                at,
            };
            let after = state.clone().evolve(event.clone());
            Ok(if after == *state { vec![] } else { vec![event] })
        }
        SelectionCommand::Remove { by, at } => {
            state.belongs_to(&by)?;
            Ok(vec![SelectionEvent::Removed { at }])
        }
    }
}

aggregate!(
    Selection,
    "selection",
    SelectionCommand,
    SelectionEvent,
    SelectionRefusal
);

#[cfg(test)]
mod tests;
