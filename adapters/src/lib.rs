//! How the outside is reached: one folder per neighbour.

pub mod postgres;
#[cfg(feature = "sim")]
pub mod sim;
