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
use navette_adapters::log::{Commit, Log, NewEvent, StreamAppend};
use navette_domain::{digest::Digest, ids::CommandId};
use serde_json::json;
use sqlx::PgPool;
use std::{sync::Arc, time::Instant};
use uuid::Uuid;

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
    figures.push(new_subjects(place, size).await?);
    Ok(figures)
}

/// What sealing costs where every event is about another person: a new key for each, and its values sealed;
/// against the same event under a name that has no personal values.
async fn new_subjects(place: &Place, size: Size) -> anyhow::Result<Figure> {
    let pool = place.navette().await?;
    let log = Log::of_tests(pool.clone());
    let mut rates = [vec![], vec![]];
    for round in 0..=size.rounds {
        for (event_type, rates) in ["third_party.registered", "dossier.registered"]
            .into_iter()
            .zip(&mut rates)
        {
            let began = Instant::now();
            let clients = (0..CLIENTS).map(|_| {
                let log = log.clone();
                tokio::spawn(async move {
                    let mut done = 0;
                    while began.elapsed() < size.turn {
                        log.append(registration(event_type)).await?;
                        done += 1;
                    }
                    anyhow::Ok(done)
                })
            });
            let mut done = 0;
            for client in try_join_all(clients).await? {
                done += client?;
            }
            if round > 0 {
                rates.push(crate::rate(done, began.elapsed()));
            }
        }
    }
    let [sealed, plain] = rates.map(median);
    println!("new personal subjects: {sealed:.0} commands/s with, {plain:.0} without");
    drop(log);
    place.drop(pool).await?;
    let name = format!("price of a new personal subject: {CLIENTS} clients");
    Ok(Figure::new(name, "1/s", sealed).against("the same event without", plain))
}

/// A stream that begins with this event.
fn registration(event_type: &str) -> Commit {
    let command = Uuid::now_v7();
    let profile = json!({
        "name": "Jeanne Le Goff", "siret": null, "rna": null,
        "address": { "lines": ["12 rue des Carmes"], "postcode": "35600", "town": "Redon" },
        "email": "jeanne.legoff@eveil.example", "applicant_account": "compte-4711",
    });
    let payload = json!({ "type": event_type, "profile": profile, "at": "2026-11-27T12:00:00Z" });
    Commit {
        command: CommandId(command),
        content: Digest::of(command.as_bytes()),
        streams: vec![StreamAppend {
            stream_type: "third_party",
            stream_id: Uuid::now_v7(),
            expected: 0,
            events: vec![NewEvent {
                event_type: event_type.to_owned(),
                event_version: 1,
                payload: payload.to_string(),
                metadata: json!({ "command": command, "actor": "bench" }).to_string(),
            }],
        }],
        finished: None,
        begun: vec![],
        handed: None,
        dropped: vec![],
        held: vec![],
    }
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
