//! `navette check-config`.

use super::say;
use crate::{
    app::{self, Tried},
    config::Config,
    graphql::persisted::Persisted,
};
use anyhow::Context as _;
use axum::http::Uri;
use clap::Args;
use futures::future::join_all;
use navette_adapters::{
    file_store::Files,
    pdf::{Signatories, SignatoriesConfig},
    postgres::roles::could_change_the_log,
    proof::TimeStampAuthority,
    scan,
};
use navette_domain::{
    chain::{Action, Definition},
    ports::{Named, PortFailure, Trial},
};
use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use tokio::{net::TcpStream, time::timeout};

/// How long a neighbour may take to take a call.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long trying one neighbour may take.
const LONGEST_TRIAL: Duration = Duration::from_secs(30);

/// The options of `navette check-config`.
#[derive(Debug, Args)]
pub struct CheckConfig {
    /// A chain: the circuits and types that it names must exist at the neighbours. May be repeated.
    #[arg(long = "chain", value_name = "FILE")]
    chains: Vec<PathBuf>,
}

/// Prints the configuration without its secrets, then tries everything that it names, all at once. Fails when
/// something is wrong.
pub(super) async fn check(options: &CheckConfig, config: &Config) -> anyhow::Result<ExitCode> {
    say(&format!("{config:#?}"));
    let mut sound = report("database", database(config).await);
    let persisted = Persisted::open(&config.http.persisted);
    sound &= report("persisted queries", persisted.map(|_| "read".to_owned()));
    if let Some(authority) = &config.checkpoints.time_stamp {
        sound &= report("time_stamp", time_stamps(authority).await);
    }
    for (name, folder) in &config.exports.folders {
        sound &= report(&format!("exports.folders.{name}"), writable(folder));
    }
    for (name, collection) in &config.exports.webdav {
        let reached = match address(&collection.url) {
            Ok(address) => reach(&address).await,
            Err(error) => Err(error),
        };
        sound &= report(&format!("exports.webdav.{name}"), reached);
    }
    sound &= report("files", files(&config.files()));
    sound &= report("scans", Ok(scans().await));
    let named = options.named().map_err(|error| report("chain", Err(error)));
    sound &= named.is_ok();
    let mut trials: Vec<Tried> = vec![];
    trials.extend(config.company_directory.as_ref().map(app::directory_trial));
    trials.extend(config.demarches_simplifiees.as_ref().map(app::source_trial));
    match config.neighbours() {
        Ok(neighbours) => {
            sound &= report("signatories", signatories(&neighbours.signatories));
            trials.extend(app::trials(neighbours));
        }
        Err(error) => sound &= report("neighbours", Err(error)),
    }
    sound &= try_all(trials, &named.unwrap_or_default()).await;
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl CheckConfig {
    fn named(&self) -> anyhow::Result<Named> {
        let mut named = Named::default();
        for path in &self.chains {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading the chain {}", path.display()))?;
            let chain: Definition = toml::from_str(&text)
                .with_context(|| format!("understanding the chain {}", path.display()))?;
            for step in chain.steps {
                match step.action {
                    Action::Visa { circuit, .. } => {
                        named.circuits.insert(circuit);
                    }
                    Action::Sign {
                        desk_type,
                        desk_subtype,
                    } => {
                        named.desk_types.insert((desk_type, desk_subtype));
                    }
                    Action::Call { service, .. } => {
                        named.services.insert(service);
                    }
                    _ => {}
                }
            }
        }
        Ok(named)
    }
}

/// Tries the neighbours side by side, and tells them in their order.
async fn try_all(trials: Vec<Tried>, named: &Named) -> bool {
    let tried = trials
        .into_iter()
        .map(|(name, made)| async move { (name, try_one(made, named).await) });
    let mut sound = true;
    for (name, told) in join_all(tried).await {
        for result in told {
            sound &= report(name, result);
        }
    }
    sound
}

async fn try_one(
    made: anyhow::Result<Box<dyn Trial>>,
    named: &Named,
) -> Vec<anyhow::Result<String>> {
    let neighbour = match made {
        Ok(neighbour) => neighbour,
        Err(error) => return vec![Err(error)],
    };
    match timeout(LONGEST_TRIAL, neighbour.try_out(named)).await {
        Ok(told) => told.into_iter().map(|told| told.map_err(in_full)).collect(),
        Err(late) => vec![Err(late).context("aucune réponse en trente secondes")],
    }
}

/// What a clerk reads, then what an engineer does.
fn in_full(failure: PortFailure) -> anyhow::Error {
    match &failure.cause {
        Some(cause) => anyhow::anyhow!("{failure} ({cause})"),
        None => failure.into(),
    }
}

fn files(folder: &Path) -> anyhow::Result<String> {
    Files::in_folder(folder).map_err(|error| anyhow::anyhow!(error))?;
    Ok(format!("in {}", folder.display()))
}

fn report(what: &str, result: anyhow::Result<String>) -> bool {
    match result {
        Ok(words) => {
            say(&format!("{what}: {words}"));
            true
        }
        Err(error) => {
            say(&format!("{what}: FAILED, {error:#}"));
            false
        }
    }
}

async fn database(config: &Config) -> anyhow::Result<String> {
    let Some(url) = &config.database_url else {
        let folder = config.data.join("postgres");
        return Ok(format!("embedded, in {}", folder.display()));
    };
    let options: PgConnectOptions = url
        .expose_secret()
        .parse()
        .context("understanding database_url")?;
    let mut connection = PgConnection::connect_with(&options).await?;
    let owner = could_change_the_log(&mut connection).await?;
    connection.close().await?;
    if let Some(url) = &config.migrate_url {
        let options: PgConnectOptions = url
            .expose_secret()
            .parse()
            .context("understanding migrate_url")?;
        let connection = PgConnection::connect_with(&options).await?;
        connection.close().await.context("reaching migrate_url")?;
    }
    Ok(match owner {
        Some(true) => {
            "reached; WARNING: its role owns the log and could change it: see `migrate_url`"
        }
        _ => "reached",
    }
    .to_owned())
}

async fn time_stamps(authority: &TimeStampAuthority) -> anyhow::Result<String> {
    let roots = authority.authorities()?;
    let reached = reach(&address(&authority.url)?).await?;
    Ok(match (roots, &authority.crl) {
        (Some(_), Some(_)) => reached,
        (Some(_), None) => format!("{reached}; `crl` is not given: revocation is not looked up"),
        (None, _) => {
            format!("{reached}; WARNING: `ca` is not given: tokens do not prove who signed")
        }
    })
}

/// Only chains that print need them.
async fn scans() -> String {
    match scan::ready().await {
        Ok(()) => "Les scans de courriers signés peuvent être lus.".to_owned(),
        Err(cause) => format!("WARNING: {cause}"),
    }
}

fn signatories(config: &SignatoriesConfig) -> anyhow::Result<String> {
    let known = Signatories::new(config)?.are_known();
    Ok(match (known, config.names.len()) {
        (false, _) => "WARNING: `authorities` is not given: a signature proves that nothing changed, not who signed".to_owned(),
        (true, 0) => "anybody whom the authorities know".to_owned(),
        (true, names) => format!("{names} names, under certificates of the authorities"),
    })
}

/// Whether files can be made in a folder.
fn writable(folder: &Path) -> anyhow::Result<String> {
    tempfile::Builder::new()
        .prefix(".navette")
        .tempfile_in(folder)
        .with_context(|| format!("writing in {}", folder.display()))?;
    Ok("writable".to_owned())
}

fn address(url: &str) -> anyhow::Result<String> {
    let uri: Uri = url.parse().context("understanding its address")?;
    let host = uri.host().context("its address names no host")?;
    let usual = match uri.scheme_str() {
        Some("http") => 80,
        _ => 443,
    };
    Ok(format!("{host}:{}", uri.port_u16().unwrap_or(usual)))
}

async fn reach(address: &str) -> anyhow::Result<String> {
    timeout(PATIENCE, TcpStream::connect(address))
        .await
        .context("no answer in five seconds")??;
    Ok(format!("something listens at {address}"))
}

#[cfg(all(test, feature = "sim"))]
mod tests;
