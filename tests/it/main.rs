//! The tests that need the whole of Navette, in one binary.

// The inputs of all mutations are written as one value.
#![recursion_limit = "256"]
#![expect(
    clippy::disallowed_methods,
    reason = "tests mint ids and meet Navette as they like"
)]

mod access;
mod architecture;
mod archive;
mod attachments;
mod bundle;
mod chain;
mod check_config;
mod demo;
mod doors;
mod engine;
mod epochs;
mod erasure;
mod export_schedules;
mod exports;
mod graphql;
mod history;
mod import;
mod lists;
mod mishaps;
mod parity;
mod persisted;
mod projections;
mod readme;
mod rebuilds;
mod refusals;
mod rehearsal;
mod replay;
mod scans;
mod schema;
mod selections;
mod sources;
mod statements;
mod steps;
mod story;
mod straight;
mod support;
mod templates;
mod triggers;
mod verify;
