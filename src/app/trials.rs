//! The neighbours of a configuration, each to be tried on its own.

use super::doors;
use crate::config::NeighboursConfig;
use navette_adapters::{
    demarches::{DemarcheConfig, DemarcheSource},
    directory::{Directory, DirectoryConfig},
    maarch::MaarchCourrier,
    nextcloud::Nextcloud,
    services::ConfiguredServices,
    smtp::Smtp,
};
use navette_domain::ports::{Neighbour, Trial};

/// A neighbour, by the name of its section, or what is wrong with that section.
pub type Tried = (&'static str, anyhow::Result<Box<dyn Trial>>);

/// All of them.
pub fn trials(config: &NeighboursConfig) -> Vec<Tried> {
    vec![
        ("nextcloud", boxed(Nextcloud::new(config.nextcloud.clone()))),
        ("desk", config.desk.trial()),
        ("maarch", boxed(MaarchCourrier::new(config.maarch.clone()))),
        ("smtp", boxed(Smtp::new(&config.smtp))),
        (
            "porte_documents",
            doors::trial(Neighbour::PorteDocuments, &config.porte_documents),
        ),
        (
            "grants_tool",
            doors::trial(Neighbour::GrantsTool, &config.grants_tool),
        ),
        ("services", boxed(ConfiguredServices::new(&config.services))),
    ]
}

/// The directory of companies.
pub fn directory_trial(config: &DirectoryConfig) -> Tried {
    ("company_directory", boxed(Directory::new(config)))
}

/// Where dossiers are taken in from.
pub fn source_trial(config: &DemarcheConfig) -> Tried {
    let source = DemarcheSource::new(config.clone());
    ("demarches_simplifiees", boxed(source))
}

fn boxed<T: Trial + 'static>(
    made: Result<T, impl Into<anyhow::Error>>,
) -> anyhow::Result<Box<dyn Trial>> {
    match made {
        Ok(neighbour) => Ok(Box::new(neighbour)),
        Err(error) => Err(error.into()),
    }
}
