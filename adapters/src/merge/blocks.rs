//! Gives block tags their place: one that is alone in its paragraph, list item or row replaces it, one
//! that crosses the cells of a row goes around the row.

use super::{
    cells, columns, glue,
    join::PARAGRAPHS,
    rows, sheet,
    tag::{Kind, Scope, Side, Tag},
    xml::{Element, Node},
};
use navette_domain::ports::OfficeFormat;

pub(super) const CELLS: [&str; 4] = ["table:table-cell", "table:covered-table-cell", "w:tc", "c"];
pub(super) const TABLES: [&str; 2] = ["table:table", "w:tbl"];
const ROWS: [&str; 3] = ["table:table-row", "w:tr", "row"];
const LISTS: [&str; 2] = ["text:list-item", "text:list"];

/// Elements that a block may be all of, and which then follow it.
const HOLDERS: [&str; 3] = ["text:section", "text:list-item", "text:list"];

/// Elements that Word refuses without a paragraph at their end.
const ENDED_BY_PARAGRAPHS: [&str; 6] = [
    "w:tc",
    "w:txbxContent",
    "w:hdr",
    "w:ftr",
    "w:footnote",
    "w:endnote",
];

/// Elements that may surround statements in a paragraph that holds nothing else.
const INVISIBLE: [&str; 33] = [
    "c",
    "is",
    "r",
    "t",
    "text:p",
    "text:h",
    "text:span",
    "text:s",
    "text:tab",
    "text:soft-page-break",
    "text:bookmark",
    "text:bookmark-start",
    "text:bookmark-end",
    "text:change",
    "text:change-start",
    "text:change-end",
    "w:p",
    "w:r",
    "w:t",
    "w:ins",
    "w:del",
    "w:moveFrom",
    "w:moveTo",
    "w:tab",
    "w:pPr",
    "w:rPr",
    "w:proofErr",
    "w:bookmarkStart",
    "w:bookmarkEnd",
    "w:lastRenderedPageBreak",
    "w:tc",
    "table:table-cell",
    "table:covered-table-cell",
];

/// Moves the block tags of a part to their places.
pub(super) fn place(nodes: &mut Vec<Node>, format: OfficeFormat) {
    glue::paragraphs(nodes);
    *nodes = std::mem::take(nodes)
        .into_iter()
        .flat_map(|node| settle(node, format))
        .collect();
}

fn settle(node: Node, format: OfficeFormat) -> Vec<Node> {
    let Node::Element(mut element) = node else {
        return vec![node];
    };
    place(&mut element.children, format);
    let name = element.name.as_str();
    if PARAGRAPHS.contains(&name) {
        return with_sides(element, Scope::Paragraph, settle_paragraph);
    }
    if LISTS.contains(&name) && element.has_tag() && element.children.iter().all(is_statement_node)
    {
        return element.children;
    }
    if HOLDERS.contains(&name) {
        return hoisted(element);
    }
    if ROWS.contains(&name) {
        return rows::settle(element, format);
    }
    if TABLES.contains(&name) && !sheet::has_sheets(format) {
        return vec![columns::frame(element)];
    }
    if ENDED_BY_PARAGRAPHS.contains(&name) || (format == OfficeFormat::Odt && is_cell(&element)) {
        end_by_paragraph(&mut element);
    }
    if CELLS.contains(&element.name.as_str()) {
        return with_sides(element, Scope::Column, cells::obey);
    }
    vec![Node::Element(element)]
}

fn is_cell(element: &Element) -> bool {
    element.name == "table:table-cell" && element.has_tag()
}

fn settle_paragraph(paragraph: Element) -> Vec<Node> {
    if replaced_by_tags(&paragraph) {
        tags_of(&paragraph)
    } else {
        vec![Node::Element(paragraph)]
    }
}

pub(super) fn is_statement_node(node: &Node) -> bool {
    matches!(node, Node::Tag(tag) if tag.is_statement())
}

/// The statements of an element that they replace; they ask for nothing more.
pub(super) fn tags_of(element: &Element) -> Vec<Node> {
    let mut tags = Vec::new();
    element.each_tag(&mut |tag| {
        if tag.is_statement() {
            tags.push(Node::Tag(Tag {
                scope: Scope::Inline,
                ..tag.clone()
            }));
        }
    });
    tags
}

pub(super) fn has_scope(element: &Element, scope: Scope) -> bool {
    let mut found = false;
    element.each_tag(&mut |tag| {
        found |= tag.scope == scope && tag.side == Side::Instead && tag.is_statement();
    });
    found
}

/// Puts the tags that ask to stand before or after an element there, and what `settle` makes of it
/// between them.
pub(super) fn with_sides(
    mut element: Element,
    scope: Scope,
    settle: impl FnOnce(Element) -> Vec<Node>,
) -> Vec<Node> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    take_sides(&mut element, scope, &mut before, &mut after);
    before.extend(settle(element));
    before.extend(after);
    before
}

