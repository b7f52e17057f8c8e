//! What may happen to a document, state by state.
//!
//! A command about a step that is over is answered by silence: what was recorded first stays. While a step
//! is under way, the same answer again is silence, and another one is refused, since a neighbour cannot
//! have done two different things.

use super::{Document, DocumentCommand, DocumentEvent, DocumentRefusal, Journey, PdfRef, Stage};
use crate::french;

pub(super) fn decide(
    state: &Document,
    command: DocumentCommand,
) -> Result<Vec<DocumentEvent>, DocumentRefusal> {
    match (state, command) {
        (Document::Unborn, DocumentCommand::Request { order, at }) => {
            Ok(vec![DocumentEvent::Requested { order, at }])
        }
        (Document::Unborn, _) => Err(DocumentRefusal::NotRequested),
        (Document::Open(journey), DocumentCommand::Request { order, .. }) => {
            if journey.order == order {
                Ok(vec![])
            } else {
                Err(DocumentRefusal::AlreadyRequested)
            }
        }
        (Document::Open(journey), command) => match command.step() {
            Some(step) if journey.done.contains(step) => Ok(vec![]),
            _ => journey.decide(command),
        },
    }
}

pub(super) const HANDING_OVER: &str = "remettre le document";

impl Journey {
    pub(super) fn no<T>(&self, what: &'static str) -> Result<T, DocumentRefusal> {
        Err(DocumentRefusal::NotFrom {
            status: french::document_status(self.stage.status()),
            what,
        })
    }

    fn decide(&self, command: DocumentCommand) -> Result<Vec<DocumentEvent>, DocumentRefusal> {
        use DocumentCommand as C;
        use DocumentEvent as E;
        match command {
            C::Request { .. } => Err(DocumentRefusal::AlreadyRequested),
            C::RecordMerged {
                step,
                office,
                format,
                data,
                at,
            } => match &self.stage {
                Stage::Requested => Ok(vec![E::Merged {
                    step,
                    office,
                    format,
                    data,
                    at,
                }]),
                _ => self.no("enregistrer la fusion"),
            },
            C::RecordConverted { step, pdf, at } => match &self.stage {
                Stage::Merged { .. } => Ok(vec![E::Converted { step, pdf, at }]),
                _ => self.no("enregistrer le PDF"),
            },
            C::RecordSentForVisa { .. } | C::RecordVisaed { .. } | C::RecordVisaRefused { .. } => {
                self.decide_visa(command)
            }
            C::RecordSentForSignature { .. }
            | C::RecordSigned { .. }
            | C::RecordSignatureRefused { .. } => self.decide_signature(command),
            C::SendToPrint { .. } | C::RecordScanReturned { .. } => self.decide_paper(command),
            C::RecordReminded { step, at } => self.remind(step, at),
            C::RecordRegistered {
                step,
                registration,
                at,
            } => self.handing_over("enregistrer le courrier").map(|_| {
                vec![E::Registered {
                    step,
                    registration,
                    at,
                }]
            }),
            C::RecordAttached { step, url, at } => {
                self.handing_over("rattacher le document").map(|pdf| {
                    vec![E::Attached {
                        step,
                        file: pdf.file,
                        url,
                        at,
                    }]
                })
            }
            C::RecordReported { step, status, at } => self
                .handing_over(HANDING_OVER)
                .map(|_| vec![E::Reported { step, status, at }]),
            C::RecordEmailed {
                step,
                message_id,
                at,
            } => self.handing_over(HANDING_OVER).map(|_| {
                vec![E::Emailed {
                    step,
                    message_id,
                    at,
                }]
            }),
            C::RecordPublished { step, url, at } => self.handing_over(HANDING_OVER).map(|pdf| {
                vec![E::Published {
                    step,
                    file: pdf.file,
                    url,
                    at,
                }]
            }),
            C::Deliver { at } => match &self.stage {
                Stage::Delivered { .. } => Ok(vec![]),
                _ => self
                    .handing_over(HANDING_OVER)
                    .map(|_| vec![E::Delivered { at }]),
            },
            C::RecordCalled { .. }
            | C::RecordWeighed { .. }
            | C::AskApproval { .. }
            | C::Approve { .. }
            | C::RefuseApproval { .. }
            | C::BeginWait { .. }
            | C::EndWait { .. } => self.decide_in_house(command),
            C::Skip {
                step,
                by_hand,
                reason,
                at,
            } => self.skip(step, by_hand, reason, at),
            C::Fail { .. }
            | C::Retry { .. }
            | C::Restart { .. }
            | C::Migrate { .. }
            | C::Cancel { .. } => self.decide_by_hand(command),
        }
    }

    /// The finished PDF, while the document is being handed to those who must receive it.
    pub(super) fn handing_over(&self, what: &'static str) -> Result<PdfRef, DocumentRefusal> {
        match &self.stage {
            Stage::Converted { pdf }
            | Stage::Visaed { pdf }
            | Stage::Signed { pdf }
            | Stage::Registered { pdf, .. }
            | Stage::Attached { pdf } => Ok(*pdf),
            Stage::Requested
            | Stage::Merged { .. }
            | Stage::InVisa { .. }
            | Stage::VisaRefused { .. }
            | Stage::InSignature { .. }
            | Stage::SignatureRefused { .. }
            | Stage::OnPaper { .. }
            | Stage::Delivered { .. }
            | Stage::Cancelled { .. } => self.no(what),
        }
    }

