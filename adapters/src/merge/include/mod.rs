//! Sub-templates: `{% include "code" %}`, alone in its paragraph, is replaced by the content of another
//! template, once, when the template is compiled. What that content needs is brought along: styles, lists,
//! images.

mod docx;
mod odt;

use super::{
    archive::Archive,
    blocks, join,
    package::Changes,
    part::Draft,
    tag::{Kind, Tag},
    xml::{self, Element, Node},
};
use navette_domain::{
    digest::Digest,
    ports::{MergeFailure, OfficeFormat, TemplateFault},
};
use std::collections::BTreeMap;

/// Where sub-templates are found.
pub trait Includes {
    /// The bytes of the template `code`, if there is one.
    fn template(&self, code: &str) -> Option<Vec<u8>>;
}

/// No sub-template at all.
pub struct NoIncludes;

impl Includes for NoIncludes {
    fn template(&self, _code: &str) -> Option<Vec<u8>> {
        None
    }
}

/// The element that stands around what a sub-template gave, until the part is written.
pub(super) const INCLUDED: &str = "navette:included";

/// How deep sub-templates may include others.
const DEEPEST: usize = 8;

/// Elements whose content is a sequence of paragraphs and tables.
const FLOWS: [&str; 16] = [
    "office:text",
    "text:section",
    "text:list-item",
    "text:note-body",
    "table:table-cell",
    "draw:text-box",
    "style:header",
    "style:footer",
    "w:body",
    "w:tc",
    "w:hdr",
    "w:ftr",
    "w:footnote",
    "w:endnote",
    "w:txbxContent",
    INCLUDED,
];

/// Puts sub-templates in their places, part after part.
pub(super) struct Inserter<'a> {
    includes: &'a dyn Includes,
    format: OfficeFormat,
    /// The codes being included, outermost first.
    open: Vec<String>,
    included: BTreeMap<String, Digest>,
    faults: Vec<TemplateFault>,
    changes: Changes,
    word: docx::Styles,
    odf: odt::Styles,
}

/// A sub-template, opened.
struct SubTemplate {
    parts: BTreeMap<String, Vec<u8>>,
    digest: Digest,
}

impl SubTemplate {
    fn tree(&self, name: &str) -> Vec<Node> {
        let text = self
            .parts
            .get(name)
            .map(|bytes| String::from_utf8_lossy(bytes));
        text.and_then(|text| xml::parse(&text).ok())
            .unwrap_or_default()
    }

    /// The first letters of its digest: they tell its styles and files from all others.
    fn mark(&self) -> String {
        self.digest.to_string().chars().take(8).collect()
    }
}

impl<'a> Inserter<'a> {
    pub(super) fn new(includes: &'a dyn Includes, format: OfficeFormat) -> Self {
        Self {
            includes,
            format,
            open: Vec::new(),
            included: BTreeMap::new(),
            faults: Vec::new(),
            changes: Changes::default(),
            word: docx::Styles::default(),
            odf: odt::Styles::default(),
        }
    }

    /// Replaces the tags that include a sub-template in the part `part`, whose blocks are in place; `host`
    /// reads the other parts of the file.
    pub(super) fn insert(
        &mut self,
        nodes: &mut Vec<Node>,
        part: &str,
        host: &mut impl FnMut(&str) -> Option<String>,
    ) {
        self.walk(nodes, "", part, host);
    }

    fn walk(
        &mut self,
        nodes: &mut Vec<Node>,
        parent: &str,
        part: &str,
        host: &mut impl FnMut(&str) -> Option<String>,
    ) {
        for node in nodes {
            match node {
                Node::Element(element) => {
                    let name = element.name.clone();
                    self.walk(&mut element.children, &name, part, host);
                }
                Node::Tag(tag) if tag.kind == Kind::Alone && tag.keyword() == "include" => {
                    match self.content(tag, parent, part, host) {
                        Ok(content) => *node = Node::Element(content),
                        Err(sentence) => {
                            self.faults.push(tag.fault(sentence));
                            *node = Node::Raw(String::new());
                        }
                    }
                }
                Node::Tag(_) | Node::Text(_) | Node::Raw(_) => {}
            }
        }
    }

