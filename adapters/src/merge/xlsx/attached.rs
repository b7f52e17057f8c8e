//! The parts that a sheet refers to, which name its cells too: tables, drawings, charts, notes.

use super::{NewParts, Relationship, Workbook, document, list, list_of, pictures, tables::Tables};
use crate::merge::{
    sheet::{
        address::{LAST_COLUMN, LAST_ROW, Syntax, cell, cell_name},
        axis::Axis,
        book::{Book, Here},
        grid::Grid,
        text,
    },
    xml::{Element, Node},
};

const SPREADSHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.";

/// Writes the parts around the sheets of one document.
pub(super) struct Attached<'a, 'b> {
    pub(super) workbook: &'a Workbook,
    pub(super) book: &'a Book,
    pub(super) parts: &'a mut NewParts<'b>,
    pub(super) tables: Tables,
    /// The pictures of the sheet being written, until its drawing is.
    pub(super) pictures: Option<Element>,
}

/// A part that has to be written, and how its content type is called.
enum Kind {
    Table,
    Drawing,
    Chart,
    Comments,
    Vml,
    Threads,
}

/// Whether a part is there for the one that refers to it only.
pub(super) fn is_own(relationship: &Relationship) -> bool {
    Kind::of(relationship).is_some()
}

impl Kind {
    fn of(relationship: &Relationship) -> Option<Self> {
        if relationship.outside {
            return None;
        }
        Some(match relationship.kind.rsplit('/').next()? {
            "table" => Self::Table,
            "drawing" => Self::Drawing,
            "chart" => Self::Chart,
            "comments" => Self::Comments,
            "vmlDrawing" => Self::Vml,
            "threadedComment" => Self::Threads,
            _ => return None,
        })
    }

    fn media_type(&self) -> String {
        match self {
            Self::Table => format!("{SPREADSHEET}table+xml"),
            Self::Comments => format!("{SPREADSHEET}comments+xml"),
            Self::Drawing => "application/vnd.openxmlformats-officedocument.drawing+xml".into(),
            Self::Chart => {
                "application/vnd.openxmlformats-officedocument.drawingml.chart+xml".into()
            }
            Self::Vml => "application/vnd.openxmlformats-officedocument.vmlDrawing".into(),
            Self::Threads => "application/vnd.ms-excel.threadedcomments+xml".into(),
        }
    }
}

impl Attached<'_, '_> {
    /// Writes what the part `source` refers to for the sheet of rank `sheet`; `target` is the part's name in
    /// the document. `root` is the sheet itself, when it is the source: tables repeat its titles.
    pub(super) fn write(
        &mut self,
        source: &str,
        target: &str,
        sheet: usize,
        root: Option<&Element>,
    ) {
        let relationships = self.workbook.relationships(source);
        self.write_all(relationships, (source, target), sheet, root, false);
    }

    /// The same with these relationships, which are `more` than those of the template.
    fn write_all(
        &mut self,
        mut relationships: Vec<Relationship>,
        (source, target): (&str, &str),
        sheet: usize,
        root: Option<&Element>,
        more: bool,
    ) {
        let copy = source != target;
        for one in &mut relationships {
            let Some(kind) = Kind::of(one) else { continue };
            let Some(mut part) = self.workbook.root(&one.target) else {
                continue;
            };
            let mover = Mover {
                book: self.book,
                sheet,
            };
            let mut images = Vec::new();
            match kind {
                Kind::Table => self.tables.write(&mut part, &mover, root),
                Kind::Drawing => {
                    mover.anchors(&mut part);
                    if let Some(rendered) = self.pictures.take() {
                        images = pictures::put_back(&mut part, rendered);
                    }
                }
                Kind::Chart => mover.chart(&mut part),
                Kind::Comments | Kind::Threads => mover.notes(&mut part),
                Kind::Vml => mover.shapes(&mut part),
            }
            let text = document(part);
            let from = one.target.clone();
            if copy {
                one.target = self.parts.add(&from, text, &kind.media_type());
            } else {
                self.parts.changes.replace(from.clone(), text.into_bytes());
            }
            let inner = one.target.clone();
            let more = !images.is_empty();
            images.splice(0..0, self.workbook.relationships(&from));
            self.write_all(images, (&from, &inner), sheet, None, more);
        }
        if more || copy && !relationships.is_empty() {
            let text = list(&relationships);
            self.parts
                .changes
                .replace(list_of(target), text.into_bytes());
        }
    }
}

/// Moves what names cells of one sheet.
pub(super) struct Mover<'a> {
    book: &'a Book,
    sheet: usize,
}

