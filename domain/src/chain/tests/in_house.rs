//! What follows from conditions, approvals, waits and groups.

use super::{
    reactions::{Walk, journey, report, weighed},
    *,
};
use crate::{
    chain::{Reaction, is_due, may_take, react::may_restart},
    document::{DocumentCommand as D, DocumentRefusal, DocumentStatus},
};

fn index(definition: &Definition, name: &str) -> usize {
    let found = definition.steps.iter().position(|it| it.id == step(name));
    found.expect("a step of the chain")
}

/// The shipped notification with a condition at this step.
fn with_condition(name: &str) -> Definition {
    let mut definition = notification();
    let at = index(&definition, name);
    definition.steps[at].when = Some("dossier.montant > 23000".into());
    definition
}

/// The shipped notification with this action before the signature.
fn with(name: &str, action: Action) -> Definition {
    let mut definition = notification();
    let at = index(&definition, "sign");
    definition.steps.insert(at, Step::new(step(name), action));
    definition
}

/// The shipped notification that registers, attaches and asks for an approval at once.
fn with_group() -> Definition {
    let mut definition = notification();
    let at = index(&definition, "register");
    let approve = Step::new(step("approve"), Action::Approve);
    definition.steps.insert(at, approve);
    for name in ["register", "attach", "approve"] {
        let at = index(&definition, name);
        definition.steps[at].parallel = Some("remise".into());
    }
    definition
}

/// A letter that is neither visaed nor signed: e-mailed, then published.
fn letter() -> Definition {
    let mut definition = notification();
    let kept = ["merge", "convert", "email", "publish"].map(step);
    definition.steps.retain(|step| kept.contains(&step.id));
    definition
}

fn wait_a_day() -> Action {
    Action::Wait {
        delay: "P1D".parse().ok(),
        until: None,
    }
}

fn last_work(walk: &Walk) -> Work {
    walk.begun.last().expect("work").work.clone()
}

#[test]
fn a_condition_is_weighed_when_its_step_is_reached_and_the_step_is_done_if_it_holds() {
    let mut walk = Walk::until(with_condition("register"), "weigh");
    assert_eq!(walk.begun.last().expect("work").step, step("register"));
    assert_eq!(walk.record(weighed("register", true)).said(), ["register"]);
    assert_eq!(journey(&walk).taken, [step("register")]);
    assert_eq!(walk.record(weighed("register", true)).said(), [""; 0]);
    walk.carry_out();
    assert_eq!(walk.said(), ["attach"]);
}

#[test]
fn a_step_whose_condition_does_not_hold_is_over_and_the_chain_goes_on() {
    let mut walk = Walk::until(with_condition("register"), "weigh");
    assert_eq!(walk.record(weighed("register", false)).said(), ["attach"]);
    assert!(journey(&walk).done.contains(&step("register")));
    let mut last = Walk::until(with_condition("publish"), "weigh");
    assert_eq!(last.record(weighed("publish", false)).said(), ["deliver"]);
}

#[test]
fn a_condition_that_could_not_be_worked_out_is_weighed_again_when_somebody_retries() {
    let mut walk = Walk::until(with_condition("sign"), "weigh");
    let weigh = walk.begun.last().expect("work").clone();
    assert!(is_due(&walk.definition, journey(&walk), &weigh));
    walk.fail().record(D::Retry { at: now() });
    assert_eq!(walk.said(), ["weigh"]);
    walk.record(weighed("sign", true));
    assert!(!is_due(&walk.definition, journey(&walk), &weigh));
    assert_eq!(walk.said(), ["submit"]);
}

#[test]
fn what_was_never_submitted_for_want_of_its_condition_is_not_withdrawn() {
    let mut walk = Walk::until(with_condition("sign"), "weigh");
    assert_eq!(walk.cancel().said(), ["drop pending"]);
    let mut taken = Walk::until(with_condition("sign"), "submit");
    assert_eq!(
        taken.cancel().said(),
        ["drop pending", "withdraw_signature"]
    );
}

fn ask(walk: &mut Walk) -> &mut Walk {
    assert_eq!(walk.said(), ["ask approval"]);
    walk.record(D::AskApproval {
        step: step("approve"),
        at: now(),
    })
}

fn until_approval(definition: Definition) -> Walk {
    let mut walk = Walk::until(definition, "watch_visa");
    walk.carry_out();
    ask(&mut walk);
    walk
}

fn approve(walk: &mut Walk) -> &mut Walk {
    walk.record(D::Approve {
        step: None,
        comment: None,
        at: now(),
    })
}

#[test]
fn an_approval_waits_for_a_person_without_any_effect_and_then_the_chain_goes_on() {
    let mut walk = until_approval(with("approve", Action::Approve));
    assert_eq!(walk.said(), [""; 0], "nobody looks at anything meanwhile");
    assert_eq!(journey(&walk).status(), DocumentStatus::InApproval);
    assert_eq!(approve(&mut walk).said(), ["submit"]);
    assert_eq!(journey(&walk).status(), DocumentStatus::Visaed);
}

