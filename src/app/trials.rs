//! The neighbours of a configuration, each to be tried on its own.

use crate::config::NeighboursConfig;
use navette_adapters::{
    grants_tool::GenericGrantsTool, iparapheur::IParapheur, maarch::MaarchCourrier,
    nextcloud::Nextcloud, porte_documents::GenericPorteDocuments, smtp::Smtp,
};
use navette_domain::ports::Trial;

/// A neighbour, by the name of its section, or what is wrong with that section.
pub type Tried = (&'static str, anyhow::Result<Box<dyn Trial>>);

/// All of them.
pub fn trials(config: &NeighboursConfig) -> Vec<Tried> {
    vec![
        ("nextcloud", boxed(Nextcloud::new(config.nextcloud.clone()))),
        ("iparapheur", boxed(IParapheur::new(&config.iparapheur))),
        ("maarch", boxed(MaarchCourrier::new(config.maarch.clone()))),
        ("smtp", boxed(Smtp::new(&config.smtp))),
        (
            "porte_documents",
            boxed(GenericPorteDocuments::new(&config.porte_documents)),
        ),
        (
            "grants_tool",
            boxed(GenericGrantsTool::new(&config.grants_tool)),
        ),
    ]
}

fn boxed<T: Trial + 'static>(
    made: Result<T, impl Into<anyhow::Error>>,
) -> anyhow::Result<Box<dyn Trial>> {
    match made {
        Ok(neighbour) => Ok(Box::new(neighbour)),
        Err(error) => Err(error.into()),
    }
}
