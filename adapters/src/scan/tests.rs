//! What is read on pages, and what is cut out of a file: real drawings of PDFs made here.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::pdf::{ScannedFile, ScannedPage};
use lopdf::{Dictionary, Document, Object, Stream};
use navette_domain::{ids::DocumentId, paper_reference::PaperReference};
use std::{
    fmt::Write as _,
    io::{Seek as _, Write as _},
};

fn reference(round: u32) -> PaperReference {
    PaperReference {
        document: "01937d6e-43ac-7b1e-9f01-23456789abcd"
            .parse::<DocumentId>()
            .unwrap(),
        round,
    }
}

/// What is drawn on a page of A4, and how it was put on the glass.
#[derive(Default)]
struct Sheet {
    code: Option<String>,
    ink: Vec<(i64, i64, i64, i64)>,
    rotate: i64,
    /// At three quarters of its size: the code has 18 millimetres.
    small: bool,
}

/// A PDF of these sheets: codes are black squares, two points a module, from the upper left corner.
fn file(sheets: &[Sheet]) -> Vec<u8> {
    let mut document = Document::with_version("1.7");
    let tree = document.new_object_id();
    let kids: Vec<Object> = sheets
        .iter()
        .map(|sheet| {
            let mut squares = sheet.ink.clone();
            if let Some(code) = &sheet.code {
                let code = qrcode::QrCode::new(code.as_bytes()).unwrap();
                let width = code.width();
                let dark = code.to_colors().into_iter().enumerate();
                let dark = dark.filter(|(_, color)| *color == qrcode::Color::Dark);
                squares.extend(dark.map(|(at, _)| {
                    let (x, y) = (at % width, at / width);
                    let (x, y) = (i64::try_from(x).unwrap(), i64::try_from(y).unwrap());
                    (60 + 2 * x, 760 - 2 * y, 2, 2)
                }));
            }
            let mut content = String::new();
            if sheet.small {
                content.push_str("0.75 0 0 0.75 0 0 cm\n");
            }
            for (x, y, w, h) in &squares {
                writeln!(content, "{x} {y} {w} {h} re f").unwrap();
            }
            let content = document.add_object(Stream::new(Dictionary::new(), content.into_bytes()));
            let mut page = Dictionary::new();
            page.set("Type", "Page");
            page.set("Parent", tree);
            page.set("MediaBox", [0, 0, 595, 842].map(Object::from).to_vec());
            page.set("Rotate", sheet.rotate);
            page.set("Contents", content);
            document.add_object(page).into()
        })
        .collect();
    let mut pages = Dictionary::new();
    pages.set("Type", "Pages");
    pages.set("Count", i64::try_from(kids.len()).unwrap());
    pages.set("Kids", kids);
    document.objects.insert(tree, pages.into());
    let mut catalog = Dictionary::new();
    catalog.set("Type", "Catalog");
    catalog.set("Pages", tree);
    let catalog = document.add_object(catalog);
    document.trailer.set("Root", catalog);
    let mut bytes = vec![];
    document.save_to(&mut bytes).unwrap();
    bytes
}

/// What is read of a file that has no name.
fn seen(bytes: &[u8]) -> Vec<SeenPage> {
    let mut unnamed = tempfile::tempfile().unwrap();
    unnamed.write_all(bytes).unwrap();
    unnamed.rewind().unwrap();
    let pages = ScannedFile::open(bytes).unwrap().pages();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(read(&unnamed, pages)).unwrap()
}

fn coded(rotate: i64) -> Sheet {
    Sheet {
        code: Some(reference(2).to_string()),
        rotate,
        ..Sheet::default()
    }
}

fn page(references: &[PaperReference], is_blank: bool) -> Page {
    Page {
        references: references.to_vec(),
        is_blank,
    }
}

#[test]
fn a_reference_is_read_whichever_way_the_page_lies_and_the_page_is_set_upright() {
    let bytes = file(&[coded(0), coded(90), coded(180), coded(270)]);
    let read = seen(&bytes);
    assert!(
        read.iter()
            .all(|it| it.page == page(&[reference(2)], false))
    );
    let turns: Vec<u16> = read.iter().map(|it| it.turn).collect();
    assert_eq!(turns, [0, 270, 180, 90]);
    let pages: Vec<ScannedPage> = (1..)
        .zip(turns)
        .map(|(number, turn)| ScannedPage { number, turn })
        .collect();
    let upright = ScannedFile::open(&bytes).unwrap().cut(&pages).unwrap();
    assert!(seen(&upright).iter().all(|it| it.turn == 0));
}

