//! Templates of text as LibreOffice opens them: whatever the tags did to the document, it is read whole.

use super::support::{AT, assert_says, lines_of, options, run, text_of};
use navette_adapters::{
    libreoffice::PdfPool,
    merge::{Includes, Template},
};
use navette_domain::ports::OfficeFormat;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// The tests of this module, by name.
pub(crate) const TESTS: [(&str, fn()); 4] = [
    (
        "a_word_table_whose_columns_depend_on_data_is_read_whole",
        word_columns,
    ),
    (
        "an_opendocument_table_whose_columns_depend_on_data_is_read_whole",
        odt_columns,
    ),
    (
        "a_text_with_sections_lists_fields_and_notes_is_read_whole",
        odt_text,
    ),
    (
        "sub_templates_are_read_with_their_styles_and_lists",
        sub_templates,
    ),
];

pub(crate) fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = if *name == "mimetype" {
            SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Stored)
        } else {
            SimpleFileOptions::DEFAULT
        };
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) const ODF: &str = "xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
    xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" \
    xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
    xmlns:style=\"urn:oasis:names:tc:opendocument:xmlns:style:1.0\" \
    xmlns:fo=\"urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0\" \
    xmlns:draw=\"urn:oasis:names:tc:opendocument:xmlns:drawing:1.0\" \
    xmlns:svg=\"urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0\" \
    xmlns:xlink=\"http://www.w3.org/1999/xlink\" office:version=\"1.3\"";

pub(crate) fn odt(automatic: &str, named: &str, body: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content {ODF}>\
         <office:automatic-styles>{automatic}</office:automatic-styles><office:body><office:text>{body}\
         </office:text></office:body></office:document-content>"
    );
    let styles = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-styles {ODF}><office:styles>{named}\
         </office:styles></office:document-styles>"
    );
    let manifest = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><manifest:manifest \
        xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" manifest:version=\"1.3\">\
        <manifest:file-entry manifest:full-path=\"/\" \
        manifest:media-type=\"application/vnd.oasis.opendocument.text\"/><manifest:file-entry \
        manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/><manifest:file-entry \
        manifest:full-path=\"styles.xml\" manifest:media-type=\"text/xml\"/></manifest:manifest>";
    zipped(&[
        ("mimetype", OfficeFormat::Odt.media_type()),
        ("content.xml", &content),
        ("styles.xml", &styles),
        ("META-INF/manifest.xml", manifest),
    ])
}

const WORD: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const WORD_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml";

pub(crate) fn docx(styles: &str, numbering: &str, body: &str) -> Vec<u8> {
    let types = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Types \
         xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default \
         Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Override PartName=\"/word/document.xml\" ContentType=\"{WORD_TYPE}.document.main+xml\"/>\
         <Override PartName=\"/word/styles.xml\" ContentType=\"{WORD_TYPE}.styles+xml\"/>\
         <Override PartName=\"/word/numbering.xml\" ContentType=\"{WORD_TYPE}.numbering+xml\"/></Types>"
    );
    let relations = |lines: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Relationships \
             xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{lines}\
             </Relationships>"
        )
    };
    let line = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
    };
    zipped(&[
        ("[Content_Types].xml", &types),
        (
            "_rels/.rels",
            &relations(&line("rId1", "officeDocument", "word/document.xml")),
        ),
        (
            "word/_rels/document.xml.rels",
            &relations(
                &[
                    line("rId1", "styles", "styles.xml"),
                    line("rId2", "numbering", "numbering.xml"),
                ]
                .concat(),
            ),
        ),
        (
            "word/document.xml",
            &format!("<w:document {WORD}><w:body>{body}<w:sectPr/></w:body></w:document>"),
        ),
        (
            "word/styles.xml",
            &format!("<w:styles {WORD}>{styles}</w:styles>"),
        ),
        (
            "word/numbering.xml",
            &format!("<w:numbering {WORD}>{numbering}</w:numbering>"),
        ),
    ])
}

