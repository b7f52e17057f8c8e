//! PDF from office files, by LibreOffice, which is never trusted: it answers "done" to garbage, follows
//! links and hangs. What it is given is scanned first, it works in another process without network and
//! within limits, and what it gives back is checked.

pub mod chunk;
mod folders;
mod kit;
mod output;
mod pool;
mod profile;
pub mod worker;

pub use pool::{PdfPool, PoolOptions};
