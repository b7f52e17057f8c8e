//! What the content of an ODT sub-template needs: automatic styles, renamed so that they meet none of the
//! template's; named styles that the template does not have; fonts; pictures.

use super::{
    super::{
        package::{Changes, Packing},
        xml::{Element, Node},
    },
    SubTemplate, each_element, find, find_mut, media_type, remove,
};
use std::collections::{BTreeMap, BTreeSet};

/// What was brought, by part; named styles all go to `styles.xml`.
#[derive(Default)]
pub(super) struct Styles {
    automatic: BTreeMap<String, Vec<Element>>,
    named: Vec<Element>,
    fonts: Vec<Element>,
}

const CONTENT: &str = "content.xml";
const STYLES: &str = "styles.xml";

/// Elements of a text's body that are no content.
const DECLARATIONS: [&str; 7] = [
    "office:forms",
    "text:tracked-changes",
    "text:sequence-decls",
    "text:variable-decls",
    "text:user-field-decls",
    "text:dde-connection-decls",
    "office:script",
];

/// Brings what `nodes`, the body of `tree`, needs.
pub(super) fn bring(
    nodes: &mut Vec<Node>,
    (sub, tree): (&SubTemplate, &[Node]),
    part: &str,
    styles: &mut Styles,
    changes: &mut Changes,
) -> Result<(), String> {
    remove(nodes, &|element| {
        DECLARATIONS.contains(&element.name.as_str())
            || element.name.starts_with("text:change")
            || element.name.starts_with("text:bookmark")
            || element.name == "text:soft-page-break"
    });
    bring_pictures(nodes, sub, changes)?;
    let automatic: Vec<Element> = find(tree, "office:automatic-styles")
        .map(|styles| styles.elements().cloned().collect())
        .unwrap_or_default();
    let names: BTreeMap<String, String> = automatic
        .iter()
        .filter_map(|style| style.attribute("style:name"))
        .map(|name| (name.to_owned(), format!("N{}_{name}", sub.mark())))
        .collect();
    let mut used = BTreeSet::new();
    rename(nodes, &names, &mut used);
    let brought = styles.automatic.entry(part.to_owned()).or_default();
    for style in automatic {
        let mut style = [Node::Element(style)];
        each_element(&mut style, &mut |style| {
            // The page that it would begin is the sub-template's own.
            style.remove_attribute("style:master-page-name");
        });
        rename(&mut style, &names, &mut used);
        let [style] = style;
        if let Node::Element(mut style) = style {
            if let Some(name) = style
                .attribute("style:name")
                .and_then(|name| names.get(name))
            {
                let name = name.clone();
                style.set_attribute("style:name", &name);
            }
            if !brought.iter().any(|known| is_same(known, &style)) {
                brought.push(style);
            }
        }
    }
    bring_named(&sub.tree(STYLES), used, styles);
    for source in [tree, &sub.tree(STYLES)] {
        if let Some(fonts) = find(source, "office:font-face-decls") {
            for font in fonts.elements() {
                if !styles.fonts.iter().any(|known| is_same(known, font)) {
                    styles.fonts.push(font.clone());
                }
            }
        }
    }
    Ok(())
}

/// Whether two styles answer to the same name.
fn is_same(one: &Element, other: &Element) -> bool {
    one.name == other.name
        && ["style:name", "style:family"]
            .iter()
            .all(|name| one.attribute(name) == other.attribute(name))
}

fn is_reference(attribute: &str) -> bool {
    attribute.ends_with("style-name") && attribute != "style:next-style-name"
}

/// Gives references to automatic styles their new names; the other names go to `used`.
fn rename(nodes: &mut [Node], names: &BTreeMap<String, String>, used: &mut BTreeSet<String>) {
    each_element(nodes, &mut |element| {
        for (attribute, value) in &mut element.attributes {
            if is_reference(attribute) {
                match names.get(value.as_str()) {
                    Some(name) => value.clone_from(name),
                    None => {
                        used.insert(value.clone());
                    }
                }
            }
        }
    });
}

