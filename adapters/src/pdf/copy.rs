//! Writing a PDF object by object, and copying into it what a page of another PDF needs.
//!
//! Objects are numbered in the order in which they are reached, and equal ones are written once: the same
//! pages always give the same bytes, and a font or logo shared by 500 letters is stored once.

use super::NotAPdf;
use lopdf::{Dictionary, Document, Object, ObjectId, Stream, StringFormat, Writer};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, HashSet},
    io::{self, Write},
};

/// Honest files nest a dozen levels.
const DEEPEST: usize = 200;

/// What a page needs to look the same elsewhere, all of which it may inherit from the nodes above it.
const PAGE_KEYS: [&[u8]; 10] = [
    b"Resources",
    b"MediaBox",
    b"CropBox",
    b"BleedBox",
    b"TrimBox",
    b"ArtBox",
    b"Rotate",
    b"UserUnit",
    b"Group",
    b"Contents",
];

/// Why pages could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The PDF cannot be relied upon.
    #[error(transparent)]
    Source(#[from] NotAPdf),
    /// What is written could not be.
    #[error("the PDF could not be written: {0}")]
    Target(#[from] io::Error),
}

/// A PDF being written.
pub(super) struct Output<W> {
    target: W,
    written: u64,
    /// Where each object starts, by number from 1.
    offsets: Vec<u64>,
    /// The objects without a place of their own, by what they hold.
    contents: HashMap<[u8; 32], ObjectId>,
    digest: Sha256,
}

impl<W: Write> Output<W> {
    pub(super) fn new(target: W) -> io::Result<Self> {
        let mut output = Self {
            target,
            written: 0,
            offsets: Vec::new(),
            contents: HashMap::new(),
            digest: Sha256::new(),
        };
        // The second line tells programs that the file is not text.
        output.write(b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")?;
        Ok(output)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.digest.update(bytes);
        self.target.write_all(bytes)
    }

    /// A number for an object that is written later.
    pub(super) fn reserve(&mut self) -> ObjectId {
        self.offsets.push(0);
        (u32::try_from(self.offsets.len()).unwrap_or(u32::MAX), 0)
    }

    /// Writes `object` under the number reserved for it.
    pub(super) fn put(&mut self, id: ObjectId, object: &Object) -> io::Result<()> {
        self.put_serialised(id, &serialised(object)?)
    }

    fn put_serialised(&mut self, id: ObjectId, body: &[u8]) -> io::Result<()> {
        if let Some(offset) = (id.0 as usize)
            .checked_sub(1)
            .and_then(|index| self.offsets.get_mut(index))
        {
            *offset = self.written;
        }
        self.write(format!("{} 0 obj\n", id.0).as_bytes())?;
        self.write(body)?;
        self.write(b"\nendobj\n")
    }

    /// Writes `object`, unless an equal one was written.
    pub(super) fn add(&mut self, object: &Object) -> io::Result<ObjectId> {
        let body = serialised(object)?;
        let content: [u8; 32] = Sha256::digest(&body).into();
        if let Some(known) = self.contents.get(&content) {
            return Ok(*known);
        }
        let id = self.reserve();
        self.put_serialised(id, &body)?;
        self.contents.insert(content, id);
        Ok(id)
    }

    /// Writes the table of objects and the end; the file's identifier is drawn from what it holds.
    pub(super) fn finish(mut self, catalog: ObjectId, info: Option<ObjectId>) -> io::Result<W> {
        let table = self.written;
        let size = self.offsets.len() + 1;
        let mut xref = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for offset in &self.offsets {
            use std::fmt::Write as _;
            let _ = writeln!(xref, "{offset:010} 00000 n ");
        }
        self.write(xref.as_bytes())?;
        let identifier = self.digest.clone().finalize()[..16].to_vec();
        let identifier = Object::String(identifier, StringFormat::Hexadecimal);
        let mut trailer = Dictionary::new();
        trailer.set("Size", i64::try_from(size).unwrap_or(i64::MAX));
        trailer.set("Root", catalog);
        if let Some(info) = info {
            trailer.set("Info", info);
        }
        trailer.set("ID", vec![identifier.clone(), identifier]);
        let trailer = serialised(&Object::Dictionary(trailer))?;
        self.write(b"trailer\n")?;
        self.write(&trailer)?;
        self.write(format!("\nstartxref\n{table}\n%%EOF\n").as_bytes())?;
        self.target.flush()?;
        Ok(self.target)
    }
}

fn serialised(object: &Object) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    Writer::write_object(&mut body, object)?;
    Ok(body)
}

/// Copies objects of one PDF into an output, with what they refer to.
pub(super) struct Copier<'a, W> {
    source: &'a Document,
    output: &'a mut Output<W>,
    /// Where objects of the source went.
    copied: HashMap<ObjectId, ObjectId>,
    /// The objects being copied: one that is met again there refers to itself.
    open: HashSet<ObjectId>,
}

