//! Killed in the middle of its chains, and started again: how soon a step runs, when all is done, and how many
//! steps ran twice.

use crate::{
    STEPS, Size, count,
    engine::{Engine, Ledger, PATIENCE},
    ours::Ours,
    peers::{Dbos, Restate},
    place::Place,
    report::{Figure, Goal},
};
use anyhow::ensure;
use std::time::{Duration, Instant};

/// How long nothing runs: what was under way has ended by then, and said so in vain.
const DOWN: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(2);

/// What a crash cost.
struct Crash {
    /// From the new start, in seconds.
    first_step: f64,
    all_done: f64,
    repeated: f64,
}

/// The three, one after the other.
pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let chains = size.of(500, 1_000);
    let ledger = |of: &str| Ledger(place.folder.path().join(of));

    let kept = ledger("navette.steps");
    let mut ours = Ours::start(place, chains, Some(&kept)).await?;
    let (crash, in_flight) = {
        begin(&mut ours, &kept, chains).await?;
        let in_flight = ours.in_flight().await?;
        (end(&mut ours, &kept, chains).await?, in_flight)
    };
    ours.stop(place).await?;

    let kept = ledger("dbos.steps");
    let mut dbos = Dbos::start(place, Some(&kept)).await?;
    begin(&mut dbos, &kept, chains).await?;
    let of_dbos = end(&mut dbos, &kept, chains).await?;

    let kept = ledger("restate.steps");
    let mut restate = Restate::start(place, Some(&kept)).await?;
    begin(&mut restate, &kept, chains).await?;
    let of_restate = end(&mut restate, &kept, chains).await?;

    let done = || Figure::new("killed: until all is done", "s", crash.all_done);
    let repeated = || Figure::new("killed: steps that ran twice", "", crash.repeated);
    Ok(vec![
        Figure::new("killed: until a step runs", "s", crash.first_step)
            .against("a second", 1.0)
            .goal(Goal::AtMost(1.0)),
        Figure::new("killed: until a step runs", "s", crash.first_step)
            .against(dbos.name(), of_dbos.first_step),
        Figure::new("killed: until a step runs", "s", crash.first_step)
            .against(restate.name(), of_restate.first_step),
        done()
            .against(dbos.name(), of_dbos.all_done)
            .goal(Goal::AtMost(1.0)),
        done()
            .against(restate.name(), of_restate.all_done)
            .goal(Goal::AtMost(1.0)),
        repeated()
            .against("those in flight", count(in_flight))
            .goal(Goal::AtMost(1.0)),
        repeated().against(dbos.name(), of_dbos.repeated),
        repeated().against(restate.name(), of_restate.repeated),
    ])
}

/// Orders the chains, and kills at a quarter of their steps.
async fn begin(engine: &mut dyn Engine, ledger: &Ledger, chains: usize) -> anyhow::Result<()> {
    let before = ledger.steps();
    engine.order(chains).await?;
    until(ledger, before + chains * STEPS / 4).await?;
    engine.kill().await?;
    tokio::time::sleep(DOWN).await;
    let ran = ledger.steps() - before;
    ensure!(
        ran < chains * STEPS,
        "{} was done before it was killed",
        engine.name()
    );
    println!("{}: killed after {ran} steps", engine.name());
    // What follows counts from here.
    std::fs::File::options()
        .write(true)
        .open(&ledger.0)?
        .set_len(u64::try_from(ran)?)?;
    Ok(())
}

async fn end(engine: &mut dyn Engine, ledger: &Ledger, chains: usize) -> anyhow::Result<Crash> {
    let ran = ledger.steps();
    let began = Instant::now();
    engine.restart().await?;
    until(ledger, ran + 1).await?;
    let first_step = began.elapsed().as_secs_f64();
    engine.until_done().await?;
    let all_done = began.elapsed().as_secs_f64();
    let repeated = ledger.steps().saturating_sub(chains * STEPS);
    println!(
        "{}: a step after {first_step:.2} s, all after {all_done:.2} s, {repeated} twice",
        engine.name()
    );
    Ok(Crash {
        first_step,
        all_done,
        repeated: count(repeated),
    })
}

async fn until(ledger: &Ledger, steps: usize) -> anyhow::Result<()> {
    let began = Instant::now();
    while ledger.steps() < steps {
        ensure!(began.elapsed() < PATIENCE, "nothing moves");
        tokio::time::sleep(MOMENT).await;
    }
    Ok(())
}
