//! How the outside is reached: one folder per neighbour.

mod deposit;
pub mod effects;
pub mod file_store;
pub mod grants_tool;
pub mod http;
pub mod log;
pub mod porte_documents;
pub mod postgres;
pub mod maarch;
pub mod nextcloud;
#[cfg(feature = "sim")]
pub mod sim;
pub mod smtp;

pub use deposit::DepositConfig;
pub mod iparapheur;
pub mod pdf;
pub mod soap;
pub mod libreoffice;
pub mod merge;
pub mod workshop;
pub mod subsidies;
