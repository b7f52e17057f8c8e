//! The workbook of one document: which sheets it has, and what is named in it.

use super::{
    NewParts, Relationship, SHEET_TYPE, Tab, WORKBOOK, Workbook,
    attached::{self, Attached},
    document, list, list_of,
    pictures::PICTURES,
    prepare,
    styles::Styles,
    tables::Tables,
    worksheet::Writer,
};
use crate::merge::{
    package::Changes,
    sheet::{
        SHEET,
        address::Syntax,
        book::{Book, Here, gather},
        formula::rewrite,
        number, take, text,
    },
    xml::{self, Element, Node},
};
use std::collections::BTreeMap;

const CALCULATION_CHAIN: &str = "xl/calcChain.xml";
const STYLES: &str = "xl/styles.xml";

/// A sheet of the document.
struct Written {
    /// The rank of its template's sheet.
    tab: usize,
    name: String,
    path: String,
    /// Its rank in the book, when it has cells.
    rank: Option<usize>,
    root: Option<Element>,
    /// The pictures that go back to its drawing.
    pictures: Option<Element>,
}

pub(super) fn finish(
    workbook: &Workbook,
    rendered: &BTreeMap<&str, String>,
    changes: &mut Changes,
) -> Option<()> {
    let (book, mut sheets) = read(workbook, rendered)?;
    let mut parts = NewParts {
        taken: workbook.texts.keys().cloned().collect(),
        changes,
    };
    name_parts(workbook, &mut sheets, &mut parts);
    let root = workbook.root(STYLES).unwrap_or_default();
    let mut styles = Styles::new(root);
    let mut attached = Attached {
        workbook,
        book: &book,
        parts: &mut parts,
        tables: Tables::default(),
        pictures: None,
    };
    for sheet in &mut sheets {
        let (Some(rank), Some(mut root)) = (sheet.rank, sheet.root.take()) else {
            continue;
        };
        let source = &workbook.sheets[sheet.tab].path;
        let first = *source == sheet.path;
        let mut writer = Writer {
            book: &book,
            sheet: rank,
            styles: &mut styles,
        };
        writer.write(&mut root, first);
        attached.tables.next_sheet();
        attached.pictures = sheet.pictures.take();
        attached.write(source, &sheet.path, rank, Some(&root));
        attached.tables.follow(&mut root);
        let bytes = document(root).into_bytes();
        if first {
            attached.parts.changes.replace(sheet.path.as_str(), bytes);
        } else {
            let packing = super::Packing::Deflated;
            let path = sheet.path.as_str();
            attached.parts.changes.add(path, bytes, packing, SHEET_TYPE);
        }
    }
    if let Some(root) = styles.changed() {
        parts.changes.replace(STYLES, document(root).into_bytes());
    }
    if let Some((path, strings)) = prepare::strings_left(workbook) {
        parts.changes.replace(path, document(strings).into_bytes());
    }
    write_workbook(workbook, &book, &sheets, parts.changes)
}

/// Reads what was rendered.
fn read(workbook: &Workbook, rendered: &BTreeMap<&str, String>) -> Option<(Book, Vec<Written>)> {
    let mut book = Book::default();
    let mut sheets = Vec::new();
    for (tab, Tab { name, path, cells }) in workbook.sheets.iter().enumerate() {
        if !cells {
            // A chart's own sheet keeps its name; the others make way for it.
            let name = book.names.name(name);
            sheets.push(Written {
                tab,
                name,
                path: path.clone(),
                rank: None,
                root: None,
                pictures: None,
            });
            continue;
        }
        let mut nodes = xml::parse(rendered.get(path.as_str())?).ok()?;
        let mut rank = book.sheets.len();
        gather(&mut nodes, SHEET, &mut book);
        if rank == book.sheets.len() {
            book.left_out.push(name.clone());
        }
        for node in nodes {
            let Node::Element(mut wrapper) = node else {
                continue;
            };
            let pictures = take(&mut wrapper, PICTURES);
            let root = wrapper.children.into_iter().find_map(|child| match child {
                Node::Element(child) => Some(child),
                _ => None,
            });
            sheets.push(Written {
                tab,
                name: book.sheets[rank].name.clone(),
                path: String::new(),
                rank: Some(rank),
                root,
                pictures,
            });
            rank += 1;
        }
    }
    Some((book, sheets))
}

/// The first sheet made of a template's sheet takes its part; the others have their own.
fn name_parts(workbook: &Workbook, sheets: &mut [Written], parts: &mut NewParts<'_>) {
    for (tab, Tab { path, .. }) in workbook.sheets.iter().enumerate() {
        let mut made = sheets.iter_mut().filter(|sheet| sheet.tab == tab);
        match made.next() {
            Some(first) => first.path.clone_from(path),
            None => drop_part(workbook, path, parts.changes),
        }
        for other in made {
            other.path = parts.name(path);
        }
    }
}

/// Leaves out a part and what only it refers to; pictures may be another's.
fn drop_part(workbook: &Workbook, path: &str, changes: &mut Changes) {
    for one in workbook.relationships(path) {
        if attached::is_own(&one) {
            drop_part(workbook, &one.target, changes);
        }
    }
    if workbook.texts.contains_key(&list_of(path)) {
        changes.drop_entry(list_of(path));
    }
    changes.drop_entry(path);
}

