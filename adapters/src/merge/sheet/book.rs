//! The sheets of one document, and what a reference in the template means there.

use super::{
    END, ITERATION, LOOP, NAME,
    address::{Corner, LAST_COLUMN, LAST_ROW, Line, Reference, Syntax},
    axis::{Axis, Place},
    formula::rewrite,
    grid::{Grid, OF},
    names::Names,
    take, text,
};
use crate::merge::xml::Node;
use std::collections::HashMap;

/// A written sheet.
pub(in crate::merge) struct Sheet {
    /// Its name in the template.
    pub(in crate::merge) template: String,
    pub(in crate::merge) name: String,
    /// The loops that repeat it: the list and the rank, outermost first.
    pub(in crate::merge) iterations: Vec<(String, usize)>,
    pub(in crate::merge) grid: Grid,
    /// The lists that the loops of its rows and columns go through.
    pub(in crate::merge) lists: HashMap<usize, String>,
}

/// All of them, in order.
#[derive(Default)]
pub(in crate::merge) struct Book {
    pub(in crate::merge) sheets: Vec<Sheet>,
    /// The sheets of the template of which this document has none.
    pub(in crate::merge) left_out: Vec<String>,
    pub(in crate::merge) names: Names,
}

/// Reads the sheets among `nodes`, which are elements of this name, and takes the marks around them away.
pub(in crate::merge) fn gather(nodes: &mut Vec<Node>, element: &str, book: &mut Book) {
    let mut loops: Vec<(String, usize)> = Vec::new();
    nodes.retain_mut(|child| {
        let Node::Element(child) = child else {
            return true;
        };
        match child.name.as_str() {
            LOOP => loops.push((child.attribute(OF).unwrap_or_default().to_owned(), 0)),
            ITERATION => {
                if let Some((_, rank)) = loops.last_mut() {
                    *rank += 1;
                }
            }
            END => {
                loops.pop();
            }
            name if name == element => {
                let template = child.attribute("table:name").unwrap_or_default().to_owned();
                let wanted = take(child, NAME).map_or_else(|| template.clone(), |name| text(&name));
                let name = book.names.name(&wanted);
                child.set_attribute("table:name", &name);
                let (grid, lists) = Grid::read(child);
                book.sheets.push(Sheet {
                    template,
                    name,
                    iterations: loops.clone(),
                    grid,
                    lists,
                });
                return true;
            }
            _ => return true,
        }
        false
    });
}

/// Where a reference is written.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::merge) struct Here {
    /// The sheet, by its rank.
    pub(in crate::merge) sheet: usize,
    pub(in crate::merge) row: Option<Place>,
    pub(in crate::merge) column: Option<Place>,
}

/// What a reference becomes.
enum Meaning {
    /// As it is: it names no sheet of the template.
    Same,
    /// Each of these.
    These(Vec<Reference>),
}

impl Book {
    /// The formula as it must be written at `here`.
    pub(in crate::merge) fn formula(&self, formula: &str, syntax: Syntax, here: Here) -> String {
        rewrite(formula, syntax, &mut |reference| {
            let bracketed = |text: String| match syntax {
                Syntax::OpenDocument => format!("[{text}]"),
                Syntax::Ooxml => text,
            };
            let separator = match syntax {
                Syntax::OpenDocument => ";",
                Syntax::Ooxml => ",",
            };
            match self.meaning(reference, here) {
                Meaning::Same => bracketed(reference.write(syntax)),
                Meaning::These(references) if references.is_empty() => "#REF!".into(),
                Meaning::These(references) => {
                    let written = references.iter();
                    let written = written.map(|reference| bracketed(reference.write(syntax)));
                    written.collect::<Vec<_>>().join(separator)
                }
            }
        })
    }

