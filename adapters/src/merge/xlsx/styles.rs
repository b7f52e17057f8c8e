//! Looks that a value needs and its cell does not have: a date that shows as one, lines that wrap.

use crate::merge::{
    sheet::number,
    xml::{Element, Node},
};
use std::collections::HashMap;

/// The number format of a date in the reader's own language.
const DATE: &str = "14";

/// The workbook's styles, with those that were added.
pub(super) struct Styles {
    root: Element,
    added: HashMap<(usize, Need), usize>,
}

/// What a cell's look must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Need {
    Date,
    Lines,
}

impl Styles {
    pub(super) fn new(root: Element) -> Self {
        Self {
            root,
            added: HashMap::new(),
        }
    }

    fn formats(&mut self) -> Option<&mut Element> {
        self.root.children.iter_mut().find_map(|child| match child {
            Node::Element(child) if child.name == "cellXfs" => Some(child),
            _ => None,
        })
    }

    /// The height of one line in a look, in points: Excel gives fifteen to a font of eleven.
    pub(super) fn line(&self, look: usize) -> f64 {
        let list = |name: &str| self.root.elements().find(|child| child.name == name);
        let format = list("cellXfs").and_then(|formats| formats.elements().nth(look));
        let font = format
            .and_then(|format| number(format, "fontId"))
            .unwrap_or(0);
        let font = list("fonts").and_then(|fonts| fonts.elements().nth(font));
        let size = font.and_then(|font| font.elements().find(|child| child.name == "sz"));
        let size = size.and_then(|size| size.attribute("val")?.parse::<f64>().ok());
        size.unwrap_or(11.0) * 15.0 / 11.0
    }

    /// The look of rank `look`, or one like it that allows what is needed.
    pub(super) fn with(&mut self, look: usize, need: Need) -> usize {
        if let Some(known) = self.added.get(&(look, need)) {
            return *known;
        }
        let found = self.derive(look, need).unwrap_or(look);
        self.added.insert((look, need), found);
        found
    }

    fn derive(&mut self, look: usize, need: Need) -> Option<usize> {
        let formats = self.formats()?;
        let mut format = formats.elements().nth(look)?.clone();
        match need {
            // A clerk's own format is kept.
            Need::Date if number(&format, "numFmtId").unwrap_or(0) != 0 => return None,
            Need::Date => {
                format.set_attribute("numFmtId", DATE);
                format.set_attribute("applyNumberFormat", "1");
            }
            Need::Lines => wrap(&mut format),
        }
        formats.children.push(Node::Element(format));
        let count = formats.elements().count();
        formats.set_attribute("count", &count.to_string());
        Some(count - 1)
    }

    /// The styles, if anything was added.
    pub(super) fn changed(self) -> Option<Element> {
        let added = self.added.iter().any(|((look, _), found)| look != found);
        added.then_some(self.root)
    }
}

fn wrap(format: &mut Element) {
    format.set_attribute("applyAlignment", "1");
    let known = format.children.iter_mut().find_map(|child| match child {
        Node::Element(child) if child.name == "alignment" => Some(child),
        _ => None,
    });
    if let Some(alignment) = known {
        alignment.set_attribute("wrapText", "1");
    } else {
        let alignment = Element {
            at: 0,
            name: "alignment".into(),
            attributes: vec![("wrapText".into(), "1".into())],
            children: Vec::new(),
        };
        format.children.insert(0, Node::Element(alignment));
    }
}
