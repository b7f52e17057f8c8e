//! Simulated neighbours. They speak the real protocols on loopback, keep state and a ledger of every
//! effect, and can misbehave. `navette demo` and the tests run against them; none is ever a default.

#![expect(
    clippy::disallowed_methods,
    reason = "neighbours have their own clock and mint their own ids"
)]

pub mod archive;
pub mod capdemat;
mod cms;
pub mod demarches;
pub mod directory;
pub mod fast_parapheur;
pub mod grants_tool;
pub mod hostile;
pub mod iparapheur;
pub mod iparapheur_rest;
pub mod ledger;
pub mod maarch;
pub mod mischief;
pub mod nextcloud;
pub mod pastell;
pub mod porte_documents;
pub mod services;
mod shelf;
pub mod smtp;
pub mod time_stamps;
pub mod wire;
