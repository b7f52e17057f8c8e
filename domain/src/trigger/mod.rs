//! A trigger: what starts a chain without anybody pressing a button. It acts as whoever saved it last, with the
//! rights that they have then.
//!
//! ```text
//! (unborn) --save--> saved --save--> saved … --remove--> removed
//!                    saved --fire--> saved: what it fired for is behind it
//!                    saved ⇄ suspended  (suspend, resume; saving changes nothing of it)
//! ```
//!
//! What happens is found in the log, and gathered: one firing answers to all that happened after the one before,
//! up to a place in the log, and names both places, so that nothing is answered twice and nothing is passed over. A
//! calendar is due as an export's: the last of the times that were missed, once. What happens while a trigger is
//! suspended is not made up for; what had happened before waits.
//!
//! Only the end of a chain can lead back to itself ([`circle`]): no dossier reaches a status by itself twice
//! without a person, since a chain only ever notifies, and once.

mod circle;
mod decide;
#[cfg(test)]
mod tests;

pub use circle::{Link, circle};
pub use decide::{By, TriggerCommand, TriggerRefusal};

use crate::{
    document::DocumentStatus,
    dossier::DossierStatus,
    event::{aggregate, events},
    export::schedule::Calendar,
    french,
    ids::{BatchId, DossierId, SelectionId, TriggerId},
};
use chrono::{DateTime, Utc};
use decide::decide;
use serde::{Deserialize, Serialize};

/// How a document can end in a chain, or be sent back by somebody.
pub const ENDINGS: [DocumentStatus; 4] = [
    DocumentStatus::Delivered,
    DocumentStatus::VisaRefused,
    DocumentStatus::SignatureRefused,
    DocumentStatus::Cancelled,
];

/// When a trigger fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A dossier reaches a status: it is started.
    Status {
        /// Which.
        status: DossierStatus,
    },
    /// A document ends in another chain: its dossier is started, or all those of its batch.
    Chain {
        /// The code of that chain, whatever its version.
        chain: String,
        /// One of [`ENDINGS`].
        ending: DocumentStatus,
    },
    /// At times: all the dossiers that it chooses are started.
    Calendar(Calendar),
}

/// What a trigger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What people call it: its batches bear this name.
    pub name: String,
    /// The code of the chain that it starts, on its latest version.
    pub chain: String,
    /// When.
    pub occasion: Occasion,
    /// The selection whose dossiers are started, and no others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionId>,
    /// The filter that dossiers must pass, as GraphQL writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<serde_json::Value>,
    /// As whom it acts, as in `Metadata::actor`.
    pub owner: String,
}

/// What a batch and its documents keep of the trigger that started them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerRef {
    /// Which.
    pub trigger: TriggerId,
    /// What people called it then.
    pub name: String,
}

/// What one firing answers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occurrence {
    /// All that happened after a place in the log, up to another.
    Events {
        /// Where the firing before it ended.
        after: i64,
        /// The place of the last that is answered to.
        through: i64,
    },
    /// A time of the calendar.
    Due(DateTime<Utc>),
}

impl Occurrence {
    /// The batch that a trigger starts for it.
    pub fn batch(self, trigger: TriggerId) -> BatchId {
        match self {
            Self::Events { through, .. } => BatchId::of_events(trigger, through),
            Self::Due(due) => BatchId::of_time(trigger, due),
        }
    }
}

/// A dossier that was not started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub dossier: DossierId,
    /// Why, in French.
    pub reason: String,
}

/// What came of one firing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firing {
    /// What it answers to.
    pub occurrence: Occurrence,
    /// The batch, if any dossier was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
    /// How many dossiers were started.
    pub started: u32,
    /// Those that the chain did not take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// How many the trigger does not choose, or its owner does not see.
    #[serde(default)]
    pub not_chosen: u32,
}

