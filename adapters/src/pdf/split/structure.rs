//! The structure of a document for screen readers: a tree of headings, paragraphs, tables, whose leaves are
//! marked pieces of pages.

use super::NotSplit;
use crate::pdf::{NotAPdf, copy::Copier};
use lopdf::{Dictionary, Document, Object, ObjectId};
use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
};

const DEEPEST: usize = 100;

/// The tree, its branches told by letter.
pub(super) struct Structure<'a> {
    document: &'a Document,
    root: ObjectId,
    /// The elements that hold everything, and that each letter has its own of.
    trunks: Vec<ObjectId>,
    branches: Vec<Vec<ObjectId>>,
    roles: Option<&'a Dictionary>,
    /// The elements that the marked pieces of each page belong to.
    parents: HashMap<i64, &'a Object>,
}

/// The numbers under which a letter's pages and links are found in the tree: old ones, in new order.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<i64>);

impl Keys {
    /// The new number of what had the number `key`.
    pub(super) fn renew(&mut self, key: i64) -> i64 {
        self.0.push(key);
        i64::try_from(self.0.len() - 1).unwrap_or(i64::MAX)
    }
}

impl<'a> Structure<'a> {
    /// The document's tree, if it has one.
    pub(super) fn read(
        document: &'a Document,
        pages: &[ObjectId],
        ranges: &[Range<usize>],
    ) -> Result<Option<Self>, NotSplit> {
        let catalog = document.catalog().map_err(|_| NotAPdf::Damaged)?;
        let Ok(root) = catalog
            .get(b"StructTreeRoot")
            .and_then(Object::as_reference)
        else {
            return Ok(None);
        };
        let tree = document
            .get_dictionary(root)
            .map_err(|_| NotAPdf::Damaged)?;
        let mut structure = Self {
            document,
            root,
            trunks: Vec::new(),
            branches: vec![Vec::new(); ranges.len()],
            roles: document.get_dict_in_dict(tree, b"RoleMap").ok(),
            parents: parents(document, tree)?,
        };
        let mut letters = HashMap::new();
        for (letter, range) in ranges.iter().enumerate() {
            for page in pages.get(range.clone()).unwrap_or_default() {
                letters.insert(*page, letter);
            }
        }
        for element in kids(tree) {
            let entries = document
                .get_dictionary(element)
                .map_err(|_| NotAPdf::Damaged)?;
            let name = entries.get(b"S").and_then(Object::as_name);
            let is_trunk = name.is_ok_and(|name| name == b"Document");
            let branches = if is_trunk {
                structure.trunks.push(element);
                kids(entries)
            } else {
                vec![element]
            };
            for branch in branches {
                let mut found = BTreeSet::new();
                structure.letters_of(branch, &letters, &mut found, DEEPEST)?;
                let letter = found
                    .pop_first()
                    .ok_or(NotSplit::Unknown("an element without page"))?;
                if !found.is_empty() {
                    return Err(NotSplit::Unknown("an element over several letters"));
                }
                structure.branches[letter].push(branch);
            }
        }
        Ok(Some(structure))
    }

    /// The letters that an element and those under it are on.
    fn letters_of(
        &self,
        element: ObjectId,
        letters: &HashMap<ObjectId, usize>,
        found: &mut BTreeSet<usize>,
        depth: usize,
    ) -> Result<(), NotSplit> {
        let entries = self
            .document
            .get_dictionary(element)
            .map_err(|_| NotAPdf::Damaged)?;
        if let Ok(page) = entries.get(b"Pg").and_then(Object::as_reference) {
            found.extend(letters.get(&page));
        }
        let depth = depth.checked_sub(1).ok_or(NotAPdf::Damaged)?;
        for kid in kids(entries) {
            self.letters_of(kid, letters, found, depth)?;
        }
        Ok(())
    }

