//! How the outside is reached: one folder per neighbour.

pub mod http;
#[cfg(feature = "sim")]
pub mod sim;
