//! Steps that a person did in Navette's place.

use super::*;
use crate::{
    chain::{Definition, Step},
    document::ByHand,
};

fn definition() -> Definition {
    toml::from_str(include_str!(
        "../../../../examples/chains/notification-attribution.toml"
    ))
    .expect("the shipped file reads")
}

fn of(name: &str) -> Step {
    let found = definition().step(&step(name)).cloned();
    found.expect("a step of the shipped chain")
}

#[test]
fn nobody_merges_converts_or_signs_in_navettes_place() {
    for name in ["merge", "convert", "sign"] {
        let refused = ByHand::instead_of(&of(name), Some("fait"));
        assert_eq!(refused, Err(R::CannotSkip(step(name))));
    }
}

#[test]
fn a_letter_that_was_registered_by_hand_has_its_number() {
    for nothing in [None, Some(""), Some("  ")] {
        let refused = ByHand::instead_of(&of("register"), nothing);
        assert_eq!(refused, Err(R::NeedsNumber));
    }
    let by_hand = ByHand::instead_of(&of("register"), Some(" 2026D/99 ")).expect("it can be");
    let command = skip("register", by_hand);
    let events = after("signed", &[failed("register")]);
    let document = replay::<Document>(events);
    let skipped = crate::event::Decider::decide(&document, command).expect("it is stopped");
    let document = skipped.into_iter().fold(document, Document::evolve);
    let journey = document.journey().expect("a document on its way");
    assert_eq!(journey.stage.status(), DocumentStatus::Registered);
    assert_eq!(journey.stage.pdf(), Some(pdf("signed letter")));
    let chrono = journey.registration.as_ref().map(|it| it.chrono.as_str());
    assert_eq!(chrono, Some("2026D/99"));
    assert_eq!(journey.trouble, None);
    assert!(journey.done.contains(&step("register")));
}

#[test]
fn only_what_stopped_is_passed_and_only_where_it_leads_on() {
    given::<Document>(until("signed"))
        .when(skip("attach", ByHand::Attached))
        .then_expect_error(R::NothingToRetry);
    given::<Document>(after("sent_for_signature", &[failed("sign")]))
        .when(skip("attach", ByHand::Attached))
        .then_expect_error(refusal("en signature", "passer l'étape"));
}
