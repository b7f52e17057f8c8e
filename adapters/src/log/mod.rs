//! The log: one table of events with dense, commit-ordered positions.
//!
//! Commands append through one task per process, which writes what is waiting in one transaction under the
//! order lock (`append`); readers follow with a single number (`read`). Nothing is ever updated.

mod append;
mod read;
mod store;
mod upcast;

pub use append::{AppendRefusal, Appended, Commit, FinishedEffect, NewEvent, StreamAppend};
pub use read::{Reading, StreamState};
pub use store::{LogContext, LogStore};

use crate::log::append::Pending;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot, watch};

/// How many commits may wait for the appender before callers wait too.
const WAITING_COMMITS: usize = 4096;

/// The log of one database, as this process sees it.
#[derive(Debug, Clone)]
pub struct Log {
    pool: PgPool,
    appender: mpsc::Sender<Pending>,
    head: watch::Sender<i64>,
}

impl Log {
    /// Opens the log; the appender lives as long as somebody holds a clone.
    pub fn open(pool: PgPool) -> Self {
        let (appender, waiting) = mpsc::channel(WAITING_COMMITS);
        let (head, _) = watch::channel(0);
        tokio::spawn(append::run(pool.clone(), waiting, head.clone()));
        Self {
            pool,
            appender,
            head,
        }
    }

    /// Writes a commit whole, or says why nothing was written. When the answer of the database is lost, it
    /// is asked again: the receipt makes that safe.
    pub async fn append(&self, commit: Commit) -> Result<Appended, AppendRefusal> {
        let (answer, heard) = oneshot::channel();
        let gone = || AppendRefusal::Fault("the appender has stopped".to_owned());
        self.appender
            .send(Pending { commit, answer })
            .await
            .map_err(|_| gone())?;
        heard.await.map_err(|_| gone())?
    }

    /// The last position that this process knows of, as it grows.
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// Says that another process has written up to `position`.
    pub fn heard_of(&self, position: i64) {
        self.head
            .send_if_modified(|head| std::mem::replace(head, position.max(*head)) < position);
    }

    /// The pool under the log.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}
