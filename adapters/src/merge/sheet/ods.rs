//! Sheets of OpenDocument: one part holds them all.

use super::{
    COLUMN, END, ITERATION, LOOP, NAME, PLACE, TYPE, VALUE,
    address::{Corner, Reference, Syntax, quoted},
    book::{Book, Here, gather},
    grid::{Grid, LAST, marked_column},
    number, ods_columns,
};
use crate::merge::{
    join::ROW,
    xml::{self, Element, Node},
};

const TABLE: &str = "table:table";
const FORMAT: &str = "calcext:conditional-format";
const REPEATED_COLUMNS: &str = "table:number-columns-repeated";

/// Attributes that hold addresses of cells, several of them between spaces.
const ADDRESSES: [&str; 14] = [
    "table:cell-address",
    "table:base-cell-address",
    "calcext:base-cell-address",
    "table:end-cell-address",
    "table:start-position",
    "table:cell-range-address",
    "table:target-range-address",
    "calcext:target-range-address",
    "table:source-cell-range-address",
    "table:print-ranges",
    "table:scenario-ranges",
    "draw:notify-on-update-of-ranges",
    "chart:values-cell-range-address",
    "chart:label-cell-address",
];

/// Attributes that hold formulas.
const FORMULAS: [&str; 4] = [
    "table:formula",
    "table:expression",
    "table:condition",
    "calcext:value",
];

/// What a cell says of a value that is computed anew.
const CACHED: [&str; 9] = [
    "office:value-type",
    "office:value",
    "office:string-value",
    "office:date-value",
    "office:time-value",
    "office:boolean-value",
    "office:currency",
    "calcext:value-type",
    "calcext:error",
];

/// Lets the names of sheets hold tags.
pub(in crate::merge) fn prepare(nodes: &mut [Node]) {
    each_element(nodes, &mut |element| {
        let name = element.attribute("table:name").unwrap_or_default();
        if element.name == TABLE && name.contains('{') {
            // No other paragraph begins where the sheet does.
            let at = element.at;
            let name = Node::Text(name.to_owned());
            element.children.insert(
                0,
                Node::Element(Element {
                    at,
                    name: NAME.into(),
                    attributes: Vec::new(),
                    children: vec![name],
                }),
            );
        }
        element.name != TABLE
    });
}

/// Calls `see` on every element, and inside where it answers so.
fn each_element(nodes: &mut [Node], see: &mut impl FnMut(&mut Element) -> bool) {
    for node in nodes {
        if let Node::Element(element) = node
            && see(element)
        {
            each_element(&mut element.children, see);
        }
    }
}

/// Writes the rendered part as OpenDocument wants it. `known` are the names of the template's sheets.
pub(in crate::merge) fn finish(rendered: &str, known: &[String]) -> Option<String> {
    let mut nodes = xml::parse(rendered).ok()?;
    let mut book = Book::default();
    each_element(&mut nodes, &mut |element| {
        if element.name != TABLE && (element.has_child(TABLE) || element.has_child(LOOP)) {
            gather(&mut element.children, TABLE, &mut book);
        }
        element.name != TABLE
    });
    if book.sheets.is_empty() {
        return None;
    }
    let left_out = known
        .iter()
        .filter(|name| book.written(name).next().is_none());
    book.left_out = left_out.cloned().collect();
    let mut writer = Writer { book, sheet: 0 };
    for node in &mut nodes {
        writer.node(node);
    }
    let mut out = String::with_capacity(rendered.len());
    xml::write(&mut out, &nodes);
    Some(out)
}

struct Writer {
    book: Book,
    /// The sheet under way; beyond the last one, what follows the sheets.
    sheet: usize,
}

impl Writer {
    fn node(&mut self, node: &mut Node) {
        let Node::Element(element) = node else { return };
        if element.name == TABLE && element.attribute(LAST).is_some() {
            element.remove_attribute(LAST);
            self.table(element);
            self.sheet += 1;
        } else {
            self.attributes(element, Here::default());
            element
                .children
                .iter_mut()
                .for_each(|child| self.node(child));
        }
    }

