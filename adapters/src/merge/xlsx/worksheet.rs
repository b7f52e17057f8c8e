//! A rendered sheet as Excel wants it: rows and cells in order, every range where its cells are.

use super::styles::{Need, Styles};
use crate::merge::{
    french::parse_date,
    sheet::{
        END, ITERATION, LOOP, PLACE, TYPE, VALUE,
        address::{Reference, Syntax, cell, cell_name},
        book::{Book, Here},
        grid::{GAP, Grid},
        number, take, text,
    },
    xml::{Element, Node},
};
use chrono::NaiveDate;

/// Writes the sheet of rank `sheet` in the book.
pub(super) struct Writer<'a> {
    pub(super) book: &'a Book,
    pub(super) sheet: usize,
    pub(super) styles: &'a mut Styles,
}

/// What holds ranges, with the attribute and the way in which they are repeated.
const RANGES: [(&str, &str, Repeat); 8] = [
    ("autoFilter", "ref", Repeat::Whole),
    ("mergeCell", "ref", Repeat::Copies),
    ("hyperlink", "ref", Repeat::Copies),
    ("conditionalFormatting", "sqref", Repeat::Runs),
    ("dataValidation", "sqref", Repeat::Runs),
    ("protectedRange", "sqref", Repeat::Runs),
    ("ignoredError", "sqref", Repeat::Runs),
    ("sortState", "ref", Repeat::Whole),
];

/// Elements that must not be left empty.
const LISTS: [&str; 6] = [
    "mergeCells",
    "hyperlinks",
    "dataValidations",
    "protectedRanges",
    "ignoredErrors",
    "rowBreaks",
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// One range over all.
    Whole,
    /// One range for each iteration.
    Copies,
    /// A list of ranges in one attribute.
    Runs,
}

