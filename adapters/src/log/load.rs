//! Loading aggregates: streams that are asked for together are read together.
//!
//! One task of the process reads single streams, over a connection of its own. What is asked for while it
//! waits for the database is read by its next statement, so that many commands cost it few statements.

use super::{
    Log, archive, connect,
    read::{Reading, Said},
};
use navette_domain::event::{Decider, Stored as _, UnreadableEvent};
use sqlx::{PgConnection, PgPool};
use std::{collections::HashMap, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use uuid::Uuid;

/// The most streams that are read by one statement.
const GROUP: usize = 256;

/// How long the database may take for them.
const PATIENCE: Duration = Duration::from_secs(10);

/// An aggregate as its stream tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamState<A> {
    /// The state.
    pub state: A,
    /// The number of events behind it; 0 for a stream that does not exist.
    pub version: i64,
}

/// A stream that somebody waits for.
#[derive(Debug)]
pub(super) struct Asked {
    stream: Uuid,
    /// Dropped when the database does not answer: whoever asked then reads by themselves.
    answer: oneshot::Sender<Vec<Said>>,
}

/// The task that reads single streams.
pub(super) struct Reader {
    pub pool: PgPool,
    /// Its own, as long as it works: the pool's would be tried each time before they are used.
    pub connection: Option<PgConnection>,
}

impl Reader {
    pub async fn run(mut self, mut waiting: mpsc::Receiver<Asked>) {
        let mut group = Vec::new();
        while waiting.recv_many(&mut group, GROUP).await > 0 {
            // One task for all: it must not wait for a server that says nothing any more.
            match timeout(PATIENCE, self.read(&group)).await {
                Ok(Ok(said)) => answer(&mut group, said),
                failed => {
                    tracing::warn!(?failed, "streams cannot be read together");
                    group.clear();
                }
            }
        }
    }

    async fn read(&mut self, group: &[Asked]) -> sqlx::Result<Vec<Said>> {
        let streams: Vec<Uuid> = group.iter().map(|asked| asked.stream).collect();
        // Dropped, and so closed, unless it answers.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.pool).await?,
        };
        let said = sqlx::query_as(
            "SELECT position, stream_type, stream_id, version, event_type, event_version, payload
             FROM events WHERE stream_id = ANY ($1) ORDER BY stream_id, version",
        )
        .bind(streams)
        .fetch_all(&mut connection)
        .await?;
        self.connection = Some(connection);
        Ok(said)
    }
}

fn answer(group: &mut Vec<Asked>, said: Vec<Said>) {
    let mut by_stream: HashMap<Uuid, Vec<Said>> = HashMap::with_capacity(group.len());
    for said in said {
        by_stream.entry(said.stream_id).or_default().push(said);
    }
    for asked in group.drain(..) {
        let said = by_stream.get(&asked.stream).cloned();
        // Whoever asked may have gone.
        let _ = asked.answer.send(said.unwrap_or_default());
    }
}

impl Log {
    /// One aggregate; unborn, at version 0, if its stream does not exist.
    pub async fn load<A: Decider>(&self, stream: Uuid) -> Result<StreamState<A>, Reading> {
        if !A::SNAPSHOTS
            && let Some(said) = self.said_of(stream).await
        {
            let mut loaded = StreamState::default();
            for said in self.opened(said).await? {
                if said.stream_type == A::TYPE {
                    self.advance(&mut loaded, said)?;
                }
            }
            return Ok(loaded);
        }
        let mut loaded = self.load_many(&[stream]).await?;
        Ok(loaded.remove(&stream).unwrap_or_default())
    }

    /// What a stream says, read with others; none when that could not be done.
    async fn said_of(&self, stream: Uuid) -> Option<Vec<Said>> {
        let (answer, heard) = oneshot::channel();
        self.reader.send(Asked { stream, answer }).await.ok()?;
        heard.await.ok()
    }

    /// Several aggregates of one kind in one statement, from their snapshots if they have any; those that do
    /// not exist are left out.
    pub async fn load_many<A: Decider>(
        &self,
        streams: &[Uuid],
    ) -> Result<HashMap<Uuid, StreamState<A>>, Reading> {
        let mut loaded = self.snapshots::<A>(streams).await?;
        let known: HashMap<Uuid, i64> = streams
            .iter()
            .map(|id| (*id, loaded.get(id).map_or(0, |kept| kept.version)))
            .collect();
        let said: Vec<Said> = sqlx::query_as(
            "SELECT position, stream_type, stream_id, version, event_type, event_version, payload
             FROM events WHERE stream_id = ANY ($1) AND stream_type = $2 AND version > $3
             ORDER BY stream_id, version",
        )
        .bind(streams)
        .bind(A::TYPE)
        .bind(known.values().min().copied().unwrap_or_default())
        .fetch_all(&self.pool)
        .await?;
        for said in self.opened(said).await? {
            if known
                .get(&said.stream_id)
                .is_none_or(|known| said.version > *known)
            {
                self.advance(loaded.entry(said.stream_id).or_default(), said)?;
            }
        }
        self.keep_snapshots(&known, &loaded);
        Ok(loaded)
    }

    /// One event further.
    fn advance<A: Decider>(&self, loaded: &mut StreamState<A>, said: Said) -> Result<(), Reading> {
        let position = said.position;
        let place = (said.version, position);
        archive::check_follows(said.stream_id, place, loaded.version)?;
        loaded.version = said.version;
        for (event_type, payload) in said.current(self.upcasters)? {
            let event = A::Event::read(&event_type, &payload);
            let event = event.map_err(|cause| Reading::Unreadable {
                position,
                cause: UnreadableEvent { event_type, cause },
            })?;
            loaded.state.apply(event);
        }
        Ok(())
    }
}
