//! Workbooks of Excel, written row by row: texts stay in their cells, and what depends on the number of
//! sheets comes last.

use super::{
    Cells, EncodeFault, Encoder, MOST_ROWS, PART_LIMIT, SHEET,
    markup::{self, Illegal},
    value::{Value, fits_a_sheet},
    zip::Zip,
};
use navette_domain::export::{Heading, Kind};
use std::fmt::Write as _;
use std::io::Write as _;

/// The longest text that a cell of Excel holds, in UTF-16 units.
const LONGEST_TEXT: usize = 32_767;
/// What is gathered before it is compressed.
const BATCH: usize = 32 * 1024;

const CONTENT: &str = "http://schemas.openxmlformats.org/package/2006/content-types";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const TYPES: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// The looks of cells, in the order in which `style` numbers them.
const STYLES: &str = "<numFmts count=\"3\">\
    <numFmt numFmtId=\"164\" formatCode=\"#,##0.00\\ &quot;€&quot;\"/>\
    <numFmt numFmtId=\"165\" formatCode=\"dd/mm/yyyy\"/>\
    <numFmt numFmtId=\"166\" formatCode=\"dd/mm/yyyy\\ hh:mm:ss\"/></numFmts>\
    <fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font>\
    <font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
    <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>\
    <fill><patternFill patternType=\"gray125\"/></fill></fills>\
    <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf/></cellStyleXfs>\
    <cellXfs count=\"7\"><xf/><xf fontId=\"1\" applyFont=\"1\"/>\
    <xf numFmtId=\"49\" applyNumberFormat=\"1\"/><xf numFmtId=\"1\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"164\" applyNumberFormat=\"1\"/><xf numFmtId=\"165\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"166\" applyNumberFormat=\"1\"/></cellXfs>\
    <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles>";

/// See the module.
pub struct Xlsx {
    headings: Vec<Heading>,
    zip: Zip,
    xml: Vec<u8>,
    /// The rows of each sheet, its heading included.
    sheets: Vec<u32>,
    most_rows: u32,
}

impl Xlsx {
    /// A workbook of these columns.
    pub fn new(headings: Vec<Heading>) -> Self {
        Self::of_sheets(headings, MOST_ROWS)
    }

