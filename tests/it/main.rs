//! The tests that need the whole of Navette, in one binary.

#![expect(
    clippy::disallowed_methods,
    reason = "tests mint ids and meet Navette as they like"
)]

mod access;
mod architecture;
mod bundle;
mod chain;
mod demo;
mod doors;
mod engine;
mod epochs;
mod erasure;
mod exports;
mod graphql;
mod history;
mod import;
mod lists;
mod mishaps;
mod parity;
mod projections;
mod readme;
mod rebuilds;
mod refusals;
mod replay;
mod schema;
mod selections;
mod statements;
mod story;
mod straight;
mod support;
mod templates;
mod verify;