#[test]
fn a_refused_approval_stops_the_document_and_a_retry_asks_for_it_again() {
    let mut walk = until_approval(with("approve", Action::Approve));
    walk.record(D::RefuseApproval {
        step: None,
        reason: "montant à revoir".into(),
        at: now(),
    });
    assert_eq!(walk.said(), [""; 0]);
    let trouble = journey(&walk).trouble();
    assert_eq!(
        trouble.as_deref(),
        Some("Approbation refusée : montant à revoir")
    );
    walk.record(D::Retry { at: now() });
    ask(&mut walk);
    assert_eq!(approve(&mut walk).said(), ["submit"]);
}

#[test]
fn a_wait_is_worked_out_once_then_rests_until_its_moment() {
    let delay = "P3D".parse().ok();
    let mut walk = Walk::until(with("wait", Action::Wait { delay, until: None }), "wait");
    let until = now() + chrono::TimeDelta::days(3);
    walk.record(D::BeginWait {
        step: step("wait"),
        until,
        at: now(),
    });
    assert_eq!(last_work(&walk), Work::Wake { until });
    let wake = walk.begun.last().expect("work").clone();
    assert!(is_due(&walk.definition, journey(&walk), &wake));
    assert_eq!(journey(&walk).status(), DocumentStatus::Waiting);
    assert_eq!(walk.carry_out().said(), ["submit"]);
    assert!(!is_due(&walk.definition, journey(&walk), &wake));
    let mut cancelled = Walk::until(walk.definition.clone(), "wake");
    assert_eq!(cancelled.cancel().said(), ["drop pending"]);
    assert_eq!(journey(&cancelled).status(), DocumentStatus::Cancelled);
}

#[test]
fn a_call_keeps_what_the_service_answers_and_the_chain_goes_on() {
    let call = Action::Call {
        service: "mandats".into(),
        body: None,
        keep: [("numero".to_owned(), "/numero".to_owned())].into(),
    };
    let mut walk = Walk::until(with("mandat", call), "call");
    assert_eq!(walk.carry_out().said(), ["submit"]);
    assert_eq!(journey(&walk).answers["numero"], "M-12");
    assert_eq!(journey(&walk).status(), DocumentStatus::Visaed);
}

/// The walk up to the beginning of the group, with its effects.
fn until_group() -> Walk {
    let mut walk = Walk::until(with_group(), "watch_signature");
    walk.carry_out();
    assert_eq!(
        walk.said(),
        ["archive_signature", "ask approval", "register", "attach"]
    );
    walk.record(D::AskApproval {
        step: step("approve"),
        at: now(),
    });
    walk
}

fn effect_of(walk: &Walk, kind: &str) -> crate::chain::Effect {
    let found = walk.begun.iter().rfind(|effect| effect.work.kind() == kind);
    found.expect("work of this kind").clone()
}

#[test]
fn the_steps_of_a_group_begin_at_once_and_the_chain_goes_on_when_all_are_over() {
    for order in [["register", "attach"], ["attach", "register"]] {
        let mut walk = until_group();
        for kind in order {
            let effect = effect_of(&walk, kind);
            assert!(is_due(&walk.definition, journey(&walk), &effect));
            walk.record(report(&effect));
            assert_eq!(walk.said(), [""; 0], "after {kind}");
            assert!(!is_due(&walk.definition, journey(&walk), &effect));
        }
        assert_eq!(approve(&mut walk).said(), ["notify"]);
        assert_eq!(journey(&walk).status(), DocumentStatus::Attached);
        assert!(journey(&walk).registration.is_some());
    }
}

#[test]
fn a_failure_in_a_group_stops_no_other_step_and_is_remembered_until_it_is_retried() {
    let mut walk = until_group();
    let register = effect_of(&walk, "register");
    walk.record(D::Fail {
        step: step("register"),
        sentence: "Le courrier ne répond pas.".into(),
        at: now(),
    });
    let attach = effect_of(&walk, "attach");
    assert!(is_due(&walk.definition, journey(&walk), &attach));
    walk.record(report(&attach));
    approve(&mut walk);
    assert_eq!(walk.said(), [""; 0]);
    let trouble = journey(&walk).trouble();
    assert_eq!(trouble.as_deref(), Some("Le courrier ne répond pas."));
    walk.record(D::Retry { at: now() });
    let again = crate::chain::Effect {
        doubtful: true,
        ..register
    };
    assert_eq!(walk.last, [Reaction::Begin(again.clone())]);
    assert_eq!(walk.record(report(&again)).said(), ["notify"]);
}

