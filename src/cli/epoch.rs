//! `navette epoch`: the epochs of the log.

use super::say;
use crate::{app::Database, config::Config, epoch::Memory};
use clap::{Args, Subcommand};
use navette_adapters::log::{Epoch, Log};

/// The options of `navette epoch`.
#[derive(Debug, Args)]
pub struct EpochRole {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Announce that the log, restored or moved, goes on as it is: positions told before no longer hold.
    New {
        /// What happened, for whoever reads the log's history.
        #[arg(long)]
        reason: String,
    },
    /// List the epochs of the log.
    List,
}

pub(super) async fn epoch(role: EpochRole, config: &Config) -> anyhow::Result<()> {
    let database = Database::join(config).await?;
    let told = tell(role, config, &database.log()).await;
    database.close().await;
    told
}

async fn tell(role: EpochRole, config: &Config, log: &Log) -> anyhow::Result<()> {
    match role.what {
        What::New { reason } => {
            line(&log.begin_epoch(&reason).await?);
            Memory::in_folder(&config.data).remember(log).await
        }
        What::List => {
            log.epochs().await?.iter().for_each(line);
            Ok(())
        }
    }
}

fn line(epoch: &Epoch) {
    let Epoch {
        epoch,
        after_position,
        reason,
        began_at,
    } = epoch;
    let began_at = began_at.format("%Y-%m-%d %H:%M:%S");
    say(&format!(
        "{epoch}  after position {after_position}, {began_at} UTC: {reason}"
    ));
}
