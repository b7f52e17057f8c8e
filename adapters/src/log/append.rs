//! The appender: group commit under the order lock.
//!
//! Commits that wait together are written together. Each is judged against the streams' versions, its
//! receipt and the lease of the effect it finishes; those that lose are answered, and do not disturb the
//! others.

use self::chain::Chains;
use crate::effects::Begun;
use chrono::{DateTime, Utc};
use navette_domain::{
    chain::Effect,
    digest::Digest,
    ids::{BatchId, CommandId, DocumentId, EffectId},
};
use sqlx::{PgConnection, PgPool};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

mod chain;
mod write;

/// The advisory lock under which positions are given: "NAVETTE" in ASCII.
const ORDER_LOCK: i64 = 0x4e_4156_4554_5445;
/// The most commits that share one transaction.
const GROUP: usize = 256;
/// How often a group is tried again when the database does not answer, and how long apart.
pub(super) const TRIES: u32 = 60;
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// An event about to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its stored name.
    pub event_type: String,
    /// Its stored version.
    pub event_version: i16,
    /// Its exact bytes.
    pub payload: String,
    /// Who and why, as JSON.
    pub metadata: String,
}

/// Events for one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamAppend {
    /// The aggregate's type.
    pub stream_type: &'static str,
    /// The aggregate's id.
    pub stream_id: Uuid,
    /// The version on which the decision was taken.
    pub expected: i64,
    /// What was decided; nothing, for a stream whose version must merely not have moved.
    pub events: Vec<NewEvent>,
}

/// The effect whose outcome a commit reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinishedEffect {
    /// Which effect.
    pub id: EffectId,
    /// The lease under which it was carried out.
    pub lease: Uuid,
}

/// All that one command changes, whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// What makes it safe to repeat.
    pub command: CommandId,
    /// What was asked: the same command id with another content is refused.
    pub content: Digest,
    /// The streams, the command's own first.
    pub streams: Vec<StreamAppend>,
    /// The effect whose outcome it reports.
    pub finished: Option<FinishedEffect>,
    /// The effects that begin.
    pub begun: Vec<Effect>,
    /// The documents whose effects that nobody has begun are dropped.
    pub dropped: Vec<DocumentId>,
    /// The batches to hold or to let go.
    pub held: Vec<(BatchId, bool)>,
}

/// Where a command stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The version of its own stream.
    pub version: i64,
    /// The position of its last event, or the head of the log if it caused none.
    pub position: i64,
    /// Whether it had been written before, and only its answer was lost.
    pub replayed: bool,
}

/// Why nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendRefusal {
    /// A stream has moved since the decision was taken.
    #[error("stream {stream} is at version {actual}")]
    Conflict {
        /// Which stream.
        stream: Uuid,
        /// Its version now.
        actual: i64,
    },
    /// The command id was used for something else.
    #[error("this command id was already used with another content")]
    KeyReused,
    /// Somebody else carries the effect out now, or it is over.
    #[error("the lease on the effect is lost")]
    LeaseLost,
    /// The database did not answer for too long; whether the commit was written is unknown.
    #[error("the log cannot be reached: {0}")]
    Fault(String),
}

#[derive(Debug)]
pub(super) struct Pending {
    pub commit: Commit,
    pub answer: oneshot::Sender<Result<Appended, AppendRefusal>>,
}

/// The only task of this process that writes to the log.
pub(super) struct Writer {
    pub pool: PgPool,
    pub head: watch::Sender<i64>,
    pub begun: Arc<Begun>,
    pub instance: Uuid,
}

