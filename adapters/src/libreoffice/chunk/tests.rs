//! What may stand beside other letters, and how.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use std::io::Read as _;
use zip::ZipArchive;

const TEMPLATE: &[u8] = include_bytes!("../../../../examples/templates/lettre-attribution.odt");

fn part(odt: &[u8], name: &str) -> String {
    let mut archive = ZipArchive::new(Cursor::new(odt)).unwrap();
    let mut text = String::new();
    let mut entry = archive.by_name(name).unwrap();
    entry.read_to_string(&mut text).unwrap();
    text
}

/// The example letter with one part changed.
fn changed(name: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let mut source = ZipArchive::new(Cursor::new(TEMPLATE)).unwrap();
    let mut target = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..source.len() {
        let mut entry = source.by_index(index).unwrap();
        let entry_name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if entry_name == name {
            bytes = change(String::from_utf8(bytes).unwrap()).into_bytes();
        }
        target
            .start_file(entry_name, SimpleFileOptions::DEFAULT)
            .unwrap();
        target.write_all(&bytes).unwrap();
    }
    target.finish().unwrap().into_inner()
}

/// The example letter with `inserted` at its end.
fn ending_with(inserted: &str) -> Vec<u8> {
    changed("content.xml", |text| {
        text.replacen("</office:text>", &format!("{inserted}</office:text>"), 1)
    })
}

fn alone(odt: &[u8]) -> String {
    Letter::read(odt).unwrap_err().to_string()
}

#[test]
fn what_is_counted_or_placed_over_the_whole_document_is_converted_alone() {
    let cases = [
        ("<text:p><text:note/></text:p>", "<text:note>"),
        ("<text:h text:outline-level=\"1\">A</text:h>", "<text:h>"),
        ("<text:p><text:sequence/></text:p>", "<text:sequence>"),
        (
            "<text:p><text:bookmark-ref/></text:p>",
            "<text:bookmark-ref>",
        ),
        (
            "<text:p><text:variable-set/></text:p>",
            "<text:variable-set>",
        ),
        ("<text:table-of-content/>", "<text:table-of-content>"),
        ("<text:p><text:date/></text:p>", "<text:date>"),
        (
            "<text:p><text:page-number text:select-page=\"next\"/></text:p>",
            "<text:page-number>",
        ),
        (
            "<text:p><draw:frame text:anchor-type=\"page\"/></text:p>",
            "text:anchor-type",
        ),
        (
            "<text:list text:continue-numbering=\"true\"/>",
            "text:continue-numbering",
        ),
        (
            "<text:p><text:a xlink:href=\"#a\">a</text:a></text:p>",
            "xlink:href",
        ),
        (
            "<text:p><draw:frame><draw:image xlink:href=\"Pictures/none.png\"/></draw:frame></text:p>",
            "xlink:href",
        ),
    ];
    for (inserted, reason) in cases {
        let told = alone(&ending_with(inserted));
        assert!(told.contains(reason), "{inserted}: {told}");
    }
    let starts_with_a_list = changed("content.xml", |text| {
        let at = text.find("<text:p ").unwrap();
        format!("{}<text:list/>{}", &text[..at], &text[at..])
    });
    assert_eq!(alone(&starts_with_a_list), "it starts with <text:list>");
    assert_eq!(alone(b"%PDF-1.7"), "the file cannot be read");
}

#[test]
fn a_letter_that_changes_its_page_style_is_converted_alone() {
    let style = |name: &str| {
        format!(
            "<style:style style:name=\"{name}\" style:family=\"paragraph\" \
             style:master-page-name=\"Standard\"/></office:automatic-styles>"
        )
    };
    let later = changed("content.xml", |text| {
        text.replacen("</office:automatic-styles>", &style("P9"), 1)
            .replacen(
                "</office:text>",
                "<text:p text:style-name=\"P9\"/></office:text>",
                1,
            )
    });
    assert_eq!(Letter::read(&later).unwrap_err(), Alone::PageStyle);
    let first = changed("content.xml", |text| {
        text.replacen("</office:automatic-styles>", &style("P9"), 1)
            .replacen("text:style-name=\"Addr\"", "text:style-name=\"P9\"", 1)
    });
    Letter::read(&first).unwrap();
}

#[test]
fn letters_stand_together_only_when_all_but_their_text_is_the_same() {
    let key = |odt: &[u8]| Letter::read(odt).unwrap().key;
    assert_eq!(key(TEMPLATE), key(&ending_with("<text:p>Autre</text:p>")));
    let header = changed("styles.xml", |text| text.replacen("Dossier ", "N° ", 1));
    assert_eq!(
        key(TEMPLATE),
        key(&header),
        "each letter has its own header"
    );
    let margin = changed("styles.xml", |text| text.replacen("0.3937in", "0.5in", 1));
    assert_ne!(key(TEMPLATE), key(&margin));
    let bold = changed("content.xml", |text| text.replacen("bold", "normal", 1));
    assert_ne!(key(TEMPLATE), key(&bold));
}

#[test]
fn each_letter_starts_its_own_pages_at_number_1_under_its_own_header() {
    let other = changed("styles.xml", |text| text.replacen("Dossier ", "N° ", 1));
    let letters = [TEMPLATE, &other].map(|odt| Letter::read(odt).unwrap());
    assert!(letters[0].counts_pages);
    let odt = combine(&[(&letters[0], 1), (&letters[1], 3)]).unwrap();
    let (content, styles) = (part(&odt, "content.xml"), part(&odt, "styles.xml"));
    for rank in 0..2 {
        let own = [
            format!("style:name=\"navette_first_{rank}\""),
            format!("style:master-page-name=\"navette_{rank}_Standard\""),
            format!("<text:p text:style-name=\"navette_first_{rank}\">"),
            format!("<text:bookmark text:name=\"navette-{rank}\"/>"),
        ];
        for expected in own {
            assert_eq!(content.matches(&expected).count(), 1, "{expected}");
        }
        let master = format!("<style:master-page style:name=\"navette_{rank}_Standard\"");
        assert_eq!(styles.matches(&master).count(), 1);
    }
    assert_eq!(content.matches("style:page-number=\"1\"").count(), 2);
    assert_eq!(styles.matches("Dossier {{").count(), 1);
    assert_eq!(styles.matches("N° {{").count(), 1);
    let total =
        |pages: u32| format!("<text:author-name text:fixed=\"true\">{pages}</text:author-name>");
    assert!(styles.contains(&total(1)) && styles.contains(&total(3)));
    assert!(!styles.contains("text:page-count"));
}

#[test]
fn a_picture_that_letters_share_is_kept_once() {
    let letter = Letter::read(TEMPLATE).unwrap();
    let odt = combine(&[(&letter, 1), (&letter, 1)]).unwrap();
    let archive = ZipArchive::new(Cursor::new(odt.as_slice())).unwrap();
    let names = archive.file_names().map(Result::unwrap);
    let pictures = names.filter(|name| name.starts_with("Pictures/"));
    assert_eq!(pictures.count(), 1);
}
