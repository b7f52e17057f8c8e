//! From the configuration to everything that runs: the only place that knows all the types.

use crate::{
    batches::Batches,
    bundle::Bundles,
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
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{
    Connection as _, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinHandle;
use uuid::Uuid;

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
        if let Some(url) = &config.database_url {
            let parse = |url: &SecretString, name: &str| {
                let options = url.expose_secret().parse::<PgConnectOptions>();
                options.with_context(|| format!("understanding {name}"))
            };
            let owner = config.migrate_url.as_ref();
            let owner = owner.map(|url| parse(url, "migrate_url")).transpose()?;
            return Self::prepare(config, parse(url, "database_url")?, owner, None).await;
        }
        let embedded = EmbeddedPostgres::start(&config.data.join("postgres")).await?;
        Self::of_our_own(config, &embedded.connect_options(), Some(embedded)).await
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
            Some(owner) if in_use => Self::of_our_own(config, &owner, None).await,
            _ => Err(refused),
        }
    }

    async fn of_our_own(
        config: &Config,
        owner: &PgConnectOptions,
        embedded: Option<EmbeddedPostgres>,
    ) -> anyhow::Result<Self> {
        let application = EmbeddedPostgres::as_application(owner);
        Self::prepare(config, application, Some(owner.clone()), embedded).await
    }

    async fn prepare(
        config: &Config,
        application: PgConnectOptions,
        owner: Option<PgConnectOptions>,
        embedded: Option<EmbeddedPostgres>,
    ) -> anyhow::Result<Self> {
        if let Some(owner) = owner {
            migrate(owner, application.get_username()).await?;
            let pool = connect(application).await?;
            postgres::check_durability(&pool).await?;
            let keys = keys(config, &pool).await?;
            return Ok(Self {
                pool,
                keys,
                embedded,
            });
        }
        let pool = connect(application).await?;
        postgres::check_durability(&pool).await?;
        migrate_alone(&pool).await?;
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

/// Brings the tables up to date as their owner, and gives the application what it needs of them.
async fn migrate(owner: PgConnectOptions, application: &str) -> anyhow::Result<()> {
    let mut owner = PgConnection::connect_with(&owner)
        .await
        .context("connecting to PostgreSQL as the owner of the tables")?;
    MIGRATIONS
        .run(&mut owner)
        .await
        .context("bringing the tables up to date")?;
    postgres::roles::grant(&mut owner, application)
        .await
        .with_context(|| {
            format!("giving the role {application} its rights: the role that migrates must own the database")
        })?;
    Ok(owner.close().await?)
}

/// The same without an owner: the application owns the tables, or somebody else has brought them up to date.
async fn migrate_alone(pool: &PgPool) -> anyhow::Result<()> {
    if postgres::roles::could_change_the_log(pool).await? == Some(false) {
        let done: Vec<i64> =
            sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
                .fetch_all(pool)
                .await
                .context("reading which tables there are")?;
        let missing = MIGRATIONS
            .iter()
            .any(|wanted| !done.contains(&wanted.version));
        anyhow::ensure!(
            !missing,
            "the tables are those of another version: run `navette migrate` with `migrate_url`"
        );
        return Ok(());
    }
    MIGRATIONS
        .run(pool)
        .await
        .context("bringing the tables up to date")
}

/// A pool whose connections cannot hold a lock for ever: a client that stops between two
/// statements of a transaction is cut off.
pub async fn connect(options: PgConnectOptions) -> anyhow::Result<PgPool> {
    connect_for(options, &workers::search_path(&navette_projections::all())).await
}

/// The same, where tables are found along `search_path`.
pub async fn connect_for(options: PgConnectOptions, search_path: &str) -> anyhow::Result<PgPool> {
    let options = options.options([
        ("search_path", search_path),
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
    /// Makes the bundles that auditors take away.
    pub bundles: Bundles,
    /// Follows the log.
    pub projections: Projections,
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
        let erasure = Erasure::new(dispatcher.clone(), projections.clone(), files, retention);
        Ok(Self {
            batches: Batches::new(dispatcher.clone(), library.clone()),
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
        let (pool, batches, standing) = (
            self.pool.clone(),
            self.batches.clone(),
            self.projections.standing(),
        );
        let stopping = stop.clone();
        Ok(vec![
            tokio::spawn(async move { carry_out.run_until(stopping).await }),
            workers::keep_doing("keep_leases", stop.clone(), move || {
                let keeper = keeper.clone();
                async move { keeper.keep_leases().await }
            }),
            workers::keep_doing("close_batches", stop.clone(), move || {
                let (pool, batches, standing) = (pool.clone(), batches.clone(), standing.clone());
                async move { workers::close_batches(&pool, &batches, standing).await }
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
