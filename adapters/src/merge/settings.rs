//! What a template says of itself in a comment: `{# navette: champs-vides = "—" #}` prints a text where a
//! dossier leaves a field empty, instead of refusing to make the document.

use super::{
    tag::{Kind, Tag},
    xml::Node,
};
use navette_domain::ports::TemplateFault;

/// The filter that prints a text for an empty field.
pub(super) const EMPTY: &str = "__vide";

/// What holds for a whole template.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// The text printed for an empty field; without it, an empty field is a fault.
    pub(super) empty: Option<String>,
}

impl Settings {
    /// Reads the settings in the comments of a part; faults go to `faults`.
    pub(super) fn read(&mut self, nodes: &[Node], faults: &mut Vec<TemplateFault>) {
        for node in nodes {
            match node {
                Node::Tag(tag) => self.see(tag, faults),
                Node::Element(element) => self.read(&element.children, faults),
                Node::Text(_) | Node::Raw(_) => {}
            }
        }
    }

    fn see(&mut self, tag: &Tag, faults: &mut Vec<TemplateFault>) {
        let Some(setting) = tag.code.strip_prefix("navette:") else {
            return;
        };
        if tag.kind != Kind::Comment {
            return;
        }
        match text_of(setting) {
            Some(text) => self.empty = Some(text.to_owned()),
            None => faults.push(tag.fault(
                "réglage inconnu ; le seul qui existe s'écrit {# navette: champs-vides = \"—\" #}",
            )),
        }
    }
}

/// `champs-vides = "—"`
fn text_of(setting: &str) -> Option<&str> {
    let value = setting.trim().strip_prefix("champs-vides")?.trim_start();
    let quoted = value.strip_prefix('=')?.trim();
    ['"', '\'']
        .iter()
        .find_map(|quote| quoted.strip_prefix(*quote)?.strip_suffix(*quote))
}
