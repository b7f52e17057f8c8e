//! How a sealed value is written in a payload: `{"sealed":["<key>","<what remains>","<nonce and ciphertext>"]}`.
//!
//! No event of ours has a list under that name, and quotes inside a text are escaped: the beginning of a
//! sealed value is found by its bytes, and what holds none is not even parsed.

use super::{
    InForce, Keyring, KeysFault,
    master::{Master, lock, unlock},
};
use crate::log::NewEvent;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use memchr::memmem::Finder;
use navette_domain::personal::{self, Erased, Owner, PersonalField};
use serde_json::{Value, json};
use std::sync::LazyLock;
use uuid::Uuid;

const BEGIN: &str = r#"{"sealed":[""#;
const BETWEEN: &str = r#"",""#;
const END: &str = r#""]}"#;

/// Where a payload stands. A value opens nowhere else; the version and the position are not in it, since
/// they are not known before the order lock is held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub stream_type: &'a str,
    pub stream_id: Uuid,
    pub event_type: &'a str,
}

impl Place<'_> {
    fn about(&self, subject: Uuid, erased: Erased) -> String {
        let Self {
            stream_type,
            stream_id,
            event_type,
        } = self;
        let erased = erased.code();
        format!("navette sealed 1|{stream_type}|{stream_id}|{event_type}|{subject}|{erased}")
    }

    /// The payload with its sealed values opened, or erased; none if it holds none.
    pub fn open(&self, payload: &str, keys: &Keyring) -> Result<Option<String>, KeysFault> {
        if SEALED.find(payload.as_bytes()).is_none() {
            return Ok(None);
        }
        let mut rest = payload;
        let mut opened = String::new();
        while let Some((before, sealed)) = rest.split_once(BEGIN) {
            let (parts, after) = sealed.split_once(END).ok_or(KeysFault::Damaged)?;
            opened.push_str(before);
            opened.push_str(&self.open_one(parts, keys)?);
            rest = after;
        }
        if opened.is_empty() {
            return Ok(None);
        }
        opened.push_str(rest);
        Ok(Some(opened))
    }

    fn open_one(&self, parts: &str, keys: &Keyring) -> Result<String, KeysFault> {
        let mut parts = parts.split(BETWEEN);
        let (Some(id), Some(erased), Some(bytes)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KeysFault::Damaged);
        };
        let id = Uuid::parse_str(id).map_err(|_| KeysFault::Damaged)?;
        let erased = Erased::of_code(erased).ok_or(KeysFault::Damaged)?;
        let Some(key) = keys.get(&id).ok_or(KeysFault::Missing(id))? else {
            return Ok(erased.value().to_string());
        };
        let mut bytes = STANDARD_NO_PAD
            .decode(bytes)
            .map_err(|_| KeysFault::Damaged)?;
        let plain = unlock(&key.key, &self.about(key.subject, erased), &mut bytes)?;
        String::from_utf8(plain.to_vec()).map_err(|_| KeysFault::Damaged)
    }
}

/// Looks for sealed values: most payloads have none, and all are asked.
static SEALED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGIN));

/// The keys that a payload needs.
pub(crate) fn keys_of(payload: &str) -> impl Iterator<Item = Uuid> {
    SEALED
        .find_iter(payload.as_bytes())
        .filter_map(|at| payload.get(at + BEGIN.len()..)?.split_once('"'))
        .filter_map(|(id, _)| Uuid::parse_str(id).ok())
}

/// An event whose personal values are to be sealed.
pub(super) struct Unsealed<'a> {
    stream_type: &'a str,
    stream_id: Uuid,
    event: &'a mut NewEvent,
    payload: Value,
    values: Vec<(&'static PersonalField, Uuid)>,
}

impl<'a> Unsealed<'a> {
    /// The event, if it holds personal values.
    pub fn find(
        stream_type: &'a str,
        stream_id: Uuid,
        event: &'a mut NewEvent,
        master: &Master,
    ) -> Result<Option<Self>, KeysFault> {
        let fields = personal::fields(&event.event_type);
        if fields.is_empty() {
            return Ok(None);
        }
        let payload: Value = serde_json::from_str(&event.payload)?;
        let subject = |field: &PersonalField| {
            let value = payload.pointer(field.pointer)?;
            if *value == field.erased.value() {
                return None;
            }
            match field.owner {
                Owner::Stream => Some(stream_id),
                Owner::Named(pointer) => payload.pointer(pointer)?.as_str()?.parse().ok(),
                Owner::Value => Some(master.agent(value.as_str()?)),
            }
        };
        let values: Vec<_> = fields
            .iter()
            .filter_map(|field| Some((field, subject(field)?)))
            .collect();
        Ok((!values.is_empty()).then_some(Self {
            stream_type,
            stream_id,
            event,
            payload,
            values,
        }))
    }

    pub fn subjects(&self) -> impl Iterator<Item = Uuid> {
        self.values.iter().map(|(_, subject)| *subject)
    }

    /// Seals its values, each under the key of its subject.
    pub fn seal(self, keys: &InForce) -> Result<(), KeysFault> {
        let Self {
            stream_type,
            stream_id,
            event,
            mut payload,
            values,
        } = self;
        for (field, subject) in values {
            let (id, key) = keys.get(&subject).ok_or(KeysFault::Missing(subject))?;
            let place = Place {
                stream_type,
                stream_id,
                event_type: &event.event_type,
            };
            let about = place.about(subject, field.erased);
            if let Some(value) = payload.pointer_mut(field.pointer) {
                let sealed = lock(&key.key, &about, value.to_string().into_bytes())?;
                let sealed = STANDARD_NO_PAD.encode(sealed);
                *value = json!({ "sealed": [id, field.erased.code(), sealed] });
            }
        }
        event.payload = payload.to_string();
        Ok(())
    }
}
