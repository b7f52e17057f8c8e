//! What operators do in Navette's place.

use super::{Watched, state};
use crate::support::{TestApp, asks, quick, run};
use navette::{
    dispatch::DispatchFailure,
    neighbourhood::Manners,
    pauses::{self, HoldRefusal, What},
    workers::RetryPolicy,
};
use navette_domain::{
    chain::StepId,
    document::{DocumentRefusal, DocumentStatus},
    ids::DocumentId,
    ports::Neighbour,
};
use std::sync::atomic::Ordering;

const REGISTER: Neighbour = Neighbour::MaarchCourrier;

fn named(step: &str) -> StepId {
    StepId(step.to_owned())
}

#[test]
fn a_letter_that_was_registered_by_hand_goes_on_under_its_number() {
    run(async {
        let policy = RetryPolicy {
            failures: 1,
            ..quick()
        };
        let test = TestApp::start_with(Manners::obliging(), policy).await;
        let register = Watched::on(&test, REGISTER);
        register.down.store(true, Ordering::SeqCst);
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        test.until_stopped(document).await;
        let batches = &test.app.batches;
        let skip = async |step: Option<&str>, number: Option<&str>| {
            let (step, why) = (step.map(named), "Maarch était en panne");
            let asks = asks();
            let skipped = batches.skip_step(&asks, document, step.as_ref(), number, why);
            skipped.await.map_err(|failure| match failure {
                DispatchFailure::Refused(refusal) => refusal,
                failure => panic!("{failure}"),
            })
        };
        let other = DocumentRefusal::NotStopped(named("attach"));
        assert_eq!(skip(Some("attach"), None).await, Err(other));
        let number = DocumentRefusal::NeedsNumber;
        assert_eq!(skip(None, None).await, Err(number));
        skip(Some("register"), Some("2026D/99")).await.unwrap();
        test.until_status(document, DocumentStatus::Delivered).await;
        let registration = test.journey(document).await.registration.unwrap();
        assert_eq!(registration.chrono, "2026D/99");
        let told = test.neighbours.smtp.accepted().pop().unwrap();
        let told = String::from_utf8_lossy(&told.raw).into_owned();
        assert!(told.contains("2026D/99"), "{told}");
        let why: String = sqlx::query_scalar(
            "SELECT metadata::jsonb->>'actor' || ' : ' || (payload::jsonb->>'reason')
             FROM events WHERE event_type = 'document.skipped_by_hand'",
        )
        .fetch_one(&test.app.pool)
        .await
        .unwrap();
        assert_eq!(why, "token:test : Maarch était en panne");
        test.end().await;
    });
}

#[test]
fn a_letter_goes_on_by_another_version_of_its_chain_once_that_was_told() {
    run(async {
        let policy = RetryPolicy {
            failures: 1,
            ..quick()
        };
        let test = TestApp::start_with(Manners::obliging(), policy).await;
        let register = Watched::on(&test, REGISTER);
        register.down.store(true, Ordering::SeqCst);
        let dossier = test.granted("SUB-1").await;
        let document = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        test.until_stopped(document).await;
        let batches = &test.app.batches;
        let none = batches.migration(document, 2).await.unwrap_err();
        assert!(none.to_string().contains("version 2"), "{none}");
        // An approval before the applicant hears of it, and no porte-documents.
        let first = include_str!("../../../examples/chains/notification-attribution.toml");
        let (until_notify, notify_and_after) = first.split_once("# Tells the grants tool").unwrap();
        let approve = "[[step]]\nid = \"approve\"\nkind = \"approve\"\n\n# Tells the grants tool";
        let (notify, _) = notify_and_after.rsplit_once("[[step]]").unwrap();
        test.publish(&[until_notify, approve, notify].concat())
            .await;
        let migration = batches.migration(document, 2).await.unwrap();
        assert_eq!(migration.added, [named("approve")]);
        assert_eq!(migration.dropped, [named("publish")]);
        assert_eq!(migration.left[0], named("register"));
        let asks = asks();
        let migrated = batches.migrate_document(&asks, document, 2, "accord du cabinet");
        let migrated = migrated.await.unwrap();
        let again = batches.migrate_document(&asks, document, 2, "accord du cabinet");
        assert_eq!(again.await.unwrap(), migrated, "the same answer again");
        test.settle().await;
        let shown: (i32, Option<String>) =
            sqlx::query_as("SELECT chain_version, trouble FROM documents")
                .fetch_one(&test.app.pool)
                .await
                .unwrap();
        assert!(shown.0 == 2 && shown.1.is_some(), "{shown:?}");
        register.down.store(false, Ordering::SeqCst);
        test.retry(document).await.unwrap();
        test.until_status(document, DocumentStatus::InApproval)
            .await;
        batches
            .approve_document(&crate::support::asks(), document, None, None)
            .await
            .unwrap();
        test.until_status(document, DocumentStatus::Delivered).await;
        let published = &test.neighbours.ledger;
        let published = published.keys(Neighbour::PorteDocuments, "document deposited");
        assert!(published.is_empty(), "{published:?}");
        test.end().await;
    });
}

