//! What the `-` of `{%-` and `-%}` does: it takes away the spaces beside the tag, and glues a paragraph
//! that begins or ends with it to its neighbour, so that a long sentence with conditions can be written
//! over several paragraphs.

use super::{
    blocks::{has_section_break, is_invisible},
    join::PARAGRAPHS,
    tag::Tag,
    xml::{Element, Node},
};

/// Takes away the spaces beside the glued tags of a paragraph.
pub(super) fn spaces(paragraph: &mut Element) {
    let mut glued = false;
    paragraph.each_tag(&mut |tag| glued |= tag.glued != (false, false));
    if glued {
        trim(paragraph, &mut false, Direction::Forward);
        trim(paragraph, &mut false, Direction::Backward);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Backward,
}

fn trim(element: &mut Element, trimming: &mut bool, direction: Direction) {
    let forward = direction == Direction::Forward;
    let mut children = std::mem::take(&mut element.children);
    if !forward {
        children.reverse();
    }
    for child in children {
        match child {
            Node::Tag(ref tag) => {
                *trimming = if forward { tag.glued.1 } else { tag.glued.0 };
                element.children.push(child);
            }
            Node::Text(text) if *trimming => {
                let kept = if forward {
                    text.trim_start()
                } else {
                    text.trim_end()
                };
                if !kept.is_empty() {
                    *trimming = false;
                    element.children.push(Node::Text(kept.to_owned()));
                }
            }
            Node::Element(child) if *trimming && child.name == "text:s" => {}
            Node::Element(mut child) => {
                trim(&mut child, trimming, direction);
                element.children.push(Node::Element(child));
            }
            other => element.children.push(other),
        }
    }
    if !forward {
        element.children.reverse();
    }
}

/// Joins the paragraphs that are glued together; the first gives its style.
pub(super) fn paragraphs(nodes: &mut Vec<Node>) {
    if !nodes.iter().any(is_glued) {
        return;
    }
    let mut out: Vec<Node> = Vec::with_capacity(nodes.len());
    for node in std::mem::take(nodes) {
        match (out.last_mut(), node) {
            (Some(Node::Element(previous)), Node::Element(next)) if are_glued(previous, &next) => {
                let content = next.children.into_iter().filter(|child| {
                    !matches!(child, Node::Element(properties) if properties.name == "w:pPr")
                });
                previous.children.extend(content);
            }
            (_, node) => out.push(node),
        }
    }
    *nodes = out;
}

fn is_glued(node: &Node) -> bool {
    matches!(node, Node::Element(element) if is_paragraph(element)
        && (edge(element, true).is_some_and(|tag| tag.glued.0)
            || edge(element, false).is_some_and(|tag| tag.glued.1)))
}

fn is_paragraph(element: &Element) -> bool {
    PARAGRAPHS.contains(&element.name.as_str())
}

fn are_glued(previous: &Element, next: &Element) -> bool {
    is_paragraph(previous)
        && is_paragraph(next)
        && (edge(next, true).is_some_and(|tag| tag.glued.0)
            || edge(previous, false).is_some_and(|tag| tag.glued.1))
        && !breaks_section(previous)
        && !breaks_section(next)
}

fn breaks_section(paragraph: &Element) -> bool {
    paragraph
        .elements()
        .any(|child| child.name == "w:pPr" && has_section_break(child))
}

/// The statement that a paragraph begins or ends with.
fn edge(paragraph: &Element, first: bool) -> Option<&Tag> {
    match reach(paragraph, first) {
        Some(Reached::Statement(tag)) => Some(tag),
        _ => None,
    }
}

enum Reached<'a> {
    Statement(&'a Tag),
    Content,
}

fn reach<'a>(element: &'a Element, first: bool) -> Option<Reached<'a>> {
    let see = |node: &'a Node| match node {
        Node::Text(text) => (!text.trim().is_empty()).then_some(Reached::Content),
        Node::Tag(tag) if tag.is_statement() => Some(Reached::Statement(tag)),
        Node::Raw(_) => None,
        Node::Element(child) if child.name == "w:pPr" || child.name == "w:rPr" => None,
        Node::Element(child) if is_invisible(child) => reach(child, first),
        Node::Tag(_) | Node::Element(_) => Some(Reached::Content),
    };
    if first {
        element.children.iter().find_map(see)
    } else {
        element.children.iter().rev().find_map(see)
    }
}
