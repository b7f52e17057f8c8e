//! Rules, one test each.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

use super::*;
use crate::{
    digest::Digest,
    document::{BackTo, Document, DocumentEvent as E, Order, Subject},
    ids::{BatchId, DocumentId, DossierId},
    ports::OfficeFormat,
    testing::{chain_ref, march, now, pdf, replay, step, template_ref, uuid},
};

fn reference(number: u128, round: u32) -> PaperReference {
    PaperReference {
        document: DocumentId(uuid(number)),
        round,
    }
}

fn page(references: &[PaperReference]) -> Page {
    Page {
        references: references.to_vec(),
        is_blank: false,
    }
}

/// A page of document 1 or 2.
fn of(number: u128) -> Page {
    page(&[reference(number, 1)])
}

fn follows() -> Page {
    page(&[])
}

fn blank() -> Page {
    Page {
        is_blank: true,
        ..follows()
    }
}

fn pages(first: u32, last: u32) -> Pages {
    Pages { first, last }
}

/// Letters by their number and pages, and what is left.
type Sorted = (Vec<(u128, Pages)>, Vec<(Pages, ScanFault)>);

fn sorted(all: &[Page]) -> Sorted {
    let (letters, left) = sort(all);
    let letters = letters.into_iter().map(|letter| {
        let number = (1..9).find(|number| reference(*number, 1) == letter.reference);
        (number.unwrap_or_default(), letter.pages)
    });
    let left = left.into_iter().map(|left| (left.pages, left.fault));
    (letters.collect(), left.collect())
}

#[test]
fn a_page_with_a_reference_begins_its_document_or_goes_on_with_it_and_one_without_goes_on() {
    let all = [of(2), follows(), of(1), of(1), blank(), of(3)];
    let letters = vec![(2, pages(1, 2)), (1, pages(3, 5)), (3, pages(6, 6))];
    assert_eq!(sorted(&all), (letters, vec![]));
}

#[test]
fn pages_before_the_first_reference_are_told_but_for_blank_ones() {
    let all = [follows(), follows(), blank(), of(1)];
    let left = vec![(pages(1, 2), ScanFault::NoReference)];
    assert_eq!(sorted(&all), (vec![(1, pages(4, 4))], left));
    assert_eq!(sorted(&[blank(), blank()]), (vec![], vec![]));
}

#[test]
fn a_document_that_is_met_twice_is_left_in_both_places_and_the_others_are_taken() {
    let again = page(&[reference(1, 2)]);
    for second in [of(1), again] {
        let all = [of(1), of(2), second, follows()];
        let left = vec![
            (pages(1, 1), ScanFault::Twice),
            (pages(3, 4), ScanFault::Twice),
        ];
        assert_eq!(sorted(&all), (vec![(2, pages(2, 2))], left));
    }
}

#[test]
fn a_page_of_two_documents_is_nobodys_and_what_follows_it_neither() {
    let both = page(&[reference(1, 1), reference(2, 1)]);
    let all = [of(3), both, follows(), of(2)];
    let left = vec![
        (pages(2, 2), ScanFault::SeveralReferences),
        (pages(3, 3), ScanFault::NoReference),
    ];
    let letters = vec![(3, pages(1, 1)), (2, pages(4, 4))];
    assert_eq!(sorted(&all), (letters, left));
}

#[test]
fn blank_backs_are_dropped_only_when_the_pages_are_then_those_that_were_printed() {
    let all = [of(1), blank(), follows(), blank()];
    assert_eq!(kept(pages(1, 4), &all, 4), Ok(vec![1, 2, 3, 4]));
    assert_eq!(kept(pages(1, 4), &all, 2), Ok(vec![1, 3]));
    for printed in [1, 3, 5] {
        let fault = ScanFault::OtherPages {
            printed,
            scanned: 2,
        };
        assert_eq!(kept(pages(1, 4), &all, printed), Err(fault));
    }
}

fn definition() -> Definition {
    toml::from_str(include_str!(
        "../../../examples/chains/notification-papier.toml"
    ))
    .expect("the shipped file reads")
}

