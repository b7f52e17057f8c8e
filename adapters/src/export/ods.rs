//! Workbooks of LibreOffice, written row by row: what depends on the number of rows comes last.

use super::{
    Cells, EncodeFault, Encoder, MOST_ROWS, SHEET,
    markup::{self, Illegal},
    value::{Value, fits_a_sheet},
    xlsx::column_letters,
    zip::Zip,
};
use navette_domain::export::{Heading, Kind};
use std::fmt::Write as _;
use std::io::Write as _;

const BATCH: usize = 32 * 1024;
const MIME: &str = "application/vnd.oasis.opendocument.spreadsheet";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const OASIS: &str = "urn:oasis:names:tc:opendocument:xmlns";

/// The looks of cells: each style is named after what it is for.
const STYLES: &str = "<number:currency-style style:name=\"Namount\"><number:number number:decimal-places=\"2\" \
    number:min-integer-digits=\"1\" number:grouping=\"true\"/><number:text> </number:text>\
    <number:currency-symbol number:language=\"fr\" number:country=\"FR\">€</number:currency-symbol></number:currency-style>\
    <number:date-style style:name=\"Ndate\"><number:day number:style=\"long\"/><number:text>/</number:text>\
    <number:month number:style=\"long\"/><number:text>/</number:text><number:year number:style=\"long\"/></number:date-style>\
    <number:date-style style:name=\"Ntime\"><number:day number:style=\"long\"/><number:text>/</number:text>\
    <number:month number:style=\"long\"/><number:text>/</number:text><number:year number:style=\"long\"/>\
    <number:text> </number:text><number:hours number:style=\"long\"/><number:text>:</number:text>\
    <number:minutes number:style=\"long\"/><number:text>:</number:text><number:seconds number:style=\"long\"/></number:date-style>\
    <number:number-style style:name=\"Ninteger\"><number:number number:decimal-places=\"0\" number:min-integer-digits=\"1\"/></number:number-style>\
    <number:boolean-style style:name=\"Nboolean\"><number:boolean/></number:boolean-style>\
    <number:text-style style:name=\"Ntext\"><number:text-content/></number:text-style>\
    <style:style style:name=\"heading\" style:family=\"table-cell\"><style:text-properties fo:font-weight=\"bold\"/></style:style>";

/// See the module.
pub struct Ods {
    headings: Vec<Heading>,
    zip: Zip,
    xml: Vec<u8>,
    /// The rows of each sheet, its heading included.
    sheets: Vec<u32>,
    most_rows: u32,
}

impl Ods {
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

    fn open_sheet(&mut self) {
        let name = sheet_name(self.sheets.len());
        self.sheets.push(1);
        let _ = write!(self.xml, "<table:table table:name=\"{name}\">");
        for heading in &self.headings {
            let (kind, width) = (style(heading.kind), width_style(heading.kind));
            let _ = write!(
                self.xml,
                "<table:table-column table:style-name=\"{width}\" table:default-cell-style-name=\"{kind}\"/>"
            );
        }
        self.xml
            .extend_from_slice(b"<table:table-header-rows><table:table-row>");
        for heading in &self.headings {
            text(
                &heading.title,
                " table:style-name=\"heading\"",
                &mut self.xml,
            );
        }
        self.xml
            .extend_from_slice(b"</table:table-row></table:table-header-rows>");
    }

    fn settings(&self) -> String {
        let item = |name: &str, kind: &str, value: &str| {
            format!(
                "<config:config-item config:name=\"{name}\" config:type=\"{kind}\">{value}</config:config-item>"
            )
        };
        let frozen = item("VerticalSplitMode", "short", "2")
            + &item("VerticalSplitPosition", "int", "1")
            + &item("ActiveSplitRange", "short", "2")
            + &item("PositionBottom", "int", "1");
        let sheets = (0..self.sheets.len()).fold(String::new(), |mut sheets, n| {
            let name = sheet_name(n);
            let _ = write!(
                sheets,
                "<config:config-item-map-entry config:name=\"{name}\">{frozen}</config:config-item-map-entry>"
            );
            sheets
        });
        let view = item("ViewId", "string", "view1") + &item("ActiveTable", "string", SHEET);
        format!(
            "{DECLARATION}<office:document-settings xmlns:office=\"{OASIS}:office:1.0\" \
             xmlns:config=\"{OASIS}:config:1.0\" office:version=\"1.3\"><office:settings>\
             <config:config-item-set config:name=\"ooo:view-settings\">\
             <config:config-item-map-indexed config:name=\"Views\"><config:config-item-map-entry>{view}\
             <config:config-item-map-named config:name=\"Tables\">{sheets}</config:config-item-map-named>\
             </config:config-item-map-entry></config:config-item-map-indexed></config:config-item-set>\
             </office:settings></office:document-settings>"
        )
    }
}

