//! A font of a letter: the characters that the letter uses, numbered in the order in which it does.

use super::{NotSplit, compressed, content::is_named, face, words::decoded};
use crate::pdf::{LARGEST_STREAM, NotAPdf, copy::Copier};
use lopdf::{Dictionary, Document, Object, ObjectId, Stream};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, fmt::Write as _};

/// A font, with the characters that the letter uses.
pub(super) struct Font<'a> {
    /// What the PDF calls it.
    pub(super) old: Vec<u8>,
    entries: &'a Dictionary,
    file: &'a Stream,
    descriptor: &'a Dictionary,
    codes: Vec<u8>,
    renumbered: [u8; 256],
}

impl<'a> Font<'a> {
    pub(super) fn read(
        document: &'a Document,
        name: &[u8],
        entries: &'a Dictionary,
    ) -> Result<Self, NotSplit> {
        let unknown = || NotSplit::Unknown("a font that is not TrueType");
        if !is_named(entries, b"Subtype", b"TrueType") || entries.has(b"Encoding") {
            return Err(unknown());
        }
        let descriptor = document
            .get_dict_in_dict(entries, b"FontDescriptor")
            .map_err(|_| unknown())?;
        let file = descriptor
            .get(b"FontFile2")
            .and_then(|file| document.dereference(file))
            .and_then(|(_, file)| file.as_stream())
            .map_err(|_| unknown())?;
        Ok(Self {
            old: name.to_vec(),
            entries,
            file,
            descriptor,
            codes: Vec::new(),
            renumbered: [0; 256],
        })
    }

    /// A string of characters under their new numbers.
    pub(super) fn renumber(&mut self, string: &[u8]) -> Result<Vec<u8>, NotSplit> {
        let mut text = String::from("<");
        for code in decoded(string)? {
            let new = &mut self.renumbered[usize::from(code)];
            if *new == 0 {
                self.codes.push(code);
                *new = u8::try_from(self.codes.len())
                    .map_err(|_| NotSplit::Unknown("a font of more than 255 characters"))?;
            }
            let _ = write!(text, "{new:02X}");
        }
        text.push('>');
        Ok(text.into_bytes())
    }

    pub(super) fn write(
        &self,
        document: &Document,
        copier: &mut Copier<'_, Vec<u8>>,
    ) -> Result<ObjectId, NotSplit> {
        let unknown = || NotSplit::Unknown("a font that is not understood");
        let plain = self
            .file
            .get_plain_content_with_limit(LARGEST_STREAM)
            .map_err(|_| NotAPdf::Damaged)?;
        let face = face::subset(&plain, &self.codes).ok_or_else(unknown)?;
        let name = Object::Name([tag(&face.bytes), family(self.entries).to_vec()].concat());

        let mut file = Stream::new(Dictionary::new(), face.bytes);
        file.dict.set(
            "Length1",
            i64::try_from(file.content.len()).unwrap_or(i64::MAX),
        );
        file.compress().map_err(|_| NotAPdf::Damaged)?;
        let [left, bottom, right, top] = face.bounds;
        let mut descriptor = Dictionary::new();
        for key in [b"Type".as_slice(), b"Flags", b"ItalicAngle", b"StemV"] {
            if let Ok(value) = self.descriptor.get(key) {
                descriptor.set(key, value.clone());
            }
        }
        descriptor.set("FontName", name.clone());
        descriptor.set(
            "FontBBox",
            [left, bottom, right, top].map(Object::from).to_vec(),
        );
        descriptor.set("Ascent", top);
        descriptor.set("Descent", bottom);
        descriptor.set("CapHeight", top);
        descriptor.set("FontFile2", copier.add(&file.into())?);

        let mut font = Dictionary::new();
        font.set("Type", "Font");
        font.set("Subtype", "TrueType");
        font.set("BaseFont", name);
        font.set("FirstChar", 0);
        font.set(
            "LastChar",
            i64::try_from(self.codes.len()).unwrap_or(i64::MAX),
        );
        font.set("Widths", self.widths(document)?);
        font.set("FontDescriptor", copier.add(&descriptor.into())?);
        if let Some(meanings) = self.meanings(document)? {
            let stream = compressed(meanings.as_bytes())?;
            font.set("ToUnicode", copier.add(&stream)?);
        }
        Ok(copier.add(&font.into())?)
    }

