//! A simulated mail relay.
