//! A PDF that breaks one rule, and that rule alone.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use lopdf::{Stream, dictionary};

/// Two pages made by LibreOffice, as PDF/A-2b.
const LETTER: &[u8] = include_bytes!("../../../fixtures/pdf/letter-pdfa.pdf");

fn written(mut document: Document) -> Vec<u8> {
    let mut file = Vec::new();
    document.save_to(&mut file).unwrap();
    file
}

/// The letter with something changed, and nothing else.
fn changed(change: impl FnOnce(&mut Document)) -> Vec<u8> {
    let mut document = open(LETTER).unwrap();
    change(&mut document);
    written(document)
}

/// What is said of it where it goes to the archive, and where it is only read.
fn verdicts(change: impl Fn(&mut Document)) -> [Result<u32, Unfit>; 2] {
    let file = changed(change);
    [Purpose::Archive, Purpose::Reading].map(|purpose| produced(&file, purpose))
}

fn refused(change: impl Fn(&mut Document)) -> Unfit {
    let [archive, reading] = verdicts(change);
    assert_eq!(archive, reading, "a reader needs it too");
    archive.unwrap_err()
}

fn lacking_for_the_archive(change: impl Fn(&mut Document)) -> &'static str {
    match verdicts(change) {
        [Err(Unfit::NotArchival(what)), Ok(2)] => what,
        other => panic!("{other:?}"),
    }
}

fn catalog(document: &mut Document) -> &mut Dictionary {
    document.catalog_mut().unwrap()
}

/// Puts an object in the letter, hung on its catalog under a name that means nothing.
fn hung(object: Object) -> impl Fn(&mut Document) {
    move |document| {
        let id = document.add_object(object.clone());
        catalog(document).set("Navette", id);
    }
}

fn xmp(document: &mut Document, change: impl FnOnce(String) -> String) {
    let id = catalog(document)
        .get(b"Metadata")
        .unwrap()
        .as_reference()
        .unwrap();
    let stream = document.get_object_mut(id).unwrap();
    let stream = stream.as_stream_mut().unwrap();
    let text = String::from_utf8(stream.get_plain_content().unwrap()).unwrap();
    let after = change(text.clone());
    assert_ne!(after, text);
    stream.set_plain_content(after.into_bytes());
}

#[test]
fn what_libreoffice_makes_of_a_letter_is_fit_and_stays_so_once_written_again() {
    assert_eq!(produced(LETTER, Purpose::Archive), Ok(2));
    assert_eq!(verdicts(|_| {}), [Ok(2), Ok(2)]);
}

