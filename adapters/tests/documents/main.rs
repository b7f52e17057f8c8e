//! Documents from end to end: the example templates merged and converted, hostile files refused, broken
//! workers replaced. This program is also the worker that its tests need, hence its own harness.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

mod broken;
mod examples;
mod honeypot;
mod hostile;
mod misbehaving;
mod same;
mod support;
mod text;
mod together;
mod values;

use libtest_mimic::{Arguments, Trial};
use navette_adapters::libreoffice::worker;
use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "pdf-worker", folder] => worker::run(Path::new(folder)),
        [_, "fails-once", how, marker, folder] => {
            misbehaving::fails_once(how, Path::new(marker), Path::new(folder))
        }
        [_, "hangs", _] => misbehaving::always_hangs(),
        [_, "leaks", log, mebibytes, folder] => misbehaving::leaks(
            Path::new(log),
            mebibytes.parse().unwrap(),
            Path::new(folder),
        ),
        [_, "chokes", folder] => misbehaving::chokes(Path::new(folder)),
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
    let values = values::TESTS.map(|(name, body)| test(name, body));
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
            "the_commission_workbook_has_its_totals_and_a_sheet_for_each_dossier",
            examples::workbook,
        ),
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
        test(
            "a_worker_that_dies_raves_or_lies_costs_one_retry",
            broken::failing_worker,
        ),
        test("a_worker_that_leaks_is_replaced", broken::leaking_worker),
        test(
            "five_hostile_documents_among_fifty_cost_only_themselves",
            broken::five_among_fifty,
        ),
        test(
            "the_same_file_and_date_give_the_same_bytes_from_two_workers",
            same::bytes,
        ),
        test(
            "without_libreofficekit_soffice_gives_the_same_documents",
            same::fallback,
        ),
        test(
            "libreoffice_fetches_nothing_even_of_what_was_not_scanned",
            honeypot::silent,
        ),
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
            "letters_that_crash_or_hang_libreoffice_cost_the_others_nothing",
            together::indigestible_letters,
        ),
        test(
            "the_pages_for_the_printer_look_like_those_of_the_letters",
            together::printed,
        ),
    ];
    tests.extend(text);
    tests.extend(values);
    tests
}
