//! Gives the tags of sheets and columns their place, and marks what loops repeat.
//!
//! `{%sheet for … %}`, alone in a cell, repeats the whole sheet: the tag goes around it. `{%tc for … %}` and
//! `{%tc endfor %}`, each alone in a cell of the same row, repeat the cells between them, and their own two
//! columns disappear from the sheet; every row that must repeat says so, as with docxtpl, and the others
//! keep their cells under or over the first repetition.

use super::{
    COLUMN, END, ITERATION, LOOP, SHEET, count,
    grid::{FROM, GAP, ID, LAST, OF, TO},
    number, text,
};
use crate::merge::{
    join::{PARAGRAPHS, ROW},
    tag::{Kind, Scope, Tag},
    xml::{Element, Node},
};
use navette_domain::ports::{Place, TemplateFault};
use std::collections::BTreeSet;

const SHEETS: [&str; 2] = ["table:table", SHEET];
const CELLS: [&str; 3] = ["table:table-cell", "table:covered-table-cell", "c"];
const REPEATED_ROWS: &str = "table:number-rows-repeated";
const REPEATED_COLUMNS: &str = "table:number-columns-repeated";

/// Puts the tags of sheets around them, and those of columns between cells; answers what is wrong.
pub(in crate::merge) fn settle(nodes: &mut Vec<Node>) -> Vec<TemplateFault> {
    let mut settler = Settler::default();
    settler.walk(nodes);
    settler.faults
}

#[derive(Default)]
struct Settler {
    loops: usize,
    faults: Vec<TemplateFault>,
}

/// The columns of a loop's two tags.
type Ends = (usize, usize);

impl Settler {
    fn walk(&mut self, nodes: &mut Vec<Node>) {
        let mut settled = Vec::with_capacity(nodes.len());
        for node in std::mem::take(nodes) {
            match node {
                Node::Element(mut sheet) if SHEETS.contains(&sheet.name.as_str()) => {
                    self.columns(&mut sheet);
                    let tags = take_sheet_tags(&mut sheet);
                    sheet.set_attribute(LAST, &last_row(&sheet).to_string());
                    self.surround(sheet, tags, &mut settled);
                }
                Node::Element(mut element) => {
                    self.walk(&mut element.children);
                    settled.push(Node::Element(element));
                }
                other => settled.push(other),
            }
        }
        *nodes = settled;
    }

    fn surround(&mut self, sheet: Element, tags: Vec<Tag>, out: &mut Vec<Node>) {
        let mut closing = Vec::new();
        for tag in tags {
            match tag.kind {
                Kind::Open => {
                    closing.push(tag.implied(Kind::Close, &format!("end{}", tag.keyword())));
                    out.push(Node::Tag(tag));
                }
                // The sheet ends by itself what it began.
                Kind::Close if tag.keyword()[3..] == *closing.last().map_or("", |tag| &tag.keyword()[3..]) => {}
                Kind::Close | Kind::Middle => self.faults.push(tag.fault("cette balise de feuille ne ferme rien : {%sheet for … %} vaut pour sa feuille entière"
                        )),
                Kind::Print | Kind::Picture { .. } | Kind::Alone | Kind::Comment => out.push(Node::Tag(tag)),
            }
        }
        out.push(Node::Element(sheet));
        out.extend(closing.into_iter().rev().map(Node::Tag));
    }

    fn columns(&mut self, sheet: &mut Element) {
        let mut bands = BTreeSet::new();
        each_row(sheet, &mut |row| {
            mark_columns(row);
            bands.extend(self.row_bands(row));
        });
        let bands: Vec<Ends> = bands.into_iter().collect();
        if bands.is_empty() {
            return;
        }
        let name = sheet.attribute("table:name").unwrap_or_default().to_owned();
        each_row(sheet, &mut |row| {
            unfold(row, &bands);
            self.check_outside(&name, row, &bands);
        });
        each_row(sheet, &mut |row| {
            if let Some(tag) = crossing(row, &bands) {
                self.faults.push(tag.fault("les boucles de colonnes d'une feuille doivent occuper les mêmes colonnes d'une \
                     ligne à l'autre, sans se chevaucher"
                        ));
            }
        });
    }

