//! A document: one office file on its way through a chain, for one dossier or for a whole batch.
//!
//! ```text
//! requested → merged → converted → in visa → visaed → in signature → signed → registered → attached → delivered
//!                                     └→ visa refused    └→ signature refused
//!                                                      → on paper → signed
//! A chain may leave out visa, signature, registration or attachment, never change their order. Between its PDF
//! and its end, a document may also wait for an approval or for a moment.
//! A refusal, or a failed step, waits for a person: retry, skip, restart (from any step that began) or cancel. Once it has its visa or is at
//! the signing desk, a document no longer restarts: it is cancelled, which takes it back. On paper, it restarts.
//! Everything that is not delivered may be cancelled.
//! ```

mod about;
mod back;
mod by_hand;
mod command;
mod decide;
mod event;
mod in_house;
mod paper;
mod stage;
#[cfg(test)]
mod tests;
mod wait;

pub use back::BackTo;
pub use by_hand::ByHand;
pub use command::{DocumentCommand, DocumentRefusal};
pub use event::DocumentEvent;
pub use stage::{Awaited, DocumentStatus, Stage};
pub use wait::Wait;

use crate::{
    chain::{ChainRef, StepId},
    digest::Digest,
    event::aggregate,
    french,
    ids::{BatchId, DossierId},
    ports::Registration,
    template::{Included, TemplateRef},
    trigger::TriggerRef,
};
use chrono::NaiveDate;
use decide::decide;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// The trigger that started its batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<TriggerRef>,
}

/// A PDF of this document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PdfRef {
    /// Its bytes.
    pub file: Digest,
    /// Its number of pages.
    pub pages: u32,
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
    /// Where it stood after each of them, so that it can go back there.
    pub reached: Vec<(StepId, Stage)>,
    /// How often it started over: part of every key that neighbours see.
    pub round: u32,
    /// The round in which its office file was made, which is on its paper.
    #[serde(default)]
    pub made_in: u32,
    /// The steps whose condition was found to hold, in this round.
    pub taken: Vec<StepId>,
    /// What its steps wait for, beside the outside.
    pub awaited: BTreeMap<StepId, Awaited>,
    /// Why steps stopped, until somebody retries.
    pub troubles: BTreeMap<StepId, String>,
    /// What web services answered, by the names that its chain gives.
    pub answers: BTreeMap<String, String>,
    /// Its number in the mail register, which later messages quote.
    pub registration: Option<Registration>,
    /// How long it has been waiting for people, while it does.
    #[serde(default)]
    pub wait: Option<Wait>,
}

impl Journey {
    /// The status that people filter on.
    pub fn status(&self) -> DocumentStatus {
        let stage = self.stage.status();
        if matches!(stage, DocumentStatus::Delivered | DocumentStatus::Cancelled) {
            stage
        } else if self.awaited.values().any(|it| *it == Awaited::Approval) {
            DocumentStatus::InApproval
        } else if self.awaited.is_empty() {
            stage
        } else {
            DocumentStatus::Waiting
        }
    }

    /// Why it stopped, in one text.
    pub fn trouble(&self) -> Option<String> {
        let sentences: Vec<&str> = self.troubles.values().map(String::as_str).collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }

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
                    reached: vec![],
                    round: 1,
                    made_in: 0,
                    taken: vec![],
                    awaited: BTreeMap::new(),
                    troubles: BTreeMap::new(),
                    answers: BTreeMap::new(),
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
    fn registered(&mut self, pdf: PdfRef, registration: Registration) {
        self.registration = Some(registration.clone());
        // In a group, it may be attached before it has its number.
        if !matches!(self.stage, Stage::Attached { .. }) {
            self.stage = Stage::Registered { pdf, registration };
        }
    }

    fn evolve(&mut self, event: DocumentEvent) {
        match event.step() {
            Some(step) => {
                self.troubles.remove(step);
                self.awaited.remove(step);
            }
            // What stopped stays so: the other version says how it goes on.
            None if matches!(event, DocumentEvent::Migrated { .. }) => {}
            None => self.troubles.clear(),
        }
        self.wait = Wait::after(self.wait, &event);
        let completed = event.completed_step().cloned();
        self.stand(event);
        if let Some(step) = completed {
            self.done.push(step.clone());
            self.reached.push((step, self.stage.clone()));
        }
    }

    fn stand(&mut self, event: DocumentEvent) {
        use DocumentEvent as E;
        let pdf = self.stage.pdf();
        match (event, pdf) {
            (
                E::Merged {
                    office, format, at, ..
                },
                _,
            ) => {
                self.made_in = self.round;
                self.stage = Stage::Merged { office, format, at };
            }
            (E::Converted { pdf, .. }, _) => self.stage = Stage::Converted { pdf },
            (E::SentForVisa { circulation, .. }, Some(pdf)) => {
                self.stage = Stage::InVisa { pdf, circulation }
            }
            (E::Visaed { pdf, .. }, _) => self.stage = Stage::Visaed { pdf },
            (E::VisaRefused { reason, .. }, _) => self.stage = Stage::VisaRefused { reason },
            (E::SentForSignature { signature, .. }, Some(pdf)) => {
                self.stage = Stage::InSignature { pdf, signature }
            }
            (E::Signed { pdf, .. } | E::ScanReturned { pdf, .. }, _) => {
                self.stage = Stage::Signed { pdf };
            }
            (E::SignatureRefused { reason, .. }, _) => {
                self.stage = Stage::SignatureRefused { reason }
            }
            (E::SentToPrint { .. }, Some(pdf)) => self.stage = Stage::OnPaper { pdf },
            (E::Registered { registration, .. }, Some(pdf)) => self.registered(pdf, registration),
            (E::Attached { .. }, Some(pdf)) => self.stage = Stage::Attached { pdf },
            (E::SkippedByHand { step, by_hand, .. }, Some(pdf)) => self.did(step, by_hand, pdf),
            (E::Delivered { .. }, Some(pdf)) => self.stage = Stage::Delivered { pdf },
            (E::Cancelled { reason, .. }, _) => self.stage = Stage::Cancelled { reason },
            (E::Failed { step, sentence, .. }, _) => _ = self.troubles.insert(step, sentence),
            (E::ApprovalRefused { step, reason, .. }, _) => {
                let sentence = french::approval_refused(&reason);
                self.troubles.insert(step, sentence);
            }
            (E::Called { answer, .. }, _) => self.answers.extend(answer),
            (E::StepTaken { step, .. }, _) => self.taken.push(step),
            (E::ApprovalAsked { step, .. }, _) => {
                self.awaited.insert(step, Awaited::Approval);
            }
            (E::WaitBegan { step, until, .. }, _) => {
                self.awaited.insert(step, Awaited::Moment { until });
            }
            (E::Restarted { back_to, .. }, _) => self.go_back(back_to),
            (E::Migrated { chain, .. }, _) => self.order.chain = chain,
            (
                E::Requested { .. }
                | E::Reported { .. }
                | E::Emailed { .. }
                | E::Published { .. }
                | E::StepSkipped { .. }
                | E::Approved { .. }
                | E::WaitEnded { .. }
                | E::Reminded { .. }
                | E::Retried { .. },
                _,
            )
            | (
                E::SentForVisa { .. }
                | E::SentForSignature { .. }
                | E::SentToPrint { .. }
                | E::Registered { .. }
                | E::Attached { .. }
                | E::SkippedByHand { .. }
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
