//! From the configuration to everything that runs: the only place that knows all the types.

use crate::{
    batches::Batches,
    clock::Clock,
    config::{Config, NeighboursConfig},
    dispatch::Dispatcher,
    erasure::Erasure,
    library::Library,
    steps::{Ports, Steps},
    templates::Templates,
    workers::{self, CarryOut, Projections, RetryPolicy, Stop, Timings},
};
use anyhow::Context as _;
use navette_adapters::{
    effects::Effects,
    file_store::Files,
    grants_tool::GenericGrantsTool,
    iparapheur::IParapheur,
    keys::Keys,
    libreoffice::PoolOptions,
    log::Log,
    maarch::MaarchCourrier,
    nextcloud::Nextcloud,
    porte_documents::GenericPorteDocuments,
    postgres::{self, EmbeddedPostgres, EmbeddedPostgresError},
    smtp::Smtp,
    workshop::Workshop,
};
use navette_domain::third_party::Retention;
use secrecy::ExposeSecret as _;
use sqlx::{
    PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// The tables that are not projections.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The connections of one process.
const CONNECTIONS: u32 = 16;

/// A database that is open, and ours to stop when it is embedded.
pub struct Database {
    /// Its pool.
    pub pool: PgPool,
    /// The keys of its personal values.
    pub keys: Keys,
    embedded: Option<EmbeddedPostgres>,
}

impl Database {
    /// Opens the site's PostgreSQL, or starts our own; brings its tables up to date.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let (options, embedded) = if let Some(url) = &config.database_url {
            let options: PgConnectOptions = url
                .expose_secret()
                .parse()
                .context("understanding database_url")?;
            (options, None)
        } else {
            let embedded = EmbeddedPostgres::start(&config.data.join("postgres")).await?;
            (embedded.connect_options(), Some(embedded))
        };
        Self::prepare(config, options, embedded).await
    }

    /// The same for work that may be done beside another Navette: when that one runs the embedded
    /// PostgreSQL, its server is used.
    pub async fn join(config: &Config) -> anyhow::Result<Self> {
        let refused = match Self::open(config).await {
            Ok(database) => return Ok(database),
            Err(refused) => refused,
        };
        let in_use = matches!(
            refused.downcast_ref(),
            Some(EmbeddedPostgresError::InUse(_))
        );
        match EmbeddedPostgres::reach(&config.data.join("postgres")) {
            Some(options) if in_use => Self::prepare(config, options, None).await,
            _ => Err(refused),
        }
    }

    async fn prepare(
        config: &Config,
        options: PgConnectOptions,
        embedded: Option<EmbeddedPostgres>,
    ) -> anyhow::Result<Self> {
        let pool = connect(options).await?;
        postgres::check_durability(&pool).await?;
        MIGRATIONS
            .run(&pool)
            .await
            .context("bringing the tables up to date")?;
        let keys = keys(config, &pool).await?;
        Ok(Self {
            pool,
            keys,
            embedded,
        })
    }

    /// Its log, as one more process sees it.
    pub fn log(&self) -> Log {
        Log::open(self.pool.clone(), self.keys.clone())
    }

    /// Stops our own PostgreSQL, if we run one.
    pub async fn close(self) {
        self.pool.close().await;
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// A pool whose connections cannot hold the order lock for ever: a client that stops between two
/// statements of a transaction is cut off.
pub async fn connect(options: PgConnectOptions) -> anyhow::Result<PgPool> {
    let options = options.options([
        ("idle_in_transaction_session_timeout", "10s"),
        ("TimeZone", "UTC"),
        // A plan made while the tables are empty reads them from end to end once they are full.
        ("plan_cache_mode", "force_custom_plan"),
    ]);
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options)
        .await
        .context("connecting to PostgreSQL")
}

/// The keys of personal values: in the log's database, unless the configuration gives them another.
async fn keys(config: &Config, pool: &PgPool) -> anyhow::Result<Keys> {
    let (pool, apart) = match &config.keys.url {
        None => (pool.clone(), false),
        Some(url) => {
            let options = url.expose_secret().parse();
            (
                connect(options.context("understanding keys.url")?).await?,
                true,
            )
        }
    };
    let keys = Keys::open(pool, apart, &config.master_key()).await;
    keys.context("opening the keys of personal data")
}

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
    /// Follows the log.
    pub projections: Projections,
    /// Erases third parties.
    pub erasure: Erasure,
    /// Does the outside work.
    pub ports: Ports,
    /// Tells the time.
    pub clock: Clock,
    /// Where the time of its outside work goes.
    pub timings: Timings,
    policy: RetryPolicy,
}

impl App {
    /// Puts the parts together on an open database.
    pub async fn build(
        pool: PgPool,
        keys: Keys,
        ports: Ports,
        clock: Clock,
        policy: RetryPolicy,
        retention: Retention,
    ) -> anyhow::Result<Self> {
        let log = Log::open(pool.clone(), keys);
        let dispatcher = Dispatcher::new(log.clone(), clock.clone());
        let library = Library::new(dispatcher.clone(), ports.files.clone());
        let projections = Projections::open(log, navette_projections::all()).await?;
        let files = ports.files.clone();
        let erasure = Erasure::new(dispatcher.clone(), projections.clone(), files, retention);
        Ok(Self {
            batches: Batches::new(dispatcher.clone(), library.clone()),
            templates: Templates::new(
                dispatcher.clone(),
                library,
                ports.files.clone(),
                ports.office.clone(),
            ),
            projections,
            erasure,
            pool,
            dispatcher,
            ports,
            clock,
            timings: Timings::default(),
            policy,
        })
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
            workers::keep_doing("erase", stop.clone(), move || {
                let erasure = erasure.clone();
                async move { erasure.follow().await }
            }),
        ]
    }

    /// Carries effects out and closes batches, as the process that calls itself `owner`.
    pub async fn work(&self, owner: &str, stop: &Stop) -> anyhow::Result<Vec<JoinHandle<()>>> {
        let effects = self.effects(owner);
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
        let carry_out = CarryOut::new(
            effects,
            steps,
            self.dispatcher.clone(),
            self.policy.clone(),
            self.timings.clone(),
        );
        let keeper = carry_out.clone();
        let (pool, batches, position) = (
            self.pool.clone(),
            self.batches.clone(),
            self.projections.position(),
        );
        let stopping = stop.clone();
        Ok(vec![
            tokio::spawn(async move { carry_out.run_until(stopping).await }),
            workers::keep_doing("keep_leases", stop.clone(), move || {
                let keeper = keeper.clone();
                async move { keeper.keep_leases().await }
            }),
            workers::keep_doing("close_batches", stop.clone(), move || {
                let (pool, batches, position) = (pool.clone(), batches.clone(), position.clone());
                async move { workers::close_batches(&pool, &batches, position).await }
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
        desk: Arc::new(IParapheur::new(&config.iparapheur)?),
        register: Arc::new(MaarchCourrier::new(config.maarch.clone())?),
        postman: Arc::new(Smtp::new(&config.smtp)?),
        porte_documents: Arc::new(GenericPorteDocuments::new(&config.porte_documents)?),
        grants_tool: Arc::new(GenericGrantsTool::new(&config.grants_tool)?),
    })
}

/// Our own office workshop, whose PDF workers are this very program.
pub fn workshop() -> anyhow::Result<Arc<Workshop>> {
    let program = std::env::current_exe().context("finding our own program")?;
    Ok(Arc::new(Workshop::new(PoolOptions::for_this_machine(
        vec![program.into(), "pdf-worker".into()],
    ))))
}
