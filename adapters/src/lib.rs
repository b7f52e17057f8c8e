//! How the outside is reached: one folder per neighbour.

pub mod http;
pub mod iparapheur;
pub mod pdf;
#[cfg(feature = "sim")]
pub mod sim;
pub mod soap;
