//! Chains that branch, wait, ask for an approval, and do several things at once.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::House,
    support::{TestApp, asks, profile, run},
};
use navette::neighbourhood::Manners;
use navette_domain::{
    digest::Digest,
    document::{DocumentEvent, DocumentStatus, Stage},
    dossier::DossierStatus,
    event::{Event, Recorded},
    french,
    ids::{BatchId, DocumentId, DossierId},
    policy::Role,
    ports::Neighbour,
    third_party::Profile,
};
use navette_projections::{documents, scope::Scope};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

async fn with_refusals() -> TestApp {
    let test = TestApp::start(Manners::obliging()).await;
    test.publish(include_str!(
        "../../examples/chains/notification-refus.toml"
    ))
    .await;
    let letter = include_bytes!("../../examples/templates/lettre-refus.odt");
    test.upload("lettre-refus", "lettre-refus.odt", letter)
        .await;
    test
}

/// What clerks read of a document, sentence by sentence.
async fn told(test: &TestApp, document: DocumentId) -> Vec<String> {
    let events = test.app.dispatcher.log().stream(document.0).await.unwrap();
    let sentences = events
        .iter()
        .map(|recorded| french::sentence(&recorded.event));
    sentences.collect()
}

#[test]
fn a_refusal_has_a_visa_and_an_approval_and_no_signature() {
    run(async {
        let test = with_refusals().await;
        let (one, two) = (test.refused("SUB-1").await, test.refused("SUB-2").await);
        let without_email = Profile {
            email: None,
            ..profile("SUB-2")
        };
        test.profile(without_email, true).await;
        let (batch, started) = test.start_batch("notification-refus", &[one, two]).await;
        assert_eq!(started.refused, []);
        let letters = [one, two].map(|dossier| DocumentId::of_dossier(batch, dossier));
        for letter in letters {
            test.until_status(letter, DocumentStatus::InApproval).await;
        }
        test.settle().await;
        for row in documents::by_ids(&test.app.pool, &Scope::whole(), &letters.map(|it| it.0))
            .await
            .unwrap()
        {
            let awaits = row.awaits();
            assert_eq!((awaits.len(), awaits[0].step.as_str()), (1, "approve"));
            assert_eq!(awaits[0].until, None);
        }
        for letter in letters {
            let comment = Some("Vu avec la direction".to_owned());
            test.app
                .batches
                .approve_document(&asks(), letter, None, comment)
                .await
                .unwrap();
            test.until_status(letter, DocumentStatus::Delivered).await;
        }
        let ledger = &test.neighbours.ledger;
        let count = |neighbour, effect| ledger.keys(neighbour, effect).len();
        assert_eq!(count(Neighbour::IParapheur, "folder created"), 0);
        assert_eq!(count(Neighbour::GrantsTool, "document attached"), 2);
        assert_eq!(
            count(Neighbour::Smtp, "mail"),
            1,
            "only where there is an address"
        );
        for dossier in [one, two] {
            assert_eq!(test.dossier_status(dossier).await, DossierStatus::Notified);
        }
        let told = told(&test, letters[1]).await;
        let skipped = "Étape « email » écartée : la condition « beneficiaire.email is not none » ne s'applique pas (beneficiaire.email : vide)";
        assert!(told.iter().any(|sentence| sentence == skipped), "{told:#?}");
        test.end().await;
    });
}

#[test]
fn a_refused_approval_stops_the_letter_until_somebody_asks_again() {
    run(async {
        let test = with_refusals().await;
        let dossier = test.refused("SUB-3").await;
        let (batch, _) = test.start_batch("notification-refus", &[dossier]).await;
        let letter = DocumentId::of_dossier(batch, dossier);
        test.until_status(letter, DocumentStatus::InApproval).await;
        let batches = &test.app.batches;
        batches
            .refuse_document(&asks(), letter, None, "Motif à préciser")
            .await
            .unwrap();
        assert_eq!(
            test.until_stopped(letter).await,
            "Approbation refusée : Motif à préciser"
        );
        test.settle().await;
        let row = documents::by_ids(&test.app.pool, &Scope::whole(), &[letter.0])
            .await
            .unwrap()
            .remove(0);
        assert_eq!(
            (row.trouble.as_deref(), row.needs_attention),
            (Some("Approbation refusée : Motif à préciser"), true)
        );
        test.retry(letter).await.unwrap();
        test.until_status(letter, DocumentStatus::InApproval).await;
        batches
            .approve_document(&asks(), letter, None, None)
            .await
            .unwrap();
        test.until_status(letter, DocumentStatus::Delivered).await;
        test.end().await;
    });
}

