//! Rules, one test each.

use super::{
    Profile, ThirdParty, ThirdPartyCommand as C, ThirdPartyEvent as E, ThirdPartyRefusal as R,
};
use crate::{
    digest::Digest,
    personal::Personal,
    testing::{examples, given, now, replay, table},
};

fn profile(name: &str) -> Profile {
    Profile {
        name: Personal(name.to_owned()),
        siret: None,
        rna: None,
        address: None,
        email: None,
        applicant_account: None,
    }
}

fn register(name: &str) -> C {
    C::Register {
        profile: profile(name),
        at: now(),
    }
}

fn amend(name: &str) -> C {
    C::Amend {
        profile: profile(name),
        at: now(),
    }
}

fn registered(name: &str) -> E {
    E::Registered {
        profile: profile(name),
        at: now(),
    }
}

#[test]
fn an_unknown_third_party_can_be_registered() {
    given::<ThirdParty>([])
        .when(register("L'Éveil"))
        .then_expect_events(vec![registered("L'Éveil")]);
}

#[test]
fn registering_the_same_profile_again_changes_nothing() {
    given::<ThirdParty>([registered("L'Éveil")])
        .when(register("L'Éveil"))
        .then_expect_events(vec![]);
}

#[test]
fn registering_never_overwrites_another_profile() {
    given::<ThirdParty>([registered("L'Éveil")])
        .when(register("L'Éveil culturel"))
        .then_expect_error(R::AlreadyRegistered);
}

#[test]
fn a_name_made_of_spaces_is_no_name() {
    given::<ThirdParty>([])
        .when(register("  "))
        .then_expect_error(R::NoName);
}

#[test]
fn a_known_third_party_can_be_amended() {
    given::<ThirdParty>([registered("L'Éveil")])
        .when(amend("L'Éveil culturel"))
        .then_expect_events(vec![E::Amended {
            profile: profile("L'Éveil culturel"),
            at: now(),
        }]);
}

#[test]
fn amending_to_what_is_known_changes_nothing() {
    given::<ThirdParty>([registered("L'Éveil")])
        .when(amend("L'Éveil"))
        .then_expect_events(vec![]);
}

#[test]
fn an_unknown_third_party_cannot_be_amended() {
    given::<ThirdParty>([])
        .when(amend("L'Éveil"))
        .then_expect_error(R::NotRegistered);
}

fn erase(reason: &str) -> C {
    C::Erase {
        reason: reason.into(),
        files: vec![Digest::of(b"letter")],
        at: now(),
    }
}

fn erased() -> E {
    E::Erased {
        reason: "Demande du tiers".into(),
        files: vec![Digest::of(b"letter")],
        at: now(),
    }
}

#[test]
fn a_known_third_party_can_be_erased_and_nothing_of_it_remains() {
    given::<ThirdParty>([registered("L'Éveil")])
        .when(erase("Demande du tiers"))
        .then_expect_events(vec![erased()]);
    let state: ThirdParty = replay([registered("L'Éveil"), erased()]);
    assert_eq!(state.profile(), None);
}

#[test]
fn erasing_again_changes_nothing() {
    given::<ThirdParty>([registered("L'Éveil"), erased()])
        .when(erase("Encore"))
        .then_expect_events(vec![]);
}

#[test]
fn an_erasure_needs_its_reason() {
    given::<ThirdParty>([registered("L'Éveil")])
        .when(erase(" "))
        .then_expect_error(R::NoReason);
}

#[test]
fn nothing_is_recorded_of_an_erased_third_party() {
    for command in [register("L'Éveil"), amend("L'Aube")] {
        given::<ThirdParty>([registered("L'Éveil"), erased()])
            .when(command)
            .then_expect_error(R::Erased);
    }
}

#[test]
fn without_numbers_namesakes_are_not_taken_for_one() {
    let namesake = profile("L'Éveil");
    assert_ne!(namesake.derived_id("SUB-1"), namesake.derived_id("SUB-2"));
    assert_eq!(namesake.derived_id("SUB-1"), namesake.derived_id("SUB-1"));
}

#[test]
fn a_number_names_the_same_third_party_wherever_it_is_met() {
    let known = |name: &str| Profile {
        rna: "W351001234".parse().ok(),
        ..profile(name)
    };
    assert!(known("L'Éveil").rna.is_some());
    assert_eq!(
        known("L'Éveil").derived_id("SUB-1"),
        known("ÉVEIL").derived_id("SUB-2")
    );
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let states = examples!(ThirdParty, |state: &ThirdParty| state.clone();
        ThirdParty::Unborn => ["unborn" = replay([])],
        ThirdParty::Known(_) => ["known" = replay([registered("L'Éveil")])],
        ThirdParty::Erased => ["erased" = replay([registered("L'Éveil"), erased()])],
    );
    let commands = examples!(C, |command: &C| command.clone();
        C::Register { .. } => ["register" = register("L'Éveil"), "register, other content" = register("L'Aube")],
        C::Amend { .. } => ["amend" = amend("L'Aube"), "amend, same content" = amend("L'Éveil"), "amend, no name" = amend("")],
        C::Erase { .. } => ["erase" = erase("Demande du tiers"), "erase, no reason" = erase("")],
    );
    insta::assert_snapshot!(table(&states, &commands));
}
