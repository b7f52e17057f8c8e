//! Who finds a place, and who does not.

use super::*;

const DESK: Neighbour = Neighbour::PorteDocuments;

fn gates(at_once: usize) -> Gates {
    Gates::new(&RetryPolicy {
        at_once,
        ..RetryPolicy::default()
    })
}

#[test]
fn what_goes_on_by_itself_finds_a_quarter_of_the_places_while_something_is_claimed() {
    let gates = gates(8);
    let mut reserved = gates.reserve(DESK);
    assert_eq!(reserved.places(), 6);
    let passing: Vec<_> = (0..3).filter_map(|_| gates.pass(DESK)).collect();
    assert_eq!(passing.len(), 2, "the others are kept");
    let claimed: Vec<_> = (0..7).filter_map(|_| reserved.begin()).collect();
    assert_eq!(claimed.len(), 6);
    assert!(gates.pass(DESK).is_none());
    drop((passing, claimed));
    assert!(gates.pass(DESK).is_some());
}

#[test]
fn places_that_are_not_taken_are_free_again() {
    let gates = gates(1);
    let reserved = gates.reserve(DESK);
    assert!(gates.pass(DESK).is_none());
    assert_eq!(gates.reserve(DESK).places(), 0);
    drop(reserved);
    assert!(gates.pass(DESK).is_some());
}

#[test]
fn nothing_passes_before_those_that_wait() {
    let gates = gates(4);
    gates.queue(DESK, true);
    assert!(gates.pass(DESK).is_none());
    assert_eq!(gates.reserve(DESK).places(), 4, "all are for them");
    gates.queue(DESK, false);
    assert!(gates.pass(DESK).is_some());
}

#[test]
fn nothing_passes_to_a_neighbour_that_is_paused() {
    let gates = gates(4);
    gates.pause(vec![DESK]);
    assert!(gates.pass(DESK).is_none());
    assert_eq!(gates.reserve(DESK).places(), 0);
    gates.pause(vec![]);
    assert_eq!(gates.reserve(DESK).places(), 3);
}
