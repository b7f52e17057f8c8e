//! The tree of RFC 6962 over the hashes of all the events: its root grows leaf by leaf, and its proofs are
//! short.
//!
//! Leaf `i` is the event at position `i + 1`. Every proof is a list of roots of ranges of leaves; each range
//! is made of few complete subtrees, so whoever keeps the roots of these can answer for any size.

use crate::digest::Digest;
use std::ops::Range;

/// A complete subtree: 2^`level` leaves, from leaf `index` × 2^`level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subtree {
    /// How many nodes lie between its root and a leaf.
    pub level: u32,
    /// How many subtrees of the same level stand before it.
    pub index: u64,
}

impl Subtree {
    /// Its leaves.
    pub fn leaves(self) -> Range<u64> {
        self.index << self.level..(self.index + 1) << self.level
    }
}

/// The leaf of an event with this hash.
pub fn leaf(event: &Digest) -> Digest {
    Digest::of_parts([[0].as_slice(), event.as_bytes()])
}

/// The node above two others.
pub fn node(left: &Digest, right: &Digest) -> Digest {
    Digest::of_parts([[1].as_slice(), left.as_bytes(), right.as_bytes()])
}

/// The root of the tree without leaves.
pub fn empty_root() -> Digest {
    Digest::of(&[])
}

/// A tree as what is needed to add leaves: the roots of its complete subtrees, the largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Digest>,
}

impl Frontier {
    /// The tree of `size` leaves whose complete subtrees, as `subtrees(&(0..size))` lists them, have these
    /// roots; none if that is not their number.
    pub fn resume(size: u64, roots: Vec<Digest>) -> Option<Self> {
        (roots.len() == size.count_ones() as usize).then_some(Self { size, roots })
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the event with this hash, and tells `made` each subtree that it completes, above the leaf.
    pub fn push(&mut self, event: &Digest, mut made: impl FnMut(Subtree, &Digest)) {
        let mut root = leaf(event);
        for level in 0..self.size.trailing_ones() {
            let Some(left) = self.roots.pop() else { break };
            root = node(&left, &root);
            let subtree = Subtree {
                level: level + 1,
                index: self.size >> (level + 1),
            };
            made(subtree, &root);
        }
        self.roots.push(root);
        self.size += 1;
    }

    /// The root.
    pub fn root(&self) -> Digest {
        joined(&self.roots)
    }
}

/// The root over subtrees that follow each other, the largest first.
fn joined(roots: &[Digest]) -> Digest {
    let joined = roots
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node(&left, &right));
    joined.unwrap_or_else(empty_root)
}

/// The complete subtrees of which `range` is made, in order. The range must be one that this module names:
/// it begins at a multiple of a power of two that is at least its length.
pub fn subtrees(range: &Range<u64>) -> Vec<Subtree> {
    let length = range.end.saturating_sub(range.start);
    let mut start = range.start;
    let levels = (0..u64::BITS)
        .rev()
        .filter(|level| length >> level & 1 == 1);
    levels
        .map(|level| {
            let index = start >> level;
            start += 1 << level;
            Subtree { level, index }
        })
        .collect()
}

/// The roots of these ranges, from those of the subtrees in them; none as soon as one of them is not known.
pub fn roots(
    ranges: &[Range<u64>],
    known: impl Fn(Subtree) -> Option<Digest>,
) -> Option<Vec<Digest>> {
    let root = |range| {
        let roots: Option<Vec<_>> = subtrees(range).into_iter().map(&known).collect();
        roots.map(|roots| joined(&roots))
    };
    ranges.iter().map(root).collect()
}

/// Where a range of at least two leaves is cut: at the largest power of two below its length.
fn cut(range: &Range<u64>) -> u64 {
    range.start + (1 << (range.end - range.start - 1).ilog2())
}

/// The ranges whose roots prove that leaf `index` is in the tree of `size` leaves; none if it is not.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let (mut around, mut proof) = (0..size, vec![]);
    while around.end - around.start > 1 {
        let middle = cut(&around);
        if index < middle {
            proof.push(middle..around.end);
            around.end = middle;
        } else {
            proof.push(around.start..middle);
            around.start = middle;
        }
    }
    proof.reverse();
    Some(proof)
}

/// The ranges whose roots prove that the tree of `new` leaves begins with that of `old`; none if it cannot.
pub fn consistency(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old > new {
        return None;
    }
    if old == 0 {
        return Some(vec![]);
    }
    let (mut around, mut proof) = (0..new, vec![]);
    while around.end != old {
        let middle = cut(&around);
        if old <= middle {
            proof.push(middle..around.end);
            around.end = middle;
        } else {
            proof.push(around.start..middle);
            around.start = middle;
        }
    }
    // Whoever verifies has the old root itself.
    if around.start > 0 {
        proof.push(around);
    }
    proof.reverse();
    Some(proof)
}

/// Whether `proof` shows that the event with this hash is leaf `index` of the tree with this size and root.
pub fn is_included(
    event: &Digest,
    index: u64,
    (size, root): (u64, &Digest),
    proof: &[Digest],
) -> bool {
    if index >= size {
        return false;
    }
    let mut climb = Climb::from(index, size - 1);
    let mut reached = leaf(event);
    for sibling in proof {
        match climb.step() {
            Some(Side::Left) => reached = node(sibling, &reached),
            Some(Side::Right) => reached = node(&reached, sibling),
            None => return false,
        }
    }
    climb.is_over() && reached == *root
}

/// Whether `proof` shows that the tree with the second size and root begins with the first.
pub fn is_consistent(
    (old, old_root): (u64, &Digest),
    (new, new_root): (u64, &Digest),
    proof: &[Digest],
) -> bool {
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return proof.is_empty() && *old_root == empty_root();
    }
    if old > new {
        return false;
    }
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, proof)
    } else if let Some((first, rest)) = proof.split_first() {
        (*first, rest)
    } else {
        return false;
    };
    let mut climb = Climb::from(old - 1, new - 1);
    climb.skip_complete();
    let (mut reached_old, mut reached_new) = (first, first);
    for sibling in rest {
        match climb.step() {
            Some(Side::Left) => {
                reached_old = node(sibling, &reached_old);
                reached_new = node(sibling, &reached_new);
            }
            Some(Side::Right) => reached_new = node(&reached_new, sibling),
            None => return false,
        }
    }
    climb.is_over() && reached_old == *old_root && reached_new == *new_root
}

/// On which side of the node it meets a sibling stands.
enum Side {
    Left,
    Right,
}

/// The way from a leaf to the root: the place of the node that was reached, and of the last one, on its level.
struct Climb {
    here: u64,
    last: u64,
}

impl Climb {
    fn from(here: u64, last: u64) -> Self {
        Self { here, last }
    }

    fn up(&mut self) {
        self.here >>= 1;
        self.last >>= 1;
    }

    /// Climbs while the node is a right one.
    fn skip_complete(&mut self) {
        while self.here & 1 == 1 {
            self.up();
        }
    }

    /// Where the next sibling stands; climbs past it. None above the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        let side = if self.here & 1 == 1 || self.here == self.last {
            // The last node of a level without a right sibling is its own parent.
            while self.here & 1 == 0 && self.here != 0 {
                self.up();
            }
            Side::Left
        } else {
            Side::Right
        };
        self.up();
        Some(side)
    }

    fn is_over(&self) -> bool {
        self.last == 0
    }
}
