//! What may be held, and let go.

use super::{PauseCommand as C, PauseEvent as E, PauseRefusal as R, *};
use crate::testing::{given, now, replay, uuid};

const DESK: Target = Target::Neighbour {
    neighbour: Neighbour::IParapheur,
};

fn begin(target: Target, reason: &str) -> C {
    C::Begin {
        target,
        reason: reason.to_owned(),
        at: now(),
    }
}

fn end(target: Target) -> C {
    C::End { target, at: now() }
}

fn begun(target: Target) -> E {
    E::Begun {
        target,
        reason: "maintenance".into(),
        at: now(),
    }
}

fn ended(target: Target) -> E {
    E::Ended { target, at: now() }
}

#[test]
fn a_pause_begins_once_with_a_reason_and_ends_once() {
    given::<Pauses>([])
        .when(begin(DESK, " "))
        .then_expect_error(R::NoReason);
    given::<Pauses>([])
        .when(begin(DESK, "maintenance"))
        .then_expect_events(vec![begun(DESK)]);
    given::<Pauses>([begun(DESK)])
        .when(begin(DESK, "encore"))
        .then_expect_events(vec![]);
    given::<Pauses>([begun(DESK)])
        .when(end(DESK))
        .then_expect_events(vec![ended(DESK)]);
    given::<Pauses>([begun(DESK), ended(DESK)])
        .when(end(DESK))
        .then_expect_events(vec![]);
}

#[test]
fn pauses_are_apart() {
    let document = Target::Document {
        document: DocumentId(uuid(1)),
    };
    let chain = Target::Chain {
        chain: ChainId(uuid(2)),
    };
    let all = [Target::Everything, DESK, chain, document];
    let mut events: Vec<E> = all.into_iter().map(begun).collect();
    events.push(ended(DESK));
    let pauses = replay::<Pauses>(events);
    let held: Vec<_> = pauses.all().iter().map(|pause| pause.target).collect();
    assert_eq!(held, [Target::Everything, chain, document]);
    assert_eq!(pauses.all()[0].reason, "maintenance");
}
