//! Whether the one table of events stays fast as it grows, to decide whether it must be partitioned.
//!
//! It is filled with small synthetic events, ten to a stream, a thousand streams at a time as batches do;
//! their hashes are no chain. `SIZES` are millions of events.

use crate::{
    Size, count,
    place::Place,
    report::{Figure, Goal, median},
    stores::Store,
};
use anyhow::Context as _;
use navette_adapters::log::Log;
use sqlx::PgPool;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

const MILLION: usize = 1_000_000;
/// With its indexes and what is written ahead of it, an event takes less than this.
const BYTES: u64 = 500;
/// What is left to others.
const SPARE: u64 = 8 << 30;
/// Streams read for one figure.
const READS: usize = 400;
const CLIENTS: usize = 32;
/// Filled in statements of so many events.
const CHUNK: i64 = 1_000_000;

struct Grown {
    millions: f64,
    append: f64,
    late: Duration,
    any: Duration,
}

pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let sizes = sizes(size)?;
    let pool = place.navette().await?;
    // What cleans up behind us would take its time from what is measured.
    sqlx::raw_sql("ALTER TABLE events SET (autovacuum_enabled = false)")
        .execute(&pool)
        .await?;
    let log = Log::of_tests(pool.clone());
    let store = Arc::new(Store::ours(log.clone()));
    let mut grown: Vec<Grown> = vec![];
    for events in sizes {
        let held = usize::try_from(log.last_position().await?)?;
        let missing = events.saturating_sub(held);
        if place.free_space()? < SPARE + BYTES * u64::try_from(missing)? {
            println!("no room for {events} events: left out");
            break;
        }
        let began = Instant::now();
        fill(&pool, i64::try_from(held)?, i64::try_from(events)?).await?;
        println!(
            "filled to {events} events in {:.0} s",
            began.elapsed().as_secs_f64()
        );
        store.rate(CLIENTS, size.turn).await?;
        let mut rates = vec![];
        for _ in 0..3 {
            rates.push(store.rate(CLIENTS, size.turn).await?);
        }
        let now = Grown {
            millions: count(events) / count(MILLION),
            append: median(rates),
            late: read(&log, &pool, events.saturating_sub(MILLION / 10), events).await?,
            any: read(&log, &pool, 0, events).await?,
        };
        println!(
            "{} million: {:.0} commands/s, a late stream in {:?}, any in {:?}",
            now.millions, now.append, now.late, now.any
        );
        grown.push(now);
    }
    drop((store, log));
    place.drop(pool).await?;
    Ok(figures(&grown))
}

fn sizes(size: Size) -> anyhow::Result<Vec<usize>> {
    match std::env::var("SIZES") {
        Ok(sizes) => sizes
            .split(',')
            .map(|millions| {
                let millions: usize = millions.parse().context("SIZES is not a list of numbers")?;
                Ok(millions * MILLION)
            })
            .collect(),
        Err(_) if size.quick => Ok(vec![MILLION / 10, MILLION]),
        Err(_) => Ok(vec![MILLION, 10 * MILLION, 50 * MILLION]),
    }
}

fn figures(grown: &[Grown]) -> Vec<Figure> {
    let Some((smallest, others)) = grown.split_first() else {
        return vec![];
    };
    let beside = format!("with {} million events", smallest.millions);
    let milliseconds = |duration: Duration| 1e3 * duration.as_secs_f64();
    let mut figures = vec![];
    for grown in others {
        let with = format!("with {} million events", grown.millions);
        let append = format!("load, decide, append, {CLIENTS} clients, {with}");
        figures.extend([
            Figure::new(append, "1/s", grown.append)
                .against(beside.clone(), smallest.append)
                .goal(Goal::AtLeast(0.8)),
            Figure::new(
                format!("load one of the latest streams, {with}"),
                "ms",
                milliseconds(grown.late),
            )
            .against(beside.clone(), milliseconds(smallest.late))
            .goal(Goal::AtMost(1.5)),
            Figure::new(
                format!("load any stream, {with}"),
                "ms",
                milliseconds(grown.any),
            )
            .against(beside.clone(), milliseconds(smallest.any)),
        ]);
    }
    figures
}

/// The median time of loading a stream of those between these positions.
async fn read(log: &Log, pool: &PgPool, from: usize, to: usize) -> anyhow::Result<Duration> {
    let (from, to) = (i64::try_from(from)?, i64::try_from(to)?);
    let streams: Vec<Uuid> = sqlx::query_scalar(
        "SELECT e.stream_id
         FROM (SELECT $1 + 1 + floor(random() * ($2 - $1))::bigint AS position FROM generate_series(1, $3)) AS one
         CROSS JOIN LATERAL (SELECT stream_id FROM events WHERE position = one.position) AS e",
    )
    .bind(from)
    .bind(to)
    .bind(i64::try_from(READS)?)
    .fetch_all(pool)
    .await?;
    let mut times = vec![];
    for stream in streams {
        let began = Instant::now();
        log.stream(stream).await?;
        times.push(began.elapsed().as_secs_f64());
    }
    Ok(Duration::from_secs_f64(median(times)))
}

/// Streams begin with their first event: one that did not would be taken for archived.
/// Without the indexes, which are made again at the end: filled one by one, they would take hours.
async fn fill(pool: &PgPool, held: i64, wanted: i64) -> anyhow::Result<()> {
    if wanted <= held {
        return Ok(());
    }
    sqlx::raw_sql(
        "ALTER TABLE events DROP CONSTRAINT events_pkey, DROP CONSTRAINT events_stream_version",
    )
    .execute(pool)
    .await?;
    let mut last = held;
    while last < wanted {
        let until = wanted.min(last + CHUNK);
        sqlx::query(
            r#"INSERT INTO events (position, stream_type, stream_id, version, event_type, event_version, payload, metadata, recorded_at, hash)
               SELECT n, 'dossier', md5((m / 10000)::text || ' ' || (m % 1000)::text || ' ' || $3::text)::uuid, (m % 10000) / 1000 + 1, 'dossier.taken_up', 1,
                      '{"type":"dossier.taken_up","at":"2026-11-23T12:00:00Z"}',
                      '{"command":"00000000-0000-0000-0000-000000000000","actor":"navette"}',
                      '2026-11-23T12:00:00Z'::timestamptz + n * interval '1 ms', sha256(int8send(n))
               FROM (SELECT n, n - $3::bigint - 1 AS m FROM generate_series($1::bigint + 1, $2::bigint) AS n) AS numbered"#,
        )
        .bind(last)
        .bind(until)
        .bind(held)
        .execute(pool)
        .await?;
        last = until;
    }
    let mut connection = pool.acquire().await?;
    sqlx::raw_sql(
        "SET maintenance_work_mem = '1GB';
         ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (position), ADD CONSTRAINT events_stream_version UNIQUE (stream_id, version);
         RESET maintenance_work_mem;
         ANALYZE events; CHECKPOINT",
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