/// The page of a scanner that gives `dots` for the height of a page, as grey pixels in a PDF.
fn photographed(bytes: &[u8], dots: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.pdf");
    std::fs::write(&page, bytes).unwrap();
    let drawn = std::process::Command::new("pdftoppm")
        .args(["-gray", "-scale-to", &dots.to_string()])
        .arg(&page)
        .output()
        .unwrap();
    let drawn = Drawing::read(&drawn.stdout).unwrap();
    let side = |length: usize| i64::try_from(length).unwrap();
    let mut document = Document::load_mem(bytes).unwrap();
    let mut image = Dictionary::new();
    image.set("Type", "XObject");
    image.set("Subtype", "Image");
    image.set("Width", side(drawn.width));
    image.set("Height", side(drawn.height));
    image.set("ColorSpace", "DeviceGray");
    image.set("BitsPerComponent", 8);
    let image = document.add_object(Stream::new(image, drawn.shades));
    let mut images = Dictionary::new();
    images.set("P", image);
    let mut resources = Dictionary::new();
    resources.set("XObject", images);
    let content = Stream::new(Dictionary::new(), b"595 0 0 842 0 0 cm /P Do".to_vec());
    let content = document.add_object(content);
    let page = document.get_pages()[&1];
    let page = document.get_dictionary_mut(page).unwrap();
    page.set("Resources", resources);
    page.set("Contents", content);
    let mut bytes = vec![];
    document.save_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_small_code_is_read_from_a_coarse_scan() {
    let small = Sheet {
        small: true,
        ..coded(0)
    };
    let small = file(&[small]);
    for dots in [1169, 1754, 3508] {
        let read = seen(&photographed(&small, dots));
        assert_eq!(read[0].page, page(&[reference(2)], false), "{dots}");
    }
}

#[test]
fn dust_and_shadows_leave_a_page_blank_and_initials_do_not() {
    let with = |ink: &[(i64, i64, i64, i64)]| Sheet {
        ink: ink.to_vec(),
        ..Sheet::default()
    };
    let nothing = with(&[]);
    // Specks, the shadow of the lid, two holes.
    let dust = with(&[
        (200, 300, 1, 1),
        (411, 97, 1, 1),
        (0, 0, 30, 842),
        (22, 300, 15, 15),
    ]);
    // A stroke of some five centimetres, half a millimetre wide.
    let initials = with(&[(400, 120, 140, 2)]);
    let other = Sheet {
        code: Some("https://departement.example/avis".into()),
        ..Sheet::default()
    };
    let read = seen(&file(&[nothing, dust, initials, other]));
    let blank: Vec<bool> = read.iter().map(|it| it.page.is_blank).collect();
    assert_eq!(blank, [true, true, false, false]);
    assert!(read.iter().all(|it| it.page.references.is_empty()));
}

#[test]
fn a_letter_is_cut_out_with_its_pages_alone_and_always_the_same_bytes() {
    let bytes = file(&[coded(0), Sheet::default(), coded(0)]);
    let whole = ScannedFile::open(&bytes).unwrap();
    let pages = [3, 1].map(|number| ScannedPage { number, turn: 0 });
    let letter = whole.cut(&pages).unwrap();
    assert_eq!(letter, whole.cut(&pages).unwrap());
    assert_eq!(ScannedFile::open(&letter).unwrap().pages(), 2);
    assert!(
        seen(&letter)
            .iter()
            .all(|it| it.page.references == [reference(2)])
    );
    for pages in [&[][..], &[ScannedPage { number: 4, turn: 0 }]] {
        assert!(whole.cut(pages).is_err());
    }
}

#[test]
fn a_page_that_cannot_be_drawn_has_nothing_on_it_that_is_read_and_is_not_blank() {
    let mut unnamed = tempfile::tempfile().unwrap();
    unnamed.write_all(b"%PDF-1.7\nnothing of the kind").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let read = runtime.block_on(read(&unnamed, 1)).unwrap();
    assert_eq!(read[0].page, page(&[], false));
}

#[test]
fn a_drawing_that_was_cut_short_is_none() {
    assert!(Drawing::read(b"P5\n2 2\n255\nabcd").is_some());
    for bytes in [
        &b""[..],
        b"P5\n2 2\n255\nabc",
        b"P5\n2 2\n255\nabcde",
        b"P6\n2 2\n255\nabcd",
        b"P5\n0 2\n255\n",
        b"P5\n99999999999 99999999999\n255\n",
    ] {
        assert_eq!(Drawing::read(bytes), None, "{bytes:?}");
    }
}
