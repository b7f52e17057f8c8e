//! How the outside is reached: one folder per neighbour.

pub mod http;
pub mod maarch;
pub mod nextcloud;
#[cfg(feature = "sim")]
pub mod sim;
