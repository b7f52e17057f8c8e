//! The columns of a sheet of OpenDocument, which say how wide its cells are.

use super::{count, grid::Grid};
use crate::merge::xml::{Element, Node};

const REPEATED_COLUMNS: &str = "table:number-columns-repeated";

/// One column of style for each written column.
pub(super) fn write(table: &mut Element, grid: &Grid) {
    let mut columns = Vec::new();
    let mut at = None;
    let mut kept = Vec::new();
    for child in std::mem::take(&mut table.children) {
        match child {
            Node::Element(child) if is_column(&child) => {
                at.get_or_insert(kept.len());
                leaves(child, None, &mut columns);
            }
            other => kept.push(other),
        }
    }
    table.children = kept;
    let mut next = 1;
    let mut written: Vec<(usize, Option<String>, Element)> = Vec::new();
    for (wrapper, mut column) in columns {
        let times = count(&column, REPEATED_COLUMNS);
        column.remove_attribute(REPEATED_COLUMNS);
        for (from, to) in grid.columns().runs(next, next + times - 1) {
            let mut column = column.clone();
            if to > from {
                column.set_attribute(REPEATED_COLUMNS, &(to - from + 1).to_string());
            }
            written.push((from, wrapper.clone(), column));
        }
        next += times;
    }
    written.sort_by_key(|(at, _, _)| *at);
    let mut out: Vec<Node> = Vec::new();
    for (_, wrapper, column) in written {
        match (wrapper, out.last_mut()) {
            (Some(name), Some(Node::Element(last))) if last.name == name => {
                last.children.push(Node::Element(column));
            }
            (Some(name), _) => out.push(Node::Element(Element {
                at: 0,
                name,
                attributes: Vec::new(),
                children: vec![Node::Element(column)],
            })),
            (None, _) => out.push(Node::Element(column)),
        }
    }
    let at = at.unwrap_or(0);
    table.children.splice(at..at, out);
}

fn is_column(element: &Element) -> bool {
    matches!(
        element.name.as_str(),
        "table:table-column"
            | "table:table-columns"
            | "table:table-header-columns"
            | "table:table-column-group"
    )
}

/// The columns inside, each with the header that it is in.
fn leaves(element: Element, within: Option<&str>, out: &mut Vec<(Option<String>, Element)>) {
    if element.name == "table:table-column" {
        out.push((within.map(str::to_owned), element));
        return;
    }
    let header = element.name == "table:table-header-columns";
    let within = header.then_some("table:table-header-columns").or(within);
    for child in element.children {
        if let Node::Element(child) = child {
            leaves(child, within, out);
        }
    }
}
