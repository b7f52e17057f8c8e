//! The codes on a drawing, and whether anything else is.

use super::{Drawing, SeenPage};
use navette_domain::{paper_reference::PaperReference, scan::Page};
use rqrr::{Point, PreparedImage};

/// What is darker than this is ink: the back of what was written on the other side is not.
const INK: u8 = 128;
/// How much of a page may be dark while it is blank: dust, in parts of ten thousand. Initials alone are more.
const DUST: usize = 3;
/// The margins in which shadows and holes are, in hundredths of the page.
const MARGIN: usize = 8;

/// What is seen on a page.
pub(super) fn seen(drawing: &Drawing) -> SeenPage {
    let mut found = found(drawing);
    let is_blank = found.is_empty() && is_blank(drawing);
    // What is too coarse to be read as it is may be read in black and white.
    if found.is_empty() && !is_blank {
        found = self::found(&drawing.in_black_and_white(INK));
    }
    let turn = found.first().map_or(0, |(_, turn)| *turn);
    let mut references = Vec::new();
    for (reference, _) in found {
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    SeenPage {
        page: Page {
            references,
            is_blank,
        },
        turn,
    }
}

/// The references on a drawing, each with the turn that sets it upright. Codes of others are none of our business.
fn found(drawing: &Drawing) -> Vec<(PaperReference, u16)> {
    let shade = |x: usize, y: usize| drawing.shades[y * drawing.width + x];
    let mut image = PreparedImage::prepare_from_greyscale(drawing.width, drawing.height, shade);
    let grids = image.detect_grids();
    let read = grids.iter().filter_map(|grid| {
        let (_, text) = grid.decode().ok()?;
        Some((text.parse().ok()?, turn(grid.bounds)))
    });
    read.collect()
}

/// How far a code is turned back, clockwise. Its first corner is the upper left one, its second the upper right.
fn turn([left, right, ..]: [Point; 4]) -> u16 {
    let (along, down) = (right.x - left.x, right.y - left.y);
    match (along.abs() >= down.abs(), along >= 0, down >= 0) {
        (true, true, _) => 0,
        (true, false, _) => 180,
        (false, _, true) => 270,
        (false, _, false) => 90,
    }
}

fn is_blank(drawing: &Drawing) -> bool {
    let within = |length: usize| length * MARGIN / 100..length - length * MARGIN / 100;
    let (columns, lines) = (within(drawing.width), within(drawing.height));
    let area = columns.len() * lines.len();
    let dark = |line: usize| {
        let line = &drawing.shades[line * drawing.width..][columns.clone()];
        line.iter().filter(|shade| **shade < INK).count()
    };
    lines.map(dark).sum::<usize>() * 10_000 <= area * DUST
}
