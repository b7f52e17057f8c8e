//! What a chain would do, before anything is done.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::House,
    support::{TestApp, asks, profile, run},
};
use navette::{
    batches::StartBatch,
    neighbourhood::Manners,
    rehearsal::{Rehearsals, Rehearsed, RehearsedDocument, StepEnd},
};
use navette_domain::{
    document::{DocumentEvent, DocumentStatus},
    event::Event,
    ids::{BatchId, DocumentId, DossierId},
    personal::Personal,
    policy::Role,
    third_party::Profile,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

async fn rehearse(test: &TestApp, chain: &str, dossiers: &[DossierId]) -> Rehearsed {
    let app = &test.app;
    let rehearsals = Rehearsals::new(
        app.dispatcher.clone(),
        app.batches.clone(),
        app.ports.clone(),
        app.clock.clone(),
    );
    let ask = StartBatch {
        batch: BatchId(Uuid::nil()),
        label: "Répétition".to_owned(),
        chain_code: chain.to_owned(),
        dossiers: dossiers.to_vec(),
        reply_to: Some(Personal("agent@departement.example".parse().unwrap())),
    };
    rehearsals.rehearse("token:essai", &ask).await.unwrap()
}

fn ends(document: &RehearsedDocument) -> Vec<(&str, StepEnd)> {
    let steps = document.steps.iter();
    steps.map(|step| (step.step.0.as_str(), step.end)).collect()
}

/// The steps of a document that are over, in the order of the log, and those that were left out.
async fn happened(test: &TestApp, document: DocumentId) -> Vec<(String, StepEnd)> {
    let events = test.app.dispatcher.log().stream(document.0).await.unwrap();
    let ended = events.iter().filter_map(|recorded| {
        let Event::Document(event) = &recorded.event else {
            return None;
        };
        let end = match event {
            DocumentEvent::StepSkipped { .. } => StepEnd::LeftOut,
            _ => StepEnd::Done,
        };
        Some((event.completed_step()?.0.clone(), end))
    });
    ended.collect()
}

#[test]
fn a_rehearsal_says_what_a_batch_then_does_and_does_nothing_itself() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        test.publish(include_str!(
            "../../examples/chains/notification-refus.toml"
        ))
        .await;
        let letter = include_bytes!("../../examples/templates/lettre-refus.odt");
        test.upload("lettre-refus", "lettre-refus.odt", letter)
            .await;
        let dossiers = [test.refused("SUB-1").await, test.refused("SUB-2").await];
        let without_email = Profile {
            email: None,
            ..profile("SUB-2")
        };
        test.profile(without_email, true).await;
        test.settle().await;
        let before = test.app.dispatcher.log().last_position().await.unwrap();
        let rehearsed = rehearse(&test, "notification-refus", &dossiers).await;
        assert!(rehearsed.documents.iter().all(|it| it.delivered));
        let sentences = rehearsed.documents.iter().flat_map(|it| &it.steps);
        let sentences: Vec<_> = sentences.filter_map(|it| it.sentence.as_deref()).collect();
        let skipped = "Étape « email » écartée : la condition « beneficiaire.email is not none » ne s'applique pas (beneficiaire.email : vide)";
        assert!(sentences.contains(&skipped), "{sentences:#?}");
        assert_eq!(test.neighbours.ledger.entries(), []);
        let after = test.app.dispatcher.log().last_position().await.unwrap();
        assert_eq!(after, before);

        let (batch, _) = test.start_batch("notification-refus", &dossiers).await;
        for (dossier, rehearsed) in dossiers.into_iter().zip(&rehearsed.documents) {
            let letter = DocumentId::of_dossier(batch, dossier);
            test.until_status(letter, DocumentStatus::InApproval).await;
            test.app
                .batches
                .approve_document(&asks(), letter, None, None)
                .await
                .unwrap();
            test.until_status(letter, DocumentStatus::Delivered).await;
            let happened = happened(&test, letter).await;
            // Steps of a group end in any order.
            let happened: BTreeMap<_, _> = happened
                .iter()
                .map(|(step, end)| (step.as_str(), *end))
                .collect();
            let rehearsed: BTreeMap<_, _> = ends(rehearsed).into_iter().collect();
            assert_eq!(rehearsed, happened);
        }
        test.end().await;
    });
}

