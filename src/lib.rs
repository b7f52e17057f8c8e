//! The shell: doors, workers and wiring. No business rule lives here.

pub mod access;
pub mod addresses;
pub mod app;
pub mod attachments;
pub mod batches;
pub mod bundle;
pub mod cases;
pub mod chains;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "sim")]
pub mod demo;
pub mod dispatch;
pub mod epoch;
pub mod erasure;
pub mod exports;
pub mod graphql;
pub mod history;
pub mod http;
pub mod import;
pub mod library;
#[cfg(feature = "sim")]
pub mod neighbourhood;
pub mod pauses;
pub mod rehearsal;
pub mod scans;
pub mod schedules;
pub mod steps;
pub mod templates;
pub mod triggers;
pub mod unit;
pub mod workers;

/// A fifth of what reading the log cost went to the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