impl Encoder for Ods {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        let manifest = format!(
            "{DECLARATION}<manifest:manifest xmlns:manifest=\"{OASIS}:manifest:1.0\" manifest:version=\"1.3\">\
             <manifest:file-entry manifest:full-path=\"/\" manifest:version=\"1.3\" manifest:media-type=\"{MIME}\"/>\
             <manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/>\
             <manifest:file-entry manifest:full-path=\"settings.xml\" manifest:media-type=\"text/xml\"/>\
             </manifest:manifest>"
        );
        self.zip.store("mimetype", MIME.as_bytes(), out)?;
        self.zip
            .pack("META-INF/manifest.xml", manifest.as_bytes(), out)?;
        self.zip.open("content.xml", 0, out)?;
        let _ = write!(
            self.xml,
            "{DECLARATION}<office:document-content xmlns:office=\"{OASIS}:office:1.0\" \
             xmlns:style=\"{OASIS}:style:1.0\" xmlns:table=\"{OASIS}:table:1.0\" xmlns:text=\"{OASIS}:text:1.0\" \
             xmlns:number=\"{OASIS}:datastyle:1.0\" xmlns:fo=\"{OASIS}:xsl-fo-compatible:1.0\" \
             office:version=\"1.3\"><office:automatic-styles>{STYLES}"
        );
        for kind in ALL_KINDS {
            let (name, column) = (style(kind), width_style(kind));
            let width = width(kind);
            let _ = write!(
                self.xml,
                "<style:style style:name=\"{name}\" style:family=\"table-cell\" style:data-style-name=\"N{name}\"/>\
                 <style:style style:name=\"{column}\" style:family=\"table-column\">\
                 <style:table-column-properties style:column-width=\"{width}\"/></style:style>"
            );
        }
        self.xml
            .extend_from_slice(b"</office:automatic-styles><office:body><office:spreadsheet>");
        self.open_sheet();
        Ok(())
    }

    fn row(&mut self, cells: &Cells, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        if self
            .sheets
            .last()
            .is_some_and(|rows| *rows >= self.most_rows)
        {
            self.xml.extend_from_slice(b"</table:table>");
            self.open_sheet();
        }
        if let Some(rows) = self.sheets.last_mut() {
            *rows += 1;
        }
        self.xml.extend_from_slice(b"<table:table-row>");
        for (heading, cell) in self.headings.iter().zip(cells.iter()) {
            cell_of(heading.kind, cell, &mut self.xml);
        }
        self.xml.extend_from_slice(b"</table:table-row>");
        if self.xml.len() >= BATCH {
            self.flush(out)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        self.xml
            .extend_from_slice(b"</table:table><table:database-ranges>");
        let last = column_letters(self.headings.len());
        for (n, rows) in self.sheets.iter().enumerate() {
            let name = sheet_name(n);
            let _ = write!(
                self.xml,
                "<table:database-range table:name=\"__Anonymous_Sheet_DB__{n}\" \
                 table:target-range-address=\"'{name}'.A1:'{name}'.{last}{rows}\" \
                 table:display-filter-buttons=\"true\"/>"
            );
        }
        self.xml.extend_from_slice(
            b"</table:database-ranges></office:spreadsheet></office:body></office:document-content>",
        );
        self.flush(out)?;
        self.zip.close(out)?;
        let settings = self.settings();
        self.zip.pack("settings.xml", settings.as_bytes(), out)?;
        self.zip.finish(out)
    }
}

