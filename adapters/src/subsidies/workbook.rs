//! Reading workbooks: XLSX, XLS and ODS. The sheet is the first one with headers that are recognised.
//!
//! A workbook is a compressed archive whose texts stand apart from its cells, so it is held in memory while
//! it is read; its size is limited. Very large files are better published, and imported, as CSV.

use super::{FileFault, Record, columns::Layout, mapping::Mapping};
use calamine::{Data, DataRef, DataType, Ods, Reader, Sheets, Xls, Xlsx, XlsxError};
use std::{
    io::{Read, Seek, SeekFrom},
    vec,
};

/// The first bytes of a ZIP archive (XLSX, ODS) and of an OLE document (XLS).
const SIGNATURES: [&[u8]; 2] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"];
const LARGEST_FILE: u64 = 64 * 1024 * 1024;
const LARGEST_CONTENT: u64 = 512 * 1024 * 1024;
/// Titles and logos stand above the headers.
const ROWS_ABOVE_DATA: usize = 20;
const MOST_COLUMNS: usize = 1024;

/// Whether `source` starts like a workbook; leaves it at its start.
pub fn is_workbook(source: &mut (impl Read + Seek)) -> std::io::Result<bool> {
    source.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    source.by_ref().take(4).read_to_end(&mut head)?;
    source.seek(SeekFrom::Start(0))?;
    Ok(SIGNATURES.contains(&head.as_slice()))
}

/// Finds the sheet and its headers.
pub fn open<R>(
    source: R,
    mapping: Option<&Mapping>,
) -> Result<(Layout, vec::IntoIter<Record>), FileFault>
where
    R: Read + Seek,
{
    let mut sheets = sheets(source)?;
    let mut closest: Option<FileFault> = None;
    for name in sheets.sheet_names() {
        let mut rows = rows(&mut sheets, &name)?;
        for place in 0..rows.len().min(ROWS_ABOVE_DATA) {
            let headers = rows.get(place).map(|row| row.cells.clone());
            match Layout::recognise(headers.unwrap_or_default(), mapping) {
                Ok(layout) => {
                    let mut data = rows.split_off(place + 1);
                    for row in &mut data {
                        // Empty cells on the right are not stored; more cells than headers are a fault.
                        let width = layout.width().max(row.cells.len());
                        row.cells.resize(width, String::new());
                    }
                    return Ok((layout, data.into_iter()));
                }
                Err(fault) => closest = Some(closer(closest, fault)),
            }
        }
    }
    Err(closest.unwrap_or(FileFault::NoDelimiter))
}

/// The fault of the row that looks most like headers, since that is the one to explain.
fn closer(best: Option<FileFault>, fault: FileFault) -> FileFault {
    match best {
        Some(best) if best.recognised() >= fault.recognised() => best,
        _ => fault,
    }
}

fn sheets<R: Read + Seek>(mut source: R) -> Result<Sheets<R>, FileFault> {
    let size = source
        .seek(SeekFrom::End(0))
        .map_err(FileFault::Unreadable)?;
    source
        .seek(SeekFrom::Start(0))
        .map_err(FileFault::Unreadable)?;
    if size > LARGEST_FILE {
        return Err(FileFault::WorkbookTooLarge);
    }
    let Ok(mut archive) = zip::ZipArchive::new(&mut source) else {
        source
            .seek(SeekFrom::Start(0))
            .map_err(FileFault::Unreadable)?;
        return Xls::new(source).map(Sheets::Xls).map_err(workbook_fault);
    };
    let mut content = 0_u64;
    for place in 0..archive.len() {
        let entry = archive.by_index_raw(place).map_err(workbook_fault)?;
        content = content.saturating_add(entry.size());
    }
    let is_ods = archive.index_for_name("content.xml").is_some();
    drop(archive);
    if content > LARGEST_CONTENT {
        return Err(FileFault::WorkbookTooLarge);
    }
    source
        .seek(SeekFrom::Start(0))
        .map_err(FileFault::Unreadable)?;
    if is_ods {
        Ods::new(source).map(Sheets::Ods).map_err(workbook_fault)
    } else {
        Xlsx::new(source).map(Sheets::Xlsx).map_err(workbook_fault)
    }
}

fn workbook_fault(fault: impl std::error::Error + Send + Sync + 'static) -> FileFault {
    FileFault::Workbook(Box::new(fault))
}

fn rows<R: Read + Seek>(sheets: &mut Sheets<R>, name: &str) -> Result<Vec<Record>, FileFault> {
    let mut rows = Rows::default();
    if let Sheets::Xlsx(xlsx) = sheets {
        // Cell by cell: one stray cell at the far corner of a sheet must not allocate the rectangle.
        let mut cells = match xlsx.worksheet_cells_reader(name) {
            Err(XlsxError::NotAWorksheet(_)) => return Ok(rows.0), // such as a sheet of charts
            cells => cells.map_err(workbook_fault)?,
        };
        while let Some(cell) = cells.next_cell().map_err(workbook_fault)? {
            let (row, column) = cell.get_position();
            rows.put(row, column, text_of_ref(cell.get_value()));
        }
        return Ok(rows.0);
    }
    let range = sheets.worksheet_range(name).map_err(workbook_fault)?;
    let (top, left) = range.start().unwrap_or_default();
    for (row, column, value) in range.used_cells() {
        let place =
            |start: u32, offset: usize| start + u32::try_from(offset).unwrap_or(u32::MAX / 2);
        rows.put(place(top, row), place(left, column), text(value));
    }
    Ok(rows.0)
}

/// The rows that hold something, with their number on the sheet.
#[derive(Default)]
struct Rows(Vec<Record>);

impl Rows {
    fn put(&mut self, row: u32, column: u32, text: String) {
        // A cell far to the right makes its row too wide, which is told, at little cost.
        let (line, column) = (u64::from(row) + 1, (column as usize).min(MOST_COLUMNS));
        if text.is_empty() {
            return;
        }
        if self.0.last().is_none_or(|last| last.line != line) {
            self.0.push(Record {
                line,
                cells: Vec::new(),
                unclosed_quote: false,
            });
        }
        if let Some(last) = self.0.last_mut() {
            let width = last.cells.len().max(column + 1);
            last.cells.resize(width, String::new());
            if let Some(cell) = last.cells.get_mut(column) {
                *cell = text;
            }
        }
    }
}

fn text_of_ref(value: &DataRef<'_>) -> String {
    match value {
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::String(text) => text.clone(),
        other => text(&Data::from(other.clone())),
    }
}

fn text(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::String(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => decimal(*number),
        Data::Bool(true) => "oui".to_owned(),
        Data::Bool(false) => "non".to_owned(),
        Data::DateTime(_) | Data::DateTimeIso(_) => value
            .as_datetime()
            .map_or_else(|| value.to_string(), |at| at.to_string())
            .trim_end_matches(" 00:00:00") // a day is stored as its midnight, except in ODS
            .to_owned(),
        Data::Error(error) => error.to_string(),
    }
}

/// A number as the spreadsheet itself shows it, with at most fifteen significant digits: what binary
/// fractions add behind them (`0.30000000000000004`) was never typed by anyone.
fn decimal(number: f64) -> String {
    let shown = format!("{number:.14e}").parse().unwrap_or(number);
    f64::to_string(&shown)
}
