//! A million steps: whether claims take longer in the end, tables swell, memory grows.

use crate::{
    STEPS, Size, count,
    engine::Engine as _,
    ours::Ours,
    place::Place,
    report::{Figure, Goal},
    work::Claims,
};

/// The chains of one batch.
const BATCH: usize = 1_000;

/// How it stands after a part of the way.
struct Stand {
    claim_ms: f64,
    memory_mb: f64,
    table_mb: f64,
    dead: f64,
}

/// See the module.
pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let batches = size.of(50_000, 1_000_000).div_ceil(BATCH * STEPS);
    // The first batches warm up; then as many at the beginning as at the end are looked at.
    let part = (batches / 5).max(1);
    let mut ours = Ours::start(place, BATCH, None).await?;
    let early = walk(&mut ours, part).await?;
    for _ in 0..batches.saturating_sub(2 * part) {
        batch(&mut ours).await?;
    }
    let late = walk(&mut ours, part).await?;
    ours.stop(place).await?;
    let steps = batches * BATCH * STEPS;
    let of = |what: &str| format!("{steps} steps: {what}");
    let early_name = format!("after {} steps", part * BATCH * STEPS);
    Ok(vec![
        Figure::new(of("a claim"), "ms", late.claim_ms)
            .against(&early_name, early.claim_ms)
            .goal(Goal::AtMost(1.2)),
        Figure::new(of("memory of the process"), "MB", late.memory_mb)
            .against(&early_name, early.memory_mb)
            .goal(Goal::AtMost(1.2)),
        Figure::new(of("the table of effects"), "MB", late.table_mb)
            .against(&early_name, early.table_mb)
            .goal(Goal::AtMost(1.2)),
        Figure::new(of("its dead rows"), "", late.dead).against("all steps", count(steps)),
    ])
}

async fn batch(ours: &mut Ours) -> anyhow::Result<()> {
    ours.order(BATCH).await?;
    ours.until_done().await?;
    // The same dossiers are taken again once their documents are shown to be delivered.
    ours.until_shown().await
}

async fn walk(ours: &mut Ours, batches: usize) -> anyhow::Result<Stand> {
    let before = ours.claims().await?;
    for _ in 0..batches {
        batch(ours).await?;
    }
    let Claims { count, busy_ms } = ours.claims().await?;
    let (table_mb, dead) = ours.table().await?;
    let stand = Stand {
        claim_ms: (busy_ms - before.busy_ms) / f64::from(count - before.count).max(1.0),
        memory_mb: ours.memory_mb()?,
        table_mb,
        dead,
    };
    println!(
        "a claim {:.2} ms, {:.0} MB, effects {:.1} MB with {:.0} dead rows",
        stand.claim_ms, stand.memory_mb, stand.table_mb, stand.dead
    );
    Ok(stand)
}