impl Writer<'_> {
    fn grid(&self) -> &Grid {
        &self.book.sheets[self.sheet].grid
    }

    fn here(&self) -> Here {
        Here {
            sheet: self.sheet,
            ..Here::default()
        }
    }

    /// Writes the whole sheet; `first` when it is the first one made of its template.
    pub(super) fn write(&mut self, root: &mut Element, first: bool) {
        let mut last = (1, 1);
        for child in &mut root.children {
            let Node::Element(child) = child else {
                continue;
            };
            match child.name.as_str() {
                "cols" => self.columns(child),
                "sheetData" => last = self.rows(child),
                "sheetViews" => view(child, first),
                _ => {}
            }
        }
        self.ranges(root);
        let dimension = match last {
            (1, 1) => "A1".to_owned(),
            (row, column) => format!("A1:{}", cell_name(row, column)),
        };
        for child in &mut root.children {
            if let Node::Element(child) = child
                && child.name == "dimension"
            {
                child.set_attribute("ref", &dimension);
            }
        }
    }

    fn columns(&self, columns: &mut Element) {
        if self.grid().keeps_columns() {
            return;
        }
        let mut written: Vec<(usize, Element)> = Vec::new();
        for column in columns.elements() {
            let (Some(min), Some(max)) = (number(column, "min"), number(column, "max")) else {
                continue;
            };
            for (from, to) in self.grid().columns().runs(min, max) {
                let mut column = column.clone();
                column.set_attribute("min", &from.to_string());
                column.set_attribute("max", &to.to_string());
                written.push((from, column));
            }
        }
        written.sort_by_key(|(from, _)| *from);
        let written = written.into_iter();
        columns.children = written.map(|(_, column)| Node::Element(column)).collect();
    }

    /// Writes the rows, and answers the last row and column.
    fn rows(&mut self, data: &mut Element) -> (usize, usize) {
        let mut last = (1, 1);
        let mut rows = Vec::with_capacity(data.children.len());
        for child in std::mem::take(&mut data.children) {
            let Node::Element(mut row) = child else {
                continue;
            };
            if [LOOP, ITERATION, END, GAP].contains(&row.name.as_str()) {
                continue;
            }
            let Some(place) = number(&row, PLACE) else {
                continue;
            };
            let output = self.grid().rows().output(place);
            let mut kept: Vec<(String, String)> = std::mem::take(&mut row.attributes);
            kept.retain(|(name, _)| {
                name != "spans" && name != "r" && !name.starts_with("navette:")
            });
            let children = std::mem::take(&mut row.children);
            row.attributes = vec![("r".into(), output.to_string())];
            row.attributes.extend(kept);
            let unplaced = Element {
                children,
                ..Element::default()
            };
            for mut placed in self.grid().place(unplaced, column_of) {
                let here = Here {
                    sheet: self.sheet,
                    row: Some(place),
                    column: placed.place,
                };
                let name = cell_name(output, placed.column);
                placed.element.set_attribute("r", &name);
                self.cell(&mut placed.element, here);
                last = (last.0.max(output), last.1.max(placed.column));
                row.children.push(Node::Element(placed.element));
            }
            rows.push(Node::Element(row));
        }
        data.children = rows;
        last
    }

    fn cell(&mut self, cell: &mut Element, here: Here) {
        let kind = cell.attribute(TYPE).map(str::to_owned);
        let value = cell.attribute(VALUE).map(str::to_owned);
        cell.attributes
            .retain(|(name, _)| !name.starts_with("navette:"));
        if let Some(formula) = take(cell, "f") {
            self.formula(cell, formula, here);
            return;
        }
        let look = number(cell, "s").unwrap_or(0);
        match (kind.as_deref(), value) {
            (Some("float"), Some(value)) => typed(cell, None, value),
            (Some("boolean"), Some(value)) => {
                let truth = if value == "true" { "1" } else { "0" };
                typed(cell, Some("b"), truth.into());
            }
            (Some("date"), Some(value)) => {
                if let Some(serial) = parse_date(&value).and_then(serial) {
                    typed(cell, None, serial.to_string());
                    let look = self.styles.with(look, Need::Date);
                    cell.set_attribute("s", &look.to_string());
                }
            }
            _ if cell.attribute("t") == Some("inlineStr") => {
                let Some(mut string) = take(cell, "is") else {
                    cell.remove_attribute("t");
                    return;
                };
                whole(&mut string);
                if text(&string).contains('\n') {
                    let look = self.styles.with(look, Need::Lines);
                    cell.set_attribute("s", &look.to_string());
                }
                if text(&string).is_empty() {
                    cell.remove_attribute("t");
                } else {
                    cell.children.push(Node::Element(string));
                }
            }
            _ => {}
        }
    }

    /// A formula is computed anew when the file is opened: what it last gave would be wrong.
    fn formula(&self, cell: &mut Element, mut formula: Element, here: Here) {
        let code = self.book.formula(&text(&formula), Syntax::Ooxml, here);
        for name in ["ref", "r1", "r2"] {
            if let Some(range) = formula.attribute(name) {
                let range = self.book.formula(range, Syntax::Ooxml, here);
                formula.set_attribute(name, &range);
            }
        }
        formula.remove_attribute("ca");
        formula.children = vec![Node::Text(code)];
        cell.remove_attribute("t");
        cell.children = vec![Node::Element(formula)];
    }

    /// Moves the ranges inside an element, and leaves out what has none any more.
    fn ranges(&self, parent: &mut Element) {
        let mut children = Vec::with_capacity(parent.children.len());
        for child in std::mem::take(&mut parent.children) {
            let Node::Element(mut child) = child else {
                children.push(child);
                continue;
            };
            let rule = RANGES.iter().find(|(name, _, _)| *name == child.name);
            if child.name == "sheetData" {
                children.push(Node::Element(child));
            } else if let Some((_, attribute, repeat)) = rule {
                let addresses = child.attribute(attribute).unwrap_or_default().to_owned();
                for (range, here) in self.repeated(&addresses, *repeat) {
                    let mut copy = child.clone();
                    copy.set_attribute(attribute, &range);
                    self.formulas(&mut copy, here);
                    children.push(Node::Element(copy));
                }
            } else if child.name == "brk" {
                children.extend(self.page_breaks(&child, &parent.name));
            } else if child.elements().any(|inside| inside.name == "xm:sqref") {
                self.extended(&mut child);
                children.push(Node::Element(child));
            } else {
                self.ranges(&mut child);
                if !LISTS.contains(&child.name.as_str()) || child.elements().next().is_some() {
                    children.push(Node::Element(child));
                }
            }
        }
        parent.children = children;
        let count = parent.elements().count().to_string();
        for name in ["count", "manualBreakCount"] {
            if parent.attribute(name).is_some() {
                parent.set_attribute(name, &count);
            }
        }
    }

    /// The ranges that take the place of `addresses`, each with the cell that its formulas start from.
    fn repeated(&self, addresses: &str, repeat: Repeat) -> Vec<(String, Here)> {
        let references: Vec<Reference> = addresses
            .split_whitespace()
            .filter_map(|address| Reference::parse(address, Syntax::Ooxml))
            .collect();
        let here = references
            .first()
            .map_or_else(|| self.here(), |one| self.start(one));
        match repeat {
            Repeat::Whole => vec![(
                self.book.formula(addresses, Syntax::Ooxml, self.here()),
                here,
            )],
            Repeat::Runs => {
                let runs = references
                    .iter()
                    .flat_map(|one| self.book.ranges(self.sheet, one, true));
                let runs: Vec<String> = runs.map(|one| one.write(Syntax::Ooxml)).collect();
                if runs.is_empty() {
                    return Vec::new();
                }
                vec![(runs.join(" "), here)]
            }
            Repeat::Copies => references.iter().flat_map(|one| self.copies(one)).collect(),
        }
    }

    /// Where the first copy of a range begins.
    fn start(&self, reference: &Reference) -> Here {
        let (row, column) = (reference.first.row, reference.first.column);
        Here {
            row: row.and_then(|row| self.grid().rows().written(row.number).next()),
            column: column.and_then(|column| self.grid().columns().written(column.number).next()),
            ..self.here()
        }
    }

    fn copies(&self, reference: &Reference) -> Vec<(String, Here)> {
        let last = reference.last.unwrap_or(reference.first);
        let (Some(row), Some(column), Some(last_row), Some(last_column)) = (
            reference.first.row,
            reference.first.column,
            last.row,
            last.column,
        ) else {
            return Vec::new();
        };
        let grid = self.grid();
        let mut copies = Vec::new();
        for (top, bottom) in grid.rows().copies(row.number, last_row.number) {
            for (left, right) in grid.columns().copies(column.number, last_column.number) {
                let mut range = cell_name(top, left);
                if (top, left) != (bottom, right) {
                    range = format!("{range}:{}", cell_name(bottom, right));
                }
                let here = Here {
                    row: grid
                        .rows()
                        .written(row.number)
                        .find(|at| grid.rows().at(*at, row.number) == top),
                    column: grid
                        .columns()
                        .written(column.number)
                        .find(|at| grid.columns().at(*at, column.number) == left),
                    ..self.here()
                };
                copies.push((range, here));
            }
        }
        // What was merged into a single cell is merged no more.
        copies.retain(|(range, _)| reference.last.is_none() || range.contains(':'));
        copies
    }

    /// The formulas of a condition or a validation, and the place that a link leads to.
    fn formulas(&self, element: &mut Element, here: Here) {
        if let Some(location) = element.attribute("location") {
            let location = self.book.formula(location, Syntax::Ooxml, here);
            element.set_attribute("location", &location);
        }
        for child in &mut element.children {
            let Node::Element(child) = child else {
                continue;
            };
            if ["formula", "formula1", "formula2", "xm:f"].contains(&child.name.as_str()) {
                let code = self.book.formula(&text(child), Syntax::Ooxml, here);
                child.children = vec![Node::Text(code)];
            } else {
                self.formulas(child, here);
            }
        }
    }

    /// What newer Excel keeps apart: ranges are texts there.
    fn extended(&self, element: &mut Element) {
        let ranges = element.elements().find(|child| child.name == "xm:sqref");
        let ranges = ranges.map(text).unwrap_or_default();
        let moved = self.repeated(&ranges, Repeat::Runs).into_iter().next();
        let (ranges, here) = moved.unwrap_or_else(|| ("XFD1048576".into(), self.here()));
        self.formulas(element, here);
        for child in &mut element.children {
            if let Node::Element(child) = child
                && child.name == "xm:sqref"
            {
                child.children = vec![Node::Text(ranges.clone())];
            }
        }
    }

    fn page_breaks(&self, mark: &Element, list: &str) -> Vec<Node> {
        let at = number(mark, "id").unwrap_or(0);
        let axis = match list {
            "colBreaks" => self.grid().columns(),
            _ => self.grid().rows(),
        };
        let copies = axis.copies(at, at).into_iter();
        let marks = copies.map(|(at, _)| {
            let mut mark = mark.clone();
            mark.set_attribute("id", &at.to_string());
            Node::Element(mark)
        });
        marks.collect()
    }
}

