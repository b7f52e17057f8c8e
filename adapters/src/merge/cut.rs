//! Puts the tags found in a paragraph's text in the place of what was written, and lifts statements out of
//! the runs they were written in.

use super::{
    glue,
    join::{Find, holds_text, is_apart, stands_for},
    tag::Tag,
    unwrap::{self, FIELD},
    xml::{Element, Node},
};
use navette_domain::ports::Place;

/// Elements that can be cut in two around a statement.
const RUNS: [&str; 13] = [
    "r",
    "t",
    "text:span",
    "text:a",
    "text:text-input",
    "w:r",
    "w:t",
    "w:hyperlink",
    "w:ins",
    "w:moveTo",
    "w:smartTag",
    "w:bdo",
    "w:dir",
];

/// Cuts a paragraph, whose text is `text`, around what was found in it.
pub(super) fn cut(paragraph: &mut Element, text: &str, (finds, places): (&[Find], &[Place])) {
    let mut cutter = Cutter {
        at: 0,
        text,
        finds,
        places,
    };
    cutter.cut(paragraph);
    glue::spaces(paragraph);
    lift(paragraph);
}

struct Cutter<'a> {
    at: usize,
    text: &'a str,
    finds: &'a [Find],
    places: &'a [Place],
}

impl Cutter<'_> {
    /// Walks as `read` did, replacing tags by nodes.
    fn cut(&mut self, element: &mut Element) {
        let holds = holds_text(element);
        let mut tagged = false;
        for child in std::mem::take(&mut element.children) {
            match child {
                Node::Text(text) if holds => {
                    tagged |= self.cut_text(text.len(), &mut element.children);
                }
                Node::Element(mut child) if !is_apart(&child) && child.name != "w:pPr" => {
                    if let Some(characters) = stands_for(&child) {
                        let inside = |find: &Find| find.range.contains(&self.at);
                        let inside = self.finds.iter().any(inside);
                        self.at += characters.len();
                        if !inside {
                            element.children.push(Node::Element(child));
                        }
                    } else {
                        self.cut(&mut child);
                        if child.name == FIELD {
                            element.children.extend(unwrap::direct(child));
                        } else {
                            element.children.push(Node::Element(child));
                        }
                    }
                }
                other => element.children.push(other),
            }
        }
        if tagged && element.name == "w:t" {
            element.set_attribute("xml:space", "preserve");
        }
    }

    fn cut_text(&mut self, length: usize, out: &mut Vec<Node>) -> bool {
        let end = self.at + length;
        let mut tagged = false;
        for (Find { range, literal }, place) in self.finds.iter().zip(self.places) {
            if range.end <= self.at || range.start >= end {
                continue;
            }
            self.keep(range.start, out);
            if range.start >= self.at {
                out.push(match literal {
                    Some(literal) => Node::Text((*literal).to_owned()),
                    None => Node::Tag(Tag::read(&self.text[range.clone()], place.clone())),
                });
                tagged = true;
            }
            self.at = range.end.min(end);
        }
        self.keep(end, out);
        tagged
    }

    fn keep(&mut self, until: usize, out: &mut Vec<Node>) {
        if until > self.at {
            out.push(Node::Text(self.text[self.at..until].to_owned()));
            self.at = until;
        }
    }
}

/// Cuts the runs of a paragraph around its statements.
fn lift(paragraph: &mut Element) {
    paragraph.children = std::mem::take(&mut paragraph.children)
        .into_iter()
        .flat_map(split)
        .collect();
}

fn split(node: Node) -> Vec<Node> {
    let Node::Element(mut element) = node else {
        return vec![node];
    };
    let mut statements = false;
    element.each_tag(&mut |tag| statements |= tag.is_statement());
    if !statements || !RUNS.contains(&element.name.as_str()) {
        return vec![Node::Element(element)];
    }
    let mut shell = element.shell();
    let mut children = std::mem::take(&mut element.children);
    if matches!(children.first(), Some(Node::Element(first)) if first.name == "w:rPr") {
        shell.children.push(children.remove(0));
    }
    let properties = shell.children.len();
    let mut out = Vec::new();
    let mut current = shell.clone();
    for child in children.into_iter().flat_map(split) {
        match child {
            Node::Tag(tag) if tag.is_statement() => {
                if current.children.len() > properties {
                    out.push(Node::Element(current));
                }
                out.push(Node::Tag(tag));
                current = shell.clone();
            }
            other => current.children.push(other),
        }
    }
    if current.children.len() > properties {
        out.push(Node::Element(current));
    }
    out
}
