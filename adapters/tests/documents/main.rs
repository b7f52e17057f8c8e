//! Documents from end to end: the example templates merged and converted, hostile files refused, broken
//! workers replaced. This program is also the worker that its tests need, hence its own harness.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

mod broken;
mod examples;
mod hostile;
mod misbehaving;
mod support;
mod text;
mod together;

use libtest_mimic::{Arguments, Trial};
use navette_adapters::libreoffice::worker;
use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "pdf-worker", folder] => worker::run(Path::new(folder)),
        [_, "dies-once", marker, folder] => {
            misbehaving::dies_once(Path::new(marker), Path::new(folder))
        }
        [_, "hangs", _] => misbehaving::hangs(),
        _ => libtest_mimic::run(&Arguments::from_args(), tests()).exit_code(),
    }
}

fn tests() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(name, move || {
            body();
            Ok(())
        })
    };
    let text = text::TESTS.map(|(name, body)| test(name, body));
    let mut tests = vec![
        test(
            "the_odt_letter_becomes_the_expected_pdf",
            examples::odt_letter,
        ),
        test(
            "the_docx_letter_says_the_same_as_the_odt_one",
            examples::docx_letter,
        ),
        test("the_commission_sheet_adds_its_amounts_up", examples::sheet),
        test(
            "a_convention_is_only_mentioned_above_23000_euros",
            examples::no_convention,
        ),
        test(
            "what_is_not_a_sound_office_file_never_becomes_a_pdf",
            hostile::garbage,
        ),
        test(
            "a_file_that_fetches_or_runs_something_is_refused",
            hostile::hostile,
        ),
        test("a_worker_that_dies_costs_one_retry", broken::dead_worker),
        test(
            "a_worker_that_hangs_is_given_up_in_bounded_time",
            broken::hung_worker,
        ),
        test(
            "a_document_too_long_to_convert_is_given_up_and_hurts_no_other",
            broken::too_long,
        ),
        test("ten_documents_at_once_share_the_workers", broken::many),
        test(
            "a_letter_looks_the_same_converted_with_others_as_alone",
            together::same_looks,
        ),
        test(
            "a_letter_has_the_same_bytes_whatever_it_is_converted_with",
            together::same_bytes,
        ),
        test(
            "a_letter_that_cannot_be_converted_costs_the_others_nothing",
            together::bad_letter,
        ),
        test(
            "the_pages_for_the_printer_look_like_those_of_the_letters",
            together::printed,
        ),
    ];
    tests.extend(text);
    tests
}
