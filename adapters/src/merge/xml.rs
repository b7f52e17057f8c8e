//! The XML of one part as a tree: small, complete enough for office files, written back faithfully.

use super::tag::Tag;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use std::fmt::Write as _;

/// One node of a part.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Element(Element),
    /// Text, without entities.
    Text(String),
    /// A comment, a processing instruction, the declaration: copied as it is.
    Raw(String),
    /// A tag of the template language.
    Tag(Tag),
}

/// An element with its attributes, in order, without entities.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    pub(super) name: String,
    /// Where it begins in the part, in bytes.
    pub(super) at: usize,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

/// A part that is not well-formed, which the scan of the file has normally refused already.
#[derive(Debug, Clone, Copy)]
pub(super) struct Malformed;

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn set_attribute(&mut self, name: &str, value: &str) {
        match self.attributes.iter_mut().find(|(key, _)| key == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.attributes.push((name.into(), value.into())),
        }
    }

    pub(super) fn elements(&self) -> impl DoubleEndedIterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    pub(super) fn remove_attribute(&mut self, name: &str) {
        self.attributes.retain(|(key, _)| key != name);
    }

    /// The same element without its children.
    pub(super) fn shell(&self) -> Self {
        Self {
            name: self.name.clone(),
            at: self.at,
            attributes: self.attributes.clone(),
            children: Vec::new(),
        }
    }

    /// Calls `see` on every tag inside, in order.
    pub(super) fn each_tag<'a>(&'a self, see: &mut impl FnMut(&'a Tag)) {
        for child in &self.children {
            match child {
                Node::Tag(tag) => see(tag),
                Node::Element(element) => element.each_tag(see),
                Node::Text(_) | Node::Raw(_) => {}
            }
        }
    }

    pub(super) fn has_child(&self, name: &str) -> bool {
        self.children
            .iter()
            .any(|child| matches!(child, Node::Element(child) if child.name == name))
    }

    pub(super) fn has_tag(&self) -> bool {
        let mut found = false;
        self.each_tag(&mut |_| found = true);
        found
    }
}

/// Reads a part.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, Malformed> {
    let marked = text.len();
    let text = text.trim_start_matches('\u{feff}');
    let marked = marked - text.len();
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut top = Vec::new();
    loop {
        let at = marked + usize::try_from(reader.buffer_position()).unwrap_or_default();
        let node = match reader.read_event().map_err(|_| Malformed)? {
            Event::Start(start) => {
                open.push(element(&start, at)?);
                continue;
            }
            Event::Empty(start) => Node::Element(element(&start, at)?),
            Event::End(_) => Node::Element(open.pop().ok_or(Malformed)?),
            Event::Text(text) => Node::Text(text.xml10_content().into_owned()),
            Event::CData(text) => Node::Text(text.xml10_content().into_owned()),
            Event::GeneralRef(reference) => Node::Text(resolve(&reference.into_inner())?),
            Event::Comment(text) => Node::Raw(format!("<!--{}-->", text.into_inner())),
            Event::Decl(text) => Node::Raw(format!("<?{}?>", &*text)),
            Event::PI(text) => Node::Raw(["<?", &*text, "?>"].concat()),
            Event::Eof if open.is_empty() => return Ok(top),
            Event::DocType(_) | Event::Eof => return Err(Malformed),
        };
        let siblings = open
            .last_mut()
            .map_or(&mut top, |parent| &mut parent.children);
        match (node, siblings.last_mut()) {
            (Node::Text(more), Some(Node::Text(text))) => text.push_str(&more),
            (node, _) => siblings.push(node),
        }
    }
}

fn element(start: &BytesStart<'_>, at: usize) -> Result<Element, Malformed> {
    let attributes = start
        .attributes()
        .map(|attribute| {
            let attribute = attribute.map_err(|_| Malformed)?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| Malformed)?;
            Ok((attribute.key.as_ref().to_owned(), value.into_owned()))
        })
        .collect::<Result<_, Malformed>>()?;
    Ok(Element {
        name: start.name().as_ref().to_owned(),
        at,
        attributes,
        children: Vec::new(),
    })
}

fn resolve(reference: &str) -> Result<String, Malformed> {
    quick_xml::escape::unescape(&format!("&{reference};"))
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Malformed)
}

/// Writes nodes without tags.
pub(super) fn write(out: &mut String, nodes: &[Node]) {
    for node in nodes {
        match node {
            Node::Text(text) => escape(out, text, false),
            Node::Raw(raw) => out.push_str(raw),
            Node::Tag(tag) => escape(out, &tag.written, false),
            Node::Element(element) => {
                let _ = write!(out, "<{}", element.name);
                for (name, value) in &element.attributes {
                    let _ = write!(out, " {name}=\"");
                    escape(out, value, true);
                    out.push('"');
                }
                if element.children.is_empty() {
                    out.push_str("/>");
                } else {
                    out.push('>');
                    write(out, &element.children);
                    let _ = write!(out, "</{}>", element.name);
                }
            }
        }
    }
}

/// Writes `text` so that XML reads it back; `quoted` inside an attribute. What XML cannot hold is left out.
pub(super) fn escape(out: &mut String, text: &str, quoted: bool) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' if quoted => out.push_str("&quot;"),
            '\n' | '\t' | '\r' if quoted => {
                let _ = write!(out, "&#{};", u32::from(character));
            }
            _ if is_allowed(character) => out.push(character),
            _ => {}
        }
    }
}

/// Whether XML 1.0 can hold the character.
pub(super) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
