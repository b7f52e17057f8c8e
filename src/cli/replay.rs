//! `navette replay`: the whole log, told again from the start to an empty database.

use super::say;
use crate::{
    app::{self, Database, MIGRATIONS},
    config::Config,
    workers::Projections,
};
use anyhow::Context as _;
use clap::Args;
use navette_adapters::log::{self, Log};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{PgPool, postgres::PgConnectOptions};

/// The options of `navette replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The address of an empty database: `postgres://…`.
    #[arg(long, value_name = "URL")]
    into: SecretString,
}

pub(super) async fn replay(options: &Replay, config: &Config) -> anyhow::Result<()> {
    let target: PgConnectOptions = options
        .into
        .expose_secret()
        .parse()
        .context("understanding --into")?;
    let database = Database::join(config).await?;
    let replayed = async {
        let target = app::connect(target).await?;
        let position = told(&database.log(), &target).await?;
        target.close().await;
        anyhow::Ok(position)
    };
    let replayed = replayed.await;
    database.close().await;
    say(&format!(
        "{} événements rejoués : les tables de lecture de la copie sont à jour.",
        replayed?
    ));
    Ok(())
}

/// Copies the log of `source` into `target`, which is read under the keys of `source`, and lets the projections of `target` fill from it. Returns the
/// last position.
pub async fn told(source: &Log, target: &PgPool) -> anyhow::Result<i64> {
    MIGRATIONS
        .run(target)
        .await
        .context("making the tables of the copy")?;
    let position = log::copy(source.pool(), target).await?;
    let log = Log::open(target.clone(), source.keys().clone());
    let projections = Projections::open(log, navette_projections::all()).await?;
    projections.catch_up().await?;
    Ok(position)
}
