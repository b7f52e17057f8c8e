//! The zip around an office file, written again for each document.
//!
//! A package is read once. What a merge does not change is kept as it was deflated, and copied; what it
//! changes is deflated anew. Parts that a rendering adds or leaves out are listed where their format wants
//! it: content types and relationships in OOXML, the manifest in OpenDocument. Nothing depends on the
//! clock or on chance: the same package and changes give the same bytes.

use super::{
    archive::{Archive, LARGEST_ENTRY, LARGEST_FILE, LARGEST_TOTAL, MOST_ENTRIES, damaged},
    deflate::{self, Passages},
    listing::{self, Relationship},
};
use bytes::Bytes;
use navette_domain::{
    digest::Digest,
    ports::{MergeFailure, OfficeFormat},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// How a part that is added is kept in the zip.
#[derive(Debug, Clone)]
pub(crate) enum Packing {
    /// For XML and text.
    Deflated,
    /// For a part of which the template says most.
    Known(Arc<Passages>),
    /// For what is compressed already, as pictures are.
    Stored,
}

/// What one document has otherwise than its template.
#[derive(Debug, Default, Clone)]
pub(crate) struct Changes {
    written: BTreeMap<String, Addition>,
    dropped: BTreeSet<String>,
    /// By the part that refers to something, then by the reference's id.
    pub(super) relationships: BTreeMap<String, BTreeMap<String, Relationship>>,
}

#[derive(Debug, Clone)]
struct Addition {
    bytes: Bytes,
    packing: Packing,
    media_type: Option<String>,
}

impl Changes {
    /// Puts `bytes` in place of the entry `name`.
    pub(crate) fn replace(&mut self, name: impl Into<String>, bytes: impl Into<Bytes>) {
        self.replace_packed(name, bytes, Packing::Deflated);
    }

    /// [`replace`](Self::replace), kept in the zip as told.
    pub(crate) fn replace_packed(
        &mut self,
        name: impl Into<String>,
        bytes: impl Into<Bytes>,
        packing: Packing,
    ) {
        let addition = Addition {
            bytes: bytes.into(),
            packing,
            media_type: None,
        };
        self.written.insert(name.into(), addition);
    }

    /// Adds the entry `name` and lists it as a `media_type`; or replaces it, so that what is shown twice is
    /// kept once when it is named after its content.
    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        bytes: impl Into<Bytes>,
        packing: Packing,
        media_type: &str,
    ) {
        let addition = Addition {
            bytes: bytes.into(),
            packing,
            media_type: Some(media_type.to_owned()),
        };
        self.written.insert(name.into(), addition);
    }

    /// Leaves the entry `name` out, with what lists it and refers to it.
    pub(crate) fn drop_entry(&mut self, name: impl Into<String>) {
        self.dropped.insert(name.into());
    }

    /// In OOXML, makes the part `source` refer to the entry `target`; answers the reference's id, which is
    /// made of what it says, so that asking twice gives one reference.
    pub(crate) fn relate(&mut self, source: &str, kind: &str, target: &str) -> String {
        self.refer(source, kind, target, false)
    }

    /// In OOXML, makes the part `source` refer to the address `target`, outside of the file.
    pub(crate) fn relate_outside(&mut self, source: &str, kind: &str, target: &str) -> String {
        self.refer(source, kind, target, true)
    }

    fn refer(&mut self, source: &str, kind: &str, target: &str, outside: bool) -> String {
        let digest = Digest::of(format!("{kind}\n{target}").as_bytes()).to_string();
        let id: String = ["navette", &digest[..16]].concat();
        let relationship = Relationship {
            kind: kind.to_owned(),
            target: target.to_owned(),
            outside,
        };
        self.relationships
            .entry(source.to_owned())
            .or_default()
            .insert(id.clone(), relationship);
        id
    }

    /// Takes over what `other` changes.
    pub(crate) fn extend(&mut self, other: Self) {
        self.written.extend(other.written);
        self.dropped.extend(other.dropped);
        for (source, relationships) in other.relationships {
            self.relationships
                .entry(source)
                .or_default()
                .extend(relationships);
        }
    }

    /// The entries that must be listed with their media types.
    pub(super) fn listed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.written
            .iter()
            .filter_map(|(name, addition)| Some((name.as_str(), addition.media_type.as_deref()?)))
    }

    /// The entries that are left out.
    pub(super) fn dropped(&self) -> &BTreeSet<String> {
        &self.dropped
    }
}

