//! The pieces that a letter's text and headers are made of, and what may be in them.

use super::{
    letter::Alone,
    markup::{Attributes, Markup, Token},
};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, fmt::Write as _};

/// What a letter's text is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Copied.
    Xml(String),
    /// A name that each letter has its own of.
    Own(String),
    /// The number of pages of the letter.
    Pages,
    /// The name under which a picture is kept.
    Picture(String),
    /// Where the letter starts.
    Start,
}

/// Elements that mean the same in a document of many letters.
const ELEMENTS: [&str; 43] = [
    "draw:frame",
    "draw:image",
    "draw:text-box",
    "loext:p",
    "style:footer",
    "style:footer-first",
    "style:footer-left",
    "style:header",
    "style:header-first",
    "style:header-left",
    "style:region-center",
    "style:region-left",
    "style:region-right",
    "svg:desc",
    "svg:title",
    "table:covered-table-cell",
    "table:table",
    "table:table-cell",
    "table:table-column",
    "table:table-columns",
    "table:table-header-columns",
    "table:table-header-rows",
    "table:table-row",
    "table:table-rows",
    "text:a",
    "text:bookmark",
    "text:bookmark-end",
    "text:bookmark-start",
    "text:date",
    "text:line-break",
    "text:list",
    "text:list-header",
    "text:list-item",
    "text:non-breaking-hyphen",
    "text:p",
    "text:page-number",
    "text:s",
    "text:section",
    "text:soft-hyphen",
    "text:span",
    "text:tab",
    "text:time",
    "loext:content-control",
];

/// Attributes that tie an element to the document around it.
const TIES: [&str; 7] = [
    "draw:chain-next-name",
    "table:formula",
    "text:anchor-page-number",
    "text:condition",
    "text:continue-list",
    "text:page-adjust",
    "text:start-value",
];

/// Letters that show the same picture share one entry.
pub(super) fn kept_name(name: &str, bytes: &[u8]) -> String {
    let mut kept = String::from("Pictures/");
    for byte in &Sha256::digest(bytes)[..16] {
        let _ = write!(kept, "{byte:02X}");
    }
    if let Some((_, extension)) = name.rsplit_once('.') {
        let _ = write!(kept, ".{extension}");
    }
    kept
}

/// The pieces of text and headers.
pub(super) struct Pieces<'a> {
    pictures: &'a BTreeMap<String, Vec<u8>>,
    pub(super) done: Vec<Piece>,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(pictures: &'a BTreeMap<String, Vec<u8>>) -> Self {
        Self {
            pictures,
            done: Vec::new(),
        }
    }

    pub(super) fn xml(&mut self, xml: &str) {
        match self.done.last_mut() {
            Some(Piece::Xml(text)) => text.push_str(xml),
            _ => self.done.push(Piece::Xml(xml.to_owned())),
        }
    }

    /// One token of text or header, if it means the same among other letters.
    pub(super) fn token(
        &mut self,
        token: &Token<'_>,
        markup: &mut Markup<'_>,
    ) -> Result<(), Alone> {
        let (name, attributes) = match token {
            Token::Start(name, attributes) | Token::Empty(name, attributes) => (*name, attributes),
            Token::End("text:soft-page-break" | "office:forms") => return Ok(()),
            Token::End(name) => {
                self.xml(&format!("</{name}>"));
                return Ok(());
            }
            Token::Other(text) => {
                self.xml(text);
                return Ok(());
            }
        };
        match name {
            // Where the page broke last time, and forms of which there are none: their controls are refused.
            "text:soft-page-break" | "office:forms" => return Ok(()),
            "text:sequence-decls" => {
                if matches!(token, Token::Start(..)) {
                    markup.skip()?;
                }
                return Ok(());
            }
            "text:page-count" => {
                if attributes
                    .get("style:num-format")
                    .is_some_and(|format| format != "1")
                {
                    return Err(Alone::Attribute("style:num-format".into()));
                }
                if matches!(token, Token::Start(..)) {
                    markup.skip()?;
                }
                self.done.push(Piece::Pages);
                return Ok(());
            }
            _ => check(name, attributes)?,
        }
        self.xml(&format!("<{name}"));
        for (key, value) in attributes.iter() {
            match key {
                // Two letters would have the same.
                "xml:id" => {}
                "xlink:href" if name == "draw:image" => {
                    let path = value.strip_prefix("./").unwrap_or(value);
                    let bytes = self
                        .pictures
                        .get(path)
                        .ok_or_else(|| Alone::Attribute("xlink:href".into()))?;
                    self.xml(" xlink:href=\"");
                    self.done.push(Piece::Picture(kept_name(path, bytes)));
                    self.xml("\"");
                }
                _ => self.xml(&format!(" {key}=\"{value}\"")),
            }
        }
        self.xml(if matches!(token, Token::Empty(..)) {
            "/>"
        } else {
            ">"
        });
        Ok(())
    }
}

fn check(name: &str, attributes: &Attributes) -> Result<(), Alone> {
    if !ELEMENTS.contains(&name) {
        return Err(Alone::Element(name.to_owned()));
    }
    let is = |key: &str, value: &str| attributes.get(key) == Some(value);
    let tied = TIES
        .into_iter()
        .find(|tie| attributes.get(tie).is_some())
        .or(is("text:anchor-type", "page").then_some("text:anchor-type"))
        .or(is("text:continue-numbering", "true").then_some("text:continue-numbering"))
        .or((attributes
            .get("xlink:href")
            .is_some_and(|to| to.starts_with('#')))
        .then_some("xlink:href"));
    let moves = name == "text:page-number"
        && attributes
            .get("text:select-page")
            .is_some_and(|page| page != "current");
    let tells_today = matches!(name, "text:date" | "text:time") && !is("text:fixed", "true");
    match tied {
        Some(attribute) => Err(Alone::Attribute(attribute.to_owned())),
        None if moves || tells_today => Err(Alone::Element(name.to_owned())),
        None => Ok(()),
    }
}
