//! Columns that depend on the data, merged cells, nested tables.

#![expect(
    clippy::format_collect,
    reason = "a test is read more often than it runs"
)]

use super::{body, docx, faults, odt};
use serde_json::json;

/// A table of Word: the widths of its columns, then its rows, each a list of (span, text).
fn word_table(widths: &[usize], rows: &[&[(usize, &str)]]) -> String {
    let grid: String = widths
        .iter()
        .map(|width| format!("<w:gridCol w:w=\"{width}\"/>"))
        .collect();
    let cell = |(span, text): &(usize, &str)| {
        let span = match span {
            1 => String::new(),
            span => format!("<w:gridSpan w:val=\"{span}\"/>"),
        };
        format!(
            "<w:tc><w:tcPr><w:tcW w:w=\"1\" w:type=\"dxa\"/>{span}</w:tcPr>\
             <w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"
        )
    };
    let row = |cells: &&[(usize, &str)]| -> String {
        let cells: String = cells.iter().map(cell).collect();
        format!("<w:tr>{cells}</w:tr>")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<w:tbl><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>")
}

/// What matters of a table: widths of columns, then for each row the width, span and text of its cells.
fn shape(table: &str) -> Vec<String> {
    let attribute = |text: &str, name: &str| {
        let start = text.find(name).map(|at| at + name.len());
        start.map(|start| text[start..].split('"').next().unwrap().to_owned())
    };
    let grid: Vec<String> = table
        .split("<w:gridCol ")
        .skip(1)
        .filter_map(|column| attribute(column, "w:w=\""))
        .collect();
    let mut shape = vec![grid.join(" ")];
    for row in table.split("<w:tr>").skip(1) {
        let cells: Vec<String> = row
            .split("<w:tc>")
            .skip(1)
            .map(|cell| {
                let text: Vec<&str> = cell
                    .split("<w:t")
                    .skip(1)
                    .filter(|text| text.starts_with([' ', '>']))
                    .filter_map(|text| text.split('>').nth(1)?.split('<').next())
                    .collect();
                let span = attribute(cell, "gridSpan w:val=\"").unwrap_or_else(|| "1".into());
                let width = attribute(cell, "w:tcW w:w=\"").unwrap_or_default();
                format!("{}:{span}:{width}", text.concat())
            })
            .collect();
        shape.push(cells.join(" "));
    }
    shape
}

#[test]
fn a_loop_over_columns_keeps_the_width_of_the_table() {
    let file = docx(&word_table(
        &[2000, 500, 1000, 500],
        &[
            &[(4, "Titre")],
            &[
                (1, "Année"),
                (1, "{%tc for y in l %}"),
                (1, "{{ y }}"),
                (1, "{%tc endfor %}"),
            ],
            &[
                (1, "Total"),
                (1, "{%tc for y in l %}"),
                (1, "{{ y * 2 }}"),
                (1, "{%tc endfor %}"),
            ],
        ],
    ));
    let merged = body(&file, &json!({ "l": [1, 2, 3] }));
    assert_eq!(
        shape(&merged),
        [
            "1600 800 800 800",
            "Titre:4:4000",
            "Année:1:1600 1:1:800 2:1:800 3:1:800",
            "Total:1:1600 2:1:800 4:1:800 6:1:800",
        ]
    );
    assert!(!merged.contains("navette:"), "{merged}");
    let merged = body(&file, &json!({ "l": [] }));
    assert_eq!(
        shape(&merged),
        ["4000", "Titre:1:4000", "Année:1:4000", "Total:1:4000"]
    );
}

#[test]
fn a_cell_over_repeated_columns_spans_all_of_them() {
    let file = docx(&word_table(
        &[1000, 1000, 1000, 1000],
        &[
            &[(1, "a"), (3, "sur tout")],
            &[
                (1, "b"),
                (1, "{%tc for y in l %}"),
                (1, "{{ y }}"),
                (1, "{%tc endfor %}"),
            ],
        ],
    ));
    let merged = body(&file, &json!({ "l": [1, 2, 3, 4] }));
    assert_eq!(shape(&merged)[1], "a:1:800 sur tout:4:3200");
}

#[test]
fn a_condition_on_a_column_removes_it() {
    let file = docx(&word_table(
        &[1000, 100, 1000, 100, 1000],
        &[&[
            (1, "a"),
            (1, "{%tc if x %}"),
            (1, "b"),
            (1, "{%tc endif %}"),
            (1, "c"),
        ]],
    ));
    let cells = |x: bool| shape(&body(&file, &json!({ "x": x })));
    assert_eq!(
        cells(true),
        ["1066 1066 1066", "a:1:1066 b:1:1066 c:1:1066"]
    );
    assert_eq!(cells(false), ["1600 1600", "a:1:1600 c:1:1600"]);
}

#[test]
fn docxtpls_tags_of_cells_are_obeyed() {
    let file = docx(&word_table(
        &[1000, 1000],
        &[&[(1, "{% colspan n %}{% cellbg couleur %}x")]],
    ));
    let merged = body(&file, &json!({ "n": 2, "couleur": "ffcc00" }));
    assert_eq!(shape(&merged)[1], "x:2:2000");
    let properties = "<w:tcPr><w:tcW w:w=\"2000\" w:type=\"dxa\"/><w:gridSpan w:val=\"2\"/>\
                      <w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"FFCC00\"/></w:tcPr>";
    assert!(merged.contains(properties), "{merged}");
    for (data, sentence) in [
        (json!({ "n": "\"/>", "couleur": "FFCC00" }), "colspan"),
        (json!({ "n": 2, "couleur": "\"/><x/>" }), "cellbg"),
    ] {
        let faults = faults(&file, &data);
        assert!(faults[0].sentence.contains(sentence), "{faults:?}");
        assert!(faults[0].tag.contains(sentence), "{faults:?}");
    }
}

#[test]
fn cells_repeated_by_a_loop_are_merged_across_and_down() {
    let file = docx(&word_table(
        &[1000, 100, 1000, 100],
        &[
            &[
                (1, ""),
                (1, "{%tc for y in l %}"),
                (1, "{% hm %}Années"),
                (1, "{%tc endfor %}"),
            ],
            &[
                (1, ""),
                (1, "{%tc for y in l %}"),
                (1, "{{ y }}"),
                (1, "{%tc endfor %}"),
            ],
        ],
    ));
    let merged = body(&file, &json!({ "l": [1, 2, 3] }));
    assert_eq!(
        shape(&merged)[1..],
        [":1:550 Années:3:1650", ":1:550 1:1:550 2:1:550 3:1:550"]
    );

    let file = docx(&word_table(
        &[1000, 1000],
        &[
            &[(2, "{%tr for y in l %}")],
            &[(1, "{% vm %}Années"), (1, "{{ y }}")],
            &[(2, "{%tr endfor %}")],
        ],
    ));
    let merged = body(&file, &json!({ "l": [1, 2] }));
    assert_eq!(shape(&merged)[1..], ["Années:1:1 1:1:1", ":1:1 2:1:1"]);
    let restart = merged.find("<w:vMerge w:val=\"restart\"/>").unwrap();
    let next = merged.find("<w:vMerge w:val=\"continue\"/>").unwrap();
    assert!(restart < next, "{merged}");
    assert!(
        merged.contains("continue\"/></w:tcPr><w:p/></w:tc>"),
        "{merged}"
    );
}

#[test]
fn a_tag_of_cells_elsewhere_is_told() {
    let paragraph = |text: &str| docx(&format!("<w:p><w:r><w:t>{text} x</w:t></w:r></w:p>"));
    let data = json!({ "n": 2 });
    let told = faults(&paragraph("{% colspan n %}"), &data);
    assert!(told[0].sentence.contains("cellule de tableau"), "{told:?}");
    let told = faults(&docx(&word_table(&[10], &[&[(1, "{% hm %}x")]])), &data);
    assert!(told[0].sentence.contains("dans une boucle"), "{told:?}");
}

#[test]
fn a_table_without_rows_is_no_table() {
    let file = docx(&format!(
        "{}<w:p/>",
        word_table(
            &[10],
            &[
                &[(1, "{%tr for y in l %}")],
                &[(1, "{{ y }}")],
                &[(1, "{%tr endfor %}")]
            ]
        )
    ));
    assert_eq!(body(&file, &json!({ "l": [] })), "<w:p/>");
    assert_eq!(shape(&body(&file, &json!({ "l": [7] })))[1], "7:1:1");
}

#[test]
fn a_nested_table_repeats_its_own_rows() {
    let inner = word_table(
        &[10],
        &[
            &[(1, "{%tr for y in x.l %}")],
            &[(1, "{{ y }}")],
            &[(1, "{%tr endfor %}")],
        ],
    );
    let file = docx(&format!(
        "<w:tbl><w:tblGrid><w:gridCol w:w=\"10\"/></w:tblGrid>\
         <w:tr><w:tc><w:p><w:r><w:t>{{%tr for x in l %}}</w:t></w:r></w:p></w:tc></w:tr>\
         <w:tr><w:tc>{inner}<w:p/></w:tc></w:tr>\
         <w:tr><w:tc><w:p><w:r><w:t>{{%tr endfor %}}</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    ));
    let merged = body(&file, &json!({ "l": [{ "l": [1, 2] }, { "l": [] }] }));
    assert_eq!(merged.matches("<w:tbl>").count(), 2, "{merged}");
    assert_eq!(merged.matches("<w:tr>").count(), 4, "{merged}");
    assert!(
        merged.contains("<w:tr><w:tc><w:p/></w:tc></w:tr>"),
        "{merged}"
    );
}

// --- OpenDocument ----------------------------------------------------------------------------------

fn odt_table(columns: &str, rows: &[&[&str]]) -> String {
    let cell = |text: &&str| match text.split_once('|') {
        None if *text == "covered" => "<table:covered-table-cell/>".into(),
        None => format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>"),
        Some((attributes, text)) => {
            format!("<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>")
        }
    };
    let row = |cells: &&[&str]| -> String {
        let cells: String = cells.iter().map(cell).collect();
        format!("<table:table-row>{cells}</table:table-row>")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("<table:table>{columns}{rows}</table:table>")
}

const COLUMNS: &str = "<table:table-column table:style-name=\"A\"/><table:table-column \
                       table:style-name=\"B\" table:number-columns-repeated=\"3\"/>";

#[test]
fn a_loop_over_columns_of_opendocument_unfolds_its_columns() {
    let file = odt(&odt_table(
        COLUMNS,
        &[
            &[
                "table:number-columns-spanned=\"4\"|T",
                "covered",
                "covered",
                "covered",
            ],
            &["a", "{%tc for y in l %}", "{{ y }}", "{%tc endfor %}"],
        ],
    ));
    let merged = body(&file, &json!({ "l": [1, 2] }));
    let column = |style: &str| format!("<table:table-column table:style-name=\"{style}\"/>");
    assert_eq!(
        merged,
        odt_table(
            &[column("A"), column("B"), column("B")].concat(),
            &[
                &["table:number-columns-spanned=\"3\"|T", "covered", "covered"],
                &["a", "1", "2"],
            ],
        )
    );
}

#[test]
fn repeated_cells_with_tags_are_unfolded() {
    let file = odt(&odt_table(
        "",
        &[&[
            "{%tc if x %}",
            "table:number-columns-repeated=\"2\"|{{ x }}",
            "{%tc endif %}",
        ]],
    ));
    let column = "<table:table-column/>";
    assert_eq!(
        body(&file, &json!({ "x": 5 })),
        odt_table(&column.repeat(2), &[&["5", "5"]])
    );
}

#[test]
fn repeated_cells_are_merged_in_opendocument_too() {
    let file = odt(&odt_table(
        COLUMNS,
        &[
            &[
                "a",
                "{%tc for y in l %}",
                "{% hm %}Années",
                "{%tc endfor %}",
            ],
            &["b", "{%tc for y in l %}", "{{ y }}", "{%tc endfor %}"],
        ],
    ));
    let merged = body(&file, &json!({ "l": [1, 2, 3] }));
    assert!(
        merged.contains(
            "<table:table-cell table:number-columns-spanned=\"3\"><text:p>Années</text:p>\
             </table:table-cell><table:covered-table-cell/><table:covered-table-cell/>\
             </table:table-row>"
        ),
        "{merged}"
    );
    let file = odt(&odt_table(
        COLUMNS,
        &[
            &["{%tr for y in l %}", ""],
            &["{% vm %}Années", "{{ y }}"],
            &["{%tr endfor %}", ""],
        ],
    ));
    let merged = body(&file, &json!({ "l": [1, 2] }));
    assert!(
        merged.contains("table:number-rows-spanned=\"2\"><text:p>Années</text:p>")
            && merged.contains("<table:table-row><table:covered-table-cell/><table:table-cell>"),
        "{merged}"
    );
}
