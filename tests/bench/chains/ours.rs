//! Navette as the bench sees it: it orders batches as a door does, and looks at the database.

use crate::{
    STEPS,
    engine::{Engine, GLANCE, Ledger, PATIENCE, Process},
    furnish::{asks, furnish},
    place::Place,
    work::{self, Claims, Work},
};
use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use navette::{app::App, batches::StartBatch};
use navette_domain::{
    batch::Batch,
    ids::{BatchId, DossierId},
    personal::Personal,
};
use sqlx::ConnectOptions as _;
use std::time::Instant;
use uuid::Uuid;

const CHAIN: &str = include_str!("chain.toml");

/// See the module.
pub struct Ours {
    app: App,
    work: Work,
    process: Process,
    dossiers: Vec<DossierId>,
    batch: Option<BatchId>,
    /// The steps that the log must have in the end.
    steps: i64,
}

impl Ours {
    /// Navette on a database of its own with so many dossiers, working.
    pub async fn start(
        place: &Place,
        dossiers: usize,
        ledger: Option<&Ledger>,
    ) -> anyhow::Result<Self> {
        let pool = place.navette().await?;
        let work = Work::new(pool.connect_options().to_url_lossy().into(), ledger);
        let mut process = work.start()?;
        process.until("ready").await?;
        let app = work::app(pool, None).await?;
        let dossiers = furnish(&app, CHAIN, dossiers).await?;
        let mut ours = Self {
            app,
            work,
            process,
            dossiers,
            batch: None,
            steps: 0,
        };
        // Until it shows what it was furnished with.
        ours.order(1).await?;
        ours.until_done().await?;
        ours.until_shown().await?;
        Ok(ours)
    }

    /// Starts a batch on these of its dossiers.
    pub async fn begin(&mut self, dossiers: &[DossierId]) -> anyhow::Result<BatchId> {
        let batch = BatchId(Uuid::now_v7());
        let ask = StartBatch {
            batch,
            label: "Commission de mars".to_owned(),
            chain_code: "eight-steps".to_owned(),
            dossiers: dossiers.to_vec(),
            reply_to: Some(Personal("agent@departement.example".parse()?)),
        };
        let started = self.app.batches.start(&asks(), &ask).await?;
        ensure!(started.refused.is_empty(), "{:?}", started.refused);
        self.steps += i64::try_from(dossiers.len() * STEPS)?;
        self.batch = Some(batch);
        Ok(batch)
    }

    /// Its dossiers.
    pub fn dossiers(&self) -> Vec<DossierId> {
        self.dossiers.clone()
    }

    /// Waits until a batch has nothing left to do.
    pub async fn until_over(&self, batch: BatchId) -> anyhow::Result<()> {
        self.until("a batch does not end", async || {
            Ok(!self.is_under_way(batch).await?)
        })
        .await
    }

    /// Whether a batch has something left to do.
    pub async fn is_under_way(&self, batch: BatchId) -> anyhow::Result<bool> {
        let left = "SELECT EXISTS (SELECT FROM effects WHERE batch_id = $1)";
        let left = sqlx::query_scalar(left).bind(batch.0);
        Ok(left.fetch_one(&self.app.pool).await?)
    }

    /// Waits until the projections have shown the end of the last batch, and it is closed.
    pub async fn until_shown(&self) -> anyhow::Result<()> {
        let batch = self.batch.context("no batch was started")?;
        self.until("a batch is not closed", async || {
            let loaded = self.app.dispatcher.load::<Batch>(batch.0).await?;
            Ok(matches!(loaded.state, Batch::Completed(_)))
        })
        .await
    }

    async fn until(
        &self,
        otherwise: &str,
        met: impl AsyncFn() -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        while !met().await? {
            ensure!(began.elapsed() < PATIENCE, "{otherwise}");
            tokio::time::sleep(GLANCE).await;
        }
        Ok(())
    }

    /// How many effects are claimed and not recorded.
    pub async fn in_flight(&self) -> anyhow::Result<usize> {
        let leased = "SELECT count(*) FROM effects WHERE lease_token IS NOT NULL";
        let leased: i64 = sqlx::query_scalar(leased).fetch_one(&self.app.pool).await?;
        Ok(usize::try_from(leased)?)
    }

    /// What the table of effects takes, in megabytes, and its dead rows.
    pub async fn table(&self) -> anyhow::Result<(f64, f64)> {
        let asked = "SELECT pg_total_relation_size('effects')::float8 / 1048576, n_dead_tup::float8
                     FROM pg_stat_user_tables WHERE relname = 'effects'";
        Ok(sqlx::query_as(asked).fetch_one(&self.app.pool).await?)
    }

    pub async fn claims(&mut self) -> anyhow::Result<Claims> {
        self.process.tell("claims").await?;
        Ok(serde_json::from_str(&self.process.hear().await?)?)
    }

    /// The memory of its process now, in megabytes.
    pub fn memory_mb(&self) -> anyhow::Result<f64> {
        self.process.memory_mb()
    }

    /// Ends it, once every step of every chain is found in the log, one event each.
    pub async fn stop(mut self, place: &Place) -> anyhow::Result<()> {
        let steps =
            "SELECT count(*), count(DISTINCT (stream_id, payload::jsonb ->> 'step')) FROM events
                     WHERE stream_type = 'document' AND payload::jsonb ? 'step'";
        let found: (i64, i64) = sqlx::query_as(steps).fetch_one(&self.app.pool).await?;
        let wanted = self.steps;
        ensure!(found == (wanted, wanted), "{found:?} of {wanted} steps");
        self.process.kill().await?;
        place.drop(self.app.pool.clone()).await
    }
}

#[async_trait(?Send)]
impl Engine for Ours {
    fn name(&self) -> &'static str {
        "Navette"
    }

    async fn order(&mut self, chains: usize) -> anyhow::Result<()> {
        let dossiers = self.dossiers.get(..chains).context("too few dossiers")?;
        let dossiers = dossiers.to_vec();
        self.begin(&dossiers).await?;
        Ok(())
    }

    async fn until_done(&mut self) -> anyhow::Result<()> {
        let batch = self.batch.context("no batch was started")?;
        self.until_over(batch).await
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await
    }

    async fn restart(&mut self) -> anyhow::Result<()> {
        self.process = self.work.start()?;
        Ok(())
    }
}
