//! What follows from an event: a pure function of the definition's version, the document and the event.

use super::{Action, Definition, Effect, Step, StepId, Work};
use crate::{
    document::{Awaited, DocumentCommand, DocumentEvent, DocumentRefusal, Journey, Stage},
    ids::{DocumentId, EffectId, SignatureId},
};

/// What follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// Outside work begins.
    Begin(Effect),
    /// The outside work on this document's way that has not begun is dropped; what cleans up stays.
    DropPending,
    /// The document waits for somebody to approve it, at this step.
    AskApproval(StepId),
    /// The document waits on paper for its signature, at this step.
    SendToPrint(StepId),
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
    let archive = |step: &StepId, signature: SignatureId| {
        begin(step, Work::ArchiveSignature { signature }, false)
    };
    match event {
        E::Restarted { .. } => [
            off_paper(before),
            undo(definition, id, before),
            next(definition, id, None, after),
        ]
        .concat(),
        // What a person did elsewhere must not stay before those who were asked for it.
        E::SkippedByHand { .. } => [
            off_paper(before),
            undo(definition, id, before),
            next(definition, id, before, after),
        ]
        .concat(),
        E::ScanReturned { .. } => [off_paper(before), next(definition, id, before, after)].concat(),
        E::Migrated { begins, .. } => {
            let begins = begins.iter().filter_map(|step| definition.step(step));
            begins
                .filter_map(|step| beginning(id, after, step, false))
                .collect()
        }
        E::Retried { .. } => {
            let stopped =
                |step: &&Step| before.is_none_or(|before| before.troubles.contains_key(&step.id));
            let ready = definition.ready(&after.done).into_iter().filter(stopped);
            ready
                .filter_map(|step| beginning(id, after, step, true))
                .collect()
        }
        E::StepTaken { step, .. } => definition
            .step(step)
            .and_then(|step| beginning(id, after, step, false))
            .into_iter()
            .collect(),
        E::WaitBegan { step, until, .. } => {
            vec![begin(step, Work::Wake { until: *until }, false)]
        }
        E::SentToPrint { step, .. } => vec![begin(step, Work::WatchScan, false)],
        E::Requested { .. }
        | E::Merged { .. }
        | E::Converted { .. }
        | E::Visaed { .. }
        | E::Registered { .. }
        | E::Attached { .. }
        | E::Reported { .. }
        | E::Emailed { .. }
        | E::Published { .. }
        | E::Called { .. }
        | E::StepSkipped { .. }
        | E::Approved { .. }
        | E::WaitEnded { .. } => next(definition, id, before, after),
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
        } => [
            vec![archive(step, *signature)],
            next(definition, id, before, after),
        ]
        .concat(),
        E::SignatureRefused {
            step, signature, ..
        } => vec![archive(step, *signature)],
        E::Cancelled { .. } => {
            let mut reactions = vec![Reaction::DropPending];
            reactions.extend(undo(definition, id, before));
            reactions
        }
        E::Reminded { step, .. } => reminded(definition, id, after, step),
        E::VisaRefused { .. }
        | E::ApprovalAsked { .. }
        | E::ApprovalRefused { .. }
        | E::Delivered { .. }
        | E::Failed { .. } => vec![],
    }
}

/// A word to whoever asked, each another message; and the same watch as before.
fn reminded(
    definition: &Definition,
    id: DocumentId,
    after: &Journey,
    step: &StepId,
) -> Vec<Reaction> {
    let number = after.wait.map_or(0, |wait| wait.reminders);
    let reminder = Effect {
        id: EffectId::of(id, &step.0, &format!("remind {number}"), after.round),
        ..effect(id, after, step, Work::Remind, false)
    };
    let watch = definition.step(step);
    let watch = watch.and_then(|step| beginning(id, after, step, false));
    std::iter::once(Reaction::Begin(reminder))
        .chain(watch)
        .collect()
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
    let begins = |step| beginning(effect.document, journey, step, false);
    !is_over
        && definition
            .ready(&journey.done)
            .into_iter()
            .any(|step| matches!(begins(step), Some(Reaction::Begin(next)) if next.id == effect.id))
}

/// Whether a document may take this command, as far as its chain can tell: both a restart and the retry of what was
/// refused start it over.
///
/// # Errors
///
/// As [`may_restart`] says.
pub fn may_take(
    definition: &Definition,
    journey: &Journey,
    command: &DocumentCommand,
) -> Result<(), DocumentRefusal> {
    let was_refused = matches!(
        journey.stage,
        Stage::VisaRefused { .. } | Stage::SignatureRefused { .. }
    );
    match command {
        DocumentCommand::Restart { back_to, .. } => {
            let kept = back_to.as_ref().map_or(&[][..], |to| &to.kept);
            may_restart(definition, journey, kept)
        }
        DocumentCommand::Retry { .. } if was_refused => may_restart(definition, journey, &[]),
        _ => Ok(()),
    }
}

