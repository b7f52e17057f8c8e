//! How the outside is reached: PostgreSQL, files, LibreOffice, and one folder per neighbour.
//!
//! # Invariants
//! - No rule of the trade lives here: an adapter translates, bounds and classifies.
//! - A neighbour's own words stay in its `wire.rs`.
//! - Nothing here retries by itself, except the appender, whose receipts make it harmless: the workers
//!   decide when to try again.

#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "tests mint ids and meet neighbours as they like"
    )
)]

pub mod capdemat;
mod cms;
pub mod demarches;
mod deposit;
pub mod desk;
pub mod directory;
pub mod drops;
pub mod effects;
pub mod export;
pub mod fast_parapheur;
pub mod file_store;
pub mod fonts;
pub mod grants_tool;
pub mod http;
pub mod iparapheur;
pub mod iparapheur_rest;
pub mod keys;
pub mod libreoffice;
pub mod log;
pub mod maarch;
pub mod merge;
pub mod nextcloud;
pub mod parcel;
pub mod pastell;
pub mod pdf;
pub mod porte_documents;
pub mod postgres;
pub mod proof;
#[cfg(all(test, feature = "sim"))]
mod real;
pub mod scan;
pub mod seda;
pub mod services;
#[cfg(feature = "sim")]
pub mod sim;
pub mod smtp;
pub mod soap;
pub mod subsidies;
pub mod trust;
pub mod workshop;

pub use deposit::DepositConfig;
