//! What each step asks for, call by call, as the steps and their adapters do: looking before acting, writing
//! down before doing. Between any two calls the process may die, freeze or be overtaken.

use super::{
    super::super::{Effect, Work, is_due},
    log::{Log, Report},
    outside::{Request, Said},
};
use crate::{
    digest::Digest,
    document::{Document, DocumentCommand as D, Journey, PdfRef, Subject},
    dossier::{Dossier, DossierCommand},
    event::Decider as _,
    ids::{DocumentId, DossierId},
    ports::{Circulation, FailureClass, Neighbour, OfficeFormat, Registration},
    testing::now,
};

/// Why a step led to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    Port(Neighbour, FailureClass),
    /// A person must mend something.
    Stuck(&'static str),
}

/// What a step does next.
#[derive(Debug)]
pub(super) enum Next {
    /// Goes on a moment later.
    Goes,
    Asks(Request),
    Reports(Box<Report>),
    NotYet,
    Fails(Failure),
}

/// One effect being carried out, with what its process read when it began.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub process: usize,
    pub lease: u64,
    pub failures: u32,
    pub effect: Effect,
    pub journey: Option<Journey>,
    pub asked: Option<Request>,
    /// How often it has looked at the desk again.
    pub looks: u8,
    file: u64,
}

pub(super) fn reports(report: Report) -> Next {
    Next::Reports(Box::new(report))
}

pub(super) fn document(command: D) -> Next {
    reports(Report {
        document: Some(command),
        ..Report::default()
    })
}

impl Attempt {
    pub(super) fn new(process: usize, lease: u64, failures: u32, effect: Effect) -> Self {
        Self {
            process,
            lease,
            failures,
            effect,
            journey: None,
            asked: None,
            looks: 0,
            file: 0,
        }
    }

    /// What comes next, `said` being the answer to what was asked last.
    pub(super) fn next(&mut self, log: &mut Log<'_>, said: Option<Said>) -> Next {
        let Some(journey) = self.journey.take() else {
            return self.begin(log);
        };
        let next = match said {
            None => self.first(log, &journey),
            Some(said) => self.then(log, &journey, said),
        };
        self.journey = Some(journey);
        if let Next::Asks(request) = &next {
            self.asked = Some(*request);
        }
        next
    }

    /// Reads the document, and leaves undone what is no longer wanted.
    fn begin(&mut self, log: &Log<'_>) -> Next {
        let document = log.documents.get(&self.effect.document);
        let Some(journey) = document.and_then(Document::journey) else {
            return Next::Fails(Failure::Stuck("sans document"));
        };
        if self.effect.work.is_on_the_way() && !is_due(log.definition, journey, &self.effect) {
            return reports(Report::default());
        }
        self.journey = Some(journey.clone());
        Next::Goes
    }

