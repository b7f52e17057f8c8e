//! What comes back from a desk, good and bad.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod ten_cases;

use super::*;
use crate::sim::iparapheur::{pdf_signature::Signer, slip::slip};
use chrono::Utc;
use lopdf::{IncrementalDocument, Object, Stream, dictionary};
use navette_domain::signature::Binding;

const LETTER: &[u8] = include_bytes!("../../fixtures/pdf/letter.pdf");

fn signed(pdf: &[u8]) -> Vec<u8> {
    let signer = Signer::new("Jeanne Exemple").unwrap();
    signer.sign(pdf, Utc::now()).unwrap().to_vec()
}

/// The check, when it is not asked who signed.
fn returned(sent: &[u8], file: &[u8]) -> Result<Verdict, Refusal> {
    let anybody = Signatories::default();
    super::returned(sent, file, &anybody.at(Utc::now()).unwrap())
}

fn letter(text: &str) -> Vec<u8> {
    slip(&[text.to_owned()]).unwrap()
}

fn rewritten(pdf: &[u8]) -> Vec<u8> {
    let mut modern = Vec::new();
    open(pdf).unwrap().save_modern(&mut modern).unwrap();
    modern
}

/// `pdf` with an addition in which the first page says `text` instead.
fn overwritten(pdf: &[u8], text: &str) -> Vec<u8> {
    let before = open(pdf).unwrap();
    let page = before.page_iter().next().unwrap();
    let content = before.get_page_contents(page)[0];
    let mut update = IncrementalDocument::create_from(pdf.to_vec(), before);
    let text = format!("BT /F1 11 Tf 50 780 Td ({text}) Tj ET");
    let stream = Stream::new(dictionary! {}, text.into_bytes());
    update
        .new_document
        .set_object(content, Object::Stream(stream));
    let mut file = Vec::new();
    update.save_to(&mut file).unwrap();
    file
}

fn position(file: &[u8], needle: &[u8]) -> usize {
    file.windows(needle.len())
        .rposition(|window| window == needle)
        .unwrap()
}

#[test]
fn the_pages_of_a_pdf_are_counted_and_anything_else_is_refused() {
    assert_eq!(pages(LETTER), Ok(2));
    assert_eq!(pages(&rewritten(LETTER)), Ok(2));
    assert_eq!(pages(b""), Err(NotAPdf::Header));
    assert_eq!(pages(b"<html>Session expired</html>"), Err(NotAPdf::Header));
    assert_eq!(pages(b"%PDF-1.7 and nothing more"), Err(NotAPdf::Damaged));
    assert_eq!(pages(&LETTER[..LETTER.len() / 2]), Err(NotAPdf::Damaged));
}

#[test]
fn what_was_sent_with_one_or_two_signatures_added_is_accepted() {
    let once = signed(LETTER);
    for (file, signatures) in [(once.clone(), 1), (signed(&once), 2)] {
        let verdict = returned(LETTER, &file).unwrap();
        assert_eq!((verdict.binding, verdict.pages), (Binding::Exact, 2));
        assert_eq!(verdict.examination.signatures, signatures);
        assert_eq!(verdict.examination.authorities, None);
    }
}

#[test]
fn signatures_made_by_another_program_are_understood() {
    let others: [&[u8]; 3] = [
        include_bytes!("../../fixtures/pdf/letter-signed-rsa-ber.pdf"),
        include_bytes!("../../fixtures/pdf/letter-signed-rsa-pss.pdf"),
        include_bytes!("../../fixtures/pdf/letter-signed-p384.pdf"),
    ];
    for other in others {
        assert_eq!(returned(LETTER, other).unwrap().examination.signatures, 1);
        let mut altered = other.to_vec();
        altered[5000] ^= 1;
        assert_eq!(returned(LETTER, &altered), Err(Refusal::Altered));
    }
}

#[test]
fn a_byte_changed_after_the_signature_is_seen() {
    let mut file = signed(LETTER);
    file[LETTER.len() / 2] ^= 1;
    assert_eq!(returned(LETTER, &file), Err(Refusal::Altered));
}

#[test]
fn a_signature_by_another_key_than_its_certificate_is_seen() {
    let mut file = signed(LETTER);
    let start = position(&file, b"/Contents<") + b"/Contents<".len();
    let padding = file[start..]
        .windows(64)
        .position(|zeros| zeros == [b'0'; 64])
        .unwrap();
    let digit = &mut file[start + padding - 4];
    *digit = if *digit == b'1' { b'2' } else { b'1' };
    assert_eq!(returned(LETTER, &file), Err(Refusal::Altered));
}

