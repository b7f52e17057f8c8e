//! Verification: the log, read as it is stored and held against what was sealed.

mod archived;

pub(super) use archived::Source;

use super::{
    key::is_signed,
    report::{Report, Stamps, Trust},
    rotate::key_history,
    seal::SealedCheckpoint,
    time_stamp::check,
    tree::{KEPT, Tree},
};
use crate::log::Row;
use futures::TryStreamExt as _;
use navette_domain::{
    digest::Digest,
    proof::{
        Checkpoint, Fault, Holder, KeyHistory, Previous, SignedCheckpoint, StoredEvent,
        Verification, tree::Subtree,
    },
};
use sqlx::PgPool;
use std::collections::HashSet;
use uuid::Uuid;

/// How many events are read at once.
const WINDOW: i64 = 4096;

#[derive(sqlx::FromRow)]
struct Linked {
    #[sqlx(flatten)]
    row: Row,
    previous_position: Option<i64>,
    previous_hash: Option<[u8; 32]>,
}

impl Linked {
    fn split(self) -> (StoredEvent, Option<Previous>) {
        let previous = self.previous_position.zip(self.previous_hash);
        let previous = previous.map(|(position, hash)| Previous {
            position,
            hash: Digest::from_bytes(hash),
        });
        (self.row.into(), previous)
    }
}

/// Reads the whole log, holding it against the database's own checkpoints and those that were kept outside.
pub async fn verify(
    pool: &PgPool,
    trust: &Trust,
    held: Vec<SignedCheckpoint>,
) -> sqlx::Result<Report> {
    Verifying::begin(pool, trust, held).await?.read().await
}

/// Reads what came after a checkpoint that was kept outside: the log must be its continuation, and what is
/// before it is not looked at, nor needed.
pub async fn verify_from(
    pool: &PgPool,
    trust: &Trust,
    held: &SignedCheckpoint,
) -> sqlx::Result<Report> {
    let mut verifying = Verifying::begin(pool, trust, vec![]).await?;
    verifying.begin_after(held).await?;
    let mut report = verifying.read().await?;
    let size = held.checkpoint.size;
    report.of = format!(
        "{}, après le point de contrôle à {size} événements",
        report.of
    );
    Ok(report)
}

impl Verifying<'_> {
    async fn begin_after(&mut self, held: &SignedCheckpoint) -> sqlx::Result<()> {
        let Checkpoint { size, root, .. } = held.checkpoint;
        let before = Tree::new(self.pool.clone()).frontier(size).await?;
        // What is known of the tree ends with the last checkpoint of the database.
        let Some(before) =
            before.filter(|_| i64::try_from(size).is_ok_and(|size| size <= self.sealed))
        else {
            self.held.push((held.clone(), Holder::Auditor));
            return Ok(());
        };
        let faults = std::mem::take(&mut self.verification.faults);
        let continued = before.root() == root;
        self.verification = Verification::after(before);
        self.verification.faults = faults;
        self.held.retain(|(note, _)| note.checkpoint.size > size);
        self.checkpoints += 1;
        self.authentic(held, Holder::Auditor);
        if !continued {
            let holder = Holder::Auditor;
            let fault = Fault::RootDiffers { size, holder };
            self.verification.faults.add(fault);
        }
        Ok(())
    }

    async fn read(mut self) -> sqlx::Result<Report> {
        let pool = self.pool;
        let source = self.source.clone();
        if self.verification.last() < self.source.archived {
            self.notes.extend(self.source.note());
            self.kept().await?;
            self.hashes().await?;
        }
        // What is written meanwhile is after the last checkpoint that is looked at.
        let head: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events")
            .fetch_one(pool)
            .await?;
        let mut window = read(pool.clone(), source.clone(), self.verification.last()).await?;
        loop {
            let last = window.last().map(|linked| linked.row.said.position);
            let Some(last) = last.filter(|_| self.verification.last() < head) else {
                break;
            };
            // The next window is read while this one is hashed.
            let next = tokio::spawn(read(pool.clone(), source.clone(), last));
            self.take(window).await?;
            window = next
                .await
                .map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))??;
        }
        self.stamps().await?;
        Ok(self.end())
    }
}

