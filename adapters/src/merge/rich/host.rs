//! The paragraph and run that a rich text takes the look of: read when the template is compiled, given back
//! when it is rendered.

use super::Look;
use crate::merge::{
    tag::{Kind, Tag},
    xml::{self, Element, Node},
};
use navette_domain::ports::OfficeFormat;
use std::fmt::Write as _;

/// What surrounds a tag that asks for rich text.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::merge) struct Host {
    /// OpenDocument: how its paragraph and its runs begin and end.
    pub(super) open: String,
    pub(super) close: String,
    pub(super) run_open: String,
    pub(super) run_close: String,
    pub(super) takes_tables: bool,
    /// Word: the properties of its paragraph and of its run, each with its name, in their order.
    paragraph: Vec<(String, String)>,
    run: Vec<(String, String)>,
}

/// Whether a tag asks for rich text.
pub(in crate::merge) fn asks_for_rich_text(tag: &Tag) -> bool {
    tag.kind == Kind::Print
        && tag.code.split('|').skip(1).any(|filter| {
            let name = filter.trim_start();
            ["html", "markdown"].iter().any(|rich| {
                name.strip_prefix(rich).is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            })
        })
}

/// Elements that may stand beside the tag of a paragraph that rich text replaces.
const PASSED_OVER: [&str; 8] = [
    "w:proofErr",
    "w:bookmarkStart",
    "w:bookmarkEnd",
    "w:lastRenderedPageBreak",
    "text:soft-page-break",
    "text:bookmark",
    "text:bookmark-start",
    "text:bookmark-end",
];

impl Host {
    /// The tag of a paragraph that holds nothing else, with what surrounds it.
    pub(in crate::merge) fn of_paragraph(
        paragraph: &Element,
        format: OfficeFormat,
        takes_tables: bool,
    ) -> Option<(&Tag, Self)> {
        let mut host = Self {
            takes_tables,
            ..Self::default()
        };
        let tag = match (format, paragraph.name.as_str()) {
            (OfficeFormat::Odt, "text:p" | "text:h") => {
                host.open.push_str("<text:p");
                for (name, value) in &paragraph.attributes {
                    // The rest (an identifier, an outline level) may not be said twice.
                    if name == "text:style-name" || name == "text:class-names" {
                        let mut quoted = String::new();
                        xml::escape(&mut quoted, value, true);
                        let _ = write!(host.open, " {name}=\"{quoted}\"");
                    }
                }
                host.open.push('>');
                host.close.push_str("</text:p>");
                host.find(paragraph)?
            }
            (OfficeFormat::Docx, "w:p") => host.find(paragraph)?,
            _ => return None,
        };
        asks_for_rich_text(tag).then_some((tag, host))
    }

    /// The run of a tag inside a paragraph of Word.
    pub(in crate::merge) fn of_run(run: &Element) -> Self {
        let mut host = Self::default();
        host.keep_properties(run);
        host
    }