    /// Takes the cells of column tags out of a row, and marks what they repeat.
    fn row_bands(&mut self, row: &mut Element) -> Vec<Ends> {
        let mut bands = Vec::new();
        let mut open: Option<(usize, Tag, usize)> = None;
        let mut out = Vec::with_capacity(row.children.len());
        for child in std::mem::take(&mut row.children) {
            let Node::Element(cell) = &child else {
                out.push(child);
                continue;
            };
            let Some(tag) = column_tag(cell) else {
                out.push(child);
                continue;
            };
            let column = column_of(cell);
            match (tag.kind, open.take()) {
                (Kind::Open, None) => {
                    let at = out.len();
                    out.push(Node::Tag(tag.clone()));
                    out.push(mark(ITERATION));
                    open = Some((at, tag, column));
                }
                (Kind::Close, Some((at, opening, from))) if column > from + 1 => {
                    out.push(Node::Tag(tag));
                    out.push(mark(END));
                    let begins = self.begins(&opening, Some((from, column)));
                    out.insert(at, begins);
                    bands.push((from, column));
                }
                (Kind::Alone, before) => {
                    out.push(Node::Tag(tag));
                    open = before;
                }
                (_, before) => {
                    self.faults.push(tag.fault(WRONG_COLUMNS));
                    open = before;
                }
            }
        }
        if let Some((_, tag, _)) = open {
            self.faults.push(tag.fault(WRONG_COLUMNS));
        }
        row.children = out;
        bands
    }

    fn begins(&mut self, tag: &Tag, columns: Option<Ends>) -> Node {
        self.loops += 1;
        begins(tag, self.loops, columns)
    }

    /// The columns of tags disappear: nothing else may stand there.
    fn check_outside(&mut self, name: &str, row: &Element, bands: &[Ends]) {
        for cell in row.elements().filter(|cell| is_cell(cell)) {
            let column = column_of(cell);
            let ends = bands.iter().any(|(from, to)| [from, to].contains(&&column));
            let mut tag = None;
            cell.each_tag(&mut |found| tag = tag.or(Some(found)));
            if !ends || (tag.is_none() && text(cell).trim().is_empty()) {
                continue;
            }
            let place = super::address::letters(column);
            let row = number(row, ROW).unwrap_or(1);
            let sentence = format!(
                "la colonne {place} ne porte que les balises {{%tc %}} d'une boucle de colonnes, et \
                 disparaît : déplacer le contenu de la cellule {place}{row}"
            );
            if let Some(tag) = tag {
                self.faults.push(tag.fault(sentence));
                continue;
            }
            let cell = format!("{place}{row}");
            let place = Place {
                name: format!("feuille {name}, cellule {cell}"),
                sheet: Some(name.to_owned()),
                cell: Some(cell),
                ..Place::default()
            };
            self.faults.push(place.fault("", sentence));
        }
    }
}

const WRONG_COLUMNS: &str = "une boucle de colonnes s'ouvre par {%tc for … %} seul dans une cellule et se \
    ferme par {%tc endfor %} seul dans une autre de la même ligne, avec au moins une cellule entre les deux";

fn mark(name: &str) -> Node {
    Node::Element(Element {
        name: name.into(),
        ..Element::default()
    })
}

fn begins(tag: &Tag, id: usize, columns: Option<Ends>) -> Node {
    let list = tag.code.split_once(" in ").map_or("", |(_, list)| list);
    let mut attributes = vec![
        (ID.to_owned(), id.to_string()),
        (OF.to_owned(), list.trim().to_owned()),
    ];
    if let Some((from, to)) = columns {
        attributes.push((FROM.into(), from.to_string()));
        attributes.push((TO.into(), to.to_string()));
    }
    Node::Element(Element {
        at: 0,
        name: LOOP.into(),
        attributes,
        children: Vec::new(),
    })
}

fn is_cell(element: &Element) -> bool {
    CELLS.contains(&element.name.as_str())
}

fn each_row(element: &mut Element, see: &mut impl FnMut(&mut Element)) {
    for child in &mut element.children {
        if let Node::Element(child) = child {
            if child.attribute(ROW).is_none() {
                each_row(child, see);
            } else if child.name != GAP {
                see(child);
            }
        }
    }
}

/// Writes on each cell of OpenDocument which column it begins at; those of OOXML say it by themselves.
fn mark_columns(row: &mut Element) {
    let mut column = 1;
    for child in &mut row.children {
        if let Node::Element(cell) = child
            && is_cell(cell)
            && cell.name != "c"
        {
            cell.set_attribute(COLUMN, &column.to_string());
            column += count(cell, REPEATED_COLUMNS);
        }
    }
}

pub(super) fn column_of(cell: &Element) -> usize {
    let named = || super::address::cell(cell.attribute("r")?);
    number(cell, COLUMN)
        .or_else(|| Some(named()?.1))
        .unwrap_or(1)
}

