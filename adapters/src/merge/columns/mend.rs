//! Mends a rendered table: its columns are those that its rows now hold.

use super::{
    super::{
        blocks::{TABLES, is_blank},
        cells::{property, set_property, span},
        xml::{self, Element, Node},
    },
    COVERED, FROM, OVER, WORD_ROW, copies, each_row, has_certain_row, has_number, is_cell,
    is_group, is_row, skipped,
};
use minijinja::{Error, ErrorKind, Value};

const SPANNED: &str = "table:number-columns-spanned";
const COLUMN: &str = "table:table-column";

/// Mends a rendered table.
pub(in crate::merge) fn mend(text: &str) -> Result<Value, Error> {
    if !text.contains("<w:tr") && !text.contains("<table:table-row") {
        return Ok(Value::from_safe_string(String::new()));
    }
    if !text.contains(FROM) {
        return Ok(Value::from_safe_string(text.to_owned()));
    }
    let unreadable = || Error::new(ErrorKind::InvalidOperation, "ce tableau est mal formé");
    let mut nodes = xml::parse(text).map_err(|_| unreadable())?;
    for node in &mut nodes {
        if let Node::Element(table) = node
            && TABLES.contains(&table.name.as_str())
        {
            mend_table(table);
        }
    }
    nodes.retain(|node| !matches!(node, Node::Element(table) if !has_certain_row(table)));
    let mut out = String::with_capacity(text.len());
    xml::write(&mut out, &nodes);
    Ok(Value::from_safe_string(out))
}

fn mend_table(table: &mut Element) {
    drop_empty_rows(table);
    each_row(table, &mut hide_covered);
    let mut shaped: Vec<usize> = Vec::new();
    each_row(table, &mut |row| keep_longest(&mut shaped, row, FROM));
    let mut grid = shaped.clone();
    each_row(table, &mut |row| {
        if has_number(row, OVER) && !stretch(row, &shaped) {
            keep_longest(&mut grid, row, OVER);
        }
    });
    let widths = set_grid(table, &grid);
    each_row(table, &mut |row| {
        set_widths(row, &widths);
        show_covered(row);
        for child in &mut row.children {
            if let Node::Element(cell) = child {
                cell.remove_attribute(FROM);
                cell.remove_attribute(OVER);
            }
        }
    });
}

fn drop_empty_rows(table: &mut Element) {
    for child in &mut table.children {
        if let Node::Element(group) = child
            && is_group(group)
        {
            drop_empty_rows(group);
        }
    }
    table.children.retain(
        |child| !matches!(child, Node::Element(row) if is_row(row) && !row.elements().any(is_cell)),
    );
}

/// Takes away the covered cells that a cell spanning columns implies, until [`show_covered`].
fn hide_covered(row: &mut Element) {
    let mut hidden = 0_usize;
    row.children.retain(|child| {
        let Node::Element(cell) = child else {
            return true;
        };
        if cell.name == COVERED && hidden > 0 {
            hidden -= 1;
            return false;
        }
        hidden = span(cell).saturating_sub(1);
        true
    });
}

fn show_covered(row: &mut Element) {
    if row.name == WORD_ROW {
        return;
    }
    let covered = |cell: &Element| vec![empty(COVERED); span(cell).saturating_sub(1)];
    row.children = std::mem::take(&mut row.children)
        .into_iter()
        .flat_map(|node| {
            let after = match &node {
                Node::Element(cell) if is_cell(cell) => covered(cell),
                _ => Vec::new(),
            };
            std::iter::once(node).chain(after.into_iter().map(Node::Element))
        })
        .collect();
}

fn empty(name: &str) -> Element {
    Element {
        name: name.into(),
        ..Element::default()
    }
}

/// Keeps in `longest` which column of the template each column of the row comes from, if it has more.
fn keep_longest(longest: &mut Vec<usize>, row: &Element, attribute: &str) {
    let mut columns: Vec<usize> = (0..skipped(row, "w:gridBefore")).collect();
    for cell in row.elements() {
        if let Some((from, wide)) = number_of(cell, attribute) {
            columns.extend((0..span(cell)).map(|at| from + at % wide));
        }
    }
    columns.extend(0..skipped(row, "w:gridAfter"));
    if columns.len() > longest.len() {
        *longest = columns;
    }
}

fn number_of(cell: &Element, attribute: &str) -> Option<(usize, usize)> {
    let (from, wide) = cell.attribute(attribute)?.split_once('/')?;
    Some((from.parse().ok()?, wide.parse::<usize>().ok()?.max(1)))
}

