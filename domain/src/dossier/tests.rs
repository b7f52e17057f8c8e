//! Rules, one test each.

mod model;
mod table;

use super::{
    Decision, Dossier, DossierCommand as C, DossierEvent as E, DossierRefusal as R, Request,
};
use crate::{
    amount::Amount,
    ids::DocumentId,
    testing::{given, march, now, request, uuid},
};

fn act() -> Decision {
    Decision {
        reference: Some("CP-2026-03-17".into()),
        date: Some(march(17)),
    }
}

fn other_request() -> Request {
    Request {
        purpose: "Festival d'hiver".into(),
        ..request()
    }
}

fn document() -> DocumentId {
    DocumentId(uuid(7))
}

fn grant(cents: i64) -> C {
    C::Grant {
        amount: Amount::from_cents(cents),
        decision: act(),
        at: now(),
    }
}

fn refuse() -> C {
    C::Refuse {
        reason: "hors du dispositif".into(),
        decision: act(),
        at: now(),
    }
}

fn adjourn() -> C {
    C::Adjourn {
        reason: "pièces à revoir".into(),
        at: now(),
    }
}

fn reopen() -> C {
    C::Reopen {
        reason: "recours".into(),
        at: now(),
    }
}

fn schedule(day: u32) -> C {
    C::Schedule {
        commission: march(day),
        at: now(),
    }
}

fn notify() -> C {
    C::Notify {
        document: document(),
        at: now(),
    }
}

fn take_over(cents: i64) -> C {
    C::TakeOver {
        request: request(),
        amount: Amount::from_cents(cents),
        decision: act(),
        at: now(),
    }
}

fn registered() -> E {
    E::Registered {
        request: request(),
        at: now(),
    }
}

fn completed() -> E {
    E::Completed { at: now() }
}

fn taken_up() -> E {
    E::TakenUp { at: now() }
}

fn scheduled(day: u32) -> E {
    E::Scheduled {
        commission: march(day),
        at: now(),
    }
}

fn granted() -> E {
    E::Granted {
        amount: Amount::from_cents(1_000_000),
        decision: act(),
        at: now(),
    }
}

fn refused() -> E {
    E::Refused {
        reason: "hors du dispositif".into(),
        decision: act(),
        at: now(),
    }
}

fn adjourned() -> E {
    E::Adjourned {
        reason: "pièces à revoir".into(),
        at: now(),
    }
}

fn notified() -> E {
    E::Notified {
        document: document(),
        at: now(),
    }
}

fn closed() -> E {
    E::Closed { at: now() }
}

fn taken_over(cents: i64) -> Vec<E> {
    vec![
        registered(),
        E::TakenOver {
            amount: Amount::from_cents(cents),
            decision: act(),
            at: now(),
        },
    ]
}

/// The history of a dossier that is before its commission, then `more`.
fn before_commission(more: &[E]) -> Vec<E> {
    [
        &[registered(), completed(), taken_up(), scheduled(17)],
        more,
    ]
    .concat()
}

fn refusal(status: &'static str, what: &'static str) -> R {
    R::NotFrom { status, what }
}

#[test]
fn a_dossier_is_deposited_once() {
    let register = C::Register {
        request: request(),
        at: now(),
    };
    given::<Dossier>([])
        .when(register.clone())
        .then_expect_events(vec![registered()]);
    given::<Dossier>([registered()])
        .when(register)
        .then_expect_events(vec![]);
}

#[test]
fn a_deposit_never_overwrites_another_content() {
    given::<Dossier>([registered()])
        .when(C::Register {
            request: other_request(),
            at: now(),
        })
        .then_expect_error(R::AlreadyRegistered);
}

#[test]
fn a_deposit_says_what_it_is_about_and_asks_for_no_negative_amount() {
    let without = |change: fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        given::<Dossier>([]).when(C::Register { request, at: now() })
    };
    without(|request| request.reference = " ".into()).then_expect_error(R::Missing("référence"));
    without(|request| request.purpose.clear()).then_expect_error(R::Missing("objet"));
    without(|request| request.amount = Amount::from_cents(-1)).then_expect_error(R::NegativeAmount);
}