impl<'a, W: Write> Copier<'a, W> {
    pub(super) fn new(source: &'a Document, output: &'a mut Output<W>) -> Self {
        Self {
            source,
            output,
            copied: HashMap::new(),
            open: HashSet::new(),
        }
    }

    /// What refers to `source` leads to `place` in the copy.
    pub(super) fn lead(&mut self, source: ObjectId, place: ObjectId) {
        self.copied.insert(source, place);
    }

    /// As [`Output::reserve`].
    pub(super) fn reserve(&mut self) -> ObjectId {
        self.output.reserve()
    }

    /// As [`Output::put`].
    pub(super) fn put(&mut self, id: ObjectId, object: &Object) -> io::Result<()> {
        self.output.put(id, object)
    }

    /// As [`Output::add`].
    pub(super) fn add(&mut self, object: &Object) -> io::Result<ObjectId> {
        self.output.add(object)
    }

    /// A page of the source with what it shows, to be completed by its place and annotations.
    pub(super) fn page(&mut self, page: ObjectId) -> Result<Dictionary, CopyError> {
        self.page_without(page, &[])
    }

    /// The same without some entries.
    pub(super) fn page_without(
        &mut self,
        page: ObjectId,
        without: &[&[u8]],
    ) -> Result<Dictionary, CopyError> {
        let mut copy = Dictionary::new();
        copy.set("Type", "Page");
        for key in PAGE_KEYS.into_iter().filter(|key| !without.contains(key)) {
            if let Some(value) = inherited(self.source, page, key) {
                copy.set(key, self.object(value)?);
            }
        }
        Ok(copy)
    }

    /// `object`, its references leading to copies.
    pub(super) fn object(&mut self, object: &Object) -> Result<Object, CopyError> {
        if self.open.len() > DEEPEST {
            return Err(NotAPdf::Damaged.into());
        }
        Ok(match object {
            Object::Reference(id) => self.reference(*id)?,
            Object::Array(items) => Object::Array(
                items
                    .iter()
                    .map(|item| self.object(item))
                    .collect::<Result<_, _>>()?,
            ),
            Object::Dictionary(entries) => Object::Dictionary(self.entries(entries)?),
            Object::Stream(stream) => {
                let mut entries = stream.dict.clone();
                // Written again from the content, and perhaps a reference to an object of its own.
                entries.remove(b"Length");
                let mut copy = Stream::new(self.entries(&entries)?, stream.content.clone());
                copy.allows_compression = false;
                Object::Stream(copy)
            }
            other => other.clone(),
        })
    }

    fn entries(&mut self, entries: &Dictionary) -> Result<Dictionary, CopyError> {
        let mut copy = Dictionary::new();
        for (key, value) in entries {
            copy.set(key.clone(), self.object(value)?);
        }
        Ok(copy)
    }

    fn reference(&mut self, id: ObjectId) -> Result<Object, CopyError> {
        if let Some(copy) = self.copied.get(&id) {
            return Ok(Object::Reference(*copy));
        }
        let Ok(target) = self.source.get_object(id) else {
            return Ok(Object::Null);
        };
        // A page is copied as a page, or not at all: what leads to one would bring the whole file.
        if leads_to_pages(target) {
            return Ok(Object::Null);
        }
        if !self.open.insert(id) {
            let copy = self.output.reserve();
            self.copied.insert(id, copy);
            return Ok(Object::Reference(copy));
        }
        // Two elements of a structure that say the same are still two.
        if target
            .as_dict()
            .is_ok_and(|entries| entries.has_type(b"StructElem"))
        {
            let copy = self.output.reserve();
            self.copied.insert(id, copy);
        }
        let copy = self.object(target)?;
        self.open.remove(&id);
        let place = match self.copied.get(&id) {
            Some(reserved) => {
                self.output.put(*reserved, &copy)?;
                *reserved
            }
            None => self.output.add(&copy)?,
        };
        self.copied.insert(id, place);
        Ok(Object::Reference(place))
    }
}

fn leads_to_pages(object: &Object) -> bool {
    object.as_dict().is_ok_and(|entries| {
        [b"Page".as_slice(), b"Pages", b"Catalog"]
            .iter()
            .any(|name| entries.has_type(name))
    })
}

/// The entry of a page, or of the nearest node above it that has it.
pub(super) fn inherited<'a>(
    document: &'a Document,
    page: ObjectId,
    key: &[u8],
) -> Option<&'a Object> {
    let mut node = document.get_dictionary(page).ok()?;
    for _ in 0..DEEPEST {
        if let Ok(value) = node.get(key) {
            return Some(value);
        }
        let above = node.get(b"Parent").and_then(Object::as_reference).ok()?;
        node = document.get_dictionary(above).ok()?;
    }
    None
}
