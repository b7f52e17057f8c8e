//! Whatever the sequence of commands, a dossier follows the law of its statuses.

use super::{
    super::{Dossier, DossierStatus as S},
    table::{commands, status},
};
use crate::{event::Decider, testing::replay};
use proptest::prelude::*;

/// The law, written apart from the code: where a dossier may go from each status in one command.
fn may_become(from: Option<S>) -> &'static [S] {
    match from {
        None => &[S::Deposited, S::Granted],
        Some(S::Deposited) => &[S::Complete],
        Some(S::Complete | S::Closed) => &[S::UnderInstruction],
        Some(S::UnderInstruction) => &[S::Scheduled],
        Some(S::Scheduled) => &[S::Scheduled, S::Granted, S::Refused, S::Adjourned],
        Some(S::Adjourned) => &[S::Scheduled, S::UnderInstruction],
        Some(S::Granted | S::Refused) => &[S::Notified, S::UnderInstruction],
        Some(S::Notified) => &[S::Closed],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_dossier_follows_the_law_whatever_is_asked_of_it(
        asked in prop::collection::vec(prop::sample::select(commands()), 1..60),
    ) {
        let mut history = vec![];
        let mut state = Dossier::default();
        let mut decided = false;
        for (label, command) in asked {
            let Ok(events) = state.decide(command.clone()) else { continue };
            if events.is_empty() { continue }
            let before = status(&state);
            history.extend(events.clone());
            state = events.into_iter().fold(state, Dossier::evolve);
            let after = status(&state);

            let amended = label.starts_with("amend");
            prop_assert!(
                if amended { before == after } else { after.is_some_and(|after| may_become(before).contains(&after)) },
                "{label}: {before:?} became {after:?}"
            );
            decided = match after {
                Some(S::Granted | S::Refused) => true,
                Some(S::UnderInstruction) => false,
                _ => decided,
            };
            if matches!(after, Some(S::Notified | S::Closed)) {
                prop_assert!(decided, "{label}: the applicant was told of no decision");
            }
            prop_assert_eq!(state.decide(command), Ok(vec![]), "{} is not silent when repeated", label);
            prop_assert_eq!(&replay::<Dossier>(history.clone()), &state);
        }
    }
}
