//! A document: one office file on its way through a chain, for one dossier or for a whole batch.
//!
//! ```text
//! requested → merged → converted → in visa → visaed → in signature → signed → registered → attached → delivered
//!                                     └→ visa refused    └→ signature refused
//! A chain may leave out visa, signature, registration or attachment, never change their order.
//! A refusal, or a failed step, waits for a person: retry, restart or cancel. Once it has its visa or is at
//! the signing desk, a document no longer restarts: it is cancelled, which takes it back.
//! Everything that is not delivered may be cancelled.
//! ```

mod by_hand;
mod command;
mod decide;
mod event;
#[cfg(test)]
mod tests;

pub use by_hand::ByHand;
pub use command::{DocumentCommand, DocumentRefusal};
pub use event::DocumentEvent;

use crate::{
    chain::{ChainRef, StepId},
    digest::Digest,
    event::aggregate,
    ids::{BatchId, DossierId, SignatureId},
    ports::{Circulation, OfficeFormat, Registration},
    template::{Included, TemplateRef},
};
use chrono::{DateTime, NaiveDate, Utc};
use decide::decide;
use serde::{Deserialize, Serialize};

/// What a document is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// One dossier.
    Dossier(DossierId),
    /// All the dossiers of its batch.
    Batch,
}

/// What was asked of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The batch it belongs to.
    pub batch: BatchId,
    /// What it is about.
    pub subject: Subject,
    /// The chain, on the version that the document stays on.
    pub chain: ChainRef,
    /// The template, on the version that the document stays on.
    pub template: TemplateRef,
    /// What the template includes, on the versions that the document stays on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<Included>,
    /// What people call it: "Notification SUB-2026-0012".
    pub title: String,
    /// The date that it bears.
    pub date: NaiveDate,
}

/// A PDF of this document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PdfRef {
    /// Its bytes.
    pub file: Digest,
    /// Its number of pages.
    pub pages: u32,
}

/// Where a document stands, with what exists there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "each field means what it means in the event that brought it"
)]
pub enum Stage {
    /// Nothing was made yet.
    Requested,
    /// The office file exists.
    Merged {
        office: Digest,
        format: OfficeFormat,
        at: DateTime<Utc>,
    },
    /// The PDF exists.
    Converted { pdf: PdfRef },
    /// It circulates for visa.
    InVisa {
        pdf: PdfRef,
        circulation: Circulation,
    },
    /// It has its visa.
    Visaed { pdf: PdfRef },
    /// Its visa was refused.
    VisaRefused { reason: String },
    /// It is at the signing desk.
    InSignature { pdf: PdfRef, signature: SignatureId },
    /// It is signed, and the signed PDF is safe here.
    Signed { pdf: PdfRef },
    /// Its signature was refused.
    SignatureRefused { reason: String },
    /// It has its number in the mail register.
    Registered {
        pdf: PdfRef,
        registration: Registration,
    },
    /// It is attached to its dossier.
    Attached { pdf: PdfRef },
    /// Its chain is over.
    Delivered { pdf: PdfRef },
    /// It was given up.
    Cancelled { reason: String },
}

/// The status that people filter on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the names are the statuses' own; `french::document_status` says them in French"
)]
pub enum DocumentStatus {
    Requested,
    Merged,
    Converted,
    InVisa,
    Visaed,
    VisaRefused,
    InSignature,
    Signed,
    SignatureRefused,
    Registered,
    Attached,
    Delivered,
    Cancelled,
}

impl Stage {
    /// The status that people filter on.
    pub fn status(&self) -> DocumentStatus {
        match self {
            Self::Requested => DocumentStatus::Requested,
            Self::Merged { .. } => DocumentStatus::Merged,
            Self::Converted { .. } => DocumentStatus::Converted,
            Self::InVisa { .. } => DocumentStatus::InVisa,
            Self::Visaed { .. } => DocumentStatus::Visaed,
            Self::VisaRefused { .. } => DocumentStatus::VisaRefused,
            Self::InSignature { .. } => DocumentStatus::InSignature,
            Self::Signed { .. } => DocumentStatus::Signed,
            Self::SignatureRefused { .. } => DocumentStatus::SignatureRefused,
            Self::Registered { .. } => DocumentStatus::Registered,
            Self::Attached { .. } => DocumentStatus::Attached,
            Self::Delivered { .. } => DocumentStatus::Delivered,
            Self::Cancelled { .. } => DocumentStatus::Cancelled,
        }
    }

    /// The PDF in force, once there is one.
    pub fn pdf(&self) -> Option<PdfRef> {
        match self {
            Self::Converted { pdf }
            | Self::InVisa { pdf, .. }
            | Self::Visaed { pdf }
            | Self::InSignature { pdf, .. }
            | Self::Signed { pdf }
            | Self::Registered { pdf, .. }
            | Self::Attached { pdf }
            | Self::Delivered { pdf } => Some(*pdf),
            Self::Requested
            | Self::Merged { .. }
            | Self::VisaRefused { .. }
            | Self::SignatureRefused { .. }
            | Self::Cancelled { .. } => None,
        }
    }
}

/// A document under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    /// What was asked.
    pub order: Order,
    /// Where it stands.
    pub stage: Stage,
    /// The steps of its chain that are over, in this round.
    pub done: Vec<StepId>,
    /// How often it started over: part of every key that neighbours see.
    pub round: u32,
    /// Why its current step stopped, until somebody retries.
    pub trouble: Option<String>,
    /// Its number in the mail register, which later messages quote.
    pub registration: Option<Registration>,
    /// How long it has been waiting for people, while it does.
    #[serde(default)]
    pub wait: Option<Wait>,
}

