//! The Navette that is killed: everything that the real one runs, without its HTTP door.

use anyhow::Context as _;
use navette::{
    app::{self, App, Database},
    clock::Clock,
    config::Config,
};
use std::{
    io::{Read as _, stderr, stdin},
    path::Path,
    process::ExitCode,
};
use tokio::sync::watch;

/// Lives until it is killed, or whoever started it is gone.
pub fn run(config: &Path) -> ExitCode {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(stderr)
        .init();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match runtime.block_on(live(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "Navette ends");
            ExitCode::FAILURE
        }
    }
}

async fn live(config: &Path) -> anyhow::Result<()> {
    let config = Config::read(config)?;
    let database = Database::open(&config).await?;
    let app = put_together(&config, &database).await?;
    let (_keep, stop) = watch::channel(false);
    app.follow(&stop);
    app.work("navette", &stop).await?;
    let orphaned = tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new()));
    orphaned.await?.context("watching whoever started us")?;
    Ok(())
}

/// The parts of Navette on an open database, with real ports to the neighbours of `config`.
pub async fn put_together(config: &Config, database: &Database) -> anyhow::Result<App> {
    let workshop = app::workshop()?;
    let files = config.data.join("files");
    let ports = app::ports(&config.neighbours, &files, workshop.clone())?;
    let pool = database.pool.clone();
    App::build(pool, ports, workshop, Clock::system(), config.retry.clone()).await
}
