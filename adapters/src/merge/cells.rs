//! docxtpl's tags that shape the cell they stand in: `{% colspan n %}`, `{% cellbg couleur %}`, and, in a
//! loop, `{% hm %}` and `{% vm %}`, which merge the cells that the loop repeats, across or down.

use super::{
    blocks::TABLES,
    tag::{Kind, Tag},
    xml::{Element, Node},
};

/// The tags of this module.
pub(super) const SHAPES: [&str; 4] = ["colspan", "cellbg", "hm", "vm"];

/// Begins the name of an attribute whose value is computed for each document.
pub(super) const COMPUTED: &str = "navette:computed:";

/// The filters that computed attributes go through.
pub(super) const SPAN: &str = "__etendue";
pub(super) const COLOUR: &str = "__couleur";

const FIRST: &str = "loop.first";

/// What a cell becomes, its own shaping tags obeyed; they are left before it, so that faults name them.
pub(super) fn obey(mut cell: Element) -> Vec<Node> {
    let mut tags = Vec::new();
    take(&mut cell, &mut tags);
    let word = cell.name == "w:tc";
    let mut nodes = vec![Node::Element(cell)];
    for tag in tags {
        match (tag.keyword(), word) {
            ("colspan", _) => {
                let code = format!("({})|{SPAN}", tag.code["colspan".len()..].trim());
                change(&mut nodes, |cell| set_span(cell, code));
            }
            ("cellbg", true) => {
                let code = format!("({})|{COLOUR}", tag.code["cellbg".len()..].trim());
                change(&mut nodes, |cell| set_property(cell, shade(code)));
            }
            ("hm", _) => {
                change(&mut nodes, |cell| {
                    let span = span(cell);
                    set_span(cell, format!("loop.length * {span}"));
                });
                nodes.insert(
                    0,
                    Node::Tag(tag.implied(Kind::Open, &format!("if {FIRST}"))),
                );
                nodes.push(Node::Tag(tag.implied(Kind::Close, "endif")));
            }
            ("vm", true) => change(&mut nodes, |cell| merge_down(cell, &tag)),
            ("vm", false) => {
                change(&mut nodes, |cell| {
                    cell.set_attribute(&computed("table:number-rows-spanned"), "loop.length");
                });
                let covered = Element {
                    name: "table:covered-table-cell".into(),
                    ..Element::default()
                };
                nodes.insert(
                    0,
                    Node::Tag(tag.implied(Kind::Open, &format!("if {FIRST}"))),
                );
                nodes.push(Node::Tag(tag.implied(Kind::Middle, "else")));
                nodes.push(Node::Element(covered));
                nodes.push(Node::Tag(tag.implied(Kind::Close, "endif")));
            }
            _ => {}
        }
        nodes.insert(0, Node::Tag(tag));
    }
    nodes
}

fn change(nodes: &mut [Node], change: impl FnOnce(&mut Element)) {
    let cell = nodes.iter_mut().find_map(|node| match node {
        Node::Element(cell) => Some(cell),
        _ => None,
    });
    if let Some(cell) = cell {
        change(cell);
    }
}

fn take(element: &mut Element, tags: &mut Vec<Tag>) {
    for child in std::mem::take(&mut element.children) {
        match child {
            Node::Tag(tag) if tag.kind == Kind::Alone && SHAPES.contains(&tag.keyword()) => {
                tags.push(tag);
            }
            Node::Element(mut child) => {
                if !TABLES.contains(&child.name.as_str()) {
                    take(&mut child, tags);
                }
                element.children.push(Node::Element(child));
            }
            other => element.children.push(other),
        }
    }
}

fn computed(attribute: &str) -> String {
    format!("{COMPUTED}{attribute}")
}

/// How many columns the template gives to a cell.
pub(super) fn span(cell: &Element) -> usize {
    let span = if cell.name == "w:tc" {
        property(cell, "w:gridSpan").and_then(|span| span.attribute("w:val"))
    } else {
        cell.attribute("table:number-columns-spanned")
    };
    span.and_then(|span| span.parse().ok()).unwrap_or(1)
}

/// Whether its span is computed.
pub(super) fn has_computed_span(cell: &Element) -> bool {
    let computes = |element: &Element, name: &str| element.attribute(&computed(name)).is_some();
    computes(cell, "table:number-columns-spanned")
        || property(cell, "w:gridSpan").is_some_and(|span| computes(span, "w:val"))
}

pub(super) fn property<'a>(cell: &'a Element, name: &str) -> Option<&'a Element> {
    let properties = cell.elements().find(|child| child.name == "w:tcPr")?;
    properties.elements().find(|child| child.name == name)
}

fn set_span(cell: &mut Element, code: String) {
    const SPANNED: &str = "table:number-columns-spanned";
    if cell.name == "w:tc" {
        set_property(cell, element("w:gridSpan", vec![(computed("w:val"), code)]));
    } else {
        cell.remove_attribute(SPANNED);
        cell.set_attribute(&computed(SPANNED), &code);
    }
}

fn element(name: &str, attributes: Vec<(String, String)>) -> Element {
    Element {
        name: name.into(),
        attributes,
        ..Element::default()
    }
}

fn shade(code: String) -> Element {
    let attributes = vec![
        ("w:val".into(), "clear".into()),
        ("w:color".into(), "auto".into()),
        (computed("w:fill"), code),
    ];
    element("w:shd", attributes)
}

/// The order in which Word wants the properties of a cell.
const ORDER: [&str; 8] = [
    "w:cnfStyle",
    "w:tcW",
    "w:gridSpan",
    "w:hMerge",
    "w:vMerge",
    "w:tcBorders",
    "w:shd",
    "w:noWrap",
];

/// Gives a cell a property, in the place of one of the same name.
pub(super) fn set_property(cell: &mut Element, property: Element) {
    let is_properties =
        |child: &Node| matches!(child, Node::Element(child) if child.name == "w:tcPr");
    let properties = match cell.children.iter().position(is_properties) {
        Some(at) => cell.children.remove(at),
        None => Node::Element(element("w:tcPr", Vec::new())),
    };
    let Node::Element(mut properties) = properties else {
        return;
    };
    let rank = |name: &str| ORDER.iter().position(|known| *known == name);
    let own = rank(&property.name);
    let children = &mut properties.children;
    children.retain(|child| !matches!(child, Node::Element(child) if child.name == property.name));
    let after = |child: &Node| match child {
        Node::Element(child) => rank(&child.name).is_none_or(|child| Some(child) > own),
        _ => false,
    };
    let at = children.iter().position(after).unwrap_or(children.len());
    children.insert(at, Node::Element(property));
    cell.children.insert(0, Node::Element(properties));
}

/// The first cell keeps the content, the ones below continue it with an empty paragraph.
fn merge_down(cell: &mut Element, tag: &Tag) {
    let code = format!("\"restart\" if {FIRST} else \"continue\"");
    set_property(cell, element("w:vMerge", vec![(computed("w:val"), code)]));
    let empty = Node::Element(element("w:p", Vec::new()));
    let open = Node::Tag(tag.implied(Kind::Open, &format!("if {FIRST}")));
    cell.children.insert(1, open);
    cell.children.extend([
        Node::Tag(tag.implied(Kind::Middle, "else")),
        empty,
        Node::Tag(tag.implied(Kind::Close, "endif")),
    ]);
}
