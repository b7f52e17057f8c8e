//! The table state × command → answer.

use super::{
    super::{Dossier, DossierCommand as C, DossierStatus as S},
    *,
};
use crate::testing::{examples, replay, table};

pub(super) fn status(dossier: &Dossier) -> Option<S> {
    match dossier {
        Dossier::Unborn => None,
        Dossier::Open { stage, .. } => Some(stage.status()),
    }
}

pub(super) fn commands() -> Vec<(&'static str, C)> {
    examples!(C, |command: &C| command.clone();
        C::Register { .. } => [
            "register" = C::Register { request: request(), at: now() },
            "register, other content" = C::Register { request: other_request(), at: now() },
        ],
        C::TakeOver { .. } => [
            "take over" = take_over(1_000_000),
            "take over, other amount" = take_over(2_000_000),
        ],
        C::Amend { .. } => [
            "amend" = C::Amend { request: other_request(), at: now() },
            "amend, same content" = C::Amend { request: request(), at: now() },
        ],
        C::Complete { .. } => ["complete" = C::Complete { at: now() }],
        C::TakeUp { .. } => ["take up" = C::TakeUp { at: now() }],
        C::Schedule { .. } => ["schedule" = schedule(17), "schedule, other date" = schedule(24)],
        C::Grant { .. } => ["grant" = grant(1_000_000), "grant, other amount" = grant(2_000_000)],
        C::Refuse { .. } => ["refuse" = refuse()],
        C::Adjourn { .. } => ["adjourn" = adjourn()],
        C::Notify { .. } => ["notify" = notify()],
        C::Close { .. } => ["close" = C::Close { at: now() }],
        C::Reopen { .. } => ["reopen" = reopen()],
    )
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let in_commission = |more: &[E]| replay(before_commission(more));
    let states = examples!(Dossier, status;
        None => ["unborn" = replay([])],
        Some(S::Deposited) => ["deposited" = replay([registered()])],
        Some(S::Complete) => ["complete" = replay([registered(), completed()])],
        Some(S::UnderInstruction) => ["under instruction" = replay([registered(), completed(), taken_up()])],
        Some(S::Scheduled) => ["scheduled" = in_commission(&[])],
        Some(S::Granted) => ["granted" = in_commission(&[granted()])],
        Some(S::Refused) => ["refused" = in_commission(&[refused()])],
        Some(S::Adjourned) => ["adjourned" = in_commission(&[adjourned()])],
        Some(S::Notified) => ["notified" = in_commission(&[granted(), notified()])],
        Some(S::Closed) => ["closed" = in_commission(&[granted(), notified(), closed()])],
    );
    insta::with_settings!({ snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!(table(&states, &commands()));
    });
}
