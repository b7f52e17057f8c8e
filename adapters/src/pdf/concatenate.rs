//! The PDFs of a batch as one, for the printer.
//!
//! It is a copy to put in envelopes, not to archive: the pages look the same, a signature's picture is
//! kept where it was and no longer verifies, and links, forms and attached files are left out. Layers of
//! optional content are all shown.

use super::{
    NotAPdf,
    copy::{Copier, CopyError, Output, inherited},
    open,
};
use lopdf::{Dictionary, Document, Object, ObjectId, text_string};
use serde::Serialize;
use std::io::{self, Write};

/// Where each document starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starts {
    /// On the page that follows the one before.
    Next,
    /// On an odd page, a blank one being added where needed: each letter has its own sheets when both
    /// sides are printed.
    OnItsOwnSheet,
}

/// Where a document went, in pages from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageRange {
    /// The document's title in the outline.
    pub title: String,
    /// Its first page.
    pub first: u32,
    /// Its last page; a blank one that follows is not counted.
    pub last: u32,
}

/// A PDF that grows document by document. It holds one of them at a time, and is written as it goes.
pub struct Concatenation<W> {
    output: Output<W>,
    starts: Starts,
    tree: ObjectId,
    pages: Vec<Object>,
    documents: Vec<(PageRange, ObjectId)>,
}

impl<W: Write> Concatenation<W> {
    /// Nothing yet, to be written to `target`.
    pub fn new(target: W, starts: Starts) -> io::Result<Self> {
        let mut output = Output::new(target)?;
        Ok(Self {
            tree: output.reserve(),
            output,
            starts,
            pages: Vec::new(),
            documents: Vec::new(),
        })
    }

    /// Adds the pages of `pdf`. On an error no page is added, and others may follow.
    pub fn add(&mut self, title: &str, pdf: &[u8]) -> Result<&PageRange, CopyError> {
        let document = open(pdf)?;
        let mut copier = Copier::new(&document, &mut self.output);
        let mut copies = Vec::new();
        for page in document.page_iter() {
            let mut copy = copier.page(page)?;
            let annotations = annotations(&document, page, &mut copier)?;
            if !annotations.is_empty() {
                copy.set("Annots", annotations);
            }
            copy.set("Parent", self.tree);
            copies.push(copy);
        }
        let first = copies.first().ok_or(NotAPdf::Empty)?;
        if self.starts == Starts::OnItsOwnSheet && self.pages.len() % 2 == 1 {
            let blank = self.blank(first);
            self.put(blank)?;
        }
        let before = self.pages.len();
        let mut start = self.tree;
        for (index, copy) in copies.into_iter().enumerate() {
            let page = self.put(copy)?;
            if index == 0 {
                start = page;
            }
        }
        let number = |pages: usize| u32::try_from(pages).unwrap_or(u32::MAX);
        let range = PageRange {
            title: title.to_owned(),
            first: number(before + 1),
            last: number(self.pages.len()),
        };
        self.documents.push((range, start));
        self.documents
            .last()
            .map(|(range, _)| range)
            .ok_or(NotAPdf::Empty.into())
    }

    fn put(&mut self, page: Dictionary) -> io::Result<ObjectId> {
        let id = self.output.reserve();
        self.output.put(id, &page.into())?;
        self.pages.push(id.into());
        Ok(id)
    }

    /// The back of the sheet before: the size of what follows will do.
    fn blank(&self, like: &Dictionary) -> Dictionary {
        let mut blank = Dictionary::new();
        blank.set("Type", "Page");
        for key in [b"MediaBox".as_slice(), b"Rotate"] {
            if let Ok(value) = like.get(key) {
                blank.set(key, value.clone());
            }
        }
        blank.set("Resources", Dictionary::new());
        blank.set("Parent", self.tree);
        blank
    }

