//! Each form of file holds the same values, hostile ones included, and opens where people open it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::{Encoder, Encoding, csv, ods::Ods, xlsx::Xlsx};
use crate::libreoffice::installation::Installation;
use calamine::{Data, Reader};
use navette_domain::export::{Format, Heading, Kind};
use std::{fs, io::Cursor, process::Command};

fn headings() -> Vec<Heading> {
    let heading = |name: &str, title: &str, kind| Heading {
        name: name.into(),
        title: title.into(),
        kind,
    };
    vec![
        heading("dossier.objet", "Objet", Kind::Text),
        heading("dossier.exercice", "Exercice", Kind::Integer),
        heading("dossier.montant", "=Montant; accordé", Kind::Amount),
        heading("decision.date", "Décision", Kind::Date),
        heading("dossier.depot", "Dépôt", Kind::Timestamp),
        heading("notifie", "Notifié", Kind::Boolean),
    ]
}

const ROWS: &[u8] = b"F\xc3\xaate \"de\" l'\xc3\xa9t\xc3\xa9\t2026\t123456\t2026-03-12\t2026-03-12 10:20:30.5+01\tt\n\
    =1+1;\\n2\\t3\t-5\t-7\t1850-01-01\t\\N\tf\n\
    \\N\t\\N\t\\N\t\\N\t\\N\t\\N\n";

fn encoded(format: Format) -> Vec<u8> {
    let mut out = vec![];
    let mut encoding = Encoding::begin(format, headings(), &mut out).unwrap();
    for piece in ROWS.chunks(11) {
        encoding.take(piece, &mut out).unwrap();
    }
    assert_eq!(encoding.end(&mut out).unwrap(), 3);
    out
}

fn text(format: Format) -> String {
    String::from_utf8(encoded(format)).unwrap()
}

#[test]
fn a_french_csv_has_what_french_spreadsheets_want() {
    assert_eq!(
        text(Format::CsvFrench),
        "\u{feff}Objet;Exercice;\"'=Montant; accordé\";Décision;Dépôt;Notifié\r\n\
         \"Fête \"\"de\"\" l'été\";2026;1234,56;12/03/2026;12/03/2026 10:20:30;oui\r\n\
         \"'=1+1;\n2\t3\";-5;-0,07;01/01/1850;;non\r\n\
         ;;;;;\r\n"
    );
}

#[test]
fn a_csv_for_programs_follows_rfc_4180() {
    assert_eq!(
        text(Format::Csv),
        "Objet,Exercice,'=Montant; accordé,Décision,Dépôt,Notifié\r\n\
         \"Fête \"\"de\"\" l'été\",2026,1234.56,2026-03-12,2026-03-12T10:20:30.5+01:00,true\r\n\
         \"'=1+1;\n2\t3\",-5,-0.07,1850-01-01,,false\r\n\
         ,,,,,\r\n"
    );
}

#[test]
fn texts_that_a_spreadsheet_would_reckon_are_marked_and_numbers_stay_numbers() {
    let column = |kind| {
        vec![Heading {
            name: "c".into(),
            title: "c".into(),
            kind,
        }]
    };
    let written = |kind, cell: &str| {
        let mut csv = csv::Csv::new(csv::FRENCH, column(kind));
        let mut cells = super::Cells::default();
        cells.read(cell.as_bytes()).unwrap();
        let mut out = vec![];
        csv.row(&cells, &mut out).unwrap();
        String::from_utf8(out)
            .unwrap()
            .trim_end_matches("\r\n")
            .to_owned()
    };
    for sign in ["=", "+", "-", "@", "\\t", "＝", "＋", "－", "＠"] {
        let said = written(Kind::Text, &format!("{sign}cmd"));
        assert!(said.starts_with('\''), "{said}");
    }
    for sign in ["\\r", "\\n"] {
        let said = written(Kind::Text, &format!("{sign}=cmd"));
        assert!(said.starts_with("\"'"), "{said:?}");
    }
    assert_eq!(written(Kind::Text, "a=1"), "a=1");
    assert_eq!(written(Kind::Integer, "-12"), "-12");
    assert_eq!(written(Kind::Amount, "-1200"), "-12,00");
    assert_eq!(
        written(Kind::Integer, "-1+cmd"),
        "'-1+cmd",
        "what is no number is a text"
    );
    assert_eq!(
        written(Kind::Text, "\\N"),
        "\"\"",
        "an empty line is no row"
    );
}

