//! `navette operate`.

mod documents;

use super::say;
use crate::{
    app::Database,
    batches::Batches,
    clock::{Clock, paris_time},
    config::Config,
    dispatch::{DispatchFailure, Dispatcher},
    epoch::Memory,
    library::Library,
    pauses::{self, What},
    unit::Envelope,
};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use documents::{Chosen, Move};
use navette_adapters::file_store::Files;
use navette_domain::{digest::Digest, ids::CommandId, pause::Pauses};
use std::{process::ExitCode, sync::Arc};
use uuid::Uuid;

/// The actor of what this command writes.
const ACTOR: &str = "cli:operate";

/// What operators hold and let go, and what they do with what stopped.
#[derive(Debug, Subcommand)]
pub enum Operate {
    /// Hold it: nothing new begins there, and what is under way ends.
    Pause {
        /// What.
        #[command(flatten)]
        what: Named,
        /// Why, for the history.
        #[arg(long)]
        reason: String,
    },
    /// Let it go on.
    Resume {
        /// What.
        #[command(flatten)]
        what: Named,
    },
    /// Tell what is held, since when and why.
    Show,
    /// Tell the stopped steps by cause.
    Causes,
    /// Try stopped steps again.
    Retry {
        /// Which.
        #[command(flatten)]
        of: Chosen,
    },
    /// Skip stopped steps, which people did by hand.
    Skip {
        /// Which.
        #[command(flatten)]
        of: Chosen,
        /// The step, by its name in the chain; needed for documents of which several stopped.
        #[arg(long)]
        step: Option<String>,
        /// What came of it: for a registration, the number of the letter.
        #[arg(long, requires = "document")]
        result: Option<String>,
        /// Why, for the history.
        #[arg(long)]
        reason: String,
    },
    /// Give documents up, and take them back from the neighbours that allow it.
    Cancel {
        /// Which.
        #[command(flatten)]
        of: Chosen,
        /// Why, for the history.
        #[arg(long)]
        reason: String,
    },
}

/// What is named: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Named {
    /// All outside work.
    #[arg(long)]
    everything: bool,
    /// A neighbour, by its stored name, such as `iparapheur`.
    #[arg(long, value_name = "NAME")]
    neighbour: Option<String>,
    /// A chain, by its code.
    #[arg(long, value_name = "CODE")]
    chain: Option<String>,
    /// A document, by its id.
    #[arg(long, value_name = "ID")]
    document: Option<Uuid>,
}

impl Named {
    fn what(&self) -> What {
        match (&self.neighbour, &self.chain, self.document) {
            (Some(code), ..) => What::Neighbour(code.clone()),
            (_, Some(code), _) => What::Chain(code.clone()),
            (.., Some(id)) => What::Document(id),
            (None, None, None) => What::Everything,
        }
    }
}

/// Does it; exit code 1 with a sentence when it is refused.
pub(super) async fn operate(role: &Operate, config: &Config) -> anyhow::Result<ExitCode> {
    let database = Database::join(config).await?;
    let memory = Memory::in_folder(&config.data);
    let dispatcher = Dispatcher::new(database.log(), Clock::system());
    let work = carry_out(role, config, &dispatcher);
    let done = memory.around(&database.log(), work).await;
    database.close().await;
    done
}

async fn carry_out(
    role: &Operate,
    config: &Config,
    dispatcher: &Dispatcher,
) -> anyhow::Result<ExitCode> {
    let move_each = async |of, moves| {
        let files = Files::in_folder(&config.files())
            .map_err(|error| anyhow::anyhow!(error))
            .context("opening the file store")?;
        let library = Library::new(dispatcher.clone(), Arc::new(files));
        let batches = Batches::new(dispatcher.clone(), library);
        documents::move_each(&batches, dispatcher, of, moves).await
    };
    let done = match role {
        Operate::Causes => return documents::causes(dispatcher).await,
        Operate::Retry { of } => return move_each(of, Move::Retry).await,
        Operate::Skip {
            of,
            step,
            result,
            reason,
        } => {
            let moves = Move::Skip {
                step: step.as_deref(),
                result: result.as_deref(),
                reason,
            };
            return move_each(of, moves).await;
        }
        Operate::Cancel { of, reason } => return move_each(of, Move::Cancel { reason }).await,
        Operate::Pause { what, reason } => {
            pauses::begin(dispatcher, &asks(), &what.what(), reason).await
        }
        Operate::Resume { what } => pauses::end(dispatcher, &asks(), &what.what()).await,
        Operate::Show => {
            let pauses = dispatcher.load::<Pauses>(Pauses::STREAM).await?;
            for pause in pauses.state.all() {
                let since = paris_time(pause.since);
                say(&format!(
                    "{} : suspendu depuis le {since}, {}",
                    pause.target, pause.reason
                ));
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    match done {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(DispatchFailure::Refused(refusal)) => {
            say(&refusal.to_string());
            Ok(ExitCode::FAILURE)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Each time that somebody types it is another request.
#[expect(clippy::disallowed_methods, reason = "an id minted at the door")]
fn asks() -> Envelope {
    let id = Uuid::now_v7();
    Envelope {
        command: CommandId(id),
        content: Digest::of(id.as_bytes()),
        actor: ACTOR.to_owned(),
        expected_version: None,
    }
}
