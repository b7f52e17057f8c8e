//! A log, and two projections of which one does as a test tells it.

use async_trait::async_trait;
use navette::{
    app::{self, MIGRATIONS},
    workers::{Projections, Standing, search_path},
};
use navette_adapters::{
    log::{Commit, Log, NewEvent, StreamAppend},
    postgres::test_cluster::TestDatabase,
};
use navette_domain::{
    batch::BatchEvent,
    digest::Digest,
    event::{Metadata, Recorded},
    ids::CommandId,
};
use navette_projections::Projector;
use sqlx::{PgConnection, PgPool};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::sync::Notify;
use uuid::Uuid;

/// Nothing that a test waits for takes this long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Positions at which a `Tally` misbehaves; 0 for nowhere.
#[derive(Default)]
pub struct Whims {
    /// Its table refuses the event.
    pub refuses: AtomicI64,
    /// It panics.
    pub panics: AtomicI64,
    /// It tells another thing than what happened.
    pub lies: AtomicI64,
    /// It stands still until it is woken.
    pub sleeps: AtomicI64,
    /// It fell asleep.
    pub asleep: Notify,
    /// It may wake up.
    pub wake: Notify,
    seen: Mutex<HashMap<i64, u32>>,
}

impl Whims {
    /// How often the event at this position was seen.
    pub fn seen(&self, position: i64) -> u32 {
        self.seen
            .lock()
            .unwrap()
            .get(&position)
            .copied()
            .unwrap_or(0)
    }
}

/// Keeps the position of every event, in a table of its own.
#[derive(Clone)]
pub struct Tally {
    pub name: &'static str,
    pub tables: &'static [&'static str],
    pub schema: &'static str,
    pub whims: Arc<Whims>,
}

impl Tally {
    pub fn new() -> Self {
        Self {
            name: "tally",
            tables: &["tally"],
            schema: "CREATE TABLE tally (position bigint PRIMARY KEY, what text NOT NULL,
                     CONSTRAINT no_refusal CHECK (what <> 'refused'))",
            whims: Arc::default(),
        }
    }

    /// One that always does as it should.
    pub fn sound() -> Self {
        Self {
            name: "sound",
            tables: &["sound"],
            schema: "CREATE TABLE sound (position bigint PRIMARY KEY, what text NOT NULL)",
            ..Self::new()
        }
    }
}

#[async_trait]
impl Projector for Tally {
    fn name(&self) -> &'static str {
        self.name
    }

    fn tables(&self) -> &'static [&'static str] {
        self.tables
    }

    fn schema(&self) -> &'static str {
        self.schema
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let (whims, here) = (&self.whims, recorded.position);
        *whims.seen.lock().unwrap().entry(here).or_default() += 1;
        assert_ne!(whims.panics.load(SeqCst), here, "as the test wants it");
        if whims.sleeps.load(SeqCst) == here {
            whims.asleep.notify_one();
            whims.wake.notified().await;
        }
        let what = match here {
            here if here == whims.refuses.load(SeqCst) => "refused",
            here if here == whims.lies.load(SeqCst) => "something else",
            _ => &recorded.event_type,
        };
        sqlx::query(&format!(
            "INSERT INTO {} (position, what) VALUES ($1, $2)",
            self.name
        ))
        .bind(here)
        .bind(what)
        .execute(connection)
        .await?;
        Ok(())
    }
}

pub struct Site {
    pub database: TestDatabase,
    pub log: Log,
    pub node: Projections,
    pub tally: Tally,
}

impl Site {
    pub async fn open() -> Self {
        Self::with_events(0).await
    }

    /// With so many events that were there before.
    pub async fn with_events(count: usize) -> Self {
        let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
        let tally = Tally::new();
        let (log, node) = node(&database, &tally).await;
        let site = Self {
            database,
            log,
            node,
            tally,
        };
        site.append(count).await;
        site.node.catch_up().await.unwrap();
        site
    }

    pub async fn append(&self, count: usize) -> i64 {
        append(&self.log, count).await
    }

    /// The positions and events of a table, as whoever reads sees them.
    pub async fn rows(&self, table: &str) -> Vec<(i64, String)> {
        rows(self.log.pool(), table).await
    }

    pub async fn until(&self, holds: impl FnMut(&Standing) -> bool) -> Standing {
        let mut standing = self.node.standing();
        let settled = tokio::time::timeout(PATIENCE, standing.wait_for(holds)).await;
        settled.expect("waited in vain").unwrap().clone()
    }
}

/// Another process on the same database.
pub async fn node(database: &TestDatabase, tally: &Tally) -> (Log, Projections) {
    let projectors =
        || -> Vec<Box<dyn Projector>> { vec![Box::new(tally.clone()), Box::new(Tally::sound())] };
    let path = search_path(&projectors());
    let pool = app::connect_for(database.connect_options(), &path)
        .await
        .unwrap();
    let log = Log::of_tests(pool);
    (
        log.clone(),
        Projections::open(log, projectors()).await.unwrap(),
    )
}

/// Appends so many events, some per command, and says where the last one is.
pub async fn append(log: &Log, count: usize) -> i64 {
    let mut last = log.last_position().await.unwrap();
    let events: Vec<usize> = (0..count).collect();
    for events in events.chunks(1_000) {
        let command = CommandId(Uuid::new_v4());
        let metadata = Metadata {
            command,
            actor: "token:test".to_owned(),
            batch: None,
            dossier: None,
            effect: None,
        };
        let metadata = serde_json::to_string(&metadata).unwrap();
        let event = BatchEvent::Paused {
            at: crate::story::noon(),
        };
        let appended = log.append(Commit {
            command,
            content: Digest::of(command.0.as_bytes()),
            streams: vec![StreamAppend {
                stream_type: "batch",
                stream_id: Uuid::new_v4(),
                expected: 0,
                events: events
                    .iter()
                    .map(|_| NewEvent::of(&event, &metadata).unwrap())
                    .collect(),
            }],
            finished: None,
            begun: vec![],
            handed: None,
            dropped: vec![],
            held: vec![],
        });
        last = appended.await.unwrap().position;
    }
    last
}

pub async fn rows(pool: &PgPool, table: &str) -> Vec<(i64, String)> {
    sqlx::query_as(&format!(
        "SELECT position, what FROM {table} ORDER BY position"
    ))
    .fetch_all(pool)
    .await
    .unwrap()
}

/// Positions 1 to `last`, each with its event.
pub fn whole(last: i64) -> Vec<(i64, String)> {
    (1..=last)
        .map(|position| (position, "batch.paused".to_owned()))
        .collect()
}