#[test]
fn what_is_no_whole_pdf_is_refused() {
    let refused = |file: &[u8]| match produced(file, Purpose::Reading) {
        Err(Unfit::NotAPdf(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(b""), NotAPdf::Header);
    assert_eq!(refused(b"<html>Session expir\xe9e</html>"), NotAPdf::Header);
    for tenth in 1..10 {
        let end = LETTER.len() * tenth / 10;
        assert_eq!(refused(&LETTER[..end]), NotAPdf::Damaged, "{tenth}/10");
    }
    let start_of_the_end = LETTER.len() - 40;
    assert_eq!(refused(&LETTER[..start_of_the_end]), NotAPdf::Damaged);
}

#[test]
fn a_pdf_behind_a_password_is_refused() {
    let file = changed(|document| {
        let version = lopdf::EncryptionVersion::V2 {
            document,
            owner_password: "o",
            user_password: "",
            key_length: 128,
            permissions: lopdf::Permissions::all(),
        };
        let state = lopdf::EncryptionState::try_from(version).unwrap();
        document.encrypt(&state).unwrap();
    });
    assert_eq!(
        produced(&file, Purpose::Reading),
        Err(NotAPdf::Protected.into())
    );
}

#[test]
fn a_pdf_has_as_many_pages_as_it_says_and_at_least_one() {
    let pages = |kids: usize, count: i64| {
        move |document: &mut Document| {
            let tree = catalog(document).get(b"Pages").unwrap();
            let tree = tree.as_reference().unwrap();
            let tree = document.get_dictionary_mut(tree).unwrap();
            let all = tree.get_mut(b"Kids").unwrap().as_array_mut().unwrap();
            all.truncate(kids);
            tree.set("Count", count);
        }
    };
    assert_eq!(verdicts(pages(1, 1)), [Ok(1), Ok(1)]);
    assert_eq!(refused(pages(0, 0)), NotAPdf::Empty.into());
    assert_eq!(refused(pages(2, 3)), Unfit::Pages);
    assert_eq!(refused(pages(1, 2)), Unfit::Pages);
}

#[test]
fn a_pdf_with_nothing_on_any_page_is_refused() {
    let emptied = |first: usize, content: &'static [u8]| {
        move |document: &mut Document| {
            let pages: Vec<_> = document.page_iter().collect();
            for page in &pages[first..] {
                let stream = Stream::new(dictionary! {}, content.to_vec());
                let id = document.add_object(stream);
                document
                    .get_dictionary_mut(*page)
                    .unwrap()
                    .set("Contents", id);
            }
        }
    };
    // Colours, widths and clips are set, and nothing is painted.
    let nothing = b"q 0 0 595 842 re W n 0.1 w 1 0 0 rg Q";
    assert_eq!(refused(emptied(0, b"")), Unfit::Blank);
    assert_eq!(refused(emptied(0, nothing)), Unfit::Blank);
    assert_eq!(verdicts(emptied(1, nothing)), [Ok(2), Ok(2)]);
    for mark in [
        &b"0 0 9 9 re f"[..],
        b"/Im1 Do",
        b"BT (a)Tj ET",
        b"0 0 m 9 9 l S",
    ] {
        assert_eq!(verdicts(emptied(0, mark)), [Ok(2), Ok(2)]);
    }
}

#[test]
fn a_pdf_that_runs_something_or_carries_a_file_is_refused_wherever_it_hides() {
    let active = |name: &str| Unfit::Active(name.to_owned());
    for name in ACTIONS {
        let name = str::from_utf8(name).unwrap();
        let action = dictionary! { "S" => name };
        assert_eq!(refused(hung(action.clone().into())), active(name));
        let deep = dictionary! { "Next" => vec![Object::from(dictionary! { "A" => action })] };
        assert_eq!(refused(hung(deep.into())), active(name));
    }
    for name in ACTIVE_KEYS {
        let name = str::from_utf8(name).unwrap();
        let mut holder = Dictionary::new();
        holder.set(name, Object::Null);
        let stream = Stream::new(holder.clone(), b"x".to_vec());
        assert_eq!(refused(hung(holder.into())), active(name));
        assert_eq!(refused(hung(stream.into())), active(name));
    }
    let opening = |document: &mut Document| {
        let action = dictionary! { "S" => "JavaScript", "Type" => "Action" };
        catalog(document).set("OpenAction", action);
    };
    assert_eq!(refused(opening), active("JavaScript"));
    // Links lead elsewhere, and run nothing.
    for name in ["URI", "GoTo", "GoToR", "Named"] {
        let action = dictionary! { "S" => name };
        assert_eq!(verdicts(hung(action.into())), [Ok(2), Ok(2)], "{name}");
    }
}

#[test]
fn a_font_that_is_not_in_the_file_is_named() {
    let without = |key: &'static [u8]| {
        move |document: &mut Document| {
            let holders = document.objects.values_mut();
            let holders = holders.filter_map(|object| object.as_dict_mut().ok());
            let removed: Vec<_> = holders.filter_map(|held| held.remove(key)).collect();
            assert!(!removed.is_empty());
        }
    };
    for key in [&b"FontFile2"[..], b"FontDescriptor"] {
        match refused(without(key)) {
            Unfit::Font(name) => assert!(name.contains("Liberation"), "{name}"),
            other => panic!("{other:?}"),
        }
    }
    let font = |subtype: &str| dictionary! { "Type" => "Font", "Subtype" => subtype, "BaseFont" => "Arial" };
    assert_eq!(
        refused(hung(font("TrueType").into())),
        Unfit::Font("Arial".to_owned())
    );
    // The letters of these are elsewhere, or drawn.
    for subtype in ["Type0", "Type3"] {
        assert_eq!(verdicts(hung(font(subtype).into())), [Ok(2), Ok(2)]);
    }
}

#[test]
fn the_archive_wants_the_claim_of_its_format_by_elements_or_by_attributes() {
    let part = "<pdfaid:part>2</pdfaid:part>";
    let conformance = "<pdfaid:conformance>B</pdfaid:conformance>";
    let claims = |part_now: &'static str, conformance_now: &'static str| {
        move |document: &mut Document| {
            xmp(document, |text| {
                text.replacen(part, part_now, 1)
                    .replacen(conformance, conformance_now, 1)
            });
        }
    };
    let without = "sans la mention PDF/A-2b";
    for (part_now, conformance_now) in [
        ("<pdfaid:part>1</pdfaid:part>", conformance),
        ("<pdfaid:part>3</pdfaid:part>", conformance),
        ("", conformance),
        (part, ""),
        (part, "<pdfaid:conformance>X</pdfaid:conformance>"),
        ("<x>2</x>", conformance),
    ] {
        let said = lacking_for_the_archive(claims(part_now, conformance_now));
        assert_eq!(said, without, "{part_now} {conformance_now}");
    }
    let none = |document: &mut Document| {
        catalog(document).remove(b"Metadata");
    };
    assert_eq!(lacking_for_the_archive(none), without);
    let by_attributes = claims("", "<x pdfaid:part=\"2\" pdfaid:conformance=\"U\"/>");
    assert_eq!(verdicts(by_attributes), [Ok(2), Ok(2)]);
}

#[test]
fn the_archive_wants_a_profile_of_colours_and_an_identifier() {
    let intent = |change: fn(&mut Dictionary)| {
        move |document: &mut Document| {
            let intents = catalog(document).get(b"OutputIntents").unwrap();
            let intent = intents.as_array().unwrap()[0].as_reference().unwrap();
            change(document.get_dictionary_mut(intent).unwrap());
        }
    };
    let without = "sans profil de couleurs";
    for change in [
        intent(|intent| intent.set("S", "GTS_PDFX")),
        intent(|intent| intent.set("DestOutputProfile", Object::Null)),
        intent(|intent| {
            intent.remove(b"DestOutputProfile");
        }),
    ] {
        assert_eq!(lacking_for_the_archive(change), without);
    }
    let none = |document: &mut Document| {
        catalog(document).remove(b"OutputIntents");
    };
    assert_eq!(lacking_for_the_archive(none), without);
    let nameless = |document: &mut Document| {
        document.trailer.remove(b"ID");
    };
    assert_eq!(lacking_for_the_archive(nameless), "sans identifiant");
}