/// The next events, each with the one before it in its stream.
async fn read(pool: PgPool, source: Source, after: i64) -> sqlx::Result<Vec<Linked>> {
    let Source { log, window, .. } = source;
    let sql = format!(
        "SELECT event.*, previous.position AS previous_position, previous.hash AS previous_hash
         FROM (SELECT * FROM {window} AS log ORDER BY position LIMIT $2) AS event
         LEFT JOIN LATERAL (
             SELECT position, hash FROM {log} AS log
             WHERE stream_id = event.stream_id AND version = event.version - 1 LIMIT 1
         ) AS previous ON true
         ORDER BY event.position"
    );
    let read = sqlx::query_as(&sql).bind(after).bind(WINDOW);
    read.fetch_all(&pool).await
}

struct Verifying<'a> {
    pool: &'a PgPool,
    trust: &'a Trust,
    epochs: HashSet<Uuid>,
    epoch: Uuid,
    source: Source,
    keys: KeyHistory,
    /// Passages to other keys, and what the auditor holds: those that are still to come, the smallest last.
    held: Vec<(SignedCheckpoint, Holder)>,
    /// The size of the database's last checkpoint.
    sealed: i64,
    verification: Verification,
    events: u64,
    checkpoints: u64,
    stamps: Stamps,
    notes: Vec<String>,
}

impl<'a> Verifying<'a> {
    async fn begin(
        pool: &'a PgPool,
        trust: &'a Trust,
        held: Vec<SignedCheckpoint>,
    ) -> sqlx::Result<Self> {
        let (keys, passages, broken) = key_history(pool, trust.key).await?;
        let passages = passages.iter().filter_map(|note| note.parse().ok());
        let held = held.into_iter().map(|note| (note, Holder::Auditor));
        let mut held: Vec<_> = held
            .chain(passages.map(|note| (note, Holder::Log)))
            .collect();
        let mut verification = Verification::begin();
        if let Some(size) = broken {
            verification.faults.add(Fault::KeyChange { size });
        }
        let sealed: i64 = sqlx::query_scalar("SELECT coalesce(max(size), 0) FROM checkpoints")
            .fetch_one(pool)
            .await?;
        let epoch: Uuid = sqlx::query_scalar("SELECT epoch FROM log")
            .fetch_one(pool)
            .await?;
        // Checkpoints keep the name of the epoch they were made in.
        let epochs: Vec<Uuid> = sqlx::query_scalar("SELECT epoch FROM epochs")
            .fetch_all(pool)
            .await?;
        held.sort_by_key(|(note, _): &(SignedCheckpoint, _)| {
            std::cmp::Reverse(note.checkpoint.size)
        });
        Ok(Self {
            pool,
            trust,
            epochs: epochs.into_iter().collect(),
            epoch,
            source: Source::find(pool).await?,
            keys,
            held,
            sealed,
            verification,
            events: 0,
            checkpoints: 0,
            stamps: Stamps::default(),
            notes: vec![],
        })
    }

    /// The database's checkpoints of so many events, the smallest last.
    async fn sealed_between(&self, from: i64, to: i64) -> sqlx::Result<Vec<SealedCheckpoint>> {
        sqlx::query_as(
            "SELECT * FROM checkpoints WHERE size > $1 AND size <= $2 ORDER BY size DESC",
        )
        .bind(from)
        .bind(to)
        .fetch_all(self.pool)
        .await
    }

    /// Checks what was made of the events so far.
    fn reach(&mut self, position: i64, stored: &mut Vec<SealedCheckpoint>) {
        let reached = u64::try_from(position).unwrap_or_default();
        while let Some(sealed) = stored.pop_if(|sealed| sealed.checkpoint.size <= reached) {
            self.own(&sealed);
        }
        let due = |held: &mut (SignedCheckpoint, _)| held.0.checkpoint.size <= reached;
        while let Some((note, holder)) = self.held.pop_if(due) {
            self.check(&note, holder);
        }
    }

    async fn take(&mut self, window: Vec<Linked>) -> sqlx::Result<()> {
        let from = self.verification.last();
        let Some(to) = window.last().map(|linked| linked.row.said.position) else {
            return Ok(());
        };
        let mut stored = self.sealed_between(from, to).await?;
        let mut made = vec![];
        for linked in window {
            let (event, previous) = linked.split();
            self.verification.take(&event, previous, |subtree, root| {
                if subtree.level >= KEPT {
                    made.push((subtree, *root));
                }
            });
            self.events += 1;
            self.reach(event.position, &mut stored);
        }
        self.subtrees(&made).await
    }

