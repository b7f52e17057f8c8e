//! Office Open XML.

use super::{data_source, embedded, external, refused};
use navette_domain::ports::MergeFailure;

/// Fields that fetch, wherever their name stands.
const FETCHING_FIELDS: [&str; 7] = [
    "INCLUDEPICTURE",
    "INCLUDETEXT",
    "DDEAUTO",
    "MACROBUTTON",
    "DATABASE",
    "AUTOTEXT",
    "GLOSSARY",
];
/// Fields that fetch, and whose name is also a word.
const FETCHING_WORDS: [&str; 6] = ["DDE", "LINK", "IMPORT", "INCLUDE", "RD", "EMBED"];

/// Checks the codes of fields, one a line.
pub(super) fn check_fields(codes: &str) -> Result<(), MergeFailure> {
    if codes.is_empty() {
        return Ok(());
    }
    let codes = codes.to_uppercase();
    let fetches = FETCHING_FIELDS.iter().any(|field| codes.contains(field))
        || codes.lines().any(|code| {
            let word = code.split_whitespace().next().unwrap_or_default();
            FETCHING_WORDS.contains(&word)
        });
    if fetches { external() } else { Ok(()) }
}

/// Elements that run, fetch or hide something.
pub(super) fn check_element(local_name: &str) -> Result<(), MergeFailure> {
    match local_name {
        "OLEObject" | "oleObject" | "objectEmbed" | "objectLink" | "control" | "ocx" => embedded(),
        "altChunk" | "subDoc" | "movie" | "sourceFileName" | "externalBook"
        | "externalReference" | "ddeLink" | "oleLink" | "videoFile" | "audioFile"
        | "wavAudioFile" | "quickTimeFile" => external(),
        "connection" | "webPr" | "dbPr" | "olapPr" | "textPr" | "connectString" | "queryTable" => {
            data_source()
        }
        _ => Ok(()),
    }
}

/// Checks an attribute, named with its prefix, of a part that is not a list of relations.
pub(super) fn check_attribute(name: &str) -> Result<(), MergeFailure> {
    // It names a relation, which may lead anywhere when it claims to be clicked.
    if name.ends_with(":link") {
        external()
    } else {
        Ok(())
    }
}

/// One relation of a part to another, or to the outside.
#[derive(Default)]
pub(super) struct Relation {
    kind: String,
    target: String,
    outside: bool,
}

impl Relation {
    pub(super) fn note(&mut self, key: &str, value: &str) {
        match key {
            "Type" => value.clone_into(&mut self.kind),
            "Target" => value.clone_into(&mut self.target),
            "TargetMode" => self.outside = !value.trim().eq_ignore_ascii_case("internal"),
            _ => {}
        }
    }

    pub(super) fn check(&self) -> Result<(), MergeFailure> {
        let kind = self.kind.rsplit('/').next().unwrap_or_default();
        if kind.eq_ignore_ascii_case("attachedTemplate") && self.outside {
            return refused(
                "le fichier est lié à un modèle Word extérieur : le détacher (Développeur, Modèle de document)",
            );
        }
        if [
            "aFChunk",
            "subDocument",
            "frame",
            "mailMergeSource",
            "externalLinkPath",
        ]
        .iter()
        .any(|denied| kind.eq_ignore_ascii_case(denied))
        {
            return external();
        }
        // Links to be clicked may lead anywhere. Nothing else may.
        let clicked = kind == "hyperlink";
        let leaves = self.outside || self.target.contains("://");
        if leaves && !clicked {
            external()
        } else {
            Ok(())
        }
    }
}