impl Writer {
    pub async fn run(self, mut waiting: mpsc::Receiver<Pending>) {
        let mut group = Vec::new();
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            let (commits, answers): (Vec<_>, Vec<_>) = group
                .drain(..)
                .map(|pending| (pending.commit, pending.answer))
                .unzip();
            let verdicts = self.append_stubbornly(&commits).await;
            self.announce(&commits, &verdicts);
            for (answer, verdict) in answers.into_iter().zip(verdicts) {
                // Whoever asked may have gone; the commit stands.
                let _ = answer.send(verdict);
            }
        }
    }

    fn announce(&self, commits: &[Commit], verdicts: &[Result<Appended, AppendRefusal>]) {
        let Some(last) = verdicts
            .iter()
            .flatten()
            .map(|appended| appended.position)
            .max()
        else {
            return;
        };
        self.head
            .send_if_modified(|head| std::mem::replace(head, last.max(*head)) < last);
        for (commit, _) in commits
            .iter()
            .zip(verdicts)
            .filter(|(_, verdict)| verdict.is_ok())
        {
            for effect in &commit.begun {
                self.begun.at(effect.work.neighbour());
            }
            if commit.held.iter().any(|(_, held)| !held) {
                self.begun.everywhere();
            }
        }
    }

    /// Tries until the database answers: receipts make a second try harmless even if the first was written.
    async fn append_stubbornly(&self, commits: &[Commit]) -> Vec<Result<Appended, AppendRefusal>> {
        let mut tries = 0;
        loop {
            match self.append(commits).await {
                Ok(verdicts) => return verdicts,
                Err(error) if tries < TRIES && is_passing(&error) => {
                    tries += 1;
                    tracing::warn!(%error, tries, "the log does not answer, trying again");
                    tokio::time::sleep(PAUSE).await;
                }
                // One of them cannot be written: it must not take the others with it.
                Err(error) if commits.len() > 1 && !is_passing(&error) => {
                    tracing::warn!(%error, "a group cannot be written together");
                    let mut verdicts = vec![];
                    for commit in commits {
                        let alone = std::slice::from_ref(commit);
                        verdicts.extend(Box::pin(self.append_stubbornly(alone)).await);
                    }
                    return verdicts;
                }
                Err(error) => {
                    tracing::error!(%error, "the log cannot be written");
                    return commits
                        .iter()
                        .map(|_| Err(AppendRefusal::Fault(error.to_string())))
                        .collect();
                }
            }
        }
    }

    async fn append(
        &self,
        commits: &[Commit],
    ) -> sqlx::Result<Vec<Result<Appended, AppendRefusal>>> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(ORDER_LOCK)
            .execute(&mut *transaction)
            .await?;
        let mut ground = Ground::survey(&mut transaction, commits).await?;
        let verdicts: Vec<_> = commits.iter().map(|commit| ground.judge(commit)).collect();
        let winners: Vec<_> = commits
            .iter()
            .zip(&verdicts)
            .filter_map(|(commit, verdict)| match verdict {
                Ok(appended) if !appended.replayed => Some((commit, *appended)),
                _ => None,
            })
            .collect();
        if winners.is_empty() {
            transaction.rollback().await?;
            return Ok(verdicts);
        }
        let events = ground.chains.extend(&winners);
        write::write(&mut transaction, &winners, &events, self.instance).await?;
        transaction.commit().await?;
        Ok(verdicts)
    }
}

/// Whether the database may answer later: its connection was lost, it starts, it stops, or two
/// transactions stood in each other's way.
pub(super) fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            matches!(&*code, "40001" | "40P01")
                || code.starts_with("08")
                || code.starts_with("57")
                || code.starts_with("53")
        }),
        _ => false,
    }
}

/// What the commits of a group are judged against. It changes as commits win, so that two commits of one
/// group may follow each other on one stream.
struct Ground {
    chains: Chains,
    position: i64,
    versions: HashMap<Uuid, i64>,
    receipts: HashMap<Uuid, (Digest, Appended)>,
    leases: HashSet<(Uuid, Uuid)>,
}

