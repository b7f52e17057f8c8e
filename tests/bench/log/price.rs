//! What safety costs: the statement that appends, with one of its precautions taken out in turn. Only the
//! databases of this bench ever hold such a statement.

use crate::{
    Size,
    place::Place,
    report::{Figure, median},
    stores::Store,
};
use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use navette_adapters::log::Log;
use sqlx::PgPool;
use std::sync::Arc;

const CLIENTS: usize = 32;
/// As many processes, as far as the log can tell: with one, nobody ever waits for the order.
const WRITERS: usize = 4;

/// What is taken out of the statement: from the first text to the end of the second, something else instead.
type Cut = (&'static str, &'static str, &'static str);

/// Every event then has the hash of none.
const HASHES: &[Cut] = &[(
    "chain[s] := sha256(",
    "convert_to(abouts[i], 'UTF8')));",
    "NULL;",
)];
const RECEIPTS: &[Cut] = &[
    ("(SELECT array_agg(r.command_id)", "ANY (commands))", "NULL"),
    ("WITH recorded AS (", "", ""),
    (")\n    INSERT INTO command_receipts", "AS i;", ";"),
];
const ORDER: &[Cut] = &[
    ("PERFORM pg_advisory_xact_lock(", ";", ""),
    (
        "(SELECT max(e.position) FROM events e)",
        "",
        "100000 * nextval('unordered')",
    ),
];

pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let parts = [
        ("the hash chain", 1, HASHES),
        ("receipts", 1, RECEIPTS),
        ("the order, among four writers", WRITERS, ORDER),
    ];
    let mut figures = vec![];
    for (name, writers, cuts) in parts {
        let (whole, without) = (place.navette().await?, place.navette().await?);
        take_out(&without, cuts).await?;
        let stores = [&whole, &without].map(|pool| {
            let stores = (0..writers).map(|_| Arc::new(Store::ours(Log::of_tests(pool.clone()))));
            stores.collect::<Vec<_>>()
        });
        let mut rates = [vec![], vec![]];
        // The first round warms up.
        for round in 0..=size.rounds {
            for (stores, rates) in stores.iter().zip(&mut rates) {
                let together = stores
                    .iter()
                    .map(|store| store.rate(CLIENTS / writers, size.turn));
                let rate: f64 = try_join_all(together).await?.into_iter().sum();
                if round > 0 {
                    rates.push(rate);
                }
            }
        }
        let [whole_rate, without_rate] = rates.map(median);
        println!("{name}: {whole_rate:.0} commands/s with, {without_rate:.0} without");
        figures.push(
            Figure::new(
                format!("price of {name}: {CLIENTS} clients"),
                "1/s",
                whole_rate,
            )
            .against("the same without it", without_rate),
        );
        drop(stores);
        for pool in [whole, without] {
            place.drop(pool).await?;
        }
    }
    Ok(figures)
}

async fn take_out(pool: &PgPool, cuts: &[Cut]) -> anyhow::Result<()> {
    sqlx::raw_sql("CREATE SEQUENCE unordered")
        .execute(pool)
        .await?;
    let mut statement: String =
        sqlx::query_scalar("SELECT pg_get_functiondef('append_events'::regproc)")
            .fetch_one(pool)
            .await?;
    for (from, to, instead) in cuts {
        let begins = statement.find(from).with_context(|| format!("no {from}"))?;
        let rest = statement.get(begins + from.len()..).unwrap_or_default();
        let length = rest.find(to).with_context(|| format!("no {to}"))? + to.len();
        ensure!(begins + from.len() + length <= statement.len());
        statement.replace_range(begins..begins + from.len() + length, instead);
    }
    sqlx::raw_sql(&statement).execute(pool).await?;
    Ok(())
}
