//! The one statement that writes a group that won: `append_events`, which the migrations make.

use super::{
    Appended, Commit, HandedEffect,
    ground::{Found, Ground},
};
use navette_domain::{chain::Effect, digest::Digest, proof};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What the database answers.
pub(super) enum Answer {
    /// The ground was as hoped: all is written, after this position, and these leases hold.
    Written { head: i64, handed: HashSet<Uuid> },
    /// It is not, and nothing is written.
    Otherwise(Found),
}

#[derive(sqlx::FromRow)]
struct Row {
    written: bool,
    head: i64,
    versions: Vec<i64>,
    leased: Vec<bool>,
    handed: Option<Vec<Uuid>>,
    answered: Option<Vec<Uuid>>,
    answered_contents: Option<Vec<Vec<u8>>>,
    answered_versions: Option<Vec<i64>>,
    answered_positions: Option<Vec<i64>>,
}

/// The streams of the winners, each once, and their events in order.
#[derive(Default)]
struct Events<'a> {
    stream_ids: Vec<Uuid>,
    stream_types: Vec<&'a str>,
    expected: Vec<i64>,
    /// The place of each event's stream in the columns above, from 1.
    ranks: Vec<i32>,
    names: Vec<&'a str>,
    versions: Vec<i16>,
    payloads: Vec<&'a str>,
    metadata: Vec<&'a str>,
    /// What is hashed of each and known already.
    frames: Vec<Vec<u8>>,
}

impl<'a> Events<'a> {
    fn of(winners: &[(&'a Commit, Appended)], ground: &Ground) -> Self {
        let mut columns = Self::default();
        // Of each stream, its place in the columns and the version that is reached.
        let mut known: HashMap<Uuid, (i32, i64)> = HashMap::new();
        for stream in winners.iter().flat_map(|(commit, _)| &commit.streams) {
            let (rank, version) = known.entry(stream.stream_id).or_insert_with(|| {
                columns.stream_ids.push(stream.stream_id);
                columns.stream_types.push(stream.stream_type);
                let found = ground.versions.get(&stream.stream_id);
                let expected = found.copied().unwrap_or_default();
                columns.expected.push(expected);
                let rank = i32::try_from(columns.stream_ids.len()).unwrap_or(i32::MAX);
                (rank, expected)
            });
            for event in &stream.events {
                *version += 1;
                columns.ranks.push(*rank);
                columns.frames.push(proof::framed_identity(
                    (stream.stream_type, stream.stream_id, *version),
                    (&event.event_type, event.event_version),
                ));
                columns.names.push(&event.event_type);
                columns.versions.push(event.event_version);
                columns.payloads.push(&event.payload);
                columns.metadata.push(&event.metadata);
            }
        }
        columns
    }
}

/// Writes the winners if the ground is as it was when they were judged.
pub(super) async fn write(
    connection: &mut PgConnection,
    ground: &Ground,
    winners: &[(&Commit, Appended)],
    instance: Uuid,
) -> sqlx::Result<Answer> {
    let events = Events::of(winners, ground);
    let finished = || winners.iter().filter_map(|(commit, _)| commit.finished);
    let leases: Vec<(Uuid, Uuid)> = finished()
        .map(|effect| (effect.id.0, effect.lease))
        .collect();
    let dropped = winners.iter().flat_map(|(commit, _)| &commit.dropped);
    let commands: Vec<Uuid> = winners.iter().map(|(commit, _)| commit.command.0).collect();
    let holds: HashMap<Uuid, bool> = winners
        .iter()
        .flat_map(|(commit, _)| &commit.held)
        .map(|(batch, held)| (batch.0, *held))
        .collect();
    let holds = |wanted: bool| -> Vec<Uuid> {
        let batches = holds.iter().filter(|(_, held)| **held == wanted);
        batches.map(|(batch, _)| *batch).collect()
    };
    let row: Row = sqlx::query_as(
        "SELECT * FROM append_events($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
    )
    .bind(&events.stream_ids)
    .bind(&events.stream_types)
    .bind(&events.expected)
    .bind(&events.ranks)
    .bind(&events.names)
    .bind(&events.versions)
    .bind(&events.payloads)
    .bind(&events.metadata)
    .bind(&events.frames)
    .bind(&commands)
    .bind(column(winners, |(commit, _)| commit.content.as_bytes().as_slice()))
    .bind(column(winners, |(_, appended)| appended.version))
    .bind(column(winners, |(_, appended)| appended.position - ground.head))
    .bind(column(&leases, |(id, _)| *id))
    .bind(column(&leases, |(_, lease)| *lease))
    .bind(dropped.map(|document| document.0).collect::<Vec<_>>())
    .bind(begun(winners)?)
    .bind(holds(true))
    .bind(holds(false))
    .bind(instance.to_string())
    .fetch_one(connection)
    .await?;
    if row.written {
        return Ok(Answer::Written {
            head: row.head,
            handed: row.handed.into_iter().flatten().collect(),
        });
    }
    let lost = leases.into_iter().zip(&row.leased);
    Ok(Answer::Otherwise(Found {
        head: row.head,
        leases_lost: lost
            .filter_map(|(lease, holds)| (!holds).then_some(lease))
            .collect(),
        versions: events.stream_ids.into_iter().zip(row.versions).collect(),
        receipts: receipts(
            row.answered.unwrap_or_default(),
            row.answered_contents.unwrap_or_default(),
            row.answered_versions.unwrap_or_default(),
            row.answered_positions.unwrap_or_default(),
        ),
    }))
}

fn column<'a, T, C>(rows: &'a [T], of: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(of).collect()
}

/// The effects that begin, as the table holds them.
fn begun(winners: &[(&Commit, Appended)]) -> sqlx::Result<Option<Value>> {
    let effects = winners.iter().flat_map(|(commit, _)| {
        let begun = commit.begun.iter();
        begun.map(|effect| {
            let handed = commit.handed.as_ref();
            (effect, handed.filter(|handed| handed.id == effect.id))
        })
    });
    let row = |(effect, handed): (&Effect, Option<&HandedEffect>)| {
        Ok(json!({
            "id": effect.id.0,
            "document": effect.document.0,
            "batch": effect.batch.0,
            "step": effect.step.0,
            "neighbour": effect.work.neighbour().code(),
            "work": serde_json::to_value(&effect.work)?,
            "doubtful": effect.doubtful,
            "on_the_way": effect.work.is_on_the_way(),
            "lease": handed.map(|handed| handed.lease),
            "owner": handed.map(|handed| &handed.owner),
            "lasts": handed.map(|handed| handed.lasts.as_secs_f64()),
        }))
    };
    let rows: Vec<Value> = effects
        .map(row)
        .collect::<Result<_, serde_json::Error>>()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    Ok((!rows.is_empty()).then_some(Value::Array(rows)))
}

fn receipts(
    commands: Vec<Uuid>,
    contents: Vec<Vec<u8>>,
    versions: Vec<i64>,
    positions: Vec<i64>,
) -> Vec<(Uuid, (Digest, Appended))> {
    let standing = versions.into_iter().zip(positions);
    let rows = commands.into_iter().zip(contents).zip(standing);
    rows.filter_map(|((command, content), (version, position))| {
        let content = Digest::from_bytes(content.try_into().ok()?);
        let appended = Appended {
            version,
            position,
            replayed: true,
            handed: false,
        };
        Some((command, (content, appended)))
    })
    .collect()
}
