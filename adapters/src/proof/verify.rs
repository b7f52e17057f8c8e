//! Verification: the whole log, or one stream, read as it is stored and held against what was sealed.

use super::{
    key::is_signed,
    seal::{SealedCheckpoint, last_checkpoint},
    tree::{KEPT, Tree},
};
use crate::log::Row;
use navette_domain::{
    digest::Digest,
    proof::{
        Checkpoint, Fault, Faults, Holder, Previous, SignedCheckpoint, StoredEvent, Verification,
        link_fault,
        tree::{self, Subtree},
    },
};
use sqlx::PgPool;
use std::{collections::HashSet, fmt};
use uuid::Uuid;

/// How many events are read at once.
const WINDOW: i64 = 4096;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was read: the log, or a stream.
    pub of: String,
    /// How many events were read.
    pub events: u64,
    /// How many checkpoints they were held against.
    pub checkpoints: u64,
    /// What is wrong.
    pub faults: Faults,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            of,
            events,
            checkpoints,
            faults,
        } = self;
        writeln!(
            f,
            "{of} : {events} événement(s) lus, {checkpoints} point(s) de contrôle vérifiés."
        )?;
        for fault in &faults.told {
            writeln!(f, "- {fault}")?;
        }
        if faults.more > 0 {
            writeln!(f, "- … et {} autre(s) anomalie(s)", faults.more)?;
        }
        if faults.is_empty() {
            write!(f, "Aucune anomalie.")
        } else {
            write!(f, "Le journal n'est pas intact.")
        }
    }
}

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
/// `public` is the key they must be signed with.
pub async fn verify(
    pool: &PgPool,
    public: [u8; 32],
    held: Vec<SignedCheckpoint>,
) -> sqlx::Result<Report> {
    let mut verifying = Verifying::begin(pool, public, held).await?;
    // What is written meanwhile is after the last checkpoint that is looked at.
    let head: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events")
        .fetch_one(pool)
        .await?;
    let mut window = read(pool.clone(), 0).await?;
    loop {
        let last = window.last().map(|linked| linked.row.said.position);
        let Some(last) = last.filter(|_| verifying.verification.last() < head) else {
            break;
        };
        // The next window is read while this one is hashed.
        let next = tokio::spawn(read(pool.clone(), last));
        verifying.take(window).await?;
        window = next
            .await
            .map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))??;
    }
    Ok(verifying.end())
}

async fn read(pool: PgPool, after: i64) -> sqlx::Result<Vec<Linked>> {
    sqlx::query_as(
        "SELECT event.*, previous.position AS previous_position, previous.hash AS previous_hash
         FROM (SELECT * FROM events WHERE position > $1 ORDER BY position LIMIT $2) AS event
         LEFT JOIN LATERAL (
             SELECT position, hash FROM events
             WHERE stream_id = event.stream_id AND version = event.version - 1 LIMIT 1
         ) AS previous ON true
         ORDER BY event.position",
    )
    .bind(after)
    .bind(WINDOW)
    .fetch_all(&pool)
    .await
}

struct Verifying<'a> {
    pool: &'a PgPool,
    public: [u8; 32],
    epochs: HashSet<Uuid>,
    epoch: Uuid,
    /// Those of the auditor that are still to come, the smallest last.
    held: Vec<SignedCheckpoint>,
    /// The size of the database's last checkpoint.
    sealed: i64,
    verification: Verification,
    events: u64,
    checkpoints: u64,
}

impl<'a> Verifying<'a> {
    async fn begin(
        pool: &'a PgPool,
        public: [u8; 32],
        mut held: Vec<SignedCheckpoint>,
    ) -> sqlx::Result<Self> {
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
        held.sort_by_key(|note| std::cmp::Reverse(note.checkpoint.size));
        Ok(Self {
            pool,
            public,
            epochs: epochs.into_iter().collect(),
            epoch,
            held,
            sealed,
            verification: Verification::begin(),
            events: 0,
            checkpoints: 0,
        })
    }

