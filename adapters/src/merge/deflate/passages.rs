//! Deflating what a template is known to say.
//!
//! Most of a merged part is its template's own text, between values. These passages are searched for
//! repetitions and given their codes once, when the template is compiled; in each document they are only
//! found again, and their codes copied. A passage that stands in the document already, as the rows of a
//! table do, is written as a repetition of itself.
//!
//! What a document says is never taken for granted: a passage is written by its codes only where the
//! document has exactly its text, and anything else is deflated as it comes.

use super::{
    bits::Bits,
    huffman::{Code, Codes, Expected, LONGEST, SHORTEST, WINDOW},
    repetitions::{Piece, pieces},
};
use std::{collections::HashMap, fmt, ops::Range};

/// What tells passages apart: how they begin.
const KEY: usize = 8;
/// Shorter ones are not worth finding.
const SHORTEST_PASSAGE: usize = 16;
/// What values are made of, for their letters to have short codes.
const USUAL: &str = "Monsieur le Maire, Madame la Présidente, la subvention de 12 345,67 € accordée \
    à l'association pour l'année 2026 est versée le 8 septembre ; référence SUB-2026-00194.";

/// The passages of one part of a template.
pub(crate) struct Passages {
    text: Vec<u8>,
    each: Vec<Passage>,
    /// Passages by how they begin, the longest first.
    by_key: HashMap<[u8; KEY], Vec<usize>>,
    codes: Codes,
}

struct Passage {
    range: Range<usize>,
    steps: Vec<Step>,
}

/// How a passage is written.
enum Step {
    /// With these bits, in every document.
    Bits(Code),
    /// As a repetition of another passage, if that one stands near enough before; else byte by byte.
    Copy {
        to: usize,
        from: usize,
        size: usize,
        of: usize,
    },
}

impl fmt::Debug for Passages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passages", self.each.len())
    }
}

impl Passages {
    /// The passages of a template's source: what stands between its tags.
    pub(crate) fn of(source: &str) -> Self {
        let mut text = Vec::with_capacity(source.len());
        let mut ranges = Vec::new();
        for passage in between_tags(source) {
            let start = text.len();
            text.extend_from_slice(passage.as_bytes());
            ranges.push(start..text.len());
        }
        let found: Vec<Vec<Piece>> = pieces(&text, &ranges);
        let codes = Codes::of(&expected(&text, &ranges, &found));
        let mut by_key: HashMap<[u8; KEY], Vec<usize>> = HashMap::new();
        for (index, range) in ranges.iter().enumerate() {
            if let Some(key) = key(&text[range.clone()]) {
                by_key.entry(key).or_default().push(index);
            }
        }
        for indices in by_key.values_mut() {
            indices.sort_by_key(|index| std::cmp::Reverse(ranges[*index].len()));
        }
        let passages = ranges
            .into_iter()
            .zip(found)
            .enumerate()
            .map(|(index, (range, pieces))| Passage {
                steps: steps(&text, (index, &pieces), &codes),
                range,
            })
            .collect();
        Self {
            text,
            each: passages,
            by_key,
            codes,
        }
    }

    /// Appends the deflated `text` of a document to `out`.
    pub(in super::super) fn append(&self, out: &mut Vec<u8>, text: &[u8]) {
        let mut document = Document {
            known: self,
            text,
            bits: Bits::new(out),
            places: vec![None; self.each.len()],
            values: vec![u32::MAX; VALUES],
        };
        for code in &self.codes.header {
            document.bits.put(*code);
        }
        let (mut at, mut next) = (0, 0);
        while at < text.len() {
            if let Some(index) = self.find(&text[at..], next) {
                at += document.passage(index, at);
                next = index + 1;
            } else {
                let rest = &text[at + 1..];
                let tag = rest.iter().position(|byte| *byte == b'<');
                let end = tag.map_or(text.len(), |tag| at + 1 + tag);
                document.value(at..end);
                at = end;
            }
        }
        document.bits.put(self.codes.end());
        document.bits.finish();
    }

    /// The passage with which `rest` begins: most often the one after the last.
    fn find(&self, rest: &[u8], next: usize) -> Option<usize> {
        let begins = |index: &usize| {
            self.each
                .get(*index)
                .is_some_and(|passage| rest.starts_with(&self.text[passage.range.clone()]))
        };
        if begins(&next) {
            return Some(next);
        }
        self.by_key
            .get(&key(rest)?)?
            .iter()
            .copied()
            .find(|index| begins(index))
    }
}

/// How many places of values are remembered.
const VALUES: usize = 1 << 10;
/// A shorter repetition in a value is not worth its distance.
const SHORTEST_VALUE: usize = 4;

/// One document, being written.
struct Document<'a> {
    known: &'a Passages,
    text: &'a [u8],
    bits: Bits<'a>,
    /// Where each passage stood last.
    places: Vec<Option<usize>>,
    /// Where values had four bytes, by what these are.
    values: Vec<u32>,
}

