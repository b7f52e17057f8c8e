//! Pictures of a template whose name or alternative text is a tag: the image that the tag gives takes their
//! place, as large as their box lets it be.

use super::Length;
use crate::merge::{
    tag::{Kind, Tag},
    xml::{Element, Node},
};
use navette_domain::ports::{Place, TemplateFault};

/// Begins the value of an attribute that is a call of the recorder: no XML holds this character.
pub(in crate::merge) const CALL: char = '\u{1}';

/// Finds the pictures with a tag and prepares them; answers what is wrong.
pub(in crate::merge) fn find(nodes: &mut Vec<Node>, part: &str) -> Vec<TemplateFault> {
    let mut faults = Vec::new();
    let place = Place {
        name: part.to_owned(),
        ..Place::default()
    };
    walk(nodes, &place, &mut faults);
    faults
}

fn walk(nodes: &mut Vec<Node>, place: &Place, faults: &mut Vec<TemplateFault>) {
    let mut at = 0;
    while at < nodes.len() {
        if let Node::Element(element) = &mut nodes[at] {
            let kind = FRAMES.iter().find(|frame| frame.element == element.name);
            match kind.and_then(|frame| Some((frame, frame.tag_of(element)?))) {
                Some((frame, written)) => match frame.prepare(element, &written, place) {
                    Ok(tag) => {
                        nodes.insert(at, Node::Tag(tag));
                        at += 1;
                    }
                    Err(sentence) => faults.push(place.fault(&written, sentence)),
                },
                None => walk(&mut element.children, place, faults),
            }
        }
        at += 1;
    }
}

/// How a format writes a picture.
struct Frame {
    element: &'static str,
    /// Where its name and alternative texts are: an element, and its attribute or its text.
    names: &'static [(&'static str, &'static str)],
    /// The element that bears the size, and its attributes.
    size: (&'static str, &'static str, &'static str),
}

const FRAMES: [Frame; 3] = [
    Frame {
        element: "draw:frame",
        names: &[
            ("draw:frame", "draw:name"),
            ("svg:title", ""),
            ("svg:desc", ""),
        ],
        size: ("draw:frame", "svg:width", "svg:height"),
    },
    Frame {
        element: "w:drawing",
        names: &[
            ("wp:docPr", "descr"),
            ("wp:docPr", "title"),
            ("wp:docPr", "name"),
            ("pic:cNvPr", "descr"),
            ("pic:cNvPr", "name"),
        ],
        size: ("wp:extent", "cx", "cy"),
    },
    Frame {
        element: "xdr:pic",
        names: &[
            ("xdr:cNvPr", "descr"),
            ("xdr:cNvPr", "title"),
            ("xdr:cNvPr", "name"),
        ],
        size: ("a:ext", "cx", "cy"),
    },
];

/// Whether a picture takes its image from a tag.
pub(in crate::merge) fn is_named_by_a_tag(picture: &mut Element) -> bool {
    let frame = FRAMES.iter().find(|frame| frame.element == picture.name);
    frame.is_some_and(|frame| frame.tag_of(picture).is_some())
}

impl Frame {
    /// The tag that names a picture.
    fn tag_of(&self, frame: &mut Element) -> Option<String> {
        // A text frame's name is none of ours, nor is that of a group of shapes.
        let picture = |name: &str| matches!(name, "draw:image" | "a:blip");
        let mut pictures = 0;
        each(frame, &mut |element| {
            pictures += usize::from(picture(&element.name));
        });
        if pictures == 0 {
            return None;
        }
        self.names.iter().find_map(|(name, attribute)| {
            let mut found = None;
            each(frame, &mut |element| {
                if element.name == *name && found.is_none() {
                    let text = match *attribute {
                        "" => text_of(element),
                        attribute => element.attribute(attribute).unwrap_or_default().to_owned(),
                    };
                    found = text.contains("{{").then(|| text.trim().to_owned());
                }
            });
            found
        })
    }