    async fn take(&mut self, window: Vec<Linked>) -> sqlx::Result<()> {
        let from = self.verification.last();
        let Some(to) = window.last().map(|linked| linked.row.said.position) else {
            return Ok(());
        };
        let mut stored: Vec<SealedCheckpoint> = sqlx::query_as(
            "SELECT * FROM checkpoints WHERE size > $1 AND size <= $2 ORDER BY size DESC",
        )
        .bind(from)
        .bind(to)
        .fetch_all(self.pool)
        .await?;
        let mut made = vec![];
        for linked in window {
            let (event, previous) = linked.split();
            self.verification.take(&event, previous, |subtree, root| {
                if subtree.level >= KEPT {
                    made.push((subtree, *root));
                }
            });
            self.events += 1;
            let reached = u64::try_from(event.position).unwrap_or_default();
            while let Some(sealed) = stored.pop_if(|sealed| sealed.checkpoint.size <= reached) {
                self.own(&sealed);
            }
            while let Some(note) = self.held.pop_if(|note| note.checkpoint.size <= reached) {
                self.check(&note, Holder::Auditor);
            }
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
        if !is_signed(note, self.public) {
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

    fn end(mut self) -> Report {
        let head = self.verification.last();
        let mut beyond = vec![];
        if self.sealed > head {
            let size = u64::try_from(self.sealed).unwrap_or_default();
            beyond.push((size, Holder::Log));
        }
        for note in std::mem::take(&mut self.held) {
            self.authentic(&note, Holder::Auditor);
            self.checkpoints += 1;
            beyond.push((note.checkpoint.size, Holder::Auditor));
        }
        for (size, holder) in beyond {
            let fault = Fault::Truncated { size, head, holder };
            self.verification.faults.add(fault);
        }
        Report {
            of: format!("Journal navette/{}", self.epoch),
            events: self.events,
            checkpoints: self.checkpoints,
            faults: self.verification.end(),
        }
    }
}

/// Reads one stream: its chain, and that each of its events is in the tree of the last checkpoint.
pub async fn verify_stream(pool: &PgPool, public: [u8; 32], stream: Uuid) -> sqlx::Result<Report> {
    let rows: Vec<Row> =
        sqlx::query_as("SELECT * FROM events WHERE stream_id = $1 ORDER BY version")
            .bind(stream)
            .fetch_all(pool)
            .await?;
    let tree = Tree::new(pool.clone());
    let sealed = last_checkpoint(pool).await?;
    let mut faults = Faults::default();
    // Under a root that differs, no event is proved: that is said once.
    let mut provable = None;
    if let Some(sealed) = &sealed {
        let note: Option<SignedCheckpoint> = sealed.note.parse().ok();
        let (size, holder) = (sealed.checkpoint.size, Holder::Log);
        match note.filter(|note| note.checkpoint == sealed.checkpoint) {
            None => faults.add(Fault::CheckpointChanged { size }),
            Some(note) if !is_signed(&note, public) => {
                faults.add(Fault::ForeignKey { size, holder });
            }
            Some(_) => {}
        }
        if tree.root(size).await? == Some(sealed.checkpoint.root) {
            provable = Some(sealed.checkpoint);
        } else {
            faults.add(Fault::RootDiffers { size, holder });
        }
    }
    let (mut events, mut previous) = (0, None);
    for event in rows.into_iter().map(StoredEvent::from) {
        events += 1;
        // After a gap, the event before is not the one that was read.
        let before = previous.take().filter(|_| event.version > 1);
        let before = before.filter(|(version, _)| version + 1 == event.version);
        if let Some(fault) = link_fault(&event, before.map(|(_, previous)| previous)) {
            faults.add(fault);
        }
        if let Some(Checkpoint { size, root, .. }) = provable {
            let index = u64::try_from(event.position - 1).unwrap_or_default();
            if index < size {
                let proof = tree.inclusion(event.position, size).await?;
                let included = proof.is_some_and(|proof| {
                    tree::is_included(&event.hash, index, (size, &root), &proof)
                });
                if !included {
                    faults.add(Fault::NotInTree {
                        position: event.position,
                        size,
                    });
                }
            }
        }
        let here = Previous {
            position: event.position,
            hash: event.hash,
        };
        previous = Some((event.version, here));
    }
    Ok(Report {
        of: format!("Flux {stream}"),
        events,
        checkpoints: sealed.iter().count() as u64,
        faults,
    })
}
