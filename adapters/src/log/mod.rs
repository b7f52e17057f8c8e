//! The log: one table of events with dense, commit-ordered positions.
//!
//! Commands append through one task per process, which writes what is waiting in one transaction under the
//! order lock (`append`); readers follow with a single number (`read`). Nothing is ever updated: what older releases wrote
//! is read through the domain's upcasters.

#![expect(
    clippy::disallowed_methods,
    reason = "each opened log has a name of its own; the engine names no command"
)]

mod ahead;
mod append;
pub mod archive;
mod copy;
mod epoch;
mod load;
mod read;
mod snapshots;
mod store;
#[cfg(all(test, feature = "sim"))]
pub(crate) mod tests;

pub use append::{
    AppendRefusal, Appended, Commit, FinishedEffect, HandedEffect, NewEvent, StreamAppend,
};
pub use copy::copy;
pub use epoch::{Epoch, Seen, Unannounced};
pub use load::StreamState;
pub(crate) use read::Row;
pub use read::{Reading, Stretch};
pub use store::{LogContext, LogStore};

use crate::{
    effects::Begun,
    keys::Keys,
    log::append::{PAUSE, Pending, TRIES, is_passing},
};
use navette_domain::{
    digest::Digest,
    upcast::{UPCASTERS, Upcaster},
};
use sqlx::{Executor as _, PgConnection, PgPool};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

/// How many commits, and streams to be read, may wait before callers wait too.
const WAITING: usize = 4096;

/// The log of one database, as this process sees it.
#[derive(Debug, Clone)]
pub struct Log {
    pool: PgPool,
    appender: mpsc::Sender<Pending>,
    reader: mpsc::Sender<load::Asked>,
    head: watch::Sender<i64>,
    begun: Arc<Begun>,
    instance: Uuid,
    keys: Keys,
    upcasters: &'static [Upcaster],
}

impl Log {
    /// Opens the log, whose personal values these keys seal; the appender and the reader live as long as
    /// somebody holds a clone.
    pub fn open(pool: PgPool, keys: Keys) -> Self {
        let (appender, waiting) = mpsc::channel(WAITING);
        let (head, _) = watch::channel(0);
        let begun = Arc::new(Begun::default());
        let instance = Uuid::now_v7();
        let writer = append::Writer {
            pool: pool.clone(),
            head: head.clone(),
            begun: begun.clone(),
            instance,
            connection: None,
        };
        tokio::spawn(writer.run(waiting));
        let (reader, asked) = mpsc::channel(WAITING);
        let together = load::Reader {
            pool: pool.clone(),
            connection: None,
        };
        tokio::spawn(together.run(asked));
        Self {
            pool,
            appender,
            reader,
            head,
            begun,
            instance,
            keys,
            upcasters: UPCASTERS,
        }
    }

    /// The same for a test, under keys that everybody knows.
    #[cfg(any(test, feature = "sim"))]
    pub fn of_tests(pool: PgPool) -> Self {
        Self::open(pool.clone(), Keys::of_tests(pool))
    }

    /// Writes a commit whole, or says why nothing was written. When the answer of the database is lost, it
    /// is asked again: the receipt makes that safe.
    pub async fn append(&self, mut commit: Commit) -> Result<Appended, AppendRefusal> {
        commit.content = self.keys.blind(commit.content);
        self.seal_stubbornly(&mut commit).await?;
        let (answer, heard) = oneshot::channel();
        let gone = || AppendRefusal::Fault("the appender has stopped".to_owned());
        self.appender
            .send(Pending { commit, answer })
            .await
            .map_err(|_| gone())?;
        heard.await.map_err(|_| gone())?
    }

    /// Tries until the keys answer, as the appender does.
    async fn seal_stubbornly(&self, commit: &mut Commit) -> Result<(), AppendRefusal> {
        let mut tries = 0;
        while let Err(fault) = self.keys.seal(&mut commit.streams).await {
            if tries == TRIES || !fault.database().is_some_and(is_passing) {
                tracing::error!(error = format!("{fault:?}"), "events cannot be sealed");
                return Err(AppendRefusal::Fault(fault.to_string()));
            }
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Whether a receipt is of this very content, which it does not hold itself.
    pub fn is_receipt_of(&self, receipt: Digest, content: Digest) -> bool {
        receipt == self.keys.blind(content)
    }

    /// The keys of its personal values.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The last position that this process knows of, as it grows.
    pub fn head(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// Which neighbours have work that has just begun.
    pub fn begun(&self) -> Arc<Begun> {
        self.begun.clone()
    }

    /// Listens to what other processes write, until the connection is lost.
    pub async fn listen(&self) -> sqlx::Result<()> {
        let mut listener = sqlx::postgres::PgListener::connect_with(&self.pool).await?;
        listener.listen("navette_log").await?;
        // What was written before the first notification is not announced.
        self.heard_of(self.last_position().await.unwrap_or(0));
        self.begun.everywhere();
        loop {
            let notification = listener.recv().await?;
            let Some((position, instance)) = notification.payload().split_once(' ') else {
                continue;
            };
            if instance != self.instance.to_string() {
                self.heard_of(position.parse().unwrap_or(0));
                self.begun.everywhere();
            }
        }
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

/// A connection for one statement, over and over. Its plans are made once, perhaps while the tables are empty,
/// and must look rows up by their indexes ever after; nobody waits for a lock without end.
pub(crate) async fn connect(pool: &PgPool) -> sqlx::Result<PgConnection> {
    let mut connection = pool.acquire().await?.detach();
    let settings = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
                    SET lock_timeout = '10s'";
    connection.execute(settings).await?;
    Ok(connection)
}
