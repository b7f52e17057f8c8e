//! Sealing: the tree grows over what was written since the last checkpoint, and a new one is signed.

use super::{
    key::{CheckpointKey, is_signed},
    tree::{KEPT, Tree, columns},
};
use chrono::{DateTime, Utc};
use navette_domain::{
    digest::Digest,
    proof::{
        Checkpoint, KeyChange, SignedCheckpoint,
        tree::{Frontier, Subtree},
    },
};
use sqlx::{PgConnection, PgPool, Row as _, postgres::PgRow};
use uuid::Uuid;

/// How many hashes are read at once.
const WINDOW: i64 = 20_000;

/// A checkpoint as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCheckpoint {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: String,
    /// When it was made.
    pub made_at: DateTime<Utc>,
}

impl sqlx::FromRow<'_, PgRow> for SealedCheckpoint {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            checkpoint: Checkpoint {
                epoch: row.try_get("epoch")?,
                size: u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or_default(),
                root: Digest::from_bytes(row.try_get("root")?),
            },
            note: row.try_get("note")?,
            made_at: row.try_get("made_at")?,
        })
    }
}

/// Why no checkpoint was made.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum NotSealed {
    #[error("the log cannot be sealed")]
    Database(#[from] sqlx::Error),
    #[error(
        "the log ends at position {head}, and its last checkpoint has {size} events: it was truncated or \
         restored; run `navette verify`"
    )]
    Truncated { size: u64, head: i64 },
    #[error("the log has no event at position {0}: run `navette verify`")]
    Hole(i64),
    #[error("the events no longer give the root of the last checkpoint: run `navette verify`")]
    Rewritten,
    #[error(
        "the last checkpoint was signed with another key: give every Navette of this log the same key file \
         (`checkpoints.key_file`)"
    )]
    OtherKey,
}

/// A checkpoint that is not stored yet, its subtrees to keep, and the last size and number of changes of key that
/// it goes on from.
type Drawn = (Checkpoint, Vec<(Subtree, Digest)>, (i64, i64));

/// Makes checkpoints of one log.
#[derive(Debug)]
pub struct Sealer {
    pool: PgPool,
    key: CheckpointKey,
}

/// Keeps others from adding a checkpoint or changing the key until the transaction ends; the size of the last
/// checkpoint, and how often the key was changed.
pub(super) async fn lock_checkpoints(connection: &mut PgConnection) -> sqlx::Result<(i64, i64)> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('navette checkpoints'))")
        .execute(&mut *connection)
        .await?;
    sqlx::query_as(
        "SELECT (SELECT coalesce(max(size), 0) FROM checkpoints), (SELECT count(*) FROM key_changes)",
    )
    .fetch_one(connection)
    .await
}

/// The last checkpoint, if there is one.
pub async fn last_checkpoint(pool: &PgPool) -> sqlx::Result<Option<SealedCheckpoint>> {
    sqlx::query_as("SELECT * FROM checkpoints ORDER BY size DESC LIMIT 1")
        .fetch_optional(pool)
        .await
}

/// The last checkpoint of so many events or more: one that was time-stamped, if there is any.
pub async fn checkpoint_of_at_least(
    pool: &PgPool,
    size: u64,
) -> sqlx::Result<Option<SealedCheckpoint>> {
    sqlx::query_as(
        "SELECT checkpoints.* FROM checkpoints LEFT JOIN time_stamps USING (size)
         WHERE size >= $1 ORDER BY token IS NULL, size DESC LIMIT 1",
    )
    .bind(i64::try_from(size).unwrap_or(i64::MAX))
    .fetch_optional(pool)
    .await
}

impl Sealer {
    /// Seals the log of this database with this key.
    pub fn new(pool: PgPool, key: CheckpointKey) -> Self {
        Self { pool, key }
    }

    /// How many events no checkpoint covers yet, and how many seconds ago the last one was made.
    pub async fn waiting(&self) -> sqlx::Result<(i64, Option<i64>)> {
        sqlx::query_as(
            "SELECT (SELECT coalesce(max(position), 0) FROM events) - coalesce(max(size), 0),
                    extract(epoch FROM clock_timestamp() - max(made_at))::bigint
             FROM checkpoints",
        )
        .fetch_one(&self.pool)
        .await
    }

    /// Whether its key is the one that signs now: the one the last passage leads to, or else the one that signed
    /// the last checkpoint.
    pub(super) async fn speaks_for(&self, pool: &PgPool) -> sqlx::Result<bool> {
        let notes: Option<(String, Option<String>)> = sqlx::query_as(
            "SELECT checkpoints.note, key_changes.note FROM checkpoints LEFT JOIN key_changes USING (size)
             ORDER BY size DESC LIMIT 1",
        )
        .fetch_optional(pool)
        .await?;
        let ours = self.key.public();
        Ok(match notes {
            None => true,
            Some((_, Some(change))) => {
                let change: Option<KeyChange> = change.parse().ok();
                change.is_some_and(|change| change.to.public == ours)
            }
            Some((note, None)) => {
                let note: Option<SignedCheckpoint> = note.parse().ok();
                note.is_some_and(|note| is_signed(&note, ours))
            }
        })
    }

