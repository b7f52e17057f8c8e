//! From the configuration to everything that runs: the only place that knows all the types.

mod database;
mod doors;
mod trials;

pub use database::{Database, MIGRATIONS, connect, connect_for, for_lookups, for_questions};
pub use trials::{Tried, directory_trial, source_trial, trials};

use crate::{
    batches::Batches,
    bundle::Bundles,
    clock::Clock,
    config::{ExportsConfig, NeighboursConfig},
    dispatch::Dispatcher,
    erasure::Erasure,
    exports::Exports,
    library::Library,
    schedules::{Places, Schedules},
    steps::{Ports, Steps},
    templates::Templates,
    triggers::Triggers,
    workers::{self, CarryOut, Gates, Projections, RetryPolicy, Rounds, Stop, Timings},
};
use anyhow::Context as _;
use navette_adapters::{
    effects::Effects, file_store::Files, keys::Keys, libreoffice::PoolOptions, log::Log,
    maarch::MaarchCourrier, nextcloud::Nextcloud, pdf::Signatories, services::ConfiguredServices,
    smtp::Smtp, workshop::Workshop,
};
use navette_domain::third_party::Retention;
use sqlx::PgPool;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Everything that doors and workers share.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub pool: PgPool,
    /// Takes commands to the log.
    pub dispatcher: Dispatcher,
    /// Starts and moves batches.
    pub batches: Batches,
    /// Takes templates in.
    pub templates: Templates,
    /// Makes the bundles that auditors take away.
    pub bundles: Bundles,
    /// Follows the log.
    pub projections: Projections,
    /// Takes exports to their bytes.
    pub exports: Exports,
    /// Carries schedules of exports out.
    pub schedules: Schedules,
    /// Starts chains by itself.
    pub triggers: Triggers,
    /// Erases third parties.
    pub erasure: Erasure,
    /// Does the outside work.
    pub ports: Ports,
    /// Tells the time.
    pub clock: Clock,
    /// In which epoch of the log this process began.
    pub epoch: Uuid,
    /// Where the time of its outside work goes.
    pub timings: Timings,
    policy: RetryPolicy,
}

impl App {
    /// Puts the parts together on an open database; checkpoints are signed with the key in `key_file`.
    pub async fn build(
        pool: PgPool,
        keys: Keys,
        ports: Ports,
        clock: Clock,
        policy: RetryPolicy,
        retention: Retention,
        key_file: PathBuf,
    ) -> anyhow::Result<Self> {
        let log = Log::open(pool.clone(), keys);
        let epoch = log.epoch().await.context("reading the log's epoch")?;
        let dispatcher = Dispatcher::new(log.clone(), clock.clone());
        let projections = Projections::open(log, navette_projections::all()).await?;
        let library = Library::new(dispatcher.clone(), ports.files.clone());
        let files = ports.files.clone();
        let erasure = Erasure::new(
            dispatcher.clone(),
            projections.clone(),
            files.clone(),
            retention,
        );
        let (shown, policy_of_exports) = (projections.standing(), ExportsConfig::default());
        let exports = Exports::new(
            dispatcher.clone(),
            files.clone(),
            shown.clone(),
            policy_of_exports,
        );
        let postman = ports.postman.clone();
        let batches = Batches::new(dispatcher.clone(), library.clone());
        let triggers = Triggers::new(dispatcher.clone(), batches.clone(), shown.clone());
        let schedules = Schedules::new(dispatcher.clone(), exports.clone(), files, postman, shown);
        Ok(Self {
            batches,
            triggers,
            templates: Templates::new(
                dispatcher.clone(),
                library,
                ports.files.clone(),
                ports.office.clone(),
            ),
            bundles: Bundles::new(
                dispatcher.clone(),
                ports.files.clone(),
                key_file,
                projections.standing(),
            ),
            projections,
            exports,
            schedules,
            erasure,
            pool,
            dispatcher,
            ports,
            clock,
            epoch,
            timings: Timings::default(),
            policy,
        })
    }

    /// The same, under another policy of exports.
    pub fn with_exports(mut self, policy: ExportsConfig) -> anyhow::Result<Self> {
        let places = Places::of(&policy)?;
        self.exports = self.exports.under(policy);
        self.schedules = self.schedules.to(self.exports.clone(), places);
        Ok(self)
    }

    /// The effects of this database, for the process that calls itself `owner`.
    pub fn effects(&self, owner: &str) -> Effects {
        Effects::new(
            self.pool.clone(),
            owner.to_owned(),
            Duration::from_millis(self.policy.lease_ms),
        )
    }

