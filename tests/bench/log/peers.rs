//! The databases of the peers.

use crate::place::Place;
use anyhow::{Context as _, ensure};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// The connections of each, as in production.
const CONNECTIONS: u32 = 16;
const MESSAGE_DB: &str = "@eventide/message-db@1.3.1";

/// The engine's own tables, as its `db/init.sql` makes them.
const STOCK: &str = "CREATE TABLE events (
    aggregate_type text                         NOT NULL,
    aggregate_id   text                         NOT NULL,
    sequence       bigint CHECK (sequence >= 0) NOT NULL,
    event_type     text                         NOT NULL,
    event_version  text                         NOT NULL,
    payload        json                         NOT NULL,
    metadata       json                         NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
CREATE TABLE seen (
    view_id text                        NOT NULL PRIMARY KEY,
    version bigint CHECK (version >= 0) NOT NULL,
    payload json                        NOT NULL
)";

impl Place {
    /// How much may still be written, in bytes.
    pub fn free_space(&self) -> anyhow::Result<u64> {
        let found = nix::sys::statvfs::statvfs(self.folder.path())?;
        Ok(found.blocks_available() * found.fragment_size())
    }

    /// One of the engine's own store.
    pub async fn stock(&self) -> anyhow::Result<PgPool> {
        let pool = pool(self.empty().await?).await?;
        sqlx::raw_sql(STOCK).execute(&pool).await?;
        Ok(pool)
    }

    /// One of message-db, installed from its package.
    pub async fn message_db(&self) -> anyhow::Result<PgPool> {
        let scripts = install_message_db()?;
        let options = self.empty().await?.options([
            ("search_path", "message_store,public"),
            ("client_min_messages", "warning"),
        ]);
        let pool = pool(options).await?;
        for folder in [
            "roles",
            "schema",
            "extensions",
            "types",
            "tables",
            "functions",
            "indexes",
        ] {
            for script in scripts_of(&scripts.join(folder))? {
                let text = fs::read_to_string(&script)?;
                sqlx::raw_sql(&text)
                    .execute(&pool)
                    .await
                    .with_context(|| script.display().to_string())?;
            }
        }
        Ok(pool)
    }
}

async fn pool(options: PgConnectOptions) -> anyhow::Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
    let pool = pool.acquire_timeout(Duration::from_mins(1));
    Ok(pool.connect_with(options).await?)
}

fn scripts_of(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut scripts = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    scripts.sort();
    Ok(scripts)
}

/// The folder of its scripts.
fn install_message_db() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/message-db");
    let scripts = folder.join("node_modules/@eventide/message-db/database");
    if !scripts.exists() {
        println!("installing {MESSAGE_DB}");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("package.json"), "{\"private\": true}")?;
        let status = Command::new("npm")
            .args(["install", "--silent", "--no-fund", "--no-audit", MESSAGE_DB])
            .current_dir(&folder)
            .status()
            .context("npm")?;
        ensure!(status.success(), "npm: {status}");
    }
    Ok(scripts)
}
