//! Pages of dossiers by GraphQL beside PostGraphile: each server is a process of its own, both read the same
//! tables of one PostgreSQL, one client asks both the same questions, in turns.

mod data;
mod load;
mod question;
mod server;

use crate::report::{Figure, Goal, median};
use anyhow::ensure;
use data::Data;
use hyper::body::Bytes;
use load::{Answered, Line, load};
use server::Server;
use std::time::Duration;

const DOSSIERS: usize = 200_000;
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// With how many the broad question is asked.
const BROAD: usize = 16;
const WARM_UP: Duration = Duration::from_secs(1);

/// How often, and for how long at a time.
#[derive(Clone, Copy)]
struct Rounds {
    rounds: usize,
    duration: Duration,
}

/// What a server answered in its rounds.
#[derive(Default)]
struct Measured {
    rates: Vec<f64>,
    waits: Vec<f64>,
    /// The processor milliseconds of each request in each round, the server's and PostgreSQL's.
    processor: Vec<f64>,
}

impl Measured {
    fn add(&mut self, answered: Answered, processor: f64) {
        let requests = count(answered.waits.len());
        self.rates.push(requests / answered.seconds);
        self.processor.push(processor * 1000.0 / requests);
        self.waits.extend(answered.waits);
    }

    fn rate(&self) -> f64 {
        median(self.rates.clone())
    }

    /// The wait that so many in a hundred do not exceed.
    fn percentile(&self, percent: usize) -> f64 {
        let mut waits = self.waits.clone();
        waits.sort_by(f64::total_cmp);
        let last = waits.len().saturating_sub(1);
        waits.get(last * percent / 100).copied().unwrap_or(f64::NAN)
    }
}

/// A server and what it is asked.
struct Contestant {
    server: Server,
    narrow: Vec<Bytes>,
    broad: Vec<Bytes>,
}

/// All the figures of GraphQL.
pub fn measure(quick: bool) -> anyhow::Result<Vec<Figure>> {
    let (rounds, sizes): (Rounds, &[usize]) = if quick {
        let duration = Duration::from_secs(3);
        (
            Rounds {
                rounds: 1,
                duration,
            },
            &[10_000, DOSSIERS],
        )
    } else {
        let duration = Duration::from_secs(6);
        (
            Rounds {
                rounds: 3,
                duration,
            },
            &[10_000, DOSSIERS, 1_000_000],
        )
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let data = runtime.block_on(Data::open())?;
    let (mut figures, mut pages) = (vec![], vec![]);
    for size in sizes {
        println!("{size} dossiers");
        runtime.block_on(data.grow(*size))?;
        pages.push((*size, growth(&data)?));
        if *size == DOSSIERS {
            figures = beside(&runtime, &data, rounds)?;
        }
    }
    figures.extend(flatness(&pages));
    runtime.block_on(data.stop());
    Ok(figures)
}

/// Both servers, on the same rows.
fn beside(
    runtime: &tokio::runtime::Runtime,
    data: &Data,
    rounds: Rounds,
) -> anyhow::Result<Vec<Figure>> {
    let ours = Contestant {
        server: Server::ours(data)?,
        narrow: question::ours(false),
        broad: question::ours(true),
    };
    let peer = Contestant {
        server: Server::postgraphile(data)?,
        narrow: question::peer(false),
        broad: question::peer(true),
    };
    runtime.block_on(agree(&ours, &peer))?;
    let mut figures = vec![];
    let kinds = CONNECTIONS.map(|connections| (false, connections));
    for (broad, connections) in kinds.into_iter().chain([(true, BROAD)]) {
        let [mine, theirs] = turns([&ours, &peer], broad, connections, rounds, data)?;
        figures.extend(compared(broad, connections, &mine, &theirs));
    }
    let peak = Figure::new("peak memory of the server", "MB", ours.server.memory_mb()?);
    figures.push(
        peak.against(peer.server.name, peer.server.memory_mb()?)
            .goal(Goal::AtMost(0.2)),
    );
    Ok(figures)
}

/// Whether both answer the same ids and the same total.
async fn agree(ours: &Contestant, peer: &Contestant) -> anyhow::Result<()> {
    let mut mine = Line::open(&ours.server).await?;
    let mut theirs = Line::open(&peer.server).await?;
    for (mine_asked, theirs_asked) in ours.narrow.iter().zip(&peer.narrow).take(40) {
        let mine = question::ours_said(&mine.ask(mine_asked).await?)?;
        let theirs = question::peer_said(&theirs.ask(theirs_asked).await?)?;
        ensure!(
            mine == theirs && mine.0.len() == 50,
            "the answers differ: {mine:?} and {theirs:?}"
        );
    }
    Ok(())
}

fn turns(
    contestants: [&Contestant; 2],
    broad: bool,
    connections: usize,
    rounds: Rounds,
    data: &Data,
) -> anyhow::Result<[Measured; 2]> {
    let postgres = data.postgres()?;
    let mut measured = [Measured::default(), Measured::default()];
    for round in 0..=rounds.rounds {
        // The first round of each warms its server up.
        let duration = if round == 0 { WARM_UP } else { rounds.duration };
        for (contestant, measured) in contestants.iter().zip(&mut measured) {
            let (server, questions) = (
                &contestant.server,
                if broad {
                    &contestant.broad
                } else {
                    &contestant.narrow
                },
            );
            let before = server.processor(postgres)?;
            let answered = load(server, questions, connections, duration)?;
            let used = server.processor(postgres)? - before;
            if round > 0 {
                measured.add(answered, used);
            }
        }
    }
    Ok(measured)
}

fn compared(broad: bool, connections: usize, mine: &Measured, theirs: &Measured) -> Vec<Figure> {
    let what = if broad { "broad page" } else { "page of 50" };
    let figure = |of: &str, unit, ours, peer| {
        Figure::new(
            format!("{what}, {connections} connections, {of}"),
            unit,
            ours,
        )
        .against("PostGraphile 5.1.5", peer)
    };
    let least = if broad { 5.0 } else { 4.0 };
    let [mine_processor, theirs_processor] =
        [mine, theirs].map(|measured| median(measured.processor.clone()));
    vec![
        figure("requests", "req/s", mine.rate(), theirs.rate()).goal(Goal::AtLeast(least)),
        figure("p50", "ms", mine.percentile(50), theirs.percentile(50)),
        figure("p99", "ms", mine.percentile(99), theirs.percentile(99)).goal(Goal::AtMost(0.5)),
        figure(
            "processor with PostgreSQL",
            "ms",
            mine_processor,
            theirs_processor,
        ),
    ]
}

/// The milliseconds of each indexed page, one after the other, on a server that has just started.
fn growth(data: &Data) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let server = Server::ours(data)?;
    let mut pages = vec![];
    for (name, questions) in question::indexed() {
        load(&server, &questions, 1, WARM_UP)?;
        let answered = load(&server, &questions, 1, 2 * WARM_UP)?;
        pages.push((name, median(answered.waits)));
    }
    Ok(pages)
}

fn flatness(pages: &[(usize, Vec<(&'static str, f64)>)]) -> Vec<Figure> {
    let (Some((few, small)), Some((many, large))) = (pages.first(), pages.last()) else {
        return vec![];
    };
    let pairs = small.iter().zip(large);
    let figure = |((name, small), (_, large)): (&(&str, f64), &(&str, f64))| {
        Figure::new(format!("page {name}, {many} dossiers"), "ms", *large)
            .against(format!("the same page, {few} dossiers"), *small)
            .goal(Goal::AtMost(1.5))
    };
    pairs.map(figure).collect()
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