impl Document<'_> {
    /// Writes a passage that stands at `at`; answers its length.
    fn passage(&mut self, index: usize, at: usize) -> usize {
        let known = self.known;
        let passage = &known.each[index];
        let size = passage.range.len();
        match self.places[index].replace(at) {
            Some(before) if at - before <= WINDOW => self.again(size, at - before),
            _ => self.steps(passage, at),
        }
        size
    }

    fn steps(&mut self, passage: &Passage, at: usize) {
        let known = self.known;
        for step in &passage.steps {
            match *step {
                Step::Bits(code) => self.bits.put(code),
                Step::Copy { to, from, size, of } => {
                    let here = at + to - passage.range.start;
                    let distance = self.places[of]
                        .map(|place| here - (place + from - known.each[of].range.start));
                    match distance {
                        Some(distance) if distance <= WINDOW => self.copy(size, distance),
                        _ => self.bytes(&known.text[to..to + size]),
                    }
                }
            }
        }
    }

    /// Repeats `size` bytes, however many.
    fn again(&mut self, mut size: usize, distance: usize) {
        while size > 0 {
            // What is left must not be too short to be repeated.
            let now = match size - size.min(LONGEST) {
                left if left > 0 && left < SHORTEST => LONGEST - SHORTEST,
                _ => size.min(LONGEST),
            };
            self.copy(now, distance);
            size -= now;
        }
    }

    /// Writes what is no passage.
    fn value(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let here = &self.text[at..range.end];
            let repeated = here
                .first_chunk()
                .and_then(|first| self.before(at, *first))
                .map(|before| (same(here, &self.text[before..at]), at - before))
                .filter(|(size, distance)| *size >= SHORTEST_VALUE && *distance <= WINDOW);
            if let Some((size, distance)) = repeated {
                self.copy(size, distance);
                at += size;
            } else {
                self.bits.put(self.known.codes.literal(here[0]));
                at += 1;
            }
        }
    }

    /// Where a value had these bytes last; remembers that they are here.
    fn before(&mut self, at: usize, bytes: [u8; SHORTEST_VALUE]) -> Option<usize> {
        let hash = u32::from_le_bytes(bytes).wrapping_mul(0x9e37_79b1) >> 22;
        let place = self.values.get_mut(hash as usize)?;
        let before = std::mem::replace(place, u32::try_from(at).unwrap_or(u32::MAX));
        (before != u32::MAX).then_some(before as usize)
    }

    fn copy(&mut self, size: usize, distance: usize) {
        self.bits.put(self.known.codes.length(size));
        self.bits.put(self.known.codes.distance(distance));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bits.put(self.known.codes.literal(*byte));
        }
    }
}

/// How many bytes are the same, as far as a repetition may go.
fn same(one: &[u8], other: &[u8]) -> usize {
    let pairs = one.iter().zip(other).take(LONGEST);
    pairs.take_while(|(one, other)| one == other).count()
}

fn key(passage: &[u8]) -> Option<[u8; KEY]> {
    passage.first_chunk().copied()
}

/// What stands between the tags of a template's source, from the first element on: what comes before it
/// goes with the value.
fn between_tags(source: &str) -> impl Iterator<Item = &str> {
    source
        .split("}}")
        .flat_map(|piece| piece.split("%}"))
        .filter_map(|piece| {
            let end = [piece.find("{{"), piece.find("{%")];
            let end = end.into_iter().flatten().min().unwrap_or(piece.len());
            let start = piece.find('<').filter(|start| *start < end)?;
            Some(&piece[start..end])
        })
        .filter(|passage| passage.len() >= SHORTEST_PASSAGE)
}

/// What a document is expected to need: its passages once, most of them a second time, and some values.
fn expected(text: &[u8], passages: &[Range<usize>], found: &[Vec<Piece>]) -> Expected {
    let mut expected = Expected::nothing();
    USUAL.bytes().for_each(|byte| expected.literal(byte));
    for piece in found.iter().flatten() {
        match *piece {
            Piece::Byte(at) => expected.literal(text[at]),
            Piece::Copy { to, from, size, .. } => expected.copy(size, to - from),
        }
    }
    for size in passages.iter().map(|range| range.len().min(LONGEST)) {
        expected.copy(size, WINDOW / 4);
    }
    expected
}

/// The steps of a passage, as few as bits can be put at once.
fn steps(text: &[u8], (passage, pieces): (usize, &[Piece]), codes: &Codes) -> Vec<Step> {
    let mut steps = Vec::new();
    for piece in pieces {
        match *piece {
            Piece::Byte(at) => add(&mut steps, codes.literal(text[at])),
            Piece::Copy { to, from, size, of } if of == passage => {
                add(&mut steps, codes.length(size));
                add(&mut steps, codes.distance(to - from));
            }
            Piece::Copy { to, from, size, of } => steps.push(Step::Copy { to, from, size, of }),
        }
    }
    steps
}

fn add(steps: &mut Vec<Step>, code: Code) {
    match steps.last_mut() {
        Some(Step::Bits(last)) if last.length + code.length <= 32 => *last = last.then(code),
        _ => steps.push(Step::Bits(code)),
    }
}
