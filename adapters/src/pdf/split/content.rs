//! What the pages of a letter draw, under names and numbers that follow from the letter alone.
//!
//! LibreOffice names fonts and pictures, and numbers the characters of each font, in the order of the whole
//! document. Here they are named and numbered in the order in which the letter uses them.

use super::{
    NotSplit, compressed,
    font::{Font, family},
    words::{Kind, Operand, Words},
};
use crate::pdf::{
    LARGEST_STREAM, NotAPdf,
    copy::{Copier, inherited},
};
use lopdf::{Dictionary, Document, Object, ObjectId};
use std::collections::HashMap;

/// Drawings within drawings.
const DEEPEST: usize = 12;

/// The drawing instructions of a letter, written again.
pub(super) struct Rewriting<'a> {
    document: &'a Document,
    resources: &'a Dictionary,
    pages: Vec<Vec<u8>>,
    fonts: Vec<Font<'a>>,
    /// What else the instructions name: its kind, its new name, what it is.
    named: Vec<Named<'a>>,
    /// New names by kind and old name.
    names: HashMap<(&'static str, Vec<u8>), String>,
}

struct Named<'a> {
    kind: &'static str,
    name: String,
    object: &'a Object,
    /// For a drawing within the page: its instructions.
    content: Option<Vec<u8>>,
}

impl<'a> Rewriting<'a> {
    pub(super) fn of(document: &'a Document, pages: &[ObjectId]) -> Result<Self, NotSplit> {
        let mut resources = pages
            .iter()
            .map(|page| inherited(document, *page, b"Resources"));
        let shared = resources.next().flatten().ok_or(NotAPdf::Damaged)?;
        if resources.any(|other| other != Some(shared)) {
            return Err(NotSplit::Unknown("pages with other resources"));
        }
        let mut rewriting = Self {
            document,
            resources: dictionary(document, shared)?,
            pages: Vec::new(),
            fonts: Vec::new(),
            named: Vec::new(),
            names: HashMap::new(),
        };
        for page in pages {
            let content = document
                .get_page_content_with_limit(*page, LARGEST_STREAM)
                .map_err(|_| NotAPdf::Damaged)?;
            let content = rewriting.rewrite(&content, DEEPEST)?;
            rewriting.pages.push(content);
        }
        Ok(rewriting)
    }

    /// The instructions of the letter's page of this rank.
    pub(super) fn page(&self, rank: usize) -> Option<&[u8]> {
        self.pages.get(rank).map(Vec::as_slice)
    }

    fn rewrite(&mut self, content: &[u8], depth: usize) -> Result<Vec<u8>, NotSplit> {
        let depth = depth.checked_sub(1).ok_or(NotAPdf::Damaged)?;
        let mut out = Vec::with_capacity(content.len());
        let mut operands: Vec<Operand> = Vec::new();
        let (mut font, mut saved) = (None, Vec::new());
        let mut words = Words::new(content);
        while let Some(word) = words.next()? {
            if word.kind != Kind::Operator {
                operands.push(word);
                continue;
            }
            let text = |operand: &Operand| content[operand.range.clone()].to_vec();
            match &content[word.range.clone()] {
                b"q" => saved.push(font),
                b"Q" => font = saved.pop().flatten(),
                b"BI" => return Err(NotSplit::Unknown("an inline picture")),
                b"Tf" => {
                    let name = operands.first_mut().ok_or(NotAPdf::Damaged)?;
                    let index = self.font(&text(name))?;
                    font = Some(index);
                    name.text = Some(format!("/F{}", index + 1).into_bytes());
                }
                b"Tj" | b"TJ" | b"'" | b"\"" => {
                    let font = font.and_then(|index: usize| self.fonts.get_mut(index));
                    let font = font.ok_or(NotAPdf::Damaged)?;
                    for operand in operands.iter_mut().filter(|word| word.kind == Kind::Text) {
                        operand.text = Some(font.renumber(&text(operand))?);
                    }
                }
                operator => {
                    let (kind, operand) = match operator {
                        b"Do" => ("XObject", operands.first_mut()),
                        b"gs" => ("ExtGState", operands.first_mut()),
                        b"cs" | b"CS" => ("ColorSpace", operands.first_mut()),
                        b"scn" | b"SCN" => ("Pattern", operands.last_mut()),
                        b"sh" => ("Shading", operands.first_mut()),
                        b"BDC" | b"DP" => ("Properties", operands.get_mut(1)),
                        _ => ("", None),
                    };
                    if let Some(operand) = operand.filter(|operand| operand.kind == Kind::Name) {
                        operand.text = self.name(kind, &text(operand), depth)?;
                    }
                }
            }
            operands.push(word);
            for operand in operands.drain(..) {
                match &operand.text {
                    Some(text) => out.extend_from_slice(text),
                    None => out.extend_from_slice(&content[operand.range]),
                }
                out.push(if operand.kind == Kind::Operator {
                    b'\n'
                } else {
                    b' '
                });
            }
        }
        Ok(out)
    }

