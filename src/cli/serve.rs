//! `navette serve` and `navette work`.

use super::{Door, Node, stop_on_signal};
use crate::{
    app::{self, App, Database},
    clock::Clock,
    config::Config,
    workers::Stop,
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
        let http = door.serve(&app, &config.http, stop.clone());
        run(&app, work, &stop, vec![http]).await
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
        run(&app, true, &stop, vec![]).await
    };
    let worked = worked.await;
    database.close().await;
    worked
}

/// Everything that this configuration asks for, on an open database.
pub(crate) async fn build(config: &Config, database: &Database) -> anyhow::Result<App> {
    let workshop = app::workshop()?;
    let ports = app::ports(config.neighbours()?, &config.files(), workshop.clone())?;
    App::build(
        database.pool.clone(),
        database.keys.clone(),
        ports,
        Clock::system(),
        config.retry.clone(),
        config.retention(),
    )
    .await
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
