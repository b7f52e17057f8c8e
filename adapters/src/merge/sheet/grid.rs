//! Where the rows and columns of a rendered sheet stand, told by the marks in it.

use super::{
    COLUMN, END, ITERATION, LOOP, PLACE,
    address::{LAST_COLUMN, LAST_ROW},
    axis::{Axis, Place},
    count, number,
};
use crate::merge::{
    join::ROW,
    xml::{Element, Node},
};
use std::collections::{BTreeMap, HashMap};

/// Rows that the file leaves out, for want of cells.
pub(in crate::merge) const GAP: &str = "navette:gap";
/// The last row that the template's sheet has.
pub(in crate::merge) const LAST: &str = "navette:last";
/// The number of a loop, the list that it goes through, and the columns of a loop's two tags.
pub(super) const ID: &str = "navette:id";
pub(super) const OF: &str = "navette:of";
pub(super) const FROM: &str = "navette:from";
pub(super) const TO: &str = "navette:to";

const REPEATED_ROWS: &str = "table:number-rows-repeated";
const REPEATED_COLUMNS: &str = "table:number-columns-repeated";

/// The rows and columns of a sheet.
pub(in crate::merge) struct Grid {
    rows: Axis,
    columns: Axis,
    bands: Vec<Band>,
}

/// Columns that a loop repeats, between those of its two tags.
struct Band {
    from: usize,
    to: usize,
    times: usize,
}

/// A cell of a row, where it must be written.
pub(in crate::merge) struct Placed {
    pub(in crate::merge) element: Element,
    /// Its column, counted from 1, and how many it takes.
    pub(in crate::merge) column: usize,
    pub(in crate::merge) count: usize,
    pub(in crate::merge) place: Option<Place>,
    /// Its column in the template.
    pub(in crate::merge) template: usize,
}

impl Grid {
    /// Reads the marks of a rendered sheet; rows keep their places. Also answers the lists of its loops.
    pub(in crate::merge) fn read(sheet: &mut Element) -> (Self, HashMap<usize, String>) {
        let mut reader = Reading {
            rows: Axis::new(LAST_ROW),
            lists: HashMap::new(),
            bands: BTreeMap::new(),
        };
        reader.walk(sheet);
        let last = number(sheet, LAST).unwrap_or(0);
        reader.rows.finish(last);
        let mut columns = Axis::new(LAST_COLUMN);
        let mut next = 1;
        let mut bands = Vec::new();
        for (rank, ((from, to), (times, list))) in reader.bands.into_iter().enumerate() {
            if from > next {
                columns.write(next, from - next);
            }
            // Rows' loops are counted from the other end.
            let id = usize::MAX - rank;
            reader.lists.insert(id, list);
            columns.open(id);
            for _ in 0..times {
                columns.iterate();
                columns.write(from + 1, to - from - 1);
            }
            columns.close();
            bands.push(Band { from, to, times });
            next = to + 1;
        }
        columns.finish(next - 1);
        let grid = Self {
            rows: reader.rows,
            columns,
            bands,
        };
        (grid, reader.lists)
    }

    pub(in crate::merge) fn rows(&self) -> &Axis {
        &self.rows
    }

    pub(in crate::merge) fn columns(&self) -> &Axis {
        &self.columns
    }

    /// Whether no column was repeated or left out.
    pub(in crate::merge) fn keeps_columns(&self) -> bool {
        self.bands.is_empty()
    }

    fn band(&self, column: usize) -> Option<&Band> {
        let mut bands = self.bands.iter();
        bands.find(|band| (band.from..=band.to).contains(&column))
    }

    /// The cells of a row, in the order in which they must be written; what is no cell is left out.
    pub(in crate::merge) fn place(
        &self,
        row: Element,
        column_of: impl Fn(&Element) -> usize,
    ) -> Vec<Placed> {
        let mut placed: Vec<Placed> = Vec::new();
        let mut under_way: Option<(usize, usize)> = None;
        for child in row.children {
            let Node::Element(cell) = child else { continue };
            match cell.name.as_str() {
                LOOP => under_way = Some((count(&cell, FROM), 0)),
                ITERATION => {
                    if let Some((_, iteration)) = &mut under_way {
                        *iteration += 1;
                    }
                }
                END => {
                    if let Some((from, times)) = under_way.take() {
                        self.fill(from, times, &mut placed);
                    }
                }
                _ => {
                    let template = column_of(&cell);
                    let band = self.band(template);
                    let iteration = under_way.map_or(1, |(_, iteration)| iteration);
                    placed.extend(self.placed(cell, template, iteration));
                    if let (None, Some(band)) = (under_way, band)
                        && template == band.to - 1
                    {
                        self.fill(band.from, 1, &mut placed);
                    }
                }
            }
        }
        placed.sort_by_key(|cell| cell.column);
        placed
    }

