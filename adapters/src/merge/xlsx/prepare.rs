//! A sheet made ready for tags: its texts in its cells, its formulas each on its own.

use super::{Tab, Workbook, pictures};
use crate::merge::{
    join::ROW,
    sheet::{
        NAME, SHEET,
        address::{cell, cell_name},
        formula::copied,
        grid::GAP,
        number, take, text,
    },
    xml::{Element, Node},
};
use std::collections::{BTreeSet, HashMap};

const STRINGS: &str = "xl/sharedStrings.xml";

/// The shared texts that hold tags, by their ranks.
pub(super) fn tagged(workbook: &Workbook) -> BTreeSet<usize> {
    let Some(strings) = workbook.root(STRINGS) else {
        return BTreeSet::new();
    };
    let all = strings.elements().enumerate();
    let tagged = all.filter(|(_, string)| text(string).contains('{'));
    tagged.map(|(at, _)| at).collect()
}

/// The shared texts without those that are now in their cells.
pub(super) fn strings_left(workbook: &Workbook) -> Option<(&'static str, Element)> {
    if workbook.tagged.is_empty() {
        return None;
    }
    let mut strings = workbook.root(STRINGS)?;
    strings
        .children
        .retain(|child| matches!(child, Node::Element(_)));
    for (at, child) in strings.children.iter_mut().enumerate() {
        if let (true, Node::Element(string)) = (workbook.tagged.contains(&at), child) {
            string.children = vec![element("t", Vec::new())];
        }
    }
    Some((STRINGS, strings))
}

/// The nodes of a sheet, ready to be compiled.
pub(super) fn sheet(workbook: &Workbook, tab: &Tab) -> Option<Vec<Node>> {
    let mut root = workbook.root(&tab.path)?;
    let strings = workbook.root(STRINGS);
    let strings: Vec<&Element> = strings.iter().flat_map(Element::elements).collect();
    for child in &mut root.children {
        if let Node::Element(data) = child
            && data.name == "sheetData"
        {
            number_cells(data);
            expand_formulas(data);
            bring_texts(data, &strings, &workbook.tagged);
            mark_gaps(data);
        }
    }
    let name = Node::Text(tab.name.clone());
    let mut children = vec![element(NAME, vec![name])];
    children.extend(pictures::of_sheet(workbook, tab).map(Node::Element));
    children.push(Node::Element(root));
    let wrapper = Element {
        at: 0,
        name: SHEET.into(),
        attributes: vec![("table:name".into(), tab.name.clone())],
        children,
    };
    let mut nodes = vec![Node::Element(wrapper)];
    number_elements(&mut nodes, &mut 0);
    Some(nodes)
}

/// The elements come from several parts: each has a place of its own in the whole.
fn number_elements(nodes: &mut [Node], next: &mut usize) {
    for node in nodes {
        if let Node::Element(element) = node {
            element.at = *next;
            *next += 1;
            number_elements(&mut element.children, next);
        }
    }
}

fn element(name: &str, children: Vec<Node>) -> Node {
    Node::Element(Element {
        at: 0,
        name: name.into(),
        attributes: Vec::new(),
        children,
    })
}

fn elements_mut(parent: &mut Element) -> impl Iterator<Item = &mut Element> {
    parent.children.iter_mut().filter_map(|child| match child {
        Node::Element(element) => Some(element),
        _ => None,
    })
}

/// Says of each row and cell where it stands, where the file leaves it to be counted.
fn number_cells(data: &mut Element) {
    let mut row = 0;
    for line in elements_mut(data) {
        row = number(line, "r").unwrap_or(row + 1);
        line.set_attribute(ROW, &row.to_string());
        let mut column = 0;
        for one in elements_mut(line) {
            column = one
                .attribute("r")
                .and_then(cell)
                .map_or(column + 1, |(_, column)| column);
            one.set_attribute("r", &cell_name(row, column));
        }
    }
}

/// Gives every cell of a shared formula its own.
fn expand_formulas(data: &mut Element) {
    let mut shared: HashMap<String, (String, (usize, usize))> = HashMap::new();
    for line in elements_mut(data) {
        for one in elements_mut(line) {
            let Some(here) = one.attribute("r").and_then(cell) else {
                continue;
            };
            for formula in elements_mut(one).filter(|child| child.name == "f") {
                if formula.attribute("t") != Some("shared") {
                    continue;
                }
                let id = formula.attribute("si").unwrap_or_default().to_owned();
                let own = text(formula);
                if own.is_empty() {
                    let Some((first, (row, column))) = shared.get(&id) else {
                        continue;
                    };
                    let by = |to: usize, from: usize| to.cast_signed() - from.cast_signed();
                    let copy = copied(first, by(here.0, *row), by(here.1, *column));
                    formula.children = vec![Node::Text(copy)];
                } else {
                    shared.insert(id, (own, here));
                }
                for name in ["t", "si", "ref"] {
                    formula.remove_attribute(name);
                }
            }
        }
    }
}

/// Puts the texts that hold tags into their cells, in runs that a tag may cut.
fn bring_texts(data: &mut Element, strings: &[&Element], tagged: &BTreeSet<usize>) {
    for line in elements_mut(data) {
        for one in elements_mut(line) {
            let string = match one.attribute("t") {
                Some("s") => {
                    let rank = one.elements().find(|child| child.name == "v").map(text);
                    let rank = rank.and_then(|rank| rank.trim().parse::<usize>().ok());
                    rank.filter(|rank| tagged.contains(rank))
                        .and_then(|rank| strings.get(rank))
                        .map(|string| (*string).clone())
                }
                Some("inlineStr") => take(one, "is"),
                _ => None,
            };
            let Some(string) = string else { continue };
            one.set_attribute("t", "inlineStr");
            one.children.retain(|child| {
                !matches!(child, Node::Element(child) if ["v", "is"].contains(&child.name.as_str()))
            });
            one.children.push(element("is", runs(string)));
        }
    }
}

/// The runs of a text; phonetic hints are of no use beside another text.
fn runs(string: Element) -> Vec<Node> {
    string
        .children
        .into_iter()
        .filter_map(|child| match child {
            Node::Element(run) if run.name == "r" => Some(Node::Element(run)),
            Node::Element(plain) if plain.name == "t" => {
                Some(element("r", vec![Node::Element(plain)]))
            }
            _ => None,
        })
        .collect()
}

/// Rows that the file leaves out are repeated, with what is around them, all the same.
fn mark_gaps(data: &mut Element) {
    let mut next = 1;
    let mut marked = Vec::with_capacity(data.children.len());
    for child in std::mem::take(&mut data.children) {
        if let Node::Element(line) = &child
            && let Some(row) = number(line, ROW)
        {
            if row > next {
                marked.push(Node::Element(Element {
                    at: 0,
                    name: GAP.into(),
                    attributes: vec![
                        (ROW.into(), next.to_string()),
                        (
                            "table:number-rows-repeated".into(),
                            (row - next).to_string(),
                        ),
                    ],
                    children: Vec::new(),
                }));
            }
            next = row + 1;
        }
        marked.push(child);
    }
    data.children = marked;
}