/// The statement for columns that a cell holds.
fn column_tag(cell: &Element) -> Option<Tag> {
    let mut found = None;
    cell.each_tag(&mut |tag| {
        if tag.scope == Scope::Column && tag.is_statement() && found.is_none() {
            found = Some(tag.clone());
        }
    });
    found
}

/// Makes one cell of each column of a repeated cell, as far as loops of columns go.
fn unfold(row: &mut Element, bands: &[Ends]) {
    let last = bands.iter().map(|(_, to)| *to).max().unwrap_or(0);
    let mut out = Vec::with_capacity(row.children.len());
    for child in std::mem::take(&mut row.children) {
        let Node::Element(mut cell) = child else {
            out.push(child);
            continue;
        };
        let (first, mut times) = (column_of(&cell), count(&cell, REPEATED_COLUMNS));
        let mut column = first;
        while is_cell(&cell) && times > 1 && column <= last {
            let mut one = cell.clone();
            one.remove_attribute(REPEATED_COLUMNS);
            one.set_attribute(COLUMN, &column.to_string());
            out.push(Node::Element(one));
            column += 1;
            times -= 1;
        }
        if column > first {
            cell.set_attribute(COLUMN, &column.to_string());
            cell.remove_attribute(REPEATED_COLUMNS);
            if times > 1 {
                cell.set_attribute(REPEATED_COLUMNS, &times.to_string());
            }
        }
        out.push(Node::Element(cell));
    }
    row.children = out;
}

/// A tag whose band overlaps another.
fn crossing(row: &Element, bands: &[Ends]) -> Option<Tag> {
    let mark = row.elements().find(|mark| {
        let (from, to) = (count(mark, FROM), count(mark, TO));
        let overlaps = |(other_from, other_to): &Ends| {
            (*other_from, *other_to) != (from, to) && *other_from <= to && from <= *other_to
        };
        mark.name == LOOP && mark.attribute(FROM).is_some() && bands.iter().any(overlaps)
    })?;
    let mut tags = row
        .children
        .iter()
        .skip_while(|child| !matches!(child, Node::Element(child) if std::ptr::eq(child, mark)));
    tags.find_map(|child| match child {
        Node::Tag(tag) => Some(tag.clone()),
        _ => None,
    })
}

/// Takes the tags of the whole sheet out of their cells; a row that held nothing else goes.
fn take_sheet_tags(sheet: &mut Element) -> Vec<Tag> {
    let mut tags = Vec::new();
    take_from(sheet, &mut tags);
    tags
}

fn take_from(element: &mut Element, tags: &mut Vec<Tag>) {
    element.children.retain_mut(|child| {
        match child {
            Node::Tag(tag) if tag.scope == Scope::Sheet => {
                tags.push(tag.clone());
                return false;
            }
            Node::Element(child) => {
                let before = tags.len();
                take_from(child, tags);
                let row = child.attribute(ROW).is_some() && child.name != GAP;
                if row && tags.len() > before {
                    return child.has_tag() || !text(child).trim().is_empty();
                }
            }
            _ => {}
        }
        true
    });
}

fn last_row(element: &Element) -> usize {
    let rows = element.elements().map(|child| match number(child, ROW) {
        Some(row) => row + count(child, REPEATED_ROWS) - 1,
        None => last_row(child),
    });
    rows.max().unwrap_or(0)
}

/// Marks what the loops around rows and sheets repeat, once every tag is in its place.
pub(in crate::merge) fn mark_loops(nodes: &mut Vec<Node>) {
    mark_in(nodes, &mut 0);
}

fn mark_in(nodes: &mut Vec<Node>, loops: &mut usize) {
    let mut marked = Vec::with_capacity(nodes.len());
    let mut open = Vec::new();
    for node in std::mem::take(nodes) {
        match node {
            Node::Tag(tag) if tag.kind == Kind::Open => {
                let is_loop = tag.keyword() == "for";
                open.push(is_loop);
                if is_loop {
                    *loops += 1;
                    marked.push(begins(&tag, *loops, None));
                }
                marked.push(Node::Tag(tag));
                if is_loop {
                    marked.push(mark(ITERATION));
                }
            }
            Node::Tag(tag) if tag.kind == Kind::Close => {
                marked.push(Node::Tag(tag));
                if open.pop() == Some(true) {
                    marked.push(mark(END));
                }
            }
            Node::Element(mut element) => {
                if element.attribute(ROW).is_none() && !PARAGRAPHS.contains(&element.name.as_str())
                {
                    mark_in(&mut element.children, loops);
                }
                marked.push(Node::Element(element));
            }
            other => marked.push(other),
        }
    }
    *nodes = marked;
}
