//! One PDF of many.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use crate::sim::iparapheur::{pdf_signature::Signer, slip::slip};
use chrono::Utc;
use lopdf::{Stream, dictionary};

const LETTER: &[u8] = include_bytes!("../../../fixtures/pdf/letter.pdf");

fn letter(text: &str) -> Vec<u8> {
    slip(&[text.to_owned()]).unwrap()
}

fn concatenated(starts: Starts, parts: &[(&str, &[u8])]) -> (Vec<u8>, Vec<PageRange>) {
    let mut whole = Concatenation::new(Vec::new(), starts).unwrap();
    for (title, pdf) in parts {
        whole.add(title, pdf).unwrap();
    }
    whole.finish().unwrap()
}

fn range(title: &str, first: u32, last: u32) -> PageRange {
    PageRange {
        title: title.to_owned(),
        first,
        last,
    }
}

fn text(pdf: &Document, page: u32) -> String {
    pdf.extract_text(&[page]).unwrap()
}

#[test]
fn each_document_keeps_its_pages_and_has_its_entry_in_the_outline() {
    let one = letter("un");
    let (file, ranges) = concatenated(
        Starts::Next,
        &[("Été", LETTER), ("un", &one), ("encore", LETTER)],
    );
    let expected = [range("Été", 1, 2), range("un", 3, 3), range("encore", 4, 5)];
    assert_eq!(ranges, expected);
    let (whole, source) = (open(&file).unwrap(), open(LETTER).unwrap());
    assert_eq!(whole.get_pages().len(), 5);
    for (page, of_source) in [(1, 1), (2, 2), (4, 1), (5, 2)] {
        assert_eq!(text(&whole, page), text(&source, of_source));
    }
    assert_eq!(text(&whole, 3).trim(), "un");
    let toc = whole.get_toc().unwrap().toc;
    let entries: Vec<_> = (toc.iter())
        .map(|entry| (entry.title.as_str(), entry.page))
        .collect();
    assert_eq!(entries, [("Été", 1), ("un", 3), ("encore", 4)]);
}

#[test]
fn on_its_own_sheet_each_document_starts_on_an_odd_page() {
    let one = letter("un");
    let parts: [(&str, &[u8]); 4] = [("a", &one), ("b", LETTER), ("c", &one), ("d", &one)];
    let (file, ranges) = concatenated(Starts::OnItsOwnSheet, &parts);
    let expected = [
        range("a", 1, 1),
        range("b", 3, 4),
        range("c", 5, 5),
        range("d", 7, 7),
    ];
    assert_eq!(ranges, expected);
    let whole = open(&file).unwrap();
    assert_eq!(whole.get_pages().len(), 7);
    assert_eq!(text(&whole, 2).trim(), "");
}

#[test]
fn what_documents_share_is_written_once() {
    let once = concatenated(Starts::Next, &[("a", LETTER)]).0.len();
    let hundred = concatenated(Starts::Next, &[("a", LETTER); 100]).0.len();
    assert!(hundred < once * 4, "{once} and {hundred} bytes");
}

#[test]
fn the_same_documents_give_the_same_bytes() {
    let parts: [(&str, &[u8]); 2] = [("a", LETTER), ("b", LETTER)];
    let file = concatenated(Starts::OnItsOwnSheet, &parts).0;
    assert_eq!(concatenated(Starts::OnItsOwnSheet, &parts).0, file);
}

#[test]
fn a_document_that_is_not_sound_adds_no_page_and_the_others_follow() {
    let mut whole = Concatenation::new(Vec::new(), Starts::Next).unwrap();
    for bad in [b"<html>".as_slice(), &LETTER[..LETTER.len() / 2]] {
        whole.add("mauvais", bad).unwrap_err();
    }
    whole.add("bon", LETTER).unwrap();
    let (file, ranges) = whole.finish().unwrap();
    assert_eq!(ranges, [range("bon", 1, 2)]);
    assert_eq!(open(&file).unwrap().get_pages().len(), 2);
}

#[test]
fn nothing_to_print_is_an_error() {
    let whole = Concatenation::new(Vec::new(), Starts::Next).unwrap();
    assert!(whole.finish().is_err());
}

