//! One run: a fresh database and fresh neighbours, one batch through the whole chain; then the same office
//! files through the PDF workers alone.

use crate::{
    cpu::{Cpu, NEIGHBOURS},
    furnish::{asks, furnish},
};
use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use navette::{
    app::{self, App, MIGRATIONS},
    batches::StartBatch,
    clock::Clock,
    neighbourhood::{Manners, Neighbourhood},
    workers::{RetryPolicy, Timing},
};
use navette_adapters::{
    keys::Keys, postgres::EmbeddedPostgres, sim::ledger::Ledger, workshop::Workshop,
};
use navette_domain::{
    batch::Batch,
    document::{Document, DocumentEvent},
    event::{Event, Recorded},
    ids::{BatchId, DocumentId, DossierId},
    ports::{OfficeFormat, OfficeWorkshop as _},
    third_party::Retention,
};
use sqlx::{Connection as _, PgConnection};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{runtime::Runtime, sync::watch};
use uuid::Uuid;

const CHAIN: &str = include_str!("../../examples/chains/notification-attribution.toml");

/// The effects that each letter has at the neighbours, once each.
const EFFECTS: usize = 12;

/// What stays from one run to the next.
pub struct Bench {
    /// Of Navette, and of everything that is asked here.
    pub runtime: Runtime,
    /// Of the simulated neighbours, so that their time is counted apart.
    neighbours: Runtime,
    postgres: EmbeddedPostgres,
    workshop: Arc<Workshop>,
    _folder: tempfile::TempDir,
}

/// What one batch cost.
pub struct Measured {
    /// How many letters.
    pub letters: usize,
    /// From the order until nothing is left to do.
    pub wall: Duration,
    /// Each kind of work of the chain.
    pub work: BTreeMap<&'static str, Timing>,
    /// Each projection.
    pub projections: BTreeMap<&'static str, Timing>,
    /// Who used the processor.
    pub cpu: Cpu,
    /// Commands written to the log, and the events they caused.
    pub commits: i64,
    /// See `commits`.
    pub events: i64,
    /// What was converted.
    pub office: Vec<(Vec<u8>, OfficeFormat)>,
}

/// What the PDF workers alone cost.
pub struct Alone {
    /// For all the files.
    pub wall: Duration,
    /// Of the PDF workers.
    pub cpu: Duration,
}

/// People answer at once, so that a neighbour who has nothing to say yet is asked again soon.
fn policy() -> RetryPolicy {
    RetryPolicy {
        poll_ms: 100,
        ..RetryPolicy::default()
    }
}

/// A chain that stops moving is a failure of the bench.
fn patience(letters: usize) -> Duration {
    Duration::from_mins(1) + Duration::from_secs(2) * u32::try_from(letters).unwrap_or(u32::MAX)
}

fn runtime(name: &str) -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .thread_name(name)
        // The time of a thread that ends is counted no more.
        .thread_keep_alive(Duration::from_hours(1))
        .enable_all()
        .build()?)
}

impl Bench {
    /// An embedded PostgreSQL, and PDF workers that are warm.
    pub fn start() -> anyhow::Result<Self> {
        let runtime = runtime("navette")?;
        let folder = tempfile::tempdir()?;
        // PostgreSQL may have to run under another account, which passes through here.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        std::fs::set_permissions(folder.path(), open)?;
        let data = folder.path().join("postgres");
        let postgres = runtime.block_on(EmbeddedPostgres::start(&data))?;
        Ok(Self {
            runtime,
            neighbours: self::runtime(NEIGHBOURS)?,
            postgres,
            workshop: app::workshop()?,
            _folder: folder,
        })
    }

    /// Takes a batch of `letters` through the whole chain.
    pub fn chain(&self, letters: usize) -> anyhow::Result<Measured> {
        let neighbours = self
            .neighbours
            .block_on(Neighbourhood::start(Manners::obliging()))?;
        let measured = self.runtime.block_on(self.measure(letters, &neighbours))?;
        check(&neighbours.ledger, letters)?;
        Ok(measured)
    }

    async fn measure(&self, letters: usize, around: &Neighbourhood) -> anyhow::Result<Measured> {
        let (app, files) = self.app(around).await?;
        let (stop, stopping) = watch::channel(false);
        let mut workers = app.follow(&stopping);
        workers.extend(app.work("bench", &stopping).await?);
        let dossiers = furnish(&app, CHAIN, letters).await?;
        let log = app.dispatcher.log().clone();
        until_projected(&app).await?;

        let position = log.last_position().await?;
        let commits = commits(&app).await?;
        let projections = app.projections.timings().snapshot();
        let cpu = Cpu::now()?;
        let began = Instant::now();
        let batch = start(&app, dossiers.clone()).await?;
        until_over(&app, batch, &dossiers).await?;
        let wall = began.elapsed();
        let cpu = Cpu::now()? - cpu;

        let events = log.last_position().await? - position;
        let measured = Measured {
            letters,
            wall,
            work: app.timings.snapshot(),
            projections: since(&app.projections.timings().snapshot(), &projections),
            cpu,
            commits: self::commits(&app).await? - commits,
            events,
            office: office(&app, position).await?,
        };
        let _ = stop.send(true);
        for worker in workers {
            worker.await?;
        }
        app.pool.close().await;
        drop(files);
        Ok(measured)
    }

