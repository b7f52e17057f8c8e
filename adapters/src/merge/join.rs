//! Finds the tags of a part, wherever the word processor cut them, and makes each one a node.
//!
//! In a paragraph, a tag may be spread over runs with bookmarks, proofing marks and `text:s` in between:
//! the paragraph's text is read as one string, and each tag is put whole where it begins. Statements are
//! then lifted out of their runs, so that a block always opens and closes between runs.

use super::{
    part::BODY,
    sheet::{self, address::letters},
    tag::{Scope, Tag},
    xml::{Element, Node},
};
use navette_domain::ports::{OfficeFormat, TemplateFault};
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
const IGNORED: [&str; 3] = ["text:tracked-changes", "w:del", "office:annotation"];

/// Elements that can be cut in two around a statement.
const RUNS: [&str; 10] = [
    "r",
    "t",
    "text:span",
    "text:a",
    "text:text-input",
    "w:r",
    "w:t",
    "w:hyperlink",
    "w:ins",
    "w:smartTag",
];

/// Turns the tags of a part into nodes; answers what is wrong.
pub(super) fn join(nodes: &mut [Node], format: OfficeFormat, part: &str) -> Vec<TemplateFault> {
    let mut joiner = Joiner {
        sheets: format == OfficeFormat::Ods && part == BODY,
        place: part.to_owned(),
        sheet: String::new(),
        row: 0,
        column: 1,
        faults: Vec::new(),
    };
    for node in nodes {
        if let Node::Element(element) = node {
            joiner.walk(element);
        }
    }
    joiner.faults
}

struct Joiner {
    sheets: bool,
    place: String,
    sheet: String,
    row: usize,
    column: usize,
    faults: Vec<TemplateFault>,
}

impl Joiner {
    fn walk(&mut self, element: &mut Element) {
        if IGNORED.contains(&element.name.as_str()) {
            return;
        }
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
            "table:table" => {
                element
                    .attribute("table:name")
                    .unwrap_or_default()
                    .clone_into(&mut self.sheet);
                self.row = 1;
            }
            sheet::NAME => self.place = format!("feuille {}, nom de l'onglet", self.sheet),
            "table:table-row" => self.column = 1,
            "table:table-cell" | "table:covered-table-cell" => {
                let column = letters(self.column);
                self.place = format!("feuille {}, cellule {column}{}", self.sheet, self.row);
                self.column += repeated(element, "table:number-columns-repeated");
            }
            _ => {}
        }
    }

    fn join_paragraph(&mut self, paragraph: &mut Element) {
        let mut text = String::new();
        read(paragraph, &mut text);
        if !text.contains('{') {
            return;
        }
        let ranges = self.find(&text);
        if ranges.is_empty() {
            return;
        }
        let mut cutter = Cutter {
            at: 0,
            text: &text,
            ranges: &ranges,
            place: &self.place,
        };
        cutter.cut(paragraph);
        lift(paragraph);
    }

    fn find(&mut self, text: &str) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut from = 0;
        while let Some(start) = text[from..].find('{').map(|at| from + at) {
            let closing = match text.as_bytes().get(start + 1) {
                Some(b'{') => "}}",
                Some(b'%') => "%}",
                Some(b'#') => "#}",
                _ => {
                    from = start + 1;
                    continue;
                }
            };
            let Some(end) = text[start + 2..].find(closing) else {
                self.fault(&text[start..], "balise non fermée dans ce paragraphe");
                break;
            };
            let end = start + 2 + end + closing.len();
            let scope = Tag::read(&text[start..end], "").scope;
            if !self.sheets && matches!(scope, Scope::Column | Scope::Sheet) {
                let sentence = "les boucles de colonnes ({%tc %}) ne sont pas prises en charge";
                self.fault(&text[start..end], sentence);
            }
            ranges.push(start..end);
            from = end;
        }
        ranges
    }

    fn fault(&mut self, tag: &str, sentence: &str) {
        self.faults.push(TemplateFault {
            place: self.place.clone(),
            tag: tag.chars().take(80).collect(),
            sentence: sentence.into(),
        });
    }
}

fn repeated(element: &Element, attribute: &str) -> usize {
    element
        .attribute(attribute)
        .and_then(|count| count.parse().ok())
        .unwrap_or(1)
}