    /// The rank of the font that is called `name`, with its slash.
    fn font(&mut self, name: &[u8]) -> Result<usize, NotSplit> {
        let name = name.get(1..).unwrap_or_default();
        if let Some(index) = self.fonts.iter().position(|font| font.old == name) {
            return Ok(index);
        }
        let fonts = self.document.get_dict_in_dict(self.resources, b"Font");
        let fonts = fonts.map_err(|_| NotAPdf::Damaged)?;
        let entries = dictionary(
            self.document,
            fonts.get(name).map_err(|_| NotAPdf::Damaged)?,
        )?;
        let family = family(entries);
        let same = |other: &Object| {
            dictionary(self.document, other).is_ok_and(|other| self::family(other) == family)
        };
        if fonts.iter().filter(|(_, other)| same(other)).count() > 1 {
            return Err(NotSplit::Unknown("a font in several pieces"));
        }
        self.fonts.push(Font::read(self.document, name, entries)?);
        Ok(self.fonts.len() - 1)
    }

    /// The new name of something else, with its slash; `None` for a name that the PDF does not define.
    fn name(
        &mut self,
        kind: &'static str,
        name: &[u8],
        depth: usize,
    ) -> Result<Option<Vec<u8>>, NotSplit> {
        let name = name.get(1..).unwrap_or_default();
        let spelled = |name: &String| Some(format!("/{name}").into_bytes());
        if let Some(known) = self.names.get(&(kind, name.to_vec())) {
            return Ok(spelled(known));
        }
        let object = self
            .document
            .get_dict_in_dict(self.resources, kind.as_bytes())
            .and_then(|objects| objects.get(name));
        let Ok(object) = object else {
            return Ok(None);
        };
        let new = format!("{}{}", &kind[..1], self.names.len() + 1);
        self.names.insert((kind, name.to_vec()), new.clone());
        let rank = self.named.len();
        self.named.push(Named {
            kind,
            name: new.clone(),
            object,
            content: None,
        });
        let stream = self
            .document
            .dereference(object)
            .and_then(|(_, it)| it.as_stream());
        if let Ok(stream) = stream
            && is_named(&stream.dict, b"Subtype", b"Form")
        {
            let own = stream.dict.get(b"Resources");
            if !own.is_ok_and(|own| {
                dictionary(self.document, own).is_ok_and(|own| std::ptr::eq(own, self.resources))
            }) {
                return Err(NotSplit::Unknown("a drawing with other resources"));
            }
            let content = stream
                .get_plain_content_with_limit(LARGEST_STREAM)
                .map_err(|_| NotAPdf::Damaged)?;
            self.named[rank].content = Some(self.rewrite(&content, depth)?);
        }
        Ok(spelled(&new))
    }

    /// Writes what the letter's instructions name.
    pub(super) fn resources(&self, copier: &mut Copier<'_, Vec<u8>>) -> Result<ObjectId, NotSplit> {
        let place = copier.reserve();
        let mut resources = Dictionary::new();
        let mut fonts = Dictionary::new();
        for (index, font) in self.fonts.iter().enumerate() {
            fonts.set(
                format!("F{}", index + 1),
                font.write(self.document, copier)?,
            );
        }
        resources.set("Font", fonts);
        for kind in [
            "XObject",
            "ExtGState",
            "ColorSpace",
            "Pattern",
            "Shading",
            "Properties",
        ] {
            let mut objects = Dictionary::new();
            for named in self.named.iter().filter(|named| named.kind == kind) {
                let copy = match &named.content {
                    Some(content) => self.drawing(named, content, place, copier)?,
                    None => copier.object(named.object)?,
                };
                objects.set(named.name.clone(), copy);
            }
            if !objects.is_empty() {
                resources.set(kind, objects);
            }
        }
        copier.put(place, &resources.into())?;
        Ok(place)
    }

    fn drawing(
        &self,
        named: &Named<'_>,
        content: &[u8],
        resources: ObjectId,
        copier: &mut Copier<'_, Vec<u8>>,
    ) -> Result<Object, NotSplit> {
        let mut entries = dictionary(self.document, named.object)?.clone();
        for key in [
            b"Resources".as_slice(),
            b"Length",
            b"Filter",
            b"DecodeParms",
            b"StructParents",
        ] {
            entries.remove(key);
        }
        let entries = copier.object(&entries.into())?;
        let mut stream = compressed(content)?;
        if let (Ok(stream), Ok(entries)) = (stream.as_stream_mut(), entries.as_dict()) {
            for (key, value) in entries {
                stream.dict.set(key.clone(), value.clone());
            }
            stream.dict.set("Resources", resources);
        }
        Ok(copier.add(&stream)?.into())
    }
}

fn dictionary<'a>(document: &'a Document, object: &'a Object) -> Result<&'a Dictionary, NotSplit> {
    let found = document
        .dereference(object)
        .map_err(|_| NotAPdf::Damaged)?
        .1;
    match found {
        Object::Stream(stream) => Ok(&stream.dict),
        other => Ok(other.as_dict().map_err(|_| NotAPdf::Damaged)?),
    }
}

pub(super) fn is_named(entries: &Dictionary, key: &[u8], name: &[u8]) -> bool {
    (entries.get(key).and_then(Object::as_name)).is_ok_and(|found| found == name)
}
