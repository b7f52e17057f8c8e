//! What repeats itself in the passages of a template.

use super::huffman::{LONGEST, WINDOW};
use std::ops::Range;

/// A piece of a passage. Places are those of the passages end to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// The byte at this place.
    Byte(usize),
    /// The `size` bytes at `to`, which stand at `from` too, within the passage `of`.
    Copy {
        to: usize,
        from: usize,
        size: usize,
        of: usize,
    },
}

/// A repetition of fewer bytes is hardly shorter than they are.
const SHORTEST: usize = 4;
/// How many earlier places are looked at: this is done once for a template, and may take its time.
const TRIES: usize = 256;
const HASHES: usize = 1 << 15;
const NOWHERE: usize = usize::MAX;

/// Each passage of `text` in pieces. No piece goes over the end of a passage, on either side: in a document
/// the passages may stand elsewhere, and only each is in one piece.
pub(super) fn pieces(text: &[u8], passages: &[Range<usize>]) -> Vec<Vec<Piece>> {
    let mut search = Search {
        text,
        passages,
        heads: vec![NOWHERE; HASHES],
        before: vec![NOWHERE; text.len()],
    };
    (0..passages.len())
        .map(|passage| search.passage(passage))
        .collect()
}

struct Search<'a> {
    text: &'a [u8],
    passages: &'a [Range<usize>],
    /// The last place of each hash.
    heads: Vec<usize>,
    /// The place of the same hash before each.
    before: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Found {
    from: usize,
    size: usize,
    of: usize,
}

impl Search<'_> {
    fn passage(&mut self, passage: usize) -> Vec<Piece> {
        let Range { start, end } = self.passages[passage];
        let mut pieces = Vec::new();
        let mut at = start;
        let mut found = self.longest(at, passage);
        while at < end {
            self.remember(at);
            // A longer repetition may begin one byte later.
            let later = self.longest(at + 1, passage);
            match found {
                Some(Found { from, size, of }) if later.is_none_or(|later| later.size <= size) => {
                    pieces.push(Piece::Copy {
                        to: at,
                        from,
                        size,
                        of,
                    });
                    (at + 1..at + size).for_each(|at| self.remember(at));
                    at += size;
                    found = self.longest(at, passage);
                }
                _ => {
                    pieces.push(Piece::Byte(at));
                    at += 1;
                    found = later;
                }
            }
        }
        pieces
    }

    /// The longest repetition of what is at `at`, in this passage or one before.
    fn longest(&self, at: usize, passage: usize) -> Option<Found> {
        let end = self.passages[passage].end;
        let here = &self.text[at.min(end)..end];
        let mut best: Option<Found> = None;
        let mut from = self.heads[hash(here)?];
        for _ in 0..TRIES {
            if from == NOWHERE || at - from > WINDOW {
                break;
            }
            let of = self.passages.partition_point(|other| other.end <= from);
            let ends = if of == passage {
                end
            } else {
                self.passages[of].end
            };
            let there = &self.text[from..ends];
            let size = here
                .iter()
                .zip(there)
                .take(LONGEST)
                .take_while(|(one, other)| one == other)
                .count();
            if size >= SHORTEST && best.is_none_or(|best| size > best.size) {
                best = Some(Found { from, size, of });
            }
            from = self.before[from];
        }
        best
    }

    fn remember(&mut self, at: usize) {
        if let Some(hash) = hash(&self.text[at..]) {
            self.before[at] = std::mem::replace(&mut self.heads[hash], at);
        }
    }
}

fn hash(bytes: &[u8]) -> Option<usize> {
    let first = u32::from_le_bytes(*bytes.first_chunk()?);
    Some((first.wrapping_mul(0x9e37_79b1) >> 17) as usize)
}
