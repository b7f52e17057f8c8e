//! What an update of a PDF changed. Signing adds a field, its widget on a page, and what later verifications
//! need; whatever else differs is a change of the document.

use lopdf::{Dictionary, Document, Object, ObjectId};
use std::collections::BTreeMap;

type Keys = &'static [&'static [u8]];

/// What signing may change of the catalog.
const CATALOG: Keys = &[
    b"AcroForm",
    b"DSS",
    b"Extensions",
    b"Metadata",
    b"Perms",
    b"Version",
];
/// … of the form.
const FORM: Keys = &[b"DA", b"DR", b"Fields", b"NeedAppearances", b"SigFlags"];
/// … of a page.
const PAGE: Keys = &[b"Annots", b"LastModified"];
/// … of a signature field that waited for its signature.
const FIELD: Keys = &[b"AP", b"AS", b"F", b"Lock", b"M", b"Rect", b"V"];
/// What keeping evidence for later may change of the catalog, and nothing else may change.
const EVIDENCE: Keys = &[b"DSS", b"Extensions"];

/// Whether `after`, an update of `before`, only adds what a signature is made of.
pub(super) fn signed_only(before: &Document, after: &Document) -> bool {
    Licence::to_sign(before).covers(before, after) && forms_alike(before, after)
}

/// Whether `after`, an update of `before`, adds nothing but what later verifications need (PAdES, level LT).
pub(super) fn evidence_only(before: &Document, after: &Document) -> bool {
    let root = root(before);
    let has_evidence = after.catalog().is_ok_and(|catalog| catalog.has(b"DSS"));
    let mut licence = Licence::default();
    licence.keys.extend(root.map(|root| (root, EVIDENCE)));
    has_evidence && licence.covers(before, after)
}

/// Whether a page bears an annotation, other than a signature, that the same page did not bear before. What
/// was rewritten has other numbers: there the kinds are counted.
pub(super) fn annotated(before: &Document, after: &Document, rewritten: bool) -> bool {
    let pages = |document: &Document| -> Vec<ObjectId> { document.page_iter().collect() };
    (pages(before).into_iter())
        .zip(pages(after))
        .any(|(old, new)| {
            let mut known = annotations(before, old);
            annotations(after, new).into_iter().any(|added| {
                let same =
                    |it: &Annotation| it.kind == added.kind && (rewritten || it.id == added.id);
                match known.iter().position(same) {
                    Some(at) => {
                        known.swap_remove(at);
                        false
                    }
                    None => true,
                }
            })
        })
}

/// Which objects an update may change.
#[derive(Default)]
struct Licence {
    whole: Vec<ObjectId>,
    keys: BTreeMap<ObjectId, Keys>,
}

impl Licence {
    fn to_sign(before: &Document) -> Self {
        let mut licence = Self::default();
        let reference = |dictionary: &Dictionary, key: &[u8]| {
            let object = dictionary.get(key).ok()?;
            object.as_reference().ok()
        };
        licence.whole.extend(reference(&before.trailer, b"Info"));
        if let Ok(catalog) = before.catalog() {
            licence
                .keys
                .extend(root(before).map(|root| (root, CATALOG)));
            licence.whole.extend(reference(catalog, b"Metadata"));
            let form = reference(catalog, b"AcroForm");
            licence.keys.extend(form.map(|form| (form, FORM)));
            if let Ok(form) = before.get_dict_in_dict(catalog, b"AcroForm") {
                licence.whole.extend(reference(form, b"Fields"));
            }
        }
        for page in before.page_iter() {
            licence.keys.insert(page, PAGE);
            let annotations = before.get_dictionary(page).ok();
            let annotations = annotations.and_then(|page| reference(page, b"Annots"));
            licence.whole.extend(annotations);
        }
        let fields = before.objects.iter().filter(|(_, object)| {
            let field = object.as_dict().ok();
            field.is_some_and(is_signature_field)
        });
        licence.keys.extend(fields.map(|(id, _)| (*id, FIELD)));
        licence
    }

    fn covers(&self, before: &Document, after: &Document) -> bool {
        root(before) == root(after)
            && before.objects.iter().all(|(id, old)| {
                let new = after.objects.get(id);
                new == Some(old)
                    || self.whole.contains(id)
                    || self
                        .keys
                        .get(id)
                        .is_some_and(|keys| new.is_some_and(|new| same_but(keys, old, new)))
            })
    }
}

fn root(document: &Document) -> Option<ObjectId> {
    let root = document.trailer.get(b"Root").ok()?;
    root.as_reference().ok()
}

fn same_but(keys: Keys, old: &Object, new: &Object) -> bool {
    let without = |object: &Object| {
        let mut dictionary = object.as_dict().ok()?.clone();
        for key in keys {
            dictionary.remove(key);
        }
        Some(dictionary)
    };
    // The order of the keys of a dictionary says nothing.
    match (without(old), without(new)) {
        (Some(old), Some(new)) => {
            let keeps = |key: &[u8], value| new.get(key).is_ok_and(|new| new == value);
            old.len() == new.len() && old.iter().all(|(key, value)| keeps(key, value))
        }
        _ => false,
    }
}

/// A form in XML is drawn in the place of the pages: a signature brings none.
fn forms_alike(before: &Document, after: &Document) -> bool {
    let xml = |document: &Document| {
        let form = document
            .catalog()
            .and_then(|catalog| document.get_dict_in_dict(catalog, b"AcroForm"));
        form.ok().and_then(|form| form.get(b"XFA").ok()).cloned()
    };
    xml(before) == xml(after)
}

fn is_signature_field(dictionary: &Dictionary) -> bool {
    dictionary
        .get(b"FT")
        .and_then(Object::as_name)
        .is_ok_and(|kind| kind == b"Sig")
}

struct Annotation {
    kind: Vec<u8>,
    id: Option<ObjectId>,
}

/// The annotations of a page that are no signature.
fn annotations(document: &Document, page: ObjectId) -> Vec<Annotation> {
    let all = document
        .get_dictionary(page)
        .and_then(|page| page.get(b"Annots"))
        .and_then(|all| document.dereference(all))
        .and_then(|(_, all)| all.as_array());
    let all = all.map(Vec::as_slice).unwrap_or_default();
    (all.iter())
        .filter_map(|object| {
            let (id, annotation) = document.dereference(object).ok()?;
            let annotation = annotation.as_dict().ok()?;
            let parent = document.get_dict_in_dict(annotation, b"Parent").ok();
            let signs = is_signature_field(annotation) || parent.is_some_and(is_signature_field);
            let kind = annotation.get(b"Subtype").and_then(Object::as_name);
            (!signs).then(|| Annotation {
                kind: kind.unwrap_or_default().to_vec(),
                id,
            })
        })
        .collect()
}
