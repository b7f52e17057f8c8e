//! What lists the parts of an office file: content types and relationships in OOXML, the manifest in
//! OpenDocument.

use super::{archive::damaged, package::Changes, xml::escape};
use navette_domain::ports::{MergeFailure, OfficeFormat};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

const CONTENT_TYPES: &str = "[Content_Types].xml";
const MANIFEST: &str = "META-INF/manifest.xml";
/// A list of relationships before any is in it.
const NO_RELATIONSHIP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
    <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"/>";

/// A part's reference to something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relationship {
    pub(super) kind: String,
    /// The entry's name, or an address outside.
    pub(super) target: String,
    pub(super) outside: bool,
}

/// Whether the entry `name` lists others.
pub(super) fn is_list(format: OfficeFormat, name: &str) -> bool {
    if is_odf(format) {
        name == MANIFEST
    } else {
        name == CONTENT_TYPES || name.rsplit_once('.').is_some_and(|(_, end)| end == "rels")
    }
}

fn is_odf(format: OfficeFormat) -> bool {
    matches!(format, OfficeFormat::Odt | OfficeFormat::Ods)
}

/// The lists that `changes` make other than they are in `lists`.
pub(super) fn update(
    format: OfficeFormat,
    lists: &BTreeMap<String, String>,
    changes: &Changes,
) -> Result<BTreeMap<String, String>, MergeFailure> {
    let listed: BTreeMap<&str, &str> = changes.listed().collect();
    let dropped = changes.dropped();
    let mut updated = BTreeMap::new();
    if listed.is_empty() && dropped.is_empty() && changes.relationships.is_empty() {
        return Ok(updated);
    }
    let gone = |name: &str| dropped.contains(name) || listed.contains_key(name);
    let (list, attribute, slash) = if is_odf(format) {
        (MANIFEST, "manifest:full-path", "")
    } else {
        (CONTENT_TYPES, "PartName", "/")
    };
    if !(listed.is_empty() && dropped.is_empty())
        && let Some(text) = lists.get(list)
    {
        let lines = lines(format, &listed);
        let leave_out = |line: &BytesStart<'_>| {
            let name = value(line, attribute);
            name.and_then(|name| Some(gone(name.strip_prefix(slash)?))) == Some(true)
        };
        updated.insert(list.to_owned(), rewrite(text, leave_out, &lines)?);
    }
    if !is_odf(format) {
        relationships(lists, changes, dropped, &mut updated)?;
    }
    Ok(updated)
}

fn lines(format: OfficeFormat, listed: &BTreeMap<&str, &str>) -> String {
    let mut lines = String::new();
    for (name, media_type) in listed {
        let (before, between, after) = if is_odf(format) {
            (
                "<manifest:file-entry manifest:full-path=\"",
                "\" manifest:media-type=\"",
                "\"/>",
            )
        } else {
            ("<Override PartName=\"/", "\" ContentType=\"", "\"/>")
        };
        lines.push_str(before);
        escape(&mut lines, name, true);
        lines.push_str(between);
        escape(&mut lines, media_type, true);
        lines.push_str(after);
    }
    lines
}

fn relationships(
    lists: &BTreeMap<String, String>,
    changes: &Changes,
    dropped: &BTreeSet<String>,
    updated: &mut BTreeMap<String, String>,
) -> Result<(), MergeFailure> {
    for (source, added) in &changes.relationships {
        let name = list_of(source);
        let text = lists.get(&name).map_or(NO_RELATIONSHIP, String::as_str);
        let mut lines = String::new();
        for (id, relationship) in added {
            let _ = write!(lines, "<Relationship Id=\"{id}\" Type=\"");
            escape(&mut lines, &relationship.kind, true);
            lines.push_str("\" Target=\"");
            if relationship.outside {
                escape(&mut lines, &relationship.target, true);
                lines.push_str("\" TargetMode=\"External\"/>");
            } else {
                escape(&mut lines, &seen_from(source, &relationship.target), true);
                lines.push_str("\"/>");
            }
        }
        let again =
            |line: &BytesStart<'_>| value(line, "Id").is_some_and(|id| added.contains_key(&id));
        updated.insert(name, rewrite(text, again, &lines)?);
    }
    if dropped.is_empty() {
        return Ok(());
    }
    for (name, text) in lists.iter().filter(|(name, _)| *name != CONTENT_TYPES) {
        let text = updated.get(name).unwrap_or(text);
        let folder = source_folder(name);
        let leave_out = |line: &BytesStart<'_>| {
            value(line, "TargetMode").as_deref() != Some("External")
                && value(line, "Target")
                    .is_some_and(|target| dropped.contains(&resolve(folder, &target)))
        };
        let shorter = rewrite(text, leave_out, "")?;
        if shorter != *text {
            updated.insert(name.clone(), shorter);
        }
    }
    Ok(())
}

/// `word/document.xml` → `word/_rels/document.xml.rels`
fn list_of(source: &str) -> String {
    let (folder, file) = source.rsplit_once('/').unwrap_or(("", source));
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}_rels/{file}.rels")
}

/// `word/_rels/document.xml.rels` → `word`
fn source_folder(list: &str) -> &str {
    let folder = list.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder
        .strip_suffix("_rels")
        .unwrap_or(folder)
        .trim_end_matches('/')
}

fn seen_from(source: &str, target: &str) -> String {
    let folder = source.rfind('/').map_or("", |at| &source[..=at]);
    match target.strip_prefix(folder) {
        Some(near) => near.to_owned(),
        None => format!("/{target}"),
    }
}

/// The entry that `target` names from `folder`.
fn resolve(folder: &str, target: &str) -> String {
    let mut steps: Vec<&str> = if target.starts_with('/') {
        Vec::new()
    } else {
        folder.split('/').filter(|step| !step.is_empty()).collect()
    };
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

fn value(line: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = line
        .attributes()
        .flatten()
        .find(|attribute| attribute.key.as_ref() == name)?;
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
    Some(value.into_owned())
}

/// The list without the lines that `leave_out` names, and with `lines` at its end.
fn rewrite(
    list: &str,
    leave_out: impl Fn(&BytesStart<'_>) -> bool,
    lines: &str,
) -> Result<String, MergeFailure> {
    let mut reader = Reader::from_str(list);
    let mut out = String::with_capacity(list.len() + lines.len());
    let (mut depth, mut leaving) = (0_usize, false);
    loop {
        let from = position(&reader)?;
        let event = reader.read_event().map_err(|_| damaged())?;
        let text = list.get(from..position(&reader)?).ok_or_else(damaged)?;
        match event {
            Event::Eof => return Ok(out),
            Event::Start(line) => {
                leaving |= depth == 1 && leave_out(&line);
                depth += 1;
                push(&mut out, text, leaving);
            }
            Event::End(_) => {
                depth = depth.checked_sub(1).ok_or_else(damaged)?;
                if depth == 0 {
                    out.push_str(lines);
                }
                push(&mut out, text, leaving);
                leaving &= depth > 1;
            }
            Event::Empty(list) if depth == 0 => {
                out.push_str(text.trim_end_matches("/>"));
                let _ = write!(out, ">{lines}</{}>", list.name().as_ref());
            }
            Event::Empty(line) => push(&mut out, text, leaving || (depth == 1 && leave_out(&line))),
            _ => push(&mut out, text, leaving),
        }
    }
}

fn push(out: &mut String, text: &str, leaving: bool) {
    if !leaving {
        out.push_str(text);
    }
}

fn position(reader: &Reader<&[u8]>) -> Result<usize, MergeFailure> {
    usize::try_from(reader.buffer_position()).map_err(|_| damaged())
}
