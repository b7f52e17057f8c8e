//! What is true in Navette.

pub mod digest;
pub mod ids;
pub mod personal;
pub mod ports;
