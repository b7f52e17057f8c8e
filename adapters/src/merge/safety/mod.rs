//! What an office file may not hold: macros, embedded programs, a DTD, anything fetched from outside.
//!
//! Names are compared without their prefix: a file chooses its prefixes, and `x:href` may well be a link.

#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the name of the part was put in small letters"
)]

mod odf;
mod ooxml;

use navette_domain::ports::{MergeFailure, OfficeFormat};
use quick_xml::{
    Reader,
    events::{BytesDecl, BytesStart, Event},
};

/// How deep elements may nest.
const DEEPEST: usize = 400;
/// No honest picture has more pixels: it would take 400 MB once decoded.
const MOST_PIXELS: u64 = 100_000_000;

/// What formulas may not call, in capitals.
const FETCHING_FORMULAS: [&str; 6] = ["WEBSERVICE(", "DDE(", "RTD(", "://", "FILE:", "|'"];

fn refused<T>(sentence: &str) -> Result<T, MergeFailure> {
    Err(MergeFailure::Unreadable(sentence.into()))
}

fn macros<T>() -> Result<T, MergeFailure> {
    refused("le fichier contient des macros : l'enregistrer sans macros")
}

fn external<T>() -> Result<T, MergeFailure> {
    refused("le fichier renvoie à une image ou à un contenu extérieur : l'incorporer au document")
}

fn embedded<T>() -> Result<T, MergeFailure> {
    refused("le fichier contient un objet OLE : le remplacer par une image")
}

fn data_source<T>() -> Result<T, MergeFailure> {
    refused("le fichier est lié à une source de données extérieure : la détacher")
}

fn malformed<T>() -> Result<T, MergeFailure> {
    refused("le fichier est abîmé : son XML est incorrect")
}

/// Checks one entry.
pub(super) fn check(name: &str, content: &[u8], format: OfficeFormat) -> Result<(), MergeFailure> {
    let lower = name.to_ascii_lowercase();
    check_name(&lower)?;
    let is_xml = [".xml", ".rels", ".rdf", ".svg", ".vml"]
        .iter()
        .any(|ending| lower.ends_with(ending));
    // A part is XML because the file says so somewhere, not because of its name.
    if is_xml || looks_like_xml(content) {
        return Scan::new(&lower, format).xml(content);
    }
    check_picture(content)
}

/// Parts whose mere presence says enough.
fn check_name(lower: &str) -> Result<(), MergeFailure> {
    let folder = |name: &str| lower.starts_with(name) || lower.contains(&format!("/{name}"));
    if folder("basic/")
        || folder("scripts/")
        || folder("dialogs/")
        || folder("macrosheets/")
        || folder("dialogsheets/")
        || lower.contains("vbaproject")
        || lower.contains("vbadata")
    {
        return macros();
    }
    if lower.contains("activex") || lower.contains("oleobject") {
        return embedded();
    }
    if folder("externallinks/") || folder("afchunk") {
        return external();
    }
    if folder("querytables/") || folder("model/") || lower.ends_with("xl/connections.xml") {
        return data_source();
    }
    Ok(())
}

/// LibreOffice recognises a picture by its content. Some kinds run a program, or are programs.
fn check_picture(content: &[u8]) -> Result<(), MergeFailure> {
    const POSTSCRIPT: [&[u8]; 2] = [b"%!PS", b"\xC5\xD0\xD3\xC6"];
    const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    if content.starts_with(OLE) || content.starts_with(b"MZ") {
        return embedded();
    }
    if POSTSCRIPT.iter().any(|start| content.starts_with(start)) || content.starts_with(b"%PDF") {
        return refused("le fichier contient une image PostScript ou PDF : la convertir en PNG");
    }
    if content.starts_with(PNG) && pixels(content) > MOST_PIXELS {
        return refused("le fichier contient une image démesurée : la réduire");
    }
    Ok(())
}

/// The pixels that a PNG announces.
fn pixels(png: &[u8]) -> u64 {
    let number = |at: usize| {
        let bytes = png.get(at..at + 4)?.try_into().ok()?;
        Some(u64::from(u32::from_be_bytes(bytes)))
    };
    number(16)
        .zip(number(20))
        .map_or(0, |(width, height)| width * height)
}

/// Text that starts with a tag, or in an encoding that might hide one.
fn looks_like_xml(content: &[u8]) -> bool {
    let content = content.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(content);
    content.trim_ascii_start().starts_with(b"<")
        || content.starts_with(b"\xFF\xFE")
        || content.starts_with(b"\xFE\xFF")
        || content.starts_with(b"<\0")
        || content.starts_with(b"\0<")
}

/// The walk through one XML part.
struct Scan<'a> {
    part: &'a str,
    is_odf: bool,
    depth: usize,
    /// What the current element's text is.
    text: Text,
    /// The texts of formulas and fields, put back together.
    code: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Plain,
    Field,
    Formula,
    Style,
}

impl<'a> Scan<'a> {
    fn new(part: &'a str, format: OfficeFormat) -> Self {
        Self {
            part,
            is_odf: matches!(format, OfficeFormat::Odt | OfficeFormat::Ods),
            depth: 0,
            text: Text::Plain,
            code: String::new(),
        }
    }