    /// Makes a checkpoint of all that is in the log; none if the last one covers it.
    ///
    /// When it returns, what was in the log at the call is covered, by whomever.
    pub async fn seal(&self) -> Result<Option<SealedCheckpoint>, NotSealed> {
        loop {
            let Some((checkpoint, made, before)) = self.draw().await? else {
                return Ok(None);
            };
            // Another process that was first may have covered less: then the rest is left to do.
            if let Some(sealed) = self.store(&checkpoint, &made, before).await? {
                return Ok(Some(sealed));
            }
        }
    }

    /// The checkpoint to store, the subtrees to keep, and what must still be so when it is stored.
    async fn draw(&self) -> Result<Option<Drawn>, NotSealed> {
        let changes: i64 = sqlx::query_scalar("SELECT count(*) FROM key_changes")
            .fetch_one(&self.pool)
            .await?;
        let last = last_checkpoint(&self.pool).await?;
        let (head, epoch): (i64, Uuid) = sqlx::query_as(
            "SELECT (SELECT coalesce(max(position), 0) FROM events), epoch FROM log",
        )
        .fetch_one(&self.pool)
        .await?;
        let size = last.as_ref().map_or(0, |last| last.checkpoint.size);
        let after = i64::try_from(size).unwrap_or(i64::MAX);
        if head < after {
            return Err(NotSealed::Truncated { size, head });
        }
        if head == after {
            return Ok(None);
        }
        let tree = Tree::new(self.pool.clone());
        let mut frontier = tree.frontier(size).await?.unwrap_or_default();
        if let Some(last) = last
            && (frontier.size() != size || frontier.root() != last.checkpoint.root)
        {
            return Err(NotSealed::Rewritten);
        }
        if !self.speaks_for(&self.pool).await? {
            return Err(NotSealed::OtherKey);
        }
        let made = self.grow(&mut frontier, after, head).await?;
        let checkpoint = Checkpoint {
            epoch,
            size: frontier.size(),
            root: frontier.root(),
        };
        Ok(Some((checkpoint, made, (after, changes))))
    }

    /// Adds the events up to `head`; returns the subtrees to keep.
    async fn grow(
        &self,
        frontier: &mut Frontier,
        mut after: i64,
        head: i64,
    ) -> Result<Vec<(Subtree, Digest)>, NotSealed> {
        let mut kept = vec![];
        while after < head {
            let hashes: Vec<(i64, [u8; 32])> = sqlx::query_as(
                "SELECT position, hash FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3",
            )
            .bind(after)
            .bind(head)
            .bind(WINDOW)
            .fetch_all(&self.pool)
            .await?;
            if hashes.is_empty() {
                return Err(NotSealed::Hole(after + 1));
            }
            for (position, hash) in hashes {
                after += 1;
                if position != after {
                    return Err(NotSealed::Hole(after));
                }
                frontier.push(&Digest::from_bytes(hash), |subtree, root| {
                    if subtree.level >= KEPT {
                        kept.push((subtree, *root));
                    }
                });
            }
        }
        Ok(kept)
    }

    /// Stores a checkpoint, unless another process has made one meanwhile.
    async fn store(
        &self,
        checkpoint: &Checkpoint,
        made: &[(Subtree, Digest)],
        before: (i64, i64),
    ) -> sqlx::Result<Option<SealedCheckpoint>> {
        let (subtrees, roots): (Vec<_>, Vec<_>) = made
            .iter()
            .map(|(subtree, root)| (*subtree, root.as_bytes().as_slice()))
            .unzip();
        let (levels, places) = columns(&subtrees);
        let mut transaction = self.pool.begin().await?;
        if lock_checkpoints(&mut transaction).await? != before {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO tree_nodes (level, place, hash)
             SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[]) ON CONFLICT DO NOTHING",
        )
        .bind(levels)
        .bind(places)
        .bind(roots)
        .execute(&mut *transaction)
        .await?;
        let stored = sqlx::query_as(
            "INSERT INTO checkpoints (size, epoch, root, note) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING RETURNING *",
        )
        .bind(i64::try_from(checkpoint.size).unwrap_or(i64::MAX))
        .bind(checkpoint.epoch)
        .bind(checkpoint.root.as_bytes().as_slice())
        .bind(self.key.sign(checkpoint))
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(stored)
    }
}