fn requested() -> E {
    let order = Order {
        batch: BatchId(uuid(1)),
        subject: Subject::Dossier(DossierId(uuid(2))),
        chain: chain_ref(),
        template: template_ref(),
        included: vec![],
        title: "Notification SUB-2026-0012".into(),
        date: march(17),
        trigger: None,
    };
    E::Requested { order, at: now() }
}

fn made() -> [E; 2] {
    let merged = E::Merged {
        step: step("merge"),
        office: Digest::of(b"office"),
        format: OfficeFormat::Odt,
        data: Digest::of(b"data"),
        at: now(),
    };
    let converted = E::Converted {
        step: step("convert"),
        pdf: pdf("letter"),
        at: now(),
    };
    [merged, converted]
}

/// The document that was made, after these events.
fn journey(events: &[E]) -> Journey {
    let document: Document = replay([&[requested()], &made()[..], events].concat());
    document.journey().cloned().expect("a document on its way")
}

fn sent_to_print() -> E {
    E::SentToPrint {
        step: step("print"),
        sent: pdf("letter").file,
        at: now(),
    }
}

fn scan_returned() -> E {
    E::ScanReturned {
        step: step("print"),
        pdf: pdf("scan"),
        upload: pdf("bundle").file,
        first: 1,
        last: 2,
        at: now(),
    }
}

#[test]
fn only_a_document_on_paper_takes_a_scan_and_only_once() {
    let takes = |events: &[E]| awaited(&definition(), &journey(events), None);
    assert_eq!(
        takes(&[]),
        Err(ScanFault::NotOnPaper {
            status: DocumentStatus::Converted
        })
    );
    assert_eq!(takes(&[sent_to_print()]), Ok(step("print")));
    assert_eq!(
        takes(&[sent_to_print(), scan_returned()]),
        Err(ScanFault::AlreadyBack)
    );
}

#[test]
fn a_scan_that_came_back_after_its_patience_is_taken() {
    let failed = E::Failed {
        step: step("print"),
        sentence: "trop tard".into(),
        at: now(),
    };
    let stopped = journey(&[sent_to_print(), failed]);
    assert_eq!(awaited(&definition(), &stopped, None), Ok(step("print")));
}

#[test]
fn a_paper_of_another_round_is_never_taken_for_the_one_in_force() {
    let restarted = |back_to| E::Restarted {
        reason: "faute de frappe".into(),
        back_to,
        at: now(),
    };
    let anew = [
        &[sent_to_print(), restarted(None)][..],
        &made(),
        &[sent_to_print()],
    ]
    .concat();
    let takes =
        |journey: &Journey, round| awaited(&definition(), journey, Some(reference(1, round)));
    let anew = journey(&anew);
    assert_eq!(takes(&anew, 1), Err(ScanFault::OtherRound));
    assert_eq!(takes(&anew, 2), Ok(step("print")));
    // Printed again, it is the same paper.
    let printed = journey(&[sent_to_print()]);
    let back = BackTo::of(&definition(), &printed, &step("print"));
    let back = back.expect("it began");
    let again = journey(&[sent_to_print(), restarted(Some(back)), sent_to_print()]);
    assert_eq!(again.round, 2);
    assert_eq!(takes(&again, 1), Ok(step("print")));
    assert_eq!(takes(&again, 2), Err(ScanFault::OtherRound));
}

#[test]
fn what_is_left_is_told_in_words_that_follow_its_pages() {
    let fault = ScanFault::OtherPages {
        printed: 2,
        scanned: 3,
    };
    assert_eq!(
        format!("{} : {fault}.", pages(3, 4)),
        "Pages 3 à 4 : 2 pages de ce document ont été imprimées, et 3 sont là, sans compter les blanches : \
         numérisez-le entier, ou envoyez-le à part."
    );
    let fault = ScanFault::NotOnPaper {
        status: DocumentStatus::Cancelled,
    };
    assert_eq!(
        format!("{} : {fault}.", pages(7, 7)),
        "Page 7 : ce document est « annulé » et n'attend pas de scan."
    );
}
