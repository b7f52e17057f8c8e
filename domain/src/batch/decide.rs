//! What may happen to a batch.

use super::{Batch, BatchEvent, Order};
use chrono::{DateTime, Utc};

/// What one may ask of a batch.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field means what it means in the event of the same name"
)]
pub enum BatchCommand {
    /// Start it.
    Start { order: Order, at: DateTime<Utc> },
    /// Make its chains wait.
    Pause { at: DateTime<Utc> },
    /// Let its chains go on.
    Resume { at: DateTime<Utc> },
    /// Give it up.
    Cancel { reason: String, at: DateTime<Utc> },
    /// Say that all its documents reached their end.
    Complete { at: DateTime<Utc> },
}

/// Why a batch says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchRefusal {
    /// It does not exist.
    #[error("Ce lot n'existe pas.")]
    NotStarted,
    /// It exists with another order.
    #[error("Un autre lot porte déjà cet identifiant.")]
    AlreadyStarted,
    /// It has no dossier.
    #[error("La sélection ne contient aucun dossier que cette chaîne accepte.")]
    Empty,
    /// It is over.
    #[error("Ce lot est terminé.")]
    Over,
}

pub(super) fn decide(
    state: &Batch,
    command: BatchCommand,
) -> Result<Vec<BatchEvent>, BatchRefusal> {
    use Batch as S;
    use BatchCommand as C;
    match (state, command) {
        (S::Unborn, C::Start { order, .. }) if order.dossiers.is_empty() => {
            Err(BatchRefusal::Empty)
        }
        (S::Unborn, C::Start { order, at }) => Ok(vec![BatchEvent::Started { order, at }]),
        (
            S::Running(known) | S::Paused(known) | S::Completed(known) | S::Cancelled(known),
            C::Start { order, .. },
        ) => {
            if **known == order {
                Ok(vec![])
            } else {
                Err(BatchRefusal::AlreadyStarted)
            }
        }
        (S::Unborn, C::Pause { .. } | C::Resume { .. } | C::Cancel { .. } | C::Complete { .. }) => {
            Err(BatchRefusal::NotStarted)
        }

        (S::Running(_), C::Pause { at }) => Ok(vec![BatchEvent::Paused { at }]),
        (S::Paused(_), C::Resume { at }) => Ok(vec![BatchEvent::Resumed { at }]),
        (S::Paused(_), C::Pause { .. })
        | (S::Running(_), C::Resume { .. })
        | (S::Cancelled(_), C::Cancel { .. })
        | (S::Completed(_), C::Complete { .. }) => Ok(vec![]),
        (S::Running(_) | S::Paused(_), C::Cancel { reason, at }) => {
            Ok(vec![BatchEvent::Cancelled { reason, at }])
        }
        (S::Running(_) | S::Paused(_), C::Complete { at }) => {
            Ok(vec![BatchEvent::Completed { at }])
        }

        (S::Completed(_), C::Cancel { .. } | C::Pause { .. } | C::Resume { .. })
        | (S::Cancelled(_), C::Complete { .. } | C::Pause { .. } | C::Resume { .. }) => {
            Err(BatchRefusal::Over)
        }
    }
}
