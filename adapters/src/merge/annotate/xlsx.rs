//! Comments in XLSX: the list of a sheet's comments, and the drawing (VML) without which Excel shows none.

use super::{
    AUTHOR, is_ours,
    outline::{Edits, Outline, escaped},
    package::{Package, relationships},
    words,
};
use crate::merge::sheet::address::letters;
use navette_domain::ports::TemplateFault;
use std::fmt::Write as _;

const WORKBOOK: &str = "xl/workbook.xml";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const COMMENTS_TYPE: &str =
    "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml";
const DRAWING_TYPE: &str = "application/vnd.openxmlformats-officedocument.vmlDrawing";

/// What comes after `legacyDrawing` in a sheet.
const AFTER_DRAWING: [&str; 8] = [
    "legacyDrawingHF",
    "drawingHF",
    "picture",
    "oleObjects",
    "controls",
    "webPublishItems",
    "tableParts",
    "extLst",
];

/// Writes the comments, each in its cell, which has one at most.
pub(super) fn annotate(package: &mut Package<'_>, faults: &[TemplateFault]) -> Option<()> {
    let sheets = sheets(package)?;
    let mut done = None;
    for (position, (title, entry)) in sheets.iter().enumerate() {
        let mut cells: Vec<(Cell, Vec<String>)> = Vec::new();
        for fault in faults {
            let Some(sheet) = &fault.place.sheet else {
                continue;
            };
            if sheet != title {
                continue;
            }
            let cell = fault.place.cell.as_deref().and_then(Cell::parse);
            let text = words(fault, cell.is_some());
            let cell = cell.unwrap_or(Cell { column: 0, row: 0 });
            match cells.iter_mut().find(|(known, _)| *known == cell) {
                Some((_, texts)) => texts.push(text),
                None => cells.push((cell, vec![text])),
            }
        }
        if !cells.is_empty() {
            annotate_sheet(package, entry, position + 1, &cells)?;
            done = Some(());
        }
    }
    done
}

/// The sheets: their names and entries.
fn sheets(package: &mut Package<'_>) -> Option<Vec<(String, String)>> {
    let entries = relationships::of(package, WORKBOOK, "worksheet");
    let workbook = package.read(WORKBOOK)?;
    let outline = Outline::of(&workbook)?;
    let sheets = outline.named("sheet").filter_map(|sheet| {
        let id = outline.attribute(sheet, "r:id")?;
        let (_, entry) = entries.iter().find(|(known, _)| *known == id)?;
        Some((outline.attribute(sheet, "name")?, entry.clone()))
    });
    Some(sheets.collect())
}

/// A cell, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    column: usize,
    row: usize,
}

impl Cell {
    fn parse(name: &str) -> Option<Self> {
        let digits = name.find(|c: char| c.is_ascii_digit())?;
        let (letters, row) = name.split_at(digits);
        let column = letters.bytes().try_fold(0_usize, |column, letter| {
            let place = letter
                .is_ascii_uppercase()
                .then(|| usize::from(letter - b'A') + 1)?;
            column.checked_mul(26)?.checked_add(place)
        })?;
        Some(Self {
            column: column.checked_sub(1)?,
            row: row.parse::<usize>().ok()?.checked_sub(1)?,
        })
    }

    fn name(self) -> String {
        format!("{}{}", letters(self.column + 1), self.row + 1)
    }
}

fn annotate_sheet(
    package: &mut Package<'_>,
    sheet: &str,
    number: usize,
    cells: &[(Cell, Vec<String>)],
) -> Option<()> {
    let comments = match relationships::of(package, sheet, "comments").pop() {
        Some((_, entry)) => entry,
        None => new_list(package, sheet, number)?,
    };
    let drawing = match relationships::of(package, sheet, "vmlDrawing").pop() {
        Some((_, entry)) => entry,
        None => new_drawing(package, sheet, number)?,
    };
    let text = package.read(&comments)?;
    let outline = Outline::of(&text)?;
    let mut edits = Edits::default();
    let authors = outline.named("authors").next()?;
    let author = outline.named("author").count();
    edits.append(
        &outline.spans[authors],
        &format!("<author>{AUTHOR}</author>"),
    );
    let (mut listed, mut shapes) = (String::new(), String::new());
    for (cell, texts) in cells {
        let name = cell.name();
        let runs = format!(
            "<r><t xml:space=\"preserve\">{}</t></r>",
            escaped(&texts.join("\n")).replace("&#10;", "\n")
        );
        let existing = outline
            .named("comment")
            .find(|comment| outline.attribute(*comment, "ref").as_deref() == Some(name.as_str()));
        let existing_text = existing.and_then(|comment| {
            outline
                .named("text")
                .find(|text| outline.spans[*text].parent == Some(comment))
        });
        if let Some(at) = existing_text {
            let apart = "<r><t xml:space=\"preserve\">\n</t></r>";
            edits.append(&outline.spans[at], &format!("{apart}{runs}"));
        } else {
            let _ = write!(
                listed,
                "<comment ref=\"{name}\" authorId=\"{author}\"><text>{runs}</text></comment>"
            );
            shapes.push_str(&shape(*cell, number));
        }
    }
    let list = outline.named("commentList").next()?;
    if !listed.is_empty() {
        edits.append(&outline.spans[list], &listed);
    }
    package.change(&comments, edits.apply(&text));
    let mut vml = package.read(&drawing)?;
    vml.insert_str(vml.rfind("</xml>")?, &shapes);
    package.change(&drawing, vml);
    Some(())
}

