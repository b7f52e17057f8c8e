//! A document that is printed, signed by hand, and comes back as a scan.

use super::{DocumentCommand as C, DocumentEvent as E, DocumentRefusal, Journey, Stage};
use crate::{
    chain::{Action, Definition, StepId},
    paper_reference::PaperReference,
};

impl Journey {
    /// The step for which its signed paper is waited, if it is on paper.
    pub fn on_paper<'a>(&self, definition: &'a Definition) -> Option<&'a StepId> {
        let ready = match self.stage {
            Stage::OnPaper { .. } => definition.ready(&self.done),
            _ => vec![],
        };
        let mut prints = ready.into_iter().filter(|it| it.action == Action::Print);
        prints.next().map(|step| &step.id)
    }

    /// Whether this reference is on the paper that was made of it last.
    pub fn bears(&self, reference: PaperReference) -> bool {
        self.made_in == reference.round
    }

    pub(super) fn decide_paper(&self, command: C) -> Result<Vec<E>, DocumentRefusal> {
        match (&self.stage, command) {
            (Stage::Converted { pdf } | Stage::Visaed { pdf }, C::SendToPrint { step, at }) => {
                Ok(vec![E::SentToPrint {
                    step,
                    sent: pdf.file,
                    at,
                }])
            }
            (Stage::OnPaper { .. }, C::SendToPrint { .. }) => Ok(vec![]),
            // What came back too late for its patience is as good.
            (
                Stage::OnPaper { .. },
                C::RecordScanReturned {
                    step,
                    pdf,
                    upload,
                    first,
                    last,
                    at,
                },
            ) => Ok(vec![E::ScanReturned {
                step,
                pdf,
                upload,
                first,
                last,
                at,
            }]),
            (_, C::SendToPrint { .. }) => self.no("envoyer à l'impression"),
            (_, _) => self.no("recevoir un scan"),
        }
    }
}