    fn grid(&self) -> &Grid {
        &self.book.sheets[self.sheet].grid
    }

    fn table(&mut self, table: &mut Element) {
        let here = Here {
            sheet: self.sheet,
            ..Here::default()
        };
        self.attributes(table, here);
        if !self.grid().keeps_columns() {
            ods_columns::write(table, self.grid());
        }
        self.rows(table);
    }

    fn rows(&self, parent: &mut Element) {
        parent.children.retain_mut(|child| {
            let Node::Element(child) = child else {
                return true;
            };
            if [LOOP, ITERATION, END].contains(&child.name.as_str()) {
                return false;
            }
            if let Some(place) = number(child, PLACE) {
                self.row(child, place);
            } else if is_group_of_rows(child) {
                self.rows(child);
                // What was conditioned away leaves no empty group, which OpenDocument forbids.
                return !child.children.is_empty();
            } else {
                let here = Here {
                    sheet: self.sheet,
                    ..Here::default()
                };
                self.element(child, here);
            }
            true
        });
    }

    fn row(&self, row: &mut Element, place: usize) {
        row.remove_attribute(PLACE);
        row.remove_attribute(ROW);
        let mut here = Here {
            sheet: self.sheet,
            row: Some(place),
            column: None,
        };
        if self.grid().keeps_columns() {
            let columns = self.grid().columns();
            for child in &mut row.children {
                if let Node::Element(cell) = child {
                    let column = marked_column(cell);
                    here.column = columns.written(column).next();
                    self.cell(cell, here, column);
                }
            }
            return;
        }
        let mut next = 1;
        let children = std::mem::take(&mut row.children);
        let unplaced = Element {
            children,
            ..Element::default()
        };
        for mut placed in self.grid().place(unplaced, marked_column) {
            if placed.column < next {
                continue;
            }
            if placed.column > next {
                row.children.push(filler(placed.column - next));
            }
            here.column = placed.place;
            self.cell(&mut placed.element, here, placed.template);
            row.children.push(Node::Element(placed.element));
            next = placed.column + placed.count;
        }
    }

    fn cell(&self, cell: &mut Element, here: Here, column: usize) {
        cell.remove_attribute(COLUMN);
        if cell.attribute("table:formula").is_some() {
            cell.attributes
                .retain(|(name, _)| !CACHED.contains(&name.as_str()));
            let shown =
                |child: &Node| matches!(child, Node::Element(child) if child.name == "text:p");
            cell.children.retain(|child| !shown(child));
        } else if let Some(kind) = cell.attribute(TYPE).map(str::to_owned) {
            let value = cell.attribute(VALUE).map(str::to_owned);
            let own = |name: &str| CACHED.contains(&name) || name == TYPE || name == VALUE;
            cell.attributes.retain(|(name, _)| !own(name));
            cell.set_attribute("office:value-type", &kind);
            let attribute = match kind.as_str() {
                "date" => "office:date-value",
                "boolean" => "office:boolean-value",
                _ => "office:value",
            };
            if let Some(value) = value {
                cell.set_attribute(attribute, &value);
            }
        }
        self.spans(cell, here, column);
        self.attributes(cell, here);
        for child in &mut cell.children {
            if let Node::Element(child) = child {
                self.element(child, here);
            }
        }
    }

    /// Merged cells keep what they covered, repeated or not.
    fn spans(&self, cell: &mut Element, here: Here, column: usize) {
        let axes = [
            ("table:number-rows-spanned", self.grid().rows(), here.row),
            (
                "table:number-columns-spanned",
                self.grid().columns(),
                here.column,
            ),
        ];
        for (attribute, axis, place) in axes {
            let (Some(span @ 2..), Some(place)) = (number(cell, attribute), place) else {
                continue;
            };
            let first = match attribute {
                "table:number-rows-spanned" => axis.template(place),
                _ => column,
            };
            let last = first + span - 1;
            if let Some((_, to)) = axis.range((first, false), (last, false), Some(place)) {
                let span = (to + 1).saturating_sub(axis.at(place, first)).max(1);
                cell.set_attribute(attribute, &span.to_string());
            }
        }
    }

