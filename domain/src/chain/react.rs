//! What follows from an event: a pure function of the definition's version, the document and the event.

use super::{Action, Definition, Effect, StepId, Work};
use crate::{
    document::{DocumentEvent, Journey, Stage},
    ids::{DocumentId, EffectId, SignatureId},
};

/// What follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// Outside work begins.
    Begin(Effect),
    /// The outside work on this document's way that has not begun is dropped; what cleans up stays.
    DropPending,
    /// The chain is over: the document is delivered.
    Deliver,
}

/// What follows from `event`, which led the document from `before` to `after`.
pub fn react(
    definition: &Definition,
    id: DocumentId,
    before: Option<&Journey>,
    after: &Journey,
    event: &DocumentEvent,
) -> Vec<Reaction> {
    use DocumentEvent as E;
    let begin = |step: &StepId, work: Work, doubtful: bool| {
        Reaction::Begin(effect(id, after, step, work, doubtful))
    };
    match event {
        E::Restarted { .. } => {
            let mut reactions: Vec<_> = undo(definition, id, before).into_iter().collect();
            reactions.extend(next(definition, id, after, false));
            reactions
        }
        E::Skipped { .. } => {
            // What a person did elsewhere must not stay before those who were asked for it.
            let mut reactions: Vec<_> = undo(definition, id, before).into_iter().collect();
            reactions.extend(next(definition, id, after, false));
            reactions
        }
        E::Retried { .. } => next(definition, id, after, true),
        E::Requested { .. }
        | E::Merged { .. }
        | E::Converted { .. }
        | E::Visaed { .. }
        | E::Registered { .. }
        | E::Attached { .. }
        | E::Reported { .. }
        | E::Emailed { .. }
        | E::Published { .. } => next(definition, id, after, false),
        E::SentForVisa {
            step, circulation, ..
        } => vec![begin(
            step,
            Work::WatchVisa {
                circulation: circulation.clone(),
            },
            false,
        )],
        E::SentForSignature {
            step, signature, ..
        } => vec![begin(
            step,
            Work::WatchSignature {
                signature: *signature,
            },
            false,
        )],
        E::Signed {
            step, signature, ..
        } => {
            let mut reactions = vec![begin(
                step,
                Work::ArchiveSignature {
                    signature: *signature,
                },
                false,
            )];
            reactions.extend(next(definition, id, after, false));
            reactions
        }
        E::SignatureRefused {
            step, signature, ..
        } => vec![begin(
            step,
            Work::ArchiveSignature {
                signature: *signature,
            },
            false,
        )],
        E::Cancelled { .. } => {
            let mut reactions = vec![Reaction::DropPending];
            reactions.extend(undo(definition, id, before));
            reactions
        }
        E::Reminded { step, .. } => {
            let number = after.wait.map_or(0, |wait| wait.reminders);
            let reminder = Effect {
                id: EffectId::of(id, &step.0, &format!("remind {number}"), after.round),
                ..effect(id, after, step, Work::Remind, false)
            };
            let mut reactions = vec![Reaction::Begin(reminder)];
            reactions.extend(next(definition, id, after, false));
            reactions
        }
        E::VisaRefused { .. } | E::Delivered { .. } | E::Failed { .. } => vec![],
    }
}

fn effect(id: DocumentId, journey: &Journey, step: &StepId, work: Work, doubtful: bool) -> Effect {
    Effect {
        id: EffectId::of(id, &step.0, work.kind(), journey.round),
        document: id,
        batch: journey.order.batch,
        step: step.clone(),
        work,
        doubtful,
    }
}

/// Whether this work, begun earlier, is still what moves the document on. A document may have been given up,
/// or have started over, while its work waited to be tried again.
pub fn is_due(definition: &Definition, journey: &Journey, effect: &Effect) -> bool {
    let is_over = matches!(
        journey.stage,
        Stage::Delivered { .. }
            | Stage::Cancelled { .. }
            | Stage::VisaRefused { .. }
            | Stage::SignatureRefused { .. }
    );
    !is_over
        && next(definition, effect.document, journey, false)
            .iter()
            .any(|reaction| matches!(reaction, Reaction::Begin(next) if next.id == effect.id))
}

/// The work that moves the document on from where it stands.
fn next(
    definition: &Definition,
    id: DocumentId,
    journey: &Journey,
    doubtful: bool,
) -> Vec<Reaction> {
    let Some(step) = definition.after(&journey.done) else {
        return vec![Reaction::Deliver];
    };
    let work = match (&step.action, &journey.stage) {
        (Action::Merge, _) => Work::Merge,
        (Action::Convert, _) => Work::Convert,
        (Action::Visa { .. }, Stage::InVisa { circulation, .. }) => Work::WatchVisa {
            circulation: circulation.clone(),
        },
        (Action::Visa { .. }, _) => Work::Circulate,
        (Action::Sign { .. }, Stage::InSignature { signature, .. }) => Work::WatchSignature {
            signature: *signature,
        },
        (Action::Sign { .. }, _) => Work::Submit {
            signature: SignatureId::of(id, &step.id.0, journey.round),
        },
        (Action::Register, _) => Work::Register,
        (Action::Attach, _) => Work::Attach,
        (Action::Notify, _) => Work::Notify,
        (Action::Email { .. }, _) => Work::Email,
        (Action::Publish, _) => Work::Publish,
    };
    vec![Reaction::Begin(effect(
        id, journey, &step.id, work, doubtful,
    ))]
}

/// A document that is cancelled or starts over leaves nothing behind at the neighbours that let us take it
/// back. The work belongs to the round that is left.
fn undo(definition: &Definition, id: DocumentId, before: Option<&Journey>) -> Option<Reaction> {
    let before = before?;
    let step = definition.after(&before.done)?;
    let work = match (&before.stage, &step.action) {
        (Stage::InVisa { circulation, .. }, _) => Work::WithdrawVisa {
            circulation: circulation.clone(),
        },
        (Stage::InSignature { signature, .. }, _) => Work::WithdrawSignature {
            signature: *signature,
        },
        // These may have been sent without their answer being heard.
        (Stage::Converted { .. }, Action::Visa { .. }) => Work::RecallVisa {
            round: before.round,
        },
        (Stage::Converted { .. } | Stage::Visaed { .. }, Action::Sign { .. }) => {
            Work::WithdrawSignature {
                signature: SignatureId::of(id, &step.id.0, before.round),
            }
        }
        // A refused folder is cleared from the desk since its refusal; nothing else can be taken back.
        _ => return None,
    };
    Some(Reaction::Begin(effect(id, before, &step.id, work, true)))
}
