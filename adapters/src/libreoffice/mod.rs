//! PDF from office files, by LibreOffice, which is never trusted: it answers "done" to garbage, follows
//! links and hangs. What it is given is scanned first, it works in another process without network and
//! within limits, and what it gives back is checked.

#[cfg(feature = "sim")]
pub mod bare;
mod chunk;
mod clock;
mod confine;
mod folders;
pub(crate) mod installation;
mod kit;
mod machine;
mod pool;
mod process;
mod profile;
mod together;
pub mod worker;

pub use pool::{LETTERS_TOGETHER, PdfPool, PoolOptions};
