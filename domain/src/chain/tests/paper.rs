//! What follows from a printing, and where it may stand.

use super::{
    reactions::{Walk, journey, report},
    *,
};
use crate::{
    chain::{is_due, may_take},
    document::{BackTo, ByHand, DocumentCommand as D, DocumentStatus},
};

/// A letter that waits on paper.
fn printed() -> Walk {
    let mut walk = Walk::until(on_paper(), "convert");
    walk.carry_out();
    assert_eq!(walk.said(), ["send to print"]);
    walk.record(D::SendToPrint {
        step: step("print"),
        at: now(),
    });
    assert_eq!(walk.said(), ["watch_scan"]);
    walk
}

#[test]
fn a_letter_waits_on_paper_until_its_scan_comes_back_and_then_nobody_watches_for_it() {
    let mut walk = printed();
    assert_eq!(journey(&walk).status(), DocumentStatus::OnPaper);
    let watch = walk.begun.last().expect("a watch").clone();
    assert!(is_due(&walk.definition, journey(&walk), &watch));
    let back = report(&watch);
    walk.record(back);
    assert_eq!(walk.said(), ["drop pending", "register"]);
    assert!(!is_due(&walk.definition, journey(&walk), &watch));
}

#[test]
fn what_is_cancelled_skipped_or_started_over_on_paper_is_not_watched_any_more() {
    let mut skipped = printed();
    skipped.record(D::Skip {
        step: step("print"),
        by_hand: ByHand::SignedOnPaper,
        reason: "envoyé sans numériser".into(),
        at: now(),
    });
    assert_eq!(skipped.said(), ["drop pending", "register"]);
    let mut restarted = printed();
    restarted.record(D::Restart {
        reason: "faute de frappe".into(),
        back_to: None,
        at: now(),
    });
    assert_eq!(restarted.said(), ["drop pending", "merge"]);
    assert_eq!(printed().cancel().said(), ["drop pending"]);
}

#[test]
fn a_letter_on_paper_goes_back_to_its_printing_without_being_made_again() {
    let mut walk = printed();
    let back_to = BackTo::of(&walk.definition, journey(&walk), &step("print"));
    let restart = D::Restart {
        reason: "papier perdu".into(),
        back_to: Some(back_to.expect("it began")),
        at: now(),
    };
    assert_eq!(may_take(&walk.definition, journey(&walk), &restart), Ok(()));
    walk.record(restart);
    assert_eq!(walk.said(), ["drop pending", "send to print"]);
    assert_eq!(journey(&walk).status(), DocumentStatus::Converted);
}

#[test]
fn a_paper_that_is_waited_for_too_long_is_waited_for_anew_by_a_retry() {
    let mut walk = printed();
    walk.fail().record(D::Retry { at: now() });
    assert_eq!(walk.said(), ["watch_scan"]);
    walk.record(D::RecordReminded {
        step: step("print"),
        at: now(),
    });
    assert_eq!(walk.said(), ["remind", "watch_scan"]);
}

fn changed(change: impl FnOnce(&mut Definition)) -> Vec<String> {
    let mut definition = on_paper();
    change(&mut definition);
    let faults = definition.faults();
    faults.iter().map(ToString::to_string).collect()
}

fn print_after(name: &str) -> Vec<String> {
    changed(|definition| {
        definition.steps.retain(|it| it.id != step("print"));
        let at = definition.steps.iter().position(|it| it.id == step(name));
        let at = at.expect("a step of the chain") + 1;
        definition
            .steps
            .insert(at, Step::new(step("print"), Action::Print));
    })
}

#[test]
fn a_printing_has_the_place_of_a_signature_alone_or_one_of_several_with_conditions() {
    assert_eq!(print_after("convert"), [""; 0]);
    for name in ["register", "attach", "email"] {
        let faults = print_after(name);
        assert_eq!(faults.len(), 1, "after {name}");
        assert!(faults[0].starts_with("l'étape « print » n'est pas à sa place"));
    }
    let with_sign = |conditions: bool| {
        changed(|definition| {
            let sign = Action::Sign {
                desk_type: "Courrier".into(),
                desk_subtype: "Notification".into(),
            };
            let mut sign = Step::new(step("sign"), sign);
            sign.when = conditions.then(|| "dossier.montant > 23000".into());
            let at = definition
                .steps
                .iter()
                .position(|it| it.id == step("print"));
            let at = at.expect("a printing");
            definition.steps[at].when = conditions.then(|| "dossier.montant <= 23000".into());
            definition.steps.insert(at, sign);
        })
    };
    assert_eq!(with_sign(true), [""; 0]);
    assert!(with_sign(false)[0].starts_with("l'étape « print » n'est pas à sa place"));
    let in_group = changed(|definition| {
        for name in ["print", "register"] {
            let at = definition.steps.iter().position(|it| it.id == step(name));
            definition.steps[at.expect("a step")].parallel = Some("remise".into());
        }
    });
    assert!(in_group[0].starts_with("l'étape « print » ne va pas dans un groupe"));
}
