//! What given data says of the fields that tags use.

use super::{super::data::empty_field, Field, Use};
use navette_domain::ports::TemplateFault;
use serde_json::Value as Json;
use std::{
    collections::{BTreeSet, HashSet},
    fmt::Write as _,
};

/// What `data` says of a path.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Value,
    /// Empty, in the first of these rows (from 1) where it is in lists.
    Empty(Vec<usize>),
    Unknown,
}

fn find(data: &Json, path: &str) -> Found {
    let Some((step, rest)) = path
        .split_once('.')
        .map(|(step, rest)| (step, Some(rest)))
        .or(Some((path, None)))
    else {
        return Found::Value;
    };
    let (name, lists) = step
        .find("[]")
        .map_or((step, 0), |at| (&step[..at], (step.len() - at) / 2));
    let value = match data {
        Json::Object(map) => match map.get(name) {
            Some(value) => value,
            None => return Found::Unknown,
        },
        Json::Null => return Found::Empty(Vec::new()),
        // `.length` and the like are none of our business.
        _ => return Found::Unknown,
    };
    within(value, lists, rest)
}

fn within(value: &Json, lists: usize, rest: Option<&str>) -> Found {
    if lists > 0 {
        let Json::Array(items) = value else {
            return if value.is_null() {
                Found::Empty(Vec::new())
            } else {
                Found::Unknown
            };
        };
        // An empty list says nothing of its items.
        let mut found = Found::Value;
        for (index, item) in items.iter().enumerate() {
            match within(item, lists - 1, rest) {
                Found::Empty(mut rows) if found == Found::Value => {
                    rows.insert(0, index + 1);
                    found = Found::Empty(rows);
                }
                Found::Unknown => return Found::Unknown,
                _ => {}
            }
        }
        return found;
    }
    match rest {
        Some(rest) => find(value, rest),
        None if value.is_null() => Found::Empty(Vec::new()),
        None => Found::Value,
    }
}

/// The fields that the data does not have, each with the nearest one that it has.
pub(in crate::merge) fn unknown(uses: &[Use], data: &Json) -> Vec<TemplateFault> {
    let excused: HashSet<&str> = uses
        .iter()
        .flat_map(|used| &used.fields)
        .filter(|field| field.excused)
        .map(|field| field.path.as_str())
        .collect();
    let mut known = None;
    let mut faults = Vec::new();
    for used in uses {
        for field in &used.fields {
            if excused.contains(field.path.as_str()) || find(data, &field.path) != Found::Unknown {
                continue;
            }
            let known = known.get_or_insert_with(|| all_paths(data));
            let fault = used
                .tag
                .fault(unknown_field(field, known.iter().map(String::as_str)));
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    faults
}

/// What a clerk reads about a field that does not exist.
pub(super) fn unknown_field<'a>(field: &Field, known: impl Iterator<Item = &'a str>) -> String {
    let mut sentence = format!("champ inconnu `{}`", field.written);
    if let Some(nearest) = nearest(field, known) {
        let _ = write!(sentence, " ; vouliez-vous dire `{nearest}` ?");
    }
    sentence
}

/// The fields of a tag that the data leaves empty.
pub(in crate::merge) fn empty(used: &Use, data: &Json) -> Option<String> {
    used.fields.iter().find_map(|field| {
        let Found::Empty(rows) = find(data, &field.path) else {
            return None;
        };
        let mut rows = rows.into_iter();
        let mut path = String::new();
        for (index, piece) in field.path.split("[]").enumerate() {
            if index > 0 {
                let _ = write!(path, "[{}]", rows.next().unwrap_or(1));
            }
            path.push_str(piece);
        }
        Some(empty_field(&path))
    })
}

fn all_paths(data: &Json) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    collect(data, "", &mut paths);
    paths
}

fn collect(data: &Json, path: &str, paths: &mut BTreeSet<String>) {
    if !path.is_empty() {
        paths.insert(path.to_owned());
    }
    match data {
        Json::Object(map) => {
            for (name, value) in map {
                let dot = if path.is_empty() { "" } else { "." };
                collect(value, &format!("{path}{dot}{name}"), paths);
            }
        }
        Json::Array(items) => {
            if let Some(first) = items.first() {
                collect(first, &format!("{path}[]"), paths);
            }
        }
        _ => {}
    }
}

/// The known path nearest to a field, written as the tag would.
pub(super) fn nearest<'a>(field: &Field, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let path = nearest_path(&field.path, known)?;
    // `v.montnat` for `versements[].montnat`: answer `v.montant`.
    let alias = field.written.split('.').next().unwrap_or_default();
    let tail = field.written.strip_prefix(alias).unwrap_or_default();
    let list = field.path.strip_suffix(tail).unwrap_or_default();
    match path.strip_prefix(list) {
        Some(rest) if list.contains("[]") => Some(format!("{alias}{rest}")),
        _ => Some(path.to_owned()),
    }
}

/// The known path nearest to this one, if any is near.
pub(in crate::merge) fn nearest_path<'a>(
    sought: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let most = (sought.chars().count() / 3).clamp(1, 5);
    let (distance, path) = known
        .map(|path| (strsim::damerau_levenshtein(path, sought), path))
        .min()?;
    (distance <= most).then_some(path)
}