fn write_workbook(
    workbook: &Workbook,
    book: &Book,
    sheets: &[Written],
    changes: &mut Changes,
) -> Option<()> {
    let mut relationships = workbook.relationships(WORKBOOK);
    let kept = |path: &str| sheets.iter().any(|sheet| sheet.path == path);
    let is_sheet = |path: &str| workbook.sheets.iter().any(|tab| tab.path == path);
    relationships.retain(|one| {
        !one.target.ends_with("calcChain.xml") && (!is_sheet(&one.target) || kept(&one.target))
    });
    if workbook.texts.contains_key(CALCULATION_CHAIN) {
        changes.drop_entry(CALCULATION_CHAIN);
    }
    let mut root = workbook.root(WORKBOOK)?;
    let listed = root
        .elements()
        .find(|child| child.name == "sheets")?
        .clone();
    let mut entries = Vec::new();
    for (at, sheet) in sheets.iter().enumerate() {
        let mut entry = listed.elements().nth(sheet.tab)?.clone();
        entry.set_attribute("name", &sheet.name);
        if sheet.path != workbook.sheets[sheet.tab].path {
            let id = format!("navette{at}");
            let model = entry.attribute("r:id").unwrap_or_default().to_owned();
            let kind = relationships_kind(workbook, &model)?;
            entry.set_attribute("r:id", &id);
            relationships.push(Relationship {
                id,
                kind,
                target: sheet.path.clone(),
                outside: false,
            });
        }
        entries.push(entry);
    }
    if entries.is_empty() {
        return None;
    }
    number_sheets(&mut entries);
    for child in &mut root.children {
        let Node::Element(child) = child else {
            continue;
        };
        match child.name.as_str() {
            "sheets" => child.children = entries.drain(..).map(Node::Element).collect(),
            "definedNames" => child.children = names(child, book, sheets),
            "bookViews" => show_first(child, sheets.len()),
            _ => {}
        }
    }
    let empty = |child: &Node| matches!(child, Node::Element(child) if child.name == "definedNames" && child.children.is_empty());
    root.children.retain(|child| !empty(child));
    compute_on_load(&mut root);
    changes.replace(WORKBOOK, document(root).into_bytes());
    changes.replace(list_of(WORKBOOK), list(&relationships).into_bytes());
    Some(())
}

fn relationships_kind(workbook: &Workbook, id: &str) -> Option<String> {
    let relationships = workbook.relationships(WORKBOOK);
    let found = relationships.into_iter().find(|one| one.id == id)?;
    Some(found.kind)
}

/// Each sheet has a number of its own.
fn number_sheets(entries: &mut [Element]) {
    let highest = entries
        .iter()
        .filter_map(|entry| number(entry, "sheetId"))
        .max();
    let mut next = highest.unwrap_or(0);
    let mut taken = std::collections::HashSet::new();
    for entry in entries {
        let own = number(entry, "sheetId").unwrap_or(0);
        if !taken.insert(own) {
            next += 1;
            entry.set_attribute("sheetId", &next.to_string());
        }
    }
}

/// The names of the workbook, and those of each sheet for every sheet made of it.
fn names(list: &Element, book: &Book, sheets: &[Written]) -> Vec<Node> {
    let mut names = Vec::new();
    for name in list.elements() {
        let code = text(name);
        let mut add = |position: Option<usize>, rank: usize| {
            let here = Here {
                sheet: rank,
                ..Here::default()
            };
            let mut copy = name.clone();
            if let Some(position) = position {
                copy.set_attribute("localSheetId", &position.to_string());
            }
            let code = if book.sheets.is_empty() {
                code.clone()
            } else {
                book.formula(&code, Syntax::Ooxml, here)
            };
            copy.children = vec![Node::Text(code)];
            names.push(Node::Element(copy));
        };
        match number(name, "localSheetId") {
            Some(tab) => {
                for (position, sheet) in sheets.iter().enumerate() {
                    if sheet.tab == tab {
                        add(Some(position), sheet.rank.unwrap_or(0));
                    }
                }
            }
            // Of a sheet that is repeated, a name of the workbook means the first.
            None => add(None, first_named(&code, book)),
        }
    }
    names
}

fn first_named(code: &str, book: &Book) -> usize {
    let mut found = None;
    rewrite(code, Syntax::Ooxml, &mut |reference| {
        if let Some((sheet, _)) = &reference.sheet {
            found = found.or_else(|| book.written(sheet).next());
        }
        String::new()
    });
    found.unwrap_or(0)
}

/// Shows a sheet that exists.
fn show_first(views: &mut Element, sheets: usize) {
    for child in &mut views.children {
        let Node::Element(view) = child else { continue };
        for name in ["activeTab", "firstSheet"] {
            if number(view, name).is_some_and(|tab| tab >= sheets) {
                view.remove_attribute(name);
            }
        }
    }
}

/// What must come after `calcPr`.
const AFTER_CALCULATION: [&str; 9] = [
    "oleSize",
    "customWorkbookViews",
    "pivotCaches",
    "smartTagPr",
    "smartTagTypes",
    "webPublishing",
    "fileRecoveryPr",
    "webPublishObjects",
    "extLst",
];

fn compute_on_load(root: &mut Element) {
    let known = root.children.iter_mut().find_map(|child| match child {
        Node::Element(child) if child.name == "calcPr" => Some(child),
        _ => None,
    });
    if let Some(known) = known {
        known.set_attribute("fullCalcOnLoad", "1");
        known.remove_attribute("calcId");
        return;
    }
    let after = |child: &Node| matches!(child, Node::Element(child) if AFTER_CALCULATION.contains(&child.name.as_str()));
    let at = root.children.iter().position(after);
    let at = at.unwrap_or(root.children.len());
    root.children.insert(
        at,
        Node::Element(Element {
            at: 0,
            name: "calcPr".into(),
            attributes: vec![("fullCalcOnLoad".into(), "1".into())],
            children: Vec::new(),
        }),
    );
}
