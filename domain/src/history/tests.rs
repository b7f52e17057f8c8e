use super::*;
use crate::{
    amount::Amount,
    document::{DocumentEvent as D, Order, Subject},
    dossier::{Decision, DossierEvent as E, Payment, Request},
    event::Metadata,
    ids::{BatchId, CommandId, DossierId},
    personal::Personal,
    ports::{Circulation, Registration},
    signature::{Binding, Sheet, SignatureEvent as S},
    testing::{chain_ref, march, now, pdf, request, step, template_ref, uuid},
};
use chrono::TimeDelta;
use uuid::Uuid;

const DOSSIER: Uuid = Uuid::from_u128(1);
const DOCUMENT: Uuid = Uuid::from_u128(2);
const SIGNATURE: Uuid = Uuid::from_u128(3);

/// A dossier, its letter and its signature, one event a second.
#[expect(clippy::too_many_lines, reason = "one entry for each of many events")]
fn story() -> Vec<Recorded> {
    let at = now();
    let amended = Request {
        purpose: "Festival d'hiver".into(),
        payment_terms: Some("en une fois".into()),
        payments: vec![Payment {
            label: "Solde".into(),
            date: Some(march(31)),
            amount: Amount::from_cents(1_200_000),
        }],
        custom: [("Canton".to_owned(), "Redon".to_owned())].into(),
        ..request()
    };
    let circulation = Circulation {
        file_id: "1".into(),
        path: "/visa".into(),
        etag: "e".into(),
    };
    let order = Order {
        batch: BatchId(uuid(4)),
        subject: Subject::Dossier(DossierId(DOSSIER)),
        chain: chain_ref(),
        template: template_ref(),
        included: vec![],
        title: "Notification".into(),
        date: march(20),
        trigger: None,
    };
    let sheet = Sheet {
        document: DocumentId(DOCUMENT),
        pdf: pdf("sent").file,
        desk_type: "Courrier".into(),
        desk_subtype: "Notification".into(),
    };
    let registration = Registration {
        chrono: "2026A/12".into(),
        resource: "7".into(),
    };
    let decision = Decision {
        reference: Some("CP-2026-12".into()),
        date: Some(march(12)),
    };
    let events = [
        (
            DOSSIER,
            Event::Dossier(E::Registered {
                request: request(),
                at,
            }),
        ),
        (
            DOSSIER,
            Event::Dossier(E::Amended {
                request: amended,
                at,
            }),
        ),
        (DOSSIER, Event::Dossier(E::Completed { at })),
        (DOSSIER, Event::Dossier(E::TakenUp { at })),
        (
            DOSSIER,
            Event::Dossier(E::Adjourned {
                reason: "devis".into(),
                at,
            }),
        ),
        (
            DOSSIER,
            Event::Dossier(E::Scheduled {
                commission: march(12),
                at,
            }),
        ),
        (
            DOSSIER,
            Event::Dossier(E::Granted {
                amount: Amount::from_cents(900_000),
                decision,
                at,
            }),
        ),
        (DOCUMENT, Event::Document(D::Requested { order, at })),
        (
            DOCUMENT,
            Event::Document(D::Converted {
                step: step("pdf"),
                pdf: pdf("sent"),
                at,
            }),
        ),
        (
            DOCUMENT,
            Event::Document(D::SentForVisa {
                step: step("visa"),
                circulation,
                sent: pdf("sent").file,
                at,
            }),
        ),
        (
            DOCUMENT,
            Event::Document(D::Visaed {
                step: step("visa"),
                pdf: pdf("sent"),
                unchanged: true,
                by: Personal("Jeanne Élue".into()),
                comment: None,
                visaed_at: at,
                at,
            }),
        ),
        (SIGNATURE, Event::Signature(S::Prepared { sheet, at })),
        (
            DOCUMENT,
            Event::Document(D::SentForSignature {
                step: step("signature"),
                signature: SignatureId(SIGNATURE),
                sent: pdf("sent").file,
                at,
            }),
        ),
        (
            SIGNATURE,
            Event::Signature(S::Submitted { folder: None, at }),
        ),
        (SIGNATURE, Event::Signature(S::Signed { at })),
        (
            SIGNATURE,
            Event::Signature(S::Retrieved {
                pdf: pdf("signed").file,
                slip: None,
                binding: Binding::Exact,
                examination: None,
                at,
            }),
        ),
        (
            DOCUMENT,
            Event::Document(D::Signed {
                step: step("signature"),
                signature: SignatureId(SIGNATURE),
                pdf: pdf("signed"),
                at,
            }),
        ),
        (
            DOCUMENT,
            Event::Document(D::Registered {
                step: step("courrier"),
                registration,
                at,
            }),
        ),
        (DOCUMENT, Event::Document(D::Delivered { at })),
        (
            DOSSIER,
            Event::Dossier(E::Notified {
                document: DocumentId(DOCUMENT),
                at,
            }),
        ),
    ];
    let recorded = |(index, (stream_id, event)): (i64, (Uuid, Event))| Recorded {
        position: 10 + index,
        stream_type: String::new(),
        stream_id,
        version: 1,
        event,
        event_type: String::new(),
        metadata: Metadata {
            command: CommandId(uuid(5)),
            actor: "token:essai".into(),
            batch: None,
            dossier: None,
            effect: None,
        },
        recorded_at: now() + TimeDelta::seconds(index),
    };
    (0..).zip(events).map(recorded).collect()
}