    /// The sheets written from the template's sheet `name`, by their ranks.
    pub(in crate::merge) fn written<'a>(
        &'a self,
        name: &'a str,
    ) -> impl DoubleEndedIterator<Item = usize> + 'a {
        let sheets = self.sheets.iter().enumerate();
        sheets.filter_map(move |(at, sheet)| (sheet.template == name).then_some(at))
    }

    fn meaning(&self, reference: &Reference, here: Here) -> Meaning {
        let Some((first, last)) = &reference.sheet else {
            return Meaning::These(vec![self.on(here.sheet, reference, here, None)]);
        };
        if let Some(last) = last {
            let from = self.written(first).next();
            let (Some(from), Some(to)) = (from, self.written(last).next_back()) else {
                return Meaning::Same;
            };
            return Meaning::These(vec![self.across(from, to, reference, here)]);
        }
        let targets = self.targets(first, here);
        match targets.as_slice() {
            [] if self.is_known(first) => Meaning::These(Vec::new()),
            [] => Meaning::Same,
            [only] => Meaning::These(vec![self.on(*only, reference, here, Some(*only))]),
            [from, .., to] => {
                let each: Vec<Reference> = targets
                    .iter()
                    .map(|at| self.on(*at, reference, here, Some(*at)))
                    .collect();
                let same =
                    |other: &Reference| (other.first, other.last) == (each[0].first, each[0].last);
                if each.iter().all(same) {
                    Meaning::These(vec![self.across(*from, *to, reference, here)])
                } else {
                    Meaning::These(each)
                }
            }
        }
    }

    /// Whether the template has a sheet of this name which this document does not have.
    fn is_known(&self, name: &str) -> bool {
        self.left_out.iter().any(|known| known == name)
    }

    fn across(&self, from: usize, to: usize, reference: &Reference, here: Here) -> Reference {
        let mut across = self.on(from, reference, here, Some(from));
        if from != to {
            let (first, last) = (&self.sheets[from].name, &self.sheets[to].name);
            across.sheet = Some((first.clone(), Some(last.clone())));
        }
        across
    }

    /// The sheets that `name` means at `here`: its own, that of the same item, or all of them.
    fn targets(&self, name: &str, here: Here) -> Vec<usize> {
        let own = &self.sheets[here.sheet];
        if own.template == name {
            return vec![here.sheet];
        }
        let mut iterations = own.iterations.clone();
        for (axis, place) in [
            (own.grid.rows(), here.row),
            (own.grid.columns(), here.column),
        ] {
            let around = place
                .map(|place| axis.iterations(place))
                .unwrap_or_default();
            let lists = around.into_iter().rev();
            iterations
                .extend(lists.filter_map(|(of, rank)| Some((own.lists.get(&of)?.clone(), rank))));
        }
        let all: Vec<usize> = self.written(name).collect();
        let same_item: Vec<usize> = all
            .iter()
            .copied()
            .filter(|at| {
                let theirs = &self.sheets[*at].iterations;
                !theirs.is_empty() && theirs.iter().all(|one| iterations.contains(one))
            })
            .collect();
        if same_item.is_empty() { all } else { same_item }
    }

    /// The reference on the sheet `target`, which is named `named`.
    fn on(
        &self,
        target: usize,
        reference: &Reference,
        here: Here,
        named: Option<usize>,
    ) -> Reference {
        let grid = &self.sheets[target].grid;
        let here = if target == here.sheet {
            here
        } else {
            Here::default()
        };
        let row = Lines::new(reference, |corner| corner.row);
        let column = Lines::new(reference, |corner| corner.column);
        let (first_row, last_row) = row.moved(grid.rows(), here.row, LAST_ROW);
        let (first_column, last_column) = column.moved(grid.columns(), here.column, LAST_COLUMN);
        Reference {
            sheet: named.map(|at| (self.sheets[at].name.clone(), None)),
            first: Corner {
                column: first_column,
                row: first_row,
            },
            last: reference.last.map(|_| Corner {
                column: last_column,
                row: last_row,
            }),
        }
    }
}

impl Book {
    /// The cells on the sheet `target` that an address of the template covers: its copies and nothing in
    /// between when `runs`, otherwise one range over all of them, which may be the always empty last cell.
    pub(in crate::merge) fn ranges(
        &self,
        target: usize,
        address: &Reference,
        runs: bool,
    ) -> Vec<Reference> {
        let here = Here {
            sheet: target,
            ..Here::default()
        };
        if !runs {
            return vec![self.on(target, address, here, None)];
        }
        let grid = &self.sheets[target].grid;
        let ends = |of: fn(&Corner) -> Option<Line>, axis: &Axis| {
            let first = of(&address.first)?.number;
            let last = address
                .last
                .as_ref()
                .and_then(of)
                .map_or(first, |line| line.number);
            Some(axis.runs(first, last))
        };
        let whole = |runs: Option<Vec<(usize, usize)>>| {
            runs.map_or_else(|| vec![None], |runs| runs.into_iter().map(Some).collect())
        };
        let rows = whole(ends(|corner| corner.row, grid.rows()));
        let columns = whole(ends(|corner| corner.column, grid.columns()));
        let line = |number: usize| Line {
            fixed: false,
            number,
        };
        let mut ranges = Vec::new();
        for row in &rows {
            for column in &columns {
                let first = Corner {
                    column: column.map(|(from, _)| line(from)),
                    row: row.map(|(from, _)| line(from)),
                };
                let last = Corner {
                    column: column.map(|(_, to)| line(to)),
                    row: row.map(|(_, to)| line(to)),
                };
                ranges.push(Reference {
                    sheet: None,
                    first,
                    last: (address.last.is_some() || first != last).then_some(last),
                });
            }
        }
        ranges
    }
}

/// The rows, or the columns, of a reference.
struct Lines {
    first: Option<Line>,
    last: Option<Line>,
}

impl Lines {
    fn new(reference: &Reference, of: impl Fn(&Corner) -> Option<Line>) -> Self {
        Self {
            first: of(&reference.first),
            last: reference.last.as_ref().and_then(of),
        }
    }

    /// Where they went. What was not written becomes `last`, which is always empty.
    fn moved(&self, axis: &Axis, from: Option<Place>, last: usize) -> (Option<Line>, Option<Line>) {
        let to = |line: Line, number: usize| Some(Line { number, ..line });
        match (self.first, self.last) {
            (Some(first), Some(end)) => {
                // `C5:A1` is `A1:C5`.
                let (low, high) = if first.number <= end.number {
                    (first, end)
                } else {
                    (end, first)
                };
                let ends = ((low.number, low.fixed), (high.number, high.fixed));
                let (start, until) = axis.range(ends.0, ends.1, from).unwrap_or((last, last));
                (to(low, start), to(high, until))
            }
            (Some(first), None) => {
                let found = axis.one(first.number, from, first.fixed);
                (to(first, found.unwrap_or(last)), None)
            }
            (None, _) => (None, None),
        }
    }
}
