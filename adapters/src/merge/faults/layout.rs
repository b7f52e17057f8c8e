//! The text of a part as it is read on paper, with the page breaks that the word processor noted: enough
//! to say where a tag stands.

use super::super::{
    join::{self, PARAGRAPHS},
    xml::{Element, Node},
};
use navette_domain::ports::{Anchor, Place};
use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

/// How much of the text is told on each side of a tag, in characters.
const AROUND: usize = 40;

/// A part's paragraphs, one after the other.
#[derive(Default)]
pub(in crate::merge) struct Layout {
    entry: String,
    /// The text of all paragraphs, each followed by a line feed.
    text: String,
    /// Where the text of the paragraph that begins at a byte of the part begins.
    starts: HashMap<usize, usize>,
    breaks: Vec<Break>,
    /// OpenDocument's styles that begin a page.
    breaking: HashSet<String>,
}

#[derive(Debug, Clone, Copy)]
struct Break {
    at: usize,
    /// Noted by the word processor when it last laid the text out, not asked for by the author.
    noted: bool,
}

impl Layout {
    /// Reads the part `entry`.
    pub(in crate::merge) fn of(nodes: &[Node], entry: &str) -> Self {
        let mut layout = Self {
            entry: entry.to_owned(),
            ..Self::default()
        };
        for node in nodes {
            if let Node::Element(element) = node {
                layout.walk(element);
            }
        }
        // Word notes every page that begins, the pages that the author asked for too.
        if entry.starts_with("word/") && layout.breaks.iter().any(|found| found.noted) {
            layout.breaks.retain(|found| found.noted);
        }
        layout
    }

    fn walk(&mut self, element: &Element) {
        // Word keeps the text of a drawing twice: the second time, for older readers.
        if join::is_ignored(element) || element.name == "mc:Fallback" {
            return;
        }
        self.note_break(element, self.text.len());
        if PARAGRAPHS.contains(&element.name.as_str()) {
            self.paragraph(element);
            return;
        }
        for child in &element.children {
            if let Node::Element(child) = child {
                self.walk(child);
            }
        }
    }

    fn paragraph(&mut self, paragraph: &Element) {
        let start = self.text.len();
        self.starts.insert(paragraph.at, start);
        let mut text = String::new();
        let mut seen = Vec::new();
        join::read(paragraph, &mut text, &mut |element, at| {
            seen.push((element, at));
        });
        self.text.push_str(&text);
        self.text.push('\n');
        for (element, at) in seen {
            if join::is_apart(element) {
                self.walk(element);
            } else {
                self.note_break(element, start + at);
            }
        }
    }

    fn note_break(&mut self, element: &Element, at: usize) {
        let attribute = |name: &str| element.attribute(name).unwrap_or_default();
        let noted = match element.name.as_str() {
            "text:soft-page-break" | "w:lastRenderedPageBreak" => true,
            "w:br" if attribute("w:type") == "page" => false,
            "w:pPr" if element.has_child("w:pageBreakBefore") => false,
            "text:p" | "text:h" if self.breaking.contains(attribute("text:style-name")) => false,
            "table:table" if self.breaking.contains(attribute("table:style-name")) => false,
            "style:style" => {
                if breaks(element) {
                    let name = attribute("style:name").to_owned();
                    self.breaking.insert(name);
                }
                return;
            }
            _ => return,
        };
        // A break before anything was written begins the first page.
        if at > 0 {
            self.breaks.push(Break { at, noted });
        }
    }

    /// The text of the paragraph that follows another.
    pub(in crate::merge) fn after(&self, paragraph: &Element) -> &str {
        let start = self.starts.get(&paragraph.at).copied();
        let rest = start.and_then(|start| self.text.get(start..));
        rest.and_then(|rest| rest.split('\n').nth(1))
            .unwrap_or_default()
    }

    /// Where the tag at `range` of a paragraph's `text` stands; `part` is what clerks call the part.
    pub(in crate::merge) fn place(
        &self,
        part: &Place,
        paragraph: &Element,
        text: &str,
        range: Range<usize>,
    ) -> Place {
        let tag = &text[range.clone()];
        let start = self.starts.get(&paragraph.at).copied();
        let mut place = Place {
            anchor: Some(Anchor {
                entry: self.entry.clone(),
                paragraph: paragraph.at,
                at: range.start,
                nth: text[..range.start].matches(tag).count(),
            }),
            ..part.clone()
        };
        let Some(start) = start else {
            return place;
        };
        let (before, after) = (
            &self.text[..start + range.start],
            &self.text[start + range.end..],
        );
        place.around = around(before, tag, after);
        let paged = part.sheet.is_none() && !self.breaks.is_empty();
        if paged && is_body(&self.entry, &part.name) {
            let here = start + range.start;
            let before = self.breaks.iter().filter(|found| found.at <= here).count();
            let page = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
            place.name = format!("{}, page {page} environ", part.name);
            place.page = Some(page);
        }
        place
    }
}

/// Headers and footers are on every page.
fn is_body(entry: &str, part: &str) -> bool {
    matches!(entry, "content.xml" | "word/document.xml") && matches!(part, "corps" | "notes")
}

/// Whether a style of OpenDocument begins a page.
fn breaks(style: &Element) -> bool {
    let page = |element: &Element| {
        element.attribute("fo:break-before") == Some("page")
            || element
                .attribute("style:master-page-name")
                .is_some_and(|name| !name.is_empty())
    };
    page(style)
        || style
            .children
            .iter()
            .any(|child| matches!(child, Node::Element(child) if page(child)))
}

fn around(before: &str, tag: &str, after: &str) -> String {
    let first = before
        .char_indices()
        .rev()
        .nth(AROUND - 1)
        .map_or(0, |(at, _)| at);
    let last = after
        .char_indices()
        .nth(AROUND)
        .map_or(after.len(), |(at, _)| at);
    let cut = |cut: bool| if cut { "…" } else { "" };
    let (start, end) = (cut(first > 0), cut(last < after.trim_end().len()));
    let plain = |text: &str| {
        let paragraphs: Vec<&str> = text.split('\n').map(str::trim).collect();
        paragraphs.join(" ¶ ")
    };
    let (before, after) = (&before[first..], &after[..last]);
    let spaced = |text: &str, at_end: bool| {
        let space = if at_end {
            text.ends_with([' ', '\u{a0}', '\n'])
        } else {
            text.starts_with([' ', '\u{a0}', '\n'])
        };
        if space { " " } else { "" }
    };
    let (left, right) = (spaced(before, true), spaced(after, false));
    format!(
        "{start}{}{left}⟦{tag}⟧{right}{}{end}",
        plain(before).trim_end(),
        plain(after.trim_end()).trim_start(),
    )
    .trim()
    .to_owned()
}
