//! Sheets of OpenDocument, rendered.

use crate::merge::tests::{body, odf};
use navette_domain::ports::OfficeFormat;
use serde_json::{Value, json};

fn merged(sheets: &str, data: &Value) -> String {
    let spreadsheet = format!("<office:spreadsheet>{sheets}</office:spreadsheet>");
    let merged = body(&odf(OfficeFormat::Ods, &spreadsheet, ""), data);
    assert!(!merged.contains("navette:"), "{merged}");
    merged
}

fn table(name: &str, rows: &[String]) -> String {
    format!(
        "<table:table table:name=\"{name}\">{}</table:table>",
        rows.concat()
    )
}

fn row(cells: &[&str]) -> String {
    format!("<table:table-row>{}</table:table-row>", cells.concat())
}

fn text(text: &str) -> String {
    format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>")
}

fn formula(code: &str) -> String {
    format!(
        "<table:table-cell table:formula=\"of:={code}\" office:value=\"9\"><text:p>9</text:p></table:table-cell>"
    )
}

fn formulas(merged: &str) -> Vec<&str> {
    let pieces = merged.split("table:formula=\"of:=").skip(1);
    pieces
        .map(|piece| piece.split('"').next().unwrap_or_default())
        .collect()
}

#[test]
fn a_group_has_its_own_subtotal() {
    let rows = [
        row(&[&text("{% for g in groupes %}")]),
        row(&[&text("{{ g.nom }}")]),
        row(&[&text("{% for n in g.l %}")]),
        row(&[
            &text("{{ n }}"),
            &formula("[.A4]/SUM([.A$4:.A$4])"),
            &formula("SUM([.A$4:.A4])"),
        ]),
        row(&[&text("{% endfor %}")]),
        row(&[&formula("SUBTOTAL(9;[.A4:.A4])")]),
        row(&[&text("{% endfor %}")]),
        row(&[&formula("SUBTOTAL(9;[.A4:.A4])")]),
    ];
    let data = json!({ "groupes": [{ "nom": "a", "l": [1, 2] }, { "nom": "b", "l": [3] }] });
    // 1 a, 2 3 rows, 4 subtotal; 5 b, 6 row, 7 subtotal; 8 total.
    assert_eq!(
        formulas(&merged(&table("F", &rows), &data)),
        [
            "[.A2]/SUM([.A$2:.A$3])",
            "SUM([.A$2:.A2])",
            "[.A3]/SUM([.A$2:.A$3])",
            "SUM([.A$2:.A3])",
            "SUBTOTAL(9;[.A2:.A3])",
            "[.A6]/SUM([.A$6:.A$6])",
            "SUM([.A$6:.A6])",
            "SUBTOTAL(9;[.A6:.A6])",
            "SUBTOTAL(9;[.A2:.A6])",
        ]
    );
}

#[test]
fn repeated_cells_are_unfolded_where_columns_repeat() {
    let rows = [
        row(&["<table:table-cell table:style-name=\"s\" table:number-columns-repeated=\"10\"/>"]),
        row(&[
            &text("{%tc for m in mois %}"),
            &text("{{ m }}"),
            &text("{%tc endfor %}"),
            &formula("SUM([.B2:.B2])"),
        ]),
    ];
    let columns = "<table:table-column table:style-name=\"c1\"/><table:table-column \
                   table:style-name=\"c2\"/><table:table-column table:style-name=\"c3\" \
                   table:number-columns-repeated=\"8\"/>";
    let sheet = table("F", &[columns.to_owned(), rows.concat()]);
    let merged = merged(&sheet, &json!({ "mois": [1, 2, 3] }));
    assert_eq!(formulas(&merged), ["SUM([.A2:.C2])"]);
    assert!(
        merged.contains(
            "<table:table-column table:style-name=\"c2\" table:number-columns-repeated=\"3\"/>\
             <table:table-column table:style-name=\"c3\" table:number-columns-repeated=\"7\"/>"
        ),
        "{merged}"
    );
    let blank = "<table:table-cell table:style-name=\"s\"/>".repeat(3);
    assert!(
        merged.contains(&format!(
            "{blank}<table:table-cell table:style-name=\"s\" table:number-columns-repeated=\"7\"/>"
        )),
        "{merged}"
    );
}

