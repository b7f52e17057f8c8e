//! How soon a commit is seen in the real projections, under a steady load.

use crate::{
    Size,
    place::Place,
    report::{Figure, Goal, median},
    stores::{asks, command},
};
use anyhow::Context as _;
use navette::{clock::Clock, dispatch::Dispatcher, workers::Projections};
use navette_adapters::log::Log;
use navette_domain::dossier::Dossier;
use std::time::{Duration, Instant};
use tokio::{task::JoinSet, time::MissedTickBehavior};
use uuid::Uuid;

/// A command every so often.
const EVERY: Duration = Duration::from_millis(10);

/// How long one commit took, and how long after it was seen; in milliseconds.
struct Seen {
    commit: f64,
    visible: f64,
}

pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let pool = place.navette().await?;
    let log = Log::of_tests(pool.clone());
    let projections = Projections::open(log.clone(), navette_projections::all()).await?;
    let following = tokio::spawn({
        let projections = projections.clone();
        async move { projections.follow().await }
    });
    let dispatcher = Dispatcher::new(log, Clock::system());
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (warm, measured) = (size.of(100, 200), size.of(400, 2_000));
    let mut under_way = JoinSet::new();
    let mut seen: Vec<Seen> = vec![];
    for number in 0..warm + measured {
        ticks.tick().await;
        let (dispatcher, mut standing) = (dispatcher.clone(), projections.standing());
        under_way.spawn(async move {
            let id = Uuid::now_v7();
            let began = Instant::now();
            let receipt = dispatcher
                .dispatch::<Dossier>(&asks(), id, command(id, 0))
                .await?;
            let committed = Instant::now();
            standing
                .wait_for(|standing| standing.position >= receipt.position)
                .await?;
            let milliseconds = |time: Duration| 1e3 * time.as_secs_f64();
            let seen = Seen {
                commit: milliseconds(committed - began),
                visible: milliseconds(committed.elapsed()),
            };
            anyhow::Ok((number, seen))
        });
    }
    while let Some(done) = under_way.join_next().await {
        let (number, done) = done??;
        if number >= warm {
            seen.push(done);
        }
    }
    following.abort();
    drop((dispatcher, projections));
    place.drop(pool).await?;
    let commits: Vec<f64> = seen.iter().map(|seen| seen.commit).collect();
    let visible: Vec<f64> = seen.iter().map(|seen| seen.visible).collect();
    let (last_commit, last_visible) = (late(&commits)?, late(&visible)?);
    let (commit, visible) = (median(commits), median(visible));
    println!(
        "commit {commit:.1} ms (99th {last_commit:.1}), then visible after {visible:.1} ms (99th {last_visible:.1})"
    );
    let figure = |which: &str, ours| {
        Figure::new(
            format!("commit to visible, 100 a second, {which}"),
            "ms",
            ours,
        )
    };
    Ok(vec![
        figure("median", visible)
            .against("what is aimed at", 20.0)
            .goal(Goal::AtMost(1.0)),
        figure("median", visible).against("the commit itself", commit),
        figure("99th percentile", last_visible)
            .against("what is aimed at", 100.0)
            .goal(Goal::AtMost(1.0)),
        figure("99th percentile", last_visible).against("the commit itself", last_commit),
    ])
}

/// What 99 of 100 stay under.
fn late(values: &[f64]) -> anyhow::Result<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = sorted.len() * 99 / 100;
    sorted.get(rank).copied().context("nothing was measured")
}
