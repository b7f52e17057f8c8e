//! Finds the tags of a part, wherever the word processor cut them, and makes each one a node.
//!
//! In a paragraph, a tag may be spread over runs with bookmarks, proofing marks and `text:s` in between:
//! the paragraph's text is read as one string, and each tag is put whole where it begins. Statements are
//! then lifted out of their runs, so that a block always opens and closes between runs.

use super::{
    cut,
    faults::{Layout, syntax},
    sheet::{self, address::letters},
    tag::{Kind, Tag},
    unwrap,
    xml::{Element, Node},
};
use navette_domain::ports::{OfficeFormat, Place, TemplateFault};
use std::ops::Range;

/// Marks each row of a sheet with its number in the template, until the part is written.
pub(super) const ROW: &str = "navette:row";

/// Elements that are a paragraph.
pub(super) const PARAGRAPHS: [&str; 11] = [
    "text:p",
    "text:h",
    "w:p",
    "is",
    sheet::NAME,
    "oddHeader",
    "oddFooter",
    "evenHeader",
    "evenFooter",
    "firstHeader",
    "firstFooter",
];

/// Elements inside a paragraph that hold paragraphs of their own.
const APART: [&str; 9] = [
    "text:note",
    "office:annotation",
    "draw:frame",
    "draw:custom-shape",
    "text:ruby",
    "w:drawing",
    "w:pict",
    "w:object",
    "mc:AlternateContent",
];

/// Elements whose text is not the document's.
const IGNORED: [&str; 4] = [
    "text:tracked-changes",
    "w:del",
    "w:moveFrom",
    "office:annotation",
];

/// Turns the tags of the part `entry`, which clerks call `part`, into nodes; answers what is wrong.
pub(super) fn join(
    nodes: &mut Vec<Node>,
    format: OfficeFormat,
    (entry, part): (&str, &str),
) -> Vec<TemplateFault> {
    if !sheet::has_sheets(format) {
        unwrap::unwrap(nodes);
    }
    let mut joiner = Joiner {
        sheets: sheet::is_part(format, entry),
        layout: Layout::of(nodes, entry),
        place: Place {
            name: part.to_owned(),
            ..Place::default()
        },
        sheet: String::new(),
        row: 0,
        column: 1,
        raw: false,
        faults: Vec::new(),
    };
    for node in nodes {
        if let Node::Element(element) = node {
            joiner.walk(element);
        }
    }
    joiner.faults
}

/// The marks of tags.
const MARKS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

/// What docxtpl writes for marks that are no tag.
const ESCAPES: [(&str, &str); 4] = [("{_{", "{{"), ("}_}", "}}"), ("{_%", "{%"), ("%_}", "%}")];

/// What was found in a paragraph's text.
pub(super) struct Find {
    pub(super) range: Range<usize>,
    /// What to write instead; nothing when it is a tag.
    pub(super) literal: Option<&'static str>,
}

struct Joiner {
    sheets: bool,
    layout: Layout,
    /// The part, sheet and cell being read.
    place: Place,
    sheet: String,
    row: usize,
    column: usize,
    /// Between `{% raw %}` and `{% endraw %}`.
    raw: bool,
    faults: Vec<TemplateFault>,
}

impl Joiner {
    fn walk(&mut self, element: &mut Element) {
        if is_ignored(element) {
            return;
        }
        let Some(part) = part_within(element) else {
            self.walk_within(element);
            return;
        };
        let around = std::mem::replace(&mut self.place.name, part.to_owned());
        self.walk_within(element);
        self.place.name = around;
    }

    fn walk_within(&mut self, element: &mut Element) {
        if self.sheets {
            self.follow_cells(element);
            if element.name == "table:table-row" {
                element.set_attribute(ROW, &self.row.to_string());
            }
        }
        if PARAGRAPHS.contains(&element.name.as_str()) {
            self.join_paragraph(element);
        }
        for child in &mut element.children {
            if let Node::Element(child) = child {
                self.walk(child);
            }
        }
        if self.sheets && element.name == "table:table-row" {
            self.row += repeated(element, "table:number-rows-repeated");
        }
    }

    fn follow_cells(&mut self, element: &Element) {
        match element.name.as_str() {
            "table:table" | sheet::SHEET => {
                element
                    .attribute("table:name")
                    .unwrap_or_default()
                    .clone_into(&mut self.sheet);
                self.row = 1;
            }
            "table:table-row" => self.column = 1,
            sheet::NAME | "headerFooter" => {
                let what = if element.name == sheet::NAME {
                    "nom"
                } else {
                    "en-tête et pied de page"
                };
                self.place.name = format!("feuille {}, {what}", self.sheet);
                self.place.sheet = Some(self.sheet.clone());
                self.place.cell = None;
            }
            "c" => {
                let cell = element.attribute("r").unwrap_or_default();
                self.place.name = format!("feuille {}, cellule {cell}", self.sheet);
                self.place.sheet = Some(self.sheet.clone());
                self.place.cell = Some(cell.to_owned());
            }
            "table:table-cell" | "table:covered-table-cell" => {
                let cell = format!("{}{}", letters(self.column), self.row);
                self.place.name = format!("feuille {}, cellule {cell}", self.sheet);
                self.place.sheet = Some(self.sheet.clone());
                self.place.cell = Some(cell);
                self.column += repeated(element, "table:number-columns-repeated");
            }
            _ => {}
        }
    }

