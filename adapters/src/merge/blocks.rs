//! Gives block tags their place: one that is alone in its paragraph, list item or row replaces it, one
//! that crosses the cells of a row goes around the row; and checks that every block opens and closes at
//! matching places, without which the document would not stay well-formed.

use super::{
    join::{PARAGRAPHS, ROW},
    tag::{Kind, Scope, Tag},
    xml::{Element, Node},
};
use navette_domain::ports::TemplateFault;

const ROWS: [&str; 2] = ["table:table-row", "w:tr"];
const CELLS: [&str; 3] = ["table:table-cell", "table:covered-table-cell", "w:tc"];
const LISTS: [&str; 2] = ["text:list-item", "text:list"];

/// Elements that may surround statements in a paragraph that holds nothing else.
const INVISIBLE: [&str; 22] = [
    "text:p",
    "text:h",
    "text:span",
    "text:s",
    "text:tab",
    "text:soft-page-break",
    "text:bookmark",
    "text:bookmark-start",
    "text:bookmark-end",
    "w:p",
    "w:r",
    "w:t",
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

/// Repeated rows with tags are unfolded up to this many.
const MOST_UNFOLDED: usize = 1_000;

/// Moves the block tags of a part to their places.
pub(super) fn place(nodes: &mut Vec<Node>) {
    *nodes = std::mem::take(nodes).into_iter().flat_map(settle).collect();
}

fn settle(node: Node) -> Vec<Node> {
    let Node::Element(mut element) = node else {
        return vec![node];
    };
    place(&mut element.children);
    let name = element.name.as_str();
    if PARAGRAPHS.contains(&name) {
        if replaced_by_tags(&element) {
            return tags_of(&element);
        }
    } else if LISTS.contains(&name) {
        if element.has_tag() && element.children.iter().all(is_statement_node) {
            return element.children;
        }
    } else if ROWS.contains(&name) {
        return unfold(element).into_iter().flat_map(settle_row).collect();
    } else if name == "w:tc" {
        keep_one_paragraph(&mut element);
    }
    vec![Node::Element(element)]
}

fn is_statement_node(node: &Node) -> bool {
    matches!(node, Node::Tag(tag) if tag.is_statement())
}

fn tags_of(element: &Element) -> Vec<Node> {
    let mut tags = Vec::new();
    element.each_tag(&mut |tag| {
        if tag.is_statement() {
            tags.push(Node::Tag(tag.clone()));
        }
    });
    tags
}

fn has_scope(element: &Element, scope: Scope) -> bool {
    let mut found = false;
    element.each_tag(&mut |tag| found |= tag.scope == scope && tag.is_statement());
    found
}

fn replaced_by_tags(paragraph: &Element) -> bool {
    has_scope(paragraph, Scope::Paragraph)
        || (paragraph.has_tag() && is_blank(paragraph) && !has_scope(paragraph, Scope::Row))
}

/// Whether nothing would be seen of the element but for its statements.
fn is_blank(element: &Element) -> bool {
    // A section break lives in a paragraph's properties.
    if element.name == "w:rPr" {
        return true;
    }
    if element.name == "w:pPr" {
        return !element
            .children
            .iter()
            .any(|child| matches!(child, Node::Element(child) if child.name == "w:sectPr"));
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

/// Word refuses a cell that might be left without any paragraph.
fn keep_one_paragraph(cell: &mut Element) {
    let mut depth = 0_usize;
    let mut kept = false;
    for child in &cell.children {
        match child {
            Node::Tag(tag) if tag.kind == Kind::Open => depth += 1,
            Node::Tag(tag) if tag.kind == Kind::Close => depth = depth.saturating_sub(1),
            Node::Element(child) if child.name == "w:p" && depth == 0 => kept = true,
            _ => {}
        }
    }
    if !kept {
        cell.children.push(Node::Element(Element {
            name: "w:p".into(),
            ..Element::default()
        }));
    }
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

fn settle_row(mut row: Element) -> Vec<Node> {
    if has_scope(&row, Scope::Row) {
        return tags_of(&row);
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
            keep_one_paragraph(cell);
        }
    }
    if row.children.iter().all(|child| matches!(child, Node::Element(cell) if is_blank(cell) || !CELLS.contains(&cell.name.as_str()))) && !row.has_tag() {
        return around.into_iter().map(Node::Tag).collect();
    }
    let (after, before): (Vec<Tag>, Vec<Tag>) =
        around.into_iter().partition(|tag| tag.kind == Kind::Close);
    let mut nodes: Vec<Node> = before.into_iter().map(Node::Tag).collect();
    nodes.push(Node::Element(row));
    nodes.extend(after.into_iter().map(Node::Tag));
    nodes
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
            Node::Tag(tag) => see(tag),
            Node::Element(element) => element.each_tag(&mut see),
            Node::Text(_) | Node::Raw(_) => {}
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

/// Says which blocks are not closed, or cross the document's structure.
pub(super) fn check(nodes: &[Node]) -> Vec<TemplateFault> {
    let mut checker = Checker::default();
    checker.walk(nodes);
    for (tag, _) in std::mem::take(&mut checker.open) {
        checker.fault(
            &tag,
            format!("bloc non fermé : il manque {{% end{} %}}", tag.keyword()),
        );
    }
    checker.faults
}

#[derive(Default)]
struct Checker {
    path: Vec<(String, usize)>,
    serial: usize,
    open: Vec<(Tag, Vec<(String, usize)>)>,
    faults: Vec<TemplateFault>,
}

impl Checker {
    fn walk(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Tag(tag) => self.see(tag),
                Node::Element(element) => {
                    self.serial += 1;
                    self.path.push((element.name.clone(), self.serial));
                    self.walk(&element.children);
                    self.path.pop();
                }
                Node::Text(_) | Node::Raw(_) => {}
            }
        }
    }

    fn see(&mut self, tag: &Tag) {
        match tag.kind {
            Kind::Open => self.open.push((tag.clone(), self.path.clone())),
            Kind::Middle | Kind::Close => {
                let opening = if tag.kind == Kind::Close {
                    self.open.pop()
                } else {
                    self.open.last().cloned()
                };
                let Some((opening, path)) = opening else {
                    self.fault(tag, "aucun bloc ouvert ne correspond à cette balise".into());
                    return;
                };
                if tag.kind == Kind::Close && tag.keyword()[3..] != *opening.keyword() {
                    let expected = opening.keyword().to_owned();
                    self.fault(tag, format!("ce bloc se ferme par {{% end{expected} %}}"));
                } else if !matching(&path, &self.path) {
                    self.fault(
                        tag,
                        format!(
                            "le bloc ouvert par « {} » doit se fermer au même niveau du document \
                             (même cellule, même paragraphe ou même suite de paragraphes)",
                            opening.written
                        ),
                    );
                }
            }
            Kind::Print | Kind::Picture { .. } | Kind::Alone | Kind::Comment => {}
        }
    }

    fn fault(&mut self, tag: &Tag, sentence: String) {
        self.faults.push(TemplateFault {
            place: tag.place.clone(),
            tag: tag.written.clone(),
            sentence,
        });
    }
}

/// Below what the two places share, the same elements must be open, for both cuts to fit.
fn matching(one: &[(String, usize)], other: &[(String, usize)]) -> bool {
    let shared = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let names = |path: &[(String, usize)]| -> Vec<String> {
        path[shared..]
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    };
    names(one) == names(other)
}
