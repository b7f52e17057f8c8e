//! Rules, one test each.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

mod by_hand;
mod commands;
mod in_house;
mod model;
mod paper;
mod table;

use super::{
    Document, DocumentCommand as C, DocumentEvent as E, DocumentRefusal as R, DocumentStatus,
};
use crate::testing::{given, pdf, replay, step};
use commands::*;
use cqrs_es::DomainEvent as _;

/// The history of a document on its way, up to the event of this name.
fn until(name: &str) -> Vec<E> {
    let way = way();
    let last = way
        .iter()
        .position(|event| event.event_type() == format!("document.{name}"));
    way[..=last.expect("an event on the way")].to_vec()
}

/// The history up to the event of this name, then `more`.
fn after(name: &str, more: &[E]) -> Vec<E> {
    [&until(name), more].concat()
}

fn refusal(status: &'static str, what: &'static str) -> R {
    R::NotFrom { status, what }
}

fn silence() -> Vec<E> {
    vec![]
}

#[test]
fn a_document_is_requested_once() {
    given::<Document>([])
        .when(request())
        .then_expect_events(until("requested"));
    given::<Document>(until("merged"))
        .when(request())
        .then_expect_events(silence());
}

#[test]
fn the_order_of_a_document_never_changes() {
    given::<Document>(until("requested"))
        .when(request_other())
        .then_expect_error(R::AlreadyRequested);
}

#[test]
fn a_document_that_does_not_exist_answers_that_it_does_not_exist() {
    given::<Document>([])
        .when(cancel())
        .then_expect_error(R::NotRequested);
}

/// Each report of the way: what it reports, the event before which it is refused, and the refusal.
#[test]
fn each_report_is_recorded_in_its_turn_once_and_never_before() {
    let deliver_first = refusal("fusionné", "remettre le document");
    for (name, command, too_early, expected) in [
        ("merged", record_merged(), None, R::NotRequested),
        (
            "converted",
            record_converted(),
            Some("requested"),
            refusal("demandé", "enregistrer le PDF"),
        ),
        (
            "sent_for_visa",
            record_sent_for_visa("42"),
            Some("merged"),
            refusal("fusionné", "mettre en visa"),
        ),
        (
            "visaed",
            record_visaed("annotated letter"),
            Some("converted"),
            refusal("en PDF", "enregistrer le visa"),
        ),
        (
            "sent_for_signature",
            record_sent_for_signature(1),
            Some("sent_for_visa"),
            refusal("en visa", "mettre en signature"),
        ),
        (
            "signed",
            record_signed(1),
            Some("visaed"),
            refusal("visé", "enregistrer la signature"),
        ),
        (
            "registered",
            record_registered(),
            Some("sent_for_signature"),
            refusal("en signature", "enregistrer le courrier"),
        ),
        (
            "attached",
            record_attached(),
            Some("sent_for_signature"),
            refusal("en signature", "rattacher le document"),
        ),
        (
            "reported",
            record_reported(),
            Some("merged"),
            deliver_first.clone(),
        ),
        (
            "emailed",
            record_emailed(),
            Some("merged"),
            deliver_first.clone(),
        ),
        (
            "published",
            record_published(),
            Some("merged"),
            deliver_first.clone(),
        ),
        ("delivered", deliver(), Some("merged"), deliver_first),
    ] {
        let mut history = until(name);
        let event = history.pop().expect("the event itself");
        given::<Document>(history)
            .when(command.clone())
            .then_expect_events(vec![event]);
        given::<Document>(until(name))
            .when(command.clone())
            .then_expect_events(silence());
        given::<Document>(too_early.map(until).unwrap_or_default())
            .when(command)
            .then_expect_error(expected);
    }
}

#[test]
fn a_late_answer_about_a_step_that_is_over_changes_nothing() {
    for late in [
        record_merged(),
        record_visaed("letter"),
        record_visa_refused(),
        record_signed(2),
        fail("merge"),
    ] {
        given::<Document>(until("registered"))
            .when(late)
            .then_expect_events(silence());
    }
}