    /// Ends the file. Nothing added is an error: a PDF has at least a page.
    pub fn finish(mut self) -> Result<(W, Vec<PageRange>), CopyError> {
        if self.pages.is_empty() {
            return Err(NotAPdf::Empty.into());
        }
        let mut tree = Dictionary::new();
        tree.set("Type", "Pages");
        tree.set("Count", count(self.pages.len()));
        tree.set("Kids", std::mem::take(&mut self.pages));
        self.output.put(self.tree, &tree.into())?;
        let outline = self.outline()?;
        let mut catalog = Dictionary::new();
        catalog.set("Type", "Catalog");
        catalog.set("Pages", self.tree);
        catalog.set("Outlines", outline);
        catalog.set("PageMode", "UseOutlines");
        if self.starts == Starts::OnItsOwnSheet {
            let mut preferences = Dictionary::new();
            preferences.set("Duplex", "DuplexFlipLongEdge");
            catalog.set("ViewerPreferences", preferences);
        }
        let catalog = self.output.add(&catalog.into())?;
        let target = self.output.finish(catalog, None)?;
        let ranges = self.documents.into_iter().map(|(range, _)| range);
        Ok((target, ranges.collect()))
    }

    /// One entry for each document.
    fn outline(&mut self) -> io::Result<ObjectId> {
        let root = self.output.reserve();
        let entries: Vec<ObjectId> = (self.documents.iter())
            .map(|_| self.output.reserve())
            .collect();
        for (index, (range, page)) in self.documents.iter().enumerate() {
            let mut entry = Dictionary::new();
            entry.set("Title", text_string(&range.title));
            entry.set("Parent", root);
            entry.set("Dest", vec![Object::from(*page), "Fit".into()]);
            if let Some(before) = index.checked_sub(1).and_then(|index| entries.get(index)) {
                entry.set("Prev", *before);
            }
            if let Some(after) = entries.get(index + 1) {
                entry.set("Next", *after);
            }
            self.output.put(entries[index], &entry.into())?;
        }
        let mut outline = Dictionary::new();
        outline.set("Type", "Outlines");
        if let (Some(first), Some(last)) = (entries.first(), entries.last()) {
            outline.set("First", *first);
            outline.set("Last", *last);
            outline.set("Count", count(entries.len()));
        }
        self.output.put(root, &outline.into())?;
        Ok(root)
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// What is drawn over the page: stamps, and the pictures of signatures, which are no fields any more.
fn annotations<W: Write>(
    document: &Document,
    page: ObjectId,
    copier: &mut Copier<'_, W>,
) -> Result<Vec<Object>, CopyError> {
    let Some(listed) = inherited(document, page, b"Annots") else {
        return Ok(Vec::new());
    };
    let listed = resolved(document, listed).and_then(|listed| listed.as_array().ok());
    let mut kept = Vec::new();
    for annotation in listed.into_iter().flatten() {
        if let Some(drawn) = resolved(document, annotation).and_then(|it| drawn(document, it)) {
            kept.push(copier.object(&drawn.into())?);
        }
    }
    Ok(kept)
}

fn drawn(document: &Document, annotation: &Object) -> Option<Dictionary> {
    let annotation = annotation.as_dict().ok()?;
    let subtype = annotation.get(b"Subtype").and_then(Object::as_name).ok()?;
    if matches!(subtype, b"Link" | b"Popup") {
        return None;
    }
    let appearances = resolved(document, annotation.get(b"AP").ok()?)?;
    let normal = appearances.as_dict().ok()?.get(b"N").ok()?;
    let picture = match resolved(document, normal)? {
        Object::Stream(_) => normal.clone(),
        Object::Dictionary(states) => {
            let state = annotation.get(b"AS").and_then(Object::as_name).ok()?;
            states.get(state).ok()?.clone()
        }
        _ => return None,
    };
    let mut appearance = Dictionary::new();
    appearance.set("N", picture);
    let mut drawn = Dictionary::new();
    drawn.set("Type", "Annot");
    drawn.set("Subtype", "Stamp");
    for key in [b"Rect".as_slice(), b"F"] {
        if let Ok(value) = annotation.get(key) {
            drawn.set(key, value.clone());
        }
    }
    drawn.set("AP", appearance);
    Some(drawn)
}

fn resolved<'a>(document: &'a Document, object: &'a Object) -> Option<&'a Object> {
    document.dereference(object).ok().map(|(_, object)| object)
}

#[cfg(all(test, feature = "sim"))]
mod tests;
