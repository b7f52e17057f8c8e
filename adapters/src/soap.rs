//! SOAP 1.1 as far as the neighbours need it: XML read into a small tree by qualified name, never by
//! prefix, and never with a document type; texts written so that they stay texts.

use quick_xml::{
    NsReader,
    events::{BytesStart, Event},
    name::{Namespace, ResolveResult},
};

/// The namespace of envelopes.
pub const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Deeper is made to exhaust its reader.
const DEEPEST: usize = 32;

/// Why an answer is not a SOAP message.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not XML, or in another encoding than UTF-8.
    #[error("not XML in UTF-8: {0}")]
    Syntax(String),
    /// It declares a document type, which could name files or exhaust memory.
    #[error("a document type is not accepted")]
    DocumentType,
    /// Elements nested beyond reason.
    #[error("nested too deep")]
    TooDeep,
    /// It ends too soon.
    #[error("the message is cut short")]
    Unfinished,
    /// XML, but not the expected message.
    #[error("{0} is missing")]
    Missing(&'static str),
}

/// An element: its qualified name, its text, its children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// The namespace, empty when there is none.
    pub namespace: String,
    /// The local name.
    pub name: String,
    /// All its text, in one piece, as it stands.
    pub text: String,
    /// Marked `xsi:nil`: as good as absent.
    pub nil: bool,
    /// In order.
    pub children: Vec<Element>,
}

impl Element {
    /// Reads a whole document.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| Unreadable::Syntax(error.to_string()))?;
        let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
        let mut open: Vec<Self> = Vec::new();
        loop {
            let event = reader
                .read_event()
                .map_err(|error| Unreadable::Syntax(error.to_string()))?;
            let closed = match event {
                Event::Start(tag) => {
                    if open.len() == DEEPEST {
                        return Err(Unreadable::TooDeep);
                    }
                    open.push(Self::opened(&reader, &tag));
                    None
                }
                Event::Empty(tag) => Some(Self::opened(&reader, &tag)),
                Event::End(_) => open.pop(),
                Event::DocType(_) => return Err(Unreadable::DocumentType),
                Event::Eof => return Err(Unreadable::Unfinished),
                other => {
                    if let (Some(parent), Some(text)) = (open.last_mut(), text_of(&other)?) {
                        parent.text.push_str(&text);
                    }
                    None
                }
            };
            match (closed, open.last_mut()) {
                (Some(element), Some(parent)) => parent.children.push(element),
                (Some(root), None) => return Ok(root),
                (None, _) => {}
            }
        }
    }

    fn opened(reader: &NsReader<&[u8]>, tag: &BytesStart<'_>) -> Self {
        let (namespace, name) = reader.resolver().resolve_element(tag.name());
        let nil = tag.attributes().flatten().any(|attribute| {
            let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
            namespace == ResolveResult::Bound(Namespace(SCHEMA_INSTANCE))
                && name.as_ref() == "nil"
                && matches!(attribute.value.as_ref(), "true" | "1")
        });
        Self {
            namespace: match namespace {
                ResolveResult::Bound(namespace) => namespace.0.to_owned(),
                ResolveResult::Unbound | ResolveResult::Unknown(_) => String::new(),
            },
            name: name.as_ref().to_owned(),
            nil,
            ..Self::default()
        }
    }

    /// The one element that the body of an envelope holds.
    pub fn into_payload(self) -> Result<Self, Unreadable> {
        if self.name != "Envelope" || self.namespace != ENVELOPE {
            return Err(Unreadable::Missing("Envelope"));
        }
        self.children
            .into_iter()
            .find(|child| child.name == "Body" && child.namespace == ENVELOPE)
            .ok_or(Unreadable::Missing("Body"))?
            .children
            .into_iter()
            .next()
            .ok_or(Unreadable::Missing("the content of Body"))
    }

    /// The children called `name` in the element's own namespace, but those that are nil.
    pub fn all<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a Self> {
        self.children.iter().filter(move |child| {
            child.name == name && child.namespace == self.namespace && !child.nil
        })
    }

    /// The first of them.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children
            .iter()
            .find(|child| child.name == name && child.namespace == self.namespace && !child.nil)
    }

    /// The text of a child, trimmed; empty when it is absent.
    pub fn text_of(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }
}

/// The text that an event stands for. Only the five entities of XML itself are known.
fn text_of(event: &Event<'_>) -> Result<Option<String>, Unreadable> {
    Ok(match event {
        Event::Text(text) => Some(text.xml10_content().into_owned()),
        Event::CData(text) => Some(text.xml10_content().into_owned()),
        Event::GeneralRef(reference) => {
            let known = match reference.resolve_char_ref() {
                Ok(Some(character)) => Some(character.to_string()),
                _ => quick_xml::escape::resolve_xml_entity(reference).map(str::to_owned),
            };
            let unknown = || Unreadable::Syntax("unknown entity".to_owned());
            Some(known.ok_or_else(unknown)?)
        }
        _ => None,
    })
}

/// `payload` in an envelope.
pub fn envelope(payload: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <S:Envelope xmlns:S=\"{ENVELOPE}\"><S:Body>{payload}</S:Body></S:Envelope>"
    )
}

/// `<name>text</name>`, whatever the text holds. Characters that XML cannot carry are left out.
pub fn element(name: &str, text: &str) -> String {
    let carried: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect();
    format!("<{name}>{}</{name}>", quick_xml::escape::escape(&carried))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn names_are_qualified_whatever_the_prefix() {
        for xml in [
            "<a xmlns='urn:x'><b>1</b></a>",
            "<p:a xmlns:p='urn:x'><p:b>1</p:b><b>2</b></p:a>",
            "<p:a xmlns:p='urn:x'><q:b xmlns:q='urn:x'><![CDATA[1]]></q:b></p:a>",
        ] {
            let root = Element::parse(xml.as_bytes()).unwrap();
            assert_eq!((root.name.as_str(), root.text_of("b")), ("a", "1"), "{xml}");
        }
    }

    #[test]
    fn a_nil_element_is_as_good_as_absent() {
        let xml = "<a xmlns:i='http://www.w3.org/2001/XMLSchema-instance'><b i:nil='true'/></a>";
        assert_eq!(Element::parse(xml.as_bytes()).unwrap().child("b"), None);
    }

    #[test]
    fn a_document_type_an_unknown_entity_and_a_bottomless_pit_are_refused() {
        let attack = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>";
        assert!(matches!(
            Element::parse(attack.as_bytes()),
            Err(Unreadable::DocumentType)
        ));
        assert!(Element::parse(b"<a>&x;</a>").is_err());
        assert!(Element::parse(b"<a><b>").is_err());
        assert!(Element::parse(b"<html>").is_err());
        let pit = "<a>".repeat(1000);
        assert!(matches!(
            Element::parse(pit.as_bytes()),
            Err(Unreadable::TooDeep)
        ));
    }

    #[test]
    fn a_text_stays_a_text() {
        let text = "</t><evil/> & ]]> \"L'été\" &xxe; \u{1}";
        let root = Element::parse(element("t", text).as_bytes()).unwrap();
        assert_eq!(root.text, text.replace('\u{1}', ""));
        assert!(root.children.is_empty());
    }
}