impl Mover<'_> {
    pub(super) fn grid(&self) -> &Grid {
        &self.book.sheets[self.sheet].grid
    }

    fn here(&self) -> Here {
        Here {
            sheet: self.sheet,
            ..Here::default()
        }
    }

    pub(super) fn formula(&self, formula: &str) -> String {
        self.book.formula(formula, Syntax::Ooxml, self.here())
    }

    /// Where a cell of the template is first written.
    fn first(&self, name: &str) -> Option<(usize, usize)> {
        let (row, column) = cell(name)?;
        let row = self.grid().rows().one(row, None, false)?;
        Some((row, self.grid().columns().one(column, None, false)?))
    }

    /// A note stays with the first copy of its cell, or goes with it.
    fn notes(&self, root: &mut Element) {
        for child in &mut root.children {
            if let Node::Element(list) = child
                && list.name == "commentList"
            {
                self.notes(list);
            }
        }
        root.children.retain_mut(|child| {
            let Node::Element(note) = child else {
                return true;
            };
            let Some(name) = note.attribute("ref") else {
                return true;
            };
            match self.first(name) {
                Some((row, column)) => {
                    note.set_attribute("ref", &cell_name(row, column));
                    true
                }
                None => false,
            }
        });
    }

    /// The boxes of notes, which say their cells, from 0, and their corners.
    fn shapes(&self, root: &mut Element) {
        root.children.retain_mut(|child| match child {
            Node::Element(shape) if shape.name == "v:shape" => self.shape(shape),
            _ => true,
        });
    }

    fn shape(&self, shape: &mut Element) -> bool {
        let data = shape.children.iter_mut().find_map(|child| match child {
            Node::Element(child) if child.name == "x:ClientData" => Some(child),
            _ => None,
        });
        let Some(data) = data else { return true };
        let value = |name: &str| -> Option<usize> {
            let found = data.elements().find(|child| child.name == name)?;
            text(found).trim().parse().ok()
        };
        let (Some(row), Some(column)) = (value("x:Row"), value("x:Column")) else {
            return true;
        };
        let Some((new_row, new_column)) = self.first(&cell_name(row + 1, column + 1)) else {
            return false;
        };
        for child in &mut data.children {
            let Node::Element(child) = child else {
                continue;
            };
            let moved = match child.name.as_str() {
                "x:Row" => (new_row - 1).to_string(),
                "x:Column" => (new_column - 1).to_string(),
                "x:Anchor" => anchor(
                    &text(child),
                    new_row.cast_signed() - 1 - row.cast_signed(),
                    new_column.cast_signed() - 1 - column.cast_signed(),
                ),
                _ => continue,
            };
            child.children = vec![Node::Text(moved)];
        }
        true
    }

    /// Pictures and charts stay with the cells that they were put over.
    fn anchors(&self, root: &mut Element) {
        for child in &mut root.children {
            let Node::Element(anchor) = child else {
                continue;
            };
            for corner in &mut anchor.children {
                let Node::Element(corner) = corner else {
                    continue;
                };
                let end = corner.name == "xdr:to";
                if !end && corner.name != "xdr:from" {
                    continue;
                }
                for line in &mut corner.children {
                    let Node::Element(line) = line else { continue };
                    let (axis, last) = match line.name.as_str() {
                        "xdr:row" => (self.grid().rows(), LAST_ROW),
                        "xdr:col" => (self.grid().columns(), LAST_COLUMN),
                        _ => continue,
                    };
                    let Ok(at) = text(line).trim().parse::<usize>() else {
                        continue;
                    };
                    let moved = nearest(axis, at + 1, end).min(last) - 1;
                    line.children = vec![Node::Text(moved.to_string())];
                }
            }
        }
    }

    /// A chart reads its numbers from the cells again.
    fn chart(&self, element: &mut Element) {
        element.children.retain(|child| {
            !matches!(child, Node::Element(child)
                if ["c:numCache", "c:strCache", "c:multiLvlStrCache"].contains(&child.name.as_str()))
        });
        for child in &mut element.children {
            let Node::Element(child) = child else {
                continue;
            };
            if child.name == "c:f" {
                let moved = self.formula(&text(child));
                child.children = vec![Node::Text(moved)];
            } else {
                self.chart(child);
            }
        }
    }
}

/// The line where the template's line went, or the nearest before it.
fn nearest(axis: &Axis, line: usize, end: bool) -> usize {
    let ends = |line: usize| axis.range((line, false), (line, false), None);
    let found = (1..=line).rev().find_map(ends);
    found.map_or(line, |(first, last)| if end { last } else { first })
}

/// Left column, its offset, top row, its offset, right column, its offset, bottom row, its offset.
fn anchor(corners: &str, rows: isize, columns: isize) -> String {
    let numbers = corners.split(',').enumerate().map(|(at, number)| {
        let by = match at {
            0 | 4 => columns,
            2 | 6 => rows,
            _ => 0,
        };
        match number.trim().parse::<usize>() {
            Ok(number) => number.saturating_add_signed(by).to_string(),
            Err(_) => number.trim().to_owned(),
        }
    });
    numbers.collect::<Vec<_>>().join(", ")
}
