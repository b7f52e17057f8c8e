//! How Navette is set up: one file, read whole and refused whole.

use crate::workers::RetryPolicy;
use anyhow::Context as _;
use navette_adapters::{
    DepositConfig, iparapheur::IParapheurConfig, maarch::MaarchConfig, nextcloud::NextcloudConfig,
    smtp::SmtpConfig,
};
use secrecy::SecretString;
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the embedded PostgreSQL and the files live.
    #[serde(default = "default_data")]
    pub data: PathBuf,
    /// The site's PostgreSQL; without it, Navette runs its own.
    #[serde(default)]
    pub database_url: Option<SecretString>,
    /// The HTTP door.
    #[serde(default)]
    pub http: HttpConfig,
    /// When to try again.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// The neighbours.
    pub neighbours: NeighboursConfig,
}

/// The HTTP door.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether the explorer and introspection are open.
    pub explorer: bool,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            explorer: false,
        }
    }
}

/// One section per neighbour.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each field is the configuration of the neighbour it names"
)]
pub struct NeighboursConfig {
    pub nextcloud: NextcloudConfig,
    pub iparapheur: IParapheurConfig,
    pub maarch: MaarchConfig,
    pub smtp: SmtpConfig,
    pub porte_documents: DepositConfig,
    pub grants_tool: DepositConfig,
}

fn default_data() -> PathBuf {
    PathBuf::from("navette-data")
}

impl Config {
    /// Reads the configuration file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the configuration {}", path.display()))?;
        toml::from_str(&text)
            .with_context(|| format!("understanding the configuration {}", path.display()))
    }
}