    /// The content of the sub-template that `tag` includes.
    fn content(
        &mut self,
        tag: &Tag,
        parent: &str,
        part: &str,
        host: &mut impl FnMut(&str) -> Option<String>,
    ) -> Result<Element, String> {
        if self.format == OfficeFormat::Ods || self.format == OfficeFormat::Xlsx {
            return Err("un sous-modèle ne s'insère que dans un texte (ODT ou DOCX)".into());
        }
        let flows = FLOWS.contains(&parent)
            || parent.starts_with("style:header")
            || parent.starts_with("style:footer");
        if !flows {
            return Err("« include » s'écrit seul dans son paragraphe".into());
        }
        let code = code_of(&tag.code).ok_or(
            "« include » attend le code d'un modèle entre guillemets : {% include \"code\" %}",
        )?;
        if self.open.iter().any(|open| open == code) || self.open.len() >= DEEPEST {
            return Err(format!(
                "le sous-modèle « {code} » s'inclut lui-même : ôter cette balise"
            ));
        }
        let sub = self.open_template(code)?;
        self.open.push(code.to_owned());
        let children = self.prepared(&sub, code, part, host);
        self.open.pop();
        self.included.insert(code.to_owned(), sub.digest);
        Ok(Element {
            name: INCLUDED.into(),
            children: children?,
            ..Element::default()
        })
    }

    fn open_template(&self, code: &str) -> Result<SubTemplate, String> {
        let bytes = self.includes.template(code).ok_or_else(|| {
            format!("aucun modèle n'a le code « {code} » : l'envoyer, ou corriger le code")
        })?;
        let failed = |failure: MergeFailure| format!("le sous-modèle « {code} » : {failure}");
        let mut archive = Archive::open(&bytes).map_err(failed)?;
        if archive.format() != self.format {
            return Err(format!(
                "le sous-modèle « {code} » est d'un autre format : il faut le même que celui du modèle"
            ));
        }
        let mut parts = BTreeMap::new();
        for index in 0..archive.names().len() {
            let name = archive.names()[index].clone();
            parts.insert(name, archive.read_index(index).map_err(failed)?);
        }
        Ok(SubTemplate {
            parts,
            digest: Digest::of(&bytes),
        })
    }

    /// The content, its tags read and its own sub-templates inserted, with what it needs brought along.
    fn prepared(
        &mut self,
        sub: &SubTemplate,
        code: &str,
        part: &str,
        host: &mut impl FnMut(&str) -> Option<String>,
    ) -> Result<Vec<Node>, String> {
        let (name, body) = match self.format {
            OfficeFormat::Docx => ("word/document.xml", "w:body"),
            _ => ("content.xml", "office:text"),
        };
        let mut tree = sub.tree(name);
        // The place names the sub-template: no comment can be put there in the copy of the template.
        let place = format!("sous-modèle {code}");
        self.faults
            .extend(join::join(&mut tree, self.format, (&place, &place)));
        blocks::place(&mut tree, self.format);
        let mut nodes = take_children(&mut tree, body)
            .ok_or_else(|| format!("le sous-modèle « {code} » n'a pas de corps"))?;
        match self.format {
            OfficeFormat::Docx => {
                let mut bringer = docx::Bringer {
                    sub,
                    part,
                    styles: &mut self.word,
                    changes: &mut self.changes,
                };
                bringer.bring(&mut nodes, host)
            }
            _ => odt::bring(
                &mut nodes,
                (sub, &tree),
                part,
                &mut self.odf,
                &mut self.changes,
            ),
        }
        .map_err(|sentence| format!("le sous-modèle « {code} » : {sentence}"))?;
        self.walk(&mut nodes, body, part, host);
        let last = nodes.iter().rev().find_map(|node| match node {
            Node::Element(element) => Some(element.name.as_str()),
            _ => None,
        });
        if self.format == OfficeFormat::Docx && last != Some("w:p") {
            nodes.push(Node::Element(Element {
                name: "w:p".into(),
                ..Element::default()
            }));
        }
        Ok(nodes)
    }