fn take_sides(element: &mut Element, scope: Scope, before: &mut Vec<Node>, after: &mut Vec<Node>) {
    for child in std::mem::take(&mut element.children) {
        match child {
            Node::Tag(mut tag) if tag.scope == scope && tag.side != Side::Instead => {
                let side = std::mem::replace(&mut tag.side, Side::Instead);
                tag.scope = Scope::Inline;
                let out = if side == Side::Before {
                    &mut *before
                } else {
                    &mut *after
                };
                out.push(Node::Tag(tag));
            }
            Node::Element(mut child) => {
                take_sides(&mut child, scope, before, after);
                element.children.push(Node::Element(child));
            }
            other => element.children.push(other),
        }
    }
}

fn replaced_by_tags(paragraph: &Element) -> bool {
    let asked_elsewhere = || {
        let mut found = false;
        paragraph.each_tag(&mut |tag| found |= matches!(tag.scope, Scope::Row | Scope::Column));
        found
    };
    has_scope(paragraph, Scope::Paragraph)
        || (paragraph.has_tag() && is_blank(paragraph) && !asked_elsewhere())
}

/// Whether nothing would be seen of the element but for its statements.
pub(super) fn is_blank(element: &Element) -> bool {
    // A section break lives in a paragraph's properties.
    if matches!(element.name.as_str(), "w:rPr" | "w:del" | "w:moveFrom") {
        return true;
    }
    if element.name == "w:pPr" {
        return !has_section_break(element);
    }
    element.children.iter().all(|child| match child {
        Node::Text(text) => text.trim().is_empty(),
        Node::Tag(tag) => tag.is_statement(),
        Node::Raw(_) => true,
        Node::Element(child) => {
            let properties = child.name == "w:tcPr";
            properties || (INVISIBLE.contains(&child.name.as_str()) && is_blank(child))
        }
    })
}

/// Whether the element may stand beside statements without being seen.
pub(super) fn is_invisible(element: &Element) -> bool {
    INVISIBLE.contains(&element.name.as_str())
}

pub(super) fn has_section_break(properties: &Element) -> bool {
    properties
        .children
        .iter()
        .any(|child| matches!(child, Node::Element(child) if child.name == "w:sectPr"))
}

/// Adds a paragraph to an element that might else be left without one, or end with a table.
pub(super) fn end_by_paragraph(element: &mut Element) {
    let word = element.name.starts_with("w:");
    let mut depth = 0_usize;
    let mut ended = false;
    for child in &element.children {
        match child {
            Node::Tag(tag) if tag.kind == Kind::Open => depth += 1,
            Node::Tag(tag) if tag.kind == Kind::Close => depth = depth.saturating_sub(1),
            // What is included ends with a paragraph.
            Node::Tag(tag) if depth == 0 && tag.keyword() == "include" => ended = true,
            Node::Element(child) if child.name == "w:tbl" => ended = false,
            Node::Element(child) if child.name == columns::FILTER => ended &= !word,
            Node::Element(child) if depth == 0 => ended |= child.name == "w:p" || !word,
            _ => {}
        }
    }
    if !ended {
        let name = if word { "w:p" } else { "text:p" };
        element.children.push(Node::Element(Element {
            name: name.into(),
            ..Element::default()
        }));
    }
}

/// When all of the element is one block, the block goes around it.
fn hoisted(mut element: Element) -> Vec<Node> {
    if !is_one_block(&element) {
        return vec![Node::Element(element)];
    }
    let seen = |node: &Node| !matches!(node, Node::Text(_) | Node::Raw(_));
    element.children.retain(seen);
    let close = element.children.pop();
    let open = element.children.remove(0);
    [Some(open), Some(Node::Element(element)), close]
        .into_iter()
        .flatten()
        .collect()
}

fn is_one_block(element: &Element) -> bool {
    let children: Vec<&Node> = element
        .children
        .iter()
        .filter(|node| !matches!(node, Node::Raw(_)))
        .filter(|node| !matches!(node, Node::Text(text) if text.trim().is_empty()))
        .collect();
    let (Some(Node::Tag(open)), Some(Node::Tag(_))) = (children.first(), children.last()) else {
        return false;
    };
    // A list that is repeated must stay one list: its numbers go on.
    if open.kind != Kind::Open || (element.name == "text:list" && open.keyword() == "for") {
        return false;
    }
    let mut depth = 0_usize;
    for (index, child) in children.iter().enumerate() {
        match child {
            Node::Tag(tag) if tag.kind == Kind::Open => depth += 1,
            Node::Tag(tag) if tag.kind == Kind::Middle && depth == 1 => return false,
            Node::Tag(tag) if tag.kind == Kind::Close => depth = depth.saturating_sub(1),
            Node::Text(_) => return false,
            _ => {}
        }
        if depth == 0 && index + 1 < children.len() {
            return false;
        }
    }
    depth == 0 && children.len() > 2
}
