//! Conditions, approvals and waits of a document.

use super::*;
use crate::testing::now;

fn status_after(events: &[E]) -> Option<DocumentStatus> {
    let document: Document = replay(after("visaed", events));
    document.journey().map(super::super::Journey::status)
}

#[test]
fn a_condition_is_recorded_with_what_its_fields_were() {
    for (holds, expected) in [
        (
            true,
            E::StepTaken {
                step: step("sign"),
                expression: "dossier.montant > 23000".into(),
                found: found(),
                at: now(),
            },
        ),
        (
            false,
            E::StepSkipped {
                step: step("sign"),
                expression: "dossier.montant > 23000".into(),
                found: found(),
                at: now(),
            },
        ),
    ] {
        given::<Document>(until("visaed"))
            .when(record_weighed("sign", holds))
            .then_expect_events(vec![expected.clone()]);
        given::<Document>(after("visaed", &[expected]))
            .when(record_weighed("sign", holds))
            .then_expect_events(silence());
    }
}

#[test]
fn only_a_document_that_waits_for_an_approval_is_approved_or_refused() {
    for command in [
        approve(None),
        approve(Some("visa-chef")),
        refuse_approval(None, "non"),
    ] {
        given::<Document>(until("visaed"))
            .when(command)
            .then_expect_error(R::NoApproval);
    }
    let asked = after("visaed", &[approval_asked("approve")]);
    given::<Document>(asked.clone())
        .when(approve(Some("other")))
        .then_expect_error(R::NoApproval);
    given::<Document>(asked.clone())
        .when(approve(Some("approve")))
        .then_expect_events(vec![approved("approve")]);
    given::<Document>([asked, vec![approved("approve")]].concat())
        .when(approve(Some("approve")))
        .then_expect_events(silence());
}

fn approved(name: &str) -> E {
    E::Approved {
        step: step(name),
        comment: None,
        at: now(),
    }
}

#[test]
fn of_two_approvals_one_says_which() {
    let both = after(
        "visaed",
        &[approval_asked("chef"), approval_asked("direction")],
    );
    for command in [approve(None), refuse_approval(None, "non")] {
        given::<Document>(both.clone())
            .when(command)
            .then_expect_error(R::WhichApproval);
    }
    given::<Document>(both)
        .when(approve(Some("chef")))
        .then_expect_events(vec![approved("chef")]);
}

#[test]
fn a_refusal_to_approve_has_a_reason_and_stops_the_step() {
    let asked = after("visaed", &[approval_asked("approve")]);
    given::<Document>(asked.clone())
        .when(refuse_approval(None, " "))
        .then_expect_error(R::NoReason);
    let refused = E::ApprovalRefused {
        step: step("approve"),
        reason: "trop cher".into(),
        at: now(),
    };
    given::<Document>(asked.clone())
        .when(refuse_approval(None, "trop cher"))
        .then_expect_events(vec![refused.clone()]);
    let document: Document = replay([asked, vec![refused]].concat());
    let trouble = document.journey().and_then(super::super::Journey::trouble);
    assert_eq!(trouble.as_deref(), Some("Approbation refusée : trop cher"));
}

#[test]
fn the_status_says_what_a_document_waits_for_and_an_approval_before_a_moment() {
    use DocumentStatus as S;
    let asked = approval_asked("approve");
    assert_eq!(
        status_after(std::slice::from_ref(&asked)),
        Some(S::InApproval)
    );
    assert_eq!(status_after(&[wait_began()]), Some(S::Waiting));
    assert_eq!(
        status_after(&[wait_began(), asked.clone()]),
        Some(S::InApproval)
    );
    assert_eq!(
        status_after(&[asked.clone(), approved("approve")]),
        Some(S::Visaed)
    );
    assert_eq!(status_after(&[asked, cancelled()]), Some(S::Cancelled));
}

#[test]
fn a_wait_ends_only_after_it_began_and_never_in_a_document_that_others_hold() {
    given::<Document>(until("visaed"))
        .when(end_wait())
        .then_expect_error(refusal("visé", "terminer l'attente"));
    given::<Document>(until("sent_for_visa"))
        .when(begin_wait())
        .then_expect_error(refusal("en visa", "remettre le document"));
    given::<Document>(after("visaed", &[wait_began()]))
        .when(end_wait())
        .then_expect_events(vec![E::WaitEnded {
            step: step("wait"),
            at: now(),
        }]);
}
