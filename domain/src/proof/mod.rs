//! What makes the log provable to an outsider.
//!
//! Each event has a hash, which covers the hash before it in its stream: that is the chain. The hashes of
//! all the events, in the order of their positions, are the leaves of one tree (RFC 6962). A checkpoint is
//! the root of that tree at one size, signed (C2SP tlog-checkpoint); whoever keeps one can be shown, with a
//! few hashes, that an event is in the log and that a later log only adds to theirs.

mod checkpoint;
mod event_hash;
mod fault;
mod key_change;
pub mod tree;
mod verification;

pub use checkpoint::{Checkpoint, NotACheckpoint, NotAKey, SignedCheckpoint, VerifierKey};
pub use event_hash::{HASHED_BEFORE_FIRST, StoredEvent, framed_identity, written_time};
pub use fault::{Fault, Holder};
pub use key_change::{KeyChange, KeyHistory};
pub use verification::{Faults, Previous, Verification, link_fault};

#[cfg(test)]
mod tests;
