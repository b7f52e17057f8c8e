//! The mail relay.