    /// The same, whose sheets have at most so many rows.
    pub(super) fn of_sheets(headings: Vec<Heading>, most_rows: u32) -> Self {
        Self {
            headings,
            zip: Zip::default(),
            xml: vec![],
            sheets: vec![],
            most_rows,
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        self.zip.write(&self.xml, out)?;
        self.xml.clear();
        Ok(())
    }

    fn open_sheet(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        self.sheets.push(1);
        let number = u32::try_from(self.sheets.len()).unwrap_or(u32::MAX);
        self.zip.open("xl/worksheets/sheet{}.xml", number, out)?;
        let selected = if number == 1 {
            " tabSelected=\"1\""
        } else {
            ""
        };
        let _ = write!(
            self.xml,
            "{DECLARATION}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView{selected} workbookViewId=\"0\">\
             <pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>\
             </sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/><cols>"
        );
        for (n, heading) in self.headings.iter().enumerate() {
            let (n, width) = (n + 1, width(heading));
            let _ = write!(
                self.xml,
                "<col min=\"{n}\" max=\"{n}\" width=\"{width}\" customWidth=\"1\"/>"
            );
        }
        self.xml.extend_from_slice(b"</cols><sheetData><row>");
        for heading in &self.headings {
            text(&heading.title, 1, &mut self.xml);
        }
        self.xml.extend_from_slice(b"</row>");
        Ok(())
    }

    fn close_sheet(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        let rows = self.sheets.last().copied().unwrap_or(1);
        let last = column_letters(self.headings.len());
        let _ = write!(
            self.xml,
            "</sheetData><autoFilter ref=\"A1:{last}{rows}\"/></worksheet>"
        );
        self.flush(out)?;
        self.zip.close(out)
    }

    /// The parts that name every sheet.
    fn index(&self) -> [(&'static str, String); 3] {
        let mut types = format!(
            "{DECLARATION}<Types xmlns=\"{CONTENT}\">\
             <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
             <Override PartName=\"/xl/workbook.xml\" ContentType=\"{TYPES}.sheet.main+xml\"/>\
             <Override PartName=\"/xl/styles.xml\" ContentType=\"{TYPES}.styles+xml\"/>"
        );
        let mut relations = format!(
            "{DECLARATION}<Relationships xmlns=\"{PACKAGE}\">\
             <Relationship Id=\"rId0\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/>"
        );
        let mut sheets = String::new();
        let mut names = String::new();
        let last = column_letters(self.headings.len());
        for (n, rows) in self.sheets.iter().enumerate() {
            let (number, name) = (n + 1, sheet_name(n));
            let _ = write!(
                types,
                "<Override PartName=\"/xl/worksheets/sheet{number}.xml\" ContentType=\"{TYPES}.worksheet+xml\"/>"
            );
            let _ = write!(
                relations,
                "<Relationship Id=\"rId{number}\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>"
            );
            let _ = write!(
                sheets,
                "<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>"
            );
            let _ = write!(
                names,
                "<definedName name=\"_xlnm._FilterDatabase\" localSheetId=\"{n}\" hidden=\"1\">\
                 '{name}'!$A$1:${last}${rows}</definedName>"
            );
        }
        types.push_str("</Types>");
        relations.push_str("</Relationships>");
        let workbook = format!(
            "{DECLARATION}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><bookViews><workbookView/></bookViews>\
             <sheets>{sheets}</sheets><definedNames>{names}</definedNames></workbook>"
        );
        [
            ("xl/workbook.xml", workbook),
            ("xl/_rels/workbook.xml.rels", relations),
            ("[Content_Types].xml", types),
        ]
    }
}

impl Encoder for Xlsx {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        let relations = format!(
            "{DECLARATION}<Relationships xmlns=\"{PACKAGE}\">\
             <Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        );
        let styles = format!("{DECLARATION}<styleSheet xmlns=\"{MAIN}\">{STYLES}</styleSheet>");
        self.zip.pack("_rels/.rels", relations.as_bytes(), out)?;
        self.zip.pack("xl/styles.xml", styles.as_bytes(), out)?;
        self.open_sheet(out)
    }

    fn row(&mut self, cells: &Cells, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        let full = self
            .sheets
            .last()
            .is_some_and(|rows| *rows >= self.most_rows);
        if full || self.zip.part_size() > PART_LIMIT {
            self.close_sheet(out)?;
            self.open_sheet(out)?;
        }
        if let Some(rows) = self.sheets.last_mut() {
            *rows += 1;
        }
        self.xml.extend_from_slice(b"<row>");
        for (heading, cell) in self.headings.iter().zip(cells.iter()) {
            cell_of(heading.kind, cell, &mut self.xml);
        }
        self.xml.extend_from_slice(b"</row>");
        if self.xml.len() >= BATCH {
            self.flush(out)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        self.close_sheet(out)?;
        for (name, part) in self.index() {
            self.zip.pack(name, part.as_bytes(), out)?;
        }
        self.zip.finish(out)
    }
}

fn cell_of(kind: Kind, cell: Option<&str>, xml: &mut Vec<u8>) {
    match Value::read(kind, cell) {
        Value::Empty => xml.extend_from_slice(b"<c/>"),
        Value::Integer(digits) if fits_a_sheet(digits) => {
            number(b'3', |xml| xml.extend_from_slice(digits.as_bytes()), xml);
        }
        Value::Amount(amount) if amount.fits_a_sheet() => {
            number(b'4', |xml| amount.write(b'.', xml), xml);
        }
        Value::Date(day) => match day.serial() {
            Some(serial) => number(
                b'5',
                |xml| {
                    let _ = write!(xml, "{serial}");
                },
                xml,
            ),
            None => text(day.iso(), 2, xml),
        },
        Value::Timestamp(moment) if moment.day().serial().is_some() => number(
            b'6',
            |xml| {
                moment.write_serial(xml);
            },
            xml,
        ),
        Value::Boolean(true) => xml.extend_from_slice(b"<c t=\"b\"><v>1</v></c>"),
        Value::Boolean(false) => xml.extend_from_slice(b"<c t=\"b\"><v>0</v></c>"),
        // What a number of the sheet would not hold exactly stays the text it is.
        Value::Text(_) | Value::Integer(_) | Value::Amount(_) | Value::Timestamp(_) => {
            text(cell.unwrap_or_default(), 2, xml);
        }
    }
}

fn number(style: u8, digits: impl FnOnce(&mut Vec<u8>), xml: &mut Vec<u8>) {
    xml.extend_from_slice(&[b'<', b'c', b' ', b's', b'=', b'"', style]);
    xml.extend_from_slice(b"\"><v>");
    digits(xml);
    xml.extend_from_slice(b"</v></c>");
}

fn text(said: &str, style: u8, xml: &mut Vec<u8>) {
    xml.extend_from_slice(b"<c s=\"");
    xml.push(b'0' + style);
    xml.extend_from_slice(b"\" t=\"inlineStr\"><is><t");
    let edge = |c: Option<char>| c.is_some_and(char::is_whitespace);
    if edge(said.chars().next()) || edge(said.chars().next_back()) {
        xml.extend_from_slice(b" xml:space=\"preserve\"");
    }
    xml.push(b'>');
    let short = shortened(said);
    markup::text(short.unwrap_or(said), Illegal::Escaped, xml);
    if short.is_some() {
        xml.extend_from_slice("…".as_bytes());
    }
    xml.extend_from_slice(b"</t></is></c>");
}

/// The beginning of a text that is too long for a cell; none for one that fits.
fn shortened(said: &str) -> Option<&str> {
    if said.len() <= LONGEST_TEXT || said.encode_utf16().count() <= LONGEST_TEXT {
        return None;
    }
    let mut units = 0;
    let end = said
        .char_indices()
        .find(|(_, c)| {
            units += c.len_utf16();
            units >= LONGEST_TEXT
        })
        .map_or(said.len(), |(at, _)| at);
    said.get(..end)
}

fn sheet_name(n: usize) -> String {
    match n {
        0 => SHEET.to_owned(),
        n => format!("{SHEET} {}", n + 1),
    }
}

/// The width of a column, in characters.
fn width(heading: &Heading) -> usize {
    let least = match heading.kind {
        Kind::Text => 24,
        Kind::Integer | Kind::Boolean => 9,
        Kind::Amount => 16,
        Kind::Date => 12,
        Kind::Timestamp => 20,
    };
    // Room for the arrow of the filter.
    (heading.title.chars().count() + 3).clamp(least, 60)
}

/// The letters of the `count`th column: 27 is `AA`.
pub(super) fn column_letters(count: usize) -> String {
    let mut letters = vec![];
    let mut rest = count;
    while rest > 0 {
        let digit = u8::try_from((rest - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + digit));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}
