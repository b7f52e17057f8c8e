//! Whether building the real projections takes as long for each event, however many there are. `EVENTS=5000`
//! are thousands of events to end with.

use crate::{
    Size, bulk, count,
    place::Place,
    report::{Figure, Goal},
};
use anyhow::Context as _;
use navette::workers::build_beside;
use navette_adapters::log::Log;
use std::time::Instant;

pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let most: usize = match std::env::var("EVENTS") {
        Ok(events) => events.parse().context("EVENTS is not a number")?,
        Err(_) => size.of(20, 200),
    };
    let pool = place.navette().await?;
    let log = Log::of_tests(pool.clone());
    let (mut held, mut rates) = (0, vec![]);
    // In thousands, as they are appended: a quarter, a half, all.
    for thousands in [most.div_ceil(4), most.div_ceil(2), most] {
        for _ in held..thousands {
            bulk::append(&log).await?;
        }
        held = held.max(thousands);
        let began = Instant::now();
        for projector in navette_projections::all() {
            build_beside(&log, projector.as_ref())
                .await
                .with_context(|| format!("building {}", projector.name()))?;
        }
        let rate = bulk::events(held) / began.elapsed().as_secs_f64();
        println!("{held} thousand events: all the projections at {rate:.0} events/s");
        rates.push((held, rate));
    }
    drop(log);
    place.drop(pool).await?;
    let [(few, slow_start), .., (many, at_last)] = rates[..] else {
        return Ok(vec![]);
    };
    let name = format!("all projections built from {} events", 1e3 * count(many));
    Ok(vec![
        Figure::new(name, "1/s", at_last)
            .against(format!("from {} events", 1e3 * count(few)), slow_start)
            .goal(Goal::AtLeast(0.8)),
    ])
}
