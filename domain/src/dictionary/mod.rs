//! The data dictionary: every field that templates may use, with what a person reads about it. What
//! `merge_fields` gives is what is listed here, and nothing else; a test compares them.
//!
//! Paths are written as templates write them; `[]` stands for an item of a list: `versements[].montant`.

mod sample;
mod table;
#[cfg(test)]
mod tests;

pub use sample::sample;

use crate::chain::Scope;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use table::{AROUND, BATCH, CASE, Row};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Any text.
    Text,
    /// A sum of money, given as a text with two decimals: `"1234.56"`.
    Amount,
    /// A day, given as an ISO text: `"2026-03-12"`.
    Date,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
    /// Several items, each with the fields below `[]`.
    List,
    /// A group of fields, which has no text of its own.
    Record,
}

/// One field that templates may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// As templates write it: `beneficiaire.adresse.commune`, `versements[].montant`.
    pub path: String,
    /// What a clerk reads.
    pub label: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it is empty in some dossiers.
    pub may_be_empty: bool,
    /// The documents that have it: about one dossier, about a whole batch, or both.
    pub scopes: &'static [Scope],
}

impl Field {
    /// What it holds in the sample data; null for a group of fields.
    pub fn example(&self) -> Value {
        if matches!(self.kind, FieldKind::List | FieldKind::Record) {
            return Value::Null;
        }
        let scope = self.scopes.first().copied().unwrap_or(Scope::Dossier);
        sample::example(scope, &self.path)
    }
}

/// What the dictionary says of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found<'a> {
    /// A field that it lists.
    Field(&'a Field),
    /// A field of the dossiers' own (`dossier.champs.…`), which no list can foresee.
    Custom {
        /// How many dossiers have it.
        dossiers: u64,
    },
    /// An image, under its code (`images.logo`).
    Image {
        /// Whether it was uploaded.
        known: bool,
    },
    /// Nothing.
    Unknown,
}

/// The group of fields that authorities add to their dossiers.
pub const CUSTOM: &str = "dossier.champs";

/// The group of images that templates name by their codes.
pub const IMAGES: &str = "images";

/// The fields that templates may use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dictionary {
    fields: BTreeMap<String, Field>,
    custom: BTreeMap<String, u64>,
    images: BTreeSet<String>,
}

impl Dictionary {
    /// The fields of documents about one dossier, or of those about a whole batch.
    pub fn of(scope: Scope) -> Self {
        let mut whole = Self::whole();
        whole
            .fields
            .retain(|_, field| field.scopes.contains(&scope));
        whole
    }

    /// The fields of all documents.
    pub fn whole() -> Self {
        let case = CASE
            .iter()
            .map(|row| row.field(row.path.to_owned(), &[Scope::Dossier]));
        let rows = CASE
            .iter()
            .map(|row| row.field(in_batch(row.path), &[Scope::Batch]));
        let batch = BATCH
            .iter()
            .map(|row| row.field(row.path.to_owned(), &[Scope::Batch]));
        let around = AROUND
            .iter()
            .map(|row| row.field(row.path.to_owned(), &[Scope::Dossier, Scope::Batch]));
        let fields = case.chain(rows).chain(batch).chain(around);
        Self {
            fields: fields.map(|field| (field.path.clone(), field)).collect(),
            ..Self::default()
        }
    }

    /// The same, knowing which fields of their own dossiers have, and how many have each.
    #[must_use]
    pub fn with_custom(self, custom: BTreeMap<String, u64>) -> Self {
        Self { custom, ..self }
    }

    /// The same, knowing which images were uploaded, by their codes.
    #[must_use]
    pub fn with_images(self, images: BTreeSet<String>) -> Self {
        Self { images, ..self }
    }

    /// What it says of a path.
    pub fn find(&self, path: &str) -> Found<'_> {
        if let Some(field) = self.fields.get(path) {
            return Found::Field(field);
        }
        if let Some(code) = path
            .strip_prefix(IMAGES)
            .and_then(|rest| rest.strip_prefix('.'))
        {
            let known = self.images.contains(code);
            return Found::Image { known };
        }
        let custom = [CUSTOM.to_owned(), in_batch(CUSTOM)];
        let name = custom.iter().find_map(|group| {
            let known = self.fields.contains_key(group);
            path.strip_prefix(group.as_str())?
                .strip_prefix('.')
                .filter(|_| known)
        });
        name.map_or(Found::Unknown, |name| Found::Custom {
            dossiers: self.custom.get(name).copied().unwrap_or_default(),
        })
    }

    /// What a template that uses these paths is about: a batch when a path is found there alone.
    pub fn about<'a>(paths: impl IntoIterator<Item = &'a str>) -> Scope {
        let (letter, batch) = (Self::of(Scope::Dossier), Self::of(Scope::Batch));
        let only_batch =
            |path: &str| letter.find(path) == Found::Unknown && batch.find(path) != Found::Unknown;
        if paths.into_iter().any(only_batch) {
            Scope::Batch
        } else {
            Scope::Dossier
        }
    }

    /// Its fields, by path.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.values()
    }

    /// The fields that dossiers have of their own, and how many have each.
    pub fn custom(&self) -> &BTreeMap<String, u64> {
        &self.custom
    }

    /// The codes of the images that were uploaded.
    pub fn images(&self) -> &BTreeSet<String> {
        &self.images
    }
}

/// What a clerk reads about a field of documents about one dossier.
pub fn label(path: &str) -> Option<&'static str> {
    CASE.iter().find(|row| row.path == path).map(Row::label)
}

/// Where a document about a batch finds what a document about a dossier calls `path`.
fn in_batch(path: &str) -> String {
    match path.strip_prefix("dossier") {
        Some(rest) => format!("lot.dossiers[]{rest}"),
        None => format!("lot.dossiers[].{path}"),
    }
}
