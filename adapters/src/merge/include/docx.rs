//! What the content of a DOCX sub-template needs: styles that the template does not have, lists under new
//! numbers, pictures and links under new references.

use super::{
    super::{
        package::{Changes, Packing},
        xml::{self, Element, Node},
    },
    SubTemplate, each_element, find, media_type, remove,
};
use std::collections::{BTreeMap, BTreeSet};

const STYLES: &str = "word/styles.xml";
const NUMBERING: &str = "word/numbering.xml";
const RELATIONS: &str = "word/_rels/document.xml.rels";
const NUMBERING_TYPE: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.numbering+xml";
const NUMBERING_KIND: &str =
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/numbering";
const NO_NUMBERING: &str =
    "<w:numbering xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"/>";

/// The template's styles and lists, with those that were brought.
#[derive(Default)]
#[expect(
    clippy::struct_field_names,
    reason = "a template has styles and lists, and both may be brought"
)]
pub(super) struct Styles {
    styles: Option<Vec<Node>>,
    numbering: Option<Vec<Node>>,
    /// Whether the template had lists.
    numbered: bool,
    brought_styles: bool,
    brought_lists: bool,
    /// The new number of each list, by sub-template.
    lists: BTreeMap<(String, String), String>,
}

impl Styles {
    fn read(&mut self, host: &mut impl FnMut(&str) -> Option<String>) {
        if self.styles.is_some() {
            return;
        }
        let mut tree = |name: &str| host(name).and_then(|text| xml::parse(&text).ok());
        self.styles = Some(tree(STYLES).unwrap_or_default());
        let numbering = tree(NUMBERING);
        self.numbered = numbering.is_some();
        self.numbering = numbering.or_else(|| xml::parse(NO_NUMBERING).ok());
    }

    /// Writes what was brought.
    pub(super) fn write(&self, changes: &mut Changes) {
        let written = |nodes: &Option<Vec<Node>>| {
            let mut out = String::new();
            xml::write(&mut out, nodes.as_deref().unwrap_or_default());
            out
        };
        if self.brought_styles {
            changes.replace(STYLES, written(&self.styles).into_bytes());
        }
        if self.brought_lists {
            let bytes = written(&self.numbering).into_bytes();
            if self.numbered {
                changes.replace(NUMBERING, bytes);
            } else {
                changes.add(NUMBERING, bytes, Packing::Deflated, NUMBERING_TYPE);
                changes.relate("word/document.xml", NUMBERING_KIND, NUMBERING);
            }
        }
    }
}

/// Brings what the content of one sub-template needs into one part.
pub(super) struct Bringer<'a> {
    pub(super) sub: &'a SubTemplate,
    pub(super) part: &'a str,
    pub(super) styles: &'a mut Styles,
    pub(super) changes: &'a mut Changes,
}

