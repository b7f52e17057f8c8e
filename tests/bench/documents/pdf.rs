//! The PDFs, from the same merged ODT letters with the same export options: PDF/A-2b.

mod peers;

use super::{
    Size, count, letters,
    peers::Peers,
    processes,
    report::{Figure, Goal, median},
};
use anyhow::{Context as _, ensure};
use navette_adapters::{
    libreoffice::{PdfPool, PoolOptions},
    merge::Template,
    sim::hostile::unfinishable,
};
use navette_domain::ports::OfficeFormat;
use std::{
    cell::RefCell,
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, task::JoinSet};

const LETTERS: usize = 500;
const QUICK_LETTERS: usize = 40;
/// A sound letter takes a tenth of it.
const HOSTILE_TIMEOUT: Duration = Duration::from_secs(5);
/// Conversions after which the memory is read.
const MEMORY_AT: [usize; 3] = [500, 2_500, 5_000];

struct Bench {
    runtime: Runtime,
    options: PoolOptions,
    /// One letter at a time, as the peers work.
    alone: Arc<PdfPool>,
    /// As it is by default: the letters of one template together.
    together: Arc<PdfPool>,
    letters: Vec<Vec<u8>>,
    files: Vec<PathBuf>,
    folder: PathBuf,
    memory: RefCell<Memory>,
}

/// The workers' memory after so many conversions.
#[derive(Default)]
struct Memory {
    converted: usize,
    /// (conversions, mebibytes)
    read: Vec<(usize, f64)>,
}

/// What some conversions cost.
#[derive(Debug, Clone, Copy)]
struct Cost {
    wall: Duration,
    cpu: Duration,
}

pub fn measure(peers: &Peers, size: Size) -> anyhow::Result<Vec<Figure>> {
    peers.install_unoserver()?;
    let bench = Bench::start(peers, if size.quick { QUICK_LETTERS } else { LETTERS })?;
    let mut bare = bench.bare()?;
    let mut daemons = bench.unoservers(peers)?;
    // Each starts LibreOffice and converts a few letters before it is measured.
    let warm = 4.min(bench.letters.len());
    for pool in [&bench.alone, &bench.together] {
        bench.ours(pool, &bench.letters[..warm])?;
    }
    bench.with_bare(&mut bare, warm)?;
    bench.with_unoservers(&mut daemons, warm)?;

    let rounds = if size.quick { 1 } else { size.rounds.min(3) };
    let slow = if size.quick { 3 } else { 12 };
    let all = bench.letters.len();
    let mut measured: [Vec<Cost>; 5] = Default::default();
    for round in 0..rounds {
        let turns = [
            bench.ours(&bench.alone, &bench.letters)?,
            bench.ours(&bench.together, &bench.letters)?,
            bench.with_bare(&mut bare, all)?,
            bench.with_unoservers(&mut daemons, all)?,
            bench.with_soffice(slow)?,
        ];
        println!(
            "PDF, round {}: {}",
            round + 1,
            turns
                .map(|cost| format!(
                    "{:.1} s (processor {:.1} s)",
                    cost.wall.as_secs_f64(),
                    cost.cpu.as_secs_f64()
                ))
                .join(", ")
        );
        for (all, this) in measured.iter_mut().zip(turns) {
            all.push(this);
        }
    }
    drop((bare, daemons));
    let of = |costs: &[Cost], what: fn(&Cost) -> Duration| {
        median(costs.iter().map(|cost| what(cost).as_secs_f64()).collect())
    };
    let [ours, together, bare, unoserver, soffice] = &measured;
    let per_second = |costs: &[Cost], letters: usize| count(letters) / of(costs, |cost| cost.wall);
    let rate = |how: &str, costs: &[Cost]| {
        let figure = format!("PDFs of {all} letters of one template{how}");
        Figure::new(figure, "1/s", per_second(costs, all))
    };
    let a_second = |costs: &[Cost]| count(all) / of(costs, |cost| cost.cpu);
    let mut figures = vec![
        Figure::new(
            "PDFs by a second of processor, together",
            "1/s",
            a_second(together),
        )
        .against("a bare LibreOfficeKit loop", a_second(bare))
        .goal(Goal::AtLeast(2.0)),
        Figure::new(
            "processor of a PDF",
            "ms",
            1e3 * of(ours, |cost| cost.cpu) / count(all),
        )
        .against(
            "a bare LibreOfficeKit loop",
            1e3 * of(bare, |cost| cost.cpu) / count(all),
        )
        .goal(Goal::AtMost(1.1)),
        rate("", together)
            .against("unoserver 3.7, two daemons", per_second(unoserver, all))
            .goal(Goal::AtLeast(1.5)),
        rate(", each alone", ours)
            .against("unoserver 3.7, two daemons", per_second(unoserver, all)),
        rate(", each alone", ours)
            .against("one soffice for each document", per_second(soffice, slow))
            .goal(Goal::AtLeast(12.0)),
    ];
    figures.extend(bench.growth(size)?);
    figures.push(bench.hostile(if size.quick { 4 } else { 50 })?);
    if !size.quick {
        figures.extend(bench.memory()?);
    }
    Ok(figures)
}