    fn xml(mut self, content: &[u8]) -> Result<(), MergeFailure> {
        let Ok(text) = std::str::from_utf8(content) else {
            return refused("le fichier n'est pas écrit en UTF-8");
        };
        let text = text.trim_start_matches('\u{feff}');
        if text.is_empty() {
            return Ok(());
        }
        let mut reader = Reader::from_str(text);
        loop {
            let Ok(event) = reader.read_event() else {
                return malformed();
            };
            match event {
                Event::Decl(declaration) => check_encoding(&declaration)?,
                Event::Start(element) => {
                    self.depth += 1;
                    self.text = self.kind_of_text(&element);
                    self.element(&element)?;
                }
                Event::Empty(element) => self.element(&element)?,
                Event::End(_) => {
                    self.end_of_text()?;
                    self.depth = self.depth.saturating_sub(1);
                }
                Event::Text(text) if self.text != Text::Plain => {
                    self.code.push_str(&text.xml10_content());
                }
                Event::CData(text) if self.text != Text::Plain => self.code.push_str(&text),
                Event::GeneralRef(reference) if self.text != Text::Plain => {
                    let Ok(character) = reference.resolve_char_ref() else {
                        return malformed();
                    };
                    self.code.push(character.unwrap_or('\''));
                }
                Event::DocType(_) => return refused("le fichier contient une DTD"),
                Event::Eof => break,
                _ => {}
            }
            if self.depth > DEEPEST {
                return refused("le fichier est imbriqué trop profondément");
            }
        }
        if self.depth > 0 {
            return malformed();
        }
        ooxml::check_fields(&self.code)
    }

    fn kind_of_text(&self, element: &BytesStart<'_>) -> Text {
        match element.local_name().as_ref() {
            "instrText" | "delInstrText" => Text::Field,
            "f" | "formula" | "formula1" | "formula2" | "definedName" if !self.is_odf => {
                Text::Formula
            }
            "style" if self.part.ends_with(".svg") => Text::Style,
            _ => Text::Plain,
        }
    }

    /// A field may be cut over several elements: its code is read at the end of the part.
    fn end_of_text(&mut self) -> Result<(), MergeFailure> {
        match std::mem::replace(&mut self.text, Text::Plain) {
            Text::Plain | Text::Field => return Ok(()),
            Text::Formula => check_formula(&self.code)?,
            Text::Style => check_style(&self.code)?,
        }
        self.code.clear();
        Ok(())
    }

    fn element(&mut self, element: &BytesStart<'_>) -> Result<(), MergeFailure> {
        let name = element.local_name();
        let name: &str = name.as_ref();
        if self.part.ends_with(".svg") {
            check_svg_element(name)?;
        } else if self.is_odf {
            odf::check_element(name)?;
        } else {
            ooxml::check_element(name)?;
            if name == "fldChar" {
                self.code.push('\n');
            }
        }
        let mut relation = ooxml::Relation::default();
        for attribute in element.attributes() {
            let Ok(attribute) = attribute else {
                return malformed();
            };
            let Ok(value) = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0) else {
                return malformed();
            };
            let key = attribute.key.local_name();
            let key: &str = key.as_ref();
            match key {
                "href" => self.check_link(name, attribute.key.as_ref(), &value)?,
                "src" | "althref" => self.check_link(name, key, &value)?,
                "action" if self.is_odf => self.check_link(name, "action", &value)?,
                "formula" | "expression" | "condition" => check_formula(&value)?,
                "style" if self.part.ends_with(".svg") => check_style(&value)?,
                "instr" => ooxml::check_fields(&value)?,
                _ if self.part.ends_with(".rels") => relation.note(key, &value),
                _ if !self.is_odf => ooxml::check_attribute(attribute.key.as_ref())?,
                _ => {}
            }
        }
        relation.check()
    }

    fn check_link(&self, element: &str, attribute: &str, target: &str) -> Result<(), MergeFailure> {
        if self.is_odf && odf::is_followed_on_click(element) {
            return Ok(());
        }
        // In Office Open XML it names a relation, which may lead anywhere when it claims to be clicked.
        if !self.is_odf && !self.part.ends_with(".svg") && attribute.ends_with(":href") {
            return external();
        }
        let inline = self.part.ends_with(".svg") && target.starts_with("data:image/");
        if inline || stays_inside(target) {
            return Ok(());
        }
        external()
    }
}

fn check_encoding(declaration: &BytesDecl<'_>) -> Result<(), MergeFailure> {
    match declaration.encoding() {
        None => Ok(()),
        // Another encoding would be read as other tags than those seen here.
        Some(Ok(name)) if ["utf-8", "us-ascii"].contains(&name.to_ascii_lowercase().as_str()) => {
            Ok(())
        }
        Some(_) => refused("le fichier n'est pas écrit en UTF-8"),
    }
}

fn check_svg_element(name: &str) -> Result<(), MergeFailure> {
    if ["script", "foreignObject", "handler"].contains(&name) {
        return refused("le fichier contient une image SVG avec un script");
    }
    Ok(())
}

fn check_style(style: &str) -> Result<(), MergeFailure> {
    let style = style.to_ascii_lowercase();
    let mut addresses = style.split("url(").skip(1);
    let leaves = addresses.any(|address| {
        let address = address.trim_start().trim_start_matches(['"', '\'']);
        !address.starts_with('#') && !address.starts_with("data:image/")
    });
    if leaves || style.contains("@import") || style.contains('\\') {
        return external();
    }
    Ok(())
}

fn check_formula(formula: &str) -> Result<(), MergeFailure> {
    let formula = formula.to_uppercase();
    if FETCHING_FORMULAS.iter().any(|call| formula.contains(call)) {
        return external();
    }
    Ok(())
}

/// Whether an address that LibreOffice follows by itself stays inside the file.
fn stays_inside(target: &str) -> bool {
    let target = target.trim();
    let climbs = target.split(['/', '\\']).any(|step| step == "..");
    !target.contains(':') && !target.starts_with(['/', '\\']) && !target.contains("%3") && !climbs
}
