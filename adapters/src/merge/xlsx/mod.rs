//! Workbooks of OOXML: a part for each sheet, and parts that refer to one another by their names.
//!
//! A workbook is read once (`prepare`): texts that hold tags come back into their cells, shared formulas
//! become plain ones. Once its sheets are rendered, everything that names a cell is written anew
//! (`worksheet`, `attached`), pictures go back to their drawings (`pictures`), and the workbook lists the sheets that there are (`workbook`).

mod attached;
mod pictures;
mod prepare;
mod ranges;
mod styles;
mod tables;
mod workbook;
mod worksheet;

use super::{
    archive::Archive,
    package::{Changes, Packing},
    xml::{self, Element, Node},
};
use navette_domain::ports::MergeFailure;
use std::collections::{BTreeMap, BTreeSet};

const WORKBOOK: &str = "xl/workbook.xml";
const SHEET_TYPE: &str =
    "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml";

/// A workbook that is a template.
pub(super) struct Workbook {
    /// Its parts in XML, by name.
    texts: BTreeMap<String, String>,
    /// Its sheets, in order.
    sheets: Vec<Tab>,
    /// The shared texts that hold tags.
    tagged: BTreeSet<usize>,
}

/// A sheet as the workbook lists it.
#[derive(Debug, Clone)]
struct Tab {
    name: String,
    /// The part.
    path: String,
    /// Whether it has cells; the others are whole charts.
    cells: bool,
}

/// One reference of a part to another.
#[derive(Debug, Clone)]
struct Relationship {
    id: String,
    kind: String,
    /// The part's name, or an address outside.
    target: String,
    outside: bool,
}

impl Workbook {
    /// Reads a workbook.
    pub(super) fn read(archive: &mut Archive<'_>) -> Result<Self, MergeFailure> {
        let mut texts = BTreeMap::new();
        for index in 0..archive.names().len() {
            let name = archive.names()[index].clone();
            let extension = name.rsplit('.').next().unwrap_or_default();
            if name.starts_with("xl/") && ["xml", "rels", "vml"].contains(&extension) {
                let text = String::from_utf8_lossy(&archive.read_index(index)?).into_owned();
                texts.insert(name, text);
            }
        }
        let mut workbook = Self {
            texts,
            sheets: Vec::new(),
            tagged: BTreeSet::new(),
        };
        workbook.sheets = workbook.tabs().ok_or_else(|| {
            MergeFailure::Unreadable("le fichier est abîmé : son classeur est illisible".into())
        })?;
        workbook.tagged = prepare::tagged(&workbook);
        Ok(workbook)
    }

    fn tabs(&self) -> Option<Vec<Tab>> {
        let root = self.root(WORKBOOK)?;
        let relationships = self.relationships(WORKBOOK);
        let sheets = root.elements().find(|child| child.name == "sheets")?;
        let tab = |sheet: &Element| {
            let id = sheet.attribute("r:id")?;
            let found = relationships.iter().find(|one| one.id == id)?;
            Some(Tab {
                name: sheet.attribute("name")?.to_owned(),
                path: found.target.clone(),
                cells: found.kind.ends_with("/worksheet"),
            })
        };
        sheets.elements().map(tab).collect()
    }

    /// The root of a part.
    fn root(&self, path: &str) -> Option<Element> {
        let nodes = xml::parse(self.texts.get(path)?).ok()?;
        nodes.into_iter().find_map(|node| match node {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    fn relationships(&self, path: &str) -> Vec<Relationship> {
        let Some(root) = self.root(&list_of(path)) else {
            return Vec::new();
        };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        root.elements()
            .filter_map(|one| {
                let outside = one.attribute("TargetMode") == Some("External");
                let target = one.attribute("Target")?;
                Some(Relationship {
                    id: one.attribute("Id")?.to_owned(),
                    kind: one.attribute("Type")?.to_owned(),
                    target: if outside {
                        target.to_owned()
                    } else {
                        resolved(folder, target)
                    },
                    outside,
                })
            })
            .collect()
    }

    /// The parts that hold sheets, each with what clerks call it and its nodes, ready to be compiled.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, Vec<Node>)> {
        let sheets = self.sheets.iter().filter(|sheet| sheet.cells);
        sheets.filter_map(|sheet| Some((sheet.path.as_str(), prepare::sheet(self, sheet)?)))
    }

    /// Finishes a document whose sheets are `rendered`, by the names of their parts.
    pub(super) fn finish(
        &self,
        rendered: &BTreeMap<&str, String>,
        changes: &mut Changes,
    ) -> Result<(), MergeFailure> {
        workbook::finish(self, rendered, changes).ok_or_else(|| {
            MergeFailure::Unreadable("le classeur obtenu ne peut pas être écrit : il n'a plus aucune feuille, ou l'une est \
                 illisible".into())
        })
    }
}

/// `xl/worksheets/sheet1.xml` → `xl/worksheets/_rels/sheet1.xml.rels`
fn list_of(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    format!("{folder}/_rels/{file}.rels")
}

fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').collect();
    for step in target.split('/') {
        match step {
            ".." => {
                steps.pop();
            }
            "." => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// A part with its declaration.
fn document(root: Element) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n");
    xml::write(&mut out, &[Node::Element(root)]);
    out
}

/// A list of relationships, told by the parts' full names.
fn list(relationships: &[Relationship]) -> String {
    let children = relationships.iter().map(|one| {
        let slash = if one.outside { "" } else { "/" };
        let mut attributes = vec![
            ("Id".to_owned(), one.id.clone()),
            ("Type".to_owned(), one.kind.clone()),
            ("Target".to_owned(), format!("{slash}{}", one.target)),
        ];
        if one.outside {
            attributes.push(("TargetMode".into(), "External".into()));
        }
        Node::Element(Element {
            at: 0,
            name: "Relationship".into(),
            attributes,
            children: Vec::new(),
        })
    });
    document(Element {
        at: 0,
        name: "Relationships".into(),
        attributes: vec![(
            "xmlns".into(),
            "http://schemas.openxmlformats.org/package/2006/relationships".into(),
        )],
        children: children.collect(),
    })
}

/// Names for parts that the template does not have.
struct NewParts<'a> {
    taken: BTreeSet<String>,
    changes: &'a mut Changes,
}

impl NewParts<'_> {
    /// Adds a part beside `model`, and answers its name.
    fn add(&mut self, model: &str, text: String, media_type: &str) -> String {
        let name = self.name(model);
        let bytes = text.into_bytes();
        self.changes
            .add(name.clone(), bytes, Packing::Deflated, media_type);
        name
    }

    /// `xl/tables/table1.xml` → `xl/tables/table2.xml`, or the next number that is free.
    fn name(&mut self, model: &str) -> String {
        let (stem, extension) = model.rsplit_once('.').unwrap_or((model, "xml"));
        let stem = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        let free = (1..=self.taken.len() + 1)
            .map(|number| format!("{stem}{number}.{extension}"))
            .find(|name| !self.taken.contains(name))
            .unwrap_or_default();
        self.taken.insert(free.clone());
        free
    }
}

#[cfg(test)]
mod tests;
