//! How the outside is reached: one folder per neighbour.

#[cfg(feature = "sim")]
pub mod sim;
pub mod subsidies;
