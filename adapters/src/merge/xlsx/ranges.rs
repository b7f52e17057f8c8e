//! What a sheet says of ranges: merged cells, conditions, validations, links, filters, page breaks.

use super::worksheet::Writer;
use crate::merge::{
    sheet::{
        address::{Reference, Syntax, cell_name},
        book::Here,
        number, text,
    },
    xml::{Element, Node},
};

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
    /// Moves the ranges inside an element, and leaves out what has none any more.
    pub(super) fn ranges(&self, parent: &mut Element) {
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
