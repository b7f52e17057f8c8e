//! `navette erase`.

use super::say;
use crate::{
    app::Database,
    clock::Clock,
    config::Config,
    dispatch::{DispatchFailure, Dispatcher},
    epoch::Memory,
    erasure::Erasure,
    unit::Envelope,
    workers::Projections,
};
use anyhow::Context as _;
use clap::Args;
use navette_adapters::file_store::Files;
use navette_domain::{digest::Digest, ids::CommandId};
use std::{process::ExitCode, sync::Arc};
use uuid::Uuid;

/// The actor of what this command writes.
const ACTOR: &str = "cli:erase";

/// The options of `navette erase`.
#[derive(Debug, Args)]
pub struct Erase {
    /// The third party's id.
    #[arg(required_unless_present = "agent")]
    third_party: Option<Uuid>,
    /// Instead, an agent's name or address, as it is written in the log.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["third_party", "dry_run"])]
    agent: Option<String>,
    /// Why, for the history: without a word of who it was.
    #[arg(long)]
    reason: String,
    /// Say what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Erases, and tells what stays; or tells what forbids it, with exit code 1.
pub(super) async fn erase(options: &Erase, config: &Config) -> anyhow::Result<ExitCode> {
    let database = Database::join(config).await?;
    let memory = Memory::in_folder(&config.data);
    let erase = erase_in(options, config, &database);
    let erased = memory.around(&database.log(), erase).await;
    database.close().await;
    erased
}

async fn erase_in(
    options: &Erase,
    config: &Config,
    database: &Database,
) -> anyhow::Result<ExitCode> {
    let log = database.log();
    let files = Files::in_folder(&config.files())
        .map_err(|error| anyhow::anyhow!(error))
        .context("opening the file store")?;
    let erasure = Erasure::new(
        Dispatcher::new(log.clone(), Clock::system()),
        Projections::open(log, navette_projections::all()).await?,
        Arc::new(files),
        config.retention(),
    );
    if let Some(agent) = &options.agent {
        return erase_agent(&erasure, agent, &options.reason).await;
    }
    let third_party = options.third_party.context("nobody is named")?;
    if options.dry_run {
        let prospect = erasure.prospect(third_party).await?;
        for held in &prospect.held {
            say(&held.to_string());
        }
        for kept in &prospect.kept {
            say(kept);
        }
        let files = prospect.files.len();
        say(&match prospect.held.len() {
            0 => format!("{files} fichiers seraient supprimés (essai : rien n'a été effacé)"),
            held => format!("{held} dossiers s'opposent à l'effacement"),
        });
        return Ok(code(prospect.held.is_empty()));
    }
    // An erasure is done once, whatever its reason: asked for again, it is carried out to its end.
    let envelope = Envelope {
        command: CommandId::following(third_party, "erase"),
        content: Digest::of(third_party.as_bytes()),
        actor: ACTOR.to_owned(),
        expected_version: None,
    };
    let erased = erasure.erase(&envelope, third_party, &options.reason);
    match erased.await {
        Ok((_, kept)) => {
            for kept in kept {
                say(&kept);
            }
            say("Les données de ce tiers sont effacées.");
            Ok(code(true))
        }
        Err(DispatchFailure::Refused(refusal)) => {
            say(&refusal.to_string());
            Ok(code(false))
        }
        Err(failure) => Err(failure.into()),
    }
}

async fn erase_agent(erasure: &Erasure, agent: &str, reason: &str) -> anyhow::Result<ExitCode> {
    match erasure.erase_agent(ACTOR, agent, reason).await {
        Ok(_) => {
            say("Le nom de cet agent est effacé.");
            Ok(code(true))
        }
        Err(DispatchFailure::Refused(refusal)) => {
            say(&refusal.to_string());
            Ok(code(false))
        }
        Err(failure) => Err(failure.into()),
    }
}

fn code(done: bool) -> ExitCode {
    if done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