#[test]
fn the_payment_orders_of_a_batch_are_signed_once_and_attached_to_each_dossier() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        test.publish(include_str!("../../examples/chains/ordres-paiement.toml"))
            .await;
        let orders = include_bytes!("../../examples/templates/ordres-paiement.odt");
        test.upload("ordres-paiement", "ordres-paiement.odt", orders)
            .await;
        let mut dossiers: Vec<DossierId> = vec![];
        for reference in ["SUB-1", "SUB-2", "SUB-3"] {
            dossiers.push(test.granted(reference).await);
        }
        let (batch, started) = test.start_batch("ordres-paiement", &dossiers).await;
        assert_eq!(started.refused, []);
        let document = DocumentId::of_batch(batch);
        test.until_status(document, DocumentStatus::Delivered).await;
        test.settle().await;
        let journey = test.journey(document).await;
        let Stage::Delivered { pdf } = journey.stage else {
            panic!("delivered")
        };
        assert_eq!(pdf.pages, 3, "a page for each order");
        let taken: Vec<_> = journey.taken.iter().map(|step| step.0.as_str()).collect();
        assert_eq!(taken, ["sign-delegate"], "70 369,50 € in all");
        let ledger = &test.neighbours.ledger;
        assert_eq!(
            ledger.keys(Neighbour::IParapheur, "folder created").len(),
            1
        );
        let entries = ledger.entries().into_iter();
        let attached: Vec<_> = entries
            .filter(|entry| entry.effect == "document attached")
            .collect();
        let keys: BTreeSet<_> = attached.iter().map(|entry| entry.key.clone()).collect();
        assert_eq!((attached.len(), keys.len()), (3, 3));
        assert!(attached.iter().all(|entry| entry.content == Some(pdf.file)));
        test.end().await;
    });
}

#[test]
fn a_service_of_the_configuration_is_called_once_and_what_it_answers_is_kept() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossiers = [test.granted("SUB-6").await];
        let call = r#"
[[step]]
id = "mandat"
kind = "call"
service = "mandats"
body = '{ "lot": {{ lot.intitule }}, "total": {{ lot.total }} }'
keep = { numero = "/mandat/numero" }
"#;
        test.publish(&table_with(call)).await;
        let (batch, _) = test.start_batch("tableau-commission", &dossiers).await;
        let document = DocumentId::of_batch(batch);
        test.until_status(document, DocumentStatus::Delivered).await;
        test.settle().await;
        let entries = test.neighbours.ledger.entries().into_iter();
        let called: Vec<_> = entries
            .filter(|entry| entry.neighbour == Neighbour::WebServices)
            .collect();
        let body = br#"{"lot":"Commission de mars","total":23456.5}"#;
        assert_eq!(called.len(), 1);
        assert_eq!(called[0].content, Some(Digest::of(body)));
        let row = documents::by_ids(&test.app.pool, &Scope::whole(), &[document.0])
            .await
            .unwrap()
            .remove(0);
        let answers = row.service_answers();
        assert_eq!(
            (answers[0].name.as_str(), answers[0].value.as_str()),
            ("numero", "M-1")
        );
        let told = told(&test, document).await;
        let sentence = "Service « mandats » appelé (numero : M-1)";
        assert!(told.iter().any(|it| it == sentence), "{told:#?}");
        test.end().await;
    });
}

/// A table that goes back to whoever asked, with these steps before.
fn table_with(steps: &str) -> String {
    let table = include_str!("../../examples/chains/tableau-commission.toml");
    let at = table.find("[[step]]\nid = \"visa\"").unwrap();
    let email = table.find("# The sheet goes back").unwrap();
    format!("{}{steps}\n{}", &table[..at], &table[email..])
}

