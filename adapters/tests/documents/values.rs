//! Values as LibreOffice prints them: awkward text stays text, rich text is laid out, codes can be read
//! from the page.

use super::{
    support::{AT, assert_says, options, run, text_of},
    text::{ODF, docx, odt, zipped},
};
use navette_adapters::{libreoffice::PdfPool, merge::Template};
use navette_domain::{
    ids::DocumentId,
    paper_reference::PaperReference,
    ports::{OfficeFormat, Pdf},
};
use serde_json::{Value, json};
use std::{fs, process::Command};

/// The tests of this module, by name.
pub(crate) const TESTS: [(&str, fn()); 3] = [
    (
        "the_code_of_a_printed_page_finds_its_document",
        printed_reference,
    ),
    (
        "a_value_is_printed_as_it_is_written_whatever_it_holds",
        literal_values,
    ),
    (
        "a_value_is_printed_in_a_cell_as_it_is_written_whatever_it_holds",
        literal_cells,
    ),
];

fn converted(file: &[u8], data: &Value) -> Pdf {
    let template = Template::compile(file).unwrap();
    let merged = template.merge(data).unwrap();
    let pool = PdfPool::new(options(&["pdf-worker"]));
    run(pool.convert(&merged, template.format(), AT)).unwrap()
}

/// The codes that a reader finds on the first page, as an ordinary scanner would give it.
fn codes(pdf: &Pdf) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.pdf");
    fs::write(&file, &pdf.bytes).unwrap();
    let page = folder.path().join("page");
    let drawn = Command::new("pdftoppm")
        .args(["-png", "-gray", "-r", "150", "-singlefile"])
        .args([&file, &page])
        .status();
    assert!(drawn.unwrap().success());
    let page = fs::read(page.with_extension("png")).unwrap();
    let page = image::load_from_memory(&page).unwrap().to_luma8();
    let (width, height) = (page.width() as usize, page.height() as usize);
    let shade = |x: usize, y: usize| {
        let (x, y) = (u32::try_from(x).unwrap(), u32::try_from(y).unwrap());
        page.get_pixel(x, y).0[0]
    };
    let mut seen = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    let grids = seen.detect_grids();
    grids.iter().map(|grid| grid.decode().unwrap().1).collect()
}

fn printed_reference() {
    let document: DocumentId = "01937d6e-43ac-7b1e-9f01-23456789abcd".parse().unwrap();
    let printed = PaperReference { document, round: 1 };
    let reference = printed.to_string();
    let data = json!({ "document": { "reference_papier": reference } });
    let tag = "{{ document.reference_papier|qr(taille=\"20mm\") }}";
    for file in [
        odt("", "", &format!("<text:p>{tag}</text:p>")),
        docx("", "", &format!("<w:p><w:r><w:t>{tag}</w:t></w:r></w:p>")),
    ] {
        let read = codes(&converted(&file, &data));
        assert_eq!(read, std::slice::from_ref(&reference));
        assert_eq!(read[0].parse(), Ok(printed));
    }
}

/// What tags, markup, characters of control and those that turn text round would do their worst with.
const AWKWARD: &str = "[[champ]] {{ x }} {% if y %} <text:p>&amp;</text:p> ]]> <w:br/> \u{1}\u{0}a\u{202e}b \u{1f600} fin";
const AWKWARD_AS_PRINTED: &str =
    "[[champ]] {{ x }} {% if y %} <text:p>&amp;</text:p> ]]> <w:br/> ab \u{1f600} fin";

/// One sheet of one wide column, with these texts from top to bottom.
fn ods(texts: &[&str]) -> Vec<u8> {
    let rows = texts.iter().map(|text| {
        format!(
            "<table:table-row><table:table-cell><text:p>{text}</text:p></table:table-cell></table:table-row>"
        )
    });
    let rows: String = rows.collect();
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content {ODF}><office:automatic-styles>\
         <style:style style:name=\"co1\" style:family=\"table-column\"><style:table-column-properties \
         style:column-width=\"17cm\"/></style:style></office:automatic-styles><office:body>\
         <office:spreadsheet><table:table table:name=\"F\"><table:table-column \
         table:style-name=\"co1\"/>{rows}</table:table></office:spreadsheet></office:body>\
         </office:document-content>"
    );
    let media_type = OfficeFormat::Ods.media_type();
    let manifest = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><manifest:manifest \
         xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" manifest:version=\"1.3\">\
         <manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"{media_type}\"/>\
         <manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/>\
         </manifest:manifest>"
    );
    zipped(&[
        ("mimetype", media_type),
        ("content.xml", &content),
        ("META-INF/manifest.xml", &manifest),
    ])
}

