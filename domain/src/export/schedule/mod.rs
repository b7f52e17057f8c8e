//! An export that is made again and again: what, when, and where its file goes. It runs as whoever saved it, with
//! the rights that they have then.
//!
//! ```text
//! (unborn) --save--> saved --save--> saved … --remove--> removed
//! saved, due     --start--> under way --deliver--> saved
//!                           under way --fail--> under way, tried again later … --> saved, given up
//!                --give up--> saved
//! ```
//!
//! A due time is used once, and only the last one that has passed: what was missed while nobody worked is made
//! once. The next one waits until the run under way has ended.

mod calendar;
mod decide;
#[cfg(test)]
mod tests;

pub use calendar::{Calendar, CalendarFault, Days, Weekday};
pub use decide::{ExportScheduleCommand, ExportScheduleRefusal};

use super::{Choice, Format};
use crate::{
    event::{aggregate, events},
    ids::{ExportId, ExportModelId, SelectionId},
    personal::Personal,
    third_party::EmailAddress,
};
use chrono::{DateTime, Utc};
use decide::decide;
use serde::{Deserialize, Serialize};

/// The most addresses of one schedule: more go behind one of a list. Each is a personal value of the event that
/// is marked at its place.
pub const MOST_ADDRESSES: usize = 5;

/// Where the file of each run goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// A folder that the configuration names so.
    Folder(String),
    /// A WebDAV collection that the configuration names so.
    Webdav(String),
    /// These addresses; what remains of one that was erased is nothing.
    Email(Vec<Option<Personal<EmailAddress>>>),
}

/// What a schedule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// What people call it: its files bear this name.
    pub name: String,
    /// The model whose format and columns are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ExportModelId>,
    /// The form of the bytes, unless the model says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The columns, unless the model says them; none for the usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Choice>>,
    /// The selection whose dossiers are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<SelectionId>,
    /// Which dossiers, as GraphQL writes a filter; all when neither this nor a selection is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<serde_json::Value>,
    /// When.
    pub calendar: Calendar,
    /// Where its files go.
    pub destination: Destination,
    /// As whom it runs, as in `Metadata::actor`.
    pub owner: String,
}

