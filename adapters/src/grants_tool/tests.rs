#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use crate::sim::{
    grants_tool::{ATTACHED, GrantsToolSim, Options, STATUS_CHANGED},
    ledger::Ledger,
    wire::{Call, Delivery, Faithful, Meddler, Mischief},
};
use navette_domain::{ids::DocumentId, ports::FailureClass};
use std::{sync::Arc, time::Duration};

struct Lossy;
impl Mischief for Lossy {
    fn applied(&self, _: &Call) -> Delivery {
        Delivery::Lose
    }
}

async fn start() -> (GrantsToolSim, GenericGrantsTool, Ledger, Meddler) {
    let (ledger, meddler) = (Ledger::default(), Meddler::default());
    let options = Options {
        unknown: Arc::new(|reference| reference == "PERDU"),
        ..Options::default()
    };
    let sim = GrantsToolSim::start(ledger.clone(), meddler.clone(), options)
        .await
        .unwrap();
    let tool = GenericGrantsTool::new(&DepositConfig {
        url: format!("{}/", sim.url()),
        token: "demo".into(),
        timeout_seconds: 5,
    });
    (sim, tool.unwrap(), ledger, meddler)
}

fn deposit() -> Deposit {
    Deposit {
        document: DocumentId(Uuid::from_u128(7)),
        title: "Notification".into(),
        dossier_reference: "2026/Été 12%".into(),
        date: "2026-01-05".parse().unwrap(),
        pdf: b"%PDF-1.7 signed".to_vec(),
    }
}

fn now() -> DateTime<Utc> {
    "2026-01-05T10:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_document_is_attached_once_to_the_dossier_whatever_its_reference() {
    let (sim, tool, ledger, meddler) = start().await;
    meddler.becomes(Lossy);
    assert_eq!(
        tool.attach(&deposit()).await.unwrap_err().class,
        FailureClass::Transient
    );
    meddler.becomes(Faithful);
    tool.attach(&deposit()).await.unwrap();
    assert_eq!(sim.documents()[0].owner, "2026/Été 12%");
    assert_eq!(
        ledger.keys(Neighbour::GrantsTool, ATTACHED),
        [deposit().document.to_string()]
    );
}

#[tokio::test]
async fn a_status_is_told_once_however_often_it_is_repeated() {
    let (sim, tool, ledger, meddler) = start().await;
    let event = Uuid::from_u128(1);
    meddler.becomes(Lossy);
    let lost = tool
        .report_status(event, "2026/12", "notified", now())
        .await;
    assert_eq!(lost.unwrap_err().class, FailureClass::Transient);
    meddler.becomes(Faithful);
    tool.report_status(event, "2026/12", "notified", now())
        .await
        .unwrap();
    assert_eq!(sim.status("2026/12").as_deref(), Some("notified"));
    assert_eq!(
        ledger.keys(Neighbour::GrantsTool, STATUS_CHANGED),
        [event.to_string()]
    );
}

#[tokio::test]
async fn an_event_whose_id_says_something_else_is_refused() {
    let (sim, tool, _, _) = start().await;
    let event = Uuid::from_u128(1);
    tool.report_status(event, "A", "notified", now())
        .await
        .unwrap();
    let failure = tool
        .report_status(event, "A", "closed", now())
        .await
        .unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
    assert_eq!(sim.status("A").as_deref(), Some("notified"));
}

#[tokio::test]
async fn a_dossier_that_the_tool_does_not_know_is_said_so() {
    let (_sim, tool, _, _) = start().await;
    let lost = Deposit {
        dossier_reference: "PERDU".into(),
        ..deposit()
    };
    let attached = tool.attach(&lost).await.unwrap_err();
    let told = tool
        .report_status(Uuid::from_u128(1), "PERDU", "notified", now())
        .await
        .unwrap_err();
    for failure in [attached, told] {
        assert_eq!(failure.class, FailureClass::Rejected);
        assert!(failure.sentence.contains("dossier"), "{}", failure.sentence);
    }
}

#[tokio::test]
async fn a_tool_that_asks_for_patience_says_for_how_long() {
    let (sim, tool, _, _) = start().await;
    sim.throttle(1, 30);
    let failure = tool
        .report_status(Uuid::from_u128(1), "A", "notified", now())
        .await
        .unwrap_err();
    assert_eq!(
        failure.class,
        FailureClass::Throttled(Some(Duration::from_secs(30)))
    );
}
