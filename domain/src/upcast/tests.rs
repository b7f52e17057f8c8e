#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use serde_json::json;

fn written(event_type: &str, version: u16, payload: Value) -> Written {
    Written {
        event_type: event_type.to_owned(),
        version,
        payload,
    }
}

/// A past that never was: "dossier.opened" 1 became 2, which is now told by two events.
const PAST: &[Upcaster] = &[
    Upcaster {
        event_type: "dossier.opened",
        version: 1,
        reads_as: |mut payload| {
            let at = payload["when"].take();
            if at.is_null() {
                return Err("it does not say when".to_owned());
            }
            Ok(vec![written("dossier.opened", 2, json!({ "at": at }))])
        },
    },
    Upcaster {
        event_type: "dossier.opened",
        version: 2,
        reads_as: |payload| {
            let named = |name| {
                let mut payload = payload.clone();
                payload["type"] = json!(name);
                written(name, 1, payload)
            };
            Ok(vec![named("dossier.completed"), named("dossier.taken_up")])
        },
    },
    Upcaster {
        event_type: "dossier.looked_at",
        version: 1,
        reads_as: |_| Ok(vec![]),
    },
    Upcaster {
        event_type: "dossier.turned",
        version: 1,
        reads_as: |payload| Ok(vec![written("dossier.turned", 1, payload)]),
    },
];

fn read(event_type: &str, version: u16, payload: &str) -> Result<Vec<(String, String)>, String> {
    current(PAST, event_type.to_owned(), version, payload.to_owned())
        .map_err(|unreadable| unreadable.cause)
}

#[test]
fn a_stored_event_may_read_as_several_in_order_through_every_version_between() {
    let read = read("dossier.opened", 1, r#"{"when":"2026-11-23T12:00:00Z"}"#).unwrap();
    let events: Vec<_> = read
        .iter()
        .map(|(name, payload)| Event::read(name, payload).unwrap())
        .collect();
    assert_eq!(events.len(), 2);
    assert_eq!(read[0].0, "dossier.completed");
    assert_eq!(read[1].0, "dossier.taken_up");
}

#[test]
fn a_stored_event_may_read_as_none() {
    assert_eq!(read("dossier.looked_at", 1, "{}"), Ok(vec![]));
}

#[test]
fn an_event_of_this_version_keeps_its_very_bytes() {
    let bytes = r#"{ "type": "dossier.taken_up",  "at": "2026-11-23T12:00:00Z" }"#;
    let kept = vec![("dossier.taken_up".to_owned(), bytes.to_owned())];
    assert_eq!(read("dossier.taken_up", 1, bytes), Ok(kept));
}

#[test]
fn a_version_that_nothing_reads_is_told_and_never_taken_for_another() {
    for (name, version, cause) in [
        (
            "dossier.taken_up",
            2,
            "version 2 was written by a later release, which must read it",
        ),
        ("dossier.taken_up", 0, "nothing reads version 0 any more"),
        ("dossier.opened", 3, "no event has this name"),
        ("dossier.opened", 1, "it does not say when"),
        ("dossier.turned", 1, "its upcasters lead back to it"),
    ] {
        assert_eq!(read(name, version, "{}"), Err(cause.to_owned()));
    }
}
