//! One PostgreSQL for all who are measured, and a database for each.

use anyhow::Context as _;
use navette::app::{self, MIGRATIONS};
use navette_adapters::postgres::EmbeddedPostgres;
use sqlx::{Connection as _, PgConnection, PgPool, postgres::PgConnectOptions};
use std::fs;
use uuid::Uuid;

/// See the module.
pub struct Place {
    postgres: EmbeddedPostgres,
    /// Where its files are, and others may be.
    pub folder: tempfile::TempDir,
}

impl Place {
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // PostgreSQL may have to run under another account, which passes through here.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        fs::set_permissions(folder.path(), open)?;
        let postgres = EmbeddedPostgres::start(&folder.path().join("postgres")).await?;
        Ok(Self { postgres, folder })
    }

    pub async fn stop(self) {
        self.postgres.stop().await;
    }

    /// A database without a table.
    pub async fn empty(&self) -> anyhow::Result<PgConnectOptions> {
        let name = format!("bench_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect_with(&self.postgres.connect_options()).await?;
        sqlx::query(&format!("CREATE DATABASE {name}"))
            .execute(&mut admin)
            .await?;
        admin.close().await?;
        Ok(self.postgres.connect_options().database(&name))
    }

    /// A database of Navette's, with the connections it has in production.
    pub async fn navette(&self) -> anyhow::Result<PgPool> {
        let pool = app::connect(self.empty().await?).await?;
        MIGRATIONS.run(&pool).await?;
        Ok(pool)
    }

    /// Gives the room of a database back.
    pub async fn drop(&self, pool: PgPool) -> anyhow::Result<()> {
        let name = pool.connect_options().get_database().map(str::to_owned);
        pool.close().await;
        let name = name.context("a database without a name")?;
        let mut admin = PgConnection::connect_with(&self.postgres.connect_options()).await?;
        sqlx::query(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .execute(&mut admin)
            .await?;
        admin.close().await?;
        Ok(())
    }
}
