//! A model of exports: a format and columns that somebody keeps under a name, for themselves or for all.

use super::{Choice, ColumnFault, Format, columns};
use crate::event::{aggregate, events};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a model says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// What people call it.
    pub name: String,
    /// The form of the bytes.
    pub format: Format,
    /// The columns in their order, with their headings.
    pub columns: Vec<Choice>,
    /// Whether everybody may use it.
    pub shared: bool,
    /// Who keeps it, as in `Metadata::actor`.
    pub owner: String,
}

events! {
    /// What happens to a model of exports.
    pub enum ExportModelEvent {
        /// It was kept, or changed.
        Saved = "export_model.saved", 1 {
            /// What it says.
            model: Model,
            /// When.
            at: DateTime<Utc>,
        }
        /// It was removed.
        Removed = "export_model.removed", 1 {
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportModel {
    /// Nothing was kept.
    #[default]
    Unborn,
    /// It may be used.
    Saved(Box<Model>),
    /// It may no longer be.
    Removed(Box<Model>),
}

/// What one may ask of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportModelCommand {
    /// Keep it.
    Save {
        /// What it says.
        model: Model,
        /// When.
        at: DateTime<Utc>,
    },
    /// Remove it.
    Remove {
        /// Who asks, as in `Metadata::actor`.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a model says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportModelRefusal {
    /// It does not exist, or is somebody else's: nobody can tell which.
    #[error("Ce modèle d'export n'existe pas, ou n'est pas à vous.")]
    NotYours,
    /// It has no name.
    #[error("Le modèle d'export n'a pas de nom.")]
    NoName,
    /// Its columns cannot be.
    #[error(transparent)]
    Columns(#[from] ColumnFault),
}

impl ExportModel {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: ExportModelEvent) -> Self {
        match (self, event) {
            (Self::Unborn | Self::Saved(_), ExportModelEvent::Saved { model, .. }) => {
                Self::Saved(Box::new(model))
            }
            (Self::Saved(model), ExportModelEvent::Removed { .. }) => Self::Removed(model),
            (state, _) => state,
        }
    }
}

fn decide(
    state: &ExportModel,
    command: ExportModelCommand,
) -> Result<Vec<ExportModelEvent>, ExportModelRefusal> {
    use ExportModel as S;
    use ExportModelCommand as C;
    match (state, command) {
        (S::Saved(known), C::Save { model, .. }) if known.owner != model.owner => {
            Err(ExportModelRefusal::NotYours)
        }
        (S::Saved(known), C::Save { model, .. }) if **known == model => Ok(vec![]),
        (S::Unborn | S::Saved(_), C::Save { model, at }) => {
            if model.name.trim().is_empty() {
                return Err(ExportModelRefusal::NoName);
            }
            columns::headings(model.format, &model.columns)?;
            Ok(vec![ExportModelEvent::Saved { model, at }])
        }
        (S::Saved(known), C::Remove { by, at }) if known.owner == by => {
            Ok(vec![ExportModelEvent::Removed { at }])
        }
        (S::Removed(known), C::Remove { by, .. }) if known.owner == by => Ok(vec![]),
        (S::Unborn | S::Saved(_) | S::Removed(_), C::Remove { .. })
        | (S::Removed(_), C::Save { .. }) => Err(ExportModelRefusal::NotYours),
    }
}

aggregate!(
    ExportModel,
    "export_model",
    ExportModelCommand,
    ExportModelEvent,
    ExportModelRefusal
);
