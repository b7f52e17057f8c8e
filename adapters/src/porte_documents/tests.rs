#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use crate::sim::{
    ledger::Ledger,
    porte_documents::{DEPOSITED, Options, PorteDocumentsSim},
    wire::{Call, Delivery, Fate, Meddler, Mischief},
};
use navette_domain::{
    ids::DocumentId,
    ports::{FailureClass, PortFailure},
};
use std::{sync::Arc, time::Duration};

struct Porch {
    sim: PorteDocumentsSim,
    ledger: Ledger,
    meddler: Meddler,
}

impl Porch {
    async fn start() -> Self {
        let (ledger, meddler) = (Ledger::default(), Meddler::default());
        let options = Options {
            unknown: Arc::new(|user| user == "inconnue"),
            ..Options::default()
        };
        let sim = PorteDocumentsSim::start(ledger.clone(), meddler.clone(), options)
            .await
            .unwrap();
        Self {
            sim,
            ledger,
            meddler,
        }
    }

    fn client(&self, token: &str) -> GenericPorteDocuments {
        GenericPorteDocuments::new(&DepositConfig {
            url: self.sim.url(),
            token: token.into(),
            timeout_seconds: 5,
        })
        .unwrap()
    }

    async fn put(&self, applicant: &str, deposit: &Deposit) -> Answer<DepositReceipt> {
        self.client("demo").deposit(applicant, deposit).await
    }

    async fn failure(&self, applicant: &str, deposit: &Deposit) -> PortFailure {
        self.put(applicant, deposit).await.unwrap_err()
    }

    fn effects(&self) -> usize {
        self.ledger.keys(Neighbour::PorteDocuments, DEPOSITED).len()
    }
}

fn deposit() -> Deposit {
    Deposit {
        document: DocumentId(Uuid::from_u128(7)),
        title: "Notification d'attribution — été".into(),
        dossier_reference: "2026/00012".into(),
        date: "2026-01-05".parse().unwrap(),
        pdf: b"%PDF-1.7 signed".to_vec(),
    }
}

#[tokio::test]
async fn a_document_is_deposited_whole_under_our_id_for_the_right_applicant() {
    let porch = Porch::start().await;
    let receipt = porch.put("Zoé/é ?#%2F", &deposit()).await.unwrap();
    let held = porch.sim.documents().remove(0);
    assert_eq!(held.owner, "Zoé/é ?#%2F");
    assert_eq!(held.id, deposit().document.to_string());
    assert_eq!(held.title, deposit().title);
    assert_eq!(held.pdf, deposit().pdf);
    assert!(receipt.url.ends_with(&held.id));
}

#[tokio::test]
async fn a_deposit_repeated_after_a_lost_answer_is_one_deposit() {
    struct Lossy;
    impl Mischief for Lossy {
        fn applied(&self, _: &Call) -> Delivery {
            Delivery::Lose
        }
    }
    let porch = Porch::start().await;
    porch.meddler.becomes(Lossy);
    let failure = porch.failure("jeanne", &deposit()).await;
    assert_eq!(failure.class, FailureClass::Transient);
    porch.meddler.becomes(crate::sim::wire::Faithful);
    porch.put("jeanne", &deposit()).await.unwrap();
    assert_eq!(porch.effects(), 1);
}

#[tokio::test]
async fn another_content_under_the_same_id_is_refused() {
    let porch = Porch::start().await;
    porch.put("jeanne", &deposit()).await.unwrap();
    let other = Deposit {
        pdf: b"%PDF-1.7 other".to_vec(),
        ..deposit()
    };
    assert_eq!(
        porch.failure("jeanne", &other).await.class,
        FailureClass::Rejected
    );
    assert_eq!(porch.effects(), 1);
    assert_eq!(porch.sim.documents()[0].pdf, deposit().pdf);
}

#[tokio::test]
async fn an_applicant_whom_nobody_knows_is_said_so() {
    let failure = Porch::start().await.failure("inconnue", &deposit()).await;
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(failure.sentence.contains("usager"), "{}", failure.sentence);
}

