//! The codes of a deflate block: what each symbol is written as (RFC 1951).

use std::{cmp::Reverse, collections::BinaryHeap};

/// Some bits, the first in the lowest place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Code {
    pub(super) bits: u32,
    pub(super) length: u8,
}

impl Code {
    /// These bits, then those of `next`. Together at most 32.
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            bits: self.bits
                | next
                    .bits
                    .checked_shl(self.length.into())
                    .unwrap_or_default(),
            length: self.length + next.length,
        }
    }
}

/// The symbols of literals, of the end, and of lengths.
pub(super) const LITERALS: usize = 286;
/// The symbols of distances.
pub(super) const DISTANCES: usize = 30;
pub(super) const END: usize = 256;
/// The furthest that a match may look back, and how much it may repeat.
pub(super) const WINDOW: usize = 1 << 15;
pub(super) const SHORTEST: usize = 3;
pub(super) const LONGEST: usize = 258;

/// The longest code of a symbol, and of a code length.
const DEEPEST: u8 = 15;
const DEEPEST_LENGTH: u8 = 7;

/// How often each symbol is expected. Each is expected once at least, so that anything can be written.
pub(super) struct Expected {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Expected {
    pub(super) fn nothing() -> Self {
        Self {
            literals: [1; LITERALS],
            distances: [1; DISTANCES],
        }
    }

    pub(super) fn literal(&mut self, byte: u8) {
        self.literals[usize::from(byte)] += 1;
    }

    pub(super) fn copy(&mut self, size: usize, distance: usize) {
        self.literals[length_symbol(size).0] += 1;
        self.distances[distance_symbol(distance).0] += 1;
    }
}

/// The codes of one block, and the header that tells them.
pub(super) struct Codes {
    literals: [Code; LITERALS],
    distances: [Code; DISTANCES],
    /// What begins the only block of a stream that is written with them.
    pub(super) header: Vec<Code>,
}

impl Codes {
    pub(super) fn of(expected: &Expected) -> Self {
        let literal_lengths = lengths(&expected.literals, DEEPEST);
        let distance_lengths = lengths(&expected.distances, DEEPEST);
        let mut codes = Self {
            literals: [Code::default(); LITERALS],
            distances: [Code::default(); DISTANCES],
            header: header(&[literal_lengths.as_slice(), &distance_lengths].concat()),
        };
        codes.literals.copy_from_slice(&canonical(&literal_lengths));
        codes
            .distances
            .copy_from_slice(&canonical(&distance_lengths));
        codes
    }

    pub(super) fn literal(&self, byte: u8) -> Code {
        self.literals[usize::from(byte)]
    }

    pub(super) fn end(&self) -> Code {
        self.literals[END]
    }

    /// That so many bytes are repeated: [`SHORTEST`] to [`LONGEST`]. The distance follows.
    pub(super) fn length(&self, size: usize) -> Code {
        let (symbol, extra) = length_symbol(size);
        self.literals[symbol].then(extra)
    }

