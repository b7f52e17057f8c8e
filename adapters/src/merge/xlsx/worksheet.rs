//! A rendered sheet as Excel wants it: rows and cells in order, every range where its cells are.

use super::styles::{Need, Styles};
use crate::merge::{
    french::parse_date,
    sheet::{
        END, ITERATION, LOOP, PLACE, TYPE, VALUE,
        address::{Syntax, cell, cell_name},
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

impl Writer<'_> {
    pub(super) fn grid(&self) -> &Grid {
        &self.book.sheets[self.sheet].grid
    }

    pub(super) fn here(&self) -> Here {
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
            let mut height = 0.0_f64;
            for mut placed in self.grid().place(unplaced, column_of) {
                let here = Here {
                    sheet: self.sheet,
                    row: Some(place),
                    column: placed.place,
                };
                let name = cell_name(output, placed.column);
                placed.element.set_attribute("r", &name);
                height = height.max(self.cell(&mut placed.element, here));
                last = (last.0.max(output), last.1.max(placed.column));
                row.children.push(Node::Element(placed.element));
            }
            stretch(&mut row, height);
            rows.push(Node::Element(row));
        }
        data.children = rows;
        last
    }

    /// Writes a cell, and answers the height that its lines need, if there are several.
    fn cell(&mut self, cell: &mut Element, here: Here) -> f64 {
        let kind = cell.attribute(TYPE).map(str::to_owned);
        let value = cell.attribute(VALUE).map(str::to_owned);
        cell.attributes
            .retain(|(name, _)| !name.starts_with("navette:"));
        if let Some(formula) = take(cell, "f") {
            self.formula(cell, formula, here);
            return 0.0;
        }
        let mut height = 0.0;
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
                    return 0.0;
                };
                whole(&mut string);
                let more = text(&string).matches('\n').count();
                if more > 0 {
                    height = (0..=more).map(|_| self.styles.line(look)).sum();
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
        height
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
}

/// Makes a row high enough, unless a clerk set its height: LibreOffice does not do it by itself for Excel.
fn stretch(row: &mut Element, height: f64) {
    let given = row
        .attribute("ht")
        .and_then(|height| height.parse::<f64>().ok());
    let fixed = matches!(row.attribute("customHeight"), Some("1" | "true"));
    if height > given.unwrap_or_default() && !fixed {
        row.set_attribute("ht", &format!("{height:.2}"));
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