    /// A checkpoint of the database: its columns and its note must say the same.
    fn own(&mut self, sealed: &SealedCheckpoint) {
        match sealed.note.parse::<SignedCheckpoint>() {
            Ok(note) if note.checkpoint == sealed.checkpoint => self.check(&note, Holder::Log),
            _ => self.verification.faults.add(Fault::CheckpointChanged {
                size: sealed.checkpoint.size,
            }),
        }
    }

    /// A checkpoint whose events have just been read.
    fn check(&mut self, note: &SignedCheckpoint, holder: Holder) {
        self.checkpoints += 1;
        self.authentic(note, holder);
        let size = note.checkpoint.size;
        // Where events are missing, that was said already.
        let root = self.verification.root();
        if root.is_some_and(|root| root != note.checkpoint.root) {
            let fault = Fault::RootDiffers { size, holder };
            self.verification.faults.add(fault);
        }
    }

    fn authentic(&mut self, note: &SignedCheckpoint, holder: Holder) {
        let (size, epoch) = (note.checkpoint.size, note.checkpoint.epoch);
        if !is_signed(note, self.keys.at(size)) {
            let fault = Fault::ForeignKey { size, holder };
            self.verification.faults.add(fault);
        }
        if !self.epochs.contains(&epoch) {
            let fault = Fault::OtherEpoch {
                size,
                epoch,
                holder,
            };
            self.verification.faults.add(fault);
        }
    }

    /// The subtrees that are kept are not signed themselves: a wrong one would spoil proofs, and a right
    /// one says where the events were changed.
    async fn subtrees(&mut self, made: &[(Subtree, Digest)]) -> sqlx::Result<()> {
        if self.verification.root().is_none() {
            return Ok(());
        }
        let wanted: Vec<_> = made.iter().map(|(subtree, _)| *subtree).collect();
        let kept = Tree::new(self.pool.clone()).kept(&wanted).await?;
        for (subtree, root) in made {
            let leaves = subtree.leaves();
            let last = i64::try_from(leaves.end).unwrap_or(i64::MAX);
            let as_kept = kept.get(subtree) == Some(root);
            // Those above a wrong one add nothing.
            if !as_kept && last <= self.sealed && subtree.level == KEPT {
                let first = i64::try_from(leaves.start).unwrap_or(i64::MAX) + 1;
                let fault = Fault::SubtreeDiffers { first, last };
                self.verification.faults.add(fault);
            }
        }
        Ok(())
    }

    /// The time stamps of the database's checkpoints.
    async fn stamps(&mut self) -> sqlx::Result<()> {
        let mut stored = sqlx::query_as::<_, (i64, String, Vec<u8>)>(
            "SELECT size, note, token FROM time_stamps JOIN checkpoints USING (size) ORDER BY size",
        )
        .fetch(self.pool);
        while let Some((size, note, token)) = stored.try_next().await? {
            let size = u64::try_from(size).unwrap_or_default();
            self.stamps.count += 1;
            match check(&token, &note, self.trust.authorities.as_ref()) {
                Ok(stamp) => self.stamps.last = Some((size, stamp)),
                Err(why) => {
                    let why = why.to_string();
                    self.verification.faults.add(Fault::TimeStamp { size, why });
                }
            }
        }
        Ok(())
    }

    fn end(mut self) -> Report {
        let head = self.verification.last();
        let mut beyond = vec![];
        if self.sealed > head {
            let size = u64::try_from(self.sealed).unwrap_or_default();
            beyond.push((size, Holder::Log));
        }
        for (note, holder) in std::mem::take(&mut self.held) {
            self.authentic(&note, holder);
            self.checkpoints += 1;
            beyond.push((note.checkpoint.size, holder));
        }
        for (size, holder) in beyond {
            let fault = Fault::Truncated { size, head, holder };
            self.verification.faults.add(fault);
        }
        Report {
            of: format!("Journal navette/{}", self.epoch),
            events: self.events,
            checkpoints: self.checkpoints,
            stamps: self.stamps,
            notes: self.notes,
            faults: self.verification.end(),
        }
    }
}
