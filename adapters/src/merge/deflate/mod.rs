//! Deflates what a merge has rendered: by what its template is known to say (`passages`), or as it comes.

mod bits;
mod huffman;
mod passages;
mod repetitions;
#[cfg(test)]
mod tests;

pub(super) use passages::Passages;

use flate2::{Compress, Compression, FlushCompress, Status};
use std::cell::RefCell;

/// zlib's own choice. The lowest level is twice as fast and gives files a fifth larger, and a merge is
/// already nothing beside its PDF.
const LEVEL: u32 = 6;

thread_local! {
    /// A compressor is large to set up, and small to start again.
    static COMPRESS: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(LEVEL), false));
}

/// Appends the deflated `bytes` to `out`.
pub(super) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    COMPRESS.with_borrow_mut(|compress| {
        compress.reset();
        loop {
            let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
            let rest = bytes.get(read..).unwrap_or_default();
            out.reserve(rest.len() / 2 + 256);
            let status = compress.compress_vec(rest, out, FlushCompress::Finish);
            // Nothing is wrong with any bytes: the only error is that of a finished stream.
            if matches!(status, Ok(Status::StreamEnd) | Err(_)) {
                return;
            }
        }
    });
}