#[test]
fn a_sheet_is_made_for_each_item_and_named_ranges_follow() {
    let fiche = table(
        "{{ d.nom }}",
        &[
            row(&[&text("{%sheet for d in l %}")]),
            row(&[&text("{{ d.n }}"), &formula("[.A2]+[Total.A1]")]),
        ],
    );
    let total = table("Total", &[row(&[&formula("SUM([$'{{ d.nom }}'.A2])")])]);
    let names = "<table:named-expressions><table:named-range table:name=\"N\" \
                 table:base-cell-address=\"$Total.$A$1\" \
                 table:cell-range-address=\"$'{{ d.nom }}'.$A$2:.$B$2\"/></table:named-expressions>";
    let sheets = [fiche, total, names.to_owned()].concat();
    let item = |nom: &str, n: u32| json!({ "nom": nom, "n": n });
    let merged = merged(&sheets, &json!({ "l": [item("A/1", 1), item("B", 2)] }));
    assert!(
        merged.contains("<table:table table:name=\"A-1\">"),
        "{merged}"
    );
    assert_eq!(
        formulas(&merged),
        [
            "[.A1]+[$Total.A1]",
            "[.A1]+[$Total.A1]",
            "SUM([$'A-1'.A1:$B.A1])"
        ]
    );
    assert!(
        merged.contains("table:cell-range-address=\"'A-1'.$A$1:'A-1'.$B$1\""),
        "{merged}"
    );
}

#[test]
fn merged_cells_and_conditional_formats_cover_the_rows_that_repeat() {
    let rows = [
        row(&[
            "<table:table-cell table:number-rows-spanned=\"3\" table:number-columns-spanned=\"1\"/>",
            &text("x"),
        ]),
        row(&[
            "<table:covered-table-cell/>",
            &text("{% for n in l %}{{ n }}"),
            &text("{% endfor %}"),
        ]),
        row(&["<table:covered-table-cell/>", &text("y")]),
    ];
    let formats = "<calcext:conditional-formats><calcext:conditional-format \
                   calcext:target-range-address=\"F.B2:F.B2\"><calcext:condition \
                   calcext:value=\"formula-is([.B2]&gt;1)\" calcext:base-cell-address=\"F.B2\"/>\
                   </calcext:conditional-format></calcext:conditional-formats>";
    let sheet = table("F", &[rows.concat(), formats.to_owned()]);
    let merged = merged(&sheet, &json!({ "l": [1, 2, 3] }));
    assert!(
        merged.contains("table:number-rows-spanned=\"5\""),
        "{merged}"
    );
    assert!(
        merged.contains("calcext:target-range-address=\"F.B2:F.B4\""),
        "{merged}"
    );
    assert!(merged.contains("formula-is([.B2]&gt;1)"), "{merged}");
}

#[test]
fn every_copy_of_a_sheet_has_its_drawings_over_its_own_cells() {
    let picture = "<draw:frame draw:name=\"Logo\" table:end-cell-address=\"'{{ d.nom }}'.C5\">\
                   <draw:image xlink:href=\"Pictures/logo.png\"/></draw:frame>";
    let chart = "<draw:frame><draw:object xlink:href=\"./Object 1\" \
                 draw:notify-on-update-of-ranges=\"'{{ d.nom }}'.A3:'{{ d.nom }}'.A3\"/></draw:frame>";
    let rows = [
        row(&[&text("{%sheet for d in l %}")]),
        row(&[&text("{% for v in d.l %}")]),
        row(&[&text("{{ v }}")]),
        row(&[&text("{% endfor %}")]),
        row(&[&format!(
            "<table:table-cell>{picture}<text:p>Fin</text:p></table:table-cell>"
        )]),
    ];
    let shapes = format!("<table:shapes>{chart}</table:shapes>");
    let fiche = table("{{ d.nom }}", &[vec![shapes], rows.to_vec()].concat());
    let item = |nom: &str, l: &[u32]| json!({ "nom": nom, "l": l });
    let merged = merged(
        &fiche,
        &json!({ "l": [item("Un", &[1]), item("Deux", &[1, 2, 3])] }),
    );
    assert_eq!(merged.matches("Pictures/logo.png").count(), 2, "{merged}");
    for expected in [
        "table:end-cell-address=\"Un.C2\"",
        "table:end-cell-address=\"Deux.C4\"",
        "draw:notify-on-update-of-ranges=\"Un.A1:Un.A1\"",
        "draw:notify-on-update-of-ranges=\"Deux.A1:Deux.A3\"",
    ] {
        assert!(merged.contains(expected), "{expected} is not in {merged}");
    }
}
