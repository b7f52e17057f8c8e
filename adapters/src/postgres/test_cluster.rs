//! Databases for tests: one private PostgreSQL per test process, one fresh database per test, copied from
//! a template that was migrated once.

#![expect(
    clippy::disallowed_methods,
    reason = "each test has a database of its own"
)]

use super::EmbeddedPostgres;
use anyhow::Context as _;
use sqlx::{
    Connection as _, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    collections::HashSet,
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use tokio::sync::{Mutex, OnceCell};
use uuid::Uuid;

/// The server of this process. It keeps no connection, since each test has a runtime of its own; it is
/// never dropped, and ends with the process like any other.
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static TEMPLATES: Mutex<Option<HashSet<String>>> = Mutex::const_new(None);

/// Tests run side by side, each with a few connections, on a server that allows a hundred.
const CONNECTIONS: u32 = 5;
const SLOTS: u32 = 64;

struct Cluster {
    server: EmbeddedPostgres,
    /// Says that the slot is taken.
    _slot: File,
}

/// A migrated database that nobody else uses. It goes with the cluster, when its slot is used again.
#[derive(Debug)]
pub struct TestDatabase {
    /// A pool of few connections.
    pub pool: PgPool,
    options: PgConnectOptions,
}

impl TestDatabase {
    /// A fresh database with the tables that `migrations` makes.
    pub async fn create(migrations: &Migrator) -> anyhow::Result<Self> {
        let cluster = CLUSTER.get_or_try_init(Cluster::start).await?;
        let template = cluster.template(migrations).await?;
        let name = format!("test_{}", Uuid::new_v4().simple());
        let options = cluster.copy(&template, &name).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_with(options.clone())
            .await?;
        Ok(Self { pool, options })
    }

    /// How to reach it with another pool, or from another process.
    pub fn connect_options(&self) -> PgConnectOptions {
        self.options.clone()
    }
}

impl Cluster {
    async fn start() -> anyhow::Result<Self> {
        let (folder, slot) = free_slot()?;
        let server = EmbeddedPostgres::start(&folder).await?;
        Ok(Self {
            server,
            _slot: slot,
        })
    }

    async fn admin(&self) -> sqlx::Result<PgConnection> {
        PgConnection::connect_with(&self.server.connect_options()).await
    }

    /// The name of the database that holds the tables of `migrations`, made by the first who asks.
    async fn template(&self, migrations: &Migrator) -> anyhow::Result<String> {
        let checksums: Vec<u8> = migrations
            .iter()
            .flat_map(|m| m.checksum.to_vec())
            .collect();
        let digest = navette_domain::digest::Digest::of(&checksums).to_string();
        let name = format!("template_{}", digest.get(..16).unwrap_or_default());
        let mut made = TEMPLATES.lock().await;
        let made = made.get_or_insert_default();
        if !made.contains(&name) {
            // A test that was stopped while it migrated leaves half a template.
            let leftover = format!("DROP DATABASE IF EXISTS {name}");
            sqlx::query(&leftover)
                .execute(&mut self.admin().await?)
                .await?;
            let options = self.copy("template0", &name).await?;
            let mut connection = PgConnection::connect_with(&options).await?;
            migrations.run(&mut connection).await?;
            // A template must have no connection left.
            connection.close().await?;
            made.insert(name.clone());
        }
        Ok(name)
    }

    async fn copy(&self, template: &str, name: &str) -> sqlx::Result<PgConnectOptions> {
        let mut admin = self.admin().await?;
        // Both names are made of our own letters and digits.
        sqlx::query(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .execute(&mut admin)
            .await?;
        admin.close().await?;
        Ok(self.server.connect_options().database(name))
    }
}

/// A folder that no other test process uses, empty. Slots are used again, so that nothing piles up.
fn free_slot() -> anyhow::Result<(PathBuf, File)> {
    let account = nix::unistd::geteuid();
    let slots = std::env::temp_dir().join(format!("navette-tests-{account}"));
    fs::create_dir_all(&slots)?;
    // The server's account passes through it.
    fs::set_permissions(&slots, Permissions::from_mode(0o711))
        .context("the folder of the test databases belongs to another account")?;
    for slot in 0..SLOTS {
        let lock = File::create(slots.join(format!("{slot}.lock")))?;
        if lock.try_lock().is_ok() {
            let folder = slots.join(slot.to_string());
            remove(&folder)?;
            return Ok((folder, lock));
        }
    }
    anyhow::bail!("{SLOTS} test processes already run a PostgreSQL each")
}

fn remove(folder: &Path) -> std::io::Result<()> {
    // The server of the process before may still be writing its last files there.
    for _ in 0..100 {
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    }
    fs::remove_dir_all(folder)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use sqlx::migrate::{Migration, MigrationType};

    fn migrations() -> Migrator {
        let migration = Migration::new(
            1,
            "a table".into(),
            MigrationType::Simple,
            "CREATE TABLE things (id int PRIMARY KEY)".into(),
            false,
        );
        Migrator {
            migrations: vec![migration].into(),
            ..Migrator::DEFAULT
        }
    }

    #[tokio::test]
    async fn each_test_has_a_migrated_database_to_itself() {
        let migrations = migrations();
        let (one, other) = tokio::join!(
            TestDatabase::create(&migrations),
            TestDatabase::create(&migrations)
        );
        let (one, other) = (one.unwrap(), other.unwrap());
        sqlx::query("INSERT INTO things VALUES (1)")
            .execute(&one.pool)
            .await
            .unwrap();
        let there: i64 = sqlx::query_scalar("SELECT count(*) FROM things")
            .fetch_one(&other.pool)
            .await
            .unwrap();
        assert_eq!(there, 0);
        super::super::check_durability(&one.pool).await.unwrap();
    }
}