#[test]
fn a_late_answer_never_moves_a_cancelled_or_delivered_document() {
    for (history, status) in [
        (after("sent_for_visa", &[cancelled()]), "annulé"),
        (after("converted", &[delivered()]), "remis"),
    ] {
        given::<Document>(history)
            .when(record_visaed("letter"))
            .then_expect_error(refusal(status, "enregistrer le visa"));
    }
}

#[test]
fn what_circulates_is_the_pdf_in_force() {
    let given_visa: Document = replay(until("visaed"));
    let visaed = given_visa.journey().and_then(|journey| journey.stage.pdf());
    assert_eq!(visaed, Some(pdf("annotated letter")));
    assert!(until("sent_for_signature").contains(&sent_for_signature("annotated letter")));
}

#[test]
fn a_document_does_not_circulate_twice() {
    given::<Document>(until("sent_for_visa"))
        .when(record_sent_for_visa("43"))
        .then_expect_error(refusal("en visa", "mettre en visa"));
}

#[test]
fn a_visa_says_whether_the_pdf_came_back_unchanged() {
    for (content, unchanged) in [("letter", true), ("annotated letter", false)] {
        given::<Document>(until("sent_for_visa"))
            .when(record_visaed(content))
            .then_expect_events(vec![visaed(content, unchanged)]);
    }
}

#[test]
fn a_refused_visa_waits_for_a_person() {
    given::<Document>(until("sent_for_visa"))
        .when(record_visa_refused())
        .then_expect_events(vec![visa_refused()]);
    let refused = after("sent_for_visa", &[visa_refused()]);
    given::<Document>(refused.clone())
        .when(record_visa_refused())
        .then_expect_events(silence());
    given::<Document>(refused)
        .when(record_visaed("letter"))
        .then_expect_error(R::Waiting);
    given::<Document>(until("converted"))
        .when(record_visa_refused())
        .then_expect_error(refusal("en PDF", "enregistrer le visa"));
}

#[test]
fn a_refused_signature_waits_for_a_person() {
    given::<Document>(until("sent_for_signature"))
        .when(record_signature_refused(1))
        .then_expect_events(vec![signature_refused()]);
    let refused = after("sent_for_signature", &[signature_refused()]);
    given::<Document>(refused.clone())
        .when(record_signature_refused(1))
        .then_expect_events(silence());
    given::<Document>(refused)
        .when(record_signed(1))
        .then_expect_error(R::Waiting);
    given::<Document>(until("visaed"))
        .when(record_signature_refused(1))
        .then_expect_error(refusal("visé", "enregistrer la signature"));
}

#[test]
fn only_the_passage_under_way_at_the_desk_is_heard() {
    for other in [
        record_sent_for_signature(2),
        record_signed(2),
        record_signature_refused(2),
    ] {
        given::<Document>(until("sent_for_signature"))
            .when(other.clone())
            .inspect_result()
            .expect_err("another passage is not this one");
    }
}

#[test]
fn the_number_in_the_mail_register_is_still_known_when_messages_leave() {
    let attached: Document = replay(until("attached"));
    let known = attached
        .journey()
        .and_then(|journey| journey.registration.clone());
    assert_eq!(known, Some(registration()));
}

#[test]
fn a_failed_step_says_why_once() {
    given::<Document>(until("merged"))
        .when(fail("convert"))
        .then_expect_events(vec![failed("convert")]);
    given::<Document>(after("merged", &[failed("convert")]))
        .when(fail("convert"))
        .then_expect_events(silence());
    given::<Document>(after("merged", &[cancelled()]))
        .when(fail("convert"))
        .then_expect_error(refusal("annulé", "signaler un échec"));
}

#[test]
fn an_answer_that_comes_after_its_failure_is_recorded_and_ends_the_trouble() {
    let history = after("sent_for_visa", &[failed("visa")]);
    given::<Document>(history.clone())
        .when(record_visaed("letter"))
        .then_expect_events(vec![visaed("letter", true)]);
    let mended: Document = replay([history, vec![visaed("letter", true)]].concat());
    assert_eq!(mended.journey().and_then(super::Journey::trouble), None);
}

#[test]
fn a_failed_step_is_retried_once() {
    given::<Document>(after("merged", &[failed("convert")]))
        .when(retry())
        .then_expect_events(vec![retried()]);
    given::<Document>(after("merged", &[failed("convert"), retried()]))
        .when(retry())
        .then_expect_error(R::NothingToRetry);
    given::<Document>(until("delivered"))
        .when(retry())
        .then_expect_error(refusal("remis", "relancer le document"));
}