#[test]
fn a_decision_taken_elsewhere_enters_as_granted() {
    given::<Dossier>([])
        .when(take_over(1_000_000))
        .then_expect_events(taken_over(1_000_000));
}

#[test]
fn taking_over_the_same_decision_again_changes_nothing_even_once_notified() {
    given::<Dossier>(taken_over(1_000_000))
        .when(take_over(1_000_000))
        .then_expect_events(vec![]);
    given::<Dossier>([taken_over(1_000_000), vec![notified()]].concat())
        .when(take_over(1_000_000))
        .then_expect_events(vec![]);
}

#[test]
fn a_decision_taken_elsewhere_is_never_swallowed() {
    given::<Dossier>([registered()])
        .when(take_over(1_000_000))
        .then_expect_error(R::AlreadyRegistered);
    given::<Dossier>(taken_over(1_000_000))
        .when(take_over(2_000_000))
        .then_expect_error(R::AlreadyRegistered);
}

#[test]
fn nothing_negative_is_granted_here_or_elsewhere() {
    given::<Dossier>([])
        .when(take_over(-1))
        .then_expect_error(R::NegativeAmount);
    given::<Dossier>(before_commission(&[]))
        .when(grant(-1))
        .then_expect_error(R::NegativeAmount);
}

#[test]
fn a_request_is_amended_until_it_is_decided() {
    let amend = C::Amend {
        request: other_request(),
        at: now(),
    };
    given::<Dossier>(before_commission(&[]))
        .when(amend.clone())
        .then_expect_events(vec![E::Amended {
            request: other_request(),
            at: now(),
        }]);
    given::<Dossier>(before_commission(&[granted()]))
        .when(amend)
        .then_expect_error(refusal("accordé", "modifier la demande"));
}

#[test]
fn amending_to_the_same_content_changes_nothing_even_once_closed() {
    given::<Dossier>(before_commission(&[granted(), notified(), closed()]))
        .when(C::Amend {
            request: request(),
            at: now(),
        })
        .then_expect_events(vec![]);
}

#[test]
fn the_reference_of_a_dossier_never_changes() {
    given::<Dossier>([registered()])
        .when(C::Amend {
            request: Request {
                reference: "SUB-2026-0013".into(),
                ..request()
            },
            at: now(),
        })
        .then_expect_error(R::ReferenceChanged);
}

#[test]
fn a_deposited_dossier_is_completed_once_and_never_after_its_instruction_began() {
    let complete = C::Complete { at: now() };
    given::<Dossier>([registered()])
        .when(complete.clone())
        .then_expect_events(vec![completed()]);
    given::<Dossier>([registered(), completed()])
        .when(complete.clone())
        .then_expect_events(vec![]);
    given::<Dossier>([registered(), completed(), taken_up()])
        .when(complete)
        .then_expect_error(refusal("en instruction", "déclarer le dossier complet"));
}

#[test]
fn only_a_complete_dossier_is_instructed() {
    let take_up = C::TakeUp { at: now() };
    given::<Dossier>([registered(), completed()])
        .when(take_up.clone())
        .then_expect_events(vec![taken_up()]);
    given::<Dossier>([registered(), completed(), taken_up()])
        .when(take_up.clone())
        .then_expect_events(vec![]);
    given::<Dossier>([registered()])
        .when(take_up)
        .then_expect_error(refusal("déposé", "commencer l'instruction"));
}

#[test]
fn an_instructed_dossier_is_put_before_a_commission_whose_date_may_move() {
    given::<Dossier>([registered(), completed(), taken_up()])
        .when(schedule(17))
        .then_expect_events(vec![scheduled(17)]);
    for other in [10, 24] {
        given::<Dossier>(before_commission(&[]))
            .when(schedule(other))
            .then_expect_events(vec![scheduled(other)]);
    }
    given::<Dossier>(before_commission(&[]))
        .when(schedule(17))
        .then_expect_events(vec![]);
    given::<Dossier>([registered()])
        .when(schedule(17))
        .then_expect_error(refusal("déposé", "inscrire le dossier en commission"));
}

