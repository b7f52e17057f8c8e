//! A simulated iParapheur.

pub mod pdf_signature;
pub mod slip;
