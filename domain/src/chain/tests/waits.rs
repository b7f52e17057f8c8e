//! Reminders and the end of patience.

use super::*;
use crate::{
    chain::{Due, due},
    document::{Document, DocumentEvent as E, Journey, Wait},
    ids::DossierId,
    testing::{chain_ref, march, pdf, template_ref},
};
use chrono::{DateTime, TimeDelta, Utc};

fn days(number: i64) -> DateTime<Utc> {
    now() + TimeDelta::days(number)
}

/// A document that waits for its signature since today.
fn waiting() -> Journey {
    let order = crate::document::Order {
        batch: crate::ids::BatchId(uuid(1)),
        subject: crate::document::Subject::Dossier(DossierId(uuid(2))),
        chain: chain_ref(),
        template: template_ref(),
        included: vec![],
        title: "Notification SUB-2026-0012".into(),
        date: march(17),
        trigger: None,
    };
    after(
        Document::default(),
        [
            E::Requested { order, at: now() },
            E::Converted {
                step: step("convert"),
                pdf: pdf("letter"),
                at: now(),
            },
            E::SentForSignature {
                step: step("sign"),
                signature: SignatureId(uuid(9)),
                sent: pdf("letter").file,
                at: now(),
            },
        ],
    )
}

fn after(document: Document, events: impl IntoIterator<Item = E>) -> Journey {
    let document = events.into_iter().fold(document, Document::evolve);
    document.journey().cloned().expect("a document on its way")
}

fn and(journey: &Journey, event: E) -> Journey {
    after(Document::Open(Box::new(journey.clone())), [event])
}

fn patient(remind: Option<u16>, expire: Option<u16>) -> Step {
    let definition = notification();
    let signing = definition.step(&step("sign")).expect("a step that signs");
    Step {
        remind_days: remind.and_then(std::num::NonZeroU16::new),
        expire_days: expire.and_then(std::num::NonZeroU16::new),
        ..signing.clone()
    }
}

#[test]
fn a_reminder_is_due_so_many_days_after_the_one_before_and_never_two_at_once() {
    let step_of_three = patient(Some(3), None);
    let journey = waiting();
    assert_eq!(
        due(&step_of_three, &journey, days(2)),
        Due::Nothing(Some(days(3)))
    );
    assert_eq!(due(&step_of_three, &journey, days(3)), Due::Reminder);
    // Nobody looked for a month.
    assert_eq!(due(&step_of_three, &journey, days(30)), Due::Reminder);
    let reminded = E::Reminded {
        step: step("sign"),
        at: days(30),
    };
    let journey = and(&journey, reminded);
    assert_eq!(
        due(&step_of_three, &journey, days(30)),
        Due::Nothing(Some(days(33)))
    );
    assert_eq!(journey.wait.map(|wait: Wait| wait.reminders), Some(1));
}

#[test]
fn patience_ends_after_its_days_and_begins_anew_when_a_person_retries() {
    let step_of_ten = patient(Some(7), Some(10));
    let journey = waiting();
    assert_eq!(
        due(&step_of_ten, &journey, days(1)),
        Due::Nothing(Some(days(7)))
    );
    let Due::Stop(after_days) = due(&step_of_ten, &journey, days(10)) else {
        panic!("it stops");
    };
    assert_eq!(after_days.get(), 10);
    let journey = and(&journey, E::Retried { at: days(11) });
    assert_eq!(
        due(&step_of_ten, &journey, days(12)),
        Due::Nothing(Some(days(18)))
    );
}

#[test]
fn a_step_that_says_nothing_waits_for_ever() {
    assert_eq!(
        due(&patient(None, None), &waiting(), days(900)),
        Due::Nothing(None)
    );
}

#[test]
fn what_no_longer_waits_is_not_reminded_of() {
    let signed = E::Signed {
        step: step("sign"),
        signature: SignatureId(uuid(9)),
        pdf: pdf("signed letter"),
        at: days(1),
    };
    let journey = and(&waiting(), signed);
    assert_eq!(journey.wait, None);
    assert_eq!(
        due(&patient(Some(3), Some(5)), &journey, days(30)),
        Due::Nothing(None)
    );
}

#[test]
fn only_steps_that_wait_for_people_have_patience() {
    let mut definition = notification();
    definition.steps[0].remind_days = std::num::NonZeroU16::new(3);
    let faults: Vec<_> = definition
        .faults()
        .iter()
        .map(ToString::to_string)
        .collect();
    let id = &definition.steps[0].id;
    assert_eq!(
        faults,
        [format!(
            "l'étape « {id} » n'attend personne au dehors : « remind_days » et « expire_days » ne vont qu'aux visas, aux signatures et aux impressions"
        )]
    );
}
