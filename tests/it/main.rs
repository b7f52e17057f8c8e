//! The tests that need the whole of Navette, in one binary.

mod chain;
mod parity;
mod projections;
mod refusals;
mod story;
mod support;