    fn find<'a>(&mut self, element: &'a Element) -> Option<&'a Tag> {
        let mut found = None;
        for child in &element.children {
            match child {
                Node::Tag(tag) if found.is_none() => found = Some(tag),
                Node::Text(text) if text.trim().is_empty() => {}
                Node::Tag(_) | Node::Text(_) => return None,
                Node::Raw(_) => {}
                Node::Element(child) if PASSED_OVER.contains(&child.name.as_str()) => {}
                Node::Element(child) if child.name == "w:pPr" => {
                    let ends_section = child
                        .children
                        .iter()
                        .any(|node| matches!(node, Node::Element(e) if e.name == "w:sectPr"));
                    if ends_section {
                        return None;
                    }
                    self.keep_properties(element);
                }
                Node::Element(child) if child.name == "w:rPr" => self.keep_properties(element),
                Node::Element(child) => match child.name.as_str() {
                    "text:span" if child.has_tag() => {
                        let mut span = child.shell();
                        span.children.push(Node::Text(String::new()));
                        let mut written = String::new();
                        xml::write(&mut written, &[Node::Element(span)]);
                        let open = written.strip_suffix("</text:span>")?;
                        self.run_open.push_str(open);
                        self.run_close.push_str("</text:span>");
                        let inner = self.find(child)?;
                        if found.replace(inner).is_some() {
                            return None;
                        }
                    }
                    "w:r" | "w:t" if child.has_tag() => {
                        let inner = self.find(child)?;
                        if found.replace(inner).is_some() {
                            return None;
                        }
                    }
                    "text:span" | "w:r" | "w:t" if child.children.is_empty() => {}
                    _ => return None,
                },
            }
        }
        found
    }

    fn keep_properties(&mut self, element: &Element) {
        for child in &element.children {
            let Node::Element(child) = child else {
                continue;
            };
            let (kept, dropped): (_, &[&str]) = match child.name.as_str() {
                "w:pPr" => (&mut self.paragraph, &["w:rPr", "w:pPrChange"]),
                "w:rPr" => (&mut self.run, &["w:rPrChange"]),
                _ => continue,
            };
            for property in &child.children {
                if let Node::Element(property) = property
                    && !dropped.contains(&property.name.as_str())
                {
                    let mut written = String::new();
                    xml::write(&mut written, &[Node::Element(property.clone())]);
                    kept.push((property.name.clone(), written));
                }
            }
        }
    }

    /// The run's properties with a look added, in the order that Word's schema wants.
    pub(super) fn run_properties(&self, look: Look) -> String {
        let mut properties = self.run.clone();
        for (on, names, after) in [
            (look.underline, &["w:u"][..], &AFTER_UNDERLINE[..]),
            (look.italic, &["w:i", "w:iCs"], &AFTER_ITALIC),
            (look.bold, &["w:b", "w:bCs"], &AFTER_BOLD),
        ] {
            if !on {
                continue;
            }
            properties.retain(|(name, _)| !names.contains(&name.as_str()));
            // Properties come in a fixed order: ours stands behind those that come before it.
            let at = properties
                .iter()
                .rposition(|(name, _)| after.contains(&name.as_str()))
                .map_or(0, |at| at + 1);
            for name in names.iter().rev() {
                let value = if *name == "w:u" {
                    " w:val=\"single\""
                } else {
                    ""
                };
                properties.insert(at, ((*name).into(), format!("<{name}{value}/>")));
            }
        }
        wrapped("w:rPr", &properties)
    }

    /// The paragraph's properties, with an indent (left, hanging) for an item of a list.
    pub(super) fn paragraph_properties(&self, indent: Option<(usize, usize)>) -> String {
        let Some((left, hanging)) = indent else {
            return wrapped("w:pPr", &self.paragraph);
        };
        let mut properties = self.paragraph.clone();
        let own: usize = properties
            .iter()
            .find(|(name, _)| name == "w:ind")
            .and_then(|(_, written)| left_of(written))
            .unwrap_or_default();
        properties.retain(|(name, _)| !["w:ind", "w:numPr"].contains(&name.as_str()));
        let at = properties
            .iter()
            .position(|(name, _)| AFTER_INDENT.contains(&name.as_str()))
            .unwrap_or(properties.len());
        let left = own + left;
        let indent = format!("<w:ind w:left=\"{left}\" w:hanging=\"{hanging}\"/>");
        properties.insert(at, ("w:ind".into(), indent));
        wrapped("w:pPr", &properties)
    }
}

fn left_of(indent: &str) -> Option<usize> {
    let (_, rest) = indent
        .split_once("w:left=\"")
        .or_else(|| indent.split_once("w:start=\""))?;
    rest.split('"').next()?.parse().ok()
}

fn wrapped(name: &str, properties: &[(String, String)]) -> String {
    if properties.is_empty() {
        return String::new();
    }
    let inner: String = properties
        .iter()
        .map(|(_, written)| written.as_str())
        .collect();
    format!("<{name}>{inner}</{name}>")
}

/// What Word's schema wants before bold, italic and underline.
const AFTER_BOLD: [&str; 2] = ["w:rStyle", "w:rFonts"];
const AFTER_ITALIC: [&str; 4] = ["w:rStyle", "w:rFonts", "w:b", "w:bCs"];
const AFTER_UNDERLINE: [&str; 26] = [
    "w:rStyle",
    "w:rFonts",
    "w:b",
    "w:bCs",
    "w:i",
    "w:iCs",
    "w:caps",
    "w:smallCaps",
    "w:strike",
    "w:dstrike",
    "w:outline",
    "w:shadow",
    "w:emboss",
    "w:imprint",
    "w:noProof",
    "w:snapToGrid",
    "w:vanish",
    "w:webHidden",
    "w:color",
    "w:spacing",
    "w:w",
    "w:kern",
    "w:position",
    "w:sz",
    "w:szCs",
    "w:highlight",
];
/// What it wants behind a paragraph's indent.
const AFTER_INDENT: [&str; 10] = [
    "w:contextualSpacing",
    "w:mirrorIndents",
    "w:suppressOverlap",
    "w:jc",
    "w:textDirection",
    "w:textAlignment",
    "w:textboxTightWrap",
    "w:outlineLvl",
    "w:divId",
    "w:cnfStyle",
];
