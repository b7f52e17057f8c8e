//! A TrueType font with some of its characters, numbered from 1 in a given order.
//!
//! LibreOffice embeds the characters of the whole document, in the order in which it met them. What a letter
//! uses is taken from there, and every figure that depends on the others is computed again.

use super::outline::{components, i16_at, instructions, renumbered, set, u16_at, u32_at};
use std::collections::{BTreeMap, HashMap};

/// A font of fewer characters.
#[derive(Debug)]
pub(super) struct Face {
    pub(super) bytes: Vec<u8>,
    /// The least rectangle around its characters, in thousandths of their size.
    pub(super) bounds: [i64; 4],
}

const DEEPEST: u16 = 8;

/// `font` with the characters `codes` alone, which get the numbers 1, 2…; `None` when it is not
/// understood.
pub(super) fn subset(font: &[u8], codes: &[u8]) -> Option<Face> {
    let source = Source::read(font)?;
    let glyphs = source.closure(codes)?;
    let mut tables: BTreeMap<[u8; 4], Vec<u8>> = BTreeMap::new();
    for tag in [b"cvt ", b"fpgm", b"prep", b"name", b"post"] {
        if let Some(table) = source.tables.get(tag) {
            tables.insert(*tag, table.to_vec());
        }
    }
    let new: HashMap<u16, u16> = (0_u16..)
        .zip(&glyphs)
        .map(|(new, old)| (*old, new))
        .collect();
    let (mut outlines, mut places, mut metrics) = (Vec::new(), Vec::new(), Vec::new());
    for old in &glyphs {
        places.extend(u32::try_from(outlines.len()).ok()?.to_be_bytes());
        outlines.extend(renumbered(source.outline(*old)?, &new)?);
        outlines.resize(outlines.len().next_multiple_of(4), 0);
        let (advance, bearing) = source.metric(*old)?;
        metrics.extend(advance.to_be_bytes());
        metrics.extend(bearing.to_be_bytes());
    }
    places.extend(u32::try_from(outlines.len()).ok()?.to_be_bytes());
    let extents = source.extents(&glyphs)?;
    let count = u16::try_from(glyphs.len()).ok()?;
    tables.insert(*b"cmap", character_map(codes.len())?);
    tables.insert(*b"glyf", outlines);
    tables.insert(*b"loca", places);
    tables.insert(*b"hmtx", metrics);
    tables.insert(*b"head", source.head(&extents)?);
    tables.insert(*b"hhea", source.horizontal_head(&extents, count)?);
    tables.insert(*b"maxp", source.maxima(&extents, count)?);
    let per_em = i64::from(u16_at(source.tables.get(b"head")?, 18)?.max(1));
    Some(Face {
        bytes: assembled(&tables)?,
        bounds: extents.bounds.map(|value| i64::from(value) * 1000 / per_em),
    })
}

struct Source<'a> {
    tables: BTreeMap<[u8; 4], &'a [u8]>,
    long_places: bool,
    metrics: u16,
}

/// What the heads of a font say of all its characters together.
#[derive(Debug, Default)]
struct Extents {
    /// Left, bottom, right, top.
    bounds: [i16; 4],
    advance: u16,
    left: i16,
    right: i16,
    reach: i16,
    points: u16,
    contours: u16,
    composite_points: u16,
    composite_contours: u16,
    instructions: u16,
    components: u16,
    depth: u16,
}

impl<'a> Source<'a> {
    fn read(font: &'a [u8]) -> Option<Self> {
        let mut tables = BTreeMap::new();
        for index in 0..usize::from(u16_at(font, 4)?) {
            let entry = font.get(12 + index * 16..28 + index * 16)?;
            let start = usize::try_from(u32_at(entry, 8)?).ok()?;
            let length = usize::try_from(u32_at(entry, 12)?).ok()?;
            let tag: [u8; 4] = entry.get(..4)?.try_into().ok()?;
            tables.insert(tag, font.get(start..start.checked_add(length)?)?);
        }
        Some(Self {
            long_places: u16_at(tables.get(b"head")?, 50)? == 1,
            metrics: u16_at(tables.get(b"hhea")?, 34)?,
            tables,
        })
    }