#[test]
fn what_operators_pause_waits_until_they_let_it_go() {
    run(async {
        let relay = Neighbour::Smtp;
        let test = TestApp::start(Manners::obliging()).await;
        let dispatcher = &test.app.dispatcher;
        let operate = async |words: &str| {
            let words: Vec<&str> = ["operate"].into_iter().chain(words.split(' ')).collect();
            test.navette(&words).await
        };
        let (done, said) = operate("pause --neighbour telex --reason Panne").await;
        assert!(!done && said.contains("smtp"), "{said}");
        let (done, said) = operate("pause --neighbour smtp --reason Panne").await;
        assert!(done, "{said}");
        test.until("the relay is left alone", async || {
            let gates = state(&test, relay).await.gates;
            gates.iter().any(|gate| gate.at_once == 0)
        })
        .await;
        let dossiers = [test.granted("SUB-1").await, test.granted("SUB-2").await];
        let batch = test.notify(&dossiers).await;
        let [held, other] = dossiers.map(|dossier| DocumentId::of_dossier(batch, dossier));
        let document = What::Document(held.0);
        pauses::begin(dispatcher, &asks(), &document, "À vérifier")
            .await
            .unwrap();
        test.until("the other letter waits for the relay", async || {
            let journey = test.journey(other).await;
            journey.done.contains(&named("notify")) && state(&test, relay).await.effects > 0
        })
        .await;
        let (_, said) = operate("show").await;
        assert!(
            said.contains("le serveur de messagerie : suspendu"),
            "{said}"
        );
        assert!(said.contains("À vérifier"), "{said}");
        assert!(operate("resume --neighbour smtp").await.0);
        test.until_status(other, DocumentStatus::Delivered).await;
        assert_ne!(test.status(held).await, DocumentStatus::Delivered);
        let over = What::Document(other.0);
        let over = pauses::begin(dispatcher, &asks(), &over, "Trop tard").await;
        assert!(matches!(
            over,
            Err(DispatchFailure::Refused(HoldRefusal::Document(
                DocumentRefusal::NotFrom { .. }
            )))
        ));
        pauses::end(dispatcher, &asks(), &document).await.unwrap();
        test.until_status(held, DocumentStatus::Delivered).await;
        test.end().await;
    });
}

#[test]
fn the_documents_of_a_paused_chain_wait_and_those_of_another_go_on() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dispatcher = &test.app.dispatcher;
        let chain = What::Chain("notification-attribution".to_owned());
        pauses::begin(dispatcher, &asks(), &chain, "Modèle à revoir")
            .await
            .unwrap();
        let dossier = test.granted("SUB-1").await;
        let letter = DocumentId::of_dossier(test.notify(&[dossier]).await, dossier);
        let (batch, _) = test.start_batch("tableau-commission", &[dossier]).await;
        test.until_status(DocumentId::of_batch(batch), DocumentStatus::Delivered)
            .await;
        assert_ne!(test.status(letter).await, DocumentStatus::Delivered);
        pauses::end(dispatcher, &asks(), &chain).await.unwrap();
        test.until_status(letter, DocumentStatus::Delivered).await;
        test.end().await;
    });
}

#[test]
fn what_stopped_is_told_by_cause_and_moved_together_from_the_command_line() {
    run(async {
        let policy = RetryPolicy {
            failures: 1,
            ..quick()
        };
        let test = TestApp::start_with(Manners::obliging(), policy).await;
        let register = Watched::on(&test, REGISTER);
        register.down.store(true, Ordering::SeqCst);
        let dossiers = [test.granted("SUB-1").await, test.granted("SUB-2").await];
        let batch = test.notify(&dossiers).await;
        let [first, second] = dossiers.map(|dossier| DocumentId::of_dossier(batch, dossier));
        for document in [first, second] {
            test.until_stopped(document).await;
        }
        test.settle().await;
        let operate = async |words: &str| {
            let words: Vec<&str> = ["operate"].into_iter().chain(words.split(' ')).collect();
            test.navette(&words).await
        };
        let (done, told) = operate("causes").await;
        assert!(
            done && told.contains("étape register (maarch_courrier)"),
            "{told}"
        );
        let (cause, _) = told.split_once(" : 2 depuis").unwrap();
        let (done, told) = operate(&format!("skip --cause {cause} --reason Panne")).await;
        let number = DocumentRefusal::NeedsNumber.to_string();
        assert!(!done && told.contains(&number), "{told}");
        let (done, told) =
            operate(&format!("cancel --document {} --reason Erreur", second.0)).await;
        assert!(done, "{told}");
        test.until_status(second, DocumentStatus::Cancelled).await;
        test.settle().await;
        register.down.store(false, Ordering::SeqCst);
        let (done, told) = operate(&format!("retry --cause {cause}")).await;
        assert!(
            done && told.contains("1 documents relancés, 0 refusés"),
            "{told}"
        );
        test.until_status(first, DocumentStatus::Delivered).await;
        test.end().await;
    });
}