#[test]
fn json_has_one_object_a_row_with_values_of_their_types() {
    let whole: serde_json::Value = serde_json::from_slice(&encoded(Format::Json)).unwrap();
    let expected = serde_json::json!([
        {"Objet": "Fête \"de\" l'été", "Exercice": 2026, "=Montant; accordé": 1234.56,
         "Décision": "2026-03-12", "Dépôt": "2026-03-12T10:20:30.5+01:00", "Notifié": true},
        {"Objet": "=1+1;\n2\t3", "Exercice": -5, "=Montant; accordé": -0.07,
         "Décision": "1850-01-01", "Dépôt": null, "Notifié": false},
        {"Objet": null, "Exercice": null, "=Montant; accordé": null,
         "Décision": null, "Dépôt": null, "Notifié": null},
    ]);
    assert_eq!(whole, expected);
    let lines: Vec<serde_json::Value> = text(Format::Ndjson)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(serde_json::Value::from(lines), expected);
}

#[test]
fn an_export_without_rows_is_still_a_file() {
    for format in Format::ALL {
        let mut out = vec![];
        let encoding = Encoding::begin(format, headings(), &mut out).unwrap();
        assert!(!out.is_empty() || format == Format::Ndjson);
        assert_eq!(encoding.end(&mut out).unwrap(), 0);
        match format {
            Format::Json => assert_eq!(out, b"[\n]\n"),
            Format::Xlsx => assert_eq!(sheet_of_xlsx(out, 0).len(), 1),
            Format::Ods => assert_eq!(sheet_of_ods(out, 0).len(), 1),
            _ => {}
        }
    }
}

#[test]
fn a_row_of_other_columns_is_a_fault() {
    let mut out = vec![];
    let mut encoding = Encoding::begin(Format::Csv, headings(), &mut out).unwrap();
    let fault = encoding.take(b"a\tb\n", &mut out).unwrap_err();
    assert_eq!(fault, super::EncodeFault::OtherColumns);
}

#[test]
fn xml_is_well_formed_and_leaves_out_what_says_nothing() {
    let whole = text(Format::Xml);
    assert!(whole.contains(
        "<row><value column=\"dossier.objet\">=1+1;\n2\t3</value>\
         <value column=\"dossier.exercice\">-5</value><value column=\"dossier.montant\">-0.07</value>\
         <value column=\"decision.date\">1850-01-01</value><value column=\"notifie\">false</value></row>\n\
         <row></row>\n"
    ));
    let mut reader = quick_xml::Reader::from_str(&whole);
    while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
}

fn sheet_of_xlsx(bytes: Vec<u8>, sheet: usize) -> Vec<Vec<Data>> {
    let mut book = calamine::Xlsx::new(Cursor::new(bytes)).unwrap();
    rows(&book.worksheet_range_at(sheet).unwrap().unwrap())
}

fn sheet_of_ods(bytes: Vec<u8>, sheet: usize) -> Vec<Vec<Data>> {
    let mut book = calamine::Ods::new(Cursor::new(bytes)).unwrap();
    rows(&book.worksheet_range_at(sheet).unwrap().unwrap())
}

fn rows(range: &calamine::Range<Data>) -> Vec<Vec<Data>> {
    range.rows().map(<[Data]>::to_vec).collect()
}

#[test]
fn cells_of_workbooks_have_their_types_and_formulas_are_texts() {
    let text = |said: &str| Data::String(said.into());
    for rows in [
        sheet_of_xlsx(encoded(Format::Xlsx), 0),
        sheet_of_ods(encoded(Format::Ods), 0),
    ] {
        assert_eq!(rows[0][2], text("=Montant; accordé"));
        assert_eq!(rows[1][0], text("Fête \"de\" l'été"));
        assert_eq!(rows[1][2], Data::Float(1234.56));
        assert_eq!(rows[1][5], Data::Bool(true));
        assert_eq!(rows[2][0], text("=1+1;\n2\t3"));
        assert_eq!(rows[2][2], Data::Float(-0.07));
        match &rows[1][3] {
            Data::DateTime(date) => assert!((date.as_f64() - 46093.0).abs() < 1e-9),
            Data::DateTimeIso(date) => assert_eq!(date, "2026-03-12"),
            other => panic!("{other:?} is no date"),
        }
        match &rows[1][4] {
            Data::DateTime(moment) => assert!((moment.as_f64() - 46_093.430_902_777).abs() < 1e-6),
            Data::DateTimeIso(moment) => assert_eq!(moment, "2026-03-12T10:20:30"),
            other => panic!("{other:?} is no moment"),
        }
    }
}

