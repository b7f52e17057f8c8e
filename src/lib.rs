//! The shell: doors, workers and wiring. No business rule lives here.

pub mod access;
pub mod app;
pub mod batches;
pub mod clock;
pub mod config;
pub mod dispatch;
pub mod graphql;
pub mod http;
#[cfg(feature = "sim")]
pub mod neighbourhood;
pub mod steps;
pub mod templates;
pub mod unit;
pub mod workers;
