//! The porte-documents and the grants tool of a configuration.

use crate::config::DoorConfig;
use navette_adapters::{
    capdemat::Capdemat, demarches::DemarcheTarget, grants_tool::GenericGrantsTool,
    porte_documents::GenericPorteDocuments,
};
use navette_domain::ports::{GrantsTool, Neighbour, PorteDocuments, Trial};
use std::sync::Arc;

const PORTE_DOCUMENTS: Neighbour = Neighbour::PorteDocuments;
const GRANTS_TOOL: Neighbour = Neighbour::GrantsTool;

pub(super) fn porte_documents(config: &DoorConfig) -> anyhow::Result<Arc<dyn PorteDocuments>> {
    Ok(match config {
        DoorConfig::Contract(config) => Arc::new(GenericPorteDocuments::new(config)?),
        DoorConfig::Capdemat(config) => Arc::new(Capdemat::new(PORTE_DOCUMENTS, config.clone())?),
        DoorConfig::DemarchesSimplifiees(config) => {
            Arc::new(DemarcheTarget::new(PORTE_DOCUMENTS, config.clone())?)
        }
    })
}

pub(super) fn grants_tool(config: &DoorConfig) -> anyhow::Result<Arc<dyn GrantsTool>> {
    Ok(match config {
        DoorConfig::Contract(config) => Arc::new(GenericGrantsTool::new(config)?),
        DoorConfig::Capdemat(config) => Arc::new(Capdemat::new(GRANTS_TOOL, config.clone())?),
        DoorConfig::DemarchesSimplifiees(config) => {
            Arc::new(DemarcheTarget::new(GRANTS_TOOL, config.clone())?)
        }
    })
}

/// The door in the part of `neighbour`, to be tried.
pub(super) fn trial(neighbour: Neighbour, config: &DoorConfig) -> anyhow::Result<Box<dyn Trial>> {
    Ok(match (config, neighbour) {
        (DoorConfig::Contract(config), GRANTS_TOOL) => Box::new(GenericGrantsTool::new(config)?),
        (DoorConfig::Contract(config), _) => Box::new(GenericPorteDocuments::new(config)?),
        (DoorConfig::Capdemat(config), neighbour) => {
            Box::new(Capdemat::new(neighbour, config.clone())?)
        }
        (DoorConfig::DemarchesSimplifiees(config), neighbour) => {
            Box::new(DemarcheTarget::new(neighbour, config.clone())?)
        }
    })
}
