//! Steps that a person did in Navette's place.

use super::{DocumentEvent, DocumentRefusal, Journey, PdfRef, Stage};
use crate::{
    chain::{Action, Definition, Step, StepId},
    ports::Registration,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a person did in place of a step, as far as the rest of the chain needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ByHand {
    /// The visa was given elsewhere, on the PDF as it was.
    Visaed,
    /// The letter was signed on paper, and its scan will not come: the PDF that was printed stays in force.
    SignedOnPaper,
    /// The letter was registered, under this number.
    Registered {
        /// The number that people quote.
        chrono: String,
    },
    /// The PDF was attached to its dossier, or has not to be.
    Attached,
    /// Whoever had to hear of it did, or has not to.
    HandedOver,
    /// What was waited for has come, or is no longer waited for.
    Waited,
}

impl ByHand {
    /// The step that a person did, this one or the only one, and what they did, if that can be. It stopped, or waits
    /// for paper: nobody can merge, convert, sign at the desk or approve in another's place, since the rest of the
    /// chain rests on what these bring.
    ///
    /// # Errors
    ///
    /// Why it cannot be.
    pub fn of(
        definition: &Definition,
        journey: &Journey,
        step: Option<&StepId>,
        result: Option<&str>,
    ) -> Result<(StepId, Self), DocumentRefusal> {
        let stopped = journey.troubles.keys().chain(journey.on_paper(definition));
        let stopped: BTreeSet<&StepId> = stopped.collect();
        let mut each = stopped.iter().copied();
        let step = match (step, each.next(), each.next()) {
            (Some(step), ..) if stopped.contains(step) => step,
            (Some(step), ..) => return Err(DocumentRefusal::NotStopped(step.clone())),
            (None, None, _) => return Err(DocumentRefusal::NothingToRetry),
            (None, Some(step), None) => step,
            (None, Some(_), Some(_)) => return Err(DocumentRefusal::WhichStopped),
        };
        let known = definition.step(step);
        let known = known.ok_or_else(|| DocumentRefusal::CannotSkip(step.clone()))?;
        Ok((step.clone(), Self::instead_of(known, result)?))
    }

    fn instead_of(step: &Step, result: Option<&str>) -> Result<Self, DocumentRefusal> {
        match &step.action {
            Action::Visa { .. } => Ok(Self::Visaed),
            Action::Print => Ok(Self::SignedOnPaper),
            Action::Register => match result.map(str::trim) {
                Some(chrono) if !chrono.is_empty() => Ok(Self::Registered {
                    chrono: chrono.to_owned(),
                }),
                _ => Err(DocumentRefusal::NeedsNumber),
            },
            Action::Attach => Ok(Self::Attached),
            Action::Notify | Action::Email { .. } | Action::Publish | Action::Call { .. } => {
                Ok(Self::HandedOver)
            }
            Action::Wait { .. } => Ok(Self::Waited),
            Action::Merge | Action::Convert | Action::Sign { .. } | Action::Approve => {
                Err(DocumentRefusal::CannotSkip(step.id.clone()))
            }
        }
    }
}

impl Journey {
    /// Only what stopped is skipped, or waits for paper: what is under way may still be done.
    pub(super) fn skip(
        &self,
        step: StepId,
        by_hand: ByHand,
        reason: String,
        at: DateTime<Utc>,
    ) -> Result<Vec<DocumentEvent>, DocumentRefusal> {
        if reason.trim().is_empty() {
            return Err(DocumentRefusal::NoReason);
        }
        let is_on_paper = matches!(
            (&by_hand, &self.stage),
            (ByHand::SignedOnPaper, Stage::OnPaper { .. })
        );
        if !self.troubles.contains_key(&step) && !is_on_paper {
            return Err(DocumentRefusal::NotStopped(step));
        }
        match (&by_hand, &self.stage) {
            (ByHand::Visaed, Stage::Converted { .. } | Stage::InVisa { .. }) => {}
            _ if is_on_paper => {}
            (ByHand::Visaed | ByHand::SignedOnPaper, _) => return self.no(SKIPPING),
            _ => _ = self.handing_over(SKIPPING)?,
        }
        Ok(vec![DocumentEvent::SkippedByHand {
            step,
            by_hand,
            reason,
            at,
        }])
    }

    /// What was done by hand counts as done: its condition is no longer asked, and no other step of its nature is.
    pub(super) fn did(&mut self, step: StepId, by_hand: ByHand, pdf: PdfRef) {
        if !self.taken.contains(&step) {
            self.taken.push(step);
        }
        match by_hand {
            ByHand::Visaed => self.stage = Stage::Visaed { pdf },
            ByHand::SignedOnPaper => self.stage = Stage::Signed { pdf },
            ByHand::Registered { chrono } => {
                let resource = String::new();
                self.registered(pdf, Registration { chrono, resource });
            }
            ByHand::Attached => self.stage = Stage::Attached { pdf },
            ByHand::HandedOver | ByHand::Waited => {}
        }
    }
}

const SKIPPING: &str = "passer l'étape";