    async fn app(&self, around: &Neighbourhood) -> anyhow::Result<(App, tempfile::TempDir)> {
        let name = format!("bench_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect_with(&self.postgres.connect_options()).await?;
        sqlx::query(&format!("CREATE DATABASE {name}"))
            .execute(&mut admin)
            .await?;
        admin.close().await?;
        let pool = app::connect(self.postgres.connect_options().database(&name)).await?;
        MIGRATIONS.run(&pool).await?;
        let files = tempfile::tempdir()?;
        let ports = app::ports(&around.config(), files.path(), self.workshop.clone())?;
        let key_file = files.path().join("checkpoint.key");
        let app = App::build(
            pool.clone(),
            Keys::of_tests(pool),
            ports,
            Clock::system(),
            policy(),
            Retention::default(),
            key_file,
        )
        .await?;
        Ok((app, files))
    }

    /// Converts `office` with the same PDF workers and nothing else.
    pub fn alone(&self, office: &[(Vec<u8>, OfficeFormat)]) -> anyhow::Result<Alone> {
        let at_once = 2 * std::thread::available_parallelism()?.get();
        let cpu = Cpu::now()?;
        let began = Instant::now();
        self.runtime.block_on(
            stream::iter(office.iter().map(Ok::<_, anyhow::Error>)).try_for_each_concurrent(
                at_once,
                |(bytes, format)| async move {
                    let made = chrono::DateTime::UNIX_EPOCH;
                    self.workshop.convert(bytes, *format, made).await?;
                    Ok(())
                },
            ),
        )?;
        Ok(Alone {
            wall: began.elapsed(),
            cpu: (Cpu::now()? - cpu).libreoffice,
        })
    }

    /// Stops what was started.
    pub fn stop(self) {
        self.runtime.block_on(self.postgres.stop());
    }
}

async fn start(app: &App, dossiers: Vec<DossierId>) -> anyhow::Result<BatchId> {
    let batch = BatchId(Uuid::now_v7());
    let ask = StartBatch {
        batch,
        label: "Commission de mars".to_owned(),
        chain_code: "notification-attribution".to_owned(),
        dossiers,
        reply_to: None,
    };
    let started = app.batches.start(&asks(), &ask).await?;
    ensure!(started.refused.is_empty(), "{:?}", started.refused);
    Ok(batch)
}

/// Waits until the batch is complete, no outside work is left, and the projections have seen it all.
async fn until_over(app: &App, batch: BatchId, dossiers: &[DossierId]) -> anyhow::Result<()> {
    let effects = app.effects("observer");
    let deadline = Instant::now() + patience(dossiers.len());
    loop {
        let loaded = app.dispatcher.load::<Batch>(batch.0).await?;
        if matches!(loaded.state, Batch::Completed(_)) && effects.waiting().await? == 0 {
            return until_projected(app).await;
        }
        if Instant::now() > deadline {
            return Err(stuck(app, batch, dossiers).await);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until_projected(app: &App) -> anyhow::Result<()> {
    let mut standing = app.projections.standing();
    let last = app.dispatcher.log().last_position().await?;
    standing
        .wait_for(|standing| standing.position >= last)
        .await?;
    Ok(())
}

async fn stuck(app: &App, batch: BatchId, dossiers: &[DossierId]) -> anyhow::Error {
    for dossier in dossiers {
        let id = DocumentId::of_dossier(batch, *dossier);
        match app.dispatcher.load::<Document>(id.0).await {
            Ok(loaded) => {
                let journey = loaded.state.journey();
                if let Some(trouble) = journey.and_then(navette_domain::document::Journey::trouble)
                {
                    return anyhow::anyhow!("a letter stopped: {trouble}");
                }
            }
            Err(error) => return error,
        }
    }
    anyhow::anyhow!("the batch does not end, and no letter says why")
}

async fn commits(app: &App) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM command_receipts")
        .fetch_one(&app.pool)
        .await?)
}

fn since(
    now: &BTreeMap<&'static str, Timing>,
    before: &BTreeMap<&'static str, Timing>,
) -> BTreeMap<&'static str, Timing> {
    let mut since = now.clone();
    for (kind, timing) in &mut since {
        if let Some(before) = before.get(kind) {
            timing.count -= before.count;
            timing.busy -= before.busy;
        }
    }
    since
}

/// The office files that were merged after `position`.
async fn office(app: &App, position: i64) -> anyhow::Result<Vec<(Vec<u8>, OfficeFormat)>> {
    let events = app.dispatcher.log().read(position, i64::MAX).await?.events;
    let merged = |recorded: &Recorded| match &recorded.event {
        Event::Document(DocumentEvent::Merged { office, format, .. }) => Some((*office, *format)),
        _ => None,
    };
    stream::iter(events.iter().filter_map(merged))
        .then(|(office, format)| async move {
            let found = app.ports.files.get(office).await;
            let bytes = found.map_err(|error| anyhow::anyhow!(error))?;
            Ok((bytes.context("an office file is gone")?, format))
        })
        .try_collect()
        .await
}

/// The bench counts only if the work was done, once for each letter.
fn check(ledger: &Ledger, letters: usize) -> anyhow::Result<()> {
    let mut effects: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for entry in ledger.entries() {
        effects
            .entry((entry.neighbour, entry.effect))
            .or_default()
            .push(entry.key);
    }
    for ((neighbour, effect), keys) in &effects {
        let different: BTreeSet<_> = keys.iter().collect();
        let (done, once) = (keys.len(), different.len());
        ensure!(
            done == once,
            "{neighbour}: « {effect} » was done {done} times for {once} letters"
        );
    }
    let complete = effects
        .values()
        .filter(|keys| keys.len() == letters)
        .count();
    ensure!(complete >= EFFECTS, "some effects are missing: {effects:?}");
    Ok(())
}
