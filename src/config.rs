//! How Navette is set up: one file, read whole and refused whole.

mod doors;

pub use doors::DoorConfig;

use crate::{graphql::persisted::PersistedConfig, workers::RetryPolicy};
use anyhow::Context as _;
use navette_adapters::{
    demarches::DemarcheConfig,
    desk::DeskConfig,
    directory::DirectoryConfig,
    maarch::MaarchConfig,
    nextcloud::NextcloudConfig,
    pdf::SignatoriesConfig,
    proof::{TimeStampAuthority, Webhook},
    services::ServiceConfig,
    smtp::SmtpConfig,
};
use navette_domain::{ports::Neighbour, third_party::Retention};
use secrecy::SecretString;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The file that is read when nobody names another.
pub const USUAL_FILE: &str = "navette.toml";

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the embedded PostgreSQL and the files live.
    pub data: PathBuf,
    /// The site's PostgreSQL; without it, Navette runs its own.
    pub database_url: Option<SecretString>,
    /// The keys of personal data.
    pub keys: KeysConfig,
    /// The same database as the owner of its tables, who migrates; without it, `database_url` does both.
    pub migrate_url: Option<SecretString>,
    /// The HTTP door.
    pub http: HttpConfig,
    /// The proof of the log.
    pub checkpoints: CheckpointsConfig,
    /// The exports of rows.
    pub exports: ExportsConfig,
    /// When to try again.
    pub retry: RetryPolicy,
    /// The directory that completes third parties by their SIRET.
    pub company_directory: Option<DirectoryConfig>,
    /// The démarche whose dossiers are taken in.
    pub demarches_simplifiees: Option<DemarcheConfig>,
    /// The neighbours: only roles that write to them need to know them.
    pub neighbours: Option<NeighboursConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("navette-data"),
            database_url: None,
            keys: KeysConfig::default(),
            migrate_url: None,
            checkpoints: CheckpointsConfig::default(),
            http: HttpConfig::default(),
            exports: ExportsConfig::default(),
            retry: RetryPolicy::default(),
            company_directory: None,
            demarches_simplifiees: None,
            neighbours: None,
        }
    }
}

/// The keys of personal data, and how long the law holds what they seal.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeysConfig {
    /// Another database for them, so that its backups can be shorter-lived; without it, they are beside the
    /// log, in a schema of their own.
    pub url: Option<SecretString>,
    /// The file of the master key, made when there is none yet; by default in the data folder. All the
    /// nodes of one log need the same.
    pub master: Option<PathBuf>,
    /// For how many years a closed dossier and a signed document refuse the erasure of their third party.
    pub retention_years: u32,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self {
            url: None,
            master: None,
            retention_years: Retention::default().years,
        }
    }
}

/// The HTTP door.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether the explorer and introspection are open.
    pub explorer: bool,
    /// The origins, besides our own, whose pages may open a subscription.
    pub origins: Vec<String>,
    /// The secrets with which neighbours say that something may have moved there.
    pub hooks: BTreeMap<Neighbour, SecretString>,
    /// The queries that clients may name by their SHA-256.
    pub persisted: PersistedConfig,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            explorer: false,
            origins: vec![],
            hooks: BTreeMap::new(),
            persisted: PersistedConfig::default(),
        }
    }
}

/// How many exports there may be, how long their files are kept, and where those of schedules may go.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportsConfig {
    /// How many go straight to clients at once.
    pub at_once: usize,
    /// For how many hours a file that was made in the background is kept.
    pub keep_hours: u32,
    /// The folders that schedules may deliver to, by the names that people choose from.
    pub folders: BTreeMap<String, PathBuf>,
    /// The WebDAV collections that they may deliver to, by name: each the root folder of an account of Nextcloud.
    pub webdav: BTreeMap<String, NextcloudConfig>,
    /// Up to so many bytes, a file is attached to their messages; beyond, these have a link to it.
    pub attached_up_to: u64,
    /// Under which address their recipients reach Navette, for these links.
    pub public_url: Option<String>,
}

impl Default for ExportsConfig {
    fn default() -> Self {
        Self {
            at_once: 8,
            keep_hours: 72,
            folders: BTreeMap::new(),
            webdav: BTreeMap::new(),
            attached_up_to: 5 << 20,
            public_url: None,
        }
    }
}

/// When the log is sealed, with which key, and where its checkpoints go.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointsConfig {
    /// After so many events …
    pub every_events: u32,
    /// … or so many minutes, whichever comes first.
    pub every_minutes: u32,
    /// The key that signs, Ed25519 in PKCS#8; made on first use.
    pub key_file: Option<PathBuf>,
    /// A folder that takes a file per checkpoint.
    pub folder: Option<PathBuf>,
    /// The auditor's address.
    pub email: Option<String>,
    /// An address that takes a POST.
    pub webhook: Option<Webhook>,
    /// An authority that says when they existed (RFC 3161).
    pub time_stamp: Option<TimeStampAuthority>,
}

impl Default for CheckpointsConfig {
    fn default() -> Self {
        Self {
            every_events: 1000,
            every_minutes: 10,
            key_file: None,
            folder: None,
            email: None,
            webhook: None,
            time_stamp: None,
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
    pub desk: DeskConfig,
    #[serde(default)]
    pub signatories: SignatoriesConfig,
    pub maarch: MaarchConfig,
    pub smtp: SmtpConfig,
    pub porte_documents: DoorConfig,
    pub grants_tool: DoorConfig,
    #[serde(default)]
    pub services: BTreeMap<String, ServiceConfig>,
}

impl Config {
    /// Reads the file that is named, else the usual one, else takes the defaults.
    pub fn find(path: Option<&Path>) -> anyhow::Result<Self> {
        match path {
            Some(path) => Self::read(path),
            None if Path::new(USUAL_FILE).exists() => Self::read(Path::new(USUAL_FILE)),
            None => Ok(Self::default()),
        }
    }

    /// The neighbours, or a sentence that says what is missing.
    pub fn neighbours(&self) -> anyhow::Result<&NeighboursConfig> {
        self.neighbours.as_ref().context(
            "the configuration says nothing of the neighbours: add its section [neighbours]",
        )
    }

    /// The file of the master key of personal data.
    pub fn master_key(&self) -> PathBuf {
        let usual = || self.data.join("keys").join("master");
        self.keys.master.clone().unwrap_or_else(usual)
    }

    /// How long the law holds what is known of a third party.
    pub fn retention(&self) -> Retention {
        Retention {
            years: self.keys.retention_years,
        }
    }

    /// Where office files and PDFs are kept.
    pub fn files(&self) -> PathBuf {
        self.data.join("files")
    }

    /// The key that signs checkpoints.
    pub fn key_file(&self) -> PathBuf {
        let given = self.checkpoints.key_file.clone();
        given.unwrap_or_else(|| self.data.join("checkpoint.key"))
    }

    /// Reads the configuration file.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the configuration {}", path.display()))?;
        toml::from_str(&text)
            .with_context(|| format!("understanding the configuration {}", path.display()))
    }
}