/// A wait for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Since it was sent, or since a person asked to try it again.
    pub since: DateTime<Utc>,
    /// When whoever asked for it was reminded last.
    pub reminded_at: Option<DateTime<Utc>>,
    /// How often.
    pub reminders: u32,
}

impl Wait {
    /// The wait that is under way after `event`, which found this one.
    fn after(before: Option<Self>, event: &DocumentEvent) -> Option<Self> {
        use DocumentEvent as E;
        match event {
            E::SentForVisa { at, .. } | E::SentForSignature { at, .. } => Some(Self {
                since: *at,
                reminded_at: None,
                reminders: 0,
            }),
            E::Retried { at } => before.map(|wait| Self { since: *at, ..wait }),
            E::Reminded { at, .. } => before.map(|wait| Self {
                reminded_at: Some(*at),
                reminders: wait.reminders + 1,
                ..wait
            }),
            E::Failed { .. } => before,
            _ => None,
        }
    }
}

impl Journey {
    /// What people call it in this round: a restarted document must not be mistaken for its first version.
    pub fn title(&self) -> String {
        self.title_in(self.round)
    }

    /// What people called it, or will, in another round.
    pub fn title_in(&self, round: u32) -> String {
        if round == 1 {
            self.order.title.clone()
        } else {
            format!("{} (version {round})", self.order.title)
        }
    }
}

/// The state of a document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Document {
    /// Nothing was asked.
    #[default]
    Unborn,
    /// It is under way, or was.
    Open(Box<Journey>),
}

impl Document {
    /// The document under way, if anything was asked.
    pub fn journey(&self) -> Option<&Journey> {
        match self {
            Self::Unborn => None,
            Self::Open(journey) => Some(journey),
        }
    }

    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: DocumentEvent) -> Self {
        match (self, event) {
            (Self::Unborn, DocumentEvent::Requested { order, .. }) => {
                Self::Open(Box::new(Journey {
                    order,
                    stage: Stage::Requested,
                    done: vec![],
                    round: 1,
                    trouble: None,
                    registration: None,
                    wait: None,
                }))
            }
            (Self::Unborn, _) => Self::Unborn,
            (Self::Open(mut journey), event) => {
                journey.evolve(event);
                Self::Open(journey)
            }
        }
    }
}

impl Journey {
    fn did(&mut self, by_hand: &ByHand, pdf: PdfRef) {
        match by_hand {
            ByHand::Visaed => self.stage = Stage::Visaed { pdf },
            ByHand::Registered { chrono } => {
                let registration = Registration {
                    chrono: chrono.clone(),
                    resource: String::new(),
                };
                self.registration = Some(registration.clone());
                self.stage = Stage::Registered { pdf, registration };
            }
            ByHand::Attached => self.stage = Stage::Attached { pdf },
            ByHand::HandedOver => {}
        }
    }

    fn evolve(&mut self, event: DocumentEvent) {
        use DocumentEvent as E;
        self.trouble = None;
        self.wait = Wait::after(self.wait, &event);
        let pdf = self.stage.pdf();
        if let Some(step) = event.completed_step() {
            self.done.push(step.clone());
        }
        match (event, pdf) {
            (
                E::Merged {
                    office, format, at, ..
                },
                _,
            ) => self.stage = Stage::Merged { office, format, at },
            (E::Converted { pdf, .. }, _) => self.stage = Stage::Converted { pdf },
            (E::SentForVisa { circulation, .. }, Some(pdf)) => {
                self.stage = Stage::InVisa { pdf, circulation }
            }
            (E::Visaed { pdf, .. }, _) => self.stage = Stage::Visaed { pdf },
            (E::VisaRefused { reason, .. }, _) => self.stage = Stage::VisaRefused { reason },
            (E::SentForSignature { signature, .. }, Some(pdf)) => {
                self.stage = Stage::InSignature { pdf, signature }
            }
            (E::Signed { pdf, .. }, _) => self.stage = Stage::Signed { pdf },
            (E::SignatureRefused { reason, .. }, _) => {
                self.stage = Stage::SignatureRefused { reason }
            }
            (E::Registered { registration, .. }, Some(pdf)) => {
                self.registration = Some(registration.clone());
                self.stage = Stage::Registered { pdf, registration }
            }
            (E::Attached { .. }, Some(pdf)) => self.stage = Stage::Attached { pdf },
            (E::Skipped { by_hand, .. }, Some(pdf)) => self.did(&by_hand, pdf),
            (E::Delivered { .. }, Some(pdf)) => self.stage = Stage::Delivered { pdf },
            (E::Cancelled { reason, .. }, _) => self.stage = Stage::Cancelled { reason },
            (E::Failed { sentence, .. }, _) => self.trouble = Some(sentence),
            (E::Restarted { .. }, _) => {
                self.stage = Stage::Requested;
                self.done.clear();
                self.round += 1;
            }
            (
                E::Requested { .. }
                | E::Reported { .. }
                | E::Emailed { .. }
                | E::Published { .. }
                | E::Reminded { .. }
                | E::Retried { .. },
                _,
            )
            | (
                E::SentForVisa { .. }
                | E::SentForSignature { .. }
                | E::Registered { .. }
                | E::Attached { .. }
                | E::Skipped { .. }
                | E::Delivered { .. },
                None,
            ) => {}
        }
    }
}

aggregate!(
    Document,
    "document",
    DocumentCommand,
    DocumentEvent,
    DocumentRefusal
);
