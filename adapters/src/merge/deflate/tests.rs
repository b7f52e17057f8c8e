#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

use super::*;
use flate2::{Decompress, FlushDecompress};
use proptest::prelude::*;

const ROW: &str =
    "<w:tr><w:tc><w:tcPr><w:tcW w:w=\"2409\" w:type=\"dxa\"/></w:tcPr><w:p><w:r><w:t>";
const END: &str = "</w:t></w:r></w:p></w:tc></w:tr>";

fn inflated(deflated: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(1 << 20);
    let status =
        Decompress::new(false).decompress_vec(deflated, &mut text, FlushDecompress::Finish);
    assert_eq!(status.unwrap(), Status::StreamEnd);
    text
}

fn known(source: &str, text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    Passages::of(source).append(&mut out, text.as_bytes());
    assert!(inflated(&out) == text.as_bytes(), "{source}\n{text}");
    out
}

fn as_it_comes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    append(&mut out, text.as_bytes());
    out
}

/// A table of so many rows, and the template of them.
fn table(rows: usize) -> (String, String) {
    let source = format!(
        "<w:tbl><w:tblPr>{{% for v in v %}}{ROW}{{{{ v.nom }}}}{END}{{% endfor %}}</w:tbl>"
    );
    let rows = (0..rows).map(|row| format!("{ROW}{} euros, ligne {row}{END}", row * 7_919));
    let body = rows.collect::<Vec<_>>().concat();
    (source, format!("<w:tbl><w:tblPr>{body}</w:tbl>"))
}

#[test]
fn the_passages_of_a_template_are_written_about_as_small_as_zlib_writes_them() {
    let letter = include_bytes!("../../../../examples/templates/lettre-attribution.docx");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&letter[..])).unwrap();
    let mut source = String::new();
    let mut part = zip.by_name("word/document.xml").unwrap();
    std::io::Read::read_to_string(&mut part, &mut source).unwrap();
    let mut text = source.clone();
    while let Some(start) = text.find("{{") {
        let end = start + text[start..].find("}}").unwrap() + 2;
        text.replace_range(start..end, &format!("valeur n° {start}"));
    }
    let (ours, theirs) = (known(&source, &text).len(), as_it_comes(&text).len());
    assert!(ours * 100 < theirs * 120, "{ours} {theirs}");
}

#[test]
fn a_row_beyond_the_window_of_the_last_is_written_whole_again() {
    let (source, _) = table(1);
    let far = "x".repeat(40_000);
    known(
        &source,
        &format!("{ROW}1{END}{far}{ROW}2{END}{far}{ROW}3{END}"),
    );
}

#[test]
fn a_long_passage_is_repeated_whatever_its_length() {
    for length in 240..540 {
        let passage = format!("<p>{}</p>", "abcdefg hijkl".repeat(50)[..length].to_owned());
        known(
            &format!("{passage}{{{{ v }}}}"),
            &format!("{passage}1{passage}22{passage}"),
        );
    }
}

#[test]
fn a_text_without_any_of_the_passages_is_written_as_it_comes() {
    let (source, _) = table(1);
    for text in [
        "",
        "<",
        "é",
        "<a/>",
        "rien de connu, rien de connu",
        &ROW[..20],
    ] {
        known(&source, text);
        known("", text);
    }
}

#[test]
fn a_passage_that_is_not_quite_the_template_s_is_written_as_it_is() {
    let (source, text) = table(3);
    known(&source, &text.replacen("2409", "2410", 1));
    known(&source, &text[..text.len() - 3]);
}

proptest! {
    /// Passages left out, repeated, in another order, cut, and values that look like passages.
    #[test]
    fn whatever_a_document_says_is_read_back(
        passages in prop::collection::vec("<[ab]{1,3} [a-c]{0,40}>(<[ab]>){0,9}", 1..8),
        order in prop::collection::vec((0_usize..8, "[a-c<é]{0,12}", 0_usize..60), 0..40),
    ) {
        let source: String = passages.iter().flat_map(|passage| [passage.as_str(), "{{ v }}"]).collect();
        let text: Vec<&str> = order
            .iter()
            .flat_map(|(passage, value, cut)| {
                let passage = &passages[passage % passages.len()];
                [passage.get(..*cut).unwrap_or(passage), value.as_str()]
            })
            .collect();
        known(&source, &text.concat());
    }
}
