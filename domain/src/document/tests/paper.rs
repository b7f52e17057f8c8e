//! A document that is signed by hand.

use super::*;
use crate::testing::now;

#[test]
fn the_scan_that_came_back_is_the_pdf_in_force() {
    let printed = after("visaed", &[sent_to_print("annotated letter")]);
    given::<Document>(until("visaed"))
        .when(send_to_print())
        .then_expect_events(vec![sent_to_print("annotated letter")]);
    given::<Document>(printed.clone())
        .when(record_scan_returned())
        .then_expect_events(vec![scan_returned()]);
    let document: Document = replay([printed, vec![scan_returned()]].concat());
    let journey = document.journey().expect("a document on its way");
    assert_eq!(journey.status(), DocumentStatus::Signed);
    assert_eq!(journey.stage.pdf(), Some(pdf("scan")));
    assert_eq!(journey.wait, None);
}

#[test]
fn a_scan_is_taken_once_and_only_of_what_is_on_paper() {
    for (name, status) in [
        ("converted", "en PDF"),
        ("sent_for_signature", "en signature"),
    ] {
        given::<Document>(until(name))
            .when(record_scan_returned())
            .then_expect_error(refusal(status, "recevoir un scan"));
    }
    given::<Document>(after(
        "converted",
        &[sent_to_print("letter"), scan_returned()],
    ))
    .when(record_scan_returned())
    .then_expect_events(silence());
}

#[test]
fn a_document_on_paper_waits_for_people_and_starts_over_when_somebody_says_so() {
    let printed = after("visaed", &[sent_to_print("annotated letter")]);
    let document: Document = replay(printed.clone());
    let wait = document.journey().and_then(|journey| journey.wait);
    assert_eq!(wait.map(|wait| wait.since), Some(now()));
    given::<Document>(printed.clone())
        .when(record_reminded())
        .then_expect_events(vec![E::Reminded {
            step: step("current"),
            at: now(),
        }]);
    given::<Document>(printed)
        .when(restart())
        .then_expect_events(vec![restarted("modèle corrigé")]);
}
