//! `navette migrate` and `navette rebuild`.

use super::say;
use crate::{
    app::Database,
    config::Config,
    workers::{self, Projections},
};
use anyhow::Context as _;
use clap::Args;
use navette_adapters::log::Log;

/// The options of `navette rebuild`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct Rebuild {
    /// The projection to rebuild.
    #[arg(group = "which")]
    name: Option<String>,
    /// Rebuild all of them.
    #[arg(long, group = "which")]
    all: bool,
}

/// Brings the tables up to date: that is what opening the database does.
pub(super) async fn migrate(config: &Config) -> anyhow::Result<()> {
    let database = Database::join(config).await?;
    say("the tables are up to date");
    database.close().await;
    Ok(())
}

pub(super) async fn rebuild(options: &Rebuild, config: &Config) -> anyhow::Result<()> {
    let database = Database::join(config).await?;
    let rebuilt = rebuild_in(options, database.log()).await;
    database.close().await;
    rebuilt
}

async fn rebuild_in(options: &Rebuild, log: Log) -> anyhow::Result<()> {
    let projections = Projections::open(log.clone(), navette_projections::all()).await?;
    let wanted: Vec<_> = projections
        .projectors()
        .iter()
        .filter(|projector| options.all || options.name.as_deref() == Some(projector.name()))
        .collect();
    if wanted.is_empty() {
        let names: Vec<_> = projections
            .projectors()
            .iter()
            .map(|projector| projector.name())
            .collect();
        anyhow::bail!(
            "no projection has this name; there are {}",
            names.join(", ")
        );
    }
    for projector in wanted {
        let position = workers::rebuild(&log, projector.as_ref())
            .await
            .with_context(|| format!("rebuilding {}", projector.name()))?;
        say(&format!(
            "{}: rebuilt up to position {position}",
            projector.name()
        ));
    }
    Ok(())
}