    fn element(&self, element: &mut Element, here: Here) {
        self.attributes(element, here);
        for child in &mut element.children {
            if let Node::Element(child) = child {
                self.element(child, here);
            }
        }
        // A format whose rows are all left out.
        element.children.retain(|child| {
            !matches!(child, Node::Element(child) if child.name == FORMAT
                && child.attribute("calcext:target-range-address") == Some(""))
        });
    }

    fn attributes(&self, element: &mut Element, here: Here) {
        if self.book.sheets.is_empty() {
            return;
        }
        // Conditions and names are relative to a cell of their own.
        let base = element
            .attribute("table:base-cell-address")
            .or_else(|| element.attribute("calcext:base-cell-address"));
        let here = base.and_then(|base| self.at(base)).unwrap_or(here);
        let runs = element.name == FORMAT;
        for (name, value) in &mut element.attributes {
            if FORMULAS.contains(&name.as_str()) {
                *value = self.book.formula(value, Syntax::OpenDocument, here);
            } else if ADDRESSES.contains(&name.as_str()) {
                *value = self.addresses(value, runs);
            }
        }
    }

    /// The first place of a cell of the template.
    fn at(&self, address: &str) -> Option<Here> {
        let reference = Reference::parse(address, Syntax::OpenDocument)?;
        let sheet = self.nearest(&reference.sheet.as_ref()?.0)?;
        let grid = &self.book.sheets[sheet].grid;
        Some(Here {
            sheet,
            row: grid.rows().written(reference.first.row?.number).next(),
            column: grid
                .columns()
                .written(reference.first.column?.number)
                .next(),
        })
    }

    /// The sheet written from the template's sheet `name`: this one, or the first.
    fn nearest(&self, name: &str) -> Option<usize> {
        let mut sheets = self.book.written(name);
        let first = sheets.next();
        sheets.find(|sheet| *sheet == self.sheet).or(first)
    }

    /// Addresses, moved; `runs` when they must hold copies of their rows and nothing in between.
    fn addresses(&self, addresses: &str, runs: bool) -> String {
        let mut moved = Vec::new();
        let mut rest = addresses;
        while let Some((reference, after)) =
            Reference::read(rest.trim_start(), Syntax::OpenDocument)
        {
            moved.extend(self.address(&reference, runs));
            rest = after;
        }
        if rest.trim().is_empty() {
            moved.join(" ")
        } else {
            addresses.to_owned()
        }
    }

    fn address(&self, reference: &Reference, runs: bool) -> Vec<String> {
        let sheet = match &reference.sheet {
            Some((name, _)) => self.nearest(name),
            None => Some(self.sheet.min(self.book.sheets.len() - 1)),
        };
        let Some(sheet) = sheet else {
            return Vec::new();
        };
        let name = quoted(&self.book.sheets[sheet].name);
        let corner = |corner: Corner| {
            let mut text = format!("{name}.");
            corner.write(&mut text);
            text
        };
        let ranges = self.book.ranges(sheet, reference, runs).into_iter();
        let written = ranges.map(|range| match range.last {
            Some(last) => format!("{}:{}", corner(range.first), corner(last)),
            None => corner(range.first),
        });
        written.collect()
    }
}

fn is_group_of_rows(element: &Element) -> bool {
    matches!(
        element.name.as_str(),
        "table:table-rows" | "table:table-header-rows" | "table:table-row-group"
    )
}

fn filler(columns: usize) -> Node {
    Node::Element(Element {
        at: 0,
        name: "table:table-cell".into(),
        attributes: vec![(REPEATED_COLUMNS.into(), columns.to_string())],
        children: Vec::new(),
    })
}

/// The names of the template's sheets.
pub(in crate::merge) fn names(nodes: &[Node]) -> Vec<String> {
    let mut names = Vec::new();
    for node in nodes {
        if let Node::Element(element) = node {
            if element.name == TABLE {
                names.extend(element.attribute("table:name").map(str::to_owned));
            } else {
                names.extend(self::names(&element.children));
            }
        }
    }
    names
}
