//! Steps that a person did in Navette's place.

use super::{DocumentRefusal, Journey};
use crate::chain::{Action, Step};
use serde::{Deserialize, Serialize};

/// What a person did in place of a step, as far as the rest of the chain needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ByHand {
    /// The visa was given elsewhere, on the PDF as it was.
    Visaed,
    /// The letter was registered, under this number.
    Registered {
        /// The number that people quote.
        chrono: String,
    },
    /// The PDF was attached to its dossier, or has not to be.
    Attached,
    /// Whoever had to hear of it did, or has not to.
    HandedOver,
}

impl ByHand {
    /// What a person did in place of `step`, if that can be: nobody can merge, convert or sign in Navette's place,
    /// since the rest of the chain hands over what these steps bring.
    pub fn instead_of(step: &Step, result: Option<&str>) -> Result<Self, DocumentRefusal> {
        match &step.action {
            Action::Visa { .. } => Ok(Self::Visaed),
            Action::Register => match result.map(str::trim) {
                Some(chrono) if !chrono.is_empty() => Ok(Self::Registered {
                    chrono: chrono.to_owned(),
                }),
                _ => Err(DocumentRefusal::NeedsNumber),
            },
            Action::Attach => Ok(Self::Attached),
            Action::Notify | Action::Email { .. } | Action::Publish => Ok(Self::HandedOver),
            Action::Merge | Action::Convert | Action::Sign { .. } => {
                Err(DocumentRefusal::CannotSkip(step.id.clone()))
            }
        }
    }
}

impl Journey {
    /// Whether the document stands where `by_hand` leads on.
    pub(super) fn allows(&self, by_hand: &ByHand) -> bool {
        use super::Stage as S;
        match by_hand {
            ByHand::Visaed => matches!(self.stage, S::Converted { .. } | S::InVisa { .. }),
            ByHand::Registered { .. } => {
                matches!(
                    self.stage,
                    S::Converted { .. } | S::Visaed { .. } | S::Signed { .. }
                )
            }
            ByHand::Attached => matches!(
                self.stage,
                S::Converted { .. } | S::Visaed { .. } | S::Signed { .. } | S::Registered { .. }
            ),
            ByHand::HandedOver => self.handing_over().is_ok(),
        }
    }
}