    /// Makes a picture ready to be filled, and answers the tag that must stand before it.
    fn prepare(
        &self,
        frame: &mut Element,
        written: &str,
        place: &Place,
    ) -> Result<Tag, &'static str> {
        let mut tag = Tag::read(written, place.clone());
        let whole = written.starts_with("{{") && written.ends_with("}}");
        if !whole || written.matches("{{").count() != 1 || tag.kind != Kind::Print {
            return Err("le nom d'une image est une seule balise, par exemple {{ images.logo }}");
        }
        let (holder, across, down) = self.size;
        let mut size = None;
        each(frame, &mut |element| {
            if element.name == holder && size.is_none() {
                size = length(element, across).zip(length(element, down));
            }
        });
        let (width, height) =
            size.ok_or("cette image n'a pas de taille fixe : lui en donner une")?;
        tag.kind = Kind::Picture {
            width: width.0,
            height: height.0,
        };
        let mut images = 0;
        each(frame, &mut |element| {
            element.children.retain(|child| match child {
                Node::Element(child) if child.name == "draw:image" => {
                    images += 1;
                    images == 1
                }
                // What would crop the new image, or show another in its place.
                Node::Element(child) => !FORBIDDEN.contains(&child.name.as_str()),
                _ => true,
            });
            fill(element);
        });
        Ok(tag)
    }
}

/// What a prepared picture may not keep: other forms of the old image, its crop, the texts that named it.
const FORBIDDEN: [&str; 5] = ["svg:title", "svg:desc", "a:srcRect", "a:extLst", "loext:p"];

/// Attributes that the image decides, with the call that gives each; an empty one goes away.
const FILLED: [(&str, &str, &str); 19] = [
    ("draw:frame", "svg:width", "fitted(\"width\")"),
    ("draw:frame", "svg:height", "fitted(\"height\")"),
    ("draw:frame", "style:rel-width", ""),
    ("draw:frame", "style:rel-height", ""),
    ("draw:frame", "draw:name", "fitted(\"name\")"),
    ("draw:image", "xlink:href", "fitted(\"href\")"),
    ("draw:image", "draw:mime-type", "fitted(\"type\")"),
    ("draw:image", "loext:mime-type", "fitted(\"type\")"),
    ("wp:extent", "cx", "fitted(\"width\")"),
    ("wp:extent", "cy", "fitted(\"height\")"),
    ("a:ext", "cx", "fitted(\"width\")"),
    ("a:ext", "cy", "fitted(\"height\")"),
    ("a:blip", "r:embed", "fitted(\"href\")"),
    ("a:blip", "r:link", ""),
    ("wp:docPr", "name", "fitted(\"name\")"),
    ("pic:cNvPr", "name", "fitted(\"name\")"),
    ("xdr:cNvPr", "name", "fitted(\"name\")"),
    ("wp:docPr", "title", ""),
    ("xdr:cNvPr", "title", ""),
];
/// Their alternative text.
const DESCRIBED: [(&str, &str); 3] = [
    ("wp:docPr", "descr"),
    ("pic:cNvPr", "descr"),
    ("xdr:cNvPr", "descr"),
];

fn fill(element: &mut Element) {
    let name = element.name.clone();
    let mut attributes = std::mem::take(&mut element.attributes);
    attributes.retain_mut(|(key, value)| {
        if DESCRIBED.contains(&(name.as_str(), key.as_str())) {
            *value = format!("{CALL}fitted(\"description\")");
        }
        let call = FILLED
            .iter()
            .find(|(element, attribute, _)| *element == name && *attribute == key);
        match call {
            Some((_, _, "")) => false,
            Some((_, _, call)) => {
                *value = format!("{CALL}{call}");
                true
            }
            None => true,
        }
    });
    element.attributes = attributes;
}

fn length(element: &Element, attribute: &str) -> Option<Length> {
    let text = element.attribute(attribute)?;
    match text.parse() {
        Ok(emu) => Some(Length(emu)),
        Err(_) => Length::parse(text),
    }
}

fn text_of(element: &Element) -> String {
    element
        .children
        .iter()
        .filter_map(|child| match child {
            Node::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// Calls `see` on the element and on all those inside, but for text boxes, which have pictures of their own.
fn each(element: &mut Element, see: &mut impl FnMut(&mut Element)) {
    see(element);
    for child in &mut element.children {
        if let Node::Element(child) = child
            && !["draw:text-box", "w:txbxContent"].contains(&child.name.as_str())
        {
            each(child, see);
        }
    }
}