#[test]
fn a_step_of_a_group_that_was_done_by_hand_is_over_and_stops_no_other_step() {
    let mut walk = until_group();
    for name in ["register", "attach"] {
        walk.record(D::Fail {
            step: step(name),
            sentence: "Panne.".into(),
            at: now(),
        });
    }
    assert_eq!(walk.skip(Some("attach")).said(), [""; 0]);
    assert_eq!(walk.skip(None).said(), [""; 0], "the approval is awaited");
    assert_eq!(journey(&walk).trouble(), None);
    assert_eq!(approve(&mut walk).said(), ["notify"]);
    assert_eq!(journey(&walk).status(), DocumentStatus::Attached);
}

#[test]
fn what_was_done_by_hand_counts_as_done_whatever_its_condition() {
    let mut definition = with_condition("visa");
    let at = index(&definition, "visa");
    let second = Step {
        id: step("visa bis"),
        ..definition.steps[at].clone()
    };
    definition.steps.insert(at + 1, second);
    let mut walk = Walk::until(definition, "weigh");
    assert_eq!(
        walk.fail().skip(None).said(),
        ["weigh"],
        "nothing is taken back"
    );
    let bis = walk
        .definition
        .step(&step("visa bis"))
        .expect("the second visa");
    let instead = walk.definition.taken_instead(&journey(&walk).taken, bis);
    assert_eq!(instead, Some(&step("visa")));
    let mut definition = with_condition("register");
    let after = index(&definition, "register") + 1;
    let approve = Step::new(step("approve"), Action::Approve);
    definition.steps.insert(after, approve);
    let mut letter = Walk::until(definition, "weigh");
    assert_eq!(letter.fail().skip(None).said(), ["ask approval"]);
    let restarts = may_restart(&letter.definition, journey(&letter), &[]);
    assert_eq!(
        restarts,
        Err(DocumentRefusal::HandedOver),
        "somebody has it"
    );
}

#[test]
fn a_document_does_not_start_over_while_another_step_of_its_group_is_under_way() {
    let mut definition = with("wait", wait_a_day());
    let at = index(&definition, "wait");
    let approve = Step::new(step("approve"), Action::Approve);
    definition.steps.insert(at, approve);
    for step in &mut definition.steps[at..at + 2] {
        step.parallel = Some("accord".into());
    }
    let mut walk = Walk::until(definition, "watch_visa");
    walk.carry_out();
    walk.record(D::AskApproval {
        step: step("approve"),
        at: now(),
    });
    let may = |walk: &Walk| may_restart(&walk.definition, journey(walk), &[]);
    assert_eq!(may(&walk), Err(DocumentRefusal::UnderWay));
    walk.record(D::Fail {
        step: step("wait"),
        sentence: "Panne.".into(),
        at: now(),
    });
    assert_eq!(may(&walk), Ok(()));
    assert_eq!(may(&Walk::until(notification(), "merge")), Ok(()));
}

#[test]
fn a_document_does_not_start_over_once_somebody_outside_has_it_or_may_have_it() {
    let may = |walk: &Walk| may_restart(&walk.definition, journey(walk), &[]);
    let mut definition = letter();
    let mut walk = Walk::until(definition.clone(), "email");
    walk.fail();
    assert_eq!(
        may(&walk),
        Err(DocumentRefusal::HandedOver),
        "it may have left"
    );
    let mut walk = Walk::until(definition.clone(), "publish");
    walk.fail();
    assert_eq!(
        may(&walk),
        Err(DocumentRefusal::HandedOver),
        "it was e-mailed"
    );
    for step in &mut definition.steps[2..] {
        step.when = Some("dossier.montant > 23000".into());
    }
    let mut walk = Walk::until(definition, "weigh");
    walk.fail();
    assert_eq!(may(&walk), Ok(()), "its turn is not known yet");
    walk.record(D::Retry { at: now() });
    walk.record(weighed("email", false)).fail();
    assert_eq!(may(&walk), Ok(()), "it was left out");
}

#[test]
fn a_refused_visa_is_not_retried_once_a_service_was_called_since_that_would_call_it_again() {
    let call = Action::Call {
        service: "mandats".into(),
        body: None,
        keep: std::collections::BTreeMap::new(),
    };
    let mut called = notification();
    let at = index(&called, "visa");
    called.steps.insert(at, Step::new(step("mandat"), call));
    assert_eq!(called.faults(), vec![]);
    for (definition, answer) in [
        (notification(), Ok(())),
        (called, Err(DocumentRefusal::HandedOver)),
    ] {
        let mut walk = Walk::until(definition, "watch_visa");
        walk.record(D::RecordVisaRefused {
            step: step("visa"),
            by: String::new().into(),
            reason: "à revoir".into(),
            at: now(),
        });
        let retry = D::Retry { at: now() };
        assert_eq!(may_take(&walk.definition, journey(&walk), &retry), answer);
    }
}
