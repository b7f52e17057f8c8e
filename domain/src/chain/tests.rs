//! Rules, one test each.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

mod definitions;
mod in_house;
mod migration;
mod paper;
mod reactions;
mod simulation;
mod waits;

use super::{
    Action, Chain, ChainCommand as C, ChainEvent as E, ChainRef, Definition, DefinitionFault,
    Recipient, Scope, Step, StepId, Work,
};
use crate::{
    dossier::DossierStatus,
    ids::SignatureId,
    ports::{Circulation, Neighbour},
    testing::{examples, given, now, replay, step, table, uuid},
};

/// The shipped chain that notifies granted subsidies.
fn notification() -> Definition {
    toml::from_str(include_str!(
        "../../../examples/chains/notification-attribution.toml"
    ))
    .expect("the shipped file reads")
}

/// The shipped chain that notifies them by letters signed by hand.
fn on_paper() -> Definition {
    toml::from_str(include_str!(
        "../../../examples/chains/notification-papier.toml"
    ))
    .expect("the shipped file reads")
}

/// The shipped chain that makes the commission's table.
fn commission_table() -> Definition {
    toml::from_str(include_str!(
        "../../../examples/chains/tableau-commission.toml"
    ))
    .expect("the shipped file reads")
}

fn publish(definition: Definition) -> C {
    C::Publish {
        definition,
        at: now(),
    }
}

fn published(version: u32, definition: Definition) -> E {
    E::Published {
        version,
        definition,
        at: now(),
    }
}

fn faulty() -> Definition {
    Definition {
        accepts: vec![],
        ..notification()
    }
}

fn relabelled() -> Definition {
    Definition {
        label: "Notification".into(),
        ..notification()
    }
}

#[test]
fn the_first_publication_is_version_one() {
    given::<Chain>([])
        .when(publish(notification()))
        .then_expect_events(vec![published(1, notification())]);
}

#[test]
fn another_definition_is_the_next_version_and_the_same_one_changes_nothing() {
    given::<Chain>([published(1, notification())])
        .when(publish(relabelled()))
        .then_expect_events(vec![published(2, relabelled())]);
    given::<Chain>([published(1, notification())])
        .when(publish(notification()))
        .then_expect_events(vec![]);
}

#[test]
fn a_faulty_definition_is_refused_with_all_its_faults() {
    let definition = Definition {
        code: "Notification".into(),
        ..faulty()
    };
    given::<Chain>([])
        .when(publish(definition))
        .then_expect_error_message(
            "La définition de la chaîne est incorrecte : le code « Notification » ne doit contenir que \
             des minuscules, des chiffres et des tirets ; « accepts » ne nomme aucun statut de dossier",
        );
}

#[test]
fn a_published_version_stays_readable_for_the_documents_that_are_on_it() {
    let chain: Chain = replay([published(1, notification()), published(2, relabelled())]);
    assert_eq!(chain.version(1), Some(&notification()));
    assert_eq!(chain.latest(), Some((2, &relabelled())));
    assert_eq!((chain.version(0), chain.version(3)), (None, None));
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let states = examples!(Chain, |chain: &Chain| chain.versions.is_empty();
        true => ["unborn" = replay([])],
        false => ["published" = replay([published(1, notification())])],
    );
    let commands = examples!(C, |command: &C| command.clone();
        C::Publish { .. } => [
            "publish" = publish(relabelled()),
            "publish, same definition" = publish(notification()),
            "publish, faulty definition" = publish(faulty()),
        ],
    );
    insta::assert_snapshot!(table(&states, &commands));
}

/// Work is stored by these names, and carried out by the neighbour that answers for it.
#[test]
fn every_work_has_a_stored_name_of_its_own_and_one_neighbour() {
    let circulation = || Circulation {
        file_id: "42".into(),
        path: "lettre.pdf".into(),
        etag: "a".into(),
    };
    let signature = SignatureId(uuid(9));
    let works = examples!(Work, |work: &Work| work.clone();
        Work::Merge => ["merge" = Work::Merge],
        Work::Convert => ["convert" = Work::Convert],
        Work::Circulate => ["circulate" = Work::Circulate],
        Work::WatchVisa { .. } => ["watch_visa" = Work::WatchVisa { circulation: circulation() }],
        Work::WithdrawVisa { .. } => ["withdraw_visa" = Work::WithdrawVisa { circulation: circulation() }],
        Work::RecallVisa { .. } => ["recall_visa" = Work::RecallVisa { round: 2 }],
        Work::Submit { .. } => ["submit" = Work::Submit { signature }],
        Work::WatchSignature { .. } => ["watch_signature" = Work::WatchSignature { signature }],
        Work::ArchiveSignature { .. } => ["archive_signature" = Work::ArchiveSignature { signature }],
        Work::WithdrawSignature { .. } => ["withdraw_signature" = Work::WithdrawSignature { signature }],
        Work::Register => ["register" = Work::Register],
        Work::Attach => ["attach" = Work::Attach],
        Work::Notify => ["notify" = Work::Notify],
        Work::Email => ["email" = Work::Email],
        Work::Publish => ["publish" = Work::Publish],
        Work::Call => ["call" = Work::Call],
        Work::Weigh => ["weigh" = Work::Weigh],
        Work::Wait => ["wait" = Work::Wait],
        Work::Wake { .. } => ["wake" = Work::Wake { until: now() }],
        Work::Remind => ["remind" = Work::Remind],
        Work::WatchScan => ["watch_scan" = Work::WatchScan],
    );
    for (name, work) in &works {
        assert_eq!(work.kind(), *name);
        let stored = serde_json::to_value(work).expect("it is stored");
        assert_eq!(stored["kind"], *name);
        assert_eq!(
            serde_json::from_value::<Work>(stored).expect("it reads"),
            *work
        );
    }
    let at = |neighbour| {
        works
            .iter()
            .filter(|(_, work)| work.neighbour() == neighbour)
            .count()
    };
    assert_eq!(at(Neighbour::Office), 6);
    assert_eq!(at(Neighbour::Nextcloud), 4);
    assert_eq!(at(Neighbour::IParapheur), 4);
    assert_eq!(at(Neighbour::GrantsTool), 2);
    let behind: Vec<_> = works
        .iter()
        .filter(|(_, work)| !work.is_on_the_way())
        .map(|(name, _)| *name)
        .collect();
    assert_eq!(
        behind,
        [
            "withdraw_visa",
            "recall_visa",
            "archive_signature",
            "withdraw_signature",
            "remind"
        ]
    );
}