    fn decide_visa(&self, command: DocumentCommand) -> Result<Vec<DocumentEvent>, DocumentRefusal> {
        use DocumentCommand as C;
        use DocumentEvent as E;
        match (&self.stage, command) {
            (
                Stage::Converted { pdf },
                C::RecordSentForVisa {
                    step,
                    circulation,
                    at,
                },
            ) => Ok(vec![E::SentForVisa {
                step,
                circulation,
                sent: pdf.file,
                at,
            }]),
            (
                Stage::InVisa {
                    circulation: known, ..
                },
                C::RecordSentForVisa { circulation, .. },
            ) if known.file_id == circulation.file_id => Ok(vec![]),
            (
                Stage::InVisa { pdf: sent, .. },
                C::RecordVisaed {
                    step,
                    pdf,
                    by,
                    comment,
                    visaed_at,
                    at,
                },
            ) => Ok(vec![E::Visaed {
                step,
                unchanged: sent.file == pdf.file,
                pdf,
                by,
                comment,
                visaed_at,
                at,
            }]),
            (
                Stage::InVisa { .. },
                C::RecordVisaRefused {
                    step,
                    by,
                    reason,
                    at,
                },
            ) => Ok(vec![E::VisaRefused {
                step,
                by,
                reason,
                at,
            }]),
            (Stage::VisaRefused { .. }, C::RecordVisaRefused { .. }) => Ok(vec![]),
            (Stage::VisaRefused { .. }, _) => Err(DocumentRefusal::Waiting),
            (_, C::RecordSentForVisa { .. }) => self.no("mettre en visa"),
            (_, _) => self.no("enregistrer le visa"),
        }
    }

    fn decide_signature(
        &self,
        command: DocumentCommand,
    ) -> Result<Vec<DocumentEvent>, DocumentRefusal> {
        use DocumentCommand as C;
        use DocumentEvent as E;
        match (&self.stage, command) {
            (
                Stage::Converted { pdf } | Stage::Visaed { pdf },
                C::RecordSentForSignature {
                    step,
                    signature,
                    at,
                },
            ) => Ok(vec![E::SentForSignature {
                step,
                signature,
                sent: pdf.file,
                at,
            }]),
            (
                Stage::InSignature {
                    signature: known, ..
                },
                C::RecordSentForSignature { signature, .. },
            ) if *known == signature => Ok(vec![]),
            (
                Stage::InSignature {
                    signature: known, ..
                },
                C::RecordSigned {
                    step,
                    signature,
                    pdf,
                    at,
                },
            ) if *known == signature => Ok(vec![E::Signed {
                step,
                signature,
                pdf,
                at,
            }]),
            (
                Stage::InSignature {
                    signature: known, ..
                },
                C::RecordSignatureRefused {
                    step,
                    signature,
                    reason,
                    at,
                },
            ) if *known == signature => Ok(vec![E::SignatureRefused {
                step,
                signature,
                reason,
                at,
            }]),
            (Stage::SignatureRefused { .. }, C::RecordSignatureRefused { .. }) => Ok(vec![]),
            (Stage::SignatureRefused { .. }, _) => Err(DocumentRefusal::Waiting),
            (_, C::RecordSentForSignature { .. }) => self.no("mettre en signature"),
            (_, _) => self.no("enregistrer la signature"),
        }
    }

    fn decide_by_hand(
        &self,
        command: DocumentCommand,
    ) -> Result<Vec<DocumentEvent>, DocumentRefusal> {
        use DocumentCommand as C;
        use DocumentEvent as E;
        match (&self.stage, command) {
            (
                _,
                C::Migrate {
                    chain,
                    begins,
                    reason,
                    at,
                },
            ) => self.migrate(chain, begins, reason, at),
            (Stage::Cancelled { .. }, C::Cancel { .. }) => Ok(vec![]),
            (Stage::Delivered { .. } | Stage::Cancelled { .. }, C::Fail { .. }) => {
                self.no("signaler un échec")
            }
            (Stage::Delivered { .. }, C::Cancel { .. }) => self.no("annuler le document"),
            (Stage::Delivered { .. } | Stage::Cancelled { .. }, _) => {
                self.no("relancer le document")
            }

            (_, C::Fail { step, sentence, .. }) if self.troubles.get(&step) == Some(&sentence) => {
                Ok(vec![])
            }
            (_, C::Fail { step, sentence, at }) => Ok(vec![E::Failed { step, sentence, at }]),
            (_, C::Cancel { reason, at }) => Ok(vec![E::Cancelled { reason, at }]),
            (
                Stage::VisaRefused { reason } | Stage::SignatureRefused { reason },
                C::Retry { at },
            ) => Ok(vec![E::Restarted {
                reason: reason.clone(),
                back_to: None,
                at,
            }]),
            (_, C::Retry { at }) if !self.troubles.is_empty() => Ok(vec![E::Retried { at }]),
            (_, C::Retry { .. }) => Err(DocumentRefusal::NothingToRetry),
            // Outside work is under way: its answer would be taken for the new round's. Paper tells its round.
            (
                Stage::Requested
                | Stage::Merged { .. }
                | Stage::Converted { .. }
                | Stage::InVisa { .. },
                C::Restart { .. },
            ) if self.troubles.is_empty() => Err(DocumentRefusal::NothingToRetry),
            (
                Stage::Requested
                | Stage::Merged { .. }
                | Stage::Converted { .. }
                | Stage::InVisa { .. }
                | Stage::VisaRefused { .. }
                | Stage::SignatureRefused { .. }
                | Stage::OnPaper { .. },
                C::Restart {
                    reason,
                    back_to,
                    at,
                },
            ) => Ok(vec![E::Restarted {
                reason,
                back_to,
                at,
            }]),
            (_, _) => self.no("recommencer le document"),
        }
    }
}
