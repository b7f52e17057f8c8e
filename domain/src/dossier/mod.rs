//! A dossier: one request for a subsidy, from its deposit to its closing.
//!
//! ```text
//! deposited → complete → under instruction → scheduled → granted | refused | adjourned
//!                              ↑                ↑ ↑──────────────────────────────┘
//!                              │ reopen         │ schedule again
//!      granted | refused | adjourned | closed ──┘
//!      granted | refused → notified → closed
//! take over: (unborn) → granted, for a decision that was taken before Navette knew the dossier
//! ```

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{DossierCommand, DossierRefusal};

use crate::{
    amount::Amount,
    event::{aggregate, events},
    ids::{DocumentId, ThirdPartyId},
    siret::Siret,
};
use chrono::{DateTime, NaiveDate, Utc};
use decide::decide;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The authority that grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// Its name.
    pub name: String,
    /// Its number.
    pub siret: Option<Siret>,
}

/// One payment of the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What it is: "Acompte de 50 %".
    pub label: String,
    /// When, if a date is set.
    pub date: Option<NaiveDate>,
    /// How much.
    pub amount: Amount,
}

/// What is asked, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The number that people quote; unique.
    pub reference: String,
    /// Who asks.
    pub third_party: ThirdPartyId,
    /// Who grants.
    pub authority: Authority,
    /// What the money is for.
    pub purpose: String,
    /// How much is asked.
    pub amount: Amount,
    /// The kind of help: "aide en numéraire".
    pub nature: Option<String>,
    /// The scheme (dispositif) under which it is asked.
    pub scheme: Option<String>,
    /// The service that instructs it.
    pub service: Option<String>,
    /// The budget year.
    pub fiscal_year: Option<i32>,
    /// The terms of payment, in words.
    pub payment_terms: Option<String>,
    /// The schedule of payments.
    pub payments: Vec<Payment>,
    /// Whatever else its source says, by column name.
    pub custom: BTreeMap<String, String>,
}

/// What the assembly decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The reference of the act.
    pub reference: Option<String>,
    /// Its date.
    pub date: Option<NaiveDate>,
}

events! {
    /// What happens to a dossier.
    pub enum DossierEvent {
        /// It was deposited.
        Registered = "dossier.registered", 1 {
            /// What is asked.
            request: Request,
            /// When.
            at: DateTime<Utc>,
        }
        /// Its decision was taken before Navette knew it; it enters as granted.
        TakenOver = "dossier.taken_over", 1 {
            /// What was granted.
            amount: Amount,
            /// By which act.
            decision: Decision,
            /// When.
            at: DateTime<Utc>,
        }
        /// What is asked changed.
        Amended = "dossier.amended", 1 {
            /// What is asked now.
            request: Request,
            /// When.
            at: DateTime<Utc>,
        }
        /// All its papers are there.
        Completed = "dossier.completed", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// Somebody instructs it.
        TakenUp = "dossier.taken_up", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// A commission will look at it.
        Scheduled = "dossier.scheduled", 1 {
            /// The commission's date.
            commission: NaiveDate,
            /// When.
            at: DateTime<Utc>,
        }
        /// The subsidy is granted.
        Granted = "dossier.granted", 1 {
            /// How much.
            amount: Amount,
            /// By which act.
            decision: Decision,
            /// When.
            at: DateTime<Utc>,
        }
        /// The subsidy is refused.
        Refused = "dossier.refused", 1 {
            /// Why.
            reason: String,
            /// By which act.
            decision: Decision,
            /// When.
            at: DateTime<Utc>,
        }
        /// The commission wants to see it again.
        Adjourned = "dossier.adjourned", 1 {
            /// Why.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// The applicant was told.
        Notified = "dossier.notified", 1 {
            /// By which document.
            document: DocumentId,
            /// When.
            at: DateTime<Utc>,
        }
        /// Nothing more is to be done.
        Closed = "dossier.closed", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// It goes back to instruction.
        Reopened = "dossier.reopened", 1 {
            /// Why.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// What was decided, once it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Granted, for this amount.
    Granted {
        /// How much.
        amount: Amount,
        /// By which act.
        decision: Decision,
    },
    /// Refused.
    Refused {
        /// Why.
        reason: String,
        /// By which act.
        decision: Decision,
    },
}

/// Where a dossier stands, with what exists there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Deposited, papers unchecked.
    Deposited,
    /// All its papers are there.
    Complete,
    /// Somebody instructs it.
    UnderInstruction,
    /// A commission will look at it on this date.
    Scheduled(NaiveDate),
    /// Decided, not notified.
    Decided(Outcome),
    /// To be seen again, for this reason.
    Adjourned(String),
    /// The applicant was told.
    Notified(Outcome),
    /// Nothing more is to be done.
    Closed(Outcome),
}

/// The status that people filter on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the names are the statuses' own; `french::dossier_status` says them in French"
)]
pub enum DossierStatus {
    Deposited,
    Complete,
    UnderInstruction,
    Scheduled,
    Granted,
    Refused,
    Adjourned,
    Notified,
    Closed,
}

