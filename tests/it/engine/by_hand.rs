//! What operators do in Navette's place.

use super::Watched;
use crate::support::{TestApp, asks, quick, run};
use navette::{dispatch::DispatchFailure, neighbourhood::Manners, workers::RetryPolicy};
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
        let skip = async |step: &str, number: Option<&str>| {
            let (step, why) = (named(step), "Maarch était en panne");
            let skipped = batches.skip_document(&asks(), document, &step, number, why);
            skipped.await.map_err(|failure| match failure {
                DispatchFailure::Refused(refusal) => refusal,
                failure => panic!("{failure}"),
            })
        };
        let other = DocumentRefusal::OtherStep(named("register"));
        assert_eq!(skip("attach", None).await, Err(other));
        let number = DocumentRefusal::NeedsNumber;
        assert_eq!(skip("register", None).await, Err(number));
        skip("register", Some("2026D/99")).await.unwrap();
        test.until_status(document, DocumentStatus::Delivered).await;
        let registration = test.journey(document).await.registration.unwrap();
        assert_eq!(registration.chrono, "2026D/99");
        let told = test.neighbours.smtp.accepted().pop().unwrap();
        let told = String::from_utf8_lossy(&told.raw).into_owned();
        assert!(told.contains("2026D/99"), "{told}");
        let why: String = sqlx::query_scalar(
            "SELECT metadata::jsonb->>'actor' || ' : ' || (payload::jsonb->>'reason')
             FROM events WHERE event_type = 'document.skipped'",
        )
        .fetch_one(&test.app.pool)
        .await
        .unwrap();
        assert_eq!(why, "token:test : Maarch était en panne");
        test.end().await;
    });
}