impl Bench {
    fn start(peers: &Peers, count: usize) -> anyhow::Result<Self> {
        let folder = peers.workplace("pdf")?;
        let template = Template::compile(letters::ODT)?;
        let dossiers = letters::dossiers(count);
        let letters: Vec<Vec<u8>> = dossiers
            .iter()
            .map(|dossier| template.merge(dossier))
            .collect::<Result<_, _>>()?;
        let files = letters.iter().enumerate().map(|(number, letter)| {
            let file = folder.join(format!("{number}.odt"));
            fs::write(&file, letter)?;
            Ok(file)
        });
        let files = files.collect::<anyhow::Result<_>>()?;
        let worker = vec![std::env::current_exe()?.into(), "pdf-worker".into()];
        let together = PoolOptions::for_this_machine(worker);
        let alone = PoolOptions {
            letters_together: 0,
            ..together.clone()
        };
        Ok(Self {
            runtime: Runtime::new()?,
            alone: Arc::new(PdfPool::new(alone)),
            together: Arc::new(PdfPool::new(together.clone())),
            options: together,
            letters,
            files,
            folder,
            memory: RefCell::default(),
        })
    }

    /// What this program and all it started used, except for the merge.
    fn cost(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<Cost> {
        let used = || {
            anyhow::Ok(processes::used_below(
                &processes::all()?,
                std::process::id(),
            ))
        };
        let (before, start) = (used()?, Instant::now());
        work()?;
        Ok(Cost {
            wall: start.elapsed(),
            cpu: used()?.saturating_sub(before),
        })
    }

    /// Converts all at once; answers which became PDFs.
    fn convert(&self, pool: &Arc<PdfPool>, letters: &[Vec<u8>]) -> anyhow::Result<Vec<bool>> {
        let done = self.runtime.block_on(async {
            let mut waiting = JoinSet::new();
            for (number, letter) in letters.iter().cloned().enumerate() {
                let pool = Arc::clone(pool);
                waiting.spawn(async move {
                    (
                        number,
                        pool.convert(&letter, OfficeFormat::Odt, chrono::DateTime::UNIX_EPOCH)
                            .await
                            .is_ok(),
                    )
                });
            }
            let mut done = vec![false; letters.len()];
            while let Some(one) = waiting.join_next().await {
                let (number, converted) = one?;
                done[number] = converted;
            }
            anyhow::Ok(done)
        })?;
        let mut memory = self.memory.borrow_mut();
        memory.converted += letters.len();
        if MEMORY_AT
            .get(memory.read.len())
            .is_some_and(|at| memory.converted >= *at)
        {
            let held = [&self.alone, &self.together].map(|pool| pool.resident());
            let bytes: u64 = held.iter().flatten().sum();
            let now = (memory.converted, mebibytes(bytes));
            println!(
                "after {} conversions the workers hold {:.0} MiB",
                now.0, now.1
            );
            memory.read.push(now);
        }
        Ok(done)
    }

    fn ours(&self, pool: &Arc<PdfPool>, letters: &[Vec<u8>]) -> anyhow::Result<Cost> {
        Self::cost(|| {
            let done = self.convert(pool, letters)?;
            ensure!(
                done.iter().all(|done| *done),
                "a letter did not become a PDF"
            );
            Ok(())
        })
    }

    /// A PDF costs the same in a batch of any size.
    fn growth(&self, size: Size) -> anyhow::Result<Vec<Figure>> {
        let sizes: &[usize] = if size.quick {
            &[10, QUICK_LETTERS]
        } else {
            &[10, 100, 1_000, 10_000]
        };
        let mut each = vec![];
        for letters in sizes {
            let many: Vec<_> = self
                .letters
                .iter()
                .cycle()
                .take(*letters)
                .cloned()
                .collect();
            let cost = self.ours(&self.together, &many)?;
            each.push((*letters, 1e3 * cost.cpu.as_secs_f64() / count(*letters)));
        }
        let (first, smallest) = *each.first().context("no size")?;
        Ok(each
            .iter()
            .skip(1)
            .map(|(letters, each)| {
                Figure::new(
                    format!("processor of a PDF, each of {letters} letters"),
                    "ms",
                    *each,
                )
                .against(format!("each of {first}"), smallest)
                .goal(Goal::AtMost(1.1))
            })
            .collect())
    }

    /// Files that harm LibreOffice, or try to, among sound ones: how many sound ones are lost.
    fn hostile(&self, hostile: usize) -> anyhow::Result<Figure> {
        let mut letters = self.letters.clone();
        let step = letters.len() / hostile;
        for number in 0..hostile {
            letters[number * step] = spoilt(&self.letters[number * step], number)?;
        }
        let pool = PdfPool::new(PoolOptions {
            timeout: HOSTILE_TIMEOUT,
            ..self.options.clone()
        });
        let done = self.convert(&Arc::new(pool), &letters)?;
        let lost = done
            .iter()
            .enumerate()
            .filter(|(at, done)| !**done && (at % step != 0 || at / step >= hostile))
            .count();
        let passed = (0..hostile).filter(|number| done[number * step]).count();
        println!("of {hostile} hostile files, {passed} became PDFs");
        Ok(Figure::new(
            format!(
                "sound letters lost with {hostile} hostile among {}",
                letters.len()
            ),
            "letters",
            count(lost),
        )
        .against("none", 1.0)
        .goal(Goal::AtMost(0.0)))
    }

    /// The memory of the workers after many conversions.
    fn memory(&self) -> anyhow::Result<Vec<Figure>> {
        while self.memory.borrow().read.len() < MEMORY_AT.len() {
            self.ours(&self.alone, &self.letters)?;
        }
        let read = &self.memory.borrow().read;
        let (first, start) = *read.first().context("nothing was read")?;
        Ok(read
            .iter()
            .skip(1)
            .map(|(at, now)| {
                Figure::new(
                    format!("memory of the workers after {at} conversions"),
                    "MiB",
                    *now,
                )
                .against(format!("after {first}"), start)
                .goal(Goal::AtMost(1.1))
            })
            .collect())
    }
}

fn mebibytes(bytes: u64) -> f64 {
    count(usize::try_from(bytes >> 20).unwrap_or(usize::MAX))
}

/// A letter made harmful: cut, emptied, damaged, replaced, or sound and never finished.
fn spoilt(letter: &[u8], number: usize) -> anyhow::Result<Vec<u8>> {
    let half = letter.len() / 2;
    Ok(match number % 5 {
        0 => letter[..half].to_vec(),
        1 => [&letter[..half], &[0xff; 64], &letter[half + 64..]].concat(),
        2 => b"<html>not an office file</html>".to_vec(),
        _ => unfinishable(letter, number)?,
    })
}
