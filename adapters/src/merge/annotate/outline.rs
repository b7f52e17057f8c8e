//! Where the elements and characters of an entry stand in its bytes, so that something can be put among
//! them and every other byte stay as it is.

use super::super::{join::PARAGRAPHS, xml::escape};
use navette_domain::ports::Anchor;
use quick_xml::{Reader, XmlVersion, events::Event};
use std::ops::Range;

/// The elements of an entry, in order.
pub(super) struct Outline<'a> {
    text: &'a str,
    pub(super) spans: Vec<Span>,
    /// Runs of characters: the element they stand in, their bytes, and the one character that a reference
    /// stands for.
    pieces: Vec<(usize, Range<usize>, Option<char>)>,
}

/// An element.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) name: String,
    pub(super) parent: Option<usize>,
    /// With its own tags.
    pub(super) whole: Range<usize>,
    /// Between its tags; empty at its end when it is written `<a/>`.
    pub(super) inside: Range<usize>,
}

/// Where a tag of the template stands.
#[derive(Debug)]
pub(super) struct Spot {
    /// Its first and last character: their element, and their byte.
    pub(super) first: (usize, usize),
    pub(super) last: (usize, usize),
}

impl<'a> Outline<'a> {
    /// Reads an entry; `None` when it is not well-formed.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let plain = text.trim_start_matches('\u{feff}');
        let mark = text.len() - plain.len();
        let mut reader = Reader::from_str(plain);
        let mut outline = Self {
            text,
            spans: Vec::new(),
            pieces: Vec::new(),
        };
        let mut open: Vec<usize> = Vec::new();
        let here =
            |reader: &Reader<&[u8]>| Some(mark + usize::try_from(reader.buffer_position()).ok()?);
        loop {
            let start = here(&reader)?;
            let event = reader.read_event().ok()?;
            let end = here(&reader)?;
            match event {
                Event::Start(element) => {
                    let name = element.name().as_ref().to_owned();
                    let index = outline.push(name, open.last().copied(), start..end);
                    open.push(index);
                }
                Event::Empty(element) => {
                    let name = element.name().as_ref().to_owned();
                    outline.push(name, open.last().copied(), start..end);
                }
                Event::End(_) => {
                    let span = outline.spans.get_mut(open.pop()?)?;
                    span.inside.end = start;
                    span.whole.end = end;
                }
                Event::Text(_) => outline.piece(&open, start..end, None),
                Event::CData(_) => outline.piece(&open, start + 9..end - 3, None),
                Event::GeneralRef(reference) => {
                    let written = format!("&{};", &*reference.into_inner());
                    let stands_for = quick_xml::escape::unescape(&written).ok()?;
                    outline.piece(&open, start..end, stands_for.chars().next());
                }
                Event::Eof => return Some(outline),
                _ => {}
            }
        }
    }

    fn push(&mut self, name: String, parent: Option<usize>, whole: Range<usize>) -> usize {
        self.spans.push(Span {
            name,
            parent,
            inside: whole.end..whole.end,
            whole,
        });
        self.spans.len() - 1
    }

    fn piece(&mut self, open: &[usize], bytes: Range<usize>, stands_for: Option<char>) {
        if let Some(parent) = open.last() {
            self.pieces.push((*parent, bytes, stands_for));
        }
    }

    /// The value of an element's attribute.
    pub(super) fn attribute(&self, index: usize, name: &str) -> Option<String> {
        let span = self.spans.get(index)?;
        let mut reader = Reader::from_str(&self.text[span.whole.start..]);
        let (Event::Start(element) | Event::Empty(element)) = reader.read_event().ok()? else {
            return None;
        };
        element.attributes().flatten().find_map(|attribute| {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            (attribute.key.as_ref() == name).then(|| value.into_owned())
        })
    }

    /// The elements of this name, in order.
    pub(super) fn named<'b>(&'b self, name: &'b str) -> impl Iterator<Item = usize> + 'b {
        (0..self.spans.len()).filter(move |index| self.spans[*index].name == name)
    }

    /// The elements of this name within another, in order.
    pub(super) fn inside(&self, around: usize, name: &str) -> Vec<usize> {
        self.named(name)
            .filter(|index| self.upwards(*index).any(|up| up == around))
            .collect()
    }

    /// An element and those around it, from the inside.
    pub(super) fn upwards(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(index), |index| self.spans[*index].parent)
    }

    /// The text of an element, without what it holds being paragraphs of its own.
    pub(super) fn text_of(&self, index: usize) -> String {
        self.characters(index)
            .iter()
            .map(|(_, _, character)| *character)
            .collect()
    }

    /// The characters of an element that are not inside a paragraph within it: their element and their byte.
    fn characters(&self, index: usize) -> Vec<(usize, Range<usize>, char)> {
        let whole = &self.spans[index].whole;
        let from = self
            .pieces
            .partition_point(|(_, bytes, _)| bytes.start < whole.start);
        let inside = self.pieces[from..]
            .iter()
            .take_while(|(_, bytes, _)| bytes.start < whole.end);
        let mut characters = Vec::new();
        for (parent, bytes, stands_for) in inside {
            let own = self
                .upwards(*parent)
                .take_while(|around| *around != index)
                .all(|around| !PARAGRAPHS.contains(&self.spans[around].name.as_str()));
            let name = self.spans[*parent].name.as_str();
            if !own || (name.starts_with("w:") && name != "w:t") {
                continue;
            }
            if let Some(character) = stands_for {
                characters.push((*parent, bytes.clone(), *character));
                continue;
            }
            for (at, character) in self.text[bytes.clone()].char_indices() {
                let start = bytes.start + at;
                characters.push((*parent, start..start + character.len_utf8(), character));
            }
        }
        characters
    }

    /// The paragraph that holds a tag.
    pub(super) fn paragraph(&self, anchor: &Anchor) -> Option<usize> {
        self.spans.iter().position(|span| {
            span.whole.start == anchor.paragraph && PARAGRAPHS.contains(&span.name.as_str())
        })
    }

    /// Where a tag stands in its paragraph, whatever the runs and marks in it; its whitespace may be
    /// elements, and is not looked at.
    pub(super) fn spot(&self, paragraph: usize, anchor: &Anchor, tag: &str) -> Option<Spot> {
        let mut characters = self.characters(paragraph);
        characters.retain(|(_, _, character)| !character.is_whitespace());
        let tag: Vec<char> = tag.chars().filter(|c| !c.is_whitespace()).collect();
        let found = |start: &usize| {
            characters[*start..]
                .iter()
                .map(|(_, _, character)| character)
                .take(tag.len())
                .eq(tag.iter())
        };
        let mut starts = (0..characters.len()).filter(found);
        let start = starts.nth(anchor.nth)?;
        let first = characters.get(start)?;
        let last = characters.get(start + tag.len().checked_sub(1)?)?;
        Some(Spot {
            first: (first.0, first.1.start),
            last: (last.0, last.1.end),
        })
    }
}

/// Changes to a text, kept until all are known.
#[derive(Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub(super) fn insert(&mut self, at: usize, text: String) {
        self.0.push((at..at, text));
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.0.push((range, String::new()));
    }

    /// Adds `text` at the end of what an element holds.
    pub(super) fn append(&mut self, span: &Span, text: &str) {
        if span.inside.end == span.whole.end {
            let closed = span.whole.end - 2..span.whole.end;
            self.0.push((closed, format!(">{text}</{}>", span.name)));
        } else {
            self.insert(span.inside.end, text.to_owned());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with its changes; what is removed within something removed goes with it.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut out = String::with_capacity(text.len() + 256);
        let mut at = 0;
        for (range, new) in self.0 {
            if range.start < at {
                continue;
            }
            out.push_str(&text[at..range.start]);
            out.push_str(&new);
            at = range.end;
        }
        out.push_str(&text[at..]);
        out
    }
}

/// `text` as XML holds it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(&mut out, text, true);
    out
}
