//! The log beside its peers: stock postgres-es, message-db and COPY, on the same PostgreSQL, in the same run,
//! in rounds that take turns; then what safety costs, how soon a commit is seen, and whether size matters.
//!
//! `QUICK=1` measures less of everything. `log append`, `bulk`, `price`, `follow`, `visible`, `rebuild` or
//! `growth` measures that alone. `SIZES=1,10,50` are the millions of events of `growth`.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench mints ids as a door does, and is set up by its environment"
)]

#[path = "../place.rs"]
mod place;
#[path = "../report.rs"]
mod report;

mod append;
mod bulk;
mod follow;
mod growth;
mod peers;
mod price;
mod rebuild;
mod stores;
mod visible;

use place::Place;
use report::Figure;
use std::{process::ExitCode, time::Duration};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Little of everything.
    pub quick: bool,
    /// How often each takes its turn.
    pub rounds: usize,
    /// How long a turn lasts.
    pub turn: Duration,
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
    let quick = std::env::var_os("QUICK").is_some_and(|quick| quick == "1");
    let size = Size {
        quick,
        rounds: if quick { 1 } else { 3 },
        turn: Duration::from_millis(if quick { 1_000 } else { 3_000 }),
    };
    // Cargo passes options of its own to benches.
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let wanted = |part: &str| only.is_empty() || only.iter().any(|only| only == part);
    let runtime = tokio::runtime::Runtime::new()?;
    let place = runtime.block_on(Place::start())?;
    let mut figures: Vec<Figure> = vec![];
    if wanted("append") {
        figures.extend(runtime.block_on(append::measure(&place, size))?);
    }
    if wanted("bulk") {
        figures.extend(runtime.block_on(bulk::measure(&place, size))?);
    }
    if wanted("price") {
        figures.extend(runtime.block_on(price::measure(&place, size))?);
    }
    if wanted("follow") {
        figures.extend(runtime.block_on(follow::measure(&place, size))?);
    }
    if wanted("visible") {
        figures.extend(runtime.block_on(visible::measure(&place, size))?);
    }
    if wanted("rebuild") {
        figures.extend(runtime.block_on(rebuild::measure(&place, size))?);
    }
    if wanted("growth") {
        figures.extend(runtime.block_on(growth::measure(&place, size))?);
    }
    runtime.block_on(place.stop());
    report::publish("log", &figures)
}

/// A count as a figure.
pub fn count(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// So many in so long, a second.
pub fn rate(count: usize, took: Duration) -> f64 {
    self::count(count) / took.as_secs_f64()
}
