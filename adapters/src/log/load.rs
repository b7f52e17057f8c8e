//! Loading aggregates: streams that are asked for together are read together.
//!
//! One task of the process reads what asks for a few streams, over a connection of its own. What is asked for
//! while it waits for the database is read by its next statement, so that many commands cost it few statements.

use super::{
    Log, archive, connect,
    read::{Reading, Said},
};
use navette_domain::event::{Decider, Stored as _, UnreadableEvent};
use sqlx::{PgConnection, PgPool};
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use uuid::Uuid;

/// The most that is asked for by so many and read by one statement.
const GROUP: usize = 256;
/// Whoever asks for more streams reads them alone.
const FEW: usize = 8;

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

/// The streams that somebody waits for.
#[derive(Debug)]
pub(super) struct Asked {
    streams: Vec<Uuid>,
    /// Dropped when the database does not answer: whoever asked then reads by themselves.
    answer: oneshot::Sender<Vec<Said>>,
}

/// The task that reads for all.
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
        let streams: Vec<Uuid> = group
            .iter()
            .flat_map(|asked| &asked.streams)
            .copied()
            .collect();
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
        let said = asked
            .streams
            .iter()
            .filter_map(|stream| by_stream.get(stream));
        // Whoever asked may have gone.
        let _ = asked.answer.send(said.flatten().cloned().collect());
    }
}

impl Log {
    /// One aggregate; unborn, at version 0, if its stream does not exist.
    pub async fn load<A: Decider>(&self, stream: Uuid) -> Result<StreamState<A>, Reading> {
        let mut loaded = self.load_many(&[stream]).await?;
        Ok(loaded.remove(&stream).unwrap_or_default())
    }

    /// What these streams say, one after the other, read with what others ask for; none when that could not be done.
    async fn said_of(&self, streams: &[Uuid]) -> Option<Vec<Said>> {
        let (answer, heard) = oneshot::channel();
        // Each once: several dossiers may be of one third party.
        let streams: BTreeSet<Uuid> = streams.iter().copied().collect();
        let streams = streams.into_iter().collect();
        self.reader.send(Asked { streams, answer }).await.ok()?;
        heard.await.ok()
    }

    /// Several aggregates of one kind in one statement, from their snapshots if they have any; those that do
    /// not exist are left out.
    pub async fn load_many<A: Decider>(
        &self,
        streams: &[Uuid],
    ) -> Result<HashMap<Uuid, StreamState<A>>, Reading> {
        if streams.is_empty() {
            return Ok(HashMap::new());
        }
        if !A::SNAPSHOTS
            && streams.len() <= FEW
            && let Some(said) = self.said_of(streams).await
        {
            let mut loaded = HashMap::new();
            for said in self.opened(said).await? {
                if said.stream_type == A::TYPE {
                    self.advance(loaded.entry(said.stream_id).or_default(), said)?;
                }
            }
            return Ok(loaded);
        }
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
