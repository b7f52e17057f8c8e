//! One event for each command, with load, receipt and hash chain.

use crate::{
    Size,
    place::Place,
    report::{Figure, Goal, median},
    stores::Store,
};
use navette_adapters::log::Log;
use std::sync::Arc;

/// Concurrent clients, and the ratio to the engine's own store that is aimed at.
const CLIENTS: [(usize, f64); 4] = [(1, 1.0), (8, 1.2), (32, 1.8), (128, 2.5)];

pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let pools = [
        place.navette().await?,
        place.stock().await?,
        place.message_db().await?,
    ];
    let stores = [
        Store::ours(Log::of_tests(pools[0].clone())),
        Store::stock(pools[1].clone()),
        Store::MessageDb(pools[2].clone()),
    ]
    .map(Arc::new);
    // Connections open, plans are made, tables are no longer empty.
    for store in &stores {
        store.rate(32, size.turn / 2).await?;
    }
    let mut figures = vec![];
    for (clients, goal) in CLIENTS {
        let mut rates = [vec![], vec![], vec![]];
        for _ in 0..size.rounds {
            for (store, rates) in stores.iter().zip(&mut rates) {
                rates.push(store.rate(clients, size.turn).await?);
            }
        }
        let [ours, stock, message_db] = rates.map(median);
        println!(
            "{clients} clients: ours {ours:.0}, postgres-es {stock:.0}, message-db {message_db:.0} commands/s"
        );
        let figure = || {
            let name = format!("load, decide, append one event: {clients} clients");
            Figure::new(name, "1/s", ours)
        };
        figures.push(
            figure()
                .against("postgres-es 0.5.0", stock)
                .goal(Goal::AtLeast(goal)),
        );
        let beside = figure().against("message-db 1.3.1, one category", message_db);
        figures.push(if clients == 32 {
            beside.goal(Goal::AtLeast(4.0))
        } else {
            beside
        });
    }
    drop(stores);
    for pool in pools {
        place.drop(pool).await?;
    }
    Ok(figures)
}