events! {
    /// What happens to a schedule of exports.
    pub enum ExportScheduleEvent {
        /// It was kept, or changed.
        Saved = "export_schedule.saved", 1 {
            /// What it says.
            schedule: Box<Schedule>,
            /// When it is due next.
            next: DateTime<Utc>,
            /// When.
            at: DateTime<Utc>,
        }
        /// It was removed: nothing of it is made or delivered any more.
        Removed = "export_schedule.removed", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// It was due, and its export was asked for.
        Started = "export_schedule.started", 1 {
            /// When it was due.
            due: DateTime<Utc>,
            /// The export.
            export: ExportId,
            /// When it is due next.
            next: DateTime<Utc>,
            /// When.
            at: DateTime<Utc>,
        }
        /// The file could not be delivered, for now.
        DeliveryFailed = "export_schedule.delivery_failed", 1 {
            /// Why, for its owner.
            reason: String,
            /// Which of its addresses have it, by their places.
            reached: Vec<u32>,
            /// When it is tried again.
            retry: DateTime<Utc>,
            /// When.
            at: DateTime<Utc>,
        }
        /// The file is where it was to go.
        Delivered = "export_schedule.delivered", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// Nothing is delivered for this due time.
        GivenUp = "export_schedule.given_up", 1 {
            /// When it was due.
            due: DateTime<Utc>,
            /// Why, for its owner.
            reason: String,
            /// When it is due next.
            next: DateTime<Utc>,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// One time that a schedule is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When it was due.
    pub due: DateTime<Utc>,
    /// Its export.
    pub export: ExportId,
    /// What the schedule said then.
    pub schedule: Schedule,
    /// How often its delivery failed.
    pub failures: u32,
    /// When its delivery is tried again.
    pub retry: Option<DateTime<Utc>>,
    /// Which of its addresses have the file, by their places.
    pub reached: Vec<u32>,
}

/// The state of a schedule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportSchedule {
    /// Nothing was kept.
    #[default]
    Unborn,
    /// It is carried out when it is due.
    Saved {
        /// What it says.
        schedule: Box<Schedule>,
        /// When it is due next.
        next: DateTime<Utc>,
        /// The run under way.
        run: Option<Box<Run>>,
    },
    /// It is not carried out any more.
    Removed(Box<Schedule>),
}

impl ExportSchedule {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: ExportScheduleEvent) -> Self {
        use ExportScheduleEvent as E;
        match (self, event) {
            (Self::Saved { run, .. }, E::Saved { schedule, next, .. }) => Self::Saved {
                schedule,
                next,
                run,
            },
            (Self::Saved { schedule, .. }, E::Removed { .. }) => Self::Removed(schedule),
            (
                Self::Saved { schedule, .. },
                E::Started {
                    due, export, next, ..
                },
            ) => {
                let run = Run {
                    due,
                    export,
                    schedule: (*schedule).clone(),
                    failures: 0,
                    retry: None,
                    reached: vec![],
                };
                Self::Saved {
                    schedule,
                    next,
                    run: Some(Box::new(run)),
                }
            }
            (
                Self::Saved {
                    schedule,
                    next,
                    run: Some(mut run),
                },
                E::DeliveryFailed { reached, retry, .. },
            ) => {
                run.failures += 1;
                run.retry = Some(retry);
                run.reached.extend(reached);
                Self::Saved {
                    schedule,
                    next,
                    run: Some(run),
                }
            }
            (Self::Unborn, E::Saved { schedule, next, .. })
            | (Self::Saved { schedule, next, .. }, E::Delivered { .. })
            | (Self::Saved { schedule, .. }, E::GivenUp { next, .. }) => Self::Saved {
                schedule,
                next,
                run: None,
            },
            (state, _) => state,
        }
    }

    /// The due time for which it is to be started at `now`, if there is one: the last that has passed.
    pub fn due(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Saved {
                schedule,
                next,
                run: None,
            } if *next <= now => schedule.calendar.last_until(now).filter(|due| due >= next),
            _ => None,
        }
    }

    /// The run under way.
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::Saved { run, .. } => run.as_deref(),
            Self::Unborn | Self::Removed(_) => None,
        }
    }

    /// What it says, or said before it was removed.
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::Saved { schedule, .. } | Self::Removed(schedule) => Some(schedule),
            Self::Unborn => None,
        }
    }
}

impl Destination {
    /// What a clerk reads, without the addresses.
    fn sentence(&self) -> String {
        match self {
            Self::Folder(name) => format!("dans le dossier « {name} »"),
            Self::Webdav(name) => format!("dans la collection WebDAV « {name} »"),
            Self::Email(addresses) => match addresses.len() {
                1 => "à une adresse électronique".to_owned(),
                number => format!("à {number} adresses électroniques"),
            },
        }
    }
}

impl ExportScheduleEvent {
    /// What a clerk reads of it in a history.
    pub fn sentence(&self) -> String {
        match self {
            Self::Saved { schedule, .. } => format!(
                "Export programmé « {} » enregistré : {}, {}",
                schedule.name,
                schedule.calendar.sentence(),
                schedule.destination.sentence()
            ),
            Self::Removed { .. } => "Export programmé supprimé".into(),
            Self::Started { due, .. } => {
                format!("Export programmé lancé, pour l'échéance du {}", told(*due))
            }
            Self::DeliveryFailed { reason, retry, .. } => format!(
                "Remise de l'export programmé échouée, nouvel essai le {} : {reason}",
                told(*retry)
            ),
            Self::Delivered { .. } => "Export programmé remis".into(),
            Self::GivenUp { due, reason, .. } => format!(
                "Export programmé abandonné, pour l'échéance du {} : {reason}",
                told(*due)
            ),
        }
    }
}

/// A moment as clocks in France show it.
fn told(at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&chrono_tz::Europe::Paris);
    local.format("%d/%m/%Y à %H:%M").to_string()
}

aggregate!(
    ExportSchedule,
    "export_schedule",
    ExportScheduleCommand,
    ExportScheduleEvent,
    ExportScheduleRefusal
);
