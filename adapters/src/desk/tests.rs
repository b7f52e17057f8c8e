//! What every desk must do, asked of each simulated one, and by hand of a real one.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::{
    pdf,
    sim::{
        fast_parapheur::{self, FastSim},
        iparapheur::{self, IParapheurSim},
        iparapheur_rest::{self, IParapheurRestSim},
        ledger::Ledger,
        pastell::{self, PastellSim},
        wire::Meddler,
    },
};
use navette_domain::{
    ids::SignatureId,
    ports::{Attempt, DeskProgress, Passage, SigningRequest},
};
use uuid::Uuid;

const LETTER: &[u8] = include_bytes!("../../fixtures/pdf/letter.pdf");

fn letter(signature: SignatureId, desk_type: &str, desk_subtype: &str) -> SigningRequest {
    SigningRequest {
        signature,
        title: "Essai de Navette, à ne pas signer".to_owned(),
        desk_type: desk_type.to_owned(),
        desk_subtype: desk_subtype.to_owned(),
        file_name: "essai.pdf".to_owned(),
        pdf: LETTER.to_vec(),
    }
}

/// Deposits a letter, and finds it under way, by the desk's name of it.
async fn deposits(desk: &dyn SigningDesk, request: &SigningRequest) -> Passage {
    let folder = desk.submit(request, Attempt::First).await.unwrap();
    let passage = Passage {
        signature: request.signature,
        folder: Some(folder),
    };
    let progress = desk.progress(&passage).await.unwrap();
    assert!(
        matches!(progress, DeskProgress::InProgress(_)),
        "{progress:?}"
    );
    passage
}

/// The same deposit again, and the folder without its name, are the one that is there.
async fn finds_it_again(desk: &dyn SigningDesk, request: &SigningRequest, passage: &Passage) {
    let again = desk.submit(request, Attempt::Again).await.unwrap();
    assert_eq!(Some(&again), passage.folder.as_ref());
    let unheard = Passage {
        folder: None,
        ..passage.clone()
    };
    let found = desk.progress(&unheard).await.unwrap();
    assert_eq!(found, desk.progress(passage).await.unwrap());
}

/// Once somebody has signed.
async fn brings_back(desk: &dyn SigningDesk, passage: &Passage) {
    assert_eq!(
        desk.progress(passage).await.unwrap(),
        DeskProgress::Finished
    );
    assert!(desk.withdraw(passage).await.is_err());
    let folder = desk.retrieve(passage).await.unwrap();
    let anybody = pdf::Signatories::default();
    let expected = anybody.at(chrono::Utc::now()).unwrap();
    assert!(pdf::returned(LETTER, &folder.pdf, &expected).is_ok());
    desk.archive(passage).await.unwrap();
    desk.archive(passage).await.unwrap();
}

fn open(toml: &str) -> Arc<dyn SigningDesk> {
    let config: DeskConfig = toml::from_str(toml).unwrap();
    config.open().unwrap()
}

#[tokio::test]
async fn every_desk_takes_a_letter_finds_it_again_and_brings_it_back_signed() {
    let (l, m) = (Ledger::default, Meddler::default);
    let request = letter(SignatureId(Uuid::from_u128(9)), "Courrier", "Notification");

    let sim = IParapheurSim::start(l(), m(), iparapheur::Options::default());
    let sim = sim.await.unwrap();
    let (login, password) = sim.account();
    let desk = open(&format!(
        "kind = 'soap'\nurl = '{}'\nlogin = '{login}'\npassword = '{password}'",
        sim.url()
    ));
    let passage = deposits(&*desk, &request).await;
    finds_it_again(&*desk, &request, &passage).await;
    sim.sign(&passage.folder.as_ref().unwrap().0).unwrap();
    brings_back(&*desk, &passage).await;

    let sim = IParapheurRestSim::start(l(), m(), iparapheur_rest::Options::default());
    let sim = sim.await.unwrap();
    let desk = open(&format!(
        "kind = 'rest'\nurl = '{}'\nlogin = 'ws'\npassword = 'secret'\ntenant = 'Département'\ndesk = 'Service Aides'",
        sim.url()
    ));
    let passage = deposits(&*desk, &request).await;
    finds_it_again(&*desk, &request, &passage).await;
    sim.sign(&passage.folder.as_ref().unwrap().0).unwrap();
    brings_back(&*desk, &passage).await;

    let sim = PastellSim::start(l(), m(), pastell::Options::default());
    let sim = sim.await.unwrap();
    let desk = open(&format!(
        "kind = 'pastell'\nurl = '{}'\nlogin = 'navette'\npassword = 'secret'\nentity = 1\n[flow]\nremoval = 'supression'",
        sim.url()
    ));
    let passage = deposits(&*desk, &request).await;
    finds_it_again(&*desk, &request, &passage).await;
    sim.sign(&passage.folder.as_ref().unwrap().0).unwrap();
    brings_back(&*desk, &passage).await;

    // This one cannot be searched: see its own tests.
    let sim = FastSim::start(l(), m()).await.unwrap();
    let desk = open(&format!(
        "kind = 'fast'\nurl = '{}'\nsubscriber = '{}'",
        sim.url(),
        fast_parapheur::SUBSCRIBER
    ));
    let request = letter(request.signature, "Courrier", fast_parapheur::CIRCUIT);
    let passage = deposits(&*desk, &request).await;
    sim.sign(&passage.folder.as_ref().unwrap().0).unwrap();
    brings_back(&*desk, &passage).await;
}

#[test]
fn a_desk_of_an_unknown_kind_or_with_a_word_too_many_is_refused() {
    let refused = |toml: &str| toml::from_str::<DeskConfig>(toml).unwrap_err().to_string();
    let unknown = refused("kind = 'fax'\nurl = 'https://desk.example'");
    assert!(
        unknown.contains("`soap`, `rest`, `pastell`, `fast`"),
        "{unknown}"
    );
    let more = refused("kind = 'fast'\nurl = 'https://d.example'\nsubscriber = '1'\nlogin = 'a'");
    assert!(more.contains("unknown field `login`"), "{more}");
}

/// By hand: `NAVETTE_REAL_DESK` names a file that holds the section of a desk, `NAVETTE_REAL_DESK_TYPE` is
/// `type/subtype`. A letter is deposited there, found, and taken back where the desk allows it.
#[tokio::test]
#[ignore = "needs a real desk"]
async fn a_real_desk_keeps_the_contract() {
    let given = |name: &str| std::env::var(name).unwrap();
    let config = std::fs::read_to_string(given("NAVETTE_REAL_DESK")).unwrap();
    let circuit = given("NAVETTE_REAL_DESK_TYPE");
    let (desk_type, desk_subtype) = circuit.split_once('/').unwrap();
    let desk = open(&config);
    let request = letter(SignatureId(Uuid::now_v7()), desk_type, desk_subtype);
    let passage = deposits(&*desk, &request).await;
    if !config.contains("'fast'") && !config.contains("\"fast\"") {
        finds_it_again(&*desk, &request, &passage).await;
        desk.withdraw(&passage).await.unwrap();
    }
}