/// Only one sheet is shown first.
fn view(views: &mut Element, first: bool) {
    for child in &mut views.children {
        if let (false, Node::Element(view)) = (first, child) {
            view.remove_attribute("tabSelected");
        }
    }
}

fn column_of(cell: &Element) -> usize {
    let place = cell.attribute("r").and_then(self::cell);
    place.map_or(1, |(_, column)| column)
}

fn typed(cell: &mut Element, kind: Option<&str>, value: String) {
    cell.remove_attribute("t");
    if let Some(kind) = kind {
        cell.set_attribute("t", kind);
    }
    cell.children = vec![Node::Element(Element {
        at: 0,
        name: "v".into(),
        attributes: Vec::new(),
        children: vec![Node::Text(value)],
    })];
}

/// The number of a day for Excel, which counts from 1900 and believes that year a leap year.
fn serial(day: NaiveDate) -> Option<i64> {
    let days = (day - NaiveDate::from_ymd_opt(1899, 12, 30)?).num_days();
    (days > 60).then_some(days)
}

/// A text of one look is written in one piece.
fn whole(string: &mut Element) {
    let plain = string
        .elements()
        .all(|run| take(&mut run.clone(), "rPr").is_none());
    let piece = |text: String| {
        Node::Element(Element {
            at: 0,
            name: "t".into(),
            attributes: vec![("xml:space".into(), "preserve".into())],
            children: vec![Node::Text(text)],
        })
    };
    if plain {
        string.children = vec![piece(text(string))];
        return;
    }
    for run in &mut string.children {
        if let Node::Element(run) = run {
            let content = run.elements().filter(|child| child.name == "t");
            let content: String = content.map(text).collect();
            run.children
                .retain(|child| matches!(child, Node::Element(child) if child.name == "rPr"));
            run.children.push(piece(content));
        }
    }
    string
        .children
        .retain(|run| !matches!(run, Node::Element(run) if text(run).is_empty()));
}