#[test]
fn an_adjourned_dossier_may_go_before_the_same_commission_again() {
    given::<Dossier>(before_commission(&[adjourned()]))
        .when(schedule(17))
        .then_expect_events(vec![scheduled(17)]);
}

#[test]
fn only_a_commission_grants() {
    given::<Dossier>(before_commission(&[]))
        .when(grant(1_000_000))
        .then_expect_events(vec![granted()]);
    given::<Dossier>(before_commission(&[granted()]))
        .when(grant(1_000_000))
        .then_expect_events(vec![]);
    given::<Dossier>([registered(), completed(), taken_up()])
        .when(grant(1_000_000))
        .then_expect_error(refusal("en instruction", "accorder la subvention"));
}

#[test]
fn a_granted_amount_is_never_replaced() {
    given::<Dossier>(before_commission(&[granted()]))
        .when(grant(2_000_000))
        .then_expect_error(refusal("accordé", "accorder la subvention"));
}

#[test]
fn only_a_commission_refuses_and_never_what_it_granted() {
    given::<Dossier>(before_commission(&[]))
        .when(refuse())
        .then_expect_events(vec![refused()]);
    given::<Dossier>(before_commission(&[refused()]))
        .when(refuse())
        .then_expect_events(vec![]);
    given::<Dossier>(before_commission(&[granted()]))
        .when(refuse())
        .then_expect_error(refusal("accordé", "refuser la subvention"));
}

#[test]
fn only_a_commission_adjourns() {
    given::<Dossier>(before_commission(&[]))
        .when(adjourn())
        .then_expect_events(vec![adjourned()]);
    given::<Dossier>(before_commission(&[adjourned()]))
        .when(adjourn())
        .then_expect_events(vec![]);
    given::<Dossier>([registered()])
        .when(adjourn())
        .then_expect_error(refusal("déposé", "ajourner le dossier"));
}

#[test]
fn a_decision_is_notified_once_whether_it_grants_or_refuses() {
    for decision in [granted(), refused()] {
        given::<Dossier>(before_commission(std::slice::from_ref(&decision)))
            .when(notify())
            .then_expect_events(vec![notified()]);
        given::<Dossier>(before_commission(&[decision.clone(), notified()]))
            .when(notify())
            .then_expect_events(vec![]);
        given::<Dossier>(before_commission(&[decision, notified(), closed()]))
            .when(notify())
            .then_expect_events(vec![]);
    }
}

#[test]
fn without_a_decision_in_force_nothing_is_notified() {
    given::<Dossier>(before_commission(&[]))
        .when(notify())
        .then_expect_error(refusal("inscrit en commission", "notifier la décision"));
    let reopened = E::Reopened {
        reason: "recours".into(),
        at: now(),
    };
    given::<Dossier>(before_commission(&[granted(), reopened]))
        .when(notify())
        .then_expect_error(refusal("en instruction", "notifier la décision"));
}

#[test]
fn only_a_notified_dossier_is_closed() {
    let close = C::Close { at: now() };
    given::<Dossier>(before_commission(&[granted(), notified()]))
        .when(close.clone())
        .then_expect_events(vec![closed()]);
    given::<Dossier>(before_commission(&[granted(), notified(), closed()]))
        .when(close.clone())
        .then_expect_events(vec![]);
    given::<Dossier>(before_commission(&[granted()]))
        .when(close)
        .then_expect_error(refusal("accordé", "clore le dossier"));
}

#[test]
fn what_was_decided_may_be_reopened_until_the_applicant_is_told() {
    let reopened = || E::Reopened {
        reason: "recours".into(),
        at: now(),
    };
    given::<Dossier>(before_commission(&[granted()]))
        .when(reopen())
        .then_expect_events(vec![reopened()]);
    given::<Dossier>(before_commission(&[granted(), reopened()]))
        .when(reopen())
        .then_expect_events(vec![]);
    given::<Dossier>(before_commission(&[granted(), notified()]))
        .when(reopen())
        .then_expect_error(refusal("notifié", "rouvrir le dossier"));
}

#[test]
fn a_dossier_that_does_not_exist_answers_that_it_does_not_exist() {
    given::<Dossier>([])
        .when(notify())
        .then_expect_error(R::NotRegistered);
}
