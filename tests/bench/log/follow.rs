//! Reading everything in order, into the simplest projection there is: how many events of each name.

use crate::{
    Size, bulk,
    place::Place,
    report::{Figure, Goal, median},
    stores::first_event,
};
use cqrs_es::{
    DomainEvent as _, EventEnvelope, View,
    persist::{GenericQuery, QueryReplay},
};
use navette_adapters::log::Log;
use navette_domain::dossier::Dossier;
use postgres_es::{PostgresEventRepository, PostgresViewRepository};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::{collections::BTreeMap, sync::Arc, time::Instant};
use uuid::Uuid;

/// How many positions are applied together, and read ahead meanwhile.
const WINDOW: i64 = 5_000;

pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let (ours, stock) = (place.navette().await?, place.stock().await?);
    let log = Log::of_tests(ours.clone());
    let batches = size.of(50, 1_000);
    for _ in 0..batches {
        bulk::append(&log).await?;
    }
    sqlx::raw_sql("CREATE TABLE seen (name text PRIMARY KEY, events bigint NOT NULL); CREATE TABLE reached (position bigint NOT NULL); INSERT INTO reached VALUES (0)")
        .execute(&ours)
        .await?;
    let events = size.of(1_000, 5_000);
    fill_stock(&stock, events).await?;
    let mut rates = [vec![], vec![]];
    for _ in 0..size.rounds {
        let began = Instant::now();
        project(&log, &ours).await?;
        rates[0].push(bulk::events(batches) / began.elapsed().as_secs_f64());
        let began = Instant::now();
        replay(&stock).await?;
        rates[1].push(crate::rate(events, began.elapsed()));
    }
    let [projected, replayed] = rates.map(median);
    drop(log);
    for pool in [ours, stock] {
        place.drop(pool).await?;
    }
    let name = format!(
        "{} events in order, trivial projection",
        bulk::events(batches)
    );
    Ok(vec![
        Figure::new(name.clone(), "1/s", projected)
            .against("postgres-es 0.5.0, QueryReplay", replayed)
            .goal(Goal::AtLeast(50.0)),
        // As a ratio, so that it is a goal like the others.
        Figure::new(name, "1/s", projected)
            .against("what is aimed at", 100_000.0)
            .goal(Goal::AtLeast(1.0)),
    ])
}

/// Follows the whole log: what is counted and the position change together, and what comes next is read
/// meanwhile, as when a projection is rebuilt.
async fn project(log: &Log, pool: &PgPool) -> anyhow::Result<()> {
    let mut stretches = log.read_ahead(0, None, WINDOW);
    while let Some(stretch) = stretches.recv().await {
        let stretch = stretch?;
        let mut seen: BTreeMap<&str, i64> = BTreeMap::new();
        for recorded in &stretch.events {
            *seen.entry(&recorded.event_type).or_default() += 1;
        }
        let mut transaction = pool.begin().await?;
        for (name, events) in seen {
            sqlx::query("INSERT INTO seen VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET events = seen.events + EXCLUDED.events")
                .bind(name)
                .bind(events)
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query("UPDATE reached SET position = $1")
            .bind(stretch.last)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// The same for the engine's own views.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    events: BTreeMap<String, u64>,
}

impl View<Dossier> for Seen {
    fn update(&mut self, event: &EventEnvelope<Dossier>) {
        *self.events.entry(event.payload.event_type()).or_default() += 1;
    }
}

async fn replay(pool: &PgPool) -> anyhow::Result<()> {
    let views = PostgresViewRepository::<Seen, Dossier>::new("seen", pool.clone());
    let query = GenericQuery::new(Arc::new(views));
    QueryReplay::new(PostgresEventRepository::new(pool.clone()), query)
        .replay_all()
        .await?;
    Ok(())
}

async fn fill_stock(pool: &PgPool, events: usize) -> anyhow::Result<()> {
    let (event, stored) = first_event(Uuid::now_v7())?;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         SELECT 'dossier', gen_random_uuid()::text, 1, $2, $3, $4, $5 FROM generate_series(1, $1)",
    )
    .bind(i64::try_from(events)?)
    .bind(event.event_type())
    .bind(event.event_version())
    .bind(serde_json::to_value(&event)?)
    .bind(serde_json::from_str::<serde_json::Value>(&stored.metadata)?)
    .execute(pool)
    .await?;
    Ok(())
}
