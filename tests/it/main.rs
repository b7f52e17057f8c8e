//! The tests that need the whole of Navette, in one binary.

mod access;
mod chain;
mod doors;
mod graphql;
mod parity;
mod projections;
mod readme;
mod refusals;
mod story;
mod support;