#[test]
fn the_replay_of_a_dossier_is_the_reviewed_one() {
    let mut replay = vec![];
    for step in steps(&story()) {
        replay.push(format!("{} {}", step.position, step.sentence));
        for change in step.changes {
            let [before, after] =
                [change.before, change.after].map(|value| value.unwrap_or_else(|| "∅".into()));
            replay.push(format!("    {} : {before} → {after}", change.label));
        }
    }
    insta::assert_snapshot!(replay.join("\n"));
}

#[test]
fn the_state_at_a_moment_is_the_state_after_the_last_event_it_includes() {
    let story = story();
    let mut last = vec![];
    for step in steps(&story) {
        for moment in [Moment::Position(step.position), Moment::At(step.at)] {
            assert_eq!(State::of(&story, Some(moment)).fields(), step.fields);
        }
        let just_before = Moment::At(step.at - TimeDelta::microseconds(1));
        assert_eq!(State::of(&story, Some(just_before)).fields(), last);
        last = step.fields;
    }
    assert_eq!(State::of(&story, None).fields(), last);
}

#[test]
fn what_each_event_changed_adds_up_to_what_changed_between_the_ends() {
    let story = story();
    let mut said: Vec<(String, String)> = vec![];
    for step in steps(&story) {
        for change in &step.changes {
            let known = said.iter().position(|(key, _)| *key == change.key);
            let before = known.map(|place| said.remove(place).1);
            assert_eq!(before, change.before, "{}", change.key);
            said.extend(
                change
                    .after
                    .clone()
                    .map(|after| (change.key.clone(), after)),
            );
        }
    }
    let end = State::of(&story, None).fields();
    let mut expected: Vec<_> = end
        .into_iter()
        .map(|field| (field.key, field.value))
        .collect();
    said.sort();
    expected.sort();
    assert_eq!(said, expected);
}

#[test]
fn a_field_that_is_said_no_more_is_a_change_too() {
    let story = story();
    let state = |position| State::of(&story, Some(Moment::Position(position))).fields();
    let changes = difference(&state(14), &state(15));
    let reason = changes
        .iter()
        .find(|change| change.key == "dossier.motif_ajournement");
    let reason = reason.map(|change| (change.before.as_deref(), change.after.as_deref()));
    assert_eq!(reason, Some((Some("devis"), None)));
    assert_eq!(difference(&state(15), &state(15)), []);
}

#[test]
fn a_history_names_nobody_who_gave_a_visa() {
    let told: Vec<_> = steps(&story()).collect();
    assert!(!format!("{told:?}").contains("Jeanne"));
}
