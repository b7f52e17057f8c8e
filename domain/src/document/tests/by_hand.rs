//! Steps that a person did in Navette's place.

use super::*;
use crate::{
    chain::{Action, Definition, Step, StepId},
    document::{ByHand, Journey},
};

fn definition() -> Definition {
    let mut definition: Definition = toml::from_str(include_str!(
        "../../../../examples/chains/notification-attribution.toml"
    ))
    .expect("the shipped file reads");
    let wait = Action::Wait {
        delay: "P1D".parse().ok(),
        until: None,
    };
    for (name, action) in [("approve", Action::Approve), ("wait", wait)] {
        definition.steps.insert(2, Step::new(step(name), action));
    }
    definition
}

/// The document that was stopped at these steps, once it had come so far.
fn stopped(at: &str, steps: &[&str]) -> Journey {
    let failures: Vec<E> = steps.iter().map(|name| failed(name)).collect();
    let document: Document = replay(after(at, &failures));
    document.journey().cloned().expect("a document on its way")
}

fn by_hand(
    journey: &Journey,
    name: Option<&str>,
    result: Option<&str>,
) -> Result<(StepId, ByHand), R> {
    ByHand::of(&definition(), journey, name.map(step).as_ref(), result)
}

#[test]
fn nobody_merges_converts_signs_or_approves_in_anothers_place() {
    for name in ["merge", "convert", "sign", "approve"] {
        let refused = by_hand(&stopped("visaed", &[name]), None, Some("fait"));
        assert_eq!(refused, Err(R::CannotSkip(step(name))));
    }
    for (name, done) in [
        ("visa", ByHand::Visaed),
        ("attach", ByHand::Attached),
        ("email", ByHand::HandedOver),
        ("wait", ByHand::Waited),
    ] {
        let found = by_hand(&stopped("converted", &[name]), None, None);
        assert_eq!(found, Ok((step(name), done)));
    }
}

#[test]
fn a_letter_that_was_registered_by_hand_has_its_number() {
    let journey = stopped("signed", &["register"]);
    for nothing in [None, Some(""), Some("  ")] {
        assert_eq!(by_hand(&journey, None, nothing), Err(R::NeedsNumber));
    }
    let (_, done) = by_hand(&journey, None, Some(" 2026D/99 ")).expect("it can be");
    for attached in [false, true] {
        let mut history = until("signed");
        if attached {
            history.extend(
                way()
                    .into_iter()
                    .filter(|event| matches!(event, E::Attached { .. })),
            );
        }
        history.push(failed("register"));
        let document: Document = replay(history);
        let events = crate::event::Decider::decide(&document, skip("register", done.clone()));
        let document = events
            .expect("it is stopped")
            .into_iter()
            .fold(document, Document::evolve);
        let journey = document.journey().expect("a document on its way");
        let status = if attached {
            DocumentStatus::Attached
        } else {
            DocumentStatus::Registered
        };
        assert_eq!(journey.stage.status(), status);
        assert_eq!(journey.stage.pdf(), Some(pdf("signed letter")));
        let chrono = journey.registration.as_ref().map(|it| it.chrono.as_str());
        assert_eq!(chrono, Some("2026D/99"));
        assert_eq!(journey.trouble(), None);
        assert!(journey.done.contains(&step("register")));
    }
}

#[test]
fn only_what_stopped_is_skipped_with_a_reason_and_only_where_it_leads_on() {
    given::<Document>(until("signed"))
        .when(skip("attach", ByHand::Attached))
        .then_expect_error(R::NotStopped(step("attach")));
    given::<Document>(after("sent_for_signature", &[failed("attach")]))
        .when(skip("attach", ByHand::Attached))
        .then_expect_error(refusal("en signature", "passer l'étape"));
    given::<Document>(after("visaed", &[failed("visa bis")]))
        .when(skip("visa bis", ByHand::Visaed))
        .then_expect_error(refusal("visé", "passer l'étape"));
    let C::Skip {
        step: name,
        by_hand,
        at,
        ..
    } = skip("attach", ByHand::Attached)
    else {
        unreachable!("a command to skip")
    };
    let reason = " ".to_owned();
    given::<Document>(after("signed", &[failed("attach")]))
        .when(C::Skip {
            step: name,
            by_hand,
            reason,
            at,
        })
        .then_expect_error(R::NoReason);
}

/// The way of letters that are signed by hand.
fn on_paper() -> Definition {
    toml::from_str(include_str!(
        "../../../../examples/chains/notification-papier.toml"
    ))
    .expect("the shipped file reads")
}

#[test]
fn what_was_signed_on_paper_goes_on_without_its_scan_for_a_reason_whether_it_stopped_or_not() {
    let printed = after("converted", &[sent_to_print("letter")]);
    for history in [printed.clone(), [printed, vec![failed("print")]].concat()] {
        let document: Document = replay(history);
        let journey = document.journey().expect("a document on its way");
        let skipped = ByHand::of(&on_paper(), journey, None, None);
        assert_eq!(skipped, Ok((step("print"), ByHand::SignedOnPaper)));
        let events = crate::event::Decider::decide(&document, skip("print", ByHand::SignedOnPaper));
        let document = events
            .expect("it waits for its scan")
            .into_iter()
            .fold(document, Document::evolve);
        let journey = document.journey().expect("a document on its way");
        assert_eq!(journey.status(), DocumentStatus::Signed);
        assert_eq!(journey.stage.pdf(), Some(pdf("letter")));
        assert_eq!((journey.wait, journey.trouble()), (None, None));
    }
}

#[test]
fn what_is_not_on_paper_was_not_signed_there() {
    given::<Document>(after("converted", &[failed("print")]))
        .when(skip("print", ByHand::SignedOnPaper))
        .then_expect_error(refusal("en PDF", "passer l'étape"));
}

#[test]
fn of_several_stopped_steps_the_one_that_was_done_is_named() {
    let two = stopped("signed", &["attach", "email"]);
    assert_eq!(by_hand(&two, None, None), Err(R::WhichStopped));
    let email = Ok((step("email"), ByHand::HandedOver));
    assert_eq!(by_hand(&two, Some("email"), None), email);
    let other = Err(R::NotStopped(step("notify")));
    assert_eq!(by_hand(&two, Some("notify"), None), other);
    let none = stopped("signed", &[]);
    assert_eq!(by_hand(&none, None, None), Err(R::NothingToRetry));
}
