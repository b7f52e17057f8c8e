//! Merging letters and making PDFs of them, beside those who do the same: docxtpl and docxtemplater for the
//! merge, a bare LibreOfficeKit loop, unoserver and `soffice` for the PDF. The peers are installed by this
//! program under `target/peers`, and measured in the same run, in rounds that take turns.
//!
//! `QUICK=1` takes fewer letters and rounds, `ROUNDS=1` all the letters in one round. `documents compat` only
//! compares with docxtpl.

#[path = "../processes.rs"]
mod processes;
#[path = "../report.rs"]
mod report;

mod compat;
mod letters;
mod merge;
mod pdf;
mod peers;

use anyhow::Context as _;
use navette_adapters::libreoffice::{bare, worker};
use peers::Peers;
use std::{path::Path, process::ExitCode};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Few letters, a round or two.
    pub quick: bool,
    /// How often each program takes its turn.
    pub rounds: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let only_compat = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // This program is also the worker that it measures, and the bare loop beside it.
        [_, "pdf-worker", folder] => return worker::run(Path::new(folder)),
        [_, "bare-loop", folder] => return bare::run(Path::new(folder)),
        [_, "compat", ..] => true,
        _ => false,
    };
    match bench(only_compat) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every difference with docxtpl is explained.
fn bench(only_compat: bool) -> anyhow::Result<bool> {
    let quick = std::env::var_os("QUICK").is_some_and(|quick| quick == "1");
    let rounds = std::env::var_os("ROUNDS").map_or(Some(5), |rounds| rounds.to_str()?.parse().ok());
    let rounds = rounds.context("ROUNDS is not a number")?;
    let size = Size {
        quick,
        rounds: if quick { 2 } else { rounds },
    };
    let peers = Peers::install()?;
    let compat = compat::compare(&peers)?;
    if only_compat {
        return Ok(compat.unexplained == 0);
    }
    let mut figures = merge::measure(&peers, size)?;
    figures.extend(pdf::measure(&peers, size)?);
    figures.extend(compat.figures());
    report::publish("documents", &figures)?;
    Ok(true)
}

/// A count as a figure.
pub fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
