//! What a spreadsheet holds in its cells.

use super::*;
use std::io::Write as _;
use zip::{ZipWriter, write::SimpleFileOptions};

/// A workbook with one sheet per entry of `sheets`, each given as its rows in SpreadsheetML.
fn xlsx(sheets: &[&str]) -> Cursor<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut entry = |name: &str, content: &str| {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        write!(zip, "<?xml version=\"1.0\"?>{content}").unwrap();
    };
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let (mut listed, mut related) = (String::new(), String::new());
    for (place, rows) in sheets.iter().enumerate() {
        write!(
            listed,
            "<sheet name=\"s{place}\" sheetId=\"{place}\" r:id=\"r{place}\"/>"
        )
        .unwrap();
        write!(
            related,
            "<Relationship Id=\"r{place}\" Type=\"{office}/worksheet\" Target=\"worksheets/s{place}.xml\"/>"
        )
        .unwrap();
        entry(
            &format!("xl/worksheets/s{place}.xml"),
            &format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        );
    }
    entry(
        "xl/workbook.xml",
        &format!(
            "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{listed}</sheets></workbook>"
        ),
    );
    entry(
        "_rels/.rels",
        &format!(
            "<Relationships xmlns=\"{package}\"><Relationship Id=\"r\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        ),
    );
    entry(
        "xl/_rels/workbook.xml.rels",
        &format!("<Relationships xmlns=\"{package}\">{related}</Relationships>"),
    );
    zip.finish().unwrap()
}

/// A row of the sheet at `line`; numbers are stored as numbers, `=x` as the error or boolean `x`.
fn row(line: u32, cells: &[&str]) -> String {
    let mut row = format!("<row r=\"{line}\">");
    for (column, cell) in ('A'..).zip(cells) {
        let at = format!("r=\"{column}{line}\"");
        if cell.parse::<f64>().is_ok() {
            write!(row, "<c {at}><v>{cell}</v></c>").unwrap();
        } else if let Some(error) = cell.strip_prefix('=') {
            write!(row, "<c {at} t=\"e\"><v>{error}</v></c>").unwrap();
        } else {
            write!(row, "<c {at} t=\"inlineStr\"><is><t>{cell}</t></is></c>").unwrap();
        }
    }
    row + "</row>"
}

const COLUMNS: [&str; 6] = [
    "nomAttribuant",
    "idAttribuant",
    "dateConvention",
    "nomBeneficiaire",
    "objet",
    "montant",
];

fn read_sheets(sheets: &[&str]) -> (Vec<SubsidyRow>, Vec<RefusedRow>) {
    split(SubsidyFile::read(xlsx(sheets), &strict()).unwrap())
}

#[test]
fn the_first_sheet_with_headers_is_read_and_lines_are_those_of_the_sheet() {
    let cells = ["Dépt", "22800001400016", "2017-02-03", "Amis", "Fête", "12"];
    let title = row(2, &["Subventions 2017"]);
    let sheet = title + &row(4, &COLUMNS) + &row(7, &cells);
    let (accepted, refused) = read_sheets(&[&row(1, &["Notice"]), &sheet]);
    assert_eq!(lines(&refused), "");
    assert_eq!(accepted.first().unwrap().line, 7);
}

#[test]
fn a_number_is_read_as_the_spreadsheet_shows_it() {
    let siret = "22800001400016";
    let cells = [
        "Dépt",
        siret,
        "2017-02-03",
        "Amis",
        "Fête",
        "0.30000000000000004",
    ];
    let (accepted, refused) = read_sheets(&[&(row(1, &COLUMNS) + &row(2, &cells))]);
    assert_eq!(lines(&refused), "");
    let first = accepted.first().unwrap();
    assert_eq!(first.granting.siret, siret.parse().ok());
    assert_eq!(first.amount.cents(), 30);
}

#[test]
fn what_a_spreadsheet_lost_is_refused_with_the_line_of_the_sheet() {
    let rounded = ["Dépt", "2.28E+13", "2017-02-03", "Amis", "Fête", "12"];
    let number_for_date = ["Dépt", "", "43055", "Amis", "Fête", "12"];
    let broken = ["Dépt", "", "2017-02-03", "=#N/A", "Fête", "=#REF!"];
    let beside = ["Dépt", "", "2017-02-03", "Amis", "Fête", "12", "à revoir"];
    let sheet = row(1, &COLUMNS)
        + &row(2, &rounded)
        + &row(3, &number_for_date)
        + &row(4, &broken)
        + &row(5, &beside);
    let (accepted, refused) = read_sheets(&[&sheet]);
    assert!(accepted.is_empty());
    insta::assert_snapshot!("lost_by_a_spreadsheet", lines(&refused));
}

#[test]
fn one_cell_at_the_far_corner_does_not_fill_the_memory() {
    let corner = "<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>";
    let (accepted, refused) = read_sheets(&[&(row(1, &COLUMNS) + corner)]);
    assert!(accepted.is_empty());
    let line = refused.first().unwrap().line;
    assert_eq!(line, 1_048_576);
}

#[test]
fn a_workbook_without_recognised_headers_names_what_is_closest() {
    let close = row(3, &["nomBeneficiaire", "Objet", "Somme"]);
    let fault = SubsidyFile::read(xlsx(&[&row(1, &["Notice"]), &close]), &strict());
    let sentence = fault.err().unwrap().to_string();
    assert!(
        sentence.starts_with("Colonnes introuvables : nomAttribuant, montant. "),
        "{sentence}"
    );
}