    fn join_paragraph(&mut self, paragraph: &mut Element) {
        let mut text = String::new();
        read(paragraph, &mut text, &mut |_, _| {});
        if !text.contains(['{', '}']) {
            return;
        }
        let finds = self.find(&text, paragraph);
        if finds.is_empty() {
            return;
        }
        let place = |find: &Find| {
            self.layout
                .place(&self.place, paragraph, &text, find.range.clone())
        };
        let places: Vec<Place> = finds.iter().map(place).collect();
        cut::cut(paragraph, &text, (&finds, &places));
    }

    fn find(&mut self, text: &str, paragraph: &Element) -> Vec<Find> {
        let mut finds = Vec::new();
        let mut from = 0;
        while let Some(start) = text[from..].find(['{', '}', '%']).map(|at| from + at) {
            let rest = &text[start..];
            from = start + 1;
            if let Some((escape, literal)) =
                ESCAPES.iter().find(|(escape, _)| rest.starts_with(escape))
            {
                from = start + escape.len();
                finds.push(Find {
                    range: start..from,
                    literal: Some(literal),
                });
                continue;
            }
            let Some((_, closing)) = MARKS.iter().find(|(opening, _)| rest.starts_with(opening))
            else {
                continue;
            };
            let Some(end) = rest[2..].find(closing) else {
                if self.raw {
                    continue;
                }
                let next = self.layout.after(paragraph);
                let sentence = syntax::unclosed(rest, next);
                self.fault(paragraph, text, start..text.len(), &sentence);
                break;
            };
            let range = start..start + 2 + end + closing.len();
            let tag = Tag::read(&text[range.clone()], Place::default());
            let ends_raw = tag.kind == Kind::Comment && tag.keyword() == "endraw";
            if self.raw && !ends_raw {
                continue;
            }
            self.raw = tag.kind == Kind::Comment && tag.keyword() == "raw" && *closing == "%}";
            from = range.end;
            finds.push(Find {
                range,
                literal: None,
            });
        }
        finds
    }

    fn fault(&mut self, paragraph: &Element, text: &str, range: Range<usize>, sentence: &str) {
        let tag: String = text[range.clone()].chars().take(80).collect();
        let place = self.layout.place(&self.place, paragraph, text, range);
        self.faults.push(place.fault(&tag, sentence));
    }
}

/// What clerks call the part that an element begins, where one file holds several.
fn part_within(element: &Element) -> Option<&'static str> {
    match element.name.as_str() {
        name if name.starts_with("style:header") => Some("en-tête"),
        name if name.starts_with("style:footer") => Some("pied de page"),
        "text:note" => Some("notes"),
        _ => None,
    }
}

fn repeated(element: &Element, attribute: &str) -> usize {
    element
        .attribute(attribute)
        .and_then(|count| count.parse().ok())
        .unwrap_or(1)
}

/// What an element that stands for characters stands for.
pub(super) fn stands_for(element: &Element) -> Option<String> {
    Some(match element.name.as_str() {
        "text:s" => " ".repeat(repeated(element, "text:c").min(1_000)),
        "text:tab" | "text:line-break" | "w:tab" | "w:br" | "w:cr" => " ".into(),
        "w:noBreakHyphen" => "-".into(),
        "w:softHyphen" => "\u{ad}".into(),
        _ => return None,
    })
}

/// In Word, only `w:t` holds text; in OpenDocument, everything in a paragraph may.
pub(super) fn holds_text(element: &Element) -> bool {
    element.name == "w:t" || !element.name.starts_with("w:")
}

/// Whether an element inside a paragraph holds paragraphs of its own.
pub(super) fn is_apart(element: &Element) -> bool {
    APART.contains(&element.name.as_str()) || is_ignored(element)
}

/// Whether the text of an element is not the document's.
pub(super) fn is_ignored(element: &Element) -> bool {
    is_ignored_name(&element.name)
}

/// [`is_ignored`], by the element's name.
pub(super) fn is_ignored_name(name: &str) -> bool {
    IGNORED.contains(&name)
}

/// Reads the text of a paragraph; `see` is told each element in it, and where it stands in the text.
pub(super) fn read<'a>(
    element: &'a Element,
    text: &mut String,
    see: &mut impl FnMut(&'a Element, usize),
) {
    for child in &element.children {
        match child {
            Node::Text(more) if holds_text(element) => text.push_str(more),
            Node::Element(child) => {
                see(child, text.len());
                if is_apart(child) || child.name == "w:pPr" {
                    continue;
                }
                match stands_for(child) {
                    Some(characters) => text.push_str(&characters),
                    None => read(child, text, see),
                }
            }
            _ => {}
        }
    }
}