    /// Follows the log: what every process does, even one that only answers questions.
    pub fn follow(&self, stop: &Stop) -> Vec<JoinHandle<()>> {
        let (projections, erasure) = (self.projections.clone(), self.erasure.clone());
        vec![
            workers::listen(self.dispatcher.log().clone(), stop.clone()),
            workers::keep_doing("project", stop.clone(), move || {
                let projections = projections.clone();
                async move { projections.follow().await }
            }),
            self.build_missing(stop),
            workers::keep_doing("erase", stop.clone(), move || {
                let erasure = erasure.clone();
                async move { erasure.follow().await }
            }),
        ]
    }

    /// Builds the read models that this release wants and that are not there.
    fn build_missing(&self, stop: &Stop) -> JoinHandle<()> {
        let projections = self.projections.clone();
        let mut stop = stop.clone();
        tokio::spawn(async move {
            let building = projections.build_missing_until_done();
            tokio::select! {
                () = building => {}
                () = workers::stopped(&mut stop) => {}
            }
        })
    }

    /// Carries effects out and closes batches, as the process that calls itself `owner`.
    pub async fn work(&self, owner: &str, stop: &Stop) -> anyhow::Result<Vec<JoinHandle<()>>> {
        let effects = self.effects(owner);
        let gates = Gates::new(&self.policy);
        let freed = effects.free_own().await?;
        if freed > 0 {
            tracing::info!(
                effects = freed,
                "effects that this process held when it was stopped are free again"
            );
        }
        let steps = Steps::new(
            self.dispatcher.clone(),
            self.ports.clone(),
            self.clock.clone(),
        );
        let rounds = Rounds::new(
            effects.clone(),
            steps.clone(),
            gates.clone(),
            self.policy.clone(),
        );
        let carry_out = CarryOut::new(
            effects.clone(),
            steps,
            self.dispatcher.clone(),
            self.policy.clone(),
            self.timings.clone(),
            gates.clone(),
        );
        let keeper = carry_out.clone();
        let (pool, batches, standing) = (
            self.pool.clone(),
            self.batches.clone(),
            self.projections.standing(),
        );
        let (stopping, rounding) = (stop.clone(), stop.clone());
        let exports = self.exports.clone();
        let (schedules, triggers) = (self.schedules.clone(), self.triggers.clone());
        Ok(vec![
            tokio::spawn(async move { carry_out.run_until(stopping).await }),
            tokio::spawn(async move { rounds.run_until(rounding).await }),
            gates.keep(effects, stop.clone()),
            workers::keep_doing("keep_leases", stop.clone(), move || {
                let keeper = keeper.clone();
                async move { keeper.keep_leases().await }
            }),
            workers::keep_doing("close_batches", stop.clone(), move || {
                let (pool, batches, standing) = (pool.clone(), batches.clone(), standing.clone());
                async move { workers::close_batches(&pool, &batches, standing).await }
            }),
            workers::keep_doing("exports", stop.clone(), move || {
                let exports = exports.clone();
                async move { exports.work().await }
            }),
            workers::keep_doing("export_schedules", stop.clone(), move || {
                let schedules = schedules.clone();
                async move { schedules.work().await }
            }),
            workers::keep_doing("triggers", stop.clone(), move || {
                let triggers = triggers.clone();
                async move { triggers.work().await }
            }),
        ])
    }
}

/// The real neighbours.
pub fn ports(
    config: &NeighboursConfig,
    files: &Path,
    workshop: Arc<Workshop>,
) -> anyhow::Result<Ports> {
    let files = Files::in_folder(files)
        .map_err(|error| anyhow::anyhow!(error))
        .context("opening the file store")?;
    Ok(Ports {
        files: Arc::new(files),
        office: workshop,
        visa: Arc::new(Nextcloud::new(config.nextcloud.clone())?),
        desk: config.desk.open()?,
        signatories: Arc::new(Signatories::new(&config.signatories)?),
        register: Arc::new(MaarchCourrier::new(config.maarch.clone())?),
        postman: Arc::new(Smtp::new(&config.smtp)?),
        porte_documents: doors::porte_documents(&config.porte_documents)?,
        grants_tool: doors::grants_tool(&config.grants_tool)?,
        services: Arc::new(ConfiguredServices::new(&config.services)?),
    })
}

/// Our own office workshop, whose PDF workers are this very program.
pub fn workshop() -> anyhow::Result<Arc<Workshop>> {
    let program = std::env::current_exe().context("finding our own program")?;
    Ok(Arc::new(Workshop::new(PoolOptions::for_this_machine(
        vec![program.into(), "pdf-worker".into()],
    ))))
}
