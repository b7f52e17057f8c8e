//! The steps at the signing desk.

use super::{
    super::super::{Action, Work},
    log::{Log, Report},
    outside::{Request, Said, signed},
    steps::{Attempt, Failure, Next, reports},
};
use crate::{
    digest::Digest,
    document::{DocumentCommand as D, PdfRef},
    ids::SignatureId,
    ports::FailureClass,
    signature::{Binding, Sheet, Signature, SignatureCommand as S},
    testing::now,
};

fn signature(id: SignatureId, command: S) -> Report {
    Report {
        signature: Some((id, vec![command])),
        ..Report::default()
    }
}

impl Attempt {
    /// Writes down what is about to be submitted, which says no to what was taken back meanwhile.
    pub(super) fn submit(&self, log: &mut Log<'_>, id: SignatureId, pdf: Digest) -> Next {
        let step = log.definition.step(&self.effect.step);
        let Some(Action::Sign {
            desk_type,
            desk_subtype,
        }) = step.map(|step| &step.action)
        else {
            return Next::Fails(Failure::Stuck("sans étape de signature"));
        };
        let sheet = Sheet {
            document: self.effect.document,
            pdf,
            desk_type: desk_type.clone(),
            desk_subtype: desk_subtype.clone(),
        };
        if log.sign(id, S::Prepare { sheet, at: now() }).is_err() {
            return Next::Fails(Failure::Stuck("La signature a été retirée."));
        }
        Next::Asks(if self.effect.doubtful {
            Request::History(id)
        } else {
            Request::Create(id, pdf)
        })
    }

    pub(super) fn submitted(&self, id: SignatureId, said: Said, pdf: Digest) -> Next {
        let at = now();
        if let (Some(Request::History(_)), Said::Absent) = (self.asked, said) {
            return Next::Asks(Request::Create(id, pdf));
        }
        // Found there, or already used: it is ours.
        reports(Report {
            document: Some(D::RecordSentForSignature {
                step: self.effect.step.clone(),
                signature: id,
                at,
            }),
            ..signature(id, S::RecordSubmitted { folder: None, at })
        })
    }

    pub(super) fn watched(&self, log: &Log<'_>, id: SignatureId, said: Said) -> Next {
        let (step, at) = (self.effect.step.clone(), now());
        match said {
            Said::Pending => Next::NotYet,
            Said::Finished => Next::Asks(Request::Content(id)),
            Said::Rejected => reports(Report {
                document: Some(D::RecordSignatureRefused {
                    step,
                    signature: id,
                    reason: "non".into(),
                    at,
                }),
                ..signature(
                    id,
                    S::RecordRejected {
                        by: String::new().into(),
                        reason: "non".into(),
                        at,
                    },
                )
            }),
            Said::Pdf(pdf) => match brought_back(log, id, pdf) {
                Some(commands) => reports(Report {
                    document: Some(D::RecordSigned {
                        step,
                        signature: id,
                        pdf: PdfRef {
                            file: pdf,
                            pages: 1,
                        },
                        at,
                    }),
                    signature: Some((id, commands)),
                    ..Report::default()
                }),
                None => not_ours(),
            },
            _ => Next::Fails(Failure::Stuck("Le dossier a disparu du parapheur.")),
        }
    }

    pub(super) fn archived(&self, id: SignatureId, said: Said) -> Next {
        match (self.asked, said) {
            (_, Said::Absent | Said::Done) => {
                reports(signature(id, S::RecordArchived { at: now() }))
            }
            (_, Said::Finished) => Next::Asks(Request::Archive(id)),
            (_, Said::Rejected) => Next::Asks(Request::EraseRejected(id)),
            _ => self.fails(FailureClass::Rejected),
        }
    }

    /// What was signed meanwhile cannot be taken back: it is kept, and told.
    pub(super) fn withdrawn(&mut self, log: &Log<'_>, id: SignatureId, said: Said) -> Next {
        match (self.asked, said) {
            (Some(Request::TakeBack(_)), Said::Done) => Next::Asks(Request::Archive(id)),
            (Some(Request::TakeBack(_)), _) => {
                self.looks = 1;
                Next::Asks(Request::History(id))
            }
            (Some(Request::Content(_)), Said::Pdf(pdf)) => match brought_back(log, id, pdf) {
                Some(commands) => reports(Report {
                    signature: Some((id, commands)),
                    then: Some(Work::ArchiveSignature { signature: id }),
                    ..Report::default()
                }),
                None => not_ours(),
            },
            (_, Said::Finished) => Next::Asks(Request::Content(id)),
            (_, Said::Absent | Said::Done) => {
                reports(signature(id, S::RecordWithdrawn { at: now() }))
            }
            (Some(Request::Archive(_) | Request::EraseRejected(_)), _) => {
                self.looks = 2;
                Next::Asks(Request::History(id))
            }
            (_, Said::Rejected) if self.looks == 0 => Next::Asks(Request::EraseRejected(id)),
            (_, Said::Pending) if self.looks == 0 => Next::Asks(Request::TakeBack(id)),
            _ if self.looks == 1 => Next::Asks(Request::Archive(id)),
            _ => self.fails(FailureClass::Rejected),
        }
    }
}

/// What the log must know of a PDF that is bound to the one that was sent.
fn brought_back(log: &Log<'_>, id: SignatureId, pdf: Digest) -> Option<Vec<S>> {
    let sent = log.signatures.get(&id).and_then(Signature::sheet)?.pdf;
    let at = now();
    (pdf == signed(sent)).then(|| {
        vec![
            // The deposit's own answer may never have been heard.
            S::RecordSubmitted { folder: None, at },
            S::RecordSigned { at },
            S::RecordRetrieved {
                pdf,
                slip: None,
                binding: Binding::Exact,
                examination: None,
                at,
            },
        ]
    })
}

fn not_ours() -> Next {
    Next::Fails(Failure::Stuck("Le PDF rapporté n'est pas acceptable."))
}
