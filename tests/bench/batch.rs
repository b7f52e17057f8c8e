//! 500 dossiers through the whole chain, with neighbours who answer at once: how many letters a minute, and
//! where the time goes. The peer is the PDF workers alone, on the same office files in the same run.
//!
//! `QUICK=1` takes 60 dossiers, once; `LETTERS` another number.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench mints ids as a door does, and is set up by its environment"
)]

mod cpu;
mod furnish;
mod processes;
mod report;
mod run;

use anyhow::Context as _;
use cpu::Cpu;
use navette::workers::Timing;
use report::{Figure, Goal, median};
use run::{Alone, Bench, Measured};
use std::{collections::BTreeMap, path::Path, process::ExitCode, time::Duration};

/// Of the full bench.
const LETTERS: usize = 500;
const ROUNDS: usize = 3;
/// Batches that show whether a letter of a large one costs more.
const GROWTH: [usize; 3] = [50, 100, 200];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    // This program is also the PDF worker that it measures.
    if let [_, "pdf-worker", folder] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        return navette_adapters::libreoffice::worker::run(Path::new(folder));
    }
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
    let letters = match std::env::var("LETTERS") {
        Ok(letters) => letters.parse().context("LETTERS is not a number")?,
        Err(_) if quick => 60,
        Err(_) => LETTERS,
    };
    let bench = Bench::start()?;
    // The PDF workers take seconds to start, once in the life of a process.
    bench.chain(10).context("warming up")?;

    let mut rounds: Vec<(Measured, Alone)> = vec![];
    for round in 0..if quick { 1 } else { ROUNDS } {
        let chain = bench.chain(letters)?;
        let alone = bench.alone(&chain.office)?;
        println!(
            "round {}: the chain {:.1} s, the PDF workers alone {:.1} s",
            round + 1,
            chain.wall.as_secs_f64(),
            alone.wall.as_secs_f64()
        );
        rounds.push((chain, alone));
    }
    let mut growth = vec![];
    for letters in GROWTH.iter().filter(|_| !quick) {
        growth.push(bench.chain(*letters)?);
    }
    bench.stop();

    if let Some((chain, _)) = rounds.last() {
        explain(chain);
    }
    let mut figures = figures(&rounds)?;
    figures.extend(growth_figures(&growth, &rounds));
    report::publish("batch", &figures)
}

/// Where the time of one batch went.
fn explain(chain: &Measured) {
    let letters = chain.letters;
    println!("\n{letters} letters, one batch, last round");
    println!(
        "{:<20} {:>8} {:>10} {:>10}",
        "work", "times", "busy s", "mean ms"
    );
    let line = |kind: &str, timing: &Timing| {
        println!(
            "{kind:<20} {:>8} {:>10.2} {:>10.2}",
            timing.count,
            timing.busy.as_secs_f64(),
            timing.mean().as_secs_f64() * 1e3
        );
    };
    for (kind, timing) in sorted(&chain.work) {
        line(kind, timing);
    }
    println!("projections");
    for (name, timing) in sorted(&chain.projections) {
        line(name, timing);
    }
    println!(
        "log: {} commands, {} events, {:.1} events a command",
        chain.commits,
        chain.events,
        ratio(chain.events, chain.commits)
    );
}

fn sorted<'a>(kinds: &'a BTreeMap<&'static str, Timing>) -> Vec<(&'a &'static str, &'a Timing)> {
    let mut sorted: Vec<_> = kinds.iter().collect();
    sorted.sort_by_key(|(_, timing)| std::cmp::Reverse(timing.busy));
    sorted
}

fn ratio(of: i64, to: i64) -> f64 {
    let count = |count| f64::from(i32::try_from(count).unwrap_or(i32::MAX));
    count(of) / count(to)
}

fn count(letters: usize) -> f64 {
    f64::from(u32::try_from(letters).unwrap_or(u32::MAX))
}

fn seconds(rounds: &[(Measured, Alone)], of: impl Fn(&(Measured, Alone)) -> Duration) -> f64 {
    median(rounds.iter().map(|round| of(round).as_secs_f64()).collect())
}

fn figures(rounds: &[(Measured, Alone)]) -> anyhow::Result<Vec<Figure>> {
    let (last, _) = rounds.last().context("no round")?;
    let letters = count(last.letters);
    let chain = seconds(rounds, |(chain, _)| chain.wall);
    let alone = seconds(rounds, |(_, alone)| alone.wall);
    let peer = "the PDF workers alone, same office files";
    let convert = |chain: &Measured| chain.work.get("convert").map_or(Duration::ZERO, |t| t.busy);
    let (next, _) = sorted(&last.work)
        .into_iter()
        .find(|(kind, _)| !matches!(**kind, "convert" | "report" | "claim"))
        .context("no work")?;
    let next_busy = seconds(rounds, |(chain, _)| {
        chain
            .work
            .get(next)
            .map_or(Duration::ZERO, |timing| timing.busy)
    });
    let workers = count(std::thread::available_parallelism()?.get());
    let of_cpu =
        |of: fn(&Cpu) -> Duration| 1e3 * seconds(rounds, |(chain, _)| of(&chain.cpu)) / letters;
    let cpu = |who: &str, of: fn(&Cpu) -> Duration| {
        Figure::new(format!("processor per letter: {who}"), "ms", of_cpu(of))
    };
    let alone_cpu = 1e3 * seconds(rounds, |(_, alone)| alone.cpu) / letters;
    Ok(vec![
        Figure::new(
            format!("{} letters, the whole chain", last.letters),
            "s",
            chain,
        )
        .against(peer, alone)
        .goal(Goal::AtMost(1.5)),
        Figure::new("letters per minute", "1/min", 60.0 * letters / chain)
            .against(peer, 60.0 * letters / alone),
        Figure::new(
            "busy converting",
            "s",
            seconds(rounds, |(chain, _)| convert(chain)),
        )
        .against(format!("the next kind of work, {next}"), next_busy)
        .goal(Goal::AtLeast(1.0)),
        Figure::new(
            "busy converting",
            "s",
            seconds(rounds, |(chain, _)| convert(chain)),
        )
        .against("all the time that the PDF workers had", workers * chain),
        cpu("LibreOffice", |cpu| cpu.libreoffice).against(peer, alone_cpu),
        cpu("Navette", |cpu| cpu.navette),
        cpu("PostgreSQL", |cpu| cpu.postgres),
        cpu("simulated neighbours", |cpu| cpu.neighbours),
    ])
}

/// A letter must cost the same in a batch of any size.
fn growth_figures(growth: &[Measured], rounds: &[(Measured, Alone)]) -> Vec<Figure> {
    let Some((first, larger)) = growth.split_first() else {
        return vec![];
    };
    let per_letter = |chain: &Measured| 1e3 * chain.wall.as_secs_f64() / count(chain.letters);
    let sizes = larger
        .iter()
        .map(|chain| (chain.letters, per_letter(chain)))
        .chain(rounds.last().map(|(chain, _)| {
            let wall = 1e3 * seconds(rounds, |(chain, _)| chain.wall);
            (chain.letters, wall / count(chain.letters))
        }));
    sizes
        .map(|(letters, each)| {
            Figure::new(format!("per letter in a batch of {letters}"), "ms", each)
                .against(
                    format!("per letter in a batch of {}", first.letters),
                    per_letter(first),
                )
                .goal(Goal::AtMost(1.2))
        })
        .collect()
}
