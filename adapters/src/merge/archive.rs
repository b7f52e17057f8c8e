//! The zip around an office file: opened within limits, and refused when it is broken or unsafe.

use super::{package::Entry, safety};
use navette_domain::ports::{MergeFailure, OfficeFormat};
use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};
use zip::{CompressionMethod, ZipArchive};

/// The largest file, the largest entry once inflated, and all of them together.
pub(super) const LARGEST_FILE: usize = 64 << 20;
pub(super) const LARGEST_ENTRY: u64 = 64 << 20;
pub(super) const LARGEST_TOTAL: u64 = 256 << 20;
/// How many entries, and how much an entry of more than a mebibyte may inflate.
pub(super) const MOST_ENTRIES: usize = 2_000;
const HIGHEST_RATIO: u64 = 200;
const RATIO_FROM: u64 = 1 << 20;

/// The entries that tell the format, in OpenDocument and in Office Open XML.
const MEDIA_TYPE: &str = "mimetype";
const CONTENT_TYPES: &str = "[Content_Types].xml";

/// How files of MS Office before 2007 start, and protected ones since.
const OLE: &[u8] = b"\xD0\xCF\x11\xE0";

/// An office file that can be read and holds nothing dangerous.
pub(crate) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
    format: OfficeFormat,
}

fn unreadable<T>(sentence: impl Into<String>) -> Result<T, MergeFailure> {
    Err(MergeFailure::Unreadable(sentence.into()))
}

pub(super) fn damaged() -> MergeFailure {
    MergeFailure::Unreadable("le fichier est abîmé ou incomplet".into())
}

impl<'a> Archive<'a> {
    /// Opens `bytes` and looks at every entry.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self, MergeFailure> {
        if bytes.len() > LARGEST_FILE {
            return unreadable("le fichier dépasse 64 Mio");
        }
        if bytes.starts_with(OLE) {
            return unreadable(
                "le fichier est dans un ancien format (.doc, .xls) ou protégé par un mot de passe : \
                 l'enregistrer en ODT, ODS, DOCX ou XLSX, sans mot de passe",
            );
        }
        if looks_like_flat_odf(bytes) {
            return unreadable(
                "le fichier est un OpenDocument à plat : l'enregistrer en ODT ou ODS",
            );
        }
        if !bytes.starts_with(b"PK\x03\x04") {
            return unreadable(
                "le fichier n'est pas un document ODT, ODS, DOCX ou XLSX, quel que soit son nom",
            );
        }
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| damaged())?;
        if zip.len() > MOST_ENTRIES {
            return unreadable("le fichier contient trop d'éléments");
        }
        if zip.has_duplicate_names() || zip.has_overlapping_files().map_err(|_| damaged())? {
            return unreadable("le fichier contient des éléments en double");
        }
        let names = names_within_limits(&mut zip)?;
        let mut telling = BTreeMap::new();
        for (index, name) in names.iter().enumerate() {
            if [MEDIA_TYPE, CONTENT_TYPES].contains(&name.as_str()) {
                telling.insert(name.as_str(), read(&mut zip, index)?);
            }
        }
        let format = format_of(&names, &telling)?;
        for (index, name) in names.iter().enumerate() {
            match telling.get(name.as_str()) {
                Some(content) => safety::check(name, content, format)?,
                None => safety::check(name, &read(&mut zip, index)?, format)?,
            }
        }
        Ok(Self { zip, names, format })
    }

    /// The format, told from the content.
    pub(crate) fn format(&self) -> OfficeFormat {
        self.format
    }

    /// The entries' names, in the file's order.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The content of the entry at `index`.
    pub(crate) fn read_index(&mut self, index: usize) -> Result<Vec<u8>, MergeFailure> {
        read(&mut self.zip, index)
    }

    /// The entry at `index` as it stands in the zip.
    pub(super) fn entry(&mut self, index: usize) -> Result<Entry, MergeFailure> {
        let mut raw = self.zip.by_index_raw(index).map_err(|_| damaged())?;
        let mut data = Vec::new();
        raw.read_to_end(&mut data).map_err(|_| damaged())?;
        Ok(Entry {
            name: raw.name().map_err(|_| damaged())?.into_owned(),
            deflated: raw.compression() == CompressionMethod::Deflated,
            crc: raw.crc32(),
            size: raw.size(),
            data: data.into(),
        })
    }
}

