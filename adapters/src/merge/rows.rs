//! Gives the block tags of a table row their place.

use super::{
    blocks::{self, CELLS, has_scope, is_blank, tags_of},
    columns,
    join::ROW,
    sheet,
    tag::{Kind, Scope, Tag},
    xml::{Element, Node},
};
use navette_domain::ports::OfficeFormat;

/// Repeated rows with tags are unfolded up to this many.
const MOST_UNFOLDED: usize = 1_000;

/// What a row becomes.
pub(super) fn settle(row: Element, format: OfficeFormat) -> Vec<Node> {
    unfold(row)
        .into_iter()
        .flat_map(|row| blocks::with_sides(row, Scope::Row, |row| settle_row(row, format)))
        .collect()
}

fn unfold(mut row: Element) -> Vec<Element> {
    const REPEATED: &str = "table:number-rows-repeated";
    let count = row.attribute(REPEATED).and_then(|count| count.parse().ok());
    match count {
        Some(count @ 2..=MOST_UNFOLDED) if row.has_tag() => {
            row.attributes.retain(|(name, _)| name != REPEATED);
            let first = row.attribute(ROW).and_then(|row| row.parse::<usize>().ok());
            let copy = |index: usize| {
                let mut copy = row.clone();
                if let Some(first) = first {
                    copy.set_attribute(ROW, &(first + index).to_string());
                }
                copy
            };
            (0..count).map(copy).collect()
        }
        _ => vec![row],
    }
}

/// Where a statement of a row belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stay {
    Inside,
    Around,
}

fn settle_row(mut row: Element, format: OfficeFormat) -> Vec<Node> {
    if has_scope(&row, Scope::Row) {
        return tags_of(&row);
    }
    if !sheet::has_sheets(format) {
        columns::free(&mut row);
    }
    let stays = stays(&row);
    if !stays.contains(&Stay::Around) {
        return vec![Node::Element(row)];
    }
    let mut around = Vec::new();
    take_out(&mut row, &stays, &mut 0, &mut around);
    for child in &mut row.children {
        if let Node::Element(cell) = child
            && cell.name == "w:tc"
        {
            blocks::end_by_paragraph(cell);
        }
    }
    if !row.has_tag() && row.children.iter().all(is_blank_in_row) {
        return around.into_iter().map(Node::Tag).collect();
    }
    let (after, before): (Vec<Tag>, Vec<Tag>) =
        around.into_iter().partition(|tag| tag.kind == Kind::Close);
    let mut nodes: Vec<Node> = before.into_iter().map(Node::Tag).collect();
    nodes.push(Node::Element(row));
    nodes.extend(after.into_iter().map(Node::Tag));
    nodes
}

fn is_blank_in_row(child: &Node) -> bool {
    match child {
        Node::Element(cell) => is_blank(cell) || !CELLS.contains(&cell.name.as_str()),
        Node::Text(text) => text.trim().is_empty(),
        Node::Raw(_) => true,
        Node::Tag(_) => false,
    }
}

/// For each statement of a row, in order, whether its block is whole in one cell.
fn stays(row: &Element) -> Vec<Stay> {
    let (mut stays, mut open) = (Vec::new(), Vec::<(usize, usize, Vec<usize>)>::new());
    for (cell, child) in row.children.iter().enumerate() {
        let mut see = |tag: &Tag| {
            if !tag.is_statement() {
                return;
            }
            let index = stays.len();
            stays.push(Stay::Inside);
            match tag.kind {
                Kind::Open => open.push((index, cell, Vec::new())),
                Kind::Middle => match open.last_mut() {
                    Some((_, _, middles)) => middles.push(index),
                    None => stays[index] = Stay::Around,
                },
                Kind::Close => match open.pop() {
                    Some((_, opened_in, _)) if opened_in == cell => {}
                    Some((opening, _, middles)) => {
                        for index in middles.into_iter().chain([opening, index]) {
                            stays[index] = Stay::Around;
                        }
                    }
                    None => stays[index] = Stay::Around,
                },
                Kind::Print | Kind::Picture { .. } | Kind::Alone | Kind::Comment => {}
            }
        };
        match child {
            // Between cells stand the tags of columns, and they stay there.
            Node::Tag(tag) if tag.is_statement() => stays.push(Stay::Inside),
            Node::Element(element) => element.each_tag(&mut see),
            Node::Tag(_) | Node::Text(_) | Node::Raw(_) => {}
        }
    }
    let unclosed =
        |(opening, _, middles): (usize, usize, Vec<usize>)| [vec![opening], middles].concat();
    for index in open.into_iter().flat_map(unclosed) {
        stays[index] = Stay::Around;
    }
    stays
}

fn take_out(element: &mut Element, stays: &[Stay], next: &mut usize, out: &mut Vec<Tag>) {
    for child in std::mem::take(&mut element.children) {
        match child {
            Node::Tag(tag) if tag.is_statement() => {
                let stay = stays.get(*next).copied().unwrap_or(Stay::Inside);
                *next += 1;
                match stay {
                    Stay::Around => out.push(tag),
                    Stay::Inside => element.children.push(Node::Tag(tag)),
                }
            }
            Node::Element(mut child) => {
                take_out(&mut child, stays, next, out);
                element.children.push(Node::Element(child));
            }
            other => element.children.push(other),
        }
    }
}
