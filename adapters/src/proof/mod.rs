//! The proof of the log: its tree, its checkpoints, the key that signs them, where they are published, and
//! whether all of it still fits together.

mod key;
mod publish;
mod seal;
mod tree;
mod verify;

#[cfg(all(test, feature = "sim"))]
mod tests;

pub use key::{CheckpointKey, is_signed};
pub use publish::{Place, Webhook, publish};
pub use seal::{NotSealed, SealedCheckpoint, Sealer, last_checkpoint};
pub use tree::Tree;
pub use verify::{Report, verify, verify_stream};