struct Stored(Vec<(&'static str, Vec<u8>)>);

impl Includes for Stored {
    fn template(&self, code: &str) -> Option<Vec<u8>> {
        let mut stored = self.0.iter();
        stored
            .find(|(known, _)| *known == code)
            .map(|(_, bytes)| bytes.clone())
    }
}

/// The text of the PDF of a template merged with `data`.
fn shown(file: &[u8], includes: Vec<(&'static str, Vec<u8>)>, data: &Value) -> String {
    let template = Template::compile_with(file, &Stored(includes)).unwrap();
    let merged = template.merge(data).unwrap();
    let pool = PdfPool::new(options(&["pdf-worker"]));
    let pdf = run(pool.convert(&merged, template.format(), AT)).unwrap();
    let text = lines_of(&pdf);
    assert!(!text.contains("{%") && !text.contains("{{"), "{text}");
    text
}

fn word_paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn word_columns() {
    let cell = |text: &&str| {
        format!(
            "<w:tc><w:tcPr><w:tcW w:w=\"1800\" w:type=\"dxa\"/></w:tcPr>{}</w:tc>",
            word_paragraph(text)
        )
    };
    let row = |cells: [&str; 4]| {
        let cells: String = cells.iter().map(cell).collect();
        format!("<w:tr>{cells}</w:tr>")
    };
    let grid = "<w:gridCol w:w=\"1800\"/>".repeat(4);
    let title = format!(
        "<w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"4\"/></w:tcPr>{}</w:tc></w:tr>",
        word_paragraph("Budget {{ titre }}")
    );
    let table = format!(
        "<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{title}{}{}{}{}{}</w:tbl>",
        row([
            "",
            "{%tc for a in annees %}",
            "{% hm %}Exercices",
            "{%tc endfor %}"
        ]),
        row([
            "Poste",
            "{%tc for a in annees %}",
            "{% cellbg \"FFCC00\" %}{{ a }}",
            "{%tc endfor %}"
        ]),
        row(["{%tr for p in postes %}", "", "", ""]),
        row([
            "{% vm %}Postes",
            "{%tc for m in p.m %}",
            "{{ m }}",
            "{%tc endfor %}"
        ]),
        row(["{%tr endfor %}", "", "", ""]),
    );
    let file = docx("", "", &(table + &word_paragraph("Fin")));
    let data = json!({
        "titre": "prévisionnel", "annees": [2026, 2027, 2028, 2029, 2030],
        "postes": [{ "m": [11, 12, 13, 14, 15] }, { "m": [21, 22, 23, 24, 25] }],
    });
    let text = shown(&file, Vec::new(), &data);
    assert_says(
        &text,
        &[
            "Budget prévisionnel",
            "Exercices",
            "2026 2027 2028 2029 2030",
            "11 12 13 14 15",
            "21 22 23 24 25",
            "Fin",
        ],
    );
    assert_eq!(text.matches("Exercices").count(), 1, "{text}");
    assert_eq!(text.matches("Postes").count(), 1, "{text}");
    let none = json!({ "titre": "vide", "annees": [], "postes": [] });
    assert_says(
        &shown(&file, Vec::new(), &none),
        &["Budget vide", "Poste", "Fin"],
    );
}

fn odt_columns() {
    let cell =
        |text: &&str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let row = |cells: [&str; 4]| {
        let cells: String = cells.iter().map(cell).collect();
        format!("<table:table-row>{cells}</table:table-row>")
    };
    let styles = "<style:style style:name=\"T\" style:family=\"table\"><style:table-properties \
        style:width=\"17cm\" table:align=\"margins\"/></style:style><style:style style:name=\"T.A\" \
        style:family=\"table-column\"><style:table-column-properties style:column-width=\"4.25cm\" \
        style:rel-column-width=\"16383*\"/></style:style>";
    let body = format!(
        "<table:table table:name=\"T\" table:style-name=\"T\"><table:table-column \
         table:style-name=\"T.A\" table:number-columns-repeated=\"4\"/><table:table-row>\
         <table:table-cell table:number-columns-spanned=\"4\"><text:p>Budget</text:p></table:table-cell>\
         <table:covered-table-cell/><table:covered-table-cell/><table:covered-table-cell/>\
         </table:table-row>{}{}{}</table:table><text:p>Fin</text:p>",
        row([
            "",
            "{%tc for a in annees %}",
            "{% hm %}Exercices",
            "{%tc endfor %}"
        ]),
        row([
            "Poste",
            "{%tc for a in annees %}",
            "{{ a }}",
            "{%tc endfor %}"
        ]),
        row(["{% for p in postes %}{{ p }}", "x", "y", "z{% endfor %}"]),
    );
    let file = odt(styles, "", &body);
    let data = json!({ "annees": [2026, 2027, 2028, 2029, 2030, 2031], "postes": ["A", "B"] });
    let text = shown(&file, Vec::new(), &data);
    assert_says(
        &text,
        &[
            "Budget",
            "Exercices",
            "Poste 2026 2027 2028 2029 2030 2031",
            "Fin",
        ],
    );
    let none = json!({ "annees": [], "postes": [] });
    assert_says(
        &shown(&file, Vec::new(), &none),
        &["Budget", "Poste", "Fin"],
    );
}

fn odt_text() {
    let body = "<text:section text:name=\"S\"><text:p>{% for x in l %}</text:p><text:p>Section {{ x }}\
        </text:p><text:p>{% endfor %}</text:p></text:section><text:list><text:list-item><text:p>\
        {% for x in l %}</text:p></text:list-item><text:list-item><text:p>Point {{ x }}</text:p>\
        </text:list-item><text:list-item><text:p>{% endfor %}</text:p></text:list-item></text:list>\
        <text:p>Champ <text:text-input text:description=\"\">{{ l|length }}</text:text-input> et \
        <text:placeholder text:placeholder-type=\"text\">&lt;{{ nom }}&gt;</text:placeholder>, \
        littéral {_{ x }_}<text:note text:note-class=\"footnote\"><text:note-citation>1\
        </text:note-citation><text:note-body><text:p>Note {{ nom }}</text:p></text:note-body></text:note>\
        </text:p><text:p>Situé</text:p><text:p>{%- if ville -%}</text:p><text:p>\u{a0}en ville</text:p>\
        <text:p>{%- endif -%}</text:p><text:p>, au calme.</text:p><text:p><draw:frame \
        text:anchor-type=\"as-char\" svg:width=\"6cm\" svg:height=\"2cm\"><draw:text-box><text:p>\
        {% if ville %}</text:p><text:p>Cadre {{ nom }}</text:p><text:p>{% endif %}</text:p>\
        </draw:text-box></draw:frame></text:p>";
    let data = json!({ "l": ["A", "B"], "nom": "Éveil", "ville": true });
    let template = Template::compile(&odt("", "", body)).unwrap();
    let merged = template.merge(&data).unwrap();
    let pdf = run(PdfPool::new(options(&["pdf-worker"])).convert(&merged, template.format(), AT))
        .unwrap();
    assert_says(
        &text_of(&pdf),
        &[
            "Section A",
            "Section B",
            "Point A",
            "Point B",
            "Champ 2 et Éveil",
            "littéral {{ x }}",
            "Note Éveil",
            "en ville, au calme.",
            "Cadre Éveil",
        ],
    );
}

fn sub_templates() {
    let style = "<style:style style:name=\"P1\" style:family=\"paragraph\" \
        style:parent-style-name=\"Clause\"><style:paragraph-properties fo:text-align=\"end\"/>\
        </style:style>";
    let named = "<style:style style:name=\"Clause\" style:family=\"paragraph\">\
        <style:text-properties fo:font-weight=\"bold\"/></style:style>";
    let clause = odt(
        style,
        named,
        "<text:p text:style-name=\"P1\">Clause de {{ nom }}</text:p>",
    );
    let host = odt(
        "",
        "",
        "<text:p>Avant</text:p><text:p>{% include \"clause\" %}</text:p><text:p>Après</text:p>",
    );
    let data = json!({ "nom": "Brume" });
    let text = shown(&host, vec![("clause", clause)], &data);
    assert_says(&text, &["Avant Clause de Brume Après"]);

    let styles = "<w:style w:type=\"paragraph\" w:styleId=\"Clause\"><w:name w:val=\"Clause\"/><w:rPr>\
        <w:b/></w:rPr></w:style>";
    let numbering = "<w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/>\
        <w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"Article %1\"/></w:lvl></w:abstractNum><w:num \
        w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num>";
    let article = |text: &str| {
        format!(
            "<w:p><w:pPr><w:pStyle w:val=\"Clause\"/><w:numPr><w:ilvl w:val=\"0\"/><w:numId \
             w:val=\"1\"/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let clause = docx(
        styles,
        numbering,
        &(article("de {{ nom }}") + &article("et fin")),
    );
    let host = docx(
        "",
        "",
        &["Avant", "{% include \"clause\" %}", "Après"]
            .map(word_paragraph)
            .concat(),
    );
    let text = shown(&host, vec![("clause", clause)], &data);
    assert_says(
        &text,
        &["Avant", "Article 1 de Brume", "Article 2 et fin", "Après"],
    );
}