    fn widths(&self, document: &Document) -> Result<Vec<Object>, NotSplit> {
        let widths = self
            .entries
            .get(b"Widths")
            .and_then(|widths| document.dereference(widths))
            .and_then(|(_, widths)| widths.as_array())
            .map_err(|_| NotAPdf::Damaged)?;
        let first = self.entries.get(b"FirstChar").and_then(Object::as_i64);
        let first = first.ok().and_then(|first| usize::try_from(first).ok());
        let width = |code: &u8| {
            usize::from(*code)
                .checked_sub(first.unwrap_or(0))
                .and_then(|index| widths.get(index))
                .cloned()
                .ok_or(NotAPdf::Damaged)
        };
        let mut renumbered = vec![Object::Integer(0)];
        for code in &self.codes {
            renumbered.push(width(code)?);
        }
        Ok(renumbered)
    }

    /// What each character means, for those who copy, search or hear the text.
    fn meanings(&self, document: &Document) -> Result<Option<String>, NotSplit> {
        let Ok(map) = self.entries.get(b"ToUnicode") else {
            return Ok(None);
        };
        let map = document
            .dereference(map)
            .and_then(|(_, map)| map.as_stream())
            .and_then(|map| map.get_plain_content_with_limit(LARGEST_STREAM))
            .map_err(|_| NotAPdf::Damaged)?;
        let meanings = meanings(&String::from_utf8_lossy(&map));
        let mut text = String::from(
            "/CIDInit/ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo<<\n\
             /Registry (Adobe)\n/Ordering (UCS)\n/Supplement 0\n>> def\n\
             /CMapName/Adobe-Identity-UCS def\n/CMapType 2 def\n\
             1 begincodespacerange\n<00> <FF>\nendcodespacerange\n",
        );
        let known: Vec<(usize, &str)> = (self.codes.iter().enumerate())
            .filter_map(|(rank, code)| Some((rank + 1, meanings.get(code)?.as_str())))
            .collect();
        for some in known.chunks(100) {
            let _ = writeln!(text, "{} beginbfchar", some.len());
            for (code, meaning) in some {
                let _ = writeln!(text, "<{code:02X}> <{meaning}>");
            }
            text.push_str("endbfchar\n");
        }
        text.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
        Ok(Some(text))
    }
}

/// Six letters that tell this font of few characters from others of the same name.
fn tag(font: &[u8]) -> Vec<u8> {
    let digest = Sha256::digest(font);
    let letters = digest.iter().take(6).map(|byte| b'A' + byte % 26);
    letters.chain([b'+']).collect()
}

/// The lines `<code> <meaning>` of a map. A character that stands for two, such as both spaces, means that
/// which was met first in the whole document: here always the plain one.
fn meanings(map: &str) -> HashMap<u8, String> {
    let mut inside = false;
    let mut found = HashMap::new();
    for line in map.lines() {
        inside = match line.trim() {
            line if line.ends_with("beginbfchar") => true,
            "endbfchar" => false,
            _ => inside,
        };
        let Some((code, meaning)) = line.trim().split_once("> <").filter(|_| inside) else {
            continue;
        };
        let code = u8::from_str_radix(code.trim_start_matches('<'), 16);
        let meaning = match meaning.trim_end_matches('>') {
            "00A0" => "0020",
            "00AD" | "2010" | "2011" => "002D",
            other => other,
        };
        found.extend(code.ok().map(|code| (code, meaning.to_owned())));
    }
    found
}

/// A font's name without the letters that tell one document's from another's.
pub(super) fn family(font: &Dictionary) -> &[u8] {
    let name = font
        .get(b"BaseFont")
        .and_then(Object::as_name)
        .unwrap_or_default();
    match name {
        [_, _, _, _, _, _, b'+', name @ ..] | name => name,
    }
}
