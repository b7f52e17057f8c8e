//! Takes away what surrounds a tag without being text: content controls and simple fields of Word, input
//! fields and placeholders of LibreOffice, in which people who know secretary write their tags.

use super::{
    tag::{Scope, Side, Tag},
    xml::{Element, Node},
};

/// An input field whose description says, as secretary's do, what its tag stands for.
pub(super) const FIELD: &str = "navette:field";

/// Takes the wrappings off all tags.
pub(super) fn unwrap(nodes: &mut Vec<Node>) {
    if !nodes
        .iter()
        .any(|node| matches!(node, Node::Element(element) if is_around_tag(element)))
    {
        return;
    }
    *nodes = std::mem::take(nodes)
        .into_iter()
        .flat_map(|node| match node {
            Node::Element(mut element) => {
                unwrap(&mut element.children);
                unwrapped(element)
            }
            node => vec![node],
        })
        .collect();
}

/// Whether the element holds part of a tag.
fn is_around_tag(element: &Element) -> bool {
    element.children.iter().any(|child| match child {
        Node::Text(text) => text.contains(['{', '}']),
        Node::Element(child) => is_around_tag(child),
        Node::Raw(_) | Node::Tag(_) => false,
    })
}

fn unwrapped(mut element: Element) -> Vec<Node> {
    const WRAPPINGS: [&str; 6] = [
        "w:sdt",
        "w:smartTag",
        "w:customXml",
        "w:fldSimple",
        "text:text-input",
        "text:placeholder",
    ];
    if !WRAPPINGS.contains(&element.name.as_str()) || !is_around_tag(&element) {
        return vec![Node::Element(element)];
    }
    match element.name.as_str() {
        "w:sdt" => element
            .children
            .into_iter()
            .filter_map(|child| match child {
                Node::Element(content) if content.name == "w:sdtContent" => Some(content.children),
                _ => None,
            })
            .flatten()
            .collect(),
        "text:text-input" => {
            let described = element
                .attribute("text:description")
                .is_some_and(|description| place_of(description).is_some());
            if described {
                FIELD.clone_into(&mut element.name);
                return vec![Node::Element(element)];
            }
            element.children
        }
        "text:placeholder" => {
            take_angle(element.children.first_mut(), |text| text.strip_prefix('<'));
            take_angle(element.children.last_mut(), |text| text.strip_suffix('>'));
            element.children
        }
        _ => {
            let is_property =
                |child: &Node| matches!(child, Node::Element(child) if child.name.ends_with("Pr"));
            element.children.retain(|child| !is_property(child));
            element.children
        }
    }
}

/// LibreOffice writes the text of a placeholder between angle brackets.
#[expect(
    clippy::needless_pass_by_value,
    reason = "what is borrowed for a change is handed over"
)]
fn take_angle(node: Option<&mut Node>, take: fn(&str) -> Option<&str>) {
    if let Some(Node::Text(text)) = node
        && let Some(rest) = take(text)
    {
        *text = rest.to_owned();
    }
}

/// What secretary reads in the description of a field: `row`, `before::paragraph`.
fn place_of(description: &str) -> Option<(Scope, Side)> {
    let (side, element) = match description.trim().split_once("::") {
        Some(("before", element)) => (Side::Before, element),
        Some(("after", element)) => (Side::After, element),
        Some(_) => return None,
        None => (Side::Instead, description.trim()),
    };
    let scope = match element {
        "paragraph" => Scope::Paragraph,
        "row" => Scope::Row,
        "cell" => Scope::Column,
        _ => return None,
    };
    Some((scope, side))
}

/// Gives the tags of such a field what its description asks for.
pub(super) fn direct(field: Element) -> Vec<Node> {
    let place = field.attribute("text:description").and_then(place_of);
    let mut nodes = field.children;
    if let Some((scope, side)) = place {
        each_tag(&mut nodes, &mut |tag| {
            tag.scope = scope;
            tag.side = side;
        });
    }
    nodes
}

fn each_tag(nodes: &mut [Node], change: &mut impl FnMut(&mut Tag)) {
    for node in nodes {
        match node {
            Node::Tag(tag) => change(tag),
            Node::Element(element) => each_tag(&mut element.children, change),
            Node::Text(_) | Node::Raw(_) => {}
        }
    }
}
