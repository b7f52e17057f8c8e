//! Where a document that starts over begins anew, and on which version of its chain it goes on.

use super::{DocumentEvent, DocumentRefusal, Journey, Stage};
use crate::chain::{ChainRef, Definition, StepId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A step that is not the first, and what stays of those before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackTo {
    /// The step that is done next.
    pub step: StepId,
    /// The steps that stay done.
    pub kept: Vec<StepId>,
    /// Where these led the document.
    pub stage: Stage,
}

impl BackTo {
    /// Back to a step that began: it and all that follows are done again.
    ///
    /// # Errors
    ///
    /// [`DocumentRefusal::NotReached`] for any other.
    pub fn of(
        definition: &Definition,
        journey: &Journey,
        step: &StepId,
    ) -> Result<Self, DocumentRefusal> {
        let ready = definition.ready(&journey.done);
        let began = journey.done.contains(step) || ready.iter().any(|ready| ready.id == *step);
        if !began {
            return Err(DocumentRefusal::NotReached(step.clone()));
        }
        let undone = definition.from(step);
        let mut kept = journey.done.clone();
        kept.retain(|done| !undone.contains(&done));
        Ok(Self {
            step: step.clone(),
            stage: journey.stage_after(&kept),
            kept,
        })
    }
}

impl Journey {
    /// Where it stood once these steps, the first of those that are done, were over.
    fn stage_after(&self, kept: &[StepId]) -> Stage {
        let reached = self.reached.iter().rev();
        let mut reached = reached.filter(|(step, _)| kept.contains(step));
        reached
            .next()
            .map_or(Stage::Requested, |(_, stage)| stage.clone())
    }

    pub(super) fn migrate(
        &self,
        chain: ChainRef,
        begins: Vec<StepId>,
        reason: String,
        at: DateTime<Utc>,
    ) -> Result<Vec<DocumentEvent>, DocumentRefusal> {
        if self.order.chain == chain {
            return Ok(vec![]);
        }
        if reason.trim().is_empty() {
            return Err(DocumentRefusal::NoReason);
        }
        if matches!(
            self.stage,
            Stage::Delivered { .. } | Stage::Cancelled { .. }
        ) {
            return self.no("changer de version");
        }
        Ok(vec![DocumentEvent::Migrated {
            chain,
            begins,
            reason,
            at,
        }])
    }

    /// Forgets what is done again.
    pub(super) fn go_back(&mut self, back_to: Option<BackTo>) {
        let (kept, stage) = back_to.map_or((vec![], Stage::Requested), |to| (to.kept, to.stage));
        self.stage = stage;
        self.done.retain(|step| kept.contains(step));
        self.taken.retain(|step| kept.contains(step));
        self.reached.retain(|(step, _)| kept.contains(step));
        self.awaited.clear();
        self.round += 1;
    }
}
