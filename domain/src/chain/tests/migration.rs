//! What another version of its chain means for a document.

use super::{
    reactions::{Walk, journey},
    *,
};
use crate::{
    chain::Migration,
    document::{DocumentCommand as D, DocumentRefusal},
};

fn between(walk: &Walk, to: &Definition) -> Result<Migration, DocumentRefusal> {
    Migration::between(&walk.definition, to, journey(walk))
}

/// Moves the document, and its walk, to this version.
fn migrate(walk: &mut Walk, to: Definition) {
    let migration = between(walk, &to).expect("it may be moved");
    let chain = journey(walk).order.chain;
    walk.definition = to;
    walk.record(D::Migrate {
        chain: ChainRef {
            version: chain.version + 1,
            ..chain
        },
        begins: migration.begins,
        reason: "circuit corrigé".into(),
        at: now(),
    });
}

fn without(name: &str) -> Definition {
    let mut definition = notification();
    definition.steps.retain(|it| it.id != step(name));
    definition
}

fn with_approval_before(name: &str) -> Definition {
    let mut definition = notification();
    let at = definition.steps.iter().position(|it| it.id == step(name));
    let approve = Step::new(step("approve"), Action::Approve);
    definition.steps.insert(at.expect("a step"), approve);
    definition
}

#[test]
fn another_version_is_told_by_what_stays_what_is_left_and_what_differs() {
    let walk = Walk::until(notification(), "circulate");
    let mut to = with_approval_before("sign");
    to.steps.retain(|it| it.id != step("publish"));
    let migration = between(&walk, &to).expect("it may be moved");
    assert_eq!(migration.done, [step("merge"), step("convert")]);
    assert_eq!(migration.left.first(), Some(&step("visa")));
    assert_eq!(migration.added, [step("approve")]);
    assert_eq!(migration.dropped, [step("publish")]);
    assert_eq!(migration.begins, [], "its visa goes on");
}

#[test]
fn what_is_under_way_goes_on_and_the_other_version_says_what_follows() {
    let mut walk = Walk::until(notification(), "watch_visa");
    let waits = journey(&walk).wait;
    migrate(&mut walk, with_approval_before("sign"));
    assert_eq!(walk.said(), Vec::<String>::new(), "nothing begins twice");
    assert!(waits.is_some(), "for people, who are reminded");
    assert_eq!(journey(&walk).wait, waits, "since the same day");
    assert_eq!(journey(&walk).order.chain.version, 2);
    walk.carry_out();
    assert_eq!(walk.said(), ["ask approval"]);
}

#[test]
fn a_step_that_joins_the_group_under_way_begins_at_once() {
    let grouped = |names: &[&str]| {
        let mut definition = with_approval_before("register");
        for step in &mut definition.steps {
            if names.contains(&step.id.0.as_str()) {
                step.parallel = Some("remise".into());
            }
        }
        definition
    };
    let mut from = grouped(&["register", "attach"]);
    from.steps.retain(|it| it.id != step("approve"));
    let mut walk = Walk::until(from, "attach");
    migrate(&mut walk, grouped(&["register", "attach", "approve"]));
    assert_eq!(walk.said(), ["ask approval"]);
}

#[test]
fn what_stopped_stays_so_on_another_version_until_somebody_retries_it() {
    let mut walk = Walk::until(notification(), "circulate");
    walk.fail();
    migrate(&mut walk, with_approval_before("sign"));
    assert!(journey(&walk).trouble().is_some());
    walk.record(D::Retry { at: now() });
    assert_eq!(walk.said(), ["circulate"]);
}

#[test]
fn a_document_does_not_move_to_a_version_that_has_no_place_for_what_it_did_or_does() {
    let refused = |walk: &Walk, to: &Definition| between(walk, to).expect_err("no place");
    let other_path = |name: &str| DocumentRefusal::OtherPath(step(name));
    let circulates = Walk::until(notification(), "watch_visa");
    assert_eq!(
        refused(&circulates, &without("convert")),
        other_path("convert")
    );
    assert_eq!(refused(&circulates, &without("visa")), other_path("visa"));
    let earlier = with_approval_before("visa");
    assert_eq!(refused(&circulates, &earlier), other_path("visa"));
    let mut weighed = notification();
    for it in &mut weighed.steps {
        if it.id == step("visa") {
            it.when = Some("dossier.montant > 23000".into());
        }
    }
    assert_eq!(refused(&circulates, &weighed), other_path("visa"));
    let mut other = notification();
    for it in &mut other.steps {
        if it.id == step("visa") {
            it.action = Action::Approve;
        }
    }
    assert_eq!(refused(&circulates, &other), other_path("visa"));
    let whole = Definition {
        scope: Scope::Batch,
        ..notification()
    };
    assert_eq!(refused(&circulates, &whole), DocumentRefusal::OtherScope);
    // Nothing of it has begun, so that it can be left out.
    let merges = Walk::new(notification());
    assert!(between(&merges, &without("visa")).is_ok());
}
