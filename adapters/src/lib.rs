//! How the outside is reached: one folder per neighbour.

pub mod libreoffice;
pub mod merge;
#[cfg(feature = "sim")]
pub mod sim;
pub mod workshop;
