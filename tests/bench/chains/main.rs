//! Chains of eight trivial steps, each step an event, beside DBOS and Restate: installed by the bench, on the
//! same machine and the same PostgreSQL, in the same run, with what each calls durable.
//!
//! `QUICK=1` measures less of everything. `chains rate`, `crash`, `fair` or `long` measures that alone.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench mints ids as a door does, and is set up by its environment"
)]

#[path = "../furnish.rs"]
mod furnish;
#[path = "../place.rs"]
mod place;
#[path = "../report.rs"]
mod report;

mod crash;
mod engine;
mod fair;
mod long;
mod ours;
mod peers;
mod ports;
mod rate;
mod work;

use place::Place;
use report::Figure;
use std::process::ExitCode;

/// The steps of each chain.
pub const STEPS: usize = 8;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Little of everything.
    quick: bool,
}

impl Size {
    /// One number for a quick bench, another for a full one.
    pub fn of(self, quick: usize, full: usize) -> usize {
        if self.quick { quick } else { full }
    }
}

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
    let runtime = tokio::runtime::Runtime::new()?;
    if let Some(work) = work::Work::of_this_process() {
        return runtime.block_on(work.run());
    }
    let size = Size {
        quick: std::env::var_os("QUICK").is_some_and(|quick| quick == "1"),
    };
    // Cargo passes options of its own to benches.
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |part: &str| only.is_empty() || only.iter().any(|only| only == part);
    let figures = runtime.block_on(async {
        let place = Place::start().await?;
        let mut figures: Vec<Figure> = vec![];
        if wanted("rate") {
            figures.extend(rate::measure(&place, size).await?);
        }
        if wanted("crash") {
            figures.extend(crash::measure(&place, size).await?);
        }
        if wanted("fair") {
            figures.extend(fair::measure(&place, size).await?);
        }
        if wanted("long") {
            figures.extend(long::measure(&place, size).await?);
        }
        place.stop().await;
        anyhow::Ok(figures)
    })?;
    report::publish("chains", &figures)
}

/// A count as a figure.
pub fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