impl Bringer<'_> {
    pub(super) fn bring(
        &mut self,
        nodes: &mut Vec<Node>,
        host: &mut impl FnMut(&str) -> Option<String>,
    ) -> Result<(), String> {
        self.styles.read(host);
        remove(nodes, &|element| {
            matches!(
                element.name.as_str(),
                "w:sectPr" | "w:bookmarkStart" | "w:bookmarkEnd" | "w:lastRenderedPageBreak"
            ) || element.name.starts_with("w:comment")
        });
        let mut notes = false;
        each_element(nodes, &mut |element| {
            notes |= matches!(
                element.name.as_str(),
                "w:footnoteReference" | "w:endnoteReference"
            );
        });
        if notes {
            return Err(
                "ses notes de bas de page ne peuvent pas être reprises : les écrire dans le texte"
                    .into(),
            );
        }
        self.bring_references(nodes)?;
        self.bring_styles(nodes);
        self.bring_lists(nodes);
        Ok(())
    }

    fn bring_references(&mut self, nodes: &mut [Node]) -> Result<(), String> {
        let relations = self.sub.tree(RELATIONS);
        let mut unknown = None;
        each_element(nodes, &mut |element| {
            for (attribute, value) in &mut element.attributes {
                if !attribute.starts_with("r:") || value.is_empty() {
                    continue;
                }
                match self.related(&relations, value) {
                    Some(id) => *value = id,
                    None => unknown = Some(element.name.clone()),
                }
            }
        });
        match unknown {
            None => Ok(()),
            Some(_) => Err(
                "il contient un objet incorporé (graphique, dessin) : le remplacer par une image"
                    .into(),
            ),
        }
    }

    /// The reference, in the part, to what the sub-template refers to by `id`.
    fn related(&mut self, relations: &[Node], id: &str) -> Option<String> {
        let list = find(relations, "Relationships")?;
        let relation = list
            .elements()
            .find(|line| line.attribute("Id") == Some(id))?;
        let (kind, target) = (relation.attribute("Type")?, relation.attribute("Target")?);
        if relation.attribute("TargetMode") == Some("External") {
            return Some(self.changes.relate_outside(self.part, kind, target));
        }
        let name = target
            .strip_prefix('/')
            .map_or_else(|| format!("word/{target}"), str::to_owned);
        let (bytes, media_type) = (self.sub.parts.get(&name)?, media_type(&name)?);
        let file = name.rsplit('/').next()?;
        let new = format!("word/media/{}-{file}", self.sub.mark());
        self.changes
            .add(new.as_str(), bytes.clone(), Packing::Stored, media_type);
        Some(self.changes.relate(self.part, kind, &new))
    }

    /// Styles are the same when Word calls them the same: their ids depend on its language.
    fn bring_styles(&mut self, nodes: &mut [Node]) {
        let theirs = self.sub.tree(STYLES);
        let Some(theirs) = find(&theirs, "w:styles") else {
            return;
        };
        let mut ids = BTreeMap::new();
        let mut wanted: Vec<String> = references(nodes).into_iter().collect();
        let mut brought = Vec::new();
        while let Some(id) = wanted.pop() {
            if ids.contains_key(&id) {
                continue;
            }
            let Some(style) = theirs
                .elements()
                .find(|style| style.attribute("w:styleId") == Some(&id))
            else {
                continue;
            };
            if let Some(ours) = self.known(style) {
                ids.insert(id, ours);
                continue;
            }
            // Another style has that id here.
            let new = if self.has_id(&id) {
                format!("{id}{}", self.sub.mark())
            } else {
                id.clone()
            };
            ids.insert(id, new.clone());
            let mut style = [Node::Element(style.clone())];
            each_element(&mut style, &mut |style| {
                style.children.retain(
                    |child| !matches!(child, Node::Element(child) if child.name == "w:next"),
                );
            });
            wanted.extend(references(&mut style));
            let [style] = style;
            if let Node::Element(mut style) = style {
                style.set_attribute("w:styleId", &new);
                style.remove_attribute("w:default");
                brought.push(Node::Element(style));
            }
        }
        set_references(nodes, &ids);
        set_references(&mut brought, &ids);
        self.bring_lists(&mut brought);
        if brought.is_empty() {
            return;
        }
        let ours = self.styles.styles.as_deref_mut().unwrap_or_default();
        if let Some(ours) = super::find_mut(ours, "w:styles") {
            ours.children.extend(brought);
            self.styles.brought_styles = true;
        }
    }

    fn ours(&self) -> impl Iterator<Item = &Element> {
        let tree = self.styles.styles.as_deref().unwrap_or_default();
        find(tree, "w:styles")
            .into_iter()
            .flat_map(Element::elements)
            .filter(|style| style.name == "w:style")
    }

    /// The id here of the style that a sub-template's answers to.
    fn known(&self, style: &Element) -> Option<String> {
        let name = |style: &Element| {
            let name = style.elements().find(|child| child.name == "w:name");
            name.and_then(|name| name.attribute("w:val"))
                .map(str::to_lowercase)
        };
        let same = |ours: &&Element| {
            ours.attribute("w:type") == style.attribute("w:type") && name(ours) == name(style)
        };
        let ours = self.ours().find(same)?;
        ours.attribute("w:styleId").map(str::to_owned)
    }

    fn has_id(&self, id: &str) -> bool {
        self.ours()
            .any(|style| style.attribute("w:styleId") == Some(id))
    }

    fn bring_lists(&mut self, nodes: &mut [Node]) {
        let theirs = self.sub.tree(NUMBERING);
        let mark = self.sub.mark();
        let styles = &mut *self.styles;
        each_element(nodes, &mut |element| {
            if element.name != "w:numId" {
                return;
            }
            // Zero takes a paragraph out of its list.
            let Some(id) = element.attribute("w:val").filter(|id| *id != "0") else {
                return;
            };
            let key = (mark.clone(), id.to_owned());
            let new = match styles.lists.get(&key) {
                Some(new) => Some(new.clone()),
                None => bring_list(&theirs, id, styles.numbering.as_deref_mut()),
            };
            if let Some(new) = new {
                styles.brought_lists = true;
                element.set_attribute("w:val", &new);
                styles.lists.insert(key, new.clone());
                // What was brought is not brought again.
                styles.lists.insert((mark.clone(), new.clone()), new);
            }
        });
    }
}

