//! A closed part of the log leaves it.

use super::{NotArchived, Part, alone, archived, closed, kept, one_at_a_time};
use navette_domain::archive::{KINDS, LAST_WORDS};
use sqlx::{Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

/// What left the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detached {
    /// Which positions.
    pub part: Part,
    /// How many streams are archived now.
    pub streams: i64,
}

/// Takes the oldest closed part out of the log, when every projection has read it. Whoever follows erasures needs
/// nothing of it: those never leave.
pub async fn detach(owner: &mut PgConnection) -> Result<Detached, NotArchived> {
    let mut transaction = owner.begin().await?;
    one_at_a_time(&mut transaction).await?;
    let part = closed(&mut transaction).await?.into_iter().next();
    let part = part.ok_or(NotArchived::NothingClosed)?;
    check_read(&mut transaction, part).await?;
    let before = archived(&mut *transaction).await?.pop();
    let old = match before {
        // What was kept of what left before, with what leaves now.
        Some(before) => {
            let kept = kept(before.last);
            format!("(SELECT * FROM {kept} UNION ALL SELECT * FROM {part})")
        }
        None => part.to_string(),
    };
    let head: i64 = sqlx::query_scalar("SELECT max(position) FROM events")
        .fetch_one(&mut *transaction)
        .await?;
    sort_out(&mut transaction, &old, part).await?;
    keep(&mut transaction, &old, part).await?;
    alone(&mut transaction).await?;
    check_read(&mut transaction, part).await?;
    keep_late(&mut transaction, &old, part, head).await?;
    let leave = format!(
        "ALTER TABLE {part} NO INHERIT events; ALTER TABLE {} INHERIT events;
         INSERT INTO archives (first, last) VALUES ({}, {})",
        kept(part.last),
        part.first,
        part.last
    );
    transaction.execute(sqlx::raw_sql(&leave)).await?;
    if let Some(before) = before {
        let replaced = format!("DROP TABLE {}", kept(before.last));
        transaction.execute(sqlx::raw_sql(&replaced)).await?;
    }
    let streams = sqlx::query_scalar("SELECT count(*) FROM archive_leaving")
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Detached { part, streams })
}

/// Every copy of a projection must have passed it, and a checkpoint must cover it.
async fn check_read(
    transaction: &mut PgConnection,
    Part { last, .. }: Part,
) -> Result<(), NotArchived> {
    let sealed: i64 = sqlx::query_scalar("SELECT coalesce(max(size), 0) FROM checkpoints")
        .fetch_one(&mut *transaction)
        .await?;
    if sealed < last {
        return Err(NotArchived::NotSealed(last));
    }
    let behind: Option<(String, String, i64)> = sqlx::query_as(
        "SELECT name, place, position FROM projections WHERE position < $1 ORDER BY position LIMIT 1",
    )
    .bind(last)
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some((name, place, position)) = behind {
        return Err(NotArchived::Unread {
            name,
            place,
            position,
            last,
        });
    }
    Ok(())
}

fn list(names: &[&str]) -> String {
    format!("'{}'", names.join("', '"))
}

/// Finds the streams that leave: those that have ended, with all that is told of their dossiers. To whatever
/// something happened since, even if it is a bundle that was taken, stays.
async fn sort_out(transaction: &mut PgConnection, old: &str, part: Part) -> sqlx::Result<()> {
    let about = |what: &str| {
        format!(
            "CASE stream_type WHEN '{what}' THEN stream_id ELSE (metadata::jsonb ->> '{what}')::uuid END AS {what}"
        )
    };
    let (dossier, batch) = (about("dossier"), about("batch"));
    let (words, kinds, last) = (list(&LAST_WORDS), list(&KINDS), part.last);
    let script = format!(
        "CREATE TEMP TABLE archive_streams ON COMMIT DROP AS
             SELECT DISTINCT ON (stream_id) stream_id, stream_type, position, event_type IN ({words}) AS ended, {dossier}, {batch}
             FROM {old} AS old ORDER BY stream_id, version DESC;
         CREATE TEMP TABLE archive_living ON COMMIT DROP AS
             SELECT unnest(ARRAY[stream_id, dossier, batch]) AS id
                 FROM archive_streams WHERE NOT ended AND stream_type IN ({kinds})
             UNION
             SELECT unnest(ARRAY[stream_id, dossier, batch])
                 FROM (SELECT stream_id, {dossier}, {batch} FROM events WHERE position > {last}) AS since;
         ANALYZE archive_streams; ANALYZE archive_living;
         CREATE TEMP TABLE archive_leaving ON COMMIT DROP AS
             SELECT stream_id, position, dossier FROM archive_streams AS stream
             WHERE ended AND NOT EXISTS (SELECT FROM archive_living WHERE id = stream.stream_id)
               AND NOT EXISTS (SELECT FROM archive_living WHERE id = stream.dossier);
         CREATE INDEX ON archive_leaving (stream_id); CREATE INDEX ON archive_leaving (dossier); ANALYZE archive_leaving"
    );
    transaction.execute(sqlx::raw_sql(&script)).await?;
    Ok(())
}

/// Keeps the streams that stay, the last event of those that leave, and every hash.
async fn keep(transaction: &mut PgConnection, old: &str, part: Part) -> sqlx::Result<()> {
    let kept = kept(part.last);
    let script = format!(
        "CREATE TABLE {kept} (LIKE events INCLUDING ALL);
         INSERT INTO {kept} SELECT old.* FROM {old} AS old LEFT JOIN archive_leaving AS leaving USING (stream_id)
             WHERE leaving.stream_id IS NULL OR leaving.position = old.position;
         CREATE TRIGGER events_only_grow BEFORE UPDATE OR DELETE ON {kept}
             FOR EACH ROW EXECUTE FUNCTION refuse_change();
         CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON {kept}
             FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
         ANALYZE {kept};
         INSERT INTO archived_hashes SELECT position, hash FROM {part} ON CONFLICT DO NOTHING"
    );
    transaction.execute(sqlx::raw_sql(&script)).await?;
    Ok(())
}

/// What happened since the streams were sorted out: those that go on after all stay whole.
async fn keep_late(
    transaction: &mut PgConnection,
    old: &str,
    part: Part,
    head: i64,
) -> sqlx::Result<()> {
    let late: Vec<Uuid> = sqlx::query_scalar(
        "SELECT DISTINCT leaving.stream_id
         FROM (
             SELECT unnest(ARRAY[stream_id, (metadata::jsonb ->> 'dossier')::uuid, (metadata::jsonb ->> 'batch')::uuid]) AS id
             FROM events WHERE position > $1
         ) AS late
         JOIN archive_leaving AS leaving ON late.id IN (leaving.stream_id, leaving.dossier)",
    )
    .bind(head)
    .fetch_all(&mut *transaction)
    .await?;
    if late.is_empty() {
        return Ok(());
    }
    let kept = kept(part.last);
    let back = format!(
        "INSERT INTO {kept} SELECT old.* FROM {old} AS old JOIN archive_leaving AS leaving USING (stream_id)
         WHERE stream_id = ANY ($1) AND leaving.position <> old.position"
    );
    sqlx::query(&back)
        .bind(&late)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("DELETE FROM archive_leaving WHERE stream_id = ANY ($1)")
        .bind(&late)
        .execute(&mut *transaction)
        .await?;
    Ok(())
}
