//! The tests that need the whole of Navette, in one binary.

mod projections;
mod story;
