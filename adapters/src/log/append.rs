//! The appender: group commit under the order lock.
//!
//! Commits that wait together are written together. Each is judged against the streams' versions, its
//! receipt and the lease of the effect it finishes; those that lose are answered, and do not disturb the
//! others. The ground they are judged on is hoped for first, which is nearly always right, and the one
//! statement that writes looks whether it is so: no lock outlives it, whatever becomes of this process.

use self::{ground::Ground, write::Answer};
use super::connect;
use crate::effects::Begun;
use navette_domain::{
    chain::Effect,
    digest::Digest,
    ids::{BatchId, CommandId, DocumentId, EffectId},
};
use sqlx::{PgConnection, PgPool};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

mod ground;
mod write;

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

/// An effect that begins and is to be carried out by the very process that begins it: leased at once, unless
/// something holds it or its document has something else to be done first. It waits for whoever claims it then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedEffect {
    /// Which of those that begin.
    pub id: EffectId,
    /// The lease.
    pub lease: Uuid,
    /// Who holds it.
    pub owner: String,
    /// For how long, unless it is renewed.
    pub lasts: Duration,
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
    /// The one of these that whoever commits goes on with.
    pub handed: Option<HandedEffect>,
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
    /// Whether the effect that it hands over is leased.
    pub handed: bool,
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
    pub answer: oneshot::Sender<Verdict>,
}

/// What becomes of a commit.
type Verdict = Result<Appended, AppendRefusal>;

/// The only task of this process that writes to the log.
pub(super) struct Writer {
    pub pool: PgPool,
    pub head: watch::Sender<i64>,
    pub begun: Arc<Begun>,
    pub instance: Uuid,
    /// Its own, as long as it works: the pool's would be tried each time before they are used.
    pub connection: Option<PgConnection>,
}

impl Writer {
    pub async fn run(mut self, mut waiting: mpsc::Receiver<Pending>) {
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

    fn announce(&self, commits: &[Commit], verdicts: &[Verdict]) {
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
        for (commit, verdict) in commits.iter().zip(verdicts) {
            let Ok(appended) = verdict else {
                continue;
            };
            let handed = commit.handed.as_ref().filter(|_| appended.handed);
            for effect in &commit.begun {
                if handed.is_none_or(|handed| handed.id != effect.id) {
                    self.begun.at(effect.work.neighbour());
                }
            }
            if commit.held.iter().any(|(_, held)| !held) {
                self.begun.everywhere();
            }
        }
    }

    /// Tries until the database answers: receipts make a second try harmless even if the first was written.
    async fn append_stubbornly(&mut self, commits: &[Commit]) -> Vec<Verdict> {
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

    async fn append(&mut self, commits: &[Commit]) -> sqlx::Result<Vec<Verdict>> {
        let mut ground = Ground::hoped_for(commits);
        loop {
            let verdicts = ground.judge(commits);
            let winners: Vec<_> = commits
                .iter()
                .zip(&verdicts)
                .filter_map(|(commit, verdict)| match verdict {
                    Ok(appended) if !appended.replayed => Some((commit, *appended)),
                    _ => None,
                })
                .collect();
            if winners.is_empty() {
                return Ok(verdicts);
            }
            // Dropped, and so closed, unless it answers: what it had under way is then undone by the server.
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => connect(&self.pool).await?,
            };
            let answer = write::write(&mut connection, &ground, &winners, self.instance).await?;
            self.connection = Some(connection);
            match answer {
                Answer::Written { head, handed } => {
                    let mut verdicts = ground.at(head).judge(commits);
                    for (commit, verdict) in commits.iter().zip(&mut verdicts) {
                        if let (Some(wanted), Ok(appended)) = (&commit.handed, verdict) {
                            appended.handed = handed.contains(&wanted.lease);
                        }
                    }
                    return Ok(verdicts);
                }
                // Nothing was written, and at least one of the winners is none: each turn settles some.
                Answer::Otherwise(found) => ground.learn(found),
            }
        }
    }
}

/// Whether the database may answer later: its connection was lost, it starts, it stops, or two
/// transactions stood in each other's way, or in line for too long.
pub(super) fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            matches!(&*code, "40001" | "40P01" | "55P03")
                || code.starts_with("08")
                || code.starts_with("57")
                || code.starts_with("53")
        }),
        _ => false,
    }
}
