//! The adapter against the simulated hub, on the wire.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::{
    pdf,
    sim::{
        ledger::Ledger,
        mischief::Once,
        pastell::{Options, PastellSim},
        wire::Meddler,
    },
};
use uuid::Uuid;

const LETTER: &[u8] = include_bytes!("../../fixtures/pdf/letter.pdf");
const SIGNATURE: SignatureId = SignatureId(Uuid::from_u128(7));

struct World {
    sim: PastellSim,
    hub: Pastell,
    ledger: Ledger,
    meddler: Meddler,
}

impl World {
    async fn new(lag: u32) -> Self {
        let (ledger, meddler) = (Ledger::default(), Meddler::default());
        let options = Options {
            lag,
            ..Options::default()
        };
        let sim = PastellSim::start(ledger.clone(), meddler.clone(), options);
        let sim = sim.await.unwrap();
        let hub = Pastell::new(&config(&sim)).unwrap();
        Self {
            sim,
            hub,
            ledger,
            meddler,
        }
    }

    /// With a document that was sent to the desk.
    async fn with_document() -> (Self, Passage) {
        let world = Self::new(0).await;
        let folder = world.hub.submit(&letter(), Attempt::First).await.unwrap();
        (world, of(Some(folder)))
    }

    fn effects(&self, effect: &str) -> usize {
        self.ledger.keys(Neighbour::IParapheur, effect).len()
    }

    async fn state(&self, passage: &Passage) -> DeskProgress {
        self.hub.progress(passage).await.unwrap()
    }
}

fn config(sim: &PastellSim) -> PastellConfig {
    let (login, password) = sim.account();
    PastellConfig {
        url: sim.url(),
        login: login.to_owned(),
        password: password.to_owned().into(),
        entity: 1,
        flow: Flow::default(),
        timeout_seconds: 20,
    }
}

fn of(folder: Option<FolderRef>) -> Passage {
    Passage {
        signature: SIGNATURE,
        folder,
    }
}

fn letter() -> SigningRequest {
    SigningRequest {
        signature: SIGNATURE,
        title: "Notification SUB-2026-0012 & suite".to_owned(),
        desk_type: "Courrier".to_owned(),
        desk_subtype: "Notification".to_owned(),
        file_name: "notification.pdf".to_owned(),
        pdf: LETTER.to_vec(),
    }
}

fn class<T: std::fmt::Debug>(answer: Answer<T>) -> FailureClass {
    answer.unwrap_err().class
}

fn at_desk() -> DeskProgress {
    DeskProgress::InProgress("send-iparapheur".to_owned())
}

#[tokio::test]
async fn a_letter_goes_through_the_hub_to_the_desk_and_back() {
    let (world, passage) = World::with_document().await;
    assert_eq!(world.state(&passage).await, at_desk());
    let digest = navette_domain::digest::Digest::of(LETTER);
    assert_eq!(world.ledger.entries()[0].content, Some(digest));
    world.sim.sign("d1").unwrap();
    assert_eq!(world.state(&passage).await, DeskProgress::Finished);
    let folder = world.hub.retrieve(&passage).await.unwrap();
    let anybody = pdf::Signatories::default();
    let expected = anybody.at(chrono::Utc::now()).unwrap();
    assert!(pdf::returned(LETTER, &folder.pdf, &expected).is_ok());
    assert_eq!(pdf::pages(&folder.slip.unwrap()), Ok(1));
    // What is over stays at the hub unless the site says how it is removed.
    world.hub.archive(&passage).await.unwrap();
    assert_eq!(world.effects("folder deleted"), 0);
    let flow = Flow {
        removal: Some("supression".to_owned()),
        ..Flow::default()
    };
    let removing = Pastell::new(&PastellConfig {
        flow,
        ..config(&world.sim)
    })
    .unwrap();
    removing.archive(&passage).await.unwrap();
    removing.archive(&passage).await.unwrap();
    assert_eq!(world.effects("folder deleted"), 1);
    assert_eq!(world.state(&passage).await, DeskProgress::Unknown);
}