#[test]
fn a_rehearsal_stops_where_somebody_would_have_to_mend_something() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let whole = test.granted("SUB-1").await;
        let silent = test.granted("SUB-2").await;
        let refused = test.refused("SUB-3").await;
        let without_email = Profile {
            email: None,
            ..profile("SUB-2")
        };
        test.profile(without_email, true).await;
        let chosen = [whole, silent, refused];
        let rehearsed = rehearse(&test, "notification-attribution", &chosen).await;
        let [one, two] = &rehearsed.documents[..] else {
            panic!("two are taken")
        };
        assert_eq!((one.delivered, two.delivered), (true, false));
        assert_eq!(
            ends(one).iter().map(|(step, _)| *step).collect::<Vec<_>>(),
            [
                "merge", "convert", "visa", "sign", "register", "attach", "notify", "email",
                "publish"
            ]
        );
        assert_eq!(ends(two).last(), Some(&("email", StepEnd::Stopped)));
        let why = two.steps.last().and_then(|step| step.sentence.as_deref());
        assert!(why.unwrap().contains("SUB-2 n'a pas d'adresse"), "{why:?}");
        let left_out: Vec<_> = rehearsed.refused.iter().map(|it| it.dossier).collect();
        assert_eq!(left_out, [refused]);
        assert_eq!(test.neighbours.ledger.entries(), []);
        test.end().await;
    });
}

#[test]
fn one_document_about_a_whole_batch_is_rehearsed_with_all_its_dossiers() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        test.publish(include_str!("../../examples/chains/ordres-paiement.toml"))
            .await;
        let orders = include_bytes!("../../examples/templates/ordres-paiement.odt");
        test.upload("ordres-paiement", "ordres-paiement.odt", orders)
            .await;
        let mut dossiers: Vec<DossierId> = vec![];
        // Six of 23 456,50 € are more than a delegate signs for.
        for number in 1..=6 {
            dossiers.push(test.granted(&format!("SUB-{number}")).await);
        }
        for (chosen, signs) in [(3, "sign-delegate"), (6, "sign-president")] {
            let rehearsed = rehearse(&test, "ordres-paiement", &dossiers[..chosen]).await;
            let [document] = &rehearsed.documents[..] else {
                panic!("one document")
            };
            assert!(document.delivered, "{document:#?}");
            assert!(ends(document).contains(&(signs, StepEnd::Done)));
            assert!(ends(document).contains(&("attach", StepEnd::Done)));
        }
        assert_eq!(test.neighbours.ledger.entries(), []);
        test.end().await;
    });
}

const REHEARSAL: &str = "query($chain: String!, $dossiers: [UUID!]!) {
    batchRehearsal(chain: $chain, dossiers: $dossiers) {
        delivered stopped stops { step documents example } refusal { code sentence }
        refused { dossierId } documents { dossierId title delivered steps { step end sentence } } } }";

async fn asked(house: &House, token: &str, chain: &str, dossiers: &[Uuid]) -> Value {
    let variables = json!({ "chain": chain, "dossiers": dossiers });
    house.ask(token, REHEARSAL, variables).await["data"]["batchRehearsal"].clone()
}

#[tokio::test]
async fn clerks_ask_for_a_rehearsal_of_what_they_see_and_read_where_it_would_stop() {
    let house = House::open().await;
    house.chain().await;
    let clerk = house.token(Role::Instructor, &["Sport"]).await;
    let ours = house.granted("SUB-1", "Sport").await.0;
    let theirs = house.granted("SUB-2", "Culture").await.0;
    let (events, files) = (house.events().await, house.stored());
    let answer = asked(&house, &clerk, "notification", &[ours, theirs]).await;
    // The template of this house is no office file.
    assert_eq!(
        (&answer["delivered"], &answer["stopped"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(answer["stops"][0]["step"], "fusion");
    assert_eq!(answer["stops"][0]["documents"], 1);
    assert_eq!(answer["refused"], json!([{ "dossierId": theirs }]));
    let document = &answer["documents"][0];
    assert_eq!(document["dossierId"], json!(ours));
    assert_eq!(document["steps"][0]["end"], "STOPPED");
    assert_eq!(
        document["steps"][0]["sentence"],
        answer["stops"][0]["example"]
    );
    let answer = asked(&house, &clerk, "inconnue", &[ours]).await;
    assert_eq!(answer["refusal"]["code"], "NOT_FOUND");
    let many: Vec<Uuid> = (0..201).map(|_| Uuid::new_v4()).collect();
    let answer = asked(&house, &clerk, "notification", &many).await;
    assert!(answer["documents"].as_array().unwrap().is_empty());
    let auditor = house.token(Role::Auditor, &[]).await;
    let variables = json!({ "chain": "notification", "dossiers": [ours] });
    let answer = house.ask(&auditor, REHEARSAL, variables).await;
    assert!(answer["data"]["batchRehearsal"].is_null(), "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert_eq!((house.events().await, house.stored()), (events, files));
}