/// An entry as it stands in the zip.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) deflated: bool,
    pub(super) crc: u32,
    /// Once inflated.
    pub(super) size: u64,
    pub(super) data: Bytes,
}

/// An office file, ready to be written any number of times.
pub(crate) struct Package {
    format: OfficeFormat,
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
    /// The parts that list others, inflated.
    lists: BTreeMap<String, String>,
}

impl Package {
    /// Keeps what `archive` holds.
    pub(crate) fn read(archive: &mut Archive<'_>) -> Result<Self, MergeFailure> {
        let format = archive.format();
        let mut entries = Vec::with_capacity(archive.names().len());
        let mut lists = BTreeMap::new();
        for index in 0..archive.names().len() {
            let entry = archive.entry(index)?;
            if listing::is_list(format, &entry.name) {
                let text = String::from_utf8(archive.read_index(index)?).map_err(|_| damaged())?;
                let text = text.trim_start_matches('\u{feff}').to_owned();
                lists.insert(entry.name.clone(), text);
            }
            entries.push(entry);
        }
        // OpenDocument wants its media type first, and readable without inflating.
        if let Some(at) = entries.iter().position(|entry| entry.name == "mimetype") {
            entries.remove(at);
            let bytes = Bytes::from_static(format.media_type().as_bytes());
            entries.insert(0, stored("mimetype", bytes));
        }
        let by_name = entries.iter().enumerate();
        let by_name = by_name.map(|(at, entry)| (entry.name.clone(), at));
        Ok(Self {
            format,
            by_name: by_name.collect(),
            entries,
            lists,
        })
    }

    /// The file's format.
    pub(crate) fn format(&self) -> OfficeFormat {
        self.format
    }

    /// Whether there is an entry of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Puts `bytes` in place of the entry `name`, for every document.
    pub(crate) fn put(&mut self, name: &str, bytes: Bytes) {
        if let Some(entry) = self
            .by_name
            .get(name)
            .and_then(|at| self.entries.get_mut(*at))
        {
            *entry = stored(name, bytes);
        }
    }

    /// The file with `changes`.
    pub(crate) fn write(&self, changes: &Changes) -> Result<Vec<u8>, MergeFailure> {
        let lists = listing::update(self.format, &self.lists, changes)?;
        let unchanged: usize = self.entries.iter().map(|entry| entry.data.len()).sum();
        let changed: usize = changes.written.values().map(|new| new.bytes.len()).sum();
        let mut zip = Zip::with_capacity(unchanged + changed / 2);
        for entry in &self.entries {
            let name = entry.name.as_str();
            if changes.dropped.contains(name) {
                continue;
            }
            match (changes.written.get(name), lists.get(name)) {
                (Some(new), _) => zip.add(name, &new.bytes, &new.packing)?,
                (None, Some(list)) => zip.add(name, list.as_bytes(), &Packing::Deflated)?,
                (None, None) => zip.copy(entry)?,
            }
        }
        let new = changes.written.iter().filter(|(name, _)| !self.has(name));
        for (name, new) in new {
            zip.add(name, &new.bytes, &new.packing)?;
        }
        for (name, list) in lists.iter().filter(|(name, _)| !self.has(name)) {
            zip.add(name, list.as_bytes(), &Packing::Deflated)?;
        }
        zip.finish()
    }
}

fn stored(name: &str, data: Bytes) -> Entry {
    Entry {
        name: name.to_owned(),
        deflated: false,
        crc: crc32fast::hash(&data),
        size: data.len() as u64,
        data,
    }
}

fn too_large() -> MergeFailure {
    MergeFailure::Unreadable(
        "le document obtenu est démesuré : vérifier les boucles et les images du modèle".into(),
    )
}

