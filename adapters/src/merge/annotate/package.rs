//! The zip of a template, of which a few entries change and all the others are copied as they are.

use super::super::archive::Archive;
use navette_domain::ports::OfficeFormat;
use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

pub(super) struct Package<'a> {
    bytes: &'a [u8],
    archive: Archive<'a>,
    changed: BTreeMap<String, String>,
}

impl<'a> Package<'a> {
    /// `None` when the file cannot be read.
    pub(super) fn open(bytes: &'a [u8]) -> Option<Self> {
        let archive = Archive::open(bytes).ok()?;
        Some(Self {
            bytes,
            archive,
            changed: BTreeMap::new(),
        })
    }

    pub(super) fn format(&self) -> OfficeFormat {
        self.archive.format()
    }

    /// The entry's text, changes included.
    pub(super) fn read(&mut self, name: &str) -> Option<String> {
        if let Some(text) = self.changed.get(name) {
            return Some(text.clone());
        }
        let index = self
            .archive
            .names()
            .iter()
            .position(|known| known == name)?;
        String::from_utf8(self.archive.read_index(index).ok()?).ok()
    }

    /// The entries' names.
    pub(super) fn names(&self) -> Vec<String> {
        self.archive.names().to_vec()
    }

    pub(super) fn change(&mut self, name: &str, text: String) {
        self.changed.insert(name.to_owned(), text);
    }

    /// The file with its changes; `None` when nothing changed.
    pub(super) fn write(self) -> Option<Vec<u8>> {
        if self.changed.is_empty() {
            return None;
        }
        let mut changed = self.changed;
        let mut source = ZipArchive::new(Cursor::new(self.bytes)).ok()?;
        let mut target = ZipWriter::new(Cursor::new(Vec::with_capacity(self.bytes.len() + 4096)));
        let deflated = SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Deflated);
        for index in 0..source.len() {
            let entry = source.by_index_raw(index).ok()?;
            let name = entry.name().ok()?.into_owned();
            if let Some(text) = changed.remove(&name) {
                drop(entry);
                target.start_file(name, deflated).ok()?;
                target.write_all(text.as_bytes()).ok()?;
            } else {
                target.raw_copy_file(entry).ok()?;
            }
        }
        for (name, text) in changed {
            target.start_file(name, deflated).ok()?;
            target.write_all(text.as_bytes()).ok()?;
        }
        Some(target.finish().ok()?.into_inner())
    }
}

/// What an entry refers to, after its relationships.
pub(super) mod relationships {
    use super::{
        super::outline::{Edits, Outline, escaped},
        Package,
    };

    const TYPES: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

    /// `word/document.xml` → `word/_rels/document.xml.rels`
    fn entry_of(part: &str) -> String {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        format!("{folder}/_rels/{file}.rels")
    }

    /// The entry that a target relative to `part` names.
    fn resolve(part: &str, target: &str) -> String {
        if let Some(absolute) = target.strip_prefix('/') {
            return absolute.to_owned();
        }
        let mut steps: Vec<&str> = part.split('/').collect();
        steps.pop();
        for step in target.split('/') {
            match step {
                ".." => drop(steps.pop()),
                "." => {}
                _ => steps.push(step),
            }
        }
        steps.join("/")
    }

    /// The relationships of `part` of the type that ends so: their ids and the entries they name.
    pub(in super::super) fn of(
        package: &mut Package<'_>,
        part: &str,
        kind: &str,
    ) -> Vec<(String, String)> {
        let Some(text) = package.read(&entry_of(part)) else {
            return Vec::new();
        };
        let Some(outline) = Outline::of(&text) else {
            return Vec::new();
        };
        let found = outline.named("Relationship").filter_map(|index| {
            let value = |name: &str| outline.attribute(index, name);
            (value("Type")?.rsplit('/').next()? == kind).then_some(())?;
            Some((value("Id")?, resolve(part, &value("Target")?)))
        });
        found.collect()
    }

    /// Adds a relationship from `part` to an entry of the same file; answers its id.
    pub(in super::super) fn add(
        package: &mut Package<'_>,
        part: &str,
        kind: &str,
        entry: &str,
    ) -> Option<String> {
        let id = format!("rIdNavette{}", kind.to_ascii_uppercase());
        let name = entry_of(part);
        let text = package.read(&name).unwrap_or_else(|| {
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<Relationships \
             xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"/>"
                .into()
        });
        let outline = Outline::of(&text)?;
        let mut edits = Edits::default();
        let added = format!(
            "<Relationship Id=\"{id}\" Type=\"{TYPES}/{kind}\" Target=\"/{}\"/>",
            escaped(entry)
        );
        edits.append(outline.spans.first()?, &added);
        let text = edits.apply(&text);
        package.change(&name, text);
        Some(id)
    }

    /// Says of what type an entry is, unless it is said already; `of` is `Override PartName="…"` or
    /// `Default Extension="…"`.
    pub(in super::super) fn declare(
        package: &mut Package<'_>,
        of: &str,
        media_type: &str,
    ) -> Option<()> {
        const TYPES: &str = "[Content_Types].xml";
        let text = package.read(TYPES)?;
        let (_, named) = of.split_once(' ')?;
        if text.contains(named) {
            return Some(());
        }
        let outline = Outline::of(&text)?;
        let mut edits = Edits::default();
        edits.append(
            outline.spans.first()?,
            &format!("<{of} ContentType=\"{media_type}\"/>"),
        );
        let text = edits.apply(&text);
        package.change(TYPES, text);
        Some(())
    }
}
