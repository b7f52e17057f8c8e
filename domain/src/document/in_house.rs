//! What happens to a document between its PDF and its end beside handing it over: conditions, approvals, waits,
//! calls.

use super::{
    Awaited, DocumentCommand as C, DocumentEvent as E, DocumentRefusal, Journey,
    decide::HANDING_OVER,
};
use crate::chain::StepId;

impl Journey {
    pub(super) fn decide_in_house(&self, command: C) -> Result<Vec<E>, DocumentRefusal> {
        self.handing_over(HANDING_OVER)?;
        match command {
            C::RecordCalled {
                step,
                service,
                answer,
                at,
            } => Ok(vec![E::Called {
                step,
                service,
                answer,
                at,
            }]),
            C::RecordWeighed { step, .. } if self.taken.contains(&step) => Ok(vec![]),
            C::RecordWeighed {
                step,
                holds: true,
                expression,
                found,
                at,
            } => Ok(vec![E::StepTaken {
                step,
                expression,
                found,
                at,
            }]),
            C::RecordWeighed {
                step,
                holds: false,
                expression,
                found,
                at,
            } => Ok(vec![E::StepSkipped {
                step,
                expression,
                found,
                at,
            }]),
            C::AskApproval { step, .. } | C::BeginWait { step, .. }
                if self.awaited.contains_key(&step) =>
            {
                Ok(vec![])
            }
            C::AskApproval { step, at } => Ok(vec![E::ApprovalAsked { step, at }]),
            C::Approve {
                step: Some(step), ..
            } if self.done.contains(&step) => Ok(vec![]),
            C::Approve { step, comment, at } => {
                let step = self.in_approval(step.as_ref())?;
                let comment = comment.filter(|comment| !comment.trim().is_empty());
                Ok(vec![E::Approved { step, comment, at }])
            }
            C::RefuseApproval { reason, .. } if reason.trim().is_empty() => {
                Err(DocumentRefusal::NoReason)
            }
            C::RefuseApproval { step, reason, at } => {
                let step = self.in_approval(step.as_ref())?;
                Ok(vec![E::ApprovalRefused { step, reason, at }])
            }
            C::BeginWait { step, until, at } => Ok(vec![E::WaitBegan { step, until, at }]),
            C::EndWait { step, at } if self.awaited.contains_key(&step) => {
                Ok(vec![E::WaitEnded { step, at }])
            }
            _ => self.no("terminer l'attente"),
        }
    }

    /// The step that waits for an approval: this one, or the only one.
    fn in_approval(&self, step: Option<&StepId>) -> Result<StepId, DocumentRefusal> {
        let asked = self.awaited.iter();
        let asked = asked.filter(|(_, awaited)| **awaited == Awaited::Approval);
        let mut asked = asked
            .map(|(asked, _)| asked)
            .filter(|asked| step.is_none_or(|step| step == *asked));
        let first = asked.next().ok_or(DocumentRefusal::NoApproval)?;
        if asked.next().is_some() {
            return Err(DocumentRefusal::WhichApproval);
        }
        Ok(first.clone())
    }
}
