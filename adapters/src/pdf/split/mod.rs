//! The letters that were converted together, each as the PDF that it would have been alone.
//!
//! A letter's pages are copied with what they show; its part of the structure for screen readers, the colour
//! profile and the metadata of PDF/A with its own date come along. The names of fonts and pictures, the
//! numbers of characters in fonts, and the fonts themselves are made anew from the letter alone (`content`,
//! `font`, `face`), so that its bytes do not depend on the letters that it was converted with.

mod content;
mod face;
mod font;
mod outline;
mod structure;
mod words;

use super::{
    NotAPdf,
    copy::{Copier, CopyError, Output, inherited},
    open,
};
use chrono::{DateTime, Datelike as _, SecondsFormat, Timelike as _, Utc};
use content::Rewriting;
use lopdf::{Dictionary, Document, Object, ObjectId, Stream};
use std::{collections::HashMap, ops::Range};
use structure::Structure;

/// Why letters were not told apart; for an engineer. They are then converted one by one.
#[derive(Debug, thiserror::Error)]
pub enum NotSplit {
    /// The PDF cannot be read or a part of it copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The letters' starts are not all there, in order.
    #[error("the starts of the letters were not found")]
    Starts,
    /// A construction that is not known.
    #[error("the PDF has {0}, which is not known")]
    Unknown(&'static str),
}

impl From<NotAPdf> for NotSplit {
    fn from(cause: NotAPdf) -> Self {
        Self::Copy(cause.into())
    }
}

impl From<std::io::Error> for NotSplit {
    fn from(cause: std::io::Error) -> Self {
        Self::Copy(cause.into())
    }
}

/// A letter of the PDF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its own PDF.
    pub bytes: Vec<u8>,
    /// Its number of pages.
    pub pages: u32,
}

/// Cuts `pdf` into letters. Each has a named destination on its first page, `mark` followed by its rank from
/// 0, and a date: that of the letter of this rank in `dates`.
pub fn split(pdf: &[u8], mark: &str, dates: &[DateTime<Utc>]) -> Result<Vec<Part>, NotSplit> {
    let document = open(pdf)?;
    let pages: Vec<ObjectId> = document.page_iter().collect();
    let ranges = ranges(&document, &pages, mark, dates.len())?;
    let structure = Structure::read(&document, &pages, &ranges)?;
    ranges
        .into_iter()
        .zip(dates)
        .enumerate()
        .map(|(rank, (range, date))| {
            let count = u32::try_from(range.len()).unwrap_or(u32::MAX);
            let letter = LetterPages {
                document: &document,
                pages: pages.get(range).unwrap_or_default(),
                structure: structure.as_ref().map(|structure| (structure, rank)),
                date: *date,
            };
            Ok(Part {
                bytes: letter.write()?,
                pages: count,
            })
        })
        .collect()
}

/// The pages of each letter.
fn ranges(
    document: &Document,
    pages: &[ObjectId],
    mark: &str,
    letters: usize,
) -> Result<Vec<Range<usize>>, NotSplit> {
    let numbers: HashMap<ObjectId, usize> =
        pages.iter().enumerate().map(|(n, id)| (*id, n)).collect();
    let catalog = document.catalog().map_err(|_| NotAPdf::Damaged)?;
    let destinations = document
        .get_dict_in_dict(catalog, b"Dests")
        .map_err(|_| NotSplit::Starts)?;
    let start = |rank: usize| {
        let destination = destinations.get(format!("{mark}{rank}").as_bytes()).ok()?;
        let page = document.dereference(destination).ok()?.1.as_array().ok()?;
        numbers.get(&page.first()?.as_reference().ok()?).copied()
    };
    let mut starts: Vec<usize> = (0..letters)
        .map(|rank| start(rank).ok_or(NotSplit::Starts))
        .collect::<Result<_, _>>()?;
    starts.push(pages.len());
    let in_order = starts.is_sorted_by(|before, after| before < after);
    if starts.first() != Some(&0) || !in_order {
        return Err(NotSplit::Starts);
    }
    Ok(starts.windows(2).map(|pair| pair[0]..pair[1]).collect())
}

/// Where a colour profile says when it was made.
const PROFILE_DATE: Range<usize> = 24..36;

fn profile_date(date: DateTime<Utc>) -> [u8; 12] {
    let year = u16::try_from(date.year()).unwrap_or_default();
    let others = [
        date.month(),
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
    ];
    let mut bytes = [0; 12];
    bytes[..2].copy_from_slice(&year.to_be_bytes());
    for (place, value) in bytes[2..].chunks_mut(2).zip(others) {
        place.copy_from_slice(&u16::try_from(value).unwrap_or_default().to_be_bytes());
    }
    bytes
}

