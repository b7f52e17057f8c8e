//! Workbooks as Excel writes them, merged and read again.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

mod pictures;

use crate::merge::{
    Template,
    archive::Archive,
    tests::{part, zipped},
};
use calamine::{Data, Reader, Xlsx};
use navette_domain::ports::{MergeFailure, TemplateFault};
use serde_json::{Value, json};
use std::io::Cursor;

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const MEDIA: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// A workbook being written as a clerk's Excel would.
struct Book {
    names: Vec<&'static str>,
    sheets: Vec<String>,
    strings: Vec<&'static str>,
    defined: &'static str,
    others: Vec<(&'static str, String)>,
}

impl Book {
    fn new(sheets: &[(&'static str, &str)]) -> Self {
        Self {
            names: sheets.iter().map(|(name, _)| *name).collect(),
            sheets: sheets
                .iter()
                .map(|(_, sheet)| (*sheet).to_owned())
                .collect(),
            strings: Vec::new(),
            defined: "",
            others: Vec::new(),
        }
    }

    fn zip(&self) -> Vec<u8> {
        let each = |write: &dyn Fn(usize, &str) -> String| {
            let names = self.names.iter().enumerate();
            let written: Vec<String> = names.map(|(at, name)| write(at + 1, name)).collect();
            written.concat()
        };
        let tabs =
            each(&|at, name| format!("<sheet name=\"{name}\" sheetId=\"{at}\" r:id=\"rId{at}\"/>"));
        let related = each(&|at, _| {
            format!(
                "<Relationship Id=\"rId{at}\" Type=\"{OFFICE}/worksheet\" \
                 Target=\"worksheets/sheet{at}.xml\"/>"
            )
        });
        let types = each(&|at, _| {
            format!(
                "<Override PartName=\"/xl/worksheets/sheet{at}.xml\" \
                 ContentType=\"{MEDIA}.worksheet+xml\"/>"
            )
        });
        let strings = ["<si>", &self.strings.join("</si><si>"), "</si>"].concat();
        let mut entries = vec![
            (
                "[Content_Types].xml".to_owned(),
                format!(
                    "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
                     <Default Extension=\"rels\" \
                     ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                     <Override PartName=\"/xl/workbook.xml\" ContentType=\"{MEDIA}.sheet.main+xml\"/>\
                     <Override PartName=\"/xl/styles.xml\" ContentType=\"{MEDIA}.styles+xml\"/>\
                     <Override PartName=\"/xl/sharedStrings.xml\" \
                     ContentType=\"{MEDIA}.sharedStrings+xml\"/>\
                     <Override PartName=\"/xl/calcChain.xml\" ContentType=\"{MEDIA}.calcChain+xml\"/>\
                     {types}</Types>"
                ),
            ),
            (
                "_rels/.rels".into(),
                format!(
                    "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" \
                     Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            (
                "xl/workbook.xml".into(),
                format!(
                    "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{tabs}</sheets>\
                     <definedNames>{}</definedNames></workbook>",
                    self.defined
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels".into(),
                format!(
                    "<Relationships xmlns=\"{PACKAGE}\">{related}\
                     <Relationship Id=\"rIdS\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/>\
                     <Relationship Id=\"rIdT\" Type=\"{OFFICE}/sharedStrings\" \
                     Target=\"sharedStrings.xml\"/>\
                     <Relationship Id=\"rIdC\" Type=\"{OFFICE}/calcChain\" Target=\"calcChain.xml\"/>\
                     </Relationships>"
                ),
            ),
            (
                "xl/styles.xml".into(),
                format!(
                    "<styleSheet xmlns=\"{MAIN}\"><fonts count=\"1\"><font/></fonts><fills count=\"1\">\
                     <fill/></fills><borders count=\"1\"><border/></borders><cellStyleXfs count=\"1\">\
                     <xf/></cellStyleXfs><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"15\"/>\
                     </cellXfs></styleSheet>"
                ),
            ),
            (
                "xl/sharedStrings.xml".into(),
                format!("<sst xmlns=\"{MAIN}\">{strings}</sst>"),
            ),
            (
                "xl/calcChain.xml".into(),
                format!("<calcChain xmlns=\"{MAIN}\"><c r=\"A1\" i=\"1\"/></calcChain>"),
            ),
        ];
        for (at, sheet) in self.sheets.iter().enumerate() {
            entries.push((
                format!("xl/worksheets/sheet{}.xml", at + 1),
                format!("<worksheet xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\">{sheet}</worksheet>"),
            ));
        }
        entries.extend(
            self.others
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.clone())),
        );
        let entries: Vec<(&str, &str)> = entries
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        zipped(&entries)
    }

    fn merged(&self, data: &Value) -> Merged {
        Merged(Template::compile(&self.zip()).unwrap().merge(data).unwrap())
    }

    fn faults(&self, data: &Value) -> Vec<TemplateFault> {
        match Template::compile(&self.zip()).and_then(|template| template.merge(data)) {
            Err(MergeFailure::Faults(faults)) => faults,
            other => panic!("faults were expected, not {:?}", other.map(|_| ())),
        }
    }
}

struct Merged(Vec<u8>);

impl Merged {
    fn names(&self) -> Vec<String> {
        Archive::open(&self.0).unwrap().names().to_vec()
    }

    fn part(&self, name: &str) -> String {
        let text = part(&self.0, name);
        assert!(!text.contains("navette:"), "{text}");
        text
    }

    /// The part without its declaration and its root.
    fn sheet(&self, number: usize) -> String {
        let text = self.part(&format!("xl/worksheets/sheet{number}.xml"));
        let start = text.find("<worksheet").unwrap();
        let start = start + text[start..].find('>').unwrap() + 1;
        text[start..text.rfind("</worksheet>").unwrap()].to_owned()
    }

    fn reader(&self) -> Xlsx<Cursor<Vec<u8>>> {
        Xlsx::new(Cursor::new(self.0.clone())).unwrap()
    }
}

fn text(cell: &str, text: &str) -> String {
    format!("<c r=\"{cell}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn formula(cell: &str, code: &str) -> String {
    format!("<c r=\"{cell}\"><f>{code}</f><v>0</v></c>")
}

fn row(number: usize, cells: &[String]) -> String {
    format!("<row r=\"{number}\">{}</row>", cells.concat())
}

fn data(rows: &[String]) -> String {
    format!("<sheetData>{}</sheetData>", rows.concat())
}

/// Title, `for`, one row, `endfor`, and what follows.
fn list(after: &[String]) -> Vec<String> {
    let mut rows = vec![
        row(1, &[text("A1", "Titre")]),
        row(2, &[text("A2", "{%tr for v in l %}")]),
        row(3, &[text("A3", "{{ v.n }}"), formula("B3", "A3*2")]),
        row(4, &[text("A4", "{%tr endfor %}")]),
    ];
    rows.extend_from_slice(after);
    rows
}

fn numbers(numbers: &[i64]) -> Value {
    let items: Vec<Value> = numbers.iter().map(|n| json!({ "n": n })).collect();
    json!({ "l": items })
}

fn formulas(merged: &Merged, sheet: usize) -> Vec<String> {
    let text = merged.sheet(sheet);
    let pieces = text.split("<f>").skip(1);
    pieces
        .map(|piece| piece.split("</f>").next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_cell_that_is_one_value_has_its_type() {
    let rows = [row(
        1,
        &[
            text("A1", "{{ d.montant|montant }}"),
            "<c r=\"B1\" s=\"1\" t=\"inlineStr\"><is><t>{{ d.jour }}</t></is></c>".into(),
            text("C1", "{{ d.jour|date }}"),
            text("D1", "{{ d.oui }}"),
            text("E1", "{{ d.code }}"),
            text("F1", "{{ d.n }} !"),
        ],
    )];
    let book = Book::new(&[("F", &data(&rows))]);
    let value = json!({ "d": { "montant": "1234.50", "jour": "2026-03-12", "oui": true, "code": "0123",
        "n": 3 } });
    let merged = book.merged(&value);
    let range = merged.reader().worksheet_range("F").unwrap();
    assert_eq!(range.get((0, 0)), Some(&Data::Float(1234.5)));
    for column in [1, 2] {
        let Some(Data::DateTime(day)) = range.get((0, column)) else {
            panic!("no date: {range:?}");
        };
        assert_eq!(
            day.as_datetime().unwrap().to_string(),
            "2026-03-12 00:00:00"
        );
    }
    assert_eq!(range.get((0, 3)), Some(&Data::Bool(true)));
    assert_eq!(range.get((0, 4)), Some(&Data::String("0123".into())));
    assert_eq!(range.get((0, 5)), Some(&Data::String("3 !".into())));
    let sheet = merged.sheet(1);
    assert!(
        sheet.contains("<c r=\"B1\" s=\"1\"><v>46093</v></c>"),
        "{sheet}"
    );
    assert!(
        sheet.contains("<c r=\"C1\" s=\"2\"><v>46093</v></c>"),
        "{sheet}"
    );
}

#[test]
fn a_tag_split_over_the_runs_of_a_shared_text_is_put_back_together() {
    let mut book = Book::new(&[(
        "F",
        "<sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>1</v></c><c r=\"B1\" t=\"s\"><v>0</v></c></row>\
         </sheetData>",
    )]);
    book.strings = vec![
        "<t>Sans balise</t>",
        "<r><rPr><b/></rPr><t>Nom : {{ d.</t></r><r><t>nom }}</t></r>",
    ];
    let merged = book.merged(&json!({ "d": { "nom": "Éveil & Cie\nsuite" } }));
    let sheet = merged.sheet(1);
    let expected = "<c r=\"A1\" t=\"inlineStr\" s=\"2\"><is><r><rPr><b/></rPr>\
                    <t xml:space=\"preserve\">Nom : Éveil &amp; Cie\nsuite</t></r></is></c>\
                    <c r=\"B1\" t=\"s\"><v>0</v></c>";
    assert!(sheet.contains(expected), "{sheet}");
    assert!(
        merged
            .part("xl/styles.xml")
            .contains("<alignment wrapText=\"1\"/>")
    );
    assert!(!merged.part("xl/sharedStrings.xml").contains('{'));
    let range = merged.reader().worksheet_range("F").unwrap();
    assert_eq!(range.get((0, 1)), Some(&Data::String("Sans balise".into())));
}

#[test]
fn rows_are_numbered_anew_and_formulas_follow() {
    let after = [
        row(
            5,
            &[
                formula("A5", "SUM(A3:A3)"),
                formula("B5", "SUM(B$2:B4)&amp;\"A3\""),
            ],
        ),
        row(8, &[formula("A8", "A5+A1+$A$3")]),
    ];
    let book = Book::new(&[
        ("F", &data(&list(&after))),
        (
            "Autre",
            &data(&[row(1, &[formula("A1", "SUM(F!A3:A3)+COUNT(F!A:A)+F!A8")])]),
        ),
    ]);
    let merged = book.merged(&numbers(&[1, 2, 3]));
    assert_eq!(
        formulas(&merged, 1),
        [
            "A2*2",
            "A3*2",
            "A4*2",
            "SUM(A2:A4)",
            "SUM(B$2:B4)&amp;\"A3\"",
            "A5+A1+$A$2"
        ]
    );
    assert_eq!(formulas(&merged, 2), ["SUM(F!A2:A4)+COUNT(F!A:A)+F!A8"]);
    assert!(merged.sheet(1).contains("<row r=\"8\"><c r=\"A8\">"));
    // Nothing of what was computed before is left, and everything is computed when the file opens.
    assert!(!merged.sheet(1).contains("<v>0</v>"));
    assert!(!merged.names().contains(&"xl/calcChain.xml".to_owned()));
    let workbook = merged.part("xl/workbook.xml");
    assert!(
        workbook.contains("<calcPr fullCalcOnLoad=\"1\"/>"),
        "{workbook}"
    );
    for list in ["[Content_Types].xml", "xl/_rels/workbook.xml.rels"] {
        assert!(!merged.part(list).contains("calcChain"));
    }
}

#[test]
fn a_total_of_no_row_is_taken_of_the_cell_that_is_always_empty() {
    let book = Book::new(&[("F", &data(&list(&[row(5, &[formula("A5", "SUM(A3:A3)")])])))]);
    let merged = book.merged(&numbers(&[]));
    assert_eq!(formulas(&merged, 1), ["SUM(A1048576:A1048576)"]);
    assert!(merged.sheet(1).contains("<row r=\"2\"><c r=\"A2\"><f>"));
}

#[test]
fn shared_formulas_become_each_cells_own() {
    let rows = [
        row(
            1,
            &["<c r=\"A1\"><f t=\"shared\" ref=\"A1:A2\" si=\"0\">B1*$C$1</f></c>".into()],
        ),
        row(2, &["<c r=\"A2\"><f t=\"shared\" si=\"0\"/></c>".into()]),
        row(
            3,
            &["<c r=\"A3\"><f t=\"array\" ref=\"A3\">SUM(B1:B2*2)</f></c>".into()],
        ),
    ];
    let merged = Book::new(&[("F", &data(&rows))]).merged(&json!({}));
    let sheet = merged.sheet(1);
    assert!(sheet.contains("<c r=\"A1\"><f>B1*$C$1</f></c>"), "{sheet}");
    assert!(sheet.contains("<c r=\"A2\"><f>B2*$C$1</f></c>"), "{sheet}");
    assert!(
        sheet.contains("<f t=\"array\" ref=\"A3\">SUM(B1:B2*2)</f>"),
        "{sheet}"
    );
}

#[test]
fn columns_repeat_between_their_two_tags() {
    let columns = |number: usize, body: &str| {
        row(
            number,
            &[
                text(&format!("A{number}"), "x"),
                text(&format!("B{number}"), "{%tc for m in mois %}"),
                body.to_owned(),
                text(&format!("D{number}"), "{%tc endfor %}"),
                formula(&format!("E{number}"), &format!("SUM(C{number}:C{number})")),
            ],
        )
    };
    let rows = [
        row(1, &[text("A1", "Titre")]),
        columns(2, &text("C2", "{{ m.nom }}")),
        columns(3, &text("C3", "{{ m.total }}")),
        columns(4, &formula("C4", "C3*2")),
    ];
    let sheet = format!(
        "<cols><col min=\"1\" max=\"1\" width=\"30\"/><col min=\"3\" max=\"3\" width=\"9\"/>\
         <col min=\"5\" max=\"5\" width=\"12\"/></cols>{}<mergeCells count=\"1\">\
         <mergeCell ref=\"A1:E1\"/></mergeCells>",
        data(&rows)
    );
    let month = |name: &str, total: u32| json!({ "nom": name, "total": total });
    let merged = Book::new(&[("F", &sheet)])
        .merged(&json!({ "mois": [month("janvier", 1), month("février", 2), month("mars", 3)] }));
    let sheet = merged.sheet(1);
    assert_eq!(
        formulas(&merged, 1),
        [
            "SUM(B2:D2)",
            "SUM(B3:D3)",
            "B3*2",
            "C3*2",
            "D3*2",
            "SUM(B4:D4)"
        ]
    );
    assert!(sheet.contains("<mergeCell ref=\"A1:E1\"/>"), "{sheet}");
    assert!(
        sheet.contains(
            "<cols><col min=\"1\" max=\"1\" width=\"30\"/><col min=\"2\" max=\"4\" width=\"9\"/>\
             <col min=\"5\" max=\"5\" width=\"12\"/></cols>"
        ),
        "{sheet}"
    );
    let range = merged.reader().worksheet_range("F").unwrap();
    assert_eq!(range.get((1, 3)), Some(&Data::String("mars".into())));
    assert_eq!(range.get((2, 3)), Some(&Data::Float(3.0)));
}

#[test]
fn what_stands_over_rows_moves_and_grows_with_them() {
    let sheet = format!(
        "{}<autoFilter ref=\"A1:B3\"/><mergeCells count=\"2\"><mergeCell ref=\"C3:D3\"/>\
         <mergeCell ref=\"A5:D5\"/></mergeCells><conditionalFormatting sqref=\"A3\"><cfRule \
         type=\"expression\" priority=\"1\"><formula>A3&gt;$B3</formula></cfRule>\
         </conditionalFormatting><dataValidations count=\"1\"><dataValidation type=\"list\" \
         sqref=\"B3 B5\"><formula1>$A$5:$A$6</formula1></dataValidation></dataValidations><hyperlinks>\
         <hyperlink ref=\"A3\" location=\"F!A5\"/></hyperlinks><headerFooter><oddHeader>&amp;L{{{{ nom }}}}\
         &amp;R&amp;P</oddHeader></headerFooter><rowBreaks count=\"1\" manualBreakCount=\"1\">\
         <brk id=\"3\" man=\"1\"/></rowBreaks>",
        data(&list(&[row(5, &[text("A5", "Total")])]))
    );
    let mut book = Book::new(&[("F", &sheet)]);
    book.defined = "<definedName name=\"_xlnm.Print_Area\" localSheetId=\"0\">F!$A$1:$D$5</definedName>\
                    <definedName name=\"Montants\">F!$A$3:$A$3</definedName>";
    let mut value = numbers(&[1, 2]);
    value["nom"] = json!("Marthe & fils");
    let merged = book.merged(&value);
    let sheet = merged.sheet(1);
    for expected in [
        "<autoFilter ref=\"A1:B3\"/>",
        "<mergeCells count=\"3\"><mergeCell ref=\"C2:D2\"/><mergeCell ref=\"C3:D3\"/>\
         <mergeCell ref=\"A4:D4\"/></mergeCells>",
        "<conditionalFormatting sqref=\"A2:A3\">",
        "<formula>A2&gt;$B2</formula>",
        "sqref=\"B2:B3 B4\"><formula1>$A$4:$A$5</formula1>",
        "<hyperlink ref=\"A2\" location=\"F!A4\"/><hyperlink ref=\"A3\" location=\"F!A4\"/>",
        "<oddHeader>&amp;LMarthe &amp;&amp; fils&amp;R&amp;P</oddHeader>",
        "<rowBreaks count=\"2\" manualBreakCount=\"2\"><brk id=\"2\" man=\"1\"/><brk id=\"3\" man=\"1\"/></rowBreaks>",
    ] {
        assert!(sheet.contains(expected), "{expected} is not in {sheet}");
    }
    let workbook = merged.part("xl/workbook.xml");
    assert!(workbook.contains(">F!$A$1:$D$4<"), "{workbook}");
    assert!(workbook.contains(">F!$A$2:$A$3<"), "{workbook}");
}

#[test]
fn a_sheet_is_made_for_each_item_and_named_after_it() {
    let fiche = data(&[
        row(1, &[text("A1", "{%sheet for d in l %}")]),
        row(2, &[text("A2", "{{ d.n }}"), formula("B2", "A2/Total!A1")]),
    ]);
    let total = data(&[
        row(1, &[formula("A1", "SUM('{{ d.nom }}'!A2)")]),
        row(2, &[text("A2", "{%tr for d in l %}")]),
        row(
            3,
            &[text("A3", "{{ d.nom }}"), formula("B3", "'{{ d.nom }}'!A2")],
        ),
        row(4, &[text("A4", "{%tr endfor %}")]),
    ]);
    let mut book = Book::new(&[("{{ d.nom }}", &fiche), ("Total", &total)]);
    book.defined = "<definedName name=\"_xlnm.Print_Area\" localSheetId=\"0\">'{{ d.nom }}'!$A$2:$B$2\
                    </definedName>";
    let item = |nom: &str, n: u32| json!({ "nom": nom, "n": n });
    let merged = book.merged(&json!({ "l": [item("A/1", 10), item("a-1", 20), item("B", 30)] }));
    let mut reader = merged.reader();
    assert_eq!(reader.sheet_names(), ["A-1", "a-1 (2)", "B", "Total"]);
    assert_eq!(
        reader.worksheet_range("B").unwrap().get((0, 0)),
        Some(&Data::Float(30.0))
    );
    assert_eq!(formulas(&merged, 1), ["A1/Total!A1"]);
    assert_eq!(
        formulas(&merged, 2),
        ["SUM('A-1:B'!A1)", "'A-1'!A1", "'a-1 (2)'!A1", "B!A1"]
    );
    let workbook = merged.part("xl/workbook.xml");
    for (position, name) in ["'A-1'", "'a-1 (2)'", "B"].iter().enumerate() {
        let expected = format!("localSheetId=\"{position}\">{name}!$A$1:$B$1<");
        assert!(
            workbook.contains(&expected),
            "{expected} is not in {workbook}"
        );
    }
    let none = book.merged(&json!({ "l": [] }));
    assert_eq!(none.reader().sheet_names(), ["Total"]);
    assert_eq!(formulas(&none, 2), ["SUM(#REF!)"]);
    assert!(!none.part("[Content_Types].xml").contains("sheet1.xml"));
}

#[test]
fn tables_and_notes_follow_their_cells() {
    let rows = list(&[row(5, &[text("A5", "Fin")])]);
    let sheet = format!(
        "{}<legacyDrawing r:id=\"rId2\"/><tableParts count=\"1\"><tablePart r:id=\"rId1\"/></tableParts>",
        data(&rows).replace("Titre", "Montant {{ an }}")
    );
    let mut book = Book::new(&[("F", &sheet)]);
    book.others = vec![
        (
            "xl/worksheets/_rels/sheet1.xml.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/table\" \
                 Target=\"../tables/table1.xml\"/><Relationship Id=\"rId2\" Type=\"{OFFICE}/vmlDrawing\" \
                 Target=\"../drawings/vmlDrawing1.vml\"/><Relationship Id=\"rId3\" \
                 Type=\"{OFFICE}/comments\" Target=\"../comments1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/tables/table1.xml",
            format!(
                "<table xmlns=\"{MAIN}\" id=\"7\" name=\"T\" displayName=\"T\" ref=\"A1:B3\">\
                 <autoFilter ref=\"A1:B3\"/><tableColumns count=\"2\"><tableColumn id=\"1\" name=\"x\"/>\
                 <tableColumn id=\"2\" name=\"y\"/></tableColumns></table>"
            ),
        ),
        (
            "xl/comments1.xml",
            format!(
                "<comments xmlns=\"{MAIN}\"><authors/><commentList><comment ref=\"A5\"><text/></comment>\
                 </commentList></comments>"
            ),
        ),
        (
            "xl/drawings/vmlDrawing1.vml",
            "<xml xmlns:v=\"v\" xmlns:x=\"x\"><v:shape><x:ClientData><x:Anchor>1, 15, 4, 2, 3, 15, 8, 1\
             </x:Anchor><x:Row>4</x:Row><x:Column>0</x:Column></x:ClientData></v:shape></xml>"
                .into(),
        ),
    ];
    let mut value = numbers(&[1, 2, 3, 4]);
    value["an"] = json!(2026);
    let merged = book.merged(&value);
    let table = merged.part("xl/tables/table1.xml");
    assert!(
        table.contains("ref=\"A1:B5\"><autoFilter ref=\"A1:B5\"/>"),
        "{table}"
    );
    assert!(
        table.contains("<tableColumn id=\"1\" name=\"Montant 2026\"/>"),
        "{table}"
    );
    assert!(
        merged
            .part("xl/comments1.xml")
            .contains("<comment ref=\"A6\">")
    );
    let shapes = merged.part("xl/drawings/vmlDrawing1.vml");
    assert!(shapes.contains("<x:Row>5</x:Row>"), "{shapes}");
    assert!(
        shapes.contains("<x:Anchor>1, 15, 5, 2, 3, 15, 9, 1</x:Anchor>"),
        "{shapes}"
    );
}

#[test]
fn faults_say_the_sheet_and_the_cell_of_the_template() {
    let rows = list(&[row(7, &[text("C7", "{{ v.x }}"), text("D7", "{% if %}")])]);
    let book = Book::new(&[("Synthèse", &data(&rows))]);
    let faults = book.faults(&numbers(&[1, 2]));
    assert!(
        faults
            .iter()
            .any(|fault| fault.place.name == "feuille Synthèse, cellule D7"),
        "{faults:?}"
    );
}

#[test]
fn columns_of_tags_may_hold_nothing_else() {
    let rows = [
        row(1, &[text("B1", "Perdu")]),
        row(
            2,
            &[
                text("B2", "{%tc for m in mois %}"),
                text("C2", "{{ m }}"),
                text("D2", "{%tc endfor %}"),
            ],
        ),
        row(
            3,
            &[
                text("A3", "{%tc for m in mois %}"),
                text("B3", "{%tc endfor %}"),
            ],
        ),
    ];
    let faults = Book::new(&[("F", &data(&rows))]).faults(&json!({ "mois": [] }));
    let places: Vec<&str> = faults
        .iter()
        .map(|fault| fault.place.name.as_str())
        .collect();
    assert!(places.contains(&"feuille F, cellule B1"), "{faults:?}");
    assert!(places.contains(&"feuille F, cellule B3"), "{faults:?}");
}

/// A sheet for each item, with a picture, a chart, a table and what newer Excel keeps apart.
fn sheet_with_everything() -> String {
    let rows = data(&[
        row(1, &[text("A1", "{%sheet for d in l %}")]),
        row(2, &[text("A2", "Montant"), text("B2", "Double")]),
        row(3, &[text("A3", "{%tr for v in d.l %}")]),
        row(
            4,
            &[
                text("A4", "{{ v }}"),
                formula("B4", "T[[#This Row],[Montant]]*2"),
            ],
        ),
        row(5, &[text("A5", "{%tr endfor %}")]),
        row(
            6,
            &[formula("A6", "SUM(T[Montant])"), text("B6", "{{ d.note }}")],
        ),
    ]);
    format!(
        "{rows}<drawing r:id=\"rId1\"/><tableParts count=\"1\"><tablePart r:id=\"rId2\"/></tableParts>\
         <extLst><ext uri=\"{{05C60535-1F16-4fd2-B633-F4F36F0B64E0}}\" xmlns:x14=\"x14\" xmlns:xm=\"xm\">\
         <x14:sparklineGroups><x14:sparklineGroup><x14:sparklines><x14:sparkline>\
         <xm:f>'{{{{ d.nom }}}}'!A4:A4</xm:f><xm:sqref>B6</xm:sqref></x14:sparkline></x14:sparklines>\
         </x14:sparklineGroup></x14:sparklineGroups></ext></extLst>"
    )
}

fn book_with_everything(sheet: &str) -> Book {
    let relations = |lines: &[(&str, &str)]| {
        let line = |(at, (kind, target)): (usize, &(&str, &str))| {
            let id = at + 1;
            format!("<Relationship Id=\"rId{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
        };
        let lines: String = lines.iter().enumerate().map(line).collect();
        format!("<Relationships xmlns=\"{PACKAGE}\">{lines}</Relationships>")
    };
    let mut book = Book::new(&[("{{ d.nom }}", sheet)]);
    book.others = vec![
        (
            "xl/worksheets/_rels/sheet1.xml.rels",
            relations(&[
                ("drawing", "../drawings/drawing1.xml"),
                ("table", "../tables/table1.xml"),
            ]),
        ),
        (
            "xl/drawings/drawing1.xml",
            "<xdr:wsDr xmlns:xdr=\"xdr\" xmlns:a=\"a\" xmlns:r=\"r\" xmlns:c=\"c\"><xdr:twoCellAnchor>\
             <xdr:from><xdr:col>3</xdr:col><xdr:row>5</xdr:row></xdr:from><xdr:to><xdr:col>5</xdr:col>\
             <xdr:row>5</xdr:row></xdr:to><xdr:pic><a:blip r:embed=\"rId1\"/></xdr:pic><xdr:graphicFrame>\
             <c:chart r:id=\"rId2\"/></xdr:graphicFrame></xdr:twoCellAnchor></xdr:wsDr>"
                .into(),
        ),
        (
            "xl/drawings/_rels/drawing1.xml.rels",
            relations(&[("image", "../media/image1.png"), ("chart", "../charts/chart1.xml")]),
        ),
        (
            "xl/charts/chart1.xml",
            "<c:chartSpace xmlns:c=\"c\"><c:val><c:numRef><c:f>'{{ d.nom }}'!$A$4:$A$4</c:f><c:numCache/>\
             </c:numRef></c:val></c:chartSpace>"
                .into(),
        ),
        ("xl/media/image1.png", "x".into()),
        (
            "xl/tables/table1.xml",
            format!(
                "<table xmlns=\"{MAIN}\" id=\"1\" name=\"T\" displayName=\"T\" ref=\"A2:B4\"><tableColumns \
                 count=\"2\"><tableColumn id=\"1\" name=\"Montant\"/><tableColumn id=\"2\" name=\"Double\">\
                 <calculatedColumnFormula>T[[#This Row],[Montant]]*2</calculatedColumnFormula></tableColumn>\
                 </tableColumns></table>"
            ),
        ),
    ];
    book
}

#[test]
fn every_copy_of_a_sheet_has_its_own_drawing_chart_and_table() {
    let sheet = sheet_with_everything();
    let item = |nom: &str, l: &[u32]| json!({ "nom": nom, "l": l, "note": "a\nb" });
    let merged = book_with_everything(&sheet)
        .merged(&json!({ "l": [item("Un", &[1]), item("Deux", &[1, 2, 3])] }));
    let types = merged.part("[Content_Types].xml");
    for (copy, rows, name) in [(1, 1, "Un"), (2, 3, "Deux")] {
        let part = |folder: &str, file: &str| merged.part(&format!("xl/{folder}/{file}{copy}.xml"));
        let targets = |folder: &str, file: &str| {
            merged.part(&format!("xl/{folder}/_rels/{file}{copy}.xml.rels"))
        };
        let last = 1 + rows;
        // The sheet leads to its own parts, which the package knows.
        let from_sheet = targets("worksheets", "sheet");
        for (folder, file) in [("drawings", "drawing"), ("tables", "table")] {
            let own = format!("{folder}/{file}{copy}.xml");
            assert!(from_sheet.contains(&own), "{from_sheet}");
            assert!(copy == 1 || types.contains(&own), "{types}");
        }
        // The picture is the same; the chart reads the cells of its own sheet.
        let from_drawing = targets("drawings", "drawing");
        assert!(from_drawing.contains("media/image1.png"), "{from_drawing}");
        assert!(
            from_drawing.contains(&format!("charts/chart{copy}.xml")),
            "{from_drawing}"
        );
        let chart = part("charts", "chart");
        assert!(
            chart.contains(&format!("<c:f>{name}!$A$2:$A${last}</c:f>"))
                && !chart.contains("numCache"),
            "{chart}"
        );
        // Over the row of the total, wherever it went.
        let drawing = part("drawings", "drawing");
        let row = format!("<xdr:row>{last}</xdr:row>");
        assert_eq!(drawing.matches(&row).count(), 2, "{drawing}");
        // A table has its own name, which its own formulas use.
        let table_name = ["T", "T_2"][copy - 1];
        let table = part("tables", "table");
        for expected in [
            format!("id=\"{copy}\""),
            format!("displayName=\"{table_name}\""),
            format!("ref=\"A1:B{last}\""),
            format!("<calculatedColumnFormula>{table_name}[[#This Row],[Montant]]*2<"),
        ] {
            assert!(table.contains(&expected), "{expected} is not in {table}");
        }
        let total = format!("SUM({table_name}[Montant])");
        let of_sheet = formulas(&merged, copy);
        assert_eq!(of_sheet.last(), Some(&total));
        assert_eq!(
            of_sheet[0],
            format!("{table_name}[[#This Row],[Montant]]*2")
        );
        // Newer Excel's ranges follow too, and lines are shown as lines.
        let sheet = merged.sheet(copy);
        let end = last + 1;
        let spark = format!("<xm:f>{name}!A2:A{last}</xm:f><xm:sqref>B{end}</xm:sqref>");
        assert!(sheet.contains(&spark), "{sheet}");
        assert!(
            sheet.contains(&format!("<c r=\"B{end}\" t=\"inlineStr\" s=\"2\">")),
            "{sheet}"
        );
    }
    assert_eq!(
        merged
            .part("xl/styles.xml")
            .matches("wrapText=\"1\"")
            .count(),
        1
    );
    assert_eq!(merged.reader().sheet_names(), ["Un", "Deux"]);
}

#[test]
fn a_sheet_that_is_left_out_takes_its_drawing_and_table_with_it_and_no_picture() {
    let sheet = sheet_with_everything();
    let mut book = book_with_everything(&sheet);
    book.sheets.push(data(&[row(1, &[text("A1", "Fin")])]));
    book.names.push("Fin");
    let merged = book.merged(&json!({ "l": [] }));
    let names = merged.names();
    for part in [
        "drawings/drawing1",
        "charts/chart1",
        "tables/table1",
        "worksheets/sheet1",
    ] {
        assert!(!names.contains(&format!("xl/{part}.xml")), "{names:?}");
    }
    assert!(names.contains(&"xl/media/image1.png".to_owned()));
    assert_eq!(merged.reader().sheet_names(), ["Fin"]);
}

#[test]
fn a_row_is_as_high_as_the_lines_of_its_values_unless_a_clerk_set_its_height() {
    let rows = [
        row(1, &[text("A1", "{{ v }}"), text("B1", "{{ w }}")]),
        row(2, &[text("A2", "{{ v }}")]).replace("<row ", "<row ht=\"60\" "),
        row(3, &[text("A3", "{{ v }}")]).replace("<row ", "<row ht=\"12\" customHeight=\"1\" "),
        row(4, &[text("A4", "{{ w }}")]),
    ];
    let book = Book::new(&[("F", &data(&rows))]);
    let sheet = book
        .merged(&json!({ "v": "un\ndeux\ntrois", "w": "un" }))
        .sheet(1);
    for expected in [
        "<row r=\"1\" ht=\"45.00\">",
        "<row r=\"2\" ht=\"60\">",
        "<row r=\"3\" ht=\"12\" customHeight=\"1\">",
        "<row r=\"4\">",
    ] {
        assert!(sheet.contains(expected), "{expected} is not in {sheet}");
    }
}