/// Makes the cells of a row without tags lie over what their columns have become; answers false, and
/// leaves the row alone, when that would hide some content.
fn stretch(row: &mut Element, shaped: &[usize]) -> bool {
    let over = |cell: &Element| {
        number_of(cell, OVER).map(|(from, wide)| {
            shaped
                .iter()
                .filter(|column| (from..from + wide).contains(column))
                .count()
        })
    };
    if row
        .elements()
        .any(|cell| over(cell) == Some(0) && !is_blank(cell))
    {
        return false;
    }
    row.children = std::mem::take(&mut row.children)
        .into_iter()
        .flat_map(|node| match node {
            Node::Element(cell) if is_cell(&cell) => lay(cell, over),
            node => vec![node],
        })
        .collect();
    true
}

/// A cell over as many columns as it must cover.
fn lay(mut cell: Element, over: impl Fn(&Element) -> Option<usize>) -> Vec<Node> {
    match over(&cell) {
        Some(0) => Vec::new(),
        // Covered by the cell above, which is stretched too.
        Some(columns) if cell.name == COVERED => vec![Node::Element(cell); columns],
        Some(columns) => {
            if columns != span(&cell) {
                set_span(&mut cell, columns);
            }
            vec![Node::Element(cell)]
        }
        None => vec![Node::Element(cell)],
    }
}

fn set_span(cell: &mut Element, columns: usize) {
    let columns = columns.to_string();
    if cell.name == "w:tc" {
        set_property(
            cell,
            Element {
                attributes: vec![("w:val".into(), columns)],
                ..empty("w:gridSpan")
            },
        );
    } else {
        cell.set_attribute(SPANNED, &columns);
    }
}

/// Gives the table one column for each of `grid`, as wide as the template's column that it comes from, all
/// together as wide as the template's table; answers the widths that Word counts.
fn set_grid(table: &mut Element, grid: &[usize]) -> Vec<usize> {
    if table.name == "w:tbl" {
        return set_word_grid(table, grid);
    }
    let mut columns = Vec::new();
    take_columns(table, &mut columns);
    let first = columns.first().cloned().unwrap_or_else(|| empty(COLUMN));
    let at = table
        .children
        .iter()
        .position(|child| matches!(child, Node::Element(row) if is_row(row) || is_group(row)))
        .unwrap_or(table.children.len());
    let columns = grid
        .iter()
        .map(|column| Node::Element(columns.get(*column).unwrap_or(&first).clone()));
    table.children.splice(at..at, columns.collect::<Vec<_>>());
    Vec::new()
}

fn take_columns(element: &mut Element, columns: &mut Vec<Element>) {
    for child in std::mem::take(&mut element.children) {
        match child {
            Node::Element(column) if column.name == COLUMN => columns.extend(copies(column)),
            Node::Element(mut group)
                if group.name.starts_with("table:table-") && holds_columns(&group) =>
            {
                take_columns(&mut group, columns);
            }
            other => element.children.push(other),
        }
    }
}

fn holds_columns(element: &Element) -> bool {
    matches!(
        element.name.as_str(),
        "table:table-columns" | "table:table-header-columns" | "table:table-column-group"
    )
}

fn set_word_grid(table: &mut Element, grid: &[usize]) -> Vec<usize> {
    let Some(columns) = table.children.iter_mut().find_map(|child| match child {
        Node::Element(child) if child.name == "w:tblGrid" => Some(child),
        _ => None,
    }) else {
        return Vec::new();
    };
    let width = |column: &Element| column.attribute("w:w").and_then(|width| width.parse().ok());
    let given: Vec<usize> = columns
        .elements()
        .filter(|child| child.name == "w:gridCol")
        .filter_map(width)
        .collect();
    let total: usize = given.iter().sum();
    let average = total / given.len().max(1);
    let wanted: Vec<usize> = grid
        .iter()
        .map(|column| given.get(*column).copied().unwrap_or(average).max(1))
        .collect();
    let sum = wanted.iter().sum::<usize>().max(1);
    let widths: Vec<usize> = wanted.iter().map(|width| width * total / sum).collect();
    let column = |width: &usize| {
        Node::Element(Element {
            attributes: vec![("w:w".into(), width.to_string())],
            ..empty("w:gridCol")
        })
    };
    columns.children = widths.iter().map(column).collect();
    widths
}

/// Makes the cells of a row as wide as the columns they cover.
fn set_widths(row: &mut Element, widths: &[usize]) {
    let mut at = skipped(row, "w:gridBefore");
    for child in &mut row.children {
        let Node::Element(cell) = child else { continue };
        if cell.name != "w:tc" {
            continue;
        }
        let end = at + span(cell);
        if let Some(covered) = widths.get(at..end)
            && counts_width(cell)
        {
            let width = covered.iter().sum::<usize>().to_string();
            set_property(
                cell,
                Element {
                    attributes: vec![("w:w".into(), width), ("w:type".into(), "dxa".into())],
                    ..empty("w:tcW")
                },
            );
        }
        at = end;
    }
}

fn counts_width(cell: &Element) -> bool {
    property(cell, "w:tcW").is_some_and(|width| width.attribute("w:type") == Some("dxa"))
}