/// One XML file that holds a whole OpenDocument.
fn looks_like_flat_odf(bytes: &[u8]) -> bool {
    const ROOT: &[u8] = b"urn:oasis:names:tc:opendocument:xmlns:office:1.0";
    let start = &bytes[..bytes.len().min(4096)];
    start.trim_ascii_start().starts_with(b"<")
        && start.windows(ROOT.len()).any(|window| window == ROOT)
}

fn names_within_limits(zip: &mut ZipArchive<Cursor<&[u8]>>) -> Result<Vec<String>, MergeFailure> {
    let mut total = 0_u64;
    (0..zip.len())
        .map(|index| {
            let entry = zip.by_index_raw(index).map_err(|_| damaged())?;
            let name = entry.name().map_err(|_| damaged())?.into_owned();
            let safe_name = entry.enclosed_name().is_some() && !name.contains('\\');
            if !safe_name || name.starts_with('/') || entry.is_symlink() {
                return unreadable("le fichier contient un chemin qui en sort");
            }
            if entry.encrypted() {
                return unreadable("le fichier est protégé par un mot de passe : l'ôter");
            }
            total = total.saturating_add(entry.size());
            let inflates = entry.size() > RATIO_FROM
                && entry.size() / entry.compressed_size().max(1) > HIGHEST_RATIO;
            if entry.size() > LARGEST_ENTRY || total > LARGEST_TOTAL || inflates {
                return unreadable("le fichier est démesuré une fois décompressé");
            }
            Ok(name)
        })
        .collect()
}

fn read(zip: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<Vec<u8>, MergeFailure> {
    let entry = zip.by_index(index).map_err(|_| damaged())?;
    let announced = entry.size();
    let mut content = Vec::new();
    entry
        .take(announced + 1)
        .read_to_end(&mut content)
        .map_err(|_| damaged())?;
    if content.len() as u64 == announced {
        Ok(content)
    } else {
        Err(damaged())
    }
}

/// The format that the entries and the content of those that tell it say.
fn format_of(
    names: &[String],
    telling: &BTreeMap<&str, Vec<u8>>,
) -> Result<OfficeFormat, MergeFailure> {
    let has = |name: &str| names.iter().any(|known| known == name);
    let content = |name: &str| {
        let bytes = telling.get(name).map(Vec::as_slice).unwrap_or_default();
        str::from_utf8(bytes).map_err(|_| damaged())
    };
    let media_type = content(MEDIA_TYPE)?;
    let types = content(CONTENT_TYPES)?;
    let odf = has("content.xml") && has("META-INF/manifest.xml");
    if odf && media_type == OfficeFormat::Odt.media_type() {
        Ok(OfficeFormat::Odt)
    } else if odf && media_type == OfficeFormat::Ods.media_type() {
        Ok(OfficeFormat::Ods)
    } else if types.contains(".macroEnabled.") {
        unreadable("le fichier contient des macros : l'enregistrer sans macros")
    } else if types.contains("wordprocessingml.document.main+xml") && has("word/document.xml") {
        Ok(OfficeFormat::Docx)
    } else if types.contains("spreadsheetml.sheet.main+xml") && has("xl/workbook.xml") {
        Ok(OfficeFormat::Xlsx)
    } else if media_type.ends_with("-template") || types.contains(".template.main+xml") {
        unreadable("le fichier est un modèle bureautique : l'enregistrer comme document")
    } else {
        unreadable("le fichier n'est pas un document ODT, ODS, DOCX ou XLSX")
    }
}
