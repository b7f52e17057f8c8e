//! The adapter against the simulator, on the wire.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::sim::{
    capdemat::{ADDED, CHANGED, CapdematSim, Options},
    ledger::Ledger,
    mischief::Once,
    wire::Meddler,
};
use navette_domain::ids::DocumentId;

const PDF: &[u8] = b"%PDF-1.7 a signed letter %%EOF";
const PART: Neighbour = Neighbour::PorteDocuments;

struct Bench {
    sim: CapdematSim,
    capdemat: Capdemat,
    ledger: Ledger,
    meddler: Meddler,
}

async fn bench() -> Bench {
    let (ledger, meddler) = (Ledger::default(), Meddler::default());
    let options = Options {
        requests: [(7, "Validated"), (8, "Pending")].into(),
        closed: vec![8],
        ..Options::default()
    };
    let sim = CapdematSim::start(PART, ledger.clone(), meddler.clone(), options);
    let sim = sim.await.unwrap();
    let capdemat = Capdemat::new(PART, config(&sim.url())).unwrap();
    Bench {
        sim,
        capdemat,
        ledger,
        meddler,
    }
}

fn config(url: &str) -> CapdematConfig {
    CapdematConfig {
        url: url.to_owned(),
        login: "navette".into(),
        password: "capdemat".into(),
        document_type: 12,
        states: [("notified".to_owned(), "Closed".to_owned())].into(),
        timeout_seconds: 5,
    }
}

fn letter(request: &str) -> Deposit {
    Deposit {
        document: DocumentId(Uuid::from_u128(1)),
        title: "Notification".into(),
        dossier_reference: request.to_owned(),
        date: "2026-01-05".parse().unwrap(),
        pdf: PDF.into(),
    }
}

/// Adds a document twice and finds it once, at a real server too.
async fn keeps_the_contract(capdemat: &Capdemat, deposit: &Deposit) {
    for told in capdemat.try_out(&Named::default()).await {
        told.unwrap();
    }
    let first = capdemat.deposit("", deposit).await.unwrap();
    let again = capdemat.deposit("", deposit).await.unwrap();
    assert_eq!(first, again);
}

#[tokio::test]
async fn a_document_is_added_once_and_found_by_its_bytes() {
    let bench = bench().await;
    bench
        .sim
        .paper(7, "Validated", b"a paper of the applicant's");
    keeps_the_contract(&bench.capdemat, &letter("7")).await;
    assert_eq!(bench.ledger.keys(PART, ADDED), ["7"]);
    assert_eq!(bench.sim.documents(7).len(), 2);
    let receipt = bench.capdemat.attach(&letter("7")).await.unwrap();
    assert!(
        receipt.url.ends_with("/service/request/7/document/2"),
        "{receipt:?}"
    );
}

#[tokio::test]
#[ignore = "NAVETTE_REAL_CAPDEMAT names a file with the section of a real server, NAVETTE_REAL_REQUEST a request"]
async fn a_real_capdemat_keeps_the_contract() {
    let config = crate::real::configured("NAVETTE_REAL_CAPDEMAT");
    let capdemat = Capdemat::new(PART, config).unwrap();
    let request = std::env::var("NAVETTE_REAL_REQUEST").unwrap();
    keeps_the_contract(&capdemat, &letter(&request)).await;
}

#[tokio::test]
async fn an_answer_lost_anywhere_sends_the_applicant_one_message() {
    for operation in ["GET documents", "POST document", "GET document"] {
        let bench = bench().await;
        bench.meddler.becomes(Once::loses(operation));
        let lost = bench.capdemat.deposit("", &letter("7")).await.unwrap_err();
        assert_eq!(lost.class, FailureClass::Transient, "{operation}");
        bench.capdemat.deposit("", &letter("7")).await.unwrap();
        assert_eq!(bench.ledger.keys(PART, ADDED), ["7"], "{operation}");
    }
}

#[tokio::test]
async fn the_same_bytes_from_the_applicant_before_they_are_valid_are_not_ours() {
    let bench = bench().await;
    bench.sim.paper(7, "Pending", PDF);
    bench.capdemat.deposit("", &letter("7")).await.unwrap();
    assert_eq!(bench.ledger.keys(PART, ADDED), ["7"]);
}

#[tokio::test]
async fn a_request_that_is_unknown_closed_or_no_number_is_said_so() {
    let bench = bench().await;
    for (request, word) in [
        ("9", "ne connaît pas cette demande"),
        ("8", "n'ouvre pas cette demande"),
        ("../7", "numéro de demande"),
        ("", "numéro de demande"),
    ] {
        let refused = bench
            .capdemat
            .deposit("", &letter(request))
            .await
            .unwrap_err();
        assert_eq!(refused.class, FailureClass::Rejected, "{request}");
        assert!(refused.sentence.contains(word), "{refused}");
    }
    assert_eq!(bench.ledger.entries(), []);
}

#[tokio::test]
async fn a_server_that_stumbles_is_tried_again_and_a_refused_account_is_not() {
    let bench = bench().await;
    let wrong_type = CapdematConfig {
        document_type: 99,
        ..config(&bench.sim.url())
    };
    let stumbling = Capdemat::new(PART, wrong_type).unwrap();
    let failure = stumbling.deposit("", &letter("7")).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Transient);
    let stranger = CapdematConfig {
        password: "wrong".into(),
        ..config(&bench.sim.url())
    };
    let stranger = Capdemat::new(PART, stranger).unwrap();
    let told = stranger.try_out(&Named::default()).await;
    let [Err(refused)] = told.as_slice() else {
        unreachable!("{told:?}");
    };
    assert_eq!(refused.class, FailureClass::Credentials);
}

async fn report(bench: &Bench, status: &str) -> Answer<()> {
    let at = "2026-01-05T10:00:00Z".parse().unwrap();
    let event = Uuid::from_u128(1);
    bench.capdemat.report_status(event, "7", status, at).await
}

#[tokio::test]
async fn a_state_changes_once_and_what_cannot_be_known_is_left_to_a_person() {
    let bench = bench().await;
    bench.meddler.becomes(Once::loses("POST state"));
    let lost = report(&bench, "notified").await.unwrap_err();
    assert_eq!(lost.class, FailureClass::Transient);
    let doubtful = report(&bench, "notified").await.unwrap_err();
    assert_eq!(doubtful.class, FailureClass::Rejected);
    assert!(doubtful.sentence.contains("elle y est déjà"), "{doubtful}");
    assert_eq!(bench.sim.state(7), Some("Closed"));
    assert_eq!(bench.ledger.keys(PART, CHANGED), ["7"]);
    let unnamed = report(&bench, "closed").await.unwrap_err();
    assert!(unnamed.sentence.contains("« closed »"), "{unnamed}");
}

#[test]
fn a_state_that_would_be_taken_for_another_is_refused_at_once() {
    let config = CapdematConfig {
        states: [("notified".to_owned(), "Clôturé".to_owned())].into(),
        ..config("http://127.0.0.1:1")
    };
    let refused = Capdemat::new(PART, config).unwrap_err().to_string();
    assert!(refused.contains("Clôturé"), "{refused}");
}
