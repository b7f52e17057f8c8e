//! Rules, one test each.

use super::{Batch, BatchCommand as C, BatchEvent as E, BatchRefusal as R, Order};
use crate::{
    ids::DossierId,
    testing::{chain_ref, examples, given, now, replay, table, template_ref, uuid},
};

fn order(dossiers: u128) -> Order {
    Order {
        label: "Notifications de mars".into(),
        chain: chain_ref(),
        template: template_ref(),
        dossiers: (0..dossiers).map(|n| DossierId(uuid(n))).collect(),
        requested_by: "token:claire".into(),
        reply_to: None,
        trigger: None,
    }
}

fn start(dossiers: u128) -> C {
    C::Start {
        order: order(dossiers),
        at: now(),
    }
}

fn cancel() -> C {
    C::Cancel {
        reason: "erreur de modèle".into(),
        at: now(),
    }
}

fn started() -> E {
    E::Started {
        order: order(3),
        at: now(),
    }
}

fn paused() -> E {
    E::Paused { at: now() }
}

fn completed() -> E {
    E::Completed { at: now() }
}

fn cancelled() -> E {
    E::Cancelled {
        reason: "erreur de modèle".into(),
        at: now(),
    }
}

#[test]
fn a_batch_starts_once() {
    given::<Batch>([])
        .when(start(3))
        .then_expect_events(vec![started()]);
    given::<Batch>([started()])
        .when(start(3))
        .then_expect_events(vec![]);
}

#[test]
fn a_batch_without_a_dossier_does_not_start() {
    given::<Batch>([])
        .when(start(0))
        .then_expect_error(R::Empty);
}

#[test]
fn the_selection_of_a_batch_never_changes() {
    given::<Batch>([started()])
        .when(start(2))
        .then_expect_error(R::AlreadyStarted);
}

#[test]
fn starting_a_finished_batch_again_does_not_run_it_again() {
    given::<Batch>([started(), completed()])
        .when(start(3))
        .then_expect_events(vec![]);
}

#[test]
fn a_running_batch_pauses_once_and_an_ended_one_never() {
    let pause = C::Pause { at: now() };
    given::<Batch>([started()])
        .when(pause.clone())
        .then_expect_events(vec![paused()]);
    given::<Batch>([started(), paused()])
        .when(pause.clone())
        .then_expect_events(vec![]);
    given::<Batch>([started(), completed()])
        .when(pause)
        .then_expect_error(R::Over);
}

#[test]
fn a_paused_batch_resumes_once_and_an_ended_one_never() {
    let resume = C::Resume { at: now() };
    given::<Batch>([started(), paused()])
        .when(resume.clone())
        .then_expect_events(vec![E::Resumed { at: now() }]);
    given::<Batch>([started()])
        .when(resume.clone())
        .then_expect_events(vec![]);
    given::<Batch>([started(), cancelled()])
        .when(resume)
        .then_expect_error(R::Over);
}

#[test]
fn a_batch_under_way_is_cancelled_once_even_while_it_is_paused() {
    given::<Batch>([started(), paused()])
        .when(cancel())
        .then_expect_events(vec![cancelled()]);
    given::<Batch>([started(), cancelled()])
        .when(cancel())
        .then_expect_events(vec![]);
}

#[test]
fn what_is_delivered_is_not_cancelled() {
    given::<Batch>([started(), completed()])
        .when(cancel())
        .then_expect_error(R::Over);
}

#[test]
fn a_batch_completes_once_and_never_after_it_was_cancelled() {
    let complete = C::Complete { at: now() };
    given::<Batch>([started()])
        .when(complete.clone())
        .then_expect_events(vec![completed()]);
    given::<Batch>([started(), completed()])
        .when(complete.clone())
        .then_expect_events(vec![]);
    given::<Batch>([started(), cancelled()])
        .when(complete)
        .then_expect_error(R::Over);
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let states = examples!(Batch, |state: &Batch| state.clone();
        Batch::Unborn => ["unborn" = replay([])],
        Batch::Running(_) => ["running" = replay([started()])],
        Batch::Paused(_) => ["paused" = replay([started(), paused()])],
        Batch::Completed(_) => ["completed" = replay([started(), completed()])],
        Batch::Cancelled(_) => ["cancelled" = replay([started(), cancelled()])],
    );
    let commands = examples!(C, |command: &C| command.clone();
        C::Start { .. } => ["start" = start(3), "start, other order" = start(2), "start, no dossier" = start(0)],
        C::Pause { .. } => ["pause" = C::Pause { at: now() }],
        C::Resume { .. } => ["resume" = C::Resume { at: now() }],
        C::Cancel { .. } => ["cancel" = cancel()],
        C::Complete { .. } => ["complete" = C::Complete { at: now() }],
    );
    insta::assert_snapshot!(table(&states, &commands));
}