/// One letter, to be written.
struct LetterPages<'a> {
    document: &'a Document,
    pages: &'a [ObjectId],
    structure: Option<(&'a Structure<'a>, usize)>,
    date: DateTime<Utc>,
}

impl LetterPages<'_> {
    fn write(&self) -> Result<Vec<u8>, NotSplit> {
        let rewriting = Rewriting::of(self.document, self.pages)?;
        let mut output = Output::new(Vec::new())?;
        let tree = output.reserve();
        let places: Vec<ObjectId> = self.pages.iter().map(|_| output.reserve()).collect();
        let root = self.structure.map(|_| output.reserve());
        let mut copier = Copier::new(self.document, &mut output);
        for (page, place) in self.pages.iter().zip(&places) {
            copier.lead(*page, *place);
        }
        let resources = rewriting.resources(&mut copier)?;
        let mut keys = structure::Keys::default();
        for (index, (page, place)) in self.pages.iter().zip(&places).enumerate() {
            let mut copy = copier.page_without(*page, &[b"Resources", b"Contents"])?;
            let content = rewriting.page(index).ok_or(NotAPdf::Damaged)?;
            copy.set("Contents", copier.add(&compressed(content)?)?);
            copy.set("Resources", resources);
            copy.set("Parent", tree);
            if let Ok(key) = self.entry(*page, b"StructParents") {
                copy.set("StructParents", keys.renew(key));
            }
            let annotations = self.annotations(*page, &mut copier, &mut keys)?;
            if !annotations.is_empty() {
                copy.set("Annots", annotations);
            }
            copier.put(*place, &copy.into())?;
        }
        if let (Some((structure, rank)), Some(root)) = (self.structure, root) {
            structure.write(rank, root, &keys, &mut copier)?;
        }
        let metadata = self.metadata(&mut copier)?;
        let catalog = self.catalog(tree, &places, root, metadata, &mut copier)?;
        let info = self.info(&mut copier)?;
        let mut nodes = Dictionary::new();
        nodes.set("Type", "Pages");
        nodes.set("Count", i64::try_from(places.len()).unwrap_or(i64::MAX));
        nodes.set(
            "Kids",
            places.into_iter().map(Object::from).collect::<Vec<_>>(),
        );
        copier.put(tree, &nodes.into())?;
        Ok(output.finish(catalog, Some(info))?)
    }

    fn entry(&self, page: ObjectId, key: &[u8]) -> lopdf::Result<i64> {
        self.document.get_dictionary(page)?.get(key)?.as_i64()
    }

    /// Links, which the structure may refer to.
    fn annotations(
        &self,
        page: ObjectId,
        copier: &mut Copier<'_, Vec<u8>>,
        keys: &mut structure::Keys,
    ) -> Result<Vec<Object>, NotSplit> {
        let mut copies = Vec::new();
        let Some(listed) = inherited(self.document, page, b"Annots") else {
            return Ok(copies);
        };
        let listed = (self.document.dereference(listed))
            .and_then(|(_, listed)| listed.as_array())
            .map_err(|_| NotAPdf::Damaged)?;
        for annotation in listed {
            let (id, annotation) = self
                .document
                .dereference(annotation)
                .map_err(|_| NotAPdf::Damaged)?;
            let mut entries = annotation.as_dict().map_err(|_| NotAPdf::Damaged)?.clone();
            let key = entries.get(b"StructParent").and_then(Object::as_i64);
            let place = copier.reserve();
            if let Some(id) = id {
                copier.lead(id, place);
            }
            if let Ok(key) = key {
                entries.set("StructParent", keys.renew(key));
            }
            let copy = copier.object(&entries.into())?;
            copier.put(place, &copy)?;
            copies.push(place.into());
        }
        Ok(copies)
    }

    fn catalog(
        &self,
        tree: ObjectId,
        places: &[ObjectId],
        root: Option<ObjectId>,
        metadata: Option<ObjectId>,
        copier: &mut Copier<'_, Vec<u8>>,
    ) -> Result<ObjectId, NotSplit> {
        let source = self.document.catalog().map_err(|_| NotAPdf::Damaged)?;
        let mut catalog = Dictionary::new();
        catalog.set("Type", "Catalog");
        catalog.set("Pages", tree);
        for key in [b"Lang".as_slice(), b"MarkInfo", b"ViewerPreferences"] {
            if let Ok(value) = source.get(key) {
                catalog.set(key, copier.object(value)?);
            }
        }
        if let Ok(intents) = source.get(b"OutputIntents") {
            catalog.set("OutputIntents", self.intents(intents, copier)?);
        }
        if let Some(first) = places.first() {
            let whole = [Object::Null, Object::Null, Object::Integer(0)];
            let mut opening = vec![Object::from(*first), "XYZ".into()];
            opening.extend(whole);
            catalog.set("OpenAction", opening);
        }
        if let Some(root) = root {
            catalog.set("StructTreeRoot", root);
        }
        if let Some(metadata) = metadata {
            catalog.set("Metadata", metadata);
        }
        Ok(copier.add(&catalog.into())?)
    }

    /// The colour profiles, which bear the date too.
    fn intents(
        &self,
        intents: &Object,
        copier: &mut Copier<'_, Vec<u8>>,
    ) -> Result<Vec<Object>, NotSplit> {
        let document = self.document;
        let intents = resolved(document, intents)
            .and_then(Object::as_array)
            .map_err(|_| NotAPdf::Damaged)?;
        let mut copies = Vec::new();
        for intent in intents {
            let intent = resolved(document, intent)
                .and_then(Object::as_dict)
                .map_err(|_| NotAPdf::Damaged)?;
            let profile = intent
                .get(b"DestOutputProfile")
                .and_then(|profile| resolved(document, profile))
                .and_then(Object::as_stream)
                .map_err(|_| NotSplit::Unknown("no colour profile"))?;
            let mut content = profile
                .get_plain_content_with_limit(super::LARGEST_STREAM)
                .map_err(|_| NotAPdf::Damaged)?;
            content
                .get_mut(PROFILE_DATE)
                .ok_or(NotSplit::Unknown("no colour profile"))?
                .copy_from_slice(&profile_date(self.date));
            let mut copy = compressed(&content)?;
            if let (Ok(copy), Ok(components)) = (copy.as_stream_mut(), profile.dict.get(b"N")) {
                copy.dict.set("N", components.clone());
            }
            let copy = copier.add(&copy)?;
            let mut entries = Dictionary::new();
            for (key, value) in intent
                .iter()
                .filter(|(key, _)| *key != b"DestOutputProfile")
            {
                entries.set(key.clone(), copier.object(value)?);
            }
            entries.set("DestOutputProfile", copy);
            copies.push(copier.add(&entries.into())?.into());
        }
        Ok(copies)
    }

    /// The metadata, of the letter's own date.
    fn metadata(&self, copier: &mut Copier<'_, Vec<u8>>) -> Result<Option<ObjectId>, NotSplit> {
        let source = self.document.catalog().map_err(|_| NotAPdf::Damaged)?;
        let Ok(metadata) = source.get(b"Metadata") else {
            return Ok(None);
        };
        let stream = self
            .document
            .dereference(metadata)
            .and_then(|(_, metadata)| metadata.as_stream())
            .map_err(|_| NotAPdf::Damaged)?;
        let text = stream
            .get_plain_content_with_limit(super::LARGEST_STREAM)
            .map_err(|_| NotAPdf::Damaged)?;
        let mut text = String::from_utf8(text).map_err(|_| NotAPdf::Damaged)?;
        let date = self.date.to_rfc3339_opts(SecondsFormat::Secs, true);
        for key in ["xmp:CreateDate", "xmp:ModifyDate", "xmp:MetadataDate"] {
            let (open, close) = (format!("<{key}>"), format!("</{key}>"));
            if let (Some(start), Some(end)) = (text.find(&open), text.find(&close)) {
                text.replace_range(start + open.len()..end, &date);
            }
        }
        let mut entries = Dictionary::new();
        entries.set("Type", "Metadata");
        entries.set("Subtype", "XML");
        let stream = Stream::new(entries, text.into_bytes());
        Ok(Some(copier.add(&stream.into())?))
    }

    /// What the document says of itself, of the letter's own date.
    fn info(&self, copier: &mut Copier<'_, Vec<u8>>) -> Result<ObjectId, NotSplit> {
        let mut info = Dictionary::new();
        let source = self.document.trailer.get(b"Info");
        let source = source
            .and_then(|info| self.document.dereference(info))
            .and_then(|(_, info)| info.as_dict());
        if let Ok(source) = source {
            for (key, value) in source {
                let copy = match key.as_slice() {
                    b"CreationDate" | b"ModDate" => {
                        let date = self.date.format("D:%Y%m%d%H%M%SZ'").to_string();
                        Object::string_literal(date)
                    }
                    _ => copier.object(value)?,
                };
                info.set(key.clone(), copy);
            }
        }
        Ok(copier.add(&info.into())?)
    }
}

fn resolved<'a>(document: &'a Document, object: &'a Object) -> lopdf::Result<&'a Object> {
    document.dereference(object).map(|(_, object)| object)
}

/// A stream that follows from `content` alone.
fn compressed(content: &[u8]) -> Result<Object, NotSplit> {
    let mut stream = Stream::new(Dictionary::new(), content.to_vec());
    stream.compress().map_err(|_| NotAPdf::Damaged)?;
    Ok(stream.into())
}
