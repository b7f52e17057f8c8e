//! Another key for the checkpoints to come: the former one signs the passage, and so does the next.

use super::{
    key::{CheckpointKey, is_signed},
    seal::{NotSealed, SealedCheckpoint, Sealer, last_checkpoint, lock_checkpoints},
};
use anyhow::{Context as _, ensure};
use navette_domain::proof::{KeyChange, KeyHistory};
use sqlx::PgPool;
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Makes a new key and has the passage signed; returns its note. A rotation that was stopped is finished.
pub async fn rotate(pool: &PgPool, file: &Path) -> anyhow::Result<String> {
    let next_file = beside(file, "next");
    if let Some(done) = last_change(pool).await?
        && next_file.exists()
        && done.to.public == CheckpointKey::read(&next_file)?.public()
    {
        put_in_place(file, &next_file)?;
        let note = last_note(pool).await?;
        return note.context("the passage is gone");
    }
    let key = CheckpointKey::read(file)?;
    let sealer = Sealer::new(pool.clone(), CheckpointKey::read(file)?);
    sealer.seal().await?;
    let last = last_checkpoint(pool).await?;
    let checkpoint = last.context("nothing was sealed yet")?.checkpoint;
    let (changes, changed) = changes_at(pool, checkpoint.size).await?;
    ensure!(
        !changed,
        "the key was changed at {} events, and nothing was written since: try again later",
        checkpoint.size
    );
    let signed = sealer.speaks_for(pool).await?;
    ensure!(signed, NotSealed::OtherKey);
    let next = CheckpointKey::open(&next_file)?;
    let note = key.pass_to(&next, &checkpoint);
    let mut transaction = pool.begin().await?;
    ensure!(
        lock_checkpoints(&mut transaction).await? == (i64::try_from(checkpoint.size)?, changes),
        "the log was sealed at the same moment: try again"
    );
    sqlx::query("INSERT INTO key_changes (size, note) VALUES ($1, $2)")
        .bind(i64::try_from(checkpoint.size)?)
        .bind(&note)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    put_in_place(file, &next_file)?;
    Ok(note)
}

/// The next key takes the place of the former, which stays beside it; there is a key at every moment.
fn put_in_place(file: &Path, next: &Path) -> anyhow::Result<()> {
    let [a, b, c, d, ..] = CheckpointKey::read(file)?.public();
    let former = beside(file, &format!("former-{a:02x}{b:02x}{c:02x}{d:02x}"));
    match fs::hard_link(file, &former) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("keeping {}", former.display()));
        }
        _ => {}
    }
    fs::rename(next, file).with_context(|| format!("putting {} in place", next.display()))
}

fn beside(file: &Path, what: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(what);
    name.into()
}

async fn changes_at(pool: &PgPool, size: u64) -> sqlx::Result<(i64, bool)> {
    sqlx::query_as("SELECT count(*), coalesce(bool_or(size = $1), false) FROM key_changes")
        .bind(i64::try_from(size).unwrap_or(i64::MAX))
        .fetch_one(pool)
        .await
}

async fn last_note(pool: &PgPool) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT note FROM key_changes ORDER BY size DESC LIMIT 1")
        .fetch_optional(pool)
        .await
}

async fn last_change(pool: &PgPool) -> sqlx::Result<Option<KeyChange>> {
    let note = last_note(pool).await?;
    Ok(note.and_then(|note| note.parse().ok()))
}

/// The last passage, as a checkpoint to publish.
pub async fn last_key_change(pool: &PgPool) -> sqlx::Result<Option<SealedCheckpoint>> {
    sqlx::query_as(
        "SELECT size, epoch, root, key_changes.note, changed_at AS made_at
         FROM key_changes JOIN checkpoints USING (size) ORDER BY size DESC LIMIT 1",
    )
    .fetch_optional(pool)
    .await
}

/// The keys of this log, of which one is trusted; the notes of their passages; and the size of the one that
/// does not hold, if there is one.
pub async fn key_history(
    pool: &PgPool,
    trusted: [u8; 32],
) -> sqlx::Result<(KeyHistory, Vec<String>, Option<u64>)> {
    let stored: Vec<(i64, String)> =
        sqlx::query_as("SELECT size, note FROM key_changes ORDER BY size")
            .fetch_all(pool)
            .await?;
    let (mut changes, mut damaged): (Vec<KeyChange>, _) = (vec![], None);
    for (size, note) in &stored {
        let size = size.unsigned_abs();
        match note.parse::<KeyChange>() {
            Ok(change) if change.note.checkpoint.size == size => changes.push(change),
            _ => damaged = Some(size),
        }
    }
    let (history, broken) = KeyHistory::of(trusted, &changes, is_signed);
    let notes = stored.into_iter().map(|(_, note)| note).collect();
    Ok((history, notes, damaged.or(broken)))
}