    /// Gives the parts what was brought to them; answers the rest.
    pub(super) fn finish(mut self, drafts: &mut [Draft]) -> Included {
        for draft in drafts {
            if !self.odf.changes(&draft.name) {
                continue;
            }
            self.odf.dress(&mut draft.nodes, &draft.name);
            // A part without tags is not rendered: it is written now.
            let mut tags = false;
            let mut text = String::new();
            each_tag(&draft.nodes, &mut |_| tags = true);
            if !tags {
                xml::write(&mut text, &draft.nodes);
                self.changes.replace(draft.name.as_str(), text.into_bytes());
            }
        }
        self.word.write(&mut self.changes);
        Included {
            templates: self.included.into_iter().collect(),
            changes: self.changes,
            faults: self.faults,
        }
    }
}

/// What sub-templates brought.
pub(super) struct Included {
    pub(super) templates: Vec<(String, Digest)>,
    /// Their files, and what refers to them.
    pub(super) changes: Changes,
    pub(super) faults: Vec<TemplateFault>,
}

fn each_tag(nodes: &[Node], see: &mut impl FnMut(&Tag)) {
    for node in nodes {
        match node {
            Node::Tag(tag) => see(tag),
            Node::Element(element) => element.each_tag(&mut |tag| see(tag)),
            Node::Text(_) | Node::Raw(_) => {}
        }
    }
}

/// `include "code"`
fn code_of(statement: &str) -> Option<&str> {
    let quoted = statement.strip_prefix("include")?.trim();
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let code = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
    (!code.is_empty() && !code.contains(quote)).then_some(code)
}

/// Takes the children of the first element of this name out of a tree.
fn take_children(nodes: &mut [Node], name: &str) -> Option<Vec<Node>> {
    nodes.iter_mut().find_map(|node| match node {
        Node::Element(element) if element.name == name => {
            Some(std::mem::take(&mut element.children))
        }
        Node::Element(element) => take_children(&mut element.children, name),
        _ => None,
    })
}

/// The first element of this name in a tree.
fn find<'a>(nodes: &'a [Node], name: &str) -> Option<&'a Element> {
    nodes.iter().find_map(|node| match node {
        Node::Element(element) if element.name == name => Some(element),
        Node::Element(element) => find(&element.children, name),
        _ => None,
    })
}

fn find_mut<'a>(nodes: &'a mut [Node], name: &str) -> Option<&'a mut Element> {
    for node in nodes {
        if let Node::Element(element) = node {
            if element.name == name {
                return Some(element);
            }
            if let Some(found) = find_mut(&mut element.children, name) {
                return Some(found);
            }
        }
    }
    None
}

/// Calls `see` on every element, parents first.
fn each_element(nodes: &mut [Node], see: &mut impl FnMut(&mut Element)) {
    for node in nodes {
        if let Node::Element(element) = node {
            see(element);
            each_element(&mut element.children, see);
        }
    }
}

/// Removes the elements that `unwanted` names, wherever they are.
fn remove(nodes: &mut Vec<Node>, unwanted: &impl Fn(&Element) -> bool) {
    nodes.retain(|node| !matches!(node, Node::Element(element) if unwanted(element)));
    for node in nodes {
        if let Node::Element(element) = node {
            remove(&mut element.children, unwanted);
        }
    }
}

/// The media type of a picture, by the end of its name.
fn media_type(name: &str) -> Option<&'static str> {
    let (_, end) = name.rsplit_once('.')?;
    Some(match end.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "emf" => "image/x-emf",
        "wmf" => "image/x-wmf",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
