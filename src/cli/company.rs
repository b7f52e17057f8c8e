//! `navette company`.

use super::say;
use crate::config::Config;
use anyhow::Context as _;
use clap::Args;
use navette_adapters::directory::Directory;
use navette_domain::{
    ports::{CompanyDirectory as _, Establishment},
    siret::Siret,
};
use std::process::ExitCode;

/// The options of `navette company`.
#[derive(Debug, Args)]
pub struct Company {
    /// The SIRET of the establishment.
    siret: String,
}

/// Says whose number it is; fails when it is no number, or nobody is told.
pub(super) async fn company(options: &Company, config: &Config) -> anyhow::Result<ExitCode> {
    let siret: Siret = match options.siret.parse() {
        Ok(siret) => siret,
        Err(fault) => {
            say(&format!("« {} » : {fault}", options.siret));
            return Ok(ExitCode::FAILURE);
        }
    };
    let directory = config.company_directory.as_ref().context(
        "the configuration says nothing of the directory of companies: add its section [company_directory]",
    )?;
    let found = Directory::new(directory)?.establishment(&siret).await?;
    let Some(found) = found else {
        say(&format!(
            "{siret} : introuvable dans l'annuaire, qui ne dit rien des entreprises non diffusibles"
        ));
        return Ok(ExitCode::FAILURE);
    };
    for line in lines(&found) {
        say(&line);
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(found: &Establishment) -> Vec<String> {
    let state = if found.open { "" } else { " (fermé)" };
    let mut lines = vec![format!("{}{state}", found.name)];
    lines.extend(found.rna.as_ref().map(|rna| format!("RNA {rna}")));
    if let Some(address) = &found.address {
        lines.extend(address.lines.clone());
        lines.push(format!("{} {}", address.postcode, address.town));
    }
    lines
}
