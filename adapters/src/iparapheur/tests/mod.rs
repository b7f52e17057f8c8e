//! The adapter against the simulated desk, on the wire.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod failures;

use super::*;
use crate::{
    pdf,
    sim::{
        iparapheur::{Automatic, Flavour, IParapheurSim, Options},
        ledger::Ledger,
        wire::{Call, Delivery, Fate, Meddler, Mischief},
    },
};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

const LETTER: &[u8] = include_bytes!("../../../fixtures/pdf/letter.pdf");
const SIGNATURE: SignatureId = SignatureId(Uuid::from_u128(7));
const PASSAGE: Passage = of(SIGNATURE);

/// A folder whose name at the desk was never heard: ours is enough for it.
const fn of(signature: SignatureId) -> Passage {
    Passage {
        signature,
        folder: None,
    }
}

/// Loses the first answer to an operation, and remembers all calls.
#[derive(Clone, Default)]
struct Gremlin {
    loses: Option<&'static str>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Gremlin {
    fn losing(operation: &'static str) -> Self {
        Self {
            loses: Some(operation),
            ..Self::default()
        }
    }

    fn count(&self, operation: &str) -> usize {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|name| *name == operation).count()
    }
}

impl Mischief for Gremlin {
    fn before(&self, call: &Call) -> Fate {
        self.heard.lock().unwrap().push(call.operation.clone());
        Fate::Serve
    }

    fn applied(&self, call: &Call) -> Delivery {
        if self.loses == Some(call.operation.as_str()) && self.count(&call.operation) == 1 {
            Delivery::Lose
        } else {
            Delivery::Answer
        }
    }
}

struct World {
    sim: IParapheurSim,
    desk: IParapheur,
    ledger: Ledger,
    meddler: Meddler,
}

impl World {
    async fn new(options: Options) -> Self {
        let (ledger, meddler) = (Ledger::default(), Meddler::default());
        let sim = IParapheurSim::start(ledger.clone(), meddler.clone(), options)
            .await
            .unwrap();
        let (login, password) = sim.account();
        let desk = desk(&sim.url(), login, password);
        Self {
            sim,
            desk,
            ledger,
            meddler,
        }
    }

    async fn with_folder() -> Self {
        let world = Self::new(Options::default()).await;
        world.desk.submit(&letter(), Attempt::First).await.unwrap();
        world
    }

    fn effects(&self, effect: &str) -> Vec<String> {
        self.ledger.keys(Neighbour::IParapheur, effect)
    }

    fn meddles(&self, gremlin: Gremlin) -> Gremlin {
        self.meddler.becomes(gremlin.clone());
        gremlin
    }
}

fn desk(url: &str, login: &str, password: &str) -> IParapheur {
    IParapheur::new(&IParapheurConfig {
        url: url.to_owned(),
        login: login.to_owned(),
        password: password.into(),
        client_identity: None,
        timeout_seconds: 20,
    })
    .unwrap()
}

/// What is found on the PDF that came back, by whomever it was signed.
fn returned(file: &[u8]) -> Result<pdf::Verdict, pdf::Refusal> {
    let anybody = pdf::Signatories::default();
    pdf::returned(LETTER, file, &anybody.at(chrono::Utc::now()).unwrap())
}

fn letter() -> SigningRequest {
    SigningRequest {
        signature: SIGNATURE,
        title: "Notification SUB-2026-0012".to_owned(),
        desk_type: "Courrier".to_owned(),
        desk_subtype: "Notification".to_owned(),
        file_name: "notification.pdf".to_owned(),
        pdf: LETTER.to_vec(),
    }
}

fn class<T: std::fmt::Debug>(answer: Answer<T>) -> FailureClass {
    answer.unwrap_err().class
}