/// Adds a list to `ours`; answers its number there.
fn bring_list(theirs: &[Node], id: &str, ours: Option<&mut [Node]>) -> Option<String> {
    const ABSTRACT: &str = "w:abstractNum";
    const ABSTRACT_ID: &str = "w:abstractNumId";
    let theirs = find(theirs, "w:numbering")?;
    let list = theirs
        .elements()
        .find(|list| list.name == "w:num" && list.attribute("w:numId") == Some(id))?;
    let kind = list.elements().find(|child| child.name == ABSTRACT_ID)?;
    let kind = kind.attribute("w:val")?;
    let kind = theirs
        .elements()
        .find(|child| child.name == ABSTRACT && child.attribute(ABSTRACT_ID) == Some(kind))?;
    let ours = super::find_mut(ours?, "w:numbering")?;
    let next = |element: &str, attribute: &str| -> String {
        let numbers = ours.elements().filter(|child| child.name == element);
        let numbers = numbers.filter_map(|child| child.attribute(attribute)?.parse::<u32>().ok());
        numbers.max().map_or(1, |most| most + 1).to_string()
    };
    let (new_kind, new) = (next(ABSTRACT, ABSTRACT_ID), next("w:num", "w:numId"));
    let mut kind = kind.clone();
    kind.set_attribute(ABSTRACT_ID, &new_kind);
    // Word takes lists of the same signature for one.
    kind.children.retain(
        |child| !matches!(child, Node::Element(child) if child.name == "w:nsid" || child.name == "w:tmpl"),
    );
    let mut list = list.clone();
    list.set_attribute("w:numId", &new);
    for child in &mut list.children {
        if let Node::Element(child) = child
            && child.name == ABSTRACT_ID
        {
            child.set_attribute("w:val", &new_kind);
        }
    }
    let at = ours
        .children
        .iter()
        .position(|child| matches!(child, Node::Element(child) if child.name == "w:num"))
        .unwrap_or(ours.children.len());
    ours.children.insert(at, Node::Element(kind));
    ours.children.push(Node::Element(list));
    Some(new)
}

/// Elements that name a style.
const REFERENCES: [&str; 5] = ["w:pStyle", "w:rStyle", "w:tblStyle", "w:basedOn", "w:link"];

fn references(nodes: &mut [Node]) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    each_element(nodes, &mut |element| {
        if REFERENCES.contains(&element.name.as_str())
            && let Some(id) = element.attribute("w:val")
        {
            ids.insert(id.to_owned());
        }
    });
    ids
}

fn set_references(nodes: &mut [Node], ids: &BTreeMap<String, String>) {
    each_element(nodes, &mut |element| {
        if REFERENCES.contains(&element.name.as_str())
            && let Some(id) = element.attribute("w:val").and_then(|id| ids.get(id))
        {
            let id = id.clone();
            element.set_attribute("w:val", &id);
        }
    });
}
