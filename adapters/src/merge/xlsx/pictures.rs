//! Pictures of a sheet that a tag names.
//!
//! A picture stands in the drawing of its sheet, which is a part of its own. While the sheet is rendered, the
//! picture is beside it, so that its tag may use what the sheet's own tags do (one sheet for each item); then it
//! goes back to the drawing, which refers to the image.

use super::{Relationship, Tab, Workbook};
use crate::merge::{
    pictures::is_named_by_a_tag,
    printing::IMAGE_RELATIONSHIP,
    xml::{Element, Node},
};

/// Holds the pictures of a sheet while it is rendered.
pub(super) const PICTURES: &str = "navette:pictures";

const PICTURE: &str = "xdr:pic";

/// The pictures of a sheet that are named by tags, if there are any.
pub(super) fn of_sheet(workbook: &Workbook, tab: &Tab) -> Option<Element> {
    let drawings = workbook.relationships(&tab.path).into_iter();
    let drawings = drawings.filter(|one| !one.outside && one.kind.ends_with("/drawing"));
    let mut found = Vec::new();
    for mut drawing in drawings.filter_map(|one| workbook.root(&one.target)) {
        for anchor in elements_mut(&mut drawing) {
            found.extend(named(anchor).map(|picture| Node::Element(picture.clone())));
        }
    }
    (!found.is_empty()).then(|| Element {
        at: 0,
        name: PICTURES.into(),
        attributes: Vec::new(),
        children: found,
    })
}

/// Puts the pictures of a sheet back into its drawing; answers the references to their images.
pub(super) fn put_back(drawing: &mut Element, rendered: Element) -> Vec<Relationship> {
    let mut rendered = rendered
        .children
        .into_iter()
        .filter_map(|child| match child {
            Node::Element(child) if child.name == PICTURE => Some(child),
            _ => None,
        });
    let mut references = Vec::new();
    for anchor in elements_mut(drawing) {
        let Some(place) = named(anchor) else { continue };
        let Some(mut picture) = rendered.next() else {
            break;
        };
        if let Some(blip) = find(&mut picture, "a:blip") {
            let id = format!("navette{}", references.len() + 1);
            let target = blip.attribute("r:embed").unwrap_or_default().to_owned();
            blip.set_attribute("r:embed", &id);
            references.push(Relationship {
                id,
                kind: IMAGE_RELATIONSHIP.to_owned(),
                target,
                outside: false,
            });
        }
        let size = find(&mut picture, "a:ext").map(|size| size.attributes.clone());
        *place = picture;
        keep_size(anchor, size.unwrap_or_default());
    }
    references
}

/// A picture between two corners is stretched to them: this one has the size of its image.
fn keep_size(anchor: &mut Element, attributes: Vec<(String, String)>) {
    let size = Node::Element(Element {
        at: 0,
        name: "xdr:ext".into(),
        attributes,
        children: Vec::new(),
    });
    if anchor.name == "xdr:twoCellAnchor" {
        anchor.name = "xdr:oneCellAnchor".into();
        anchor.remove_attribute("editAs");
    }
    let is = |child: &Node, name: &str| matches!(child, Node::Element(child) if child.name == name);
    anchor
        .children
        .retain(|child| !is(child, "xdr:to") && !is(child, "xdr:ext"));
    let corner = |child: &Node| is(child, "xdr:from") || is(child, "xdr:pos");
    let after = anchor.children.iter().position(corner);
    anchor.children.insert(after.map_or(0, |at| at + 1), size);
}

/// The picture of an anchor, if a tag names it.
fn named(anchor: &mut Element) -> Option<&mut Element> {
    elements_mut(anchor).find_map(|child| {
        let named = child.name == PICTURE && is_named_by_a_tag(child);
        named.then_some(child)
    })
}

fn elements_mut(parent: &mut Element) -> impl Iterator<Item = &mut Element> {
    parent.children.iter_mut().filter_map(|child| match child {
        Node::Element(element) => Some(element),
        _ => None,
    })
}

fn find<'a>(element: &'a mut Element, name: &str) -> Option<&'a mut Element> {
    if element.name == name {
        return Some(element);
    }
    elements_mut(element).find_map(|child| find(child, name))
}