#[tokio::test]
async fn a_letter_is_deposited_signed_retrieved_and_archived() {
    for flavour in [Flavour::V4, Flavour::V5] {
        let options = Options {
            flavour,
            ..Options::default()
        };
        let world = World::new(options).await;
        let desk = &world.desk;
        desk.submit(&letter(), Attempt::First).await.unwrap();
        let waiting = DeskProgress::InProgress("NonLu".to_owned());
        assert_eq!(desk.progress(&PASSAGE).await.unwrap(), waiting);
        world.sim.sign(&folder_id(SIGNATURE)).unwrap();
        assert_eq!(
            desk.progress(&PASSAGE).await.unwrap(),
            DeskProgress::Finished
        );
        let folder = desk.retrieve(&PASSAGE).await.unwrap();
        let verdict = returned(&folder.pdf).unwrap();
        assert_eq!(verdict.binding, navette_domain::signature::Binding::Exact);
        assert_eq!(pdf::pages(&folder.slip.unwrap()), Ok(1));
        desk.archive(&PASSAGE).await.unwrap();
        assert_eq!(
            desk.progress(&PASSAGE).await.unwrap(),
            DeskProgress::Unknown
        );
        assert_eq!(world.effects("folder created"), [folder_id(SIGNATURE)]);
        assert_eq!(world.effects("folder archived"), [folder_id(SIGNATURE)]);
    }
}

#[tokio::test]
async fn what_the_desk_holds_is_what_was_sent() {
    let world = World::with_folder().await;
    let created = &world.ledger.entries()[0];
    let digest = navette_domain::digest::Digest::of(LETTER);
    assert_eq!(created.content, Some(digest));
}

#[tokio::test]
async fn a_title_stays_one_line_of_text_whatever_it_holds() {
    let seen = Arc::new(Mutex::new(String::new()));
    let witness = seen.clone();
    let automatic = Automatic {
        after: Duration::ZERO,
        objection: Arc::new(move |_, title| {
            title.clone_into(&mut witness.lock().unwrap());
            None
        }),
    };
    let world = World::new(Options {
        automatic: Some(automatic),
        ..Options::default()
    })
    .await;
    let request = SigningRequest {
        title: "L'été\n</DossierTitre> & ]]> &xxe;\u{1}".to_owned(),
        ..letter()
    };
    world.desk.submit(&request, Attempt::First).await.unwrap();
    world.desk.progress(&PASSAGE).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), "L'été </DossierTitre> & ]]> &xxe;");
    let long = wire::title(&"é".repeat(300));
    assert_eq!(long.chars().count(), 100);
}

#[tokio::test]
async fn a_folder_is_in_progress_until_its_last_line_says_otherwise() {
    let world = World::new(Options {
        slow_start: 1,
        ..Options::default()
    })
    .await;
    world.desk.submit(&letter(), Attempt::First).await.unwrap();
    let progress = || async { world.desk.progress(&PASSAGE).await.unwrap() };
    assert_eq!(
        progress().await,
        DeskProgress::InProgress("aucune étape".to_owned())
    );
    world.sim.visa(&folder_id(SIGNATURE), "Vu").unwrap();
    assert_eq!(
        progress().await,
        DeskProgress::InProgress("Vise".to_owned())
    );
}

#[tokio::test]
async fn the_same_folder_sent_twice_is_there_once() {
    let world = World::with_folder().await;
    world.desk.submit(&letter(), Attempt::First).await.unwrap();
    assert_eq!(world.effects("folder created").len(), 1);
}

#[tokio::test]
async fn after_a_lost_answer_the_desk_is_asked_before_anything_is_sent_again() {
    let world = World::new(Options::default()).await;
    let gremlin = world.meddles(Gremlin::losing("CreerDossier"));
    let lost = world.desk.submit(&letter(), Attempt::First).await;
    assert_eq!(class(lost), FailureClass::Transient);
    world.desk.submit(&letter(), Attempt::Again).await.unwrap();
    assert_eq!(gremlin.count("CreerDossier"), 1);
    assert_eq!(world.effects("folder created").len(), 1);
}

