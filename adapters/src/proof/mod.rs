//! The proof of the log: its tree, its checkpoints, the key that signs them, where they are published, and
//! whether all of it still fits together.

mod key;
mod publish;
mod report;
mod rotate;
mod seal;
mod time_stamp;
mod tree;
mod verify;
mod verify_stream;

#[cfg(all(test, feature = "sim"))]
mod tests;

pub use key::{CheckpointKey, is_signed};
pub use publish::{Place, Webhook, publish};
pub use report::{Report, Stamps, Trust};
pub use rotate::{key_history, last_key_change, rotate};
pub use seal::{NotSealed, SealedCheckpoint, Sealer, checkpoint_of_at_least, last_checkpoint};
pub use time_stamp::{
    NotATimeStamp, TimeStamp, TimeStampAuthority, check as check_time_stamp, last_stamps,
    time_stamp_of,
};
pub use tree::Tree;
pub use verify::{verify, verify_from};
pub use verify_stream::verify_stream;