    fn first(&self, log: &mut Log<'_>, journey: &Journey) -> Next {
        let id = self.effect.document;
        let pdf = pdf(journey);
        Next::Asks(match &self.effect.work {
            Work::Merge => {
                let accepts = &log.definition.accepts;
                match dossier(log, journey) {
                    Some(Dossier::Open { stage, .. }) if !accepts.contains(&stage.status()) => {
                        return Next::Fails(Failure::Stuck("Le dossier a changé."));
                    }
                    _ => Request::Make,
                }
            }
            Work::Convert => Request::Make,
            Work::Circulate => Request::Put(id, journey.round, pdf),
            Work::WatchVisa { circulation } => Request::VisaState(number(circulation)),
            Work::WithdrawVisa { circulation } => Request::Remove(number(circulation)),
            Work::RecallVisa { round } => Request::Find(id, *round),
            Work::Submit { signature } => return self.submit(log, *signature, pdf),
            Work::WatchSignature { signature }
            | Work::ArchiveSignature { signature }
            | Work::WithdrawSignature { signature } => Request::History(*signature),
            Work::Register => Request::Search(id),
            Work::Attach => Request::Deposit(Neighbour::GrantsTool, id, pdf),
            Work::Notify => {
                // What our own rules refuse is not told outside.
                let notify = notify(self.effect.document);
                if dossier(log, journey).is_none_or(|dossier| dossier.decide(notify).is_err()) {
                    return Next::Fails(Failure::Stuck("Le dossier n'est plus accordé."));
                }
                Request::ReportStatus(self.effect.id)
            }
            Work::Email => Request::Mail(self.effect.id, pdf),
            Work::Publish => Request::Deposit(Neighbour::PorteDocuments, id, pdf),
            // Its scan comes by people.
            Work::WatchScan => return Next::NotYet,
            Work::Call | Work::Weigh | Work::Wait | Work::Wake { .. } | Work::Remind => {
                return Next::Fails(Failure::Stuck("Cette étape n'est pas simulée."));
            }
        })
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each work")]
    fn then(&mut self, log: &Log<'_>, journey: &Journey, said: Said) -> Next {
        let (id, step, at) = (self.effect.document, self.effect.step.clone(), now());
        let work = self.effect.work.clone();
        match (&work, said) {
            (Work::Merge, _) => document(D::RecordMerged {
                step,
                office: made(journey, self.effect.document.0.as_bytes()),
                format: OfficeFormat::Odt,
                data: made(journey, b"data"),
                at,
            }),
            (Work::Convert, _) => document(D::RecordConverted {
                step,
                pdf: PdfRef {
                    file: made(journey, id.0.as_bytes()),
                    pages: 1,
                },
                at,
            }),
            (Work::Circulate, Said::File(file)) => {
                self.file = file;
                Next::Asks(Request::AskForVisa(id, journey.round))
            }
            (Work::Circulate, Said::Done) => document(D::RecordSentForVisa {
                step,
                circulation: Circulation {
                    file_id: self.file.to_string(),
                    path: String::new(),
                    etag: String::new(),
                },
                at,
            }),
            (Work::WatchVisa { .. }, Said::Approved(file)) => document(D::RecordVisaed {
                step,
                pdf: PdfRef { file, pages: 1 },
                by: String::new().into(),
                comment: None,
                visaed_at: at,
                at,
            }),
            (Work::WatchVisa { .. }, Said::Rejected) => document(D::RecordVisaRefused {
                step,
                by: String::new().into(),
                reason: "à revoir".into(),
                at,
            }),
            (Work::WatchVisa { .. }, Said::Absent) => {
                Next::Fails(Failure::Stuck("Le document a disparu de Nextcloud."))
            }
            (Work::WithdrawVisa { .. }, _)
            | (Work::RecallVisa { .. }, Said::Absent | Said::Done) => reports(Report::default()),
            (Work::RecallVisa { .. }, Said::File(file)) => Next::Asks(Request::Remove(file)),
            (Work::Submit { signature }, said) => self.submitted(*signature, said, pdf(journey)),
            (Work::WatchSignature { signature }, said) => self.watched(log, *signature, said),
            (Work::ArchiveSignature { signature }, said) => self.archived(*signature, said),
            (Work::WithdrawSignature { signature }, said) => self.withdrawn(log, *signature, said),
            (Work::Register, Said::Absent) => Next::Asks(Request::Register(id, pdf(journey))),
            (Work::Register, Said::Number(number)) => document(D::RecordRegistered {
                step,
                registration: Registration {
                    chrono: number.to_string(),
                    resource: number.to_string(),
                },
                at,
            }),
            (Work::Attach, _) => document(D::RecordAttached {
                step,
                url: String::new(),
                at,
            }),
            (Work::Notify, _) => reports(Report {
                document: Some(D::RecordReported {
                    step,
                    status: "notified".into(),
                    at,
                }),
                dossier: subject(journey).map(|dossier| (dossier, notify(id))),
                ..Report::default()
            }),
            (Work::Email, _) => document(D::RecordEmailed {
                step,
                message_id: self.effect.id.to_string(),
                at,
            }),
            (Work::Publish, _) => document(D::RecordPublished {
                step,
                url: String::new(),
                at,
            }),
            // The latter ask nobody outside.
            (Work::WatchVisa { .. }, Said::Pending)
            | (
                Work::Call
                | Work::Weigh
                | Work::Wait
                | Work::Wake { .. }
                | Work::Remind
                | Work::WatchScan,
                _,
            ) => Next::NotYet,
            (
                Work::Circulate | Work::WatchVisa { .. } | Work::RecallVisa { .. } | Work::Register,
                _,
            ) => self.fails(FailureClass::Transient),
        }
    }

    pub(super) fn fails(&self, class: FailureClass) -> Next {
        Next::Fails(Failure::Port(self.effect.work.neighbour(), class))
    }
}

/// The PDF in force; work that needs none never looks at it.
fn pdf(journey: &Journey) -> Digest {
    let pdf = journey.stage.pdf();
    pdf.map_or(Digest::from_bytes([0; 32]), |pdf| pdf.file)
}

/// A file that is made anew in each round, and is another one for each document.
fn made(journey: &Journey, of: &[u8]) -> Digest {
    Digest::of_parts([of, &journey.round.to_be_bytes()])
}

fn number(circulation: &Circulation) -> u64 {
    circulation.file_id.parse().expect("a number of ours")
}

fn subject(journey: &Journey) -> Option<DossierId> {
    match journey.order.subject {
        Subject::Dossier(dossier) => Some(dossier),
        Subject::Batch => None,
    }
}

fn dossier<'a>(log: &'a Log<'_>, journey: &Journey) -> Option<&'a Dossier> {
    log.dossiers.get(&subject(journey)?)
}

fn notify(document: DocumentId) -> DossierCommand {
    DossierCommand::Notify {
        document,
        at: now(),
    }
}
