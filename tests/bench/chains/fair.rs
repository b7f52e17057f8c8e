//! A batch of ten behind one of ten thousand, beside the same batch alone.

use crate::{
    Size, count,
    engine::Engine as _,
    ours::Ours,
    place::Place,
    report::{Figure, Goal, median},
};
use navette_domain::ids::DossierId;
use std::time::{Duration, Instant};

const SMALL: usize = 10;
/// How often the small one is started.
const TIMES: usize = 5;
/// How long the large one has been under way by then.
const LEAD: Duration = Duration::from_millis(500);

/// See the module.
pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let large = size.of(3_000, 10_000);
    let mut ours = Ours::start(place, large + SMALL * TIMES, None).await?;
    let dossiers = ours.dossiers();
    let (of_large, of_small) = dossiers.split_at(large);
    let mut alone = vec![];
    for small in of_small.chunks(SMALL) {
        alone.push(seconds(&mut ours, small).await?);
        ours.until_shown().await?;
    }
    let batch = ours.begin(of_large).await?;
    tokio::time::sleep(LEAD).await;
    let mut behind = vec![];
    for small in of_small.chunks(SMALL) {
        behind.push(seconds(&mut ours, small).await?);
    }
    let busy = ours.is_under_way(batch).await?;
    anyhow::ensure!(busy, "the large batch was over too soon");
    ours.until_over(batch).await?;
    ours.until_done().await?;
    ours.stop(place).await?;
    let (alone, behind) = (median(alone), median(behind));
    println!("{SMALL} alone {alone:.3} s, behind {large} {behind:.3} s");
    let figure = format!("{SMALL} chains behind {:.0}", count(large));
    Ok(vec![
        Figure::new(figure, "s", behind)
            .against("the same alone", alone)
            .goal(Goal::AtMost(1.5)),
    ])
}

async fn seconds(ours: &mut Ours, dossiers: &[DossierId]) -> anyhow::Result<f64> {
    let began = Instant::now();
    let batch = ours.begin(dossiers).await?;
    ours.until_over(batch).await?;
    Ok(began.elapsed().as_secs_f64())
}