#[tokio::test]
async fn an_answer_lost_anywhere_sends_one_document_to_the_desk() {
    for lost in [
        "POST document",
        "PATCH document",
        "POST orientation",
        "POST send-iparapheur",
    ] {
        let world = World::new(0).await;
        world.meddler.becomes(Once::loses(lost));
        let first = world.hub.submit(&letter(), Attempt::First).await;
        assert_eq!(class(first), FailureClass::Transient, "{lost}");
        let folder = world.hub.submit(&letter(), Attempt::Again).await.unwrap();
        assert_eq!(world.state(&of(Some(folder))).await, at_desk(), "{lost}");
        assert_eq!(world.state(&of(None)).await, at_desk(), "{lost}");
        assert_eq!(world.effects("folder created"), 1, "{lost}");
        // A creation that was not heard leaves an empty draft without our title, which is sent to nobody.
        let documents = world.sim.documents().len();
        assert_eq!(documents, if lost == "POST document" { 2 } else { 1 });
    }
}

#[tokio::test]
async fn a_queue_that_lags_is_waited_for_and_the_document_leaves_once() {
    let world = World::new(2).await;
    let folder = world.hub.submit(&letter(), Attempt::First).await.unwrap();
    assert_eq!(world.effects("folder created"), 0);
    let passage = of(Some(folder));
    for _ in 0..5 {
        world.state(&passage).await;
    }
    assert_eq!(world.effects("folder created"), 1);
    assert_eq!(world.state(&passage).await, at_desk());
}

#[tokio::test]
async fn a_refusal_comes_with_its_reason_and_an_error_of_the_hub_calls_a_person() {
    let (world, passage) = World::with_document().await;
    world.sim.reject("d1", "Montant à revoir").unwrap();
    let DeskProgress::Rejected { reason, .. } = world.state(&passage).await else {
        unreachable!("it was refused");
    };
    assert_eq!(reason, "Montant à revoir");
    let (world, passage) = World::with_document().await;
    world.sim.fails("d1", "Le parapheur ne répond pas").unwrap();
    let failure = world.hub.progress(&passage).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(
        failure.sentence.contains("erreur-verif-iparapheur"),
        "{failure}"
    );
}

#[tokio::test]
async fn what_the_hub_refuses_is_told_in_its_own_words() {
    let world = World::new(0).await;
    let other = SigningRequest {
        desk_subtype: "Convention".to_owned(),
        ..letter()
    };
    let failure = world.hub.submit(&other, Attempt::First).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(
        failure.sentence.contains("Type ou sous-type inconnu"),
        "{failure}"
    );
    let mut incomplete = config(&world.sim);
    incomplete.flow.document = "annexe".to_owned();
    let hub = Pastell::new(&incomplete).unwrap();
    let failure = hub.submit(&letter(), Attempt::First).await.unwrap_err();
    assert!(failure.sentence.contains("incomplet"), "{failure}");
    let stranger = Pastell::new(&PastellConfig {
        password: "mauvais-secret".to_owned().into(),
        ..config(&world.sim)
    })
    .unwrap();
    let refused = stranger.progress(&of(None)).await;
    assert_eq!(class(refused), FailureClass::Credentials);
    assert!(!format!("{stranger:?}").contains("mauvais-secret"));
}

#[tokio::test]
async fn what_is_at_the_desk_is_not_withdrawn_through_the_hub() {
    let (world, passage) = World::with_document().await;
    let running = world.hub.withdraw(&passage).await.unwrap_err();
    assert!(running.sentence.contains("faites-le rejeter"), "{running}");
    world.sim.sign("d1").unwrap();
    let signed = world.hub.withdraw(&passage).await.unwrap_err();
    assert!(signed.sentence.contains("déjà signé"), "{signed}");
    world
        .hub
        .withdraw(&of(Some(FolderRef("d9".to_owned()))))
        .await
        .unwrap();
}

#[test]
fn both_spellings_and_both_shapes_of_the_hub_are_read() {
    let detail = |json: &str| serde_json::from_str::<Detail>(json).unwrap();
    let one = detail(r#"{"last_action":"creation","action-possible":["orientation"]}"#);
    assert!(one.allows("orientation") && one.state() == "creation");
    let other = detail(
        r#"{"last_action":{"action":"rejet-iparapheur","message":"Non"},"action_possible":["x"],"action-possible":["y"]}"#,
    );
    assert!(other.allows("x") && other.allows("y"));
    assert_eq!(
        (other.state(), other.message()),
        ("rejet-iparapheur", "Non")
    );
    for (said, complete) in [
        ("1", true),
        ("\"1\"", true),
        ("true", true),
        ("0", false),
        ("\"0\"", false),
    ] {
        let filled = format!(r#"{{"formulaire_ok":{said},"message":""}}"#);
        let filled: Filled = serde_json::from_str(&filled).unwrap();
        assert_eq!(filled.is_complete(), complete, "{said}");
    }
}