#[test]
fn bytes_outside_the_signature_are_seen() {
    let mut longer = signed(LETTER);
    longer.extend_from_slice(b"\n% more\n");
    assert_eq!(returned(LETTER, &longer), Err(Refusal::NotWholeFile));
    let updated = overwritten(&signed(&letter("Accord")), "Refus");
    assert_eq!(
        returned(&letter("Accord"), &updated),
        Err(Refusal::NotWholeFile)
    );
}

#[test]
fn a_truncated_file_is_said_to_be_damaged_wherever_it_was_cut() {
    let file = signed(LETTER);
    for cut in [1, 7, 50, 200, 5_000, file.len() - LETTER.len() - 1] {
        let cut = file.len() - cut;
        assert_eq!(
            returned(LETTER, &file[..cut]),
            Err(NotAPdf::Damaged.into()),
            "{cut}"
        );
    }
}

#[test]
fn another_letter_signed_by_the_same_person_is_refused() {
    let other = letter("Subvention de 90 000 euros");
    let sent = letter("Subvention de 1 500 euros");
    assert_eq!(
        returned(&sent, &signed(&other)),
        Err(Refusal::OtherDocument)
    );
    assert_eq!(
        returned(&sent, &signed(&rewritten(&other))),
        Err(Refusal::OtherDocument)
    );
}

#[test]
fn an_addition_that_changes_what_the_page_says_is_refused_even_signed() {
    let sent = letter("Subvention de 1 500 euros");
    let file = signed(&overwritten(&sent, "Subvention de 90 000 euros"));
    assert!(file.starts_with(&sent));
    assert_eq!(returned(&sent, &file), Err(Refusal::OtherDocument));
}

/// `pdf` with an addition: `change` gets the update and the first page.
fn updated(pdf: &[u8], change: impl FnOnce(&mut IncrementalDocument, lopdf::ObjectId)) -> Vec<u8> {
    let before = open(pdf).unwrap();
    let page = before.page_iter().next().unwrap();
    let mut update = IncrementalDocument::create_from(pdf.to_vec(), before);
    change(&mut update, page);
    let mut file = Vec::new();
    update.save_to(&mut file).unwrap();
    file
}

/// `pdf` with a note of this kind on its first page.
fn annotated(pdf: &[u8], kind: &str) -> Vec<u8> {
    updated(pdf, |update, page| {
        let note = update.new_document.add_object(dictionary! {
            "Type" => "Annot", "Subtype" => kind, "Contents" => Object::string_literal("90 000 euros"),
            "Rect" => vec![0.into(), 0.into(), 595.into(), 842.into()],
        });
        update.opt_clone_object_to_new_document(page).unwrap();
        let page = update.new_document.get_dictionary_mut(page).unwrap();
        page.set("Annots", vec![note.into()]);
    })
}

#[test]
fn an_annotation_laid_over_the_letter_is_refused_even_signed() {
    let sent = letter("Subvention de 1 500 euros");
    let covered = annotated(&sent, "FreeText");
    assert_eq!(returned(&sent, &signed(&covered)), Err(Refusal::Annotated));
    // … and in a file that was written anew.
    let anew = rewritten(&covered);
    assert_eq!(returned(&sent, &signed(&anew)), Err(Refusal::Annotated));
    // What was sent with a note comes back with it.
    let noted = returned(&covered, &signed(&covered)).unwrap();
    assert_eq!(noted.binding, Binding::Exact);
}

#[test]
fn an_addition_that_draws_on_the_page_binds_weakly_or_not_at_all() {
    let draws = |pdf: &[u8]| {
        updated(pdf, |update, page| {
            let drawing = Stream::new(dictionary! {}, b"0 0 595 842 re f".to_vec());
            let drawing = update.new_document.add_object(drawing);
            let before = update.get_prev_documents().get_page_contents(page)[0];
            update.opt_clone_object_to_new_document(page).unwrap();
            let page = update.new_document.get_dictionary_mut(page).unwrap();
            page.set("Contents", vec![before.into(), drawing.into()]);
        })
    };
    let sent = letter("Subvention de 1 500 euros");
    let verdict = returned(&sent, &signed(&draws(&sent))).unwrap();
    assert_eq!(verdict.binding, Binding::Weak);
    let scan = letter("");
    let drawn = signed(&draws(&scan));
    assert_eq!(returned(&scan, &drawn), Err(Refusal::OtherDocument));
}

#[test]
fn evidence_may_follow_the_signature_and_nothing_else_may() {
    let file = signed(LETTER);
    let root = |update: &IncrementalDocument| {
        let root = update.get_prev_documents().trailer.get(b"Root").unwrap();
        root.as_reference().unwrap()
    };
    let adds = |key: &'static str| {
        updated(&file, |update, _| {
            let root = root(update);
            let certificate = Stream::new(dictionary! {}, b"0".to_vec());
            let certificate = update.new_document.add_object(certificate);
            update.opt_clone_object_to_new_document(root).unwrap();
            let catalog = update.new_document.get_dictionary_mut(root).unwrap();
            catalog.set(key, dictionary! { "Certs" => vec![certificate.into()] });
        })
    };
    let kept = returned(LETTER, &adds("DSS")).unwrap();
    assert_eq!(kept.binding, Binding::Exact);
    assert_eq!(returned(LETTER, &adds("Names")), Err(Refusal::NotWholeFile));
    let more = [&adds("DSS")[..], b"% more"].concat();
    assert_eq!(returned(LETTER, &more), Err(Refusal::NotWholeFile));
}