const ALL_KINDS: [Kind; 6] = [
    Kind::Text,
    Kind::Integer,
    Kind::Amount,
    Kind::Date,
    Kind::Timestamp,
    Kind::Boolean,
];

fn style(kind: Kind) -> &'static str {
    match kind {
        Kind::Timestamp => "time",
        other => other.code(),
    }
}

fn width_style(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "wide",
        Kind::Integer => "number",
        Kind::Amount => "money",
        Kind::Date => "day",
        Kind::Timestamp => "moment",
        Kind::Boolean => "mark",
    }
}

fn width(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "5cm",
        Kind::Integer | Kind::Boolean => "2.4cm",
        Kind::Amount => "3.4cm",
        Kind::Date => "2.8cm",
        Kind::Timestamp => "4.2cm",
    }
}

fn cell_of(kind: Kind, cell: Option<&str>, xml: &mut Vec<u8>) {
    const END: &[u8] = b"\"/>";
    match Value::read(kind, cell) {
        Value::Empty => xml.extend_from_slice(b"<table:table-cell/>"),
        Value::Integer(digits) if fits_a_sheet(digits) => {
            xml.extend_from_slice(b"<table:table-cell office:value-type=\"float\" office:value=\"");
            xml.extend_from_slice(digits.as_bytes());
            xml.extend_from_slice(END);
        }
        Value::Amount(amount) if amount.fits_a_sheet() => {
            xml.extend_from_slice(
                b"<table:table-cell office:value-type=\"currency\" office:currency=\"EUR\" office:value=\"",
            );
            amount.write(b'.', xml);
            xml.extend_from_slice(END);
        }
        Value::Date(day) => {
            xml.extend_from_slice(
                b"<table:table-cell office:value-type=\"date\" office:date-value=\"",
            );
            xml.extend_from_slice(day.iso().as_bytes());
            xml.extend_from_slice(END);
        }
        Value::Timestamp(moment) => {
            xml.extend_from_slice(
                b"<table:table-cell office:value-type=\"date\" office:date-value=\"",
            );
            for part in [moment.day().iso(), "T", moment.time()] {
                xml.extend_from_slice(part.as_bytes());
            }
            xml.extend_from_slice(END);
        }
        Value::Boolean(is) => {
            xml.extend_from_slice(
                b"<table:table-cell office:value-type=\"boolean\" office:boolean-value=\"",
            );
            xml.extend_from_slice(if is { b"true" } else { b"false" });
            xml.extend_from_slice(END);
        }
        // What a number of the sheet would not hold exactly stays the text it is.
        Value::Text(_) | Value::Integer(_) | Value::Amount(_) => {
            text(cell.unwrap_or_default(), "", xml);
        }
    }
}

/// A cell of text: a paragraph a line. Spaces and tabs that XML would lose are elements.
fn text(said: &str, attributes: &str, xml: &mut Vec<u8>) {
    xml.extend_from_slice(b"<table:table-cell office:value-type=\"string\"");
    xml.extend_from_slice(attributes.as_bytes());
    xml.push(b'>');
    for line in said.split('\n') {
        xml.extend_from_slice(b"<text:p>");
        let spaced = line.starts_with(' ') || line.ends_with(' ') || line.contains("  ");
        if spaced || line.contains(['\t', '\r']) {
            spaces(line, xml);
        } else {
            markup::text(line, Illegal::Replaced, xml);
        }
        xml.extend_from_slice(b"</text:p>");
    }
    xml.extend_from_slice(b"</table:table-cell>");
}

fn spaces(line: &str, xml: &mut Vec<u8>) {
    let line = line.strip_suffix('\r').unwrap_or(line);
    for part in line.split_inclusive([' ', '\t']) {
        let word = part.trim_end_matches([' ', '\t']);
        markup::text(word, Illegal::Replaced, xml);
        match part.as_bytes().last() {
            Some(b' ') => xml.extend_from_slice(b"<text:s/>"),
            Some(b'\t') => xml.extend_from_slice(b"<text:tab/>"),
            _ => {}
        }
    }
}

fn sheet_name(n: usize) -> String {
    match n {
        0 => SHEET.to_owned(),
        n => format!("{SHEET} {}", n + 1),
    }
}
