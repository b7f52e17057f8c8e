//! The fields that a template uses, as its author is shown them.

use super::{Field, Role, Use, filters};
use navette_domain::dictionary::FieldKind;
use std::collections::BTreeMap;

/// A field that a template uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldUse {
    /// `dossier.objet`, `versements[].montant`
    pub path: String,
    /// What it must hold for what is done with it.
    pub kind: FieldKind,
    /// The filters it goes through, in the order in which they are met.
    pub filters: Vec<String>,
    /// How many times it is used.
    pub count: usize,
    /// Where: `corps, page 2 environ`.
    pub places: Vec<String>,
    /// Whether the template does without it where it is empty: each of its uses is tested or has a
    /// default.
    pub optional: bool,
}

/// The fields that tags use, by path.
pub(in crate::merge) fn uses<'a>(tags: impl Iterator<Item = &'a Use>) -> Vec<FieldUse> {
    let mut found: BTreeMap<&str, FieldUse> = BTreeMap::new();
    let fields = tags.flat_map(|used| used.fields.iter().map(move |field| (&used.tag, field)));
    for (tag, field) in fields {
        let kind = kind(field);
        let known = found.entry(&field.path).or_insert_with(|| FieldUse {
            path: field.path.clone(),
            kind,
            filters: Vec::new(),
            count: 0,
            places: Vec::new(),
            optional: true,
        });
        known.count += 1;
        known.optional &= field.foreseen;
        if rank(kind) > rank(known.kind) {
            known.kind = kind;
        }
        for filter in &field.filters {
            if !known.filters.contains(filter) {
                known.filters.push(filter.clone());
            }
        }
        if !known.places.contains(&tag.place.name) {
            known.places.push(tag.place.name.clone());
        }
    }
    found.into_values().collect()
}

/// What a field must hold for what is done with it.
fn kind(field: &Field) -> FieldKind {
    match &field.role {
        Role::Looped => FieldKind::List,
        Role::Tested => FieldKind::Boolean,
        Role::Compared(Some(kind)) => *kind,
        Role::Filtered(filter) => match filters::takes(filter) {
            Some([first, ..]) => *first,
            _ => FieldKind::Text,
        },
        Role::Printed | Role::Used | Role::Compared(None) => FieldKind::Text,
    }
}

/// How much a use says: what is only tested may hold anything, and so may what is printed as it is.
fn rank(kind: FieldKind) -> u8 {
    match kind {
        FieldKind::Boolean => 0,
        FieldKind::Text => 1,
        FieldKind::Integer => 2,
        FieldKind::Amount => 3,
        FieldKind::Date => 4,
        FieldKind::List | FieldKind::Record => 5,
    }
}
