//! The adapter against the simulated desk, on the wire.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::{
    pdf,
    sim::{
        fast_parapheur::{CIRCUIT, FastSim, SUBSCRIBER},
        ledger::Ledger,
        mischief::Once,
        wire::Meddler,
    },
};
use navette_domain::ids::SignatureId;
use uuid::Uuid;

const LETTER: &[u8] = include_bytes!("../../fixtures/pdf/letter.pdf");
const SIGNATURE: SignatureId = SignatureId(Uuid::from_u128(7));

struct World {
    sim: FastSim,
    desk: FastParapheur,
    ledger: Ledger,
    meddler: Meddler,
}

impl World {
    async fn new() -> Self {
        let (ledger, meddler) = (Ledger::default(), Meddler::default());
        let sim = FastSim::start(ledger.clone(), meddler.clone());
        let sim = sim.await.unwrap();
        let config = FastConfig {
            url: sim.url(),
            subscriber: SUBSCRIBER.to_owned(),
            client_identity: None,
            timeout_seconds: 20,
        };
        Self {
            sim,
            desk: FastParapheur::new(&config).unwrap(),
            ledger,
            meddler,
        }
    }

    async fn with_document() -> (Self, Passage) {
        let world = Self::new().await;
        let folder = world.desk.submit(&letter(), Attempt::First).await.unwrap();
        (world, of(Some(folder)))
    }

    async fn state(&self, passage: &Passage) -> DeskProgress {
        self.desk.progress(passage).await.unwrap()
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
        title: "Notification SUB-2026-0012".to_owned(),
        desk_type: "Courrier".to_owned(),
        desk_subtype: CIRCUIT.to_owned(),
        file_name: "notification.pdf".to_owned(),
        pdf: LETTER.to_vec(),
    }
}

#[tokio::test]
async fn a_letter_is_deposited_signed_and_retrieved_with_its_proof() {
    let (world, passage) = World::with_document().await;
    let waits = |word: &str| DeskProgress::InProgress(word.to_owned());
    assert_eq!(world.state(&passage).await, waits("Préparé"));
    world.sim.notes("1", "Visa approuvé").unwrap();
    assert_eq!(world.state(&passage).await, waits("Visa approuvé"));
    world.sim.notes("1", "Un mot nouveau").unwrap();
    assert_eq!(world.state(&passage).await, waits("Un mot nouveau"));
    world.sim.sign("1").unwrap();
    world.sim.notes("1", "Un mot nouveau").unwrap();
    assert_eq!(world.state(&passage).await, DeskProgress::Finished);
    let folder = world.desk.retrieve(&passage).await.unwrap();
    let anybody = pdf::Signatories::default();
    let expected = anybody.at(chrono::Utc::now()).unwrap();
    assert!(pdf::returned(LETTER, &folder.pdf, &expected).is_ok());
    assert_eq!(pdf::pages(&folder.slip.unwrap()), Ok(1));
    world.desk.archive(&passage).await.unwrap();
    let withdrawn = world.desk.withdraw(&passage).await.unwrap_err();
    assert!(withdrawn.sentence.contains("déjà signé"), "{withdrawn}");
}

#[tokio::test]
async fn a_deposit_whose_answer_was_lost_is_never_sent_twice_and_calls_a_person() {
    let world = World::new().await;
    world.meddler.becomes(Once::loses("POST upload"));
    let lost = world.desk.submit(&letter(), Attempt::First).await;
    assert_eq!(lost.unwrap_err().class, FailureClass::Transient);
    let again = world.desk.submit(&letter(), Attempt::Again).await;
    let again = again.unwrap_err();
    assert_eq!(again.class, FailureClass::Rejected);
    let label = format!("« Notification SUB-2026-0012 [nav-{SIGNATURE}] »");
    assert!(again.sentence.contains(&label), "{again}");
    let created = world.ledger.keys(Neighbour::IParapheur, "folder created");
    assert_eq!(created.len(), 1);
    assert!(label.contains(&created[0]));
}

#[tokio::test]
async fn a_refusal_comes_with_who_and_why() {
    let (world, passage) = World::with_document().await;
    world.sim.refuse("1", "Montant à revoir").unwrap();
    let rejected = DeskProgress::Rejected {
        by: "Jeanne Exemple".to_owned().into(),
        reason: "Montant à revoir".to_owned(),
    };
    assert_eq!(world.state(&passage).await, rejected);
    world.desk.withdraw(&passage).await.unwrap();
}

#[tokio::test]
async fn what_the_desk_refuses_and_what_it_cannot_do_are_told() {
    let (world, passage) = World::with_document().await;
    let other = SigningRequest {
        desk_subtype: "../ailleurs".to_owned(),
        ..letter()
    };
    let refused = world.desk.submit(&other, Attempt::First).await.unwrap_err();
    assert!(
        refused.sentence.contains("« Circuit inconnu »"),
        "{refused}"
    );
    let running = world.desk.withdraw(&passage).await.unwrap_err();
    assert!(running.sentence.contains("faites-l'y refuser"), "{running}");
    assert_eq!(world.state(&of(None)).await, DeskProgress::Unknown);
    let unknown = of(Some(FolderRef("99".to_owned())));
    assert_eq!(world.state(&unknown).await, DeskProgress::Unknown);
}
