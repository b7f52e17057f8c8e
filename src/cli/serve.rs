//! `navette serve` and `navette work`.

use super::{Door, Node, stop_on_signal};
use crate::{
    app::{self, App, Database},
    clock::Clock,
    config::Config,
    epoch::Memory,
    workers::{self, Sealing, Stop},
};
use clap::Args;
use std::net::SocketAddr;
use tokio::task::JoinHandle;

/// The options of `navette serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen, instead of what the configuration says.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Leave the work to processes started as `navette work`.
    #[arg(long)]
    no_work: bool,
}

/// What `serve` does.
pub(super) struct Serving {
    config: Config,
    work: bool,
}

impl Serve {
    pub(super) fn apply(self, mut config: Config) -> Serving {
        config.http.listen = self.listen.unwrap_or(config.http.listen);
        Serving {
            config,
            work: !self.no_work,
        }
    }
}

/// Answers HTTP until told to stop.
pub(super) async fn serve(serving: Serving) -> anyhow::Result<()> {
    let Serving { config, work } = serving;
    let stop = stop_on_signal()?.subscribe();
    let database = Database::open(&config).await?;
    let served = async {
        let app = build(&config, &database).await?;
        let door = Door::open(config.http.listen).await?;
        tracing::info!(address = %door.address(), "answering");
        let memory = Memory::in_folder(&config.data).keep(app.dispatcher.log().clone(), &stop);
        let mut tasks = vec![door.serve(&app, &config.http, stop.clone())?, memory];
        if work {
            tasks.push(seal(&config, &app, &stop)?);
        }
        run(&app, work, &stop, tasks).await
    };
    let served = served.await;
    database.close().await;
    served
}

/// Carries the work out until told to stop.
pub(super) async fn work(config: Config) -> anyhow::Result<()> {
    let stop = stop_on_signal()?.subscribe();
    let database = Database::join(&config).await?;
    let worked = async {
        let app = build(&config, &database).await?;
        let memory = Memory::in_folder(&config.data).keep(app.dispatcher.log().clone(), &stop);
        let sealing = seal(&config, &app, &stop)?;
        run(&app, true, &stop, vec![memory, sealing]).await
    };
    let worked = worked.await;
    database.close().await;
    worked
}

/// Everything that this configuration asks for, on an open database whose log is what it was here.
pub(crate) async fn build(config: &Config, database: &Database) -> anyhow::Result<App> {
    Memory::in_folder(&config.data)
        .check(&database.log())
        .await?;
    let workshop = app::workshop()?;
    let ports = app::ports(config.neighbours()?, &config.files(), workshop.clone())?;
    let app = App::build(
        database.pool.clone(),
        database.keys.clone(),
        ports,
        Clock::system(),
        config.retry.clone(),
        config.retention(),
        config.key_file(),
    )
    .await?;
    app.with_exports(config.exports.clone())
}

/// Seals the log, as long as the work is carried out.
fn seal(config: &Config, app: &App, stop: &Stop) -> anyhow::Result<JoinHandle<()>> {
    let sealing = Sealing::open(
        app.pool.clone(),
        &config.key_file(),
        config.checkpoints.clone(),
        app.ports.postman.clone(),
    )?;
    Ok(workers::seal(sealing, stop.clone()))
}

/// Runs everything until told to stop, and until all that was under way has ended.
async fn run(
    app: &App,
    work: bool,
    stop: &Stop,
    mut tasks: Vec<JoinHandle<()>>,
) -> anyhow::Result<()> {
    tasks.extend(app.follow(stop));
    let node = if work {
        let node = Node::claim(&app.pool).await?;
        tracing::info!(node = node.name(), "carrying the work out");
        tasks.extend(app.work(node.name(), stop).await?);
        Some(node)
    } else {
        None
    };
    for task in tasks {
        task.await?;
    }
    if let Some(node) = node {
        node.release().await;
    }
    Ok(())
}
