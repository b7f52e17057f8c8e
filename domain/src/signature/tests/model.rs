//! Whatever the sequence of commands, a signature follows the law of the desk.

use super::{
    super::{Signature, SignatureEvent},
    table::commands,
};
use crate::{event::Decider, testing::replay};
use cqrs_es::DomainEvent as _;
use proptest::prelude::*;

/// The law, written apart from the code: the histories that may be, as paths of event types.
const PATHS: [&[&str]; 5] = [
    &["prepared", "submitted", "signed", "retrieved", "archived"],
    &["prepared", "submitted", "rejected", "archived"],
    &["prepared", "submitted", "withdrawn"],
    &["prepared", "withdrawn"],
    &["withdrawn"],
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_signature_follows_the_law_whatever_is_asked_of_it(
        asked in prop::collection::vec(prop::sample::select(commands()), 1..40),
    ) {
        let mut history = vec![];
        let mut state = Signature::default();
        for (label, command) in asked {
            let Ok(events) = state.decide(command.clone()) else { continue };
            if events.is_empty() { continue }
            let before = state.clone();
            history.extend(events.clone());
            state = events.into_iter().fold(state, Signature::evolve);

            prop_assert_ne!(&before, &state, "{} was recorded and changed nothing", label);
            let types: Vec<_> = history.iter().map(SignatureEvent::event_type).collect();
            let names: Vec<_> = types.iter().map(|name| name.trim_start_matches("signature.")).collect();
            prop_assert!(PATHS.iter().any(|path| path.starts_with(&names)), "{names:?}");
            prop_assert_eq!(state.decide(command), Ok(vec![]), "{} is not silent when repeated", label);
            prop_assert_eq!(&replay::<Signature>(history.clone()), &state);
        }
    }
}
