//! What may happen to a schedule of exports.

use super::{
    CalendarFault, Destination, ExportSchedule, ExportScheduleEvent, MOST_ADDRESSES, Run, Schedule,
};
use crate::{
    export::{ColumnFault, columns},
    ids::ExportId,
};
use chrono::{DateTime, TimeDelta, Utc};

/// After so many failures, the delivery of a run is given up: some thirteen hours after the first.
const MOST_FAILURES: u32 = 10;
/// The longest pause between two tries of a delivery.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(6);

/// What one may ask of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportScheduleCommand {
    /// Keep it.
    Save {
        /// What it says.
        schedule: Box<Schedule>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Remove it.
    Remove {
        /// Who asks, as in `Metadata::actor`.
        by: String,
        /// Whether they look after what others keep.
        administers: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// Say that its export was asked for.
    Start {
        /// The time for which it was due.
        due: DateTime<Utc>,
        /// The export.
        export: ExportId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Say that the file is where it was to go.
    Deliver {
        /// The export.
        export: ExportId,
        /// When.
        at: DateTime<Utc>,
    },
    /// Say that the file could not be delivered.
    FailDelivery {
        /// The export.
        export: ExportId,
        /// Why, for its owner.
        reason: String,
        /// Which of its addresses have it now, by their places.
        reached: Vec<u32>,
        /// Whether trying again cannot help.
        for_good: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// Say that nothing will be delivered for this due time.
    GiveUp {
        /// The time for which it was due.
        due: DateTime<Utc>,
        /// Why, for its owner.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a schedule says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportScheduleRefusal {
    /// It does not exist, or is somebody else's: nobody can tell which.
    #[error("Cet export programmé n'existe pas, ou n'est pas à vous.")]
    NotYours,
    /// It has no name.
    #[error("Le nom (`name`) d'un export programmé a de 1 à 200 caractères.")]
    BadName,
    /// Nothing says its format.
    #[error("Indiquez le format de l'export (`format`), ou un modèle (`model`).")]
    NoFormat,
    /// Its columns cannot be.
    #[error(transparent)]
    Columns(#[from] ColumnFault),
    /// Its calendar cannot be.
    #[error(transparent)]
    Calendar(#[from] CalendarFault),
    /// No address, or too many.
    #[error(
        "Indiquez de 1 à {MOST_ADDRESSES} adresses électroniques (`email`) : au-delà, passez par une liste de diffusion."
    )]
    Addresses,
}

fn check(schedule: &Schedule) -> Result<(), ExportScheduleRefusal> {
    if !(1..=200).contains(&schedule.name.trim().chars().count()) {
        return Err(ExportScheduleRefusal::BadName);
    }
    match (schedule.format, &schedule.columns) {
        (None, _) if schedule.model.is_none() => return Err(ExportScheduleRefusal::NoFormat),
        (Some(format), Some(chosen)) => _ = columns::headings(format, chosen)?,
        // What the model says is looked at when it runs.
        _ => {}
    }
    schedule.calendar.check()?;
    match &schedule.destination {
        Destination::Email(addresses) if !(1..=MOST_ADDRESSES).contains(&addresses.len()) => {
            Err(ExportScheduleRefusal::Addresses)
        }
        _ => Ok(()),
    }
}

/// When a calendar is due next. Every calendar that was checked has a next time.
fn next(schedule: &Schedule, now: DateTime<Utc>) -> DateTime<Utc> {
    let next = schedule.calendar.next_after(now);
    next.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The pause after so many failures: a minute, then twice as long each time.
fn pause(failures: u32) -> TimeDelta {
    TimeDelta::minutes(1 << failures.min(20)).min(LONGEST_PAUSE)
}

#[expect(
    clippy::too_many_lines,
    reason = "one match on state and command, so that none is forgotten"
)]
pub(super) fn decide(
    state: &ExportSchedule,
    command: ExportScheduleCommand,
) -> Result<Vec<ExportScheduleEvent>, ExportScheduleRefusal> {
    use ExportSchedule as S;
    use ExportScheduleCommand as C;
    use ExportScheduleEvent as E;
    match (state, command) {
        (
            S::Saved {
                schedule: known, ..
            },
            C::Save { schedule, .. },
        ) if known.owner != schedule.owner => Err(ExportScheduleRefusal::NotYours),
        (
            S::Saved {
                schedule: known, ..
            },
            C::Save { schedule, .. },
        ) if *known == schedule => Ok(vec![]),
        (S::Unborn, C::Save { schedule, at }) => {
            check(&schedule)?;
            let next = next(&schedule, at);
            Ok(vec![E::Saved { schedule, next, at }])
        }
        (
            S::Saved {
                schedule: known,
                next: due,
                ..
            },
            C::Save { schedule, at },
        ) => {
            check(&schedule)?;
            // What is due already stays due, unless it would be due at other times.
            let next = if known.calendar == schedule.calendar {
                *due
            } else {
                next(&schedule, at)
            };
            Ok(vec![E::Saved { schedule, next, at }])
        }
        (
            S::Saved { schedule, .. },
            C::Remove {
                by,
                administers,
                at,
            },
        ) if administers || schedule.owner == by => Ok(vec![E::Removed { at }]),
        (
            S::Removed(schedule),
            C::Remove {
                by, administers, ..
            },
        ) if administers || schedule.owner == by => Ok(vec![]),
        (S::Unborn | S::Saved { .. } | S::Removed(_), C::Remove { .. })
        | (S::Removed(_), C::Save { .. }) => Err(ExportScheduleRefusal::NotYours),

        (S::Saved { schedule, .. }, C::Start { due, export, at }) if state.due(at) == Some(due) => {
            let next = next(schedule, due);
            Ok(vec![E::Started {
                due,
                export,
                next,
                at,
            }])
        }
        (S::Saved { schedule, .. }, C::GiveUp { due, reason, at })
            if state.due(at) == Some(due) =>
        {
            let next = next(schedule, due);
            Ok(vec![E::GivenUp {
                due,
                reason,
                next,
                at,
            }])
        }
        (
            S::Saved {
                next,
                run: Some(run),
                ..
            },
            C::GiveUp { due, reason, at },
        ) if run.due == due => Ok(vec![given_up(run, reason, *next, at)]),
        (S::Saved { run: Some(run), .. }, C::Deliver { export, at }) if run.export == export => {
            Ok(vec![E::Delivered { at }])
        }
        (
            S::Saved {
                next,
                run: Some(run),
                ..
            },
            C::FailDelivery {
                export,
                reason,
                reached,
                for_good,
                at,
            },
        ) if run.export == export => {
            let over = for_good || run.failures + 1 >= MOST_FAILURES;
            Ok(vec![if over {
                given_up(run, reason, *next, at)
            } else {
                E::DeliveryFailed {
                    reason,
                    reached,
                    retry: at + pause(run.failures),
                    at,
                }
            }])
        }
        // Somebody else was faster, or it was removed meanwhile.
        (
            S::Unborn | S::Saved { .. } | S::Removed(_),
            C::Start { .. } | C::GiveUp { .. } | C::Deliver { .. } | C::FailDelivery { .. },
        ) => Ok(vec![]),
    }
}

fn given_up(
    run: &Run,
    reason: String,
    next: DateTime<Utc>,
    at: DateTime<Utc>,
) -> ExportScheduleEvent {
    ExportScheduleEvent::GivenUp {
        due: run.due,
        reason,
        next,
        at,
    }
}