    fn outline(&self, glyph: u16) -> Option<&'a [u8]> {
        let places = self.tables.get(b"loca")?;
        let place = |index: usize| -> Option<usize> {
            if self.long_places {
                usize::try_from(u32_at(places, index * 4)?).ok()
            } else {
                Some(usize::from(u16_at(places, index * 2)?) * 2)
            }
        };
        let glyph = usize::from(glyph);
        self.tables
            .get(b"glyf")?
            .get(place(glyph)?..place(glyph + 1)?)
    }

    fn metric(&self, glyph: u16) -> Option<(u16, i16)> {
        let table = self.tables.get(b"hmtx")?;
        let last = self.metrics.checked_sub(1)?;
        let advance = u16_at(table, usize::from(glyph.min(last)) * 4)?;
        let bearing = if glyph <= last {
            usize::from(glyph) * 4 + 2
        } else {
            usize::from(self.metrics) * 4 + usize::from(glyph - self.metrics) * 2
        };
        Some((advance, i16_at(table, bearing)?))
    }

    fn glyph_of(&self, code: u8) -> Option<u16> {
        let table = self.tables.get(b"cmap")?;
        for index in 0..usize::from(u16_at(table, 2)?) {
            let start = usize::try_from(u32_at(table, 8 + index * 8)?).ok()?;
            let map = table.get(start..)?;
            match u16_at(map, 0)? {
                0 => {
                    return map
                        .get(6 + usize::from(code))
                        .map(|glyph| u16::from(*glyph));
                }
                6 => {
                    let first = u16_at(map, 6)?;
                    let entry = u16::from(code).checked_sub(first)?;
                    return u16_at(map, 10 + usize::from(entry) * 2);
                }
                _ => {}
            }
        }
        None
    }

    /// What stands for a missing character, the characters, and what they are composed of.
    fn closure(&self, codes: &[u8]) -> Option<Vec<u16>> {
        let mut glyphs = vec![0];
        for code in codes {
            glyphs.push(self.glyph_of(*code)?);
        }
        let mut at = 0;
        while let Some(glyph) = glyphs.get(at).copied() {
            for (component, _) in components(self.outline(glyph)?)? {
                if !glyphs.contains(&component) {
                    glyphs.push(component);
                }
            }
            at += 1;
        }
        Some(glyphs)
    }

    fn extents(&self, glyphs: &[u16]) -> Option<Extents> {
        let mut all = Extents {
            bounds: [i16::MAX, i16::MAX, i16::MIN, i16::MIN],
            left: i16::MAX,
            right: i16::MAX,
            reach: i16::MIN,
            ..Extents::default()
        };
        for glyph in glyphs {
            let (advance, bearing) = self.metric(*glyph)?;
            all.advance = all.advance.max(advance);
            let outline = self.outline(*glyph)?;
            if outline.is_empty() {
                continue;
            }
            let [left, bottom, right, top] = [2, 4, 6, 8].map(|at| i16_at(outline, at));
            let (left, bottom, right, top) = (left?, bottom?, right?, top?);
            let [low, under, high, over] = all.bounds;
            all.bounds = [
                low.min(left),
                under.min(bottom),
                high.max(right),
                over.max(top),
            ];
            let reach = bearing.saturating_add(right.saturating_sub(left));
            let beyond = i32::from(advance) - i32::from(reach);
            all.left = all.left.min(bearing);
            all.right = all.right.min(i16::try_from(beyond).unwrap_or(i16::MAX));
            all.reach = all.reach.max(reach);
            self.count(*glyph, outline, &mut all)?;
        }
        if all.reach == i16::MIN {
            all.bounds = [0; 4];
            (all.left, all.right, all.reach) = (0, 0, 0);
        }
        Some(all)
    }

    fn count(&self, glyph: u16, outline: &[u8], all: &mut Extents) -> Option<()> {
        let parts = components(outline)?;
        let (points, contours) = self.size(glyph, DEEPEST)?;
        all.instructions = all.instructions.max(instructions(outline)?);
        if parts.is_empty() {
            all.points = all.points.max(points);
            all.contours = all.contours.max(contours);
        } else {
            all.composite_points = all.composite_points.max(points);
            all.composite_contours = all.composite_contours.max(contours);
            all.components = all.components.max(u16::try_from(parts.len()).ok()?);
            all.depth = all.depth.max(self.depth(glyph, DEEPEST)?);
        }
        Some(())
    }

    /// Points and contours, those of components together.
    fn size(&self, glyph: u16, depth: u16) -> Option<(u16, u16)> {
        let outline = self.outline(glyph)?;
        if outline.is_empty() {
            return Some((0, 0));
        }
        if let Ok(contours) = u16::try_from(i16_at(outline, 0)?) {
            let last = usize::from(contours).checked_sub(1);
            let points = match last {
                Some(last) => u16_at(outline, 10 + last * 2)?.checked_add(1)?,
                None => 0,
            };
            return Some((points, contours));
        }
        let depth = depth.checked_sub(1)?;
        let mut sum = (0_u16, 0_u16);
        for (component, _) in components(outline)? {
            let (points, contours) = self.size(component, depth)?;
            sum = (sum.0.checked_add(points)?, sum.1.checked_add(contours)?);
        }
        Some(sum)
    }

    fn depth(&self, glyph: u16, depth: u16) -> Option<u16> {
        let depth = depth.checked_sub(1)?;
        let mut deepest = 0;
        for (component, _) in components(self.outline(glyph)?)? {
            deepest = deepest.max(1 + self.depth(component, depth)?);
        }
        Some(deepest)
    }

    fn head(&self, all: &Extents) -> Option<Vec<u8>> {
        let mut head = self.tables.get(b"head")?.to_vec();
        // Neither the sum of the file, which is written last, nor dates.
        head.get_mut(8..12)?.fill(0);
        head.get_mut(20..36)?.fill(0);
        for (at, value) in [36, 38, 40, 42].into_iter().zip(all.bounds) {
            set(&mut head, at, value.to_be_bytes())?;
        }
        set(&mut head, 50, 1_u16.to_be_bytes())?;
        Some(head)
    }

    fn horizontal_head(&self, all: &Extents, count: u16) -> Option<Vec<u8>> {
        let mut head = self.tables.get(b"hhea")?.to_vec();
        set(&mut head, 10, all.advance.to_be_bytes())?;
        for (at, value) in [(12, all.left), (14, all.right), (16, all.reach)] {
            set(&mut head, at, value.to_be_bytes())?;
        }
        set(&mut head, 34, count.to_be_bytes())?;
        Some(head)
    }

    fn maxima(&self, all: &Extents, count: u16) -> Option<Vec<u8>> {
        let mut maxima = self.tables.get(b"maxp")?.to_vec();
        let figures = [
            (4, count),
            (6, all.points),
            (8, all.contours),
            (10, all.composite_points),
            (12, all.composite_contours),
            (26, all.instructions),
            (28, all.components),
            (30, all.depth),
        ];
        for (at, value) in figures {
            set(&mut maxima, at, value.to_be_bytes())?;
        }
        Some(maxima)
    }
}

