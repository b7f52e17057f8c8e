//! The statements of a group that won: events, receipts, effects, holds, and one notification.

use super::{Appended, Commit};
use navette_domain::proof::StoredEvent;
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) async fn write(
    connection: &mut PgConnection,
    winners: &[(&Commit, Appended)],
    events: &[StoredEvent],
    instance: Uuid,
) -> sqlx::Result<()> {
    write_events(connection, events).await?;
    write_receipts(connection, winners).await?;
    write_effects(connection, winners).await?;
    hold_batches(connection, winners).await?;
    let head = winners
        .iter()
        .map(|(_, appended)| appended.position)
        .max()
        .unwrap_or(0);
    sqlx::query("SELECT pg_notify('navette_log', $1)")
        .bind(format!("{head} {instance}"))
        .execute(connection)
        .await?;
    Ok(())
}

async fn write_events(connection: &mut PgConnection, events: &[StoredEvent]) -> sqlx::Result<()> {
    let Some(first) = events.first() else {
        return Ok(());
    };
    fn column<'a, T>(events: &'a [StoredEvent], of: impl Fn(&'a StoredEvent) -> T) -> Vec<T> {
        events.iter().map(of).collect()
    }
    sqlx::query(
        "INSERT INTO events (position, recorded_at, stream_type, stream_id, version, event_type, event_version, payload, metadata, hash)
         SELECT $1 + event.ordinal - 1, $2, event.stream_type, event.stream_id, event.version,
                event.event_type, event.event_version, event.payload, event.metadata, event.hash
         FROM unnest($3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::smallint[], $8::text[], $9::text[], $10::bytea[])
              WITH ORDINALITY AS event (stream_type, stream_id, version, event_type, event_version, payload, metadata, hash, ordinal)",
    )
    .bind(first.position)
    .bind(first.recorded_at)
    .bind(column(events, |event| event.stream_type.as_str()))
    .bind(column(events, |event| event.stream_id))
    .bind(column(events, |event| event.version))
    .bind(column(events, |event| event.event_type.as_str()))
    .bind(column(events, |event| event.event_version))
    .bind(column(events, |event| event.payload.as_str()))
    .bind(column(events, |event| event.metadata.as_str()))
    .bind(column(events, |event| event.hash.as_bytes().as_slice()))
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_receipts(
    connection: &mut PgConnection,
    winners: &[(&Commit, Appended)],
) -> sqlx::Result<()> {
    let (mut commands, mut contents, mut versions, mut positions) =
        (vec![], vec![], vec![], vec![]);
    for (commit, appended) in winners {
        commands.push(commit.command.0);
        contents.push(commit.content.as_bytes().to_vec());
        versions.push(appended.version);
        positions.push(appended.position);
    }
    sqlx::query(
        "INSERT INTO command_receipts (command_id, content, version, position)
         SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::bigint[], $4::bigint[])",
    )
    .bind(&commands)
    .bind(&contents)
    .bind(&versions)
    .bind(&positions)
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_effects(
    connection: &mut PgConnection,
    winners: &[(&Commit, Appended)],
) -> sqlx::Result<()> {
    let finished: Vec<Uuid> = winners
        .iter()
        .filter_map(|(commit, _)| commit.finished)
        .map(|effect| effect.id.0)
        .collect();
    let dropped: Vec<Uuid> = winners
        .iter()
        .flat_map(|(commit, _)| &commit.dropped)
        .map(|document| document.0)
        .collect();
    if !finished.is_empty() || !dropped.is_empty() {
        sqlx::query("DELETE FROM effects WHERE id = ANY($1) OR (document_id = ANY($2) AND on_the_way AND lease_token IS NULL)")
            .bind(&finished)
            .bind(&dropped)
            .execute(&mut *connection)
            .await?;
    }
    let begun: Vec<_> = winners
        .iter()
        .flat_map(|(commit, _)| &commit.begun)
        .collect();
    if begun.is_empty() {
        return Ok(());
    }
    let json = |error: serde_json::Error| sqlx::Error::Encode(error.into());
    let works = begun
        .iter()
        .map(|effect| serde_json::to_value(&effect.work))
        .collect::<Result<Vec<_>, _>>()
        .map_err(json)?;
    sqlx::query(
        "INSERT INTO effects (id, document_id, batch_id, step, neighbour, work, doubtful, on_the_way)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::jsonb[], $7::boolean[], $8::boolean[])
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(begun.iter().map(|effect| effect.id.0).collect::<Vec<_>>())
    .bind(begun.iter().map(|effect| effect.document.0).collect::<Vec<_>>())
    .bind(begun.iter().map(|effect| effect.batch.0).collect::<Vec<_>>())
    .bind(begun.iter().map(|effect| effect.step.0.as_str()).collect::<Vec<_>>())
    .bind(begun.iter().map(|effect| effect.work.neighbour().code()).collect::<Vec<_>>())
    .bind(works)
    .bind(begun.iter().map(|effect| effect.doubtful).collect::<Vec<_>>())
    .bind(
        begun
            .iter()
            .map(|effect| effect.work.is_on_the_way())
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn hold_batches(
    connection: &mut PgConnection,
    winners: &[(&Commit, Appended)],
) -> sqlx::Result<()> {
    for (batch, held) in winners.iter().flat_map(|(commit, _)| &commit.held) {
        let statement = if *held {
            "INSERT INTO batch_holds (batch_id) VALUES ($1) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM batch_holds WHERE batch_id = $1"
        };
        sqlx::query(statement)
            .bind(batch.0)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
