//! Values as LibreOffice prints them: awkward text stays text, rich text is laid out, codes can be read
//! from the page.

use super::{
    support::{AT, assert_says, options, run, text_of},
    text::{docx, odt},
};
use navette_adapters::{libreoffice::PdfPool, merge::Template};
use navette_domain::{ids::DocumentId, paper_reference::PaperReference, ports::Pdf};
use serde_json::{Value, json};
use std::{fs, process::Command};

/// The tests of this module, by name.
pub(crate) const TESTS: [(&str, fn()); 2] = [
    (
        "the_code_of_a_printed_page_finds_its_document",
        printed_reference,
    ),
    (
        "a_value_is_printed_as_it_is_written_whatever_it_holds",
        literal_values,
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
    let reference = PaperReference(document).to_string();
    let data = json!({ "document": { "reference_papier": reference } });
    let tag = "{{ document.reference_papier|qr(taille=\"20mm\") }}";
    for file in [
        odt("", "", &format!("<text:p>{tag}</text:p>")),
        docx("", "", &format!("<w:p><w:r><w:t>{tag}</w:t></w:r></w:p>")),
    ] {
        let read = codes(&converted(&file, &data));
        assert_eq!(read, std::slice::from_ref(&reference));
        assert_eq!(read[0].parse(), Ok(PaperReference(document)));
    }
}

fn literal_values() {
    let data = json!({
        "v": "[[champ]] {{ x }} {% if y %} <text:p>&amp;</text:p> ]]> <w:br/> \u{1}\u{0}a\u{202e}b fin",
        "lignes": "un\ndeux\ttrois  quatre",
        "expose": "<p>Gras : <b>tout</b> &lt;w:p&gt;</p><ol><li>un<ul><li>point</ul><li>deux</ol>\
                   <table><tr><th>Poste<td>12</table>",
    });
    let expected = [
        "[[champ]] {{ x }} {% if y %} <text:p>&amp;</text:p> ]]> <w:br/> ab fin",
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
