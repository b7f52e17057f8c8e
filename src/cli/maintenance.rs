//! `navette migrate`, `navette rebuild` and `navette projections`.

use super::say;
use crate::{
    app::Database,
    config::Config,
    workers::{self, Projections, Status},
};
use anyhow::Context as _;
use clap::Args;
use navette_adapters::log::Log;
use navette_projections::Projector;

/// The options of `navette rebuild`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
#[command(group = clap::ArgGroup::new("what"))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct Rebuild {
    /// The projection to rebuild.
    #[arg(group = "which")]
    name: Option<String>,
    /// Rebuild all of them.
    #[arg(long, group = "which")]
    all: bool,
    /// Put the rebuilt tables in place even if they are not what the live ones are.
    #[arg(long, group = "what")]
    accept_differences: bool,
    /// Put back the tables whose place the last rebuild took, brought up to date.
    #[arg(long = "return", group = "what")]
    go_back: bool,
    /// Forget the tables whose place was taken, and those that are not finished.
    #[arg(long, group = "what")]
    drop: bool,
}

/// The options of `navette projections`.
#[derive(Debug, Args)]
pub struct Show {
    /// Let a projection that is held try again.
    #[arg(long, value_name = "NAME")]
    resume: Option<String>,
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
        let name = projector.name();
        let done = one(options, &log, projector.as_ref())
            .await
            .with_context(|| format!("rebuilding {name}"))?;
        say(&format!("{name}: {done}"));
    }
    Ok(())
}

/// Does what is asked for one projection, and says what was done.
async fn one(options: &Rebuild, log: &Log, projector: &dyn Projector) -> anyhow::Result<String> {
    if options.drop {
        workers::drop_unread(log.pool(), projector).await?;
        return Ok("only the live tables are left".to_owned());
    }
    if options.go_back {
        let position = workers::return_to_former(log, projector).await?;
        return Ok(format!(
            "the former tables are back, at position {position}"
        ));
    }
    let rebuilt = workers::rebuild(log, projector, options.accept_differences).await?;
    for difference in &rebuilt.differences {
        say(&format!("  {difference}"));
    }
    let rows: Vec<_> = rebuilt
        .rows
        .iter()
        .map(|(table, rows)| format!("{table} {rows}"))
        .collect();
    Ok(format!(
        "rebuilt up to position {}, each event applied once; rows: {}; differences: {}",
        rebuilt.position,
        rows.join(", "),
        rebuilt.differences.len()
    ))
}

pub(super) async fn projections(options: &Show, config: &Config) -> anyhow::Result<()> {
    let database = Database::join(config).await?;
    let shown = show(options, &database).await;
    database.close().await;
    shown
}

async fn show(options: &Show, database: &Database) -> anyhow::Result<()> {
    if let Some(name) = &options.resume {
        let resumed = workers::resume(&database.pool, name).await?;
        anyhow::ensure!(resumed, "no projection of this name has failed");
        say(&format!("{name} tries again"));
    }
    for copy in workers::statuses(&database.pool).await? {
        say(&line(&copy));
    }
    Ok(())
}

fn line(copy: &Status) -> String {
    let Status {
        name,
        shape,
        place,
        position,
        head,
        behind,
        ..
    } = copy;
    let state = match (&copy.failed_at, &copy.trouble) {
        (Some(at), Some(trouble)) if copy.held => format!(", held before {at}: {trouble}"),
        (Some(at), Some(trouble)) => {
            format!(", {} failures at {at}: {trouble}", copy.failures)
        }
        _ => String::new(),
    };
    format!("{name} {shape} {place}: {position} of {head}, {behind:.0} s behind{state}")
}
