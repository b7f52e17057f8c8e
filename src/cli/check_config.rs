//! `navette check-config`.

use super::say;
use crate::{
    app,
    config::{Config, NeighboursConfig},
};
use anyhow::Context as _;
use axum::http::Uri;
use navette_adapters::{
    pdf::{Signatories, SignatoriesConfig},
    postgres::roles::could_change_the_log,
    proof::TimeStampAuthority,
    smtp::SmtpTls,
};
use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use std::{process::ExitCode, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// How long a neighbour may take to take a call.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prints the configuration without its secrets, then what can be reached. Fails when something cannot.
pub(super) async fn check(config: &Config) -> anyhow::Result<ExitCode> {
    say(&format!("{config:#?}"));
    let mut sound = report("database", database(config).await);
    if let Some(authority) = &config.checkpoints.time_stamp {
        sound &= report("time_stamp", time_stamps(authority).await);
    }
    let neighbours = match config.neighbours() {
        Ok(neighbours) => neighbours,
        Err(error) => {
            report("neighbours", Err(error));
            return Ok(ExitCode::FAILURE);
        }
    };
    let made = app::workshop().and_then(|workshop| {
        app::ports(neighbours, &config.files(), workshop).map(|_| "complete".to_owned())
    });
    sound &= report("neighbours", made);
    sound &= report("signatories", signatories(&neighbours.signatories));
    for (name, address) in addresses(neighbours) {
        let reached = match address {
            Ok(address) => reach(&address).await,
            Err(error) => Err(error),
        };
        sound &= report(name, reached);
    }
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
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
    let roots = authority.roots()?;
    let reached = reach(&address(&authority.url)?).await?;
    Ok(match roots {
        Some(_) => reached,
        None => format!("{reached}; WARNING: `ca` is not given: tokens do not prove who signed"),
    })
}

fn signatories(config: &SignatoriesConfig) -> anyhow::Result<String> {
    let known = Signatories::new(config)?.are_known();
    Ok(match (known, config.names.len()) {
        (false, _) => "WARNING: `authorities` is not given: a signature proves that nothing changed, not who signed".to_owned(),
        (true, 0) => "anybody whom the authorities know".to_owned(),
        (true, names) => format!("{names} names, under certificates of the authorities"),
    })
}

fn addresses(neighbours: &NeighboursConfig) -> Vec<(&'static str, anyhow::Result<String>)> {
    let smtp = &neighbours.smtp;
    let urls = [
        ("nextcloud", &neighbours.nextcloud.url),
        ("iparapheur", &neighbours.iparapheur.url),
        ("maarch", &neighbours.maarch.url),
        ("porte_documents", &neighbours.porte_documents.url),
        ("grants_tool", &neighbours.grants_tool.url),
    ];
    let mut all: Vec<_> = urls
        .into_iter()
        .map(|(name, url)| (name, address(url)))
        .collect();
    let usual = match smtp.tls {
        SmtpTls::None => 25,
        SmtpTls::Starttls => 587,
        SmtpTls::Tls => 465,
    };
    all.push((
        "smtp",
        Ok(format!("{}:{}", smtp.host, smtp.port.unwrap_or(usual))),
    ));
    all
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
