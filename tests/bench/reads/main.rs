//! What is read, beside peers on the same data, in the same run.
//!
//! `QUICK=1` measures less of everything. `reads exports` measures that alone.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench mints ids as a door does, and is set up by its environment"
)]

#[path = "../report.rs"]
mod report;

mod exports;

use report::Figure;
use std::process::ExitCode;

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> anyhow::Result<()> {
    if let Some(turn) = exports::Turn::of_this_process() {
        return turn.take();
    }
    let quick = std::env::var_os("QUICK").is_some_and(|quick| quick == "1");
    // Cargo passes options of its own to benches.
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |part: &str| only.is_empty() || only.iter().any(|only| only == part);
    let mut figures: Vec<Figure> = vec![];
    if wanted("exports") {
        figures.extend(exports::measure(quick)?);
    }
    report::publish("reads", &figures)
}
