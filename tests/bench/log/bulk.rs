//! A batch of 1,000 streams in one commit.

use crate::{
    Size, count,
    place::Place,
    report::{Figure, Goal, median},
    stores::first_event,
};
use cqrs_es::{
    DomainEvent as _,
    persist::{PersistedEventRepository as _, SerializedEvent},
};
use futures::{TryStreamExt as _, stream};
use navette_adapters::log::{Commit, Log, StreamAppend};
use navette_domain::{digest::Digest, dossier::Dossier, ids::CommandId};
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use std::{fmt::Write as _, time::Instant};
use uuid::Uuid;

const STREAMS: usize = 1_000;
/// The engine's own store writes one stream at a time; so many at once serve it best here.
const AT_ONCE: usize = 8;

pub async fn measure(place: &Place, size: Size) -> anyhow::Result<Vec<Figure>> {
    let (ours, stock) = (place.navette().await?, place.stock().await?);
    let copied = place.navette().await?;
    let log = Log::of_tests(ours.clone());
    // The indexes have grown before anything is measured.
    for _ in 0..size.of(20, 100) {
        append(&log).await?;
        copy(&copied).await?;
    }
    let (batches, mut rates) = (size.of(5, 20), [vec![], vec![], vec![]]);
    for _ in 0..size.rounds {
        let began = Instant::now();
        for _ in 0..batches {
            append(&log).await?;
        }
        rates[0].push(crate::rate(batches * STREAMS, began.elapsed()));
        let began = Instant::now();
        persist(&stock).await?;
        rates[1].push(crate::rate(STREAMS, began.elapsed()));
        let began = Instant::now();
        for _ in 0..batches {
            copy(&copied).await?;
        }
        rates[2].push(crate::rate(batches * STREAMS, began.elapsed()));
    }
    let [appended, persisted, copied_rate] = rates.map(median);
    drop(log);
    for pool in [ours, stock, copied] {
        place.drop(pool).await?;
    }
    let figure = || {
        let name = format!("{STREAMS} new streams in one commit, events");
        Figure::new(name, "1/s", appended)
    };
    Ok(vec![
        figure()
            .against(format!("postgres-es 0.5.0, {AT_ONCE} at once"), persisted)
            .goal(Goal::AtLeast(10.0)),
        figure()
            .against("COPY into the same table, as often committed", copied_rate)
            .goal(Goal::AtLeast(0.5)),
    ])
}

/// One commit.
pub async fn append(log: &Log) -> anyhow::Result<()> {
    let command = Uuid::now_v7();
    let streams = (0..STREAMS).map(|_| {
        let id = Uuid::now_v7();
        let (_, event) = first_event(id)?;
        Ok(StreamAppend {
            stream_type: "dossier",
            stream_id: id,
            expected: 0,
            events: vec![event],
        })
    });
    log.append(Commit {
        command: CommandId(command),
        content: Digest::of(command.as_bytes()),
        streams: streams.collect::<anyhow::Result<_>>()?,
        finished: None,
        begun: vec![],
        handed: None,
        dropped: vec![],
        held: vec![],
    })
    .await?;
    Ok(())
}

async fn persist(pool: &PgPool) -> anyhow::Result<()> {
    let repository = PostgresEventRepository::new(pool.clone());
    stream::iter((0..STREAMS).map(Ok))
        .try_for_each_concurrent(AT_ONCE, |_| async {
            let id = Uuid::now_v7();
            let (event, stored) = first_event(id)?;
            let event = SerializedEvent::new(
                id.to_string(),
                1,
                "dossier".to_owned(),
                event.event_type(),
                event.event_version(),
                serde_json::to_value(&event)?,
                serde_json::from_str(&stored.metadata)?,
            );
            repository.persist::<Dossier>(&[event], None).await?;
            anyhow::Ok(())
        })
        .await
}

/// The same rows, with nothing looked up, chained or answered.
async fn copy(pool: &PgPool) -> anyhow::Result<()> {
    let (mut position,): (i64,) = sqlx::query_as("SELECT coalesce(max(position), 0) FROM events")
        .fetch_one(pool)
        .await?;
    let mut rows = String::new();
    for _ in 0..STREAMS {
        position += 1;
        let id = Uuid::now_v7();
        let (_, event) = first_event(id)?;
        let escaped = |text: &str| text.replace('\\', "\\\\");
        writeln!(
            rows,
            "{position}\tdossier\t{id}\t1\t{}\t{}\t{}\t{}\t{}\t\\\\x{}",
            event.event_type,
            event.event_version,
            escaped(&event.payload),
            escaped(&event.metadata),
            chrono::Utc::now().to_rfc3339(),
            Digest::of(id.as_bytes()),
        )?;
    }
    let mut connection = pool.acquire().await?;
    let mut copy = connection
        .copy_in_raw("COPY events (position, stream_type, stream_id, version, event_type, event_version, payload, metadata, recorded_at, hash) FROM STDIN")
        .await?;
    copy.send(rows.as_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

/// How many events are `batches` of them.
pub fn events(batches: usize) -> f64 {
    count(batches * STREAMS)
}
