//! The signing desk that a site has, chosen by its configuration.

#[cfg(all(test, feature = "sim"))]
mod tests;

use crate::{
    fast_parapheur::{FastConfig, FastParapheur},
    iparapheur::{IParapheur, IParapheurConfig},
    iparapheur_rest::{IParapheurRest, IParapheurRestConfig},
    pastell::{Pastell, PastellConfig},
};
use navette_domain::ports::SigningDesk;
use serde::Deserialize;
use std::sync::Arc;

/// Which desk, and how it is reached.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeskConfig {
    /// iParapheur, versions 4 and 5, through its SOAP service.
    Soap(IParapheurConfig),
    /// iParapheur 5, through its REST interface.
    Rest(IParapheurRestConfig),
    /// Pastell, the hub before a desk.
    Pastell(PastellConfig),
    /// FAST-Parapheur.
    Fast(FastConfig),
}

impl DeskConfig {
    /// The desk; nothing is sent yet.
    pub fn open(&self) -> anyhow::Result<Arc<dyn SigningDesk>> {
        Ok(match self {
            Self::Soap(config) => Arc::new(IParapheur::new(config)?),
            Self::Rest(config) => Arc::new(IParapheurRest::new(config)?),
            Self::Pastell(config) => Arc::new(Pastell::new(config)?),
            Self::Fast(config) => Arc::new(FastParapheur::new(config)?),
        })
    }
}