#[test]
fn a_wait_rests_until_its_moment_and_a_moment_that_has_passed_is_not_waited_for() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossiers = [test.granted("SUB-4").await];
        let long = "[[step]]\nid = \"passed\"\nkind = \"wait\"\nuntil = \"lot.date\"\n[[step]]\nid = \"rest\"\nkind = \"wait\"\ndelay = \"P3D\"\n";
        test.publish(&table_with(long)).await;
        let (batch, _) = test.start_batch("tableau-commission", &dossiers).await;
        let document = DocumentId::of_batch(batch);
        let pool = &test.app.pool;
        let resting = "SELECT count(*) FROM effects WHERE step = 'rest' AND lease_token IS NULL AND failures = 0
            AND run_at BETWEEN clock_timestamp() + interval '71 hours' AND clock_timestamp() + interval '72 hours'";
        test.until("its effect rests for three days", async || {
            let count: i64 = sqlx::query_scalar(resting).fetch_one(pool).await.unwrap();
            count == 1
        })
        .await;
        assert_eq!(test.status(document).await, DocumentStatus::Waiting);
        let done = test.journey(document).await.done;
        assert_eq!(done.last().map(|step| step.0.as_str()), Some("passed"));
        let batches = &test.app.batches;
        batches
            .cancel_document(&asks(), document, "Commission reportée")
            .await
            .unwrap();
        test.end().await;
    });
}

#[test]
fn a_date_that_the_dossier_lacks_calls_a_person_and_a_short_wait_ends_by_itself() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted("SUB-5").await;
        let letter = include_str!("../../examples/chains/notification-attribution.toml");
        let at = letter.find("# The folder in which").unwrap();
        let notify = letter.find("# Tells the grants tool").unwrap();
        let waits = "[[step]]\nid = \"short\"\nkind = \"wait\"\ndelay = \"PT1S\"\n[[step]]\nid = \"return\"\nkind = \"wait\"\nuntil = \"dossier.champs.retour\"\n";
        test.publish(&format!("{}{waits}{}", &letter[..at], &letter[notify..]))
            .await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        let sentence = test.until_stopped(document).await;
        assert_eq!(
            sentence,
            "L'étape « return » attend une date que le dossier ne donne pas : dossier.champs.retour (`dossier.champs.retour`). Complétez le dossier, puis relancez."
        );
        let told = told(&test, document).await;
        assert!(told.contains(&"Attente terminée".to_owned()), "{told:#?}");
        let events = test.app.dispatcher.log().stream(document.0).await.unwrap();
        let until = events.iter().find_map(|recorded| match &recorded.event {
            Event::Document(DocumentEvent::WaitBegan { until, .. }) => Some(*until),
            _ => None,
        });
        let ended = |it: &&Recorded| it.event_type == "document.wait_ended";
        let ended = events.iter().find(ended).unwrap().recorded_at;
        assert!(ended >= until.unwrap(), "not before its moment");
        test.app
            .batches
            .cancel_document(&asks(), document, "Sans objet")
            .await
            .unwrap();
        test.end().await;
    });
}

#[tokio::test]
async fn a_document_is_approved_by_whoever_has_the_right_and_only_when_it_waits_for_it() {
    let house = House::open().await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier.0] });
    let started = house.mutate(&clerk, "startBatch", input, "batchId").await;
    let batch: Uuid = started["batchId"].as_str().unwrap().parse().unwrap();
    let id = DocumentId::of_dossier(BatchId(batch), dossier).0;
    house.settle().await;
    let supervisor = house.token(Role::Supervisor, &[]).await;
    for (mutation, input) in [
        ("approveDocument", json!({ "id": id, "comment": "vu" })),
        ("refuseDocument", json!({ "id": id, "reason": "non" })),
    ] {
        let answer = house
            .mutate(&supervisor, mutation, input, "refusal { code }")
            .await;
        assert_eq!(answer["refusal"]["code"], "NOT_AT_THIS_STAGE", "{mutation}");
    }
    let stranger = house.token(Role::Supervisor, &["Culture"]).await;
    let input = json!({ "id": id });
    let answer = house
        .mutate(&stranger, "approveDocument", input, "refusal { code }")
        .await;
    assert_eq!(answer["refusal"]["code"], "NOT_FOUND");
}
