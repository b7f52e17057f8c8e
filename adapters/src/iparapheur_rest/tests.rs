//! The adapter against the simulated desk, on the wire.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::{premis::Premis, *};
use crate::{
    pdf,
    sim::{
        iparapheur_rest::{IParapheurRestSim, Oddity, Options},
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
    sim: IParapheurRestSim,
    desk: IParapheurRest,
    ledger: Ledger,
    meddler: Meddler,
}

impl World {
    async fn new(options: Options) -> Self {
        let (ledger, meddler) = (Ledger::default(), Meddler::default());
        let sim = IParapheurRestSim::start(ledger.clone(), meddler.clone(), options);
        let sim = sim.await.unwrap();
        let desk = IParapheurRest::new(&config(&sim)).unwrap();
        Self {
            sim,
            desk,
            ledger,
            meddler,
        }
    }

    /// With a folder whose id was heard.
    async fn with_folder() -> (Self, Passage) {
        let world = Self::new(Options::default()).await;
        let folder = world.desk.submit(&letter(), Attempt::First).await.unwrap();
        (world, of(Some(folder)))
    }

    fn effects(&self, effect: &str) -> usize {
        self.ledger.keys(NEIGHBOUR, effect).len()
    }

    async fn state(&self, passage: &Passage) -> DeskProgress {
        self.desk.progress(passage).await.unwrap()
    }
}

fn config(sim: &IParapheurRestSim) -> IParapheurRestConfig {
    let options = sim.options();
    IParapheurRestConfig {
        url: sim.url(),
        login: options.login.clone(),
        password: options.password.clone().into(),
        tenant: options.place.0.clone(),
        desk: options.place.1.clone(),
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
        title: "Notification SUB-2026-0012".to_owned(),
        desk_type: "Courrier".to_owned(),
        desk_subtype: "Notification".to_owned(),
        file_name: "notification n° 12, été.pdf".to_owned(),
        pdf: LETTER.to_vec(),
    }
}

fn class<T: std::fmt::Debug>(answer: Answer<T>) -> FailureClass {
    answer.unwrap_err().class
}

#[tokio::test]
async fn a_letter_is_deposited_signed_retrieved_and_deleted() {
    let (world, passage) = World::with_folder().await;
    let waiting = DeskProgress::InProgress("SIGNATURE".to_owned());
    assert_eq!(world.state(&passage).await, waiting);
    world.sim.sign(&world.sim.running()[0]).unwrap();
    assert_eq!(world.state(&passage).await, DeskProgress::Finished);
    let folder = world.desk.retrieve(&passage).await.unwrap();
    let anybody = pdf::Signatories::default();
    let expected = anybody.at(chrono::Utc::now()).unwrap();
    let verdict = pdf::returned(LETTER, &folder.pdf, &expected).unwrap();
    assert_eq!(verdict.binding, navette_domain::signature::Binding::Exact);
    assert_eq!(pdf::pages(&folder.slip.unwrap()), Ok(1));
    world.desk.archive(&passage).await.unwrap();
    world.desk.archive(&passage).await.unwrap();
    assert_eq!(world.state(&passage).await, DeskProgress::Unknown);
    assert_eq!(world.effects("folder created"), 1);
    assert_eq!(world.effects("folder deleted"), 1);
    let created = &world.ledger.entries()[0];
    let digest = navette_domain::digest::Digest::of(LETTER);
    assert_eq!(created.content, Some(digest));
}

#[tokio::test]
async fn after_a_lost_answer_the_folder_is_found_by_its_title_among_those_of_others() {
    let world = World::new(Options::default()).await;
    world.sim.crowd(250);
    world.meddler.becomes(Once::loses("POST folder"));
    let lost = world.desk.submit(&letter(), Attempt::First).await;
    assert_eq!(class(lost), FailureClass::Transient);
    let found = world.desk.submit(&letter(), Attempt::Again).await.unwrap();
    assert_eq!(world.effects("folder created"), 1);
    let waiting = DeskProgress::InProgress("SIGNATURE".to_owned());
    assert_eq!(world.state(&of(Some(found.clone()))).await, waiting);
    // Nobody heard its id: it is found wherever it stands.
    let unheard = of(None);
    assert_eq!(world.state(&unheard).await, waiting);
    world.sim.visa(&found.0).unwrap();
    assert_eq!(world.state(&unheard).await, waiting);
    world.sim.sign(&found.0).unwrap();
    assert_eq!(world.state(&unheard).await, DeskProgress::Finished);
}

#[tokio::test]
async fn a_server_that_does_not_list_what_is_at_other_desks_is_asked_about_known_folders_only() {
    let world = World::new(Options {
        lists_downstream: false,
        ..Options::default()
    })
    .await;
    let folder = world.desk.submit(&letter(), Attempt::First).await.unwrap();
    world.sim.visa(&folder.0).unwrap();
    assert_eq!(world.state(&of(None)).await, DeskProgress::Unknown);
    let waiting = DeskProgress::InProgress("SIGNATURE".to_owned());
    assert_eq!(world.state(&of(Some(folder))).await, waiting);
}

#[tokio::test]
async fn again_without_a_trace_of_the_first_time_creates_the_folder() {
    let world = World::new(Options::default()).await;
    world.desk.submit(&letter(), Attempt::Again).await.unwrap();
    assert_eq!(world.effects("folder created"), 1);
}

#[tokio::test]
async fn a_refusal_comes_with_who_and_why_and_is_then_deleted() {
    let (world, passage) = World::with_folder().await;
    let reason = "Montant à revoir : < 1 500 €";
    world.sim.reject(&world.sim.running()[0], reason).unwrap();
    let by = "Jeanne Exemple".to_owned().into();
    let rejected = DeskProgress::Rejected {
        by,
        reason: reason.to_owned(),
    };
    assert_eq!(world.state(&passage).await, rejected);
    assert_eq!(world.desk.retrieve(&passage).await.unwrap().pdf, LETTER);
    world.desk.archive(&passage).await.unwrap();
    assert_eq!(world.effects("folder deleted"), 1);
}

#[tokio::test]
async fn a_folder_is_withdrawn_once_whatever_answer_is_lost() {
    for lost in ["PUT undo", "DELETE folder"] {
        let (world, passage) = World::with_folder().await;
        world.meddler.becomes(Once::loses(lost));
        let first = world.desk.withdraw(&passage).await;
        assert_eq!(class(first), FailureClass::Transient, "{lost}");
        world.desk.withdraw(&passage).await.unwrap();
        assert_eq!(world.effects("folder taken back"), 1, "{lost}");
        assert_eq!(world.effects("folder deleted"), 1, "{lost}");
        assert_eq!(world.state(&passage).await, DeskProgress::Unknown);
    }
}

#[tokio::test]
async fn what_others_have_seen_or_signed_is_not_withdrawn() {
    let (world, passage) = World::with_folder().await;
    let id = world.sim.running()[0].clone();
    world.sim.visa(&id).unwrap();
    let seen = world.desk.withdraw(&passage).await;
    assert_eq!(class(seen), FailureClass::Rejected);
    assert_eq!(
        class(world.desk.archive(&passage).await),
        FailureClass::Rejected
    );
    world.sim.sign(&id).unwrap();
    let signed = world.desk.withdraw(&passage).await.unwrap_err();
    assert!(signed.sentence.contains("déjà signé"), "{signed}");
    assert_eq!(world.effects("folder deleted"), 0);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_once_when_it_is_refused() {
    let (world, passage) = World::with_folder().await;
    world.state(&passage).await;
    assert_eq!(world.sim.logins(), (1, 0));
    world.sim.forgets_tokens();
    world.state(&passage).await;
    assert_eq!(world.sim.logins(), (2, 0));
    // Refused with a new token too, the account is.
    world.sim.misbehaves("GET premis", Oddity::Unauthorised);
    world.sim.misbehaves("GET premis", Oddity::Unauthorised);
    let refused = world.desk.progress(&passage).await;
    assert_eq!(class(refused), FailureClass::Credentials);

    let short = World::new(Options {
        token_seconds: 0,
        ..Options::default()
    })
    .await;
    // A token that is over when it arrives is renewed for each call, and refused at each.
    let refused = short.desk.submit(&letter(), Attempt::First).await;
    assert_eq!(class(refused), FailureClass::Credentials);
    assert_eq!(short.sim.logins(), (2, 0));
}

#[tokio::test]
async fn a_refused_account_is_told_apart_and_its_password_is_never_printed() {
    let world = World::new(Options::default()).await;
    let stranger = IParapheurRest::new(&IParapheurRestConfig {
        password: "mauvais-secret".to_owned().into(),
        ..config(&world.sim)
    })
    .unwrap();
    let refused = stranger.progress(&of(None)).await;
    assert_eq!(class(refused), FailureClass::Credentials);
    assert!(!format!("{stranger:?}").contains("mauvais-secret"));
}

#[tokio::test]
async fn what_the_desk_does_not_have_is_named_with_what_it_has() {
    let world = World::new(Options::default()).await;
    let other = SigningRequest {
        desk_subtype: "Convention".to_owned(),
        ..letter()
    };
    let failure = world.desk.submit(&other, Attempt::First).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(
        failure.sentence.contains("« Convention » (sous-type)"),
        "{failure}"
    );
    assert!(
        failure.sentence.contains("il propose : Notification"),
        "{failure}"
    );
    let elsewhere = IParapheurRest::new(&IParapheurRestConfig {
        desk: "Présidence".to_owned(),
        ..config(&world.sim)
    })
    .unwrap();
    let failure = elsewhere.progress(&of(None)).await.unwrap_err();
    assert!(
        failure.sentence.contains("« Présidence » (bureau)"),
        "{failure}"
    );
    assert_eq!(world.effects("folder created"), 0);
}

#[tokio::test]
async fn a_refusal_of_the_server_does_not_repeat_the_title() {
    let world = World::new(Options::default()).await;
    let empty = SigningRequest {
        title: "Notification à Mme Exemple".to_owned(),
        pdf: Vec::new(),
        ..letter()
    };
    let failure = world.desk.submit(&empty, Attempt::First).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(failure.sentence.contains("iParapheur refuse"), "{failure}");
    assert!(!failure.sentence.contains("Exemple"), "{failure}");
}

#[tokio::test]
async fn an_archive_that_is_cut_false_or_hostile_is_asked_for_again() {
    let (world, passage) = World::with_folder().await;
    world.sim.sign(&world.sim.running()[0]).unwrap();
    for oddity in [
        Oddity::TruncatedZip,
        Oddity::OtherDocument,
        Oddity::ClimbingName,
        Oddity::PageForAnswer,
    ] {
        world.sim.misbehaves("GET zip", oddity);
        let odd = world.desk.retrieve(&passage).await;
        assert_eq!(class(odd), FailureClass::Transient, "{oddity:?}");
    }
    world.desk.retrieve(&passage).await.unwrap();
}

#[test]
fn an_archive_that_swells_is_not_read_to_its_end() {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let chunk = vec![0; 1 << 20];
    zip.start_file("Annexes/grand.pdf", zip::write::SimpleFileOptions::DEFAULT)
        .unwrap();
    for _ in 0..257 {
        zip.write_all(&chunk).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.len() < 2 << 20);
    assert!(matches!(
        archive::read(&bytes),
        Err(archive::Unsound::TooMuch)
    ));
}

#[test]
fn a_folder_that_waits_for_somebody_is_not_finished_whatever_its_last_line_says() {
    let premis = |events: &[(&str, &str)]| {
        let events: String = (events.iter())
            .map(|(kind, at)| {
                format!("<event><eventType>{kind}</eventType><eventDateTime>{at}</eventDateTime></event>")
            })
            .collect();
        let xml = format!("<premis xmlns='{}'>{events}</premis>", premis::NAMESPACE);
        Premis::read(xml.as_bytes()).unwrap().progress()
    };
    let at = "2025-08-05T10:02:52.618+0200";
    let waits = |kind: &str| DeskProgress::InProgress(kind.to_owned());
    assert_eq!(
        premis(&[("START", at), ("SIGNATURE", ""), ("ARCHIVE", "")]),
        waits("SIGNATURE")
    );
    assert_eq!(
        premis(&[
            ("START", at),
            ("SIGNATURE", at),
            ("READ", ""),
            ("ARCHIVE", "")
        ]),
        DeskProgress::Finished
    );
    assert_eq!(
        premis(&[("REJECT", at), ("START", at), ("VISA", "")]),
        waits("VISA")
    );
    assert_eq!(premis(&[("SOMETHING_NEW", at)]), waits("SOMETHING_NEW"));
    assert_eq!(premis(&[]), waits("aucune étape"));
    assert!(Premis::read(b"<html/>").is_err());
}
