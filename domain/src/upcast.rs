//! From the events of released versions to those of this one.
//!
//! What is stored never changes, so what a release has written is read for ever. Where the shape of an event
//! could not stay, one upcaster says how the stored version reads now: as one event, as several, or as none.
//! Events that come of one stored event share its position and its version, and are applied together.

use crate::event::{Event, UnreadableEvent};
use serde_json::Value;
use std::{collections::HashMap, sync::LazyLock};

/// An event under its stored name and version.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its stored name.
    pub event_type: String,
    /// Its stored version.
    pub version: u16,
    /// Its fields.
    pub payload: Value,
}

/// How one (name, version) that was released reads as later ones.
#[derive(Debug, Clone, Copy)]
pub struct Upcaster {
    /// The stored name that it reads.
    pub event_type: &'static str,
    /// The stored version that it reads.
    pub version: u16,
    /// What it reads as, which other upcasters may take further; or what is wrong with the payload.
    pub reads_as: fn(Value) -> Result<Vec<Written>, String>,
}

/// Every upcaster there is, one for a (name, version). The list only grows. None yet: no event has changed
/// since the first release.
pub const UPCASTERS: &[Upcaster] = &[];

/// More than this many upcasters in a row lead nowhere.
const LONGEST: usize = 32;

/// A stored event as (name, payload) of this version, in order. What needs no upcaster is not even parsed.
pub fn current(
    upcasters: &[Upcaster],
    event_type: String,
    version: u16,
    payload: String,
) -> Result<Vec<(String, String)>, UnreadableEvent> {
    if find(upcasters, &event_type, version).is_none() {
        is_known(&event_type, version)?;
        return Ok(vec![(event_type, payload)]);
    }
    let payload = serde_json::from_str(&payload)
        .map_err(|error| unreadable(&event_type, error.to_string()))?;
    let stored = Written {
        event_type,
        version,
        payload,
    };
    let mut read = vec![];
    upcast(upcasters, stored, LONGEST, &mut read)?;
    Ok(read)
}

fn upcast(
    upcasters: &[Upcaster],
    written: Written,
    left: usize,
    read: &mut Vec<(String, String)>,
) -> Result<(), UnreadableEvent> {
    let Some(upcaster) = find(upcasters, &written.event_type, written.version) else {
        is_known(&written.event_type, written.version)?;
        read.push((written.event_type, written.payload.to_string()));
        return Ok(());
    };
    let Some(left) = left.checked_sub(1) else {
        return Err(unreadable(
            &written.event_type,
            "its upcasters lead back to it".to_owned(),
        ));
    };
    let later = (upcaster.reads_as)(written.payload)
        .map_err(|cause| unreadable(&written.event_type, cause))?;
    later
        .into_iter()
        .try_for_each(|later| upcast(upcasters, later, left, read))
}

fn find<'u>(upcasters: &'u [Upcaster], event_type: &str, version: u16) -> Option<&'u Upcaster> {
    upcasters
        .iter()
        .find(|upcaster| upcaster.version == version && upcaster.event_type == event_type)
}

/// A version that nobody here has written must not be read as one that resembles it.
fn is_known(event_type: &str, version: u16) -> Result<(), UnreadableEvent> {
    static KNOWN: LazyLock<HashMap<&str, u16>> = LazyLock::new(|| Event::types().collect());
    match KNOWN.get(event_type) {
        Some(known) if *known == version => Ok(()),
        Some(known) if version > *known => Err(unreadable(
            event_type,
            format!("version {version} was written by a later release, which must read it"),
        )),
        Some(_) => Err(unreadable(
            event_type,
            format!("nothing reads version {version} any more"),
        )),
        None => Err(unreadable(event_type, "no event has this name".to_owned())),
    }
}

fn unreadable(event_type: &str, cause: String) -> UnreadableEvent {
    UnreadableEvent {
        event_type: event_type.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests;
