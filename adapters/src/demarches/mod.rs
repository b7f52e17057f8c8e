//! Démarches simplifiées (demarche.numerique.gouv.fr), over its GraphQL API: where dossiers are taken in
//! (`source.rs`), and where the applicant gets documents and the decision (`target.rs`).

mod client;
mod queries;
mod source;
mod target;
#[cfg(all(test, feature = "sim"))]
mod tests;
mod wire;

pub use source::{DemarcheConfig, DemarcheSource};
pub use target::{Decision, DemarcheTarget, DemarcheTargetConfig};
