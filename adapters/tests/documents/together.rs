//! Letters of one template converted together, and those of a batch put in one file for the printer.

use super::{
    misbehaving::{CRASHES, HANGS},
    support::{AT, letter_data, options, run, template},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use navette_adapters::{
    libreoffice::{PdfPool, PoolOptions},
    pdf::{self, Concatenation, Starts},
    sim::hostile::with_entry,
    workshop::Workshop,
};
use navette_domain::ports::{FailureClass, OfficeFormat, OfficeWorkshop as _, Pdf};
use serde_json::{Value, json};
use std::{fs, process::Command};

/// Letters that differ in their text, characters, tables and numbers of pages.
fn letters(template: &[u8], count: usize) -> Vec<(Vec<u8>, DateTime<Utc>)> {
    let workshop = Workshop::new(options(&["no-such-role"]));
    let names = [
        "Œuvre & Brume",
        "Éveil",
        "Xylophone-Club",
        "Théâtre « Ÿ »",
        "№ 7 ¿ß?",
    ];
    let letter = |rank: usize| {
        let mut data = letter_data();
        data["dossier"]["reference"] = json!(format!("AS-2026-{rank:05}"));
        data["dossier"]["objet"] = json!(format!("{} {}", names[rank % names.len()], rank * 37));
        data["dossier"]["montant"] = json!(format!("{}.50", 900 + rank * 4_321));
        let payment = json!({ "date": "2026-04-01", "libelle": "Acompte", "montant": "1.00" });
        let rows = if rank % 4 == 3 { 20 } else { rank % 3 };
        data["versements"] = Value::Array(vec![payment; rows]);
        let merged = run(workshop.merge(template, &data)).unwrap();
        (
            merged.bytes,
            AT + TimeDelta::hours(i64::try_from(rank).unwrap()),
        )
    };
    (0..count).map(letter).collect()
}

fn pool(letters_together: usize) -> PdfPool {
    PdfPool::new(PoolOptions {
        workers: 1,
        letters_together,
        ..options(&["pdf-worker"])
    })
}

fn at_once(pool: &PdfPool, letters: &[(Vec<u8>, DateTime<Utc>)]) -> Vec<Pdf> {
    let conversions = (letters.iter()).map(|(odt, at)| pool.convert(odt, OfficeFormat::Odt, *at));
    let converted = run(join_all(conversions));
    converted.into_iter().map(Result::unwrap).collect()
}

/// What one sees on each page, and the text with its places.
fn looks(pdf: &[u8]) -> (Vec<Vec<u8>>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.pdf");
    fs::write(&file, pdf).unwrap();
    let text = Command::new("pdftotext")
        .arg("-layout")
        .arg(&file)
        .arg("-")
        .output()
        .unwrap();
    let drawn = Command::new("pdftoppm")
        .args(["-r", "60"])
        .arg(&file)
        .arg(folder.path().join("page"))
        .status()
        .unwrap();
    assert!(drawn.success());
    let mut pages: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ppm"))
        .collect();
    pages.sort();
    let pages = pages.iter().map(|page| fs::read(page).unwrap()).collect();
    (pages, String::from_utf8(text.stdout).unwrap())
}

fn assert_looks_the_same(one: &[u8], other: &[u8], which: usize) {
    let ((pages, text), (other_pages, other_text)) = (looks(one), looks(other));
    assert_eq!(text, other_text, "letter {which}");
    assert_eq!(pages.len(), other_pages.len(), "letter {which}");
    assert!(
        pages == other_pages,
        "a page of letter {which} looks otherwise"
    );
}

pub fn same_looks() {
    let letters = letters(&template("lettre-attribution.odt"), 12);
    let (one_by_one, together) = (pool(0), pool(20));
    let alone = at_once(&one_by_one, &letters);
    let among = at_once(&together, &letters);
    assert_eq!(one_by_one.conversions(), 12);
    // The first goes at once; the others together, those of two pages twice.
    assert_eq!(together.conversions(), 3);
    for (which, (alone, among)) in alone.iter().zip(&among).enumerate() {
        let pages = if which % 4 == 3 { 2 } else { 1 };
        assert_eq!((alone.pages, among.pages), (pages, pages), "letter {which}");
        assert_looks_the_same(&alone.bytes, &among.bytes, which);
        assert!(
            looks(&among.bytes)
                .1
                .contains(&format!("page {pages} / {pages}"))
        );
        let archived = pdf::produced(&among.bytes, pdf::Purpose::Archive);
        assert_eq!(archived, Ok(pages), "letter {which}");
    }
}

pub fn same_bytes() {
    let letter = template("lettre-attribution.odt");
    let other = with_entry(&letter, "styles.xml", |styles| {
        styles.replacen("fo:font-size=\"13pt\"", "fo:font-size=\"15pt\"", 1)
    })
    .unwrap();
    let mut letters: Vec<_> = letters(&letter, 6);
    letters.extend(self::letters(&other, 4));
    let together = at_once(&pool(20), &letters);
    letters.reverse();
    let mut reversed = at_once(&pool(3), &letters);
    reversed.reverse();
    letters.reverse();
    let by_itself = pool(1);
    let alone: Vec<_> = run(async {
        let mut alone = Vec::new();
        for (odt, at) in &letters {
            alone.push(
                by_itself
                    .convert(odt, OfficeFormat::Odt, *at)
                    .await
                    .unwrap(),
            );
        }
        alone
    });
    for which in 0..letters.len() {
        assert!(alone[which] == together[which], "letter {which} among all");
        assert!(alone[which] == reversed[which], "letter {which} among some");
    }
    assert!(together[0] != together[6], "the templates differ");
}

pub fn bad_letter() {
    let mut letters = letters(&template("lettre-attribution.odt"), 5);
    // Nothing on its page, and no header.
    let start = |text: &str, mark: &str| text.find(mark).unwrap();
    let blank = with_entry(&letters[2].0, "content.xml", |text| {
        let (from, to) = (start(&text, "<text:p "), start(&text, "</office:text>"));
        format!("{}<text:p/>{}", &text[..from], &text[to..])
    });
    let blank = with_entry(&blank.unwrap(), "styles.xml", |text| {
        let (from, to) = (
            start(&text, "<style:header>"),
            start(&text, "</style:master-page>"),
        );
        format!("{}{}", &text[..from], &text[to..])
    });
    letters[2].0 = blank.unwrap();
    let pool = pool(20);
    let conversions = (letters.iter()).map(|(odt, at)| pool.convert(odt, OfficeFormat::Odt, *at));
    let outcomes = run(join_all(conversions));
    for (which, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(pdf) => assert_eq!((which == 2, pdf.pages), (false, 1 + u32::from(which == 3))),
            Err(failure) => {
                assert_eq!((which, failure.class), (2, FailureClass::Rejected));
                assert!(failure.sentence.contains("blanches"), "{failure}");
            }
        }
    }
}

