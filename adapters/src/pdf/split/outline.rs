//! How the outline of one character of a TrueType font is written.

use std::collections::HashMap;

const COMPOSITE_WORDS: u16 = 0x0001;
const COMPOSITE_SCALE: u16 = 0x0008;
const COMPOSITE_MORE: u16 = 0x0020;
const COMPOSITE_TWO_SCALES: u16 = 0x0040;
const COMPOSITE_MATRIX: u16 = 0x0080;
const COMPOSITE_INSTRUCTIONS: u16 = 0x0100;

/// The characters that a composite one is made of, and where each is named; none for a simple one.
pub(super) fn components(outline: &[u8]) -> Option<Vec<(u16, usize)>> {
    let mut found = Vec::new();
    if outline.is_empty() || i16_at(outline, 0)? >= 0 {
        return Some(found);
    }
    let mut at = 10;
    loop {
        let flags = u16_at(outline, at)?;
        found.push((u16_at(outline, at + 2)?, at + 2));
        at += component_length(flags);
        if flags & COMPOSITE_MORE == 0 {
            return Some(found);
        }
    }
}

fn component_length(flags: u16) -> usize {
    let places = if flags & COMPOSITE_WORDS == 0 { 2 } else { 4 };
    let shape = match flags {
        _ if flags & COMPOSITE_SCALE != 0 => 2,
        _ if flags & COMPOSITE_TWO_SCALES != 0 => 4,
        _ if flags & COMPOSITE_MATRIX != 0 => 8,
        _ => 0,
    };
    4 + places + shape
}

pub(super) fn instructions(outline: &[u8]) -> Option<u16> {
    if let Ok(contours) = usize::try_from(i16_at(outline, 0)?) {
        return u16_at(outline, 10 + contours * 2);
    }
    let (_, last) = *components(outline)?.last()?;
    let flags = u16_at(outline, last - 2)?;
    if flags & COMPOSITE_INSTRUCTIONS == 0 {
        return Some(0);
    }
    u16_at(outline, last - 2 + component_length(flags))
}

pub(super) fn renumbered(outline: &[u8], new: &HashMap<u16, u16>) -> Option<Vec<u8>> {
    let mut outline = outline.to_vec();
    for (component, at) in components(&outline)? {
        set(&mut outline, at, new.get(&component)?.to_be_bytes())?;
    }
    Some(outline)
}

pub(super) fn set<const N: usize>(table: &mut [u8], at: usize, value: [u8; N]) -> Option<()> {
    table.get_mut(at..at + N)?.copy_from_slice(&value);
    Some(())
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

pub(super) fn i16_at(bytes: &[u8], at: usize) -> Option<i16> {
    u16_at(bytes, at).map(u16::cast_signed)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