events! {
    /// What happens to a trigger.
    pub enum TriggerEvent {
        /// It was saved, for the first time or anew.
        Saved = "trigger.saved", 1 {
            /// What it says.
            rule: Box<Rule>,
            /// When its calendar is due next.
            next: Option<DateTime<Utc>>,
            /// When.
            at: DateTime<Utc>,
        }
        /// It fires no longer, until it is resumed.
        Suspended = "trigger.suspended", 1 {
            /// Why.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
        /// It fires again.
        Resumed = "trigger.resumed", 1 {
            /// When its calendar is due next.
            next: Option<DateTime<Utc>>,
            /// When.
            at: DateTime<Utc>,
        }
        /// It fired.
        Fired = "trigger.fired", 1 {
            /// What came of it.
            firing: Box<Firing>,
            /// When its calendar is due next.
            next: Option<DateTime<Utc>>,
            /// When.
            at: DateTime<Utc>,
        }
        /// It was removed. What it started goes on.
        Removed = "trigger.removed", 1 {
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of a trigger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trigger {
    /// Nothing was saved.
    #[default]
    Unborn,
    /// It fires, unless it is suspended.
    Saved {
        /// What it says.
        rule: Box<Rule>,
        /// When its calendar is due next.
        next: Option<DateTime<Utc>>,
        /// Up to which place in the log it has answered.
        through: i64,
        /// Since when it is suspended.
        suspended: Option<DateTime<Utc>>,
    },
    /// It does not fire any more.
    Removed(Box<Rule>),
}

impl Trigger {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(mut self, event: TriggerEvent) -> Self {
        use TriggerEvent as E;
        match (&mut self, event) {
            (Self::Unborn, E::Saved { rule, next, .. }) => {
                return Self::Saved {
                    rule,
                    next,
                    through: 0,
                    suspended: None,
                };
            }
            (
                Self::Saved { rule, next, .. },
                E::Saved {
                    rule: new,
                    next: due,
                    ..
                },
            ) => (*rule, *next) = (new, due),
            (Self::Saved { suspended, .. }, E::Suspended { at, .. }) => *suspended = Some(at),
            (
                Self::Saved {
                    next, suspended, ..
                },
                E::Resumed { next: due, .. },
            ) => (*next, *suspended) = (due, None),
            (
                Self::Saved { next, through, .. },
                E::Fired {
                    firing, next: due, ..
                },
            ) => {
                *next = due;
                if let Occurrence::Events { through: new, .. } = firing.occurrence {
                    *through = new;
                }
            }
            (Self::Saved { rule, .. }, E::Removed { .. }) => return Self::Removed(rule.clone()),
            _ => {}
        }
        self
    }

    /// The time of its calendar for which it is to fire at `now`, if there is one: the last that has passed.
    pub fn due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Saved {
                rule,
                next: Some(next),
                suspended: None,
                ..
            } if *next <= now => match &rule.occasion {
                Occasion::Calendar(calendar) => calendar.last_until(now).filter(|due| due >= next),
                Occasion::Status { .. } | Occasion::Chain { .. } => None,
            },
            _ => None,
        }
    }
}

impl Rule {
    /// The chain whose end starts another, if it does that.
    pub fn link(&self) -> Option<Link> {
        match &self.occasion {
            Occasion::Chain { chain, .. } => Some(Link {
                trigger: self.name.clone(),
                after: chain.clone(),
                starts: self.chain.clone(),
            }),
            Occasion::Status { .. } | Occasion::Calendar(_) => None,
        }
    }
}

impl Occasion {
    /// What a clerk reads: `quand un dossier devient « accordé »`.
    pub fn sentence(&self) -> String {
        match self {
            Self::Status { status } => format!(
                "quand un dossier devient « {} »",
                french::dossier_status(*status)
            ),
            Self::Chain { chain, ending } => format!(
                "quand un document de la chaîne « {chain} » devient « {} »",
                french::document_status(*ending)
            ),
            Self::Calendar(calendar) => calendar.sentence(),
        }
    }
}

impl TriggerRef {
    /// What a sentence says of who started something: ` par le déclencheur « … »`.
    pub fn told(by: Option<&Self>) -> String {
        by.map_or_else(String::new, |by| {
            format!(" par le déclencheur « {} »", by.name)
        })
    }
}

impl TriggerEvent {
    /// What a clerk reads of it in a history.
    pub fn sentence(&self) -> String {
        match self {
            Self::Saved { rule, .. } => format!(
                "Déclencheur « {} » de la chaîne « {} » enregistré : {}",
                rule.name,
                rule.chain,
                rule.occasion.sentence()
            ),
            Self::Suspended { reason, .. } => format!("Déclencheur suspendu : {reason}"),
            Self::Resumed { .. } => "Déclencheur repris".into(),
            Self::Fired { firing, .. } => {
                let left_out = firing.left_out.len();
                format!(
                    "Déclencheur exécuté : dossiers lancés, {} ; écartés par la chaîne, {left_out} ; hors de la \
                     sélection, {}",
                    firing.started, firing.not_chosen
                )
            }
            Self::Removed { .. } => "Déclencheur supprimé".into(),
        }
    }
}

aggregate!(
    Trigger,
    "trigger",
    TriggerCommand,
    TriggerEvent,
    TriggerRefusal
);