/// A zip being written, which refuses to become larger than what we would read ourselves.
struct Zip {
    out: Vec<u8>,
    directory: Vec<u8>,
    entries: usize,
    total: u64,
}

/// The first day that a zip can name: a date would make each document another.
const DAY: u16 = 0x21;
/// What a reader must know: deflate.
const VERSION: u16 = 20;
/// Names are in UTF-8.
const UTF8: u16 = 1 << 11;

impl Zip {
    fn with_capacity(size: usize) -> Self {
        Self {
            out: Vec::with_capacity(size.min(LARGEST_FILE) + 4096),
            directory: Vec::with_capacity(2048),
            entries: 0,
            total: 0,
        }
    }

    fn copy(&mut self, entry: &Entry) -> Result<(), MergeFailure> {
        let at = self.open(&entry.name, entry.size)?;
        self.out.extend_from_slice(&entry.data);
        self.close(at, &entry.name, entry.deflated, entry.crc, entry.size)
    }

    fn add(&mut self, name: &str, bytes: &[u8], packing: &Packing) -> Result<(), MergeFailure> {
        let size = bytes.len() as u64;
        let at = self.open(name, size)?;
        match packing {
            Packing::Stored => self.out.extend_from_slice(bytes),
            Packing::Deflated => deflate::append(&mut self.out, bytes),
            Packing::Known(passages) => passages.append(&mut self.out, bytes),
        }
        let deflated = !matches!(packing, Packing::Stored);
        self.close(at, name, deflated, crc32fast::hash(bytes), size)
    }

    /// Leaves room for the header of an entry, which is known once its data are there.
    fn open(&mut self, name: &str, size: u64) -> Result<usize, MergeFailure> {
        self.entries += 1;
        self.total += size;
        if size > LARGEST_ENTRY || self.total > LARGEST_TOTAL || self.entries > MOST_ENTRIES {
            return Err(too_large());
        }
        let at = self.out.len();
        self.out.resize(at + HEADER + name.len(), 0);
        Ok(at)
    }

    fn close(
        &mut self,
        at: usize,
        name: &str,
        deflated: bool,
        crc: u32,
        size: u64,
    ) -> Result<(), MergeFailure> {
        let start = at + HEADER + name.len();
        let narrow = |wide: u64| u32::try_from(wide).map_err(|_| too_large());
        let (offset, packed, size) = (
            narrow(at as u64)?,
            narrow((self.out.len() - start) as u64)?,
            narrow(size)?,
        );
        let name_length = u16::try_from(name.len()).map_err(|_| too_large())?;
        let flags = if name.is_ascii() { 0 } else { UTF8 };
        let mut common = Vec::with_capacity(HEADER - 4);
        for field in [VERSION, flags, if deflated { 8 } else { 0 }, 0, DAY] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc, packed, size] {
            common.extend(field.to_le_bytes());
        }
        common.extend(name_length.to_le_bytes());
        common.extend([0; 2]);
        let header = [b"PK\x03\x04", common.as_slice(), name.as_bytes()].concat();
        self.out[at..start].copy_from_slice(&header);
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(VERSION.to_le_bytes());
        self.directory.extend(&common);
        // No comment, first disk, no attributes.
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<u8>, MergeFailure> {
        let narrow = |wide: usize| u32::try_from(wide).map_err(|_| too_large());
        let (start, length) = (narrow(self.out.len())?, narrow(self.directory.len())?);
        let entries = u16::try_from(self.entries).map_err(|_| too_large())?;
        self.out.append(&mut self.directory);
        self.out.extend(b"PK\x05\x06\0\0\0\0");
        self.out.extend(entries.to_le_bytes());
        self.out.extend(entries.to_le_bytes());
        self.out.extend(length.to_le_bytes());
        self.out.extend(start.to_le_bytes());
        self.out.extend([0; 2]);
        if self.out.len() > LARGEST_FILE {
            return Err(too_large());
        }
        Ok(self.out)
    }
}

/// The length of an entry's header without its name.
const HEADER: usize = 30;

#[cfg(test)]
mod tests;