impl Ground {
    async fn survey(connection: &mut PgConnection, commits: &[Commit]) -> sqlx::Result<Self> {
        let (position, now): (i64, DateTime<Utc>) =
            sqlx::query_as("SELECT coalesce(max(position), 0), clock_timestamp() FROM events")
                .fetch_one(&mut *connection)
                .await?;
        let streams: Vec<Uuid> = commits
            .iter()
            .flat_map(|commit| &commit.streams)
            .map(|stream| stream.stream_id)
            .collect();
        let heads: Vec<(Uuid, i64, [u8; 32])> = sqlx::query_as(
            "SELECT stream.id, event.version, event.hash
             FROM unnest($1::uuid[]) AS stream (id)
             CROSS JOIN LATERAL (
                 SELECT version, hash FROM events WHERE stream_id = stream.id ORDER BY version DESC LIMIT 1
             ) AS event",
        )
        .bind(&streams)
        .fetch_all(&mut *connection)
        .await?;
        let commands: Vec<Uuid> = commits.iter().map(|commit| commit.command.0).collect();
        let receipts: Vec<(Uuid, Vec<u8>, i64, i64)> =
            sqlx::query_as("SELECT command_id, content, version, position FROM command_receipts WHERE command_id = ANY($1)")
                .bind(&commands)
                .fetch_all(&mut *connection)
                .await?;
        let finished: Vec<Uuid> = commits
            .iter()
            .filter_map(|commit| commit.finished)
            .map(|effect| effect.id.0)
            .collect();
        let leases: Vec<(Uuid, Uuid)> = if finished.is_empty() {
            vec![]
        } else {
            sqlx::query_as("SELECT id, lease_token FROM effects WHERE id = ANY($1) AND lease_token IS NOT NULL FOR UPDATE")
                .bind(&finished)
                .fetch_all(&mut *connection)
                .await?
        };
        Ok(Self {
            chains: Chains {
                first: position + 1,
                now,
                heads: heads
                    .iter()
                    .map(|(id, _, hash)| (*id, Digest::from_bytes(*hash)))
                    .collect(),
            },
            position,
            versions: heads
                .iter()
                .map(|(id, version, _)| (*id, *version))
                .collect(),
            receipts: receipts
                .into_iter()
                .filter_map(|(id, content, version, position)| {
                    let content = Digest::from_bytes(content.try_into().ok()?);
                    Some((
                        id,
                        (
                            content,
                            Appended {
                                version,
                                position,
                                replayed: true,
                            },
                        ),
                    ))
                })
                .collect(),
            leases: leases.into_iter().collect(),
        })
    }

    fn judge(&mut self, commit: &Commit) -> Result<Appended, AppendRefusal> {
        match self.receipts.get(&commit.command.0) {
            Some((content, appended)) if *content == commit.content => return Ok(*appended),
            Some(_) => return Err(AppendRefusal::KeyReused),
            None => {}
        }
        if let Some(effect) = commit.finished
            && !self.leases.remove(&(effect.id.0, effect.lease))
        {
            return Err(AppendRefusal::LeaseLost);
        }
        for stream in &commit.streams {
            let actual = self.versions.get(&stream.stream_id).copied().unwrap_or(0);
            if actual != stream.expected {
                return Err(AppendRefusal::Conflict {
                    stream: stream.stream_id,
                    actual,
                });
            }
        }
        for stream in &commit.streams {
            let added = count(&stream.events);
            self.position += added;
            self.versions
                .insert(stream.stream_id, stream.expected + added);
        }
        let version = commit
            .streams
            .first()
            .map_or(0, |stream| stream.expected + count(&stream.events));
        let appended = Appended {
            version,
            position: self.position,
            replayed: false,
        };
        self.receipts.insert(
            commit.command.0,
            (
                commit.content,
                Appended {
                    replayed: true,
                    ..appended
                },
            ),
        );
        Ok(appended)
    }
}

fn count(events: &[NewEvent]) -> i64 {
    i64::try_from(events.len()).unwrap_or(i64::MAX)
}