    /// From how far back, at most [`WINDOW`].
    pub(super) fn distance(&self, distance: usize) -> Code {
        let (symbol, extra) = distance_symbol(distance);
        self.distances[symbol].then(extra)
    }
}

/// What begins a last block with codes of its own: how many lengths there are, the lengths' own codes, and
/// the lengths.
fn header(code_lengths: &[u8]) -> Vec<Code> {
    /// The order in which the codes of the lengths come.
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    const SAME_AGAIN: u8 = 16;
    let mut symbols: Vec<(u8, Code)> = Vec::new();
    let mut rest = code_lengths;
    while let Some((first, _)) = rest.split_first() {
        let same = rest.iter().take_while(|length| *length == first).count();
        symbols.push((*first, Code::default()));
        let mut again = same - 1;
        while again >= 3 {
            let times = again.min(6);
            symbols.push((SAME_AGAIN, number(times - 3, 2)));
            again -= times;
        }
        symbols.extend(std::iter::repeat_n((*first, Code::default()), again));
        rest = &rest[same..];
    }
    let mut expected = [0; 19];
    for (symbol, _) in &symbols {
        expected[usize::from(*symbol)] += 1;
    }
    let own_lengths = lengths(&expected, DEEPEST_LENGTH);
    let own = canonical(&own_lengths);
    // The last block, with codes of its own.
    let mut header = vec![number(1, 1), number(2, 2)];
    header.push(number(LITERALS - 257, 5));
    header.push(number(DISTANCES - 1, 5));
    header.push(number(ORDER.len() - 4, 4));
    header.extend(ORDER.map(|symbol| number(own_lengths[symbol].into(), 3)));
    for (symbol, extra) in symbols {
        header.push(own[usize::from(symbol)].then(extra));
    }
    header
}

fn number(value: usize, length: u8) -> Code {
    Code {
        bits: u32::try_from(value).unwrap_or_default(),
        length,
    }
}

/// The symbol of a length, and the bits that follow it.
fn length_symbol(size: usize) -> (usize, Code) {
    if size == LONGEST {
        return (285, Code::default());
    }
    let over = size - SHORTEST;
    if over < 8 {
        return (257 + over, Code::default());
    }
    let extra = over.ilog2() - 2;
    let step = over >> extra;
    let symbol = 257 + 4 * (extra as usize) + step;
    (symbol, rest(over, extra))
}

/// The symbol of a distance, and the bits that follow it.
fn distance_symbol(distance: usize) -> (usize, Code) {
    let over = distance - 1;
    if over < 4 {
        return (over, Code::default());
    }
    let extra = over.ilog2() - 1;
    let step = over >> extra;
    (2 * (extra as usize) + step, rest(over, extra))
}

/// The lowest bits of `value`, which its symbol does not tell.
fn rest(value: usize, bits: u32) -> Code {
    number(
        value & ((1 << bits) - 1),
        u8::try_from(bits).unwrap_or_default(),
    )
}

/// The lengths of Huffman's codes, none beyond `deepest`: 0 for what is never expected.
fn lengths(expected: &[u32], deepest: u8) -> Vec<u8> {
    let mut expected = expected.to_vec();
    loop {
        let lengths = unbounded_lengths(&expected);
        if lengths.iter().all(|length| *length <= deepest) {
            return lengths;
        }
        // Flatter expectations make a shallower tree.
        for count in expected.iter_mut().filter(|count| **count > 0) {
            *count = count.div_ceil(2);
        }
    }
}

fn unbounded_lengths(expected: &[u32]) -> Vec<u8> {
    // A node is known by its number: the symbols first, then what joins two nodes.
    let mut waiting: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    for (symbol, count) in expected.iter().enumerate().filter(|(_, count)| **count > 0) {
        waiting.push(Reverse((u64::from(*count), symbol)));
    }
    let mut parents = vec![0; expected.len()];
    while let (Some(Reverse(one)), Some(Reverse(other))) = (waiting.pop(), waiting.pop()) {
        let parent = parents.len();
        parents.push(0);
        parents[one.1] = parent;
        parents[other.1] = parent;
        waiting.push(Reverse((one.0 + other.0, parent)));
        if waiting.len() == 1 {
            break;
        }
    }
    let root = parents.len() - 1;
    let mut depths = vec![0_u8; parents.len()];
    for node in (0..root).rev() {
        if parents[node] > 0 {
            depths[node] = depths[parents[node]].saturating_add(1);
        }
    }
    depths.truncate(expected.len());
    depths
}

/// The codes that follow from their lengths.
fn canonical(lengths: &[u8]) -> Vec<Code> {
    let mut codes = vec![Code::default(); lengths.len()];
    let mut next = 0_u32;
    for length in 1..=DEEPEST {
        next <<= 1;
        for (code, _) in codes
            .iter_mut()
            .zip(lengths)
            .filter(|(_, its)| **its == length)
        {
            // Codes are written from their highest bit.
            let bits = next.reverse_bits() >> (32 - u32::from(length));
            *code = Code { bits, length };
            next += 1;
        }
    }
    codes
}