#[tokio::test]
async fn again_without_a_trace_of_the_first_time_creates_the_folder() {
    let world = World::new(Options::default()).await;
    world.desk.submit(&letter(), Attempt::Again).await.unwrap();
    assert_eq!(world.effects("folder created").len(), 1);
}

#[tokio::test]
async fn a_refusal_comes_with_its_reason_and_its_slip_and_is_then_erased() {
    let world = World::with_folder().await;
    let reason = "Montant à revoir : < 1 500 €";
    world.sim.reject(&folder_id(SIGNATURE), reason).unwrap();
    let DeskProgress::Rejected { by, reason: heard } = world.desk.progress(&PASSAGE).await.unwrap()
    else {
        unreachable!("the folder is rejected");
    };
    assert_eq!(
        (by.reveal().as_str(), heard.as_str()),
        ("Jeanne Exemple", reason)
    );
    let folder = world.desk.retrieve(&PASSAGE).await.unwrap();
    assert_eq!(folder.pdf, LETTER);
    assert_eq!(pdf::pages(&folder.slip.unwrap()), Ok(1));
    world.desk.archive(&PASSAGE).await.unwrap();
    assert_eq!(world.effects("folder erased"), [folder_id(SIGNATURE)]);
}

#[tokio::test]
async fn the_automatic_president_signs_all_but_what_is_objected_to() {
    let automatic = Automatic {
        after: Duration::ZERO,
        objection: Arc::new(|_, title| {
            title
                .contains("0013")
                .then(|| "Bénéficiaire à vérifier".to_owned())
        }),
    };
    let world = World::new(Options {
        automatic: Some(automatic),
        ..Options::default()
    })
    .await;
    let refused = SigningRequest {
        signature: SignatureId(Uuid::from_u128(8)),
        title: "Notification SUB-2026-0013".to_owned(),
        ..letter()
    };
    for request in [letter(), refused] {
        world.desk.submit(&request, Attempt::First).await.unwrap();
        let progress = world.desk.progress(&of(request.signature)).await.unwrap();
        let finished = progress == DeskProgress::Finished;
        assert_eq!(finished, request.title.contains("0012"), "{progress:?}");
    }
}

#[test]
fn the_configuration_needs_an_address_and_an_account_only() {
    let text = "url = 'https://desk.example/ws-iparapheur-no-mtom'\nlogin = 'a'\npassword = 'b'";
    let config: IParapheurConfig = toml::from_str(text).unwrap();
    assert_eq!(config.timeout_seconds, 300);
    assert!(IParapheur::new(&config).is_ok());
    let missing = IParapheurConfig {
        client_identity: Some("absent.pem".into()),
        ..config
    };
    assert!(IParapheur::new(&missing).is_err());
}

#[tokio::test]
async fn three_listings_tell_which_signatures_of_a_type_wait_for_nobody_any_more() {
    let world = World::new(Options::default()).await;
    let ids: Vec<_> = (1..=4).map(|n| SignatureId(Uuid::from_u128(n))).collect();
    for signature in &ids {
        let request = SigningRequest {
            signature: *signature,
            ..letter()
        };
        world.desk.submit(&request, Attempt::First).await.unwrap();
    }
    world.sim.sign(&folder_id(ids[0])).unwrap();
    world.sim.reject(&folder_id(ids[1]), "Non.").unwrap();
    world.sim.visa(&folder_id(ids[2]), "Vu.").unwrap();
    let gremlin = world.meddles(Gremlin::default());
    let moved = world.desk.moved("Courrier", "Notification").await.unwrap();
    assert_eq!(moved.unwrap(), ids[..2]);
    assert_eq!(gremlin.count("RechercherDossiers"), 3);
    let elsewhere = world.desk.moved("Courrier", "Autre").await.unwrap();
    assert_eq!(elsewhere, Some(vec![]));
}