pub fn indigestible_letters() {
    let mut letters = letters(&template("lettre-attribution.odt"), 5);
    let sound = at_once(&pool(20), &letters);
    let bad = [(1, CRASHES), (2, HANGS)];
    for (which, word) in bad {
        letters[which].0 = with_entry(&letters[which].0, "content.xml", |text| {
            let start = text.find("<text:p ").unwrap();
            let end = start + text[start..].find('>').unwrap() + 1;
            format!("{}{word} {}", &text[..end], &text[end..])
        })
        .unwrap();
    }
    let pool = PdfPool::new(PoolOptions {
        workers: 1,
        ..options(&["chokes"])
    });
    let conversions = (letters.iter()).map(|(odt, at)| pool.convert(odt, OfficeFormat::Odt, *at));
    let outcomes = run(join_all(conversions));
    for (which, (outcome, sound)) in outcomes.into_iter().zip(&sound).enumerate() {
        let is_bad = bad.iter().any(|(bad, _)| *bad == which);
        match outcome {
            Ok(pdf) => assert!(!is_bad && pdf == *sound, "letter {which}"),
            Err(failure) => {
                assert_eq!((is_bad, failure.class), (true, FailureClass::Transient));
            }
        }
    }
    // One went alone; the others together, where one at least broke all, and then each by itself.
    assert!(pool.conversions() >= 6, "{}", pool.conversions());
}

pub fn printed() {
    let letters = letters(&template("lettre-attribution.odt"), 4);
    let pdfs = at_once(&pool(20), &letters);
    let mut whole = Concatenation::new(Vec::new(), Starts::OnItsOwnSheet).unwrap();
    for (which, pdf) in pdfs.iter().enumerate() {
        whole
            .add(&format!("AS-2026-{which:05}"), &pdf.bytes)
            .unwrap();
    }
    let (file, ranges) = whole.finish().unwrap();
    let (pages, _) = looks(&file);
    let starts: Vec<_> = ranges
        .iter()
        .map(|range| (range.first, range.last))
        .collect();
    assert_eq!(starts, [(1, 1), (3, 3), (5, 5), (7, 8)]);
    assert_eq!(pages.len(), 8);
    for (range, pdf) in ranges.iter().zip(&pdfs) {
        let printed = &pages[range.first as usize - 1..range.last as usize];
        assert!(printed == looks(&pdf.bytes).0, "{}", range.title);
    }
}
