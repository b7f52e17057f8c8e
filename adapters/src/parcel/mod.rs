//! Files of any size that are put somewhere under a name, once: in a folder here, in a collection over WebDAV
//! (`crate::nextcloud`). Nothing that is there is ever written over.

mod folder;
#[cfg(test)]
mod tests;

pub use folder::{NotPut, put_in_folder};

use navette_domain::digest::Digest;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, Read, Seek as _},
};

/// What is read at once.
const CHUNK: usize = 64 * 1024;

/// A file on its way.
#[derive(Debug)]
pub struct Parcel {
    /// Its name where it goes, which is no path.
    pub name: String,
    /// Its bytes, from the first to the last.
    pub content: File,
    /// How many there are.
    pub length: u64,
    /// What they are.
    pub digest: Digest,
    /// Their type.
    pub media_type: &'static str,
}

impl Parcel {
    /// Its bytes, from the first on. Only one reader reads at a time.
    pub(crate) fn open(&self) -> io::Result<File> {
        let mut content = self.content.try_clone()?;
        content.rewind()?;
        Ok(content)
    }
}

/// What `content` reads as, given to `take` on its way.
fn digest_of(
    mut content: impl Read,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Digest> {
    let (mut sum, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        let read = content.read(&mut chunk)?;
        let bytes = chunk.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Digest::from_bytes(sum.finalize().into()));
        }
        sum.update(bytes);
        take(bytes)?;
    }
}
