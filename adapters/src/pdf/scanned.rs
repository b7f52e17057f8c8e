//! Single letters, cut out of a file of scanned ones.

use super::{
    NotAPdf,
    copy::{Copier, CopyError, Output, inherited},
    open, page_count,
};
use lopdf::{Dictionary, Document, Object, ObjectId};

/// A page of a scanned letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScannedPage {
    /// Its number in the file, from 1.
    pub number: u32,
    /// How far it is turned so that it stands upright: degrees, clockwise.
    pub turn: u16,
}

/// A file of scanned letters.
#[derive(Debug)]
pub struct ScannedFile {
    document: Document,
    pages: Vec<ObjectId>,
}

impl ScannedFile {
    /// Reads a PDF.
    pub fn open(bytes: &[u8]) -> Result<Self, NotAPdf> {
        let document = open(bytes)?;
        let pages = document.page_iter().collect();
        Ok(Self { document, pages })
    }

    /// How many pages it has.
    pub fn pages(&self) -> u32 {
        page_count(&self.document)
    }

    /// A PDF of these pages, with what they show and nothing else: no links, scripts or attached files. The same
    /// pages always give the same bytes.
    pub fn cut(&self, pages: &[ScannedPage]) -> Result<Vec<u8>, CopyError> {
        let mut output = Output::new(Vec::new())?;
        let tree = output.reserve();
        let mut copier = Copier::new(&self.document, &mut output);
        let mut kids = Vec::<Object>::new();
        for page in pages {
            let index = usize::try_from(page.number).ok();
            let index = index.and_then(|number| number.checked_sub(1));
            let id = index.and_then(|index| self.pages.get(index));
            let id = *id.ok_or(NotAPdf::Empty)?;
            let mut copy = copier.page(id)?;
            if page.turn != 0 {
                let turned = (self.turned(id) + i64::from(page.turn)).rem_euclid(360);
                copy.set("Rotate", turned);
            }
            copy.set("Parent", tree);
            let place = copier.reserve();
            copier.put(place, &copy.into())?;
            kids.push(place.into());
        }
        if kids.is_empty() {
            return Err(NotAPdf::Empty.into());
        }
        let mut entries = Dictionary::new();
        entries.set("Type", "Pages");
        entries.set("Count", i64::try_from(kids.len()).unwrap_or(i64::MAX));
        entries.set("Kids", kids);
        output.put(tree, &entries.into())?;
        let mut catalog = Dictionary::new();
        catalog.set("Type", "Catalog");
        catalog.set("Pages", tree);
        let catalog = output.add(&catalog.into())?;
        Ok(output.finish(catalog, None)?)
    }

    /// How far a page is turned already.
    fn turned(&self, page: ObjectId) -> i64 {
        let rotate = inherited(&self.document, page, b"Rotate");
        let rotate = rotate.and_then(|rotate| self.document.dereference(rotate).ok());
        rotate
            .and_then(|(_, rotate)| rotate.as_i64().ok())
            .unwrap_or_default()
    }
}