fn new_list(package: &mut Package<'_>, sheet: &str, number: usize) -> Option<String> {
    let entry = format!("xl/comments_navette{number}.xml");
    relationships::add(package, sheet, "comments", &entry)?;
    relationships::declare(
        package,
        &format!("Override PartName=\"/{entry}\""),
        COMMENTS_TYPE,
    )?;
    package.change(
        &entry,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<comments \
             xmlns=\"{MAIN}\"><authors/><commentList/></comments>"
        ),
    );
    Some(entry)
}

fn new_drawing(package: &mut Package<'_>, sheet: &str, number: usize) -> Option<String> {
    let entry = format!("xl/drawings/vmlDrawing_navette{number}.vml");
    let id = relationships::add(package, sheet, "vmlDrawing", &entry)?;
    relationships::declare(package, "Default Extension=\"vml\"", DRAWING_TYPE)?;
    package.change(
        &entry,
        "<xml xmlns:v=\"urn:schemas-microsoft-com:vml\" \
         xmlns:o=\"urn:schemas-microsoft-com:office:office\" \
         xmlns:x=\"urn:schemas-microsoft-com:office:excel\"><v:shapetype id=\"_x0000_t202\" \
         coordsize=\"21600,21600\" o:spt=\"202\" path=\"m,l,21600r21600,l21600,xe\"><v:stroke \
         joinstyle=\"miter\"/><v:path gradientshapeok=\"t\" o:connecttype=\"rect\"/></v:shapetype></xml>"
            .into(),
    );
    let text = package.read(sheet)?;
    let outline = Outline::of(&text)?;
    let root = outline.spans.first()?;
    let next = outline
        .spans
        .iter()
        .find(|span| span.parent == Some(0) && AFTER_DRAWING.contains(&span.name.as_str()));
    let mut edits = Edits::default();
    edits.insert(
        next.map_or(root.inside.end, |next| next.whole.start),
        format!("<legacyDrawing xmlns:r=\"{RELATIONSHIPS}\" r:id=\"{id}\"/>"),
    );
    package.change(sheet, edits.apply(&text));
    Some(entry)
}

/// The box of a comment, hidden until its cell is pointed at.
fn shape(cell: Cell, number: usize) -> String {
    let Cell { column, row } = cell;
    format!(
        "<v:shape id=\"_navette_{number}_{column}_{row}\" type=\"#_x0000_t202\" \
         style=\"position:absolute;width:220pt;height:80pt;z-index:1;visibility:hidden\" \
         fillcolor=\"#ffffe1\" o:insetmode=\"auto\"><v:fill color2=\"#ffffe1\"/><v:shadow \
         color=\"black\" obscured=\"t\"/><v:path o:connecttype=\"none\"/><v:textbox \
         style=\"mso-direction-alt:auto\"/><x:ClientData ObjectType=\"Note\"><x:MoveWithCells/>\
         <x:SizeWithCells/><x:Anchor>{}, 15, {row}, 2, {}, 15, {}, 4</x:Anchor><x:AutoFill>False\
         </x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>",
        column + 1,
        column + 4,
        row + 5,
    )
}

/// Takes our comments out, with their boxes.
pub(super) fn clean(package: &mut Package<'_>) -> Option<()> {
    let mut done = None;
    for (_, sheet) in sheets(package)? {
        for (_, comments) in relationships::of(package, &sheet, "comments") {
            let Some(gone) = clean_list(package, &comments) else {
                continue;
            };
            done = Some(());
            for (_, drawing) in relationships::of(package, &sheet, "vmlDrawing") {
                clean_drawing(package, &drawing, &gone);
            }
        }
    }
    done
}

/// Takes our comments out of a list; answers the cells that have none left. What we added to somebody
/// else's comment goes alone.
fn clean_list(package: &mut Package<'_>, entry: &str) -> Option<Vec<Cell>> {
    let text = package.read(entry)?;
    if !text.contains(AUTHOR) {
        return None;
    }
    let outline = Outline::of(&text)?;
    let mut edits = Edits::default();
    let mut gone = Vec::new();
    for comment in outline.named("comment") {
        let runs = outline.inside(comment, "r");
        let ours = |index: &usize| is_ours(&outline.text_of(*index));
        if ours(&comment) {
            edits.remove(outline.spans[comment].whole.clone());
            gone.extend(
                outline
                    .attribute(comment, "ref")
                    .as_deref()
                    .and_then(Cell::parse),
            );
        } else {
            for run in runs.into_iter().filter(ours) {
                edits.remove(outline.spans[run].whole.clone());
            }
        }
    }
    if edits.is_empty() {
        return None;
    }
    package.change(entry, edits.apply(&text));
    Some(gone)
}

fn clean_drawing(package: &mut Package<'_>, entry: &str, gone: &[Cell]) -> Option<()> {
    let text = package.read(entry)?;
    let outline = Outline::of(&text)?;
    let mut edits = Edits::default();
    for shape in outline.named("v:shape") {
        let number = |name: &str| -> Option<usize> {
            let found = outline.inside(shape, name);
            outline.text_of(*found.first()?).trim().parse().ok()
        };
        let cell = number("x:Row").zip(number("x:Column"));
        if cell.is_some_and(|(row, column)| gone.contains(&Cell { column, row })) {
            edits.remove(outline.spans[shape].whole.clone());
        }
    }
    package.change(entry, edits.apply(&text));
    Some(())
}
