//! Tables whose columns depend on the data: `{%tc %}` repeats or removes cells, and the table's grid, its
//! widths and the cells merged over those columns must follow.
//!
//! At compilation each cell is numbered with the columns of the template that it covers. Once the table is
//! rendered, the numbers tell which columns of the template the rows now hold, and how many times.

mod mend;

pub(super) use mend::mend;

use super::{
    blocks::{CELLS, has_scope, tags_of},
    cells::{has_computed_span, span},
    tag::{Kind, Scope},
    xml::{Element, Node},
};

/// The element that stands for a filter around its children in the source of a part.
pub(super) const FILTER: &str = "navette:filter";

/// The filter that mends a rendered table.
pub(super) const MEND: &str = "__tableau";

/// On the cells of a row with tags of columns: the first column of the template that the cell comes from.
const FROM: &str = "navette:from";
/// On the cells of other rows: the columns of the template that the cell lies over.
const OVER: &str = "navette:over";

/// Cells repeated by an attribute are unfolded up to this many.
const MOST_UNFOLDED: usize = 200;

const WORD_ROW: &str = "w:tr";
const REPEATED: &str = "table:number-columns-repeated";
const COVERED: &str = "table:covered-table-cell";

/// Numbers the cells of a row that has tags of columns, and puts these tags in the place of their cells.
pub(super) fn free(row: &mut Element) {
    if row
        .elements()
        .any(|cell| cell.attribute(REPEATED).is_some() && cell.has_tag())
    {
        unfold(row);
    }
    let mut shaped = false;
    for cell in row.elements().filter(|child| is_cell(child)) {
        shaped |= has_scope(cell, Scope::Column) || has_computed_span(cell);
    }
    let between = |node: &Node| matches!(node, Node::Tag(tag) if matches!(tag.kind, Kind::Open | Kind::Middle | Kind::Close));
    if !shaped && !row.children.iter().any(between) {
        return;
    }
    unfold(row);
    number(row, FROM);
    row.children = std::mem::take(&mut row.children)
        .into_iter()
        .flat_map(|node| match node {
            Node::Element(cell) if is_cell(&cell) && has_scope(&cell, Scope::Column) => {
                tags_of(&cell)
            }
            node => vec![node],
        })
        .collect();
}

fn is_cell(element: &Element) -> bool {
    CELLS.contains(&element.name.as_str())
}

fn unfold(row: &mut Element) {
    row.children = std::mem::take(&mut row.children)
        .into_iter()
        .flat_map(|node| match node {
            Node::Element(element) => copies(element).into_iter().map(Node::Element).collect(),
            node => vec![node],
        })
        .collect();
}

/// An element and the repetitions that its attribute stands for.
fn copies(mut element: Element) -> Vec<Element> {
    let count = element
        .attribute(REPEATED)
        .and_then(|count| count.parse::<usize>().ok())
        .unwrap_or(1);
    element.remove_attribute(REPEATED);
    vec![element; count.clamp(1, MOST_UNFOLDED)]
}

/// Notes on each cell the first column of the template that it covers, and how many it covers.
fn number(row: &mut Element, attribute: &str) {
    let word = row.name == WORD_ROW;
    let mut at = skipped(row, "w:gridBefore");
    let mut condition = at;
    for child in &mut row.children {
        match child {
            // What stands for a cell otherwise is in its place.
            Node::Tag(tag) if tag.kind == Kind::Open => condition = at,
            Node::Tag(tag) if tag.kind == Kind::Middle => at = condition,
            Node::Element(cell) if is_cell(cell) => {
                let wide = span(cell);
                cell.set_attribute(attribute, &format!("{at}/{wide}"));
                // In OpenDocument each column has its cell, covered or not.
                at += if word { wide } else { 1 };
            }
            _ => {}
        }
    }
}

/// The columns that a row leaves empty before or after its cells.
fn skipped(row: &Element, name: &str) -> usize {
    row.elements()
        .find(|child| child.name == "w:trPr")
        .and_then(|properties| properties.elements().find(|child| child.name == name))
        .and_then(|skipped| skipped.attribute("w:val"))
        .and_then(|count| count.parse().ok())
        .unwrap_or(0)
}

/// Surrounds a table with the filter that mends it, when its columns depend on the data or when it might
/// be left without rows.
pub(super) fn frame(mut table: Element) -> Node {
    let mut shaped = false;
    each_row(&mut table, &mut |row| shaped |= has_number(row, FROM));
    if shaped {
        each_row(&mut table, &mut |row| {
            if !has_number(row, FROM) {
                unfold(row);
                number(row, OVER);
            }
        });
    }
    if !shaped && has_certain_row(&table) {
        return Node::Element(table);
    }
    Node::Element(Element {
        name: FILTER.into(),
        attributes: vec![("name".into(), MEND.into())],
        children: vec![Node::Element(table)],
        ..Element::default()
    })
}

/// Whether some row is there whatever the data.
fn has_certain_row(table: &Element) -> bool {
    let mut depth = 0_usize;
    table.children.iter().any(|child| {
        match child {
            Node::Tag(tag) if tag.kind == Kind::Open => depth += 1,
            Node::Tag(tag) if tag.kind == Kind::Close => depth = depth.saturating_sub(1),
            Node::Element(child) if depth == 0 => {
                return is_row(child) || has_certain_row_in(child);
            }
            _ => {}
        }
        false
    })
}

fn has_certain_row_in(group: &Element) -> bool {
    is_group(group) && has_certain_row(group)
}

fn is_row(element: &Element) -> bool {
    element.name == "table:table-row" || element.name == WORD_ROW
}

fn is_group(element: &Element) -> bool {
    matches!(
        element.name.as_str(),
        "table:table-header-rows" | "table:table-rows" | "table:table-row-group"
    )
}

fn each_row(table: &mut Element, see: &mut impl FnMut(&mut Element)) {
    for child in &mut table.children {
        match child {
            Node::Element(row) if is_row(row) => see(row),
            Node::Element(group) if is_group(group) => each_row(group, see),
            _ => {}
        }
    }
}

fn has_number(row: &Element, attribute: &str) -> bool {
    row.elements()
        .any(|cell| cell.attribute(attribute).is_some())
}
