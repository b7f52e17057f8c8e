//! How long a document has been waiting for people.

use super::{DocumentEvent, DocumentRefusal, Journey};
use crate::chain::StepId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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
    pub(super) fn after(before: Option<Self>, event: &DocumentEvent) -> Option<Self> {
        use DocumentEvent as E;
        match event {
            E::SentForVisa { at, .. }
            | E::SentForSignature { at, .. }
            | E::SentToPrint { at, .. } => Some(Self {
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
            E::Failed { .. } | E::Migrated { .. } => before,
            _ => None,
        }
    }
}

impl Journey {
    /// Only what waits for people is worth a reminder.
    pub(super) fn remind(
        &self,
        step: StepId,
        at: DateTime<Utc>,
    ) -> Result<Vec<DocumentEvent>, DocumentRefusal> {
        match self.wait {
            Some(wait) if wait.reminded_at == Some(at) => Ok(vec![]),
            Some(_) if !self.troubles.contains_key(&step) => {
                Ok(vec![DocumentEvent::Reminded { step, at }])
            }
            _ => self.no("rappeler que le document attend"),
        }
    }
}