/// From the numbers 1 to `count` to the characters of the same rank.
fn character_map(count: usize) -> Option<Vec<u8>> {
    let mut map = Vec::new();
    // One map, of the first format, for the numbers of a simple font in a PDF.
    for word in [0_u16, 1, 1, 0, 0, 12, 0, 262, 0] {
        map.extend(word.to_be_bytes());
    }
    for code in 0..=u8::MAX {
        map.push(if usize::from(code) <= count { code } else { 0 });
    }
    u8::try_from(count).is_ok().then_some(map)
}

fn assembled(tables: &BTreeMap<[u8; 4], Vec<u8>>) -> Option<Vec<u8>> {
    let count = u16::try_from(tables.len()).ok()?;
    let power = count.checked_ilog2()?;
    let range = (1_u16 << power) * 16;
    let mut font = vec![0, 1, 0, 0];
    for word in [count, range, u16::try_from(power).ok()?, count * 16 - range] {
        font.extend(word.to_be_bytes());
    }
    let mut start = 12 + tables.len() * 16;
    let mut head = None;
    for (tag, table) in tables {
        if tag == b"head" {
            head = Some(start);
        }
        font.extend(tag);
        font.extend(sum(table).to_be_bytes());
        font.extend(u32::try_from(start).ok()?.to_be_bytes());
        font.extend(u32::try_from(table.len()).ok()?.to_be_bytes());
        start += table.len().next_multiple_of(4);
    }
    for table in tables.values() {
        font.extend(table);
        font.resize(font.len().next_multiple_of(4), 0);
    }
    let adjustment = 0xB1B0_AFBA_u32.wrapping_sub(sum(&font));
    set(&mut font, head? + 8, adjustment.to_be_bytes())?;
    Some(font)
}

fn sum(table: &[u8]) -> u32 {
    table.chunks(4).fold(0, |sum: u32, word| {
        let mut whole = [0; 4];
        whole[..word.len()].copy_from_slice(word);
        sum.wrapping_add(u32::from_be_bytes(whole))
    })
}