#[test]
fn rows_beyond_the_limit_of_a_sheet_go_on_in_further_sheets() {
    let mut encoders: [Box<dyn Encoder>; 2] = [
        Box::new(Xlsx::of_sheets(headings(), 3)),
        Box::new(Ods::of_sheets(headings(), 3)),
    ];
    let mut cells = super::Cells::default();
    let books = encoders.each_mut().map(|encoder| {
        let mut out = vec![];
        encoder.begin(&mut out).unwrap();
        for row in 0..5 {
            cells
                .read(format!("row {row}\t{row}\t\\N\t\\N\t\\N\t\\N\n").as_bytes())
                .unwrap();
            encoder.row(&cells, &mut out).unwrap();
        }
        encoder.end(&mut out).unwrap();
        out
    });
    let [xlsx, ods] = books;
    for (sheet, first, count) in [(0, "row 0", 3), (1, "row 2", 3), (2, "row 4", 2)] {
        for rows in [
            sheet_of_xlsx(xlsx.clone(), sheet),
            sheet_of_ods(ods.clone(), sheet),
        ] {
            assert_eq!(rows.len(), count);
            assert_eq!(rows[0][0], Data::String("Objet".into()), "a heading each");
            assert_eq!(rows[1][0], Data::String(first.into()));
        }
    }
}

#[test]
fn a_number_that_a_sheet_would_round_and_a_text_that_it_would_cut_are_told() {
    let columns = [Kind::Text, Kind::Integer, Kind::Amount].map(|kind| Heading {
        name: kind.code().into(),
        title: kind.code().into(),
        kind,
    });
    let mut out = vec![];
    let mut encoding = Encoding::begin(Format::Xlsx, columns.to_vec(), &mut out).unwrap();
    let long = "é".repeat(40_000);
    let row = format!("{long}\t1234567890123456\t123456789012345678\n");
    encoding.take(row.as_bytes(), &mut out).unwrap();
    encoding.end(&mut out).unwrap();
    let rows = sheet_of_xlsx(out, 0);
    let cut = rows[1][0].to_string();
    assert_eq!(cut.encode_utf16().count(), 32_767);
    assert!(cut.ends_with("é…"));
    assert_eq!(rows[1][1], Data::String("1234567890123456".into()));
    assert_eq!(rows[1][2], Data::String("123456789012345678".into()));
}

#[test]
fn control_characters_and_spaces_come_through_workbooks() {
    let column = vec![Heading {
        name: "c".into(),
        title: "c".into(),
        kind: Kind::Text,
    }];
    let said = "  a  b\\tc\\r\\nd \\b_x0041_<&>\n";
    let file = |format| {
        let mut out = vec![];
        let mut encoding = Encoding::begin(format, column.clone(), &mut out).unwrap();
        encoding.take(said.as_bytes(), &mut out).unwrap();
        encoding.end(&mut out).unwrap();
        out
    };
    let mut archive = ::zip::ZipArchive::new(Cursor::new(file(Format::Xlsx))).unwrap();
    let sheet = std::io::read_to_string(archive.by_name("xl/worksheets/sheet1.xml").unwrap());
    assert!(sheet.unwrap().contains(
        "<t xml:space=\"preserve\">  a  b\tc&#13;\nd _x0008__x005F_x0041_&lt;&amp;&gt;</t>"
    ));
    let mut archive = ::zip::ZipArchive::new(Cursor::new(file(Format::Ods))).unwrap();
    let content = std::io::read_to_string(archive.by_name("content.xml").unwrap()).unwrap();
    assert!(content.contains(
        "<text:p><text:s/><text:s/>a<text:s/><text:s/>b<text:tab/>c</text:p>\
         <text:p>d \u{fffd}_x0041_&lt;&amp;&gt;</text:p>"
    ));
}

#[test]
fn libreoffice_opens_both_workbooks_and_finds_the_same_values() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(Installation::find(None).unwrap().soffice());
    command
        .env("LC_ALL", "C.UTF-8")
        .arg(format!(
            "-env:UserInstallation=file://{}",
            folder.path().join("profile").display()
        ))
        .args(["--headless", "--norestore", "--convert-to"])
        // Between semicolons, in UTF-8.
        .arg("csv:Text - txt - csv (StarCalc):59,34,76,1,,1036,false,true,false")
        .arg("--outdir")
        .arg(folder.path());
    for format in [Format::Xlsx, Format::Ods] {
        let file = folder.path().join(format!("{0}.{0}", format.code()));
        fs::write(&file, encoded(format)).unwrap();
        command.arg(file);
    }
    let mut told = String::new();
    // A fresh profile may want LibreOffice to begin anew once.
    for _ in 0..2 {
        let output = command.output().unwrap();
        told = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            break;
        }
    }
    for name in ["xlsx.csv", "ods.csv"] {
        let shown =
            fs::read_to_string(folder.path().join(name)).unwrap_or_else(|_| panic!("{told}"));
        let shown = shown.replace('\r', "");
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines[0].trim_start_matches('\u{feff}'),
            "Objet;Exercice;\"=Montant; accordé\";Décision;Dépôt;Notifié",
            "{name}"
        );
        assert_eq!(
            lines[1], "\"Fête \"\"de\"\" l'été\";2026;1234.56;03/12/2026;03/12/2026 10:20:30;TRUE",
            "{name}"
        );
    }
}