    fn placed(&self, cell: Element, template: usize, iteration: usize) -> Option<Placed> {
        let place = self.columns.written(template).nth(iteration - 1)?;
        Some(Placed {
            column: self.columns.at(place, template),
            count: count(&cell, REPEATED_COLUMNS),
            place: Some(place),
            template,
            element: cell,
        })
    }

    /// Where a row repeats its columns fewer times than another: blank cells that look like its first ones.
    fn fill(&self, from: usize, times: usize, placed: &mut Vec<Placed>) {
        let Some(band) = self.band(from) else { return };
        let inside = |cell: &&Placed| (band.from..band.to).contains(&cell.template);
        let mut seen = Vec::new();
        let mut models = Vec::new();
        for cell in placed.iter().filter(inside) {
            if !seen.contains(&cell.template) {
                seen.push(cell.template);
                models.push((blank(&cell.element), cell.template));
            }
        }
        for iteration in times + 1..=band.times {
            let blanks = models.iter().cloned();
            placed.extend(blanks.filter_map(|(cell, at)| self.placed(cell, at, iteration)));
        }
    }
}

/// A cell that looks the same and holds nothing.
fn blank(cell: &Element) -> Element {
    let spanned = ["table:number-columns-spanned", "table:number-rows-spanned"];
    let covered = spanned.iter().any(|name| cell.attribute(name).is_some());
    let kept = ["table:style-name", "s", "r"];
    let attributes = cell.attributes.iter();
    let attributes = attributes.filter(|(name, _)| kept.contains(&name.as_str()));
    Element {
        at: 0,
        name: if covered {
            "table:covered-table-cell".into()
        } else {
            cell.name.clone()
        },
        attributes: attributes.cloned().collect(),
        children: Vec::new(),
    }
}

/// The first column of a cell of OpenDocument, in the template.
pub(in crate::merge) fn marked_column(cell: &Element) -> usize {
    count(cell, COLUMN)
}

struct Reading {
    rows: Axis,
    lists: HashMap<usize, String>,
    /// By the columns of the tags: how many times at most, and through which list.
    bands: BTreeMap<(usize, usize), (usize, String)>,
}

impl Reading {
    fn walk(&mut self, element: &mut Element) {
        for child in &mut element.children {
            let Node::Element(child) = child else {
                continue;
            };
            match child.name.as_str() {
                LOOP => {
                    let id = count(child, ID);
                    self.lists.insert(id, list_of(child));
                    self.rows.open(id);
                }
                ITERATION => self.rows.iterate(),
                END => self.rows.close(),
                GAP => {
                    self.rows
                        .write(count(child, ROW), count(child, REPEATED_ROWS));
                }
                _ => match number(child, ROW) {
                    Some(row) => {
                        let place = self.rows.write(row, count(child, REPEATED_ROWS));
                        child.set_attribute(PLACE, &place.to_string());
                        self.measure(child);
                    }
                    None => self.walk(child),
                },
            }
        }
    }

    fn measure(&mut self, row: &Element) {
        let mut band = None;
        for child in row.elements() {
            match child.name.as_str() {
                LOOP => {
                    let ends = (count(child, FROM), count(child, TO));
                    self.bands.entry(ends).or_insert((0, list_of(child)));
                    band = Some((ends, 0));
                }
                ITERATION => {
                    if let Some((ends, times)) = &mut band {
                        *times += 1;
                        if let Some((most, _)) = self.bands.get_mut(ends) {
                            *most = (*most).max(*times);
                        }
                    }
                }
                END => band = None,
                _ => {}
            }
        }
    }
}

fn list_of(mark: &Element) -> String {
    mark.attribute(OF).unwrap_or_default().to_owned()
}