/// What an element that stands for characters stands for.
fn stands_for(element: &Element) -> Option<String> {
    Some(match element.name.as_str() {
        "text:s" => " ".repeat(repeated(element, "text:c").min(1_000)),
        "text:tab" | "text:line-break" | "w:tab" | "w:br" | "w:cr" => " ".into(),
        "w:noBreakHyphen" => "-".into(),
        _ => return None,
    })
}

/// In Word, only `w:t` holds text; in OpenDocument, everything in a paragraph may.
fn holds_text(element: &Element) -> bool {
    element.name == "w:t" || !element.name.starts_with("w:")
}

fn is_apart(element: &Element) -> bool {
    APART.contains(&element.name.as_str()) || IGNORED.contains(&element.name.as_str())
}

fn read(element: &Element, text: &mut String) {
    for child in &element.children {
        match child {
            Node::Text(more) if holds_text(element) => text.push_str(more),
            Node::Element(child) if is_apart(child) || child.name == "w:pPr" => {}
            Node::Element(child) => match stands_for(child) {
                Some(characters) => text.push_str(&characters),
                None => read(child, text),
            },
            _ => {}
        }
    }
}

struct Cutter<'a> {
    at: usize,
    text: &'a str,
    ranges: &'a [Range<usize>],
    place: &'a str,
}

impl Cutter<'_> {
    /// Walks as `read` did, replacing tags by nodes.
    fn cut(&mut self, element: &mut Element) {
        let holds = holds_text(element);
        let mut tagged = false;
        for child in std::mem::take(&mut element.children) {
            match child {
                Node::Text(text) if holds => {
                    tagged |= self.cut_text(text.len(), &mut element.children);
                }
                Node::Element(mut child) if !is_apart(&child) && child.name != "w:pPr" => {
                    if let Some(characters) = stands_for(&child) {
                        let inside = self.ranges.iter().any(|range| range.contains(&self.at));
                        self.at += characters.len();
                        if !inside {
                            element.children.push(Node::Element(child));
                        }
                    } else {
                        self.cut(&mut child);
                        element.children.push(Node::Element(child));
                    }
                }
                other => element.children.push(other),
            }
        }
        if tagged && element.name == "w:t" {
            element.set_attribute("xml:space", "preserve");
        }
    }

    fn cut_text(&mut self, length: usize, out: &mut Vec<Node>) -> bool {
        let end = self.at + length;
        let mut tagged = false;
        for range in self.ranges {
            if range.end <= self.at || range.start >= end {
                continue;
            }
            self.keep(range.start, out);
            if range.start >= self.at {
                out.push(Node::Tag(Tag::read(&self.text[range.clone()], self.place)));
                tagged = true;
            }
            self.at = range.end.min(end);
        }
        self.keep(end, out);
        tagged
    }

    fn keep(&mut self, until: usize, out: &mut Vec<Node>) {
        if until > self.at {
            out.push(Node::Text(self.text[self.at..until].to_owned()));
            self.at = until;
        }
    }
}

/// Cuts the runs of a paragraph around its statements.
fn lift(paragraph: &mut Element) {
    paragraph.children = std::mem::take(&mut paragraph.children)
        .into_iter()
        .flat_map(split)
        .collect();
}

fn split(node: Node) -> Vec<Node> {
    let Node::Element(mut element) = node else {
        return vec![node];
    };
    let mut statements = false;
    element.each_tag(&mut |tag| statements |= tag.is_statement());
    if !statements || !RUNS.contains(&element.name.as_str()) {
        return vec![Node::Element(element)];
    }
    let mut shell = element.shell();
    let mut children = std::mem::take(&mut element.children);
    if matches!(children.first(), Some(Node::Element(first)) if first.name == "w:rPr") {
        shell.children.push(children.remove(0));
    }
    let properties = shell.children.len();
    let mut out = Vec::new();
    let mut current = shell.clone();
    for child in children.into_iter().flat_map(split) {
        match child {
            Node::Tag(tag) if tag.is_statement() => {
                if current.children.len() > properties {
                    out.push(Node::Element(current));
                }
                out.push(Node::Tag(tag));
                current = shell.clone();
            }
            other => current.children.push(other),
        }
    }
    if current.children.len() > properties {
        out.push(Node::Element(current));
    }
    out
}
