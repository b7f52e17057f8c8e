//! The command line: one role per file.

mod archive;
mod bundle;
mod check_config;
mod company;
mod door;
mod epoch;
mod erase;
mod history;
mod import;
mod maintenance;
mod node;
mod operate;
mod replay;
mod serve;
mod signals;
mod token;
mod verify;

pub use door::Door;
pub use node::Node;
pub(crate) use serve::build;
pub use signals::stop_on_signal;

use crate::config::Config;
use clap::{Parser, Subcommand};
use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

/// Takes batches of subsidy dossiers to signed, registered and delivered letters.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// The configuration; `navette.toml` if it exists, else the defaults.
    #[arg(long, global = true, env = "NAVETTE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write logs as JSON, one object a line.
    #[arg(long, global = true)]
    json_logs: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The roles of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer HTTP, and carry the work out unless told otherwise.
    Serve(serve::Serve),
    /// Carry the work out, without answering HTTP.
    Work,
    /// Show the whole chain on real dossiers, with simulated neighbours.
    #[cfg(feature = "sim")]
    Demo(crate::demo::Demo),
    /// Import a file of subsidies.
    Import(import::Import),
    /// Say whose a SIRET is, as the directory of companies tells it.
    Company(company::Company),
    /// Erase what is known of a third party, unless the law still holds it.
    Erase(erase::Erase),
    /// Hold everything, a neighbour, a chain or a document, let it go on, or tell what is held.
    #[command(subcommand)]
    Operate(operate::Operate),
    /// Tell the history of a dossier: its state at a moment, what changed since, or each event.
    History(history::History),
    /// Write the auditor's bundle of a dossier: events, files, proofs, and the program that verifies them.
    Bundle(bundle::BundleOptions),
    /// Tell the whole log again to an empty database.
    Replay(replay::Replay),
    /// Bring the tables of the database up to date.
    Migrate,
    /// Rebuild projections from the log, beside the live ones, and put them in their place.
    Rebuild(maintenance::Rebuild),
    /// Verify that the log is what it was, and say what is wrong and where.
    Verify(verify::Verify),
    /// Seal the log, or print its last checkpoint or the public key that signs them.
    #[command(subcommand)]
    Checkpoint(verify::Checkpoint),
    /// Show how far projections are, and let one that is held try again.
    Projections(maintenance::Show),
    /// Announce that the log was restored or moved, or list its epochs.
    Epoch(epoch::EpochRole),
    /// Take old events out of the log, or bring them back.
    #[command(subcommand)]
    Archive(archive::Archive),
    /// Make, revoke or list API tokens.
    Token(token::Token),
    /// Print the GraphQL schema.
    Schema,
    /// Print the configuration without its secrets, and try the database and the neighbours.
    CheckConfig(check_config::CheckConfig),
    /// Convert documents for the process that started this one.
    #[command(hide = true)]
    PdfWorker {
        /// The folder of the worker.
        folder: PathBuf,
    },
}

impl Cli {
    /// Does it, and says how the process ends.
    pub fn run(self) -> ExitCode {
        self.log();
        // Fails only when one is installed, which is all we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(error) => return failed(&error.into()),
        };
        match runtime.block_on(self.carry_out()) {
            Ok(code) => code,
            Err(error) => failed(&error),
        }
    }

    async fn carry_out(self) -> anyhow::Result<ExitCode> {
        let config = || Config::find(self.config.as_deref());
        let done = ExitCode::SUCCESS;
        match self.command {
            Command::Serve(options) => serve::serve(options.apply(config()?)).await.map(|()| done),
            Command::Work => serve::work(config()?).await.map(|()| done),
            #[cfg(feature = "sim")]
            Command::Demo(options) => crate::demo::run(options).await,
            Command::Import(options) => import::import(&options, &config()?).await,
            Command::Company(options) => company::company(&options, &config()?).await,
            Command::Erase(options) => erase::erase(&options, &config()?).await,
            Command::Operate(role) => operate::operate(&role, &config()?).await,
            Command::History(options) => {
                history::history(&options, &config()?).await.map(|()| done)
            }
            Command::Bundle(options) => bundle::bundle(&options, &config()?).await.map(|()| done),
            Command::Replay(options) => replay::replay(&options, &config()?).await.map(|()| done),
            Command::Migrate => maintenance::migrate(&config()?).await.map(|()| done),
            Command::Rebuild(options) => maintenance::rebuild(&options, &config()?)
                .await
                .map(|()| done),
            Command::Verify(options) => verify::verify(options, &config()?).await,
            Command::Checkpoint(what) => verify::checkpoint(what, &config()?).await.map(|()| done),
            Command::Projections(options) => maintenance::projections(&options, &config()?)
                .await
                .map(|()| done),
            Command::Archive(what) => archive::archive(what, &config()?).await.map(|()| done),
            Command::Epoch(role) => epoch::epoch(role, &config()?).await.map(|()| done),
            Command::Token(options) => token::token(options, &config()?).await.map(|()| done),
            Command::Schema => {
                say(crate::graphql::sdl().trim_end());
                Ok(done)
            }
            Command::CheckConfig(options) => check_config::check(&options, &config()?).await,
            Command::PdfWorker { folder } => {
                Ok(navette_adapters::libreoffice::worker::run(&folder))
            }
        }
    }

    /// Services tell what they do; commands that print their own results tell only what is wrong.
    fn log(&self) {
        let usual = match self.command {
            Command::Serve(_) | Command::Work => "info",
            _ => "error",
        };
        let filter = EnvFilter::try_from_env("NAVETTE_LOG").unwrap_or_else(|_| usual.into());
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal());
        let layer = if self.json_logs {
            layer.json().boxed()
        } else {
            layer.boxed()
        };
        tracing_subscriber::registry()
            .with(layer.with_filter(filter))
            .init();
    }
}

/// One line on standard output. A reader that has gone away is no failure.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "navette: {error:#}");
    ExitCode::FAILURE
}
