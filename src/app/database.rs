//! The database of a process: the site's PostgreSQL or our own, its tables, its connections, its keys.

use crate::{config::Config, workers};
use anyhow::Context as _;
use navette_adapters::{
    keys::Keys,
    log::Log,
    postgres::{self, EmbeddedPostgres, EmbeddedPostgresError},
};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{
    Connection as _, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;

/// The tables that are not projections.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The connections of one process.
const CONNECTIONS: u32 = 16;
/// For how long a connection that was put back is believed to work.
const TRUSTED: Duration = Duration::from_secs(1);
/// Those that look rows up: none is long at it.
const LOOKUPS: u32 = 8;

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
    pool_of(CONNECTIONS)
        .connect_with(options)
        .await
        .context("connecting to PostgreSQL")
}

/// A connection that has just been used is not tried before it is used again, which would cost another journey
/// to the server each time.
fn pool_of(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for > TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// The same database for questions: with connections of their own, which write nothing, and where no
/// statement takes longer than `longest`. A slow question delays no command, and ends.
pub fn for_questions(pool: &PgPool, longest: Duration) -> PgPool {
    let longest = format!("{}ms", longest.as_millis());
    let options = (*pool.connect_options()).clone().options([
        ("statement_timeout", longest.as_str()),
        ("default_transaction_read_only", "on"),
    ]);
    pool_of(CONNECTIONS).connect_lazy_with(options)
}

/// The same for looking rows up by their ids: each statement is planned once on its connection, which costs more
/// than carrying it out, and reads no table from end to end even if it was empty then.
pub fn for_lookups(pool: &PgPool, longest: Duration) -> PgPool {
    let questions = for_questions(pool, longest);
    let options = (*questions.connect_options()).clone().options([
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
    ]);
    pool_of(LOOKUPS).connect_lazy_with(options)
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