/// The same for Excel.
fn xlsx(texts: &[&str]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    const TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let relations = |lines: &[(&str, &str)]| {
        let line = |(at, (kind, target)): (usize, &(&str, &str))| {
            format!("<Relationship Id=\"rId{at}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
        };
        let lines: String = lines.iter().enumerate().map(line).collect();
        format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{lines}</Relationships>")
    };
    let part = |name: &str, kind: &str| {
        format!("<Override PartName=\"/xl/{name}.xml\" ContentType=\"{TYPE}.{kind}+xml\"/>")
    };
    let types = format!(
        "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>{}{}{}</Types>",
        part("workbook", "sheet.main"),
        part("worksheets/sheet1", "worksheet"),
        part("styles", "styles"),
    );
    let cells = texts.iter().enumerate().map(|(at, text)| {
        let row = at + 1;
        format!("<row r=\"{row}\"><c r=\"A{row}\" t=\"inlineStr\"><is><t>{text}</t></is></c></row>")
    });
    let cells: String = cells.collect();
    zipped(&[
        ("[Content_Types].xml", &types),
        (
            "_rels/.rels",
            &relations(&[("officeDocument", "xl/workbook.xml")]),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &relations(&[
                ("worksheet", "worksheets/sheet1.xml"),
                ("styles", "styles.xml"),
            ]),
        ),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"F\" sheetId=\"1\" \
                 r:id=\"rId0\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!(
                "<worksheet xmlns=\"{MAIN}\"><cols><col min=\"1\" max=\"1\" width=\"85\" \
                 customWidth=\"1\"/></cols><sheetData>{cells}</sheetData></worksheet>"
            ),
        ),
        (
            "xl/styles.xml",
            &format!(
                "<styleSheet xmlns=\"{MAIN}\"><fonts count=\"1\"><font><sz val=\"10\"/><name \
                 val=\"Liberation Sans\"/></font></fonts><fills count=\"1\"><fill/></fills><borders \
                 count=\"1\"><border/></borders><cellStyleXfs count=\"1\"><xf/></cellStyleXfs><cellXfs \
                 count=\"1\"><xf xfId=\"0\"/></cellXfs></styleSheet>"
            ),
        ),
    ])
}

fn literal_cells() {
    let data = json!({ "v": AWKWARD, "f": "=HYPERLINK(\"http://x\")", "lignes": "un\ndeux\ntrois  quatre" });
    let texts = ["{{ v }}", "{{ f }}", "{{ lignes }}", "Fin {{ f }}"];
    for file in [ods(&texts), xlsx(&texts)] {
        let text = text_of(&converted(&file, &data));
        let formula = "=HYPERLINK(\"http://x\")";
        let last = format!("un deux trois quatre Fin {formula}");
        assert_says(&text, &[AWKWARD_AS_PRINTED, formula, &last]);
    }
}

fn literal_values() {
    let data = json!({
        "v": AWKWARD,
        "lignes": "un\ndeux\ttrois  quatre",
        "expose": "<p>Gras : <b>tout</b> &lt;w:p&gt;</p><ol><li>un<ul><li>point</ul><li>deux</ol>\
                   <table><tr><th>Poste<td>12</table>",
    });
    let expected = [
        AWKWARD_AS_PRINTED,
        "un deux trois quatre",
        "Gras : tout <w:p>",
        "1. un",
        "• point",
        "2. deux",
        "Poste",
    ];
    let paragraphs = ["{{ v }}", "{{ lignes }}", "{{ expose|html }}"];
    let text: String = paragraphs
        .map(|tag| format!("<text:p>{tag}</text:p>"))
        .concat();
    let word = paragraphs.map(|tag| format!("<w:p><w:r><w:t>{tag}</w:t></w:r></w:p>"));
    for file in [odt("", "", &text), docx("", "", &word.concat())] {
        assert_says(&text_of(&converted(&file, &data)), &expected);
    }
}
