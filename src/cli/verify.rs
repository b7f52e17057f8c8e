//! `navette verify` and `navette checkpoint`: the log, proved.

use super::say;
use crate::{app::Database, config::Config, epoch::Memory};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use navette_adapters::proof::{self, CheckpointKey, Sealer, Trust};
use navette_domain::proof::{SignedCheckpoint, VerifierKey};
use sqlx::PgPool;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use uuid::Uuid;

/// The options of `navette verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// Verify this stream alone: its chain, and its events in the last checkpoint.
    #[arg(long, value_name = "ID", conflicts_with = "checkpoints")]
    stream: Option<Uuid>,
    /// A checkpoint that was kept outside, to be held against the log of now; may be repeated.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Verify only what came after this checkpoint, which was kept outside.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stream", "checkpoints"])]
    from: Option<PathBuf>,
    /// The public key that checkpoints must be signed with, as `navette checkpoint key` printed it;
    /// otherwise the key of this machine.
    #[arg(long, value_name = "KEY")]
    key: Option<VerifierKey>,
}

/// What `navette checkpoint` does.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Checkpoint {
    /// Print the public key, for auditors to keep.
    Key,
    /// Make a checkpoint now, if the last one does not cover the log, and print it.
    Seal,
    /// Print the last checkpoint.
    Show,
    /// Change the key that signs, and print the passage to the new one, signed by both, for auditors to keep.
    Rotate,
    /// Print what time stamp authorities said of the last checkpoints.
    Stamps,
}

/// Prints what was found, in French; fails when something is wrong.
pub(super) async fn verify(options: Verify, config: &Config) -> anyhow::Result<ExitCode> {
    let held = options.checkpoints.iter().map(|path| held(path));
    let held = held.collect::<anyhow::Result<Vec<_>>>()?;
    let from = options.from.as_deref().map(self::held).transpose()?;
    let key = match options.key {
        Some(key) => key.public,
        None if config.key_file().exists() => {
            let key = CheckpointKey::read(&config.key_file())?;
            key.verifier(Uuid::nil()).public
        }
        // Nothing was sealed from here: no signature can be true.
        None => [0; 32],
    };
    let authority = config.checkpoints.time_stamp.as_ref();
    let authorities = match authority {
        Some(authority) => authority.authorities()?,
        None => None,
    };
    let trust = Trust { key, authorities };
    let database = Database::join(config).await?;
    let report = match (options.stream, from) {
        (Some(stream), _) => proof::verify_stream(&database.pool, &trust, stream).await,
        (None, Some(from)) => proof::verify_from(&database.pool, &trust, &from).await,
        (None, None) => proof::verify(&database.pool, &trust, held).await,
    };
    database.close().await;
    let report = report.context("reading the log")?;
    say(&report.to_string());
    Ok(if report.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn held(path: &Path) -> anyhow::Result<SignedCheckpoint> {
    let note = std::fs::read_to_string(path)
        .with_context(|| format!("reading the checkpoint {}", path.display()))?;
    note.parse()
        .with_context(|| format!("understanding the checkpoint {}", path.display()))
}

pub(super) async fn checkpoint(what: Checkpoint, config: &Config) -> anyhow::Result<()> {
    let database = Database::join(config).await?;
    let print = print(what, config, &database.pool);
    let printed = match what {
        Checkpoint::Seal | Checkpoint::Rotate => {
            let memory = Memory::in_folder(&config.data);
            memory.around(&database.log(), print).await
        }
        Checkpoint::Key | Checkpoint::Show | Checkpoint::Stamps => print.await,
    };
    database.close().await;
    say(printed?.trim_end());
    Ok(())
}

async fn print(what: Checkpoint, config: &Config, pool: &PgPool) -> anyhow::Result<String> {
    let key = || CheckpointKey::open(&config.key_file());
    match what {
        Checkpoint::Key => {
            let epoch: Uuid = sqlx::query_scalar("SELECT epoch FROM log")
                .fetch_one(pool)
                .await?;
            return Ok(key()?.verifier(epoch).to_string());
        }
        Checkpoint::Seal => drop(Sealer::new(pool.clone(), key()?).seal().await?),
        Checkpoint::Show => {}
        Checkpoint::Rotate => return proof::rotate(pool, &config.key_file()).await,
        Checkpoint::Stamps => return Ok(proof::last_stamps(pool).await?.join("\n")),
    }
    let last = proof::last_checkpoint(pool).await?;
    Ok(last.context("nothing was sealed yet")?.note)
}