impl Stage {
    /// The status that people filter on.
    pub fn status(&self) -> DossierStatus {
        match self {
            Self::Deposited => DossierStatus::Deposited,
            Self::Complete => DossierStatus::Complete,
            Self::UnderInstruction => DossierStatus::UnderInstruction,
            Self::Scheduled(_) => DossierStatus::Scheduled,
            Self::Decided(Outcome::Granted { .. }) => DossierStatus::Granted,
            Self::Decided(Outcome::Refused { .. }) => DossierStatus::Refused,
            Self::Adjourned(_) => DossierStatus::Adjourned,
            Self::Notified(_) => DossierStatus::Notified,
            Self::Closed(_) => DossierStatus::Closed,
        }
    }

    /// What was decided, if anything is in force.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Decided(outcome) | Self::Notified(outcome) | Self::Closed(outcome) => {
                Some(outcome)
            }
            Self::Deposited
            | Self::Complete
            | Self::UnderInstruction
            | Self::Scheduled(_)
            | Self::Adjourned(_) => None,
        }
    }
}

/// The state of a dossier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Dossier {
    /// Nothing was deposited.
    #[default]
    Unborn,
    /// It exists.
    Open {
        /// What is asked.
        request: Box<Request>,
        /// Where it stands.
        stage: Stage,
    },
}

impl Dossier {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: DossierEvent) -> Self {
        let (request, stage) = match (self, event) {
            (Self::Unborn, DossierEvent::Registered { request, .. }) => {
                (Box::new(request), Stage::Deposited)
            }
            (Self::Open { stage, .. }, DossierEvent::Amended { request, .. }) => {
                (Box::new(request), stage)
            }
            (Self::Open { request, stage }, event) => (request, stage.evolve(event)),
            (Self::Unborn, _) => return Self::Unborn,
        };
        Self::Open { request, stage }
    }
}

impl Stage {
    fn evolve(self, event: DossierEvent) -> Self {
        match (self, event) {
            (
                _,
                DossierEvent::TakenOver {
                    amount, decision, ..
                }
                | DossierEvent::Granted {
                    amount, decision, ..
                },
            ) => Self::Decided(Outcome::Granted { amount, decision }),
            (
                _,
                DossierEvent::Refused {
                    reason, decision, ..
                },
            ) => Self::Decided(Outcome::Refused { reason, decision }),
            (_, DossierEvent::Completed { .. }) => Self::Complete,
            (_, DossierEvent::TakenUp { .. } | DossierEvent::Reopened { .. }) => {
                Self::UnderInstruction
            }
            (_, DossierEvent::Scheduled { commission, .. }) => Self::Scheduled(commission),
            (_, DossierEvent::Adjourned { reason, .. }) => Self::Adjourned(reason),
            (Self::Decided(outcome), DossierEvent::Notified { .. }) => Self::Notified(outcome),
            (Self::Notified(outcome), DossierEvent::Closed { .. }) => Self::Closed(outcome),
            (
                stage,
                DossierEvent::Registered { .. }
                | DossierEvent::Amended { .. }
                | DossierEvent::Notified { .. }
                | DossierEvent::Closed { .. },
            ) => stage,
        }
    }
}

aggregate!(
    Dossier,
    "dossier",
    DossierCommand,
    DossierEvent,
    DossierRefusal
);