#[tokio::test]
async fn a_neighbour_that_asks_for_patience_says_for_how_long() {
    let porch = Porch::start().await;
    porch.sim.throttle(1, 120);
    let wait = Some(Duration::from_mins(2));
    let failure = porch.failure("jeanne", &deposit()).await;
    assert_eq!(failure.class, FailureClass::Throttled(wait));
    porch.put("jeanne", &deposit()).await.unwrap();
}

#[tokio::test]
async fn a_refused_token_stops_the_channel() {
    let porch = Porch::start().await;
    let failure = porch
        .client("faux")
        .deposit("jeanne", &deposit())
        .await
        .unwrap_err();
    assert_eq!(failure.class, FailureClass::Credentials);
}

#[tokio::test]
async fn what_the_neighbour_cannot_take_waits_for_a_person() {
    let porch = Porch::start().await;
    let huge = [b"%PDF-".to_vec(), vec![b' '; 21 << 20]].concat();
    for (deposit, word) in [
        (
            Deposit {
                pdf: b"PK office".to_vec(),
                ..deposit()
            },
            "type de fichier",
        ),
        (
            Deposit {
                pdf: huge,
                ..deposit()
            },
            "volumineux",
        ),
        (
            Deposit {
                title: " ".into(),
                ..deposit()
            },
            "titre",
        ),
    ] {
        let failure = porch.failure("jeanne", &deposit).await;
        assert_eq!(failure.class, FailureClass::Rejected);
        assert!(failure.sentence.contains(word), "{}", failure.sentence);
    }
    assert_eq!(porch.effects(), 0);
}

#[tokio::test]
async fn a_neighbour_that_is_down_is_tried_again() {
    struct Down;
    impl Mischief for Down {
        fn before(&self, _: &Call) -> Fate {
            Fate::Unavailable
        }
    }
    let porch = Porch::start().await;
    porch.meddler.becomes(Down);
    assert_eq!(
        porch.failure("jeanne", &deposit()).await.class,
        FailureClass::Transient
    );
}

#[tokio::test]
async fn an_applicant_that_would_change_the_address_is_refused_before_any_call() {
    let porch = Porch::start().await;
    for applicant in ["", ".", ".."] {
        assert_eq!(
            porch.failure(applicant, &deposit()).await.class,
            FailureClass::Rejected
        );
    }
}

#[tokio::test]
async fn a_neighbour_that_holds_other_bytes_than_ours_is_not_believed() {
    let answer = axum::Json(serde_json::json!({
        "id": "7",
        "url": "https://elsewhere.example/7",
        "sha256": "0".repeat(64),
        "depotLe": "2026-01-05T10:00:00Z",
    }));
    let router = axum::Router::new().fallback(move || async move { answer });
    let meddler = Meddler::default();
    let name = |_: &axum::http::Request<()>, _: &[u8]| "PUT".into();
    let server = crate::sim::wire::serve(Neighbour::PorteDocuments, router, name, meddler, None);
    let server = server.await.unwrap();
    let client = GenericPorteDocuments::new(&DepositConfig {
        url: server.url(),
        token: "demo".into(),
        timeout_seconds: 5,
    });
    let failure = client
        .unwrap()
        .deposit("jeanne", &deposit())
        .await
        .unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
}

#[tokio::test]
async fn a_trial_tells_our_contract_from_another_server_and_a_refused_token() {
    let porch = Porch::start().await;
    let told = porch.client("demo").try_out(&Named::default()).await;
    assert_eq!(
        told.into_iter().next().unwrap().unwrap(),
        "Le porte-documents répond et accepte le jeton."
    );
    let trial = async |url: String, token: &str| {
        let config = DepositConfig {
            url,
            token: token.into(),
            timeout_seconds: 5,
        };
        let told = GenericPorteDocuments::new(&config).unwrap();
        let told = told.try_out(&Named::default()).await;
        told.into_iter().next().unwrap().unwrap_err()
    };
    let refused = trial(porch.sim.url(), "another").await;
    assert_eq!(refused.class, FailureClass::Credentials);
    let elsewhere = trial(format!("{}/elsewhere", porch.sim.url()), "demo").await;
    assert!(
        elsewhere.sentence.contains("sans y parler le contrat"),
        "{elsewhere}"
    );
    assert_eq!(porch.ledger.entries(), []);
}