#[test]
fn a_desk_that_rewrites_the_file_is_accepted_with_a_weak_binding() {
    let verdict = returned(LETTER, &signed(&rewritten(LETTER))).unwrap();
    assert_eq!(verdict.binding, Binding::Weak);
    let stamped = signed(&letter(
        "Subvention de 1 500 euros — signé par la présidente",
    ));
    let verdict = returned(&letter("Subvention de 1 500 euros"), &stamped).unwrap();
    assert_eq!(verdict.binding, Binding::Weak);
}

#[test]
fn a_rewritten_file_that_says_nothing_readable_binds_nothing() {
    let scan = letter("");
    let other = signed(&rewritten(&scan));
    assert_eq!(returned(&scan, &other), Err(Refusal::OtherDocument));
    assert_eq!(
        returned(&scan, &signed(&scan)).unwrap().binding,
        Binding::Exact
    );
}

#[test]
fn what_is_not_a_signed_letter_at_all_is_refused_with_its_own_reason() {
    assert_eq!(returned(LETTER, LETTER), Err(Refusal::Unchanged));
    assert_eq!(returned(LETTER, &rewritten(LETTER)), Err(Refusal::Unsigned));
    assert_eq!(returned(LETTER, b"%PDF-1.7 stub"), Err(Refusal::Stub));
    assert_eq!(returned(LETTER, &letter("Page vide")), Err(Refusal::Stub));
    let html = "<html>Session expirée</html>".repeat(2000);
    assert_eq!(
        returned(LETTER, html.as_bytes()),
        Err(NotAPdf::Header.into())
    );
}

#[test]
fn no_byte_outside_the_signature_changes_unnoticed() {
    let file = signed(LETTER);
    let hole = position(&file, b"/Contents<") + b"/Contents".len();
    let hole = hole..=hole + file[hole..].iter().position(|byte| *byte == b'>').unwrap();
    for at in (0..file.len()).step_by(53).chain([file.len() - 1]) {
        let mut altered = file.clone();
        altered[at] ^= 1;
        let answer = returned(LETTER, &altered);
        assert!(
            hole.contains(&at) || answer.is_err(),
            "byte {at}: {answer:?}"
        );
    }
}

#[test]
fn the_room_of_the_signature_holds_nothing_else() {
    let mut file = signed(LETTER);
    let start = position(&file, b"/Contents<") + b"/Contents".len();
    let end = start + file[start..].iter().position(|byte| *byte == b'>').unwrap();
    file[end - 1] = b'1';
    assert_eq!(returned(LETTER, &file), Err(Refusal::Unverifiable));
    // A byte range whose hole is wider than the signature would leave bytes unsigned.
    let text = String::from_utf8_lossy(&file[LETTER.len()..]);
    let numbers = text
        .split("/ByteRange[")
        .nth(1)
        .unwrap()
        .split(']')
        .next()
        .unwrap();
    let hole = numbers.split(' ').nth(1).unwrap();
    let narrower = format!("[0 {} ", hole.parse::<usize>().unwrap() - 1);
    let at = position(&file, format!("[0 {hole} ").as_bytes());
    file[at..at + narrower.len()].copy_from_slice(narrower.as_bytes());
    assert_eq!(returned(LETTER, &file), Err(Refusal::NotWholeFile));
}

#[test]
fn a_pdf_behind_a_password_is_refused() {
    let mut document = open(LETTER).unwrap();
    let id = Object::string_literal("0123456789abcdef");
    document.trailer.set("ID", vec![id.clone(), id]);
    let version = lopdf::EncryptionVersion::V2 {
        document: &document,
        owner_password: "o",
        user_password: "u",
        key_length: 128,
        permissions: lopdf::Permissions::all(),
    };
    let state = lopdf::EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    let mut file = Vec::new();
    document.save_to(&mut file).unwrap();
    assert_eq!(pages(&file), Err(NotAPdf::Protected));
}

#[test]
fn a_time_stamp_is_not_a_signature() {
    let mut file = signed(LETTER);
    let format: &[u8] = b"/ETSI.CAdES.detached";
    let at = position(&file, format);
    file[at..at + format.len()].copy_from_slice(b"/ETSI.RFC3161       ");
    assert_eq!(returned(LETTER, &file), Err(Refusal::Unverifiable));
}
