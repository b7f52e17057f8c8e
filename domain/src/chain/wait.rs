//! How long a step waits for people before somebody is told, and before it stops.

use super::Step;
use crate::document::Journey;
use chrono::{DateTime, TimeDelta, Utc};
use std::num::NonZeroU16;

/// What a wait calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Patience, until this moment if there is one.
    Nothing(Option<DateTime<Utc>>),
    /// A word to whoever asked for the document.
    Reminder,
    /// A person: it has waited for so many days.
    Stop(NonZeroU16),
}

/// What the wait of a document at `step` calls for. A reminder comes so many days after the one before, however
/// long nobody looked: there is never more than one at a time.
pub fn due(step: &Step, journey: &Journey, now: DateTime<Utc>) -> Due {
    let Some(wait) = journey.wait else {
        return Due::Nothing(None);
    };
    let after = |from: DateTime<Utc>, days: NonZeroU16| from + TimeDelta::days(days.get().into());
    let stop = step.expire_days.map(|days| (after(wait.since, days), days));
    let reminded = wait.reminded_at.unwrap_or(wait.since);
    let reminder = step.remind_days.map(|days| after(reminded, days));
    match (stop, reminder) {
        (Some((at, days)), _) if at <= now => Due::Stop(days),
        (_, Some(at)) if at <= now => Due::Reminder,
        (stop, reminder) => Due::Nothing(stop.map(|(at, _)| at).into_iter().chain(reminder).min()),
    }
}