/// The named styles among `used`, and those that they are made from.
fn bring_named(tree: &[Node], used: BTreeSet<String>, styles: &mut Styles) {
    let Some(known) = find(tree, "office:styles") else {
        return;
    };
    let mut wanted: Vec<String> = used.into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        for style in known.elements() {
            if style.attribute("style:name") != Some(&name) {
                continue;
            }
            let mut style = style.clone();
            style.remove_attribute("style:next-style-name");
            style.remove_attribute("style:master-page-name");
            let mut nodes = [Node::Element(style.clone())];
            let mut more = BTreeSet::new();
            rename(&mut nodes, &BTreeMap::new(), &mut more);
            wanted.extend(more);
            if !styles.named.iter().any(|known| is_same(known, &style)) {
                styles.named.push(style);
            }
        }
    }
}

fn bring_pictures(
    nodes: &mut [Node],
    sub: &SubTemplate,
    changes: &mut Changes,
) -> Result<(), String> {
    let mut object = false;
    each_element(nodes, &mut |element| {
        object |= element.name == "draw:object" || element.name == "draw:object-ole";
        if element.name != "draw:image" && element.name != "draw:fill-image" {
            return;
        }
        let Some(name) = element.attribute("xlink:href").map(str::to_owned) else {
            return;
        };
        let inside = name.trim_start_matches("./");
        if let (Some(bytes), Some(media_type)) = (sub.parts.get(inside), media_type(inside)) {
            let file = inside.rsplit('/').next().unwrap_or(inside);
            let new = format!("Pictures/{}-{file}", sub.mark());
            changes.add(new.as_str(), bytes.clone(), Packing::Stored, media_type);
            element.set_attribute("xlink:href", &new);
        }
    });
    if object {
        return Err(
            "il contient un objet incorporé (graphique, formule) : le remplacer par une image"
                .into(),
        );
    }
    Ok(())
}

impl Styles {
    /// Adds to a part what was brought to it.
    pub(super) fn dress(&self, nodes: &mut [Node], part: &str) {
        if part != CONTENT && part != STYLES {
            return;
        }
        if let Some(automatic) = self.automatic.get(part) {
            add(nodes, "office:automatic-styles", automatic);
        }
        if !self.fonts.is_empty() {
            add(nodes, "office:font-face-decls", &self.fonts);
        }
        if part == STYLES {
            add(nodes, "office:styles", &self.named);
        }
    }

    /// Whether the part changes.
    pub(super) fn changes(&self, part: &str) -> bool {
        let brings = self
            .automatic
            .get(part)
            .is_some_and(|styles| !styles.is_empty());
        brings || (part == STYLES && !(self.named.is_empty() && self.fonts.is_empty()))
    }
}

/// Adds to a container the styles that it does not have; a part without the container gets it in its place.
fn add(nodes: &mut [Node], name: &str, styles: &[Element]) {
    /// The order of a part's containers.
    const ORDER: [&str; 4] = [
        "office:scripts",
        "office:font-face-decls",
        "office:styles",
        "office:automatic-styles",
    ];
    if styles.is_empty() {
        return;
    }
    if find(nodes, name).is_none()
        && let Some(root) = nodes.iter_mut().find_map(|node| match node {
            Node::Element(root) => Some(root),
            _ => None,
        })
    {
        let rank = ORDER.iter().position(|known| *known == name);
        let at = root
            .children
            .iter()
            .rposition(|child| {
                matches!(child, Node::Element(child)
                    if ORDER.iter().position(|known| *known == child.name).is_some_and(|child| Some(child) < rank))
            })
            .map_or(0, |at| at + 1);
        let container = Element {
            name: name.into(),
            ..Element::default()
        };
        root.children.insert(at, Node::Element(container));
    }
    if let Some(container) = find_mut(nodes, name) {
        for style in styles {
            if !container.elements().any(|known| is_same(known, style)) {
                container.children.push(Node::Element(style.clone()));
            }
        }
    }
}