#[test]
fn a_signed_document_is_printed_without_its_signature() {
    let signer = Signer::new("Jeanne Exemple").unwrap();
    let signed = signer.sign(LETTER, Utc::now()).unwrap();
    let (file, _) = concatenated(Starts::Next, &[("signé", &signed)]);
    let whole = open(&file).unwrap();
    assert_eq!(text(&whole, 1), text(&open(LETTER).unwrap(), 1));
    for gone in [b"ByteRange".as_slice(), b"AcroForm", b"Widget"] {
        assert!(!file.windows(gone.len()).any(|window| window == gone));
    }
}

/// The letter with annotations on its first page, which share one picture.
fn annotated(annotations: &[Dictionary]) -> Vec<u8> {
    let mut document = open(LETTER).unwrap();
    let picture = Stream::new(
        dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => vec![0.into(), 0.into(), 9.into(), 9.into()] },
        b"0 0 9 9 re f".to_vec(),
    );
    let picture = document.add_object(picture);
    let page = document.page_iter().next().unwrap();
    let annotations: Vec<Object> = annotations
        .iter()
        .map(|annotation| {
            let mut annotation = annotation.clone();
            annotation.set("AP", dictionary! { "N" => picture });
            annotation.set("P", page);
            document.add_object(annotation).into()
        })
        .collect();
    document
        .get_dictionary_mut(page)
        .unwrap()
        .set("Annots", annotations);
    let mut file = Vec::new();
    document.save_to(&mut file).unwrap();
    file
}

#[test]
fn the_picture_of_a_signature_is_kept_and_links_are_not() {
    let rectangle = || -> Vec<Object> { [10, 10, 90, 30].map(Object::from).to_vec() };
    let file = annotated(&[
        dictionary! { "Subtype" => "Widget", "FT" => "Sig", "F" => 132, "Rect" => rectangle() },
        dictionary! { "Subtype" => "Link", "Rect" => rectangle() },
    ]);
    let (file, _) = concatenated(Starts::Next, &[("signé", &file)]);
    let whole = open(&file).unwrap();
    let page = whole.page_iter().next().unwrap();
    let kept = whole.get_page_annotations(page).unwrap();
    assert_eq!(kept.len(), 1);
    let name = |key: &[u8]| kept[0].get(key).and_then(Object::as_name);
    assert_eq!(name(b"Subtype").unwrap(), b"Stamp");
    assert_eq!(
        kept[0].get(b"F").unwrap(),
        &Object::Integer(132),
        "it is printed"
    );
    assert!(!kept[0].has(b"FT"));
    let appearance = kept[0].get(b"AP").and_then(Object::as_dict).unwrap();
    let picture = appearance
        .get(b"N")
        .and_then(Object::as_reference)
        .and_then(|id| whole.get_object(id))
        .and_then(Object::as_stream);
    assert_eq!(picture.unwrap().content, b"0 0 9 9 re f");
}

#[test]
fn resources_that_refer_to_themselves_are_copied_once() {
    let mut document = open(LETTER).unwrap();
    let form = document.new_object_id();
    let resources = document.new_object_id();
    let mut stream = Stream::new(
        dictionary! { "Subtype" => "Form", "Resources" => resources },
        Vec::new(),
    );
    stream.dict.set("Length", 0);
    document.set_object(form, stream);
    document.set_object(
        resources,
        dictionary! { "XObject" => dictionary! { "X" => form } },
    );
    for page in document.page_iter().collect::<Vec<_>>() {
        let page = document.get_dictionary_mut(page).unwrap();
        page.set("Resources", resources);
    }
    let mut file = Vec::new();
    document.save_to(&mut file).unwrap();
    let (whole, _) = concatenated(Starts::Next, &[("a", &file)]);
    let whole = open(&whole).unwrap();
    let forms = whole.objects.values().filter(|object| {
        object
            .as_stream()
            .is_ok_and(|stream| stream.dict.has(b"Resources"))
    });
    assert_eq!(forms.count(), 1);
}
