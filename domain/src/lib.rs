//! What is true in Navette.

pub mod amount;
pub mod digest;
pub mod ids;
pub mod personal;
pub mod ports;
pub mod published_date;
pub mod rna;
pub mod siret;
