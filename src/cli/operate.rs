//! `navette operate`.

use super::say;
use crate::{
    app::Database,
    clock::{Clock, paris_time},
    config::Config,
    dispatch::{DispatchFailure, Dispatcher},
    pauses::{self, What},
    unit::Envelope,
};
use clap::{Args, Subcommand};
use navette_domain::{digest::Digest, ids::CommandId, pause::Pauses};
use std::process::ExitCode;
use uuid::Uuid;

/// The actor of what this command writes.
const ACTOR: &str = "cli:operate";

/// What operators hold and let go.
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
    let dispatcher = Dispatcher::new(database.log(), Clock::system());
    let done = carry_out(role, &dispatcher).await;
    database.close().await;
    done
}

async fn carry_out(role: &Operate, dispatcher: &Dispatcher) -> anyhow::Result<ExitCode> {
    let done = match role {
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