#[test]
fn retrying_what_was_refused_starts_it_over() {
    for (history, reason) in [
        (after("sent_for_visa", &[visa_refused()]), "faute au nom"),
        (
            after("sent_for_signature", &[signature_refused()]),
            "montant erroné",
        ),
    ] {
        given::<Document>(history)
            .when(retry())
            .then_expect_events(vec![restarted(reason)]);
    }
}

#[test]
fn a_stopped_document_starts_over_in_a_new_round_with_nothing_done() {
    for name in ["requested", "merged", "converted", "sent_for_visa"] {
        given::<Document>(after(name, &[failed("any")]))
            .when(restart())
            .then_expect_events(vec![restarted("modèle corrigé")]);
    }
    let document: Document = replay(after(
        "converted",
        &[failed("visa"), restarted("modèle corrigé")],
    ));
    let journey = document.journey().expect("it exists");
    assert_eq!(journey.stage.status(), DocumentStatus::Requested);
    assert_eq!((journey.round, journey.done.as_slice()), (2, [].as_slice()));
    assert_eq!(journey.trouble(), None);
    assert_eq!(journey.title(), "Notification SUB-2026-0012 (version 2)");
}

/// A contract with every log there is, like the golden files, whose sample leaves it out.
#[test]
fn where_a_document_goes_back_to_is_stored_as_it_always_was() {
    let pdf = serde_json::json!({ "pdf": { "file": "ab".repeat(32), "pages": 2 } });
    let merged = serde_json::json!({
        "office": "ab".repeat(32), "format": "odt", "at": "2026-03-17T09:30:00Z",
    });
    for stage in [
        serde_json::json!("Requested"),
        serde_json::json!({ "Merged": merged }),
        serde_json::json!({ "Converted": pdf }),
        serde_json::json!({ "Visaed": pdf }),
    ] {
        let stored = serde_json::json!({
            "type": "document.restarted",
            "reason": "circuit corrigé",
            "back_to": { "step": "visa", "kept": ["merge", "convert"], "stage": stage },
            "at": "2026-03-17T09:30:00Z",
        });
        let event: E = serde_json::from_value(stored.clone()).expect("it was stored so");
        assert!(matches!(
            &event,
            E::Restarted {
                back_to: Some(_),
                ..
            }
        ));
        assert_eq!(serde_json::to_value(&event).expect("JSON"), stored);
    }
}

#[test]
fn a_document_under_way_does_not_start_over_since_an_old_answer_would_pass_for_a_new_one() {
    for name in ["requested", "merged", "converted", "sent_for_visa"] {
        given::<Document>(until(name))
            .when(restart())
            .then_expect_error(R::NothingToRetry);
    }
}

#[test]
fn what_has_its_visa_or_is_at_the_desk_does_not_start_over() {
    for (name, status) in [
        ("visaed", "visé"),
        ("sent_for_signature", "en signature"),
        ("signed", "signé"),
    ] {
        given::<Document>(after(name, &[failed("any")]))
            .when(restart())
            .then_expect_error(refusal(status, "recommencer le document"));
    }
}

#[test]
fn everything_that_is_not_delivered_may_be_cancelled_once() {
    for name in [
        "requested",
        "sent_for_visa",
        "sent_for_signature",
        "published",
    ] {
        given::<Document>(until(name))
            .when(cancel())
            .then_expect_events(vec![cancelled()]);
    }
    given::<Document>(after("merged", &[cancelled()]))
        .when(cancel())
        .then_expect_events(silence());
    given::<Document>(until("delivered"))
        .when(cancel())
        .then_expect_error(refusal("remis", "annuler le document"));
}

#[test]
fn a_second_request_in_the_log_does_not_wipe_a_journey() {
    let document: Document = replay(after("merged", &until("requested")));
    let status = document.journey().map(|journey| journey.stage.status());
    assert_eq!(status, Some(DocumentStatus::Merged));
    assert_eq!(
        document.journey().map(|journey| journey.done.clone()),
        Some(vec![step("merge")])
    );
}