    /// Writes the tree of one letter as `root`.
    pub(super) fn write(
        &self,
        letter: usize,
        root: ObjectId,
        keys: &Keys,
        copier: &mut Copier<'_, Vec<u8>>,
    ) -> Result<(), NotSplit> {
        let trunk = copier.reserve();
        copier.lead(self.root, trunk);
        for old in &self.trunks {
            copier.lead(*old, trunk);
        }
        let branches = self.branches.get(letter).ok_or(NotAPdf::Damaged)?;
        let mut copies = Vec::new();
        let mut names = BTreeSet::new();
        for branch in branches {
            self.names(*branch, &mut names, DEEPEST)?;
            copies.push(copier.object(&(*branch).into())?);
        }
        let mut document = Dictionary::new();
        document.set("Type", "StructElem");
        document.set("S", "Document");
        document.set("P", root);
        document.set("K", copies);
        copier.put(trunk, &document.into())?;

        let mut numbers = Vec::new();
        for (new, old) in keys.0.iter().enumerate() {
            let parents = self.parents.get(old).copied().unwrap_or(&Object::Null);
            let copy = copier.object(parents)?;
            numbers.push(i64::try_from(new).unwrap_or(i64::MAX).into());
            numbers.push(copy);
        }
        let mut parent_tree = Dictionary::new();
        parent_tree.set("Nums", numbers);
        let mut tree = Dictionary::new();
        tree.set("Type", "StructTreeRoot");
        tree.set("K", vec![Object::from(trunk)]);
        tree.set("ParentTree", copier.add(&parent_tree.into())?);
        tree.set(
            "ParentTreeNextKey",
            i64::try_from(keys.0.len()).unwrap_or(i64::MAX),
        );
        tree.set("RoleMap", self.roles(&names));
        copier.put(root, &tree.into())?;
        Ok(())
    }

    /// What the names of the template's styles mean, for those that the letter uses.
    fn roles(&self, names: &BTreeSet<Vec<u8>>) -> Dictionary {
        let mut roles = Dictionary::new();
        for name in names {
            if let Some(Ok(role)) = self.roles.map(|roles| roles.get(name)) {
                roles.set(name.clone(), role.clone());
            }
        }
        roles
    }

    fn names(
        &self,
        element: ObjectId,
        names: &mut BTreeSet<Vec<u8>>,
        depth: usize,
    ) -> Result<(), NotSplit> {
        let entries = self
            .document
            .get_dictionary(element)
            .map_err(|_| NotAPdf::Damaged)?;
        if let Ok(name) = entries.get(b"S").and_then(Object::as_name) {
            names.insert(name.to_vec());
        }
        let depth = depth.checked_sub(1).ok_or(NotAPdf::Damaged)?;
        for kid in kids(entries) {
            self.names(kid, names, depth)?;
        }
        Ok(())
    }
}

/// The elements right under one; marked pieces of pages are numbers and dictionaries without a place.
fn kids(entries: &Dictionary) -> Vec<ObjectId> {
    match entries.get(b"K") {
        Ok(Object::Array(kids)) => kids
            .iter()
            .filter_map(|kid| kid.as_reference().ok())
            .collect(),
        Ok(Object::Reference(kid)) => vec![*kid],
        _ => Vec::new(),
    }
}

fn parents<'a>(
    document: &'a Document,
    tree: &'a Dictionary,
) -> Result<HashMap<i64, &'a Object>, NotSplit> {
    let unknown = || NotSplit::Unknown("another tree of parents");
    let numbers = document
        .get_dict_in_dict(tree, b"ParentTree")
        .and_then(|parents| parents.get(b"Nums"))
        .and_then(Object::as_array)
        .map_err(|_| unknown())?;
    numbers
        .chunks(2)
        .map(|pair| match pair {
            [key, parents] => Ok((key.as_i64().map_err(|_| unknown())?, parents)),
            _ => Err(unknown()),
        })
        .collect()
}
