//! How many steps a second, from the order until the last step of every chain is recorded.

use crate::{
    STEPS, Size, count,
    engine::Engine,
    ours::Ours,
    peers::{Dbos, Restate},
    place::Place,
    report::{Figure, Goal, median},
};
use anyhow::Context as _;
use std::time::Instant;

const SIZES: [usize; 2] = [1_000, 5_000];

/// All of them, in rounds that take turns.
pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let most = *SIZES.iter().max().context("nothing to measure")?;
    let mut ours = Ours::start(place, most, None).await?;
    let mut dbos = Dbos::start(place, None).await?;
    let mut restate = Restate::start(place, None).await?;
    // Each has worked once before it is measured.
    for engine in [&mut ours as &mut dyn Engine, &mut dbos, &mut restate] {
        rate(engine, 200).await?;
    }
    ours.until_shown().await?;
    let mut figures = vec![];
    for chains in SIZES {
        let (mut of_ours, mut shown) = (vec![], vec![]);
        let (mut of_dbos, mut of_restate) = (vec![], vec![]);
        for _ in 0..size.of(1, 3) {
            let began = Instant::now();
            of_ours.push(rate(&mut ours, chains).await?);
            ours.until_shown().await?;
            shown.push(steps(chains) / began.elapsed().as_secs_f64());
            of_dbos.push(rate(&mut dbos, chains).await?);
            of_restate.push(rate(&mut restate, chains).await?);
        }
        let rate_of_ours = median(of_ours);
        let figure = |what: &str, rate| {
            Figure::new(
                format!("{chains} chains of {STEPS} steps{what}"),
                "/s",
                rate,
            )
        };
        let beside_dbos = figure("", rate_of_ours).against(dbos.name(), median(of_dbos));
        let beside_restate = figure("", rate_of_ours).against(restate.name(), median(of_restate));
        figures.extend([
            beside_dbos.goal(Goal::AtLeast(10.0)),
            beside_restate.goal(Goal::AtLeast(5.0)),
            figure(", until the projections show their end", median(shown)),
        ]);
    }
    ours.stop(place).await?;
    Ok(figures)
}

fn steps(chains: usize) -> f64 {
    count(chains * STEPS)
}

async fn rate(engine: &mut dyn Engine, chains: usize) -> anyhow::Result<f64> {
    let began = Instant::now();
    engine.order(chains).await?;
    engine.until_done().await?;
    let rate = steps(chains) / began.elapsed().as_secs_f64();
    println!(
        "{}: {chains} chains, {rate:.0} steps a second",
        engine.name()
    );
    Ok(rate)
}
