//! Where the files of schedules may go, as the configuration says: never a path that somebody writes.

use crate::config::ExportsConfig;
use anyhow::Context as _;
use navette_adapters::nextcloud::Nextcloud;
use std::{collections::BTreeMap, path::PathBuf};

/// See the module.
#[derive(Debug)]
pub struct Places {
    pub(super) folders: BTreeMap<String, PathBuf>,
    pub(super) webdav: BTreeMap<String, Nextcloud>,
    /// Up to so many bytes, a file is attached to the messages about it.
    pub(super) attached: u64,
    /// Under which address people reach Navette.
    pub(super) public_url: Option<String>,
}

impl Default for Places {
    /// Addresses only.
    fn default() -> Self {
        Self {
            folders: BTreeMap::new(),
            webdav: BTreeMap::new(),
            attached: ExportsConfig::default().attached_up_to,
            public_url: None,
        }
    }
}

impl Places {
    /// What this configuration allows.
    pub fn of(config: &ExportsConfig) -> anyhow::Result<Self> {
        let webdav = config.webdav.iter().map(|(name, collection)| {
            let opened = Nextcloud::new(collection.clone());
            let opened = opened.with_context(|| format!("opening [exports.webdav.{name}]"))?;
            Ok((name.clone(), opened))
        });
        Ok(Self {
            folders: config.folders.clone(),
            webdav: webdav.collect::<anyhow::Result<_>>()?,
            attached: config.attached_up_to,
            public_url: config.public_url.clone(),
        })
    }

    /// The names of the folders.
    pub fn folders(&self) -> Vec<String> {
        self.folders.keys().cloned().collect()
    }

    /// The names of the WebDAV collections.
    pub fn collections(&self) -> Vec<String> {
        self.webdav.keys().cloned().collect()
    }
}