/// Whether a document may start over from where these steps lead, as far as its chain can tell.
///
/// # Errors
///
/// [`DocumentRefusal::HandedOver`] once one of the others handed it to anybody, or may have: they would get it twice.
/// [`DocumentRefusal::UnderWay`] while another step of its group is under way, whose answer would be taken for
/// the new round's. A step that stopped, or waits for an approval, is not.
pub(super) fn may_restart(
    definition: &Definition,
    journey: &Journey,
    kept: &[StepId],
) -> Result<(), DocumentRefusal> {
    let ready = definition.ready(&journey.done);
    let done = definition
        .steps
        .iter()
        .filter(|step| journey.done.contains(&step.id) && !kept.contains(&step.id));
    let handed_over = |step: &Step| {
        step.action.hands_over() && (step.when.is_none() || journey.taken.contains(&step.id))
    };
    if done.chain(ready.iter().copied()).any(handed_over) {
        return Err(DocumentRefusal::HandedOver);
    }
    let stopped = |step: &Step| {
        journey.troubles.contains_key(&step.id)
            || journey.awaited.get(&step.id) == Some(&Awaited::Approval)
    };
    if ready.len() > 1 && !ready.into_iter().all(stopped) {
        return Err(DocumentRefusal::UnderWay);
    }
    Ok(())
}

/// Nobody watches any more for the scan of a document that was on paper.
fn off_paper(before: Option<&Journey>) -> Vec<Reaction> {
    let was = before.is_some_and(|before| matches!(before.stage, Stage::OnPaper { .. }));
    was.then_some(Reaction::DropPending).into_iter().collect()
}

/// What moves the document on once the steps that can be done are no longer those of `before`.
fn next(
    definition: &Definition,
    id: DocumentId,
    before: Option<&Journey>,
    after: &Journey,
) -> Vec<Reaction> {
    let ready = definition.ready(&after.done);
    if ready.is_empty() {
        return vec![Reaction::Deliver];
    }
    let begun = before.map_or_else(Vec::new, |before| definition.ready(&before.done));
    let new = ready.into_iter().filter(|step| !begun.contains(step));
    new.filter_map(|step| beginning(id, after, step, false))
        .collect()
}

/// How a step begins, or goes on from where the document stands; nothing if a person must answer.
fn beginning(id: DocumentId, journey: &Journey, step: &Step, doubtful: bool) -> Option<Reaction> {
    let work = match (&step.action, &journey.stage) {
        _ if step.when.is_some() && !journey.taken.contains(&step.id) => Work::Weigh,
        (Action::Approve, _) => {
            let asked = journey.awaited.contains_key(&step.id);
            return (!asked).then(|| Reaction::AskApproval(step.id.clone()));
        }
        (Action::Wait { .. }, _) => match journey.awaited.get(&step.id) {
            Some(Awaited::Moment { until }) => Work::Wake { until: *until },
            Some(Awaited::Approval) | None => Work::Wait,
        },
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
        (Action::Print, Stage::OnPaper { .. }) => Work::WatchScan,
        (Action::Print, _) => return Some(Reaction::SendToPrint(step.id.clone())),
        (Action::Register, _) => Work::Register,
        (Action::Attach, _) => Work::Attach,
        (Action::Notify, _) => Work::Notify,
        (Action::Email { .. }, _) => Work::Email,
        (Action::Publish, _) => Work::Publish,
        (Action::Call { .. }, _) => Work::Call,
    };
    Some(Reaction::Begin(effect(
        id, journey, &step.id, work, doubtful,
    )))
}

/// A document that is cancelled or starts over leaves nothing behind at the neighbours that let us take it
/// back. The work belongs to the round that is left.
fn undo(definition: &Definition, id: DocumentId, before: Option<&Journey>) -> Vec<Reaction> {
    let undone = before.and_then(|before| undone(definition, id, before));
    undone.into_iter().collect()
}

fn undone(definition: &Definition, id: DocumentId, before: &Journey) -> Option<Reaction> {
    let step = definition.ready(&before.done).into_iter().next()?;
    if step.when.is_some() && !before.taken.contains(&step.id) {
        return None;
    }
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
