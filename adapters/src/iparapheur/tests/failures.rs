//! What goes wrong at the desk, and what is taken back from it.

use super::*;
use crate::sim::{iparapheur::Oddity, wire::serve};

#[tokio::test]
async fn a_ko_is_for_a_person_and_does_not_repeat_the_title() {
    let world = World::new(Options::default()).await;
    let request = SigningRequest {
        desk_subtype: "Inconnu".to_owned(),
        ..letter()
    };
    let failure = world
        .desk
        .submit(&request, Attempt::First)
        .await
        .unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(failure.sentence.contains("sous-type inconnu"), "{failure}");
    let request = SigningRequest {
        title: "Notification à Mme Exemple".to_owned(),
        pdf: Vec::new(),
        ..letter()
    };
    let failure = world
        .desk
        .submit(&request, Attempt::First)
        .await
        .unwrap_err();
    assert!(!failure.sentence.contains("Exemple"), "{failure}");
    assert_eq!(world.effects("folder created"), [""; 0]);
}

#[tokio::test]
async fn an_answer_that_says_neither_yes_nor_no_is_not_a_success() {
    let world = World::new(Options::default()).await;
    world.sim.misbehaves("CreerDossier", Oddity::EmptyCode);
    let unclear = world.desk.submit(&letter(), Attempt::First).await;
    assert_eq!(class(unclear), FailureClass::Transient);
    world.desk.submit(&letter(), Attempt::Again).await.unwrap();
    assert_eq!(world.effects("folder created").len(), 1);
}

#[tokio::test]
async fn a_breakdown_of_the_desk_is_transient() {
    let world = World::with_folder().await;
    for oddity in [Oddity::Fault, Oddity::DocumentType] {
        world.sim.misbehaves("GetHistoDossier", oddity);
        let answer = world.desk.progress(&PASSAGE).await;
        assert_eq!(class(answer), FailureClass::Transient, "{oddity:?}");
    }
    world.sim.sign(&folder_id(SIGNATURE)).unwrap();
    world.sim.misbehaves("GetDossier", Oddity::TruncatedBase64);
    assert_eq!(
        class(world.desk.retrieve(&PASSAGE).await),
        FailureClass::Transient
    );
    world.desk.retrieve(&PASSAGE).await.unwrap();
}

#[tokio::test]
async fn a_document_returned_as_it_was_sent_is_seen() {
    let world = World::with_folder().await;
    world.sim.sign(&folder_id(SIGNATURE)).unwrap();
    world.sim.misbehaves("GetDossier", Oddity::Unsigned);
    let folder = world.desk.retrieve(&PASSAGE).await.unwrap();
    assert_eq!(returned(&folder.pdf), Err(pdf::Refusal::Unchanged));
}

#[tokio::test]
async fn a_refused_account_is_told_apart_and_its_password_is_never_printed() {
    let world = World::new(Options::default()).await;
    let stranger = desk(&world.sim.url(), "navette", "mauvais-secret");
    assert_eq!(
        class(stranger.progress(&PASSAGE).await),
        FailureClass::Credentials
    );
    assert!(!format!("{stranger:?}").contains("mauvais-secret"));
}

#[tokio::test]
async fn a_folder_that_the_desk_does_not_know_is_unknown_and_needs_no_clearing() {
    let world = World::new(Options::default()).await;
    assert_eq!(
        world.desk.progress(&PASSAGE).await.unwrap(),
        DeskProgress::Unknown
    );
    world.desk.archive(&PASSAGE).await.unwrap();
    world.desk.withdraw(&PASSAGE).await.unwrap();
    assert_eq!(
        class(world.desk.retrieve(&PASSAGE).await),
        FailureClass::Rejected
    );
}

#[tokio::test]
async fn archiving_again_after_a_lost_answer_is_done_once() {
    let world = World::with_folder().await;
    world.sim.sign(&folder_id(SIGNATURE)).unwrap();
    world.meddles(Gremlin::losing("ArchiverDossier"));
    assert_eq!(
        class(world.desk.archive(&PASSAGE).await),
        FailureClass::Transient
    );
    world.desk.archive(&PASSAGE).await.unwrap();
    assert_eq!(world.effects("folder archived").len(), 1);
}

#[tokio::test]
async fn a_running_folder_is_not_archived() {
    let world = World::with_folder().await;
    assert_eq!(
        class(world.desk.archive(&PASSAGE).await),
        FailureClass::Rejected
    );
    assert_eq!(world.sim.running(), [folder_id(SIGNATURE)]);
}

#[tokio::test]
async fn a_folder_is_withdrawn_once_whatever_answer_is_lost() {
    for lost in ["ExercerDroitRemordDossier", "ArchiverDossier"] {
        let world = World::with_folder().await;
        world.meddles(Gremlin::losing(lost));
        assert_eq!(
            class(world.desk.withdraw(&PASSAGE).await),
            FailureClass::Transient
        );
        world.desk.withdraw(&PASSAGE).await.unwrap();
        assert_eq!(world.effects("folder taken back").len(), 1);
        assert_eq!(world.effects("folder archived").len(), 1);
    }
}

#[tokio::test]
async fn a_signed_folder_is_not_withdrawn() {
    let world = World::with_folder().await;
    world.sim.sign(&folder_id(SIGNATURE)).unwrap();
    assert_eq!(
        class(world.desk.withdraw(&PASSAGE).await),
        FailureClass::Rejected
    );
    assert_eq!(
        world.desk.progress(&PASSAGE).await.unwrap(),
        DeskProgress::Finished
    );
}

#[tokio::test]
async fn the_gate_before_the_desk_refuses_our_certificate_not_the_letter() {
    let router = axum::Router::new().fallback(|| async { StatusCode::FORBIDDEN });
    let name = |_: &axum::http::Request<()>, _: &[u8]| String::new();
    let gate = serve(
        Neighbour::IParapheur,
        router,
        name,
        Meddler::default(),
        None,
    )
    .await
    .unwrap();
    let answer = desk(&gate.url(), "a", "b").progress(&PASSAGE).await;
    assert_eq!(class(answer), FailureClass::Credentials);
}
