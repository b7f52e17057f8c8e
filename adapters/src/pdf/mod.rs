//! What is checked on a PDF before anybody relies on it: that it is one, and that what came back from a
//! signing desk is what was sent, signed; the PDFs of a batch made one for the printer, and scanned letters cut out of
//! one file. These functions
//! take CPU: call them off the async threads.

mod changes;
mod concatenate;
mod copy;
mod expected;
mod produced;
mod returned;
mod scanned;
mod signature;
mod split;
#[cfg(all(test, feature = "sim"))]
mod tests;

pub use concatenate::{Concatenation, PageRange, Starts};
pub use copy::CopyError;
pub use expected::{Expected, Signatories, SignatoriesConfig};
pub use produced::{Purpose, Unfit, produced};
pub use returned::{Refusal, Verdict, returned};
pub use scanned::{ScannedFile, ScannedPage};
pub use split::{NotSplit, Part, split};

use lopdf::{Document, LoadOptions, xref::XrefRecovery};

/// No honest letter holds a stream that inflates beyond this.
const LARGEST_STREAM: usize = 64 << 20;

/// Why bytes are not a PDF that can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPdf {
    /// Something else: a web page, most often.
    #[error("le fichier n'est pas un PDF")]
    Header,
    /// Truncated, damaged, or made to exhaust its reader.
    #[error("le PDF est abîmé ou incomplet")]
    Damaged,
    /// Encrypted: nobody could check what it says.
    #[error("le PDF est protégé par un mot de passe")]
    Protected,
    /// Without a page.
    #[error("le PDF n'a aucune page")]
    Empty,
}

/// The number of pages, at least 1.
pub fn pages(bytes: &[u8]) -> Result<u32, NotAPdf> {
    open(bytes).map(|document| page_count(&document))
}

/// Reads a PDF as it is written. A file whose cross-references had to be rebuilt lost its end, or its mind.
fn open(bytes: &[u8]) -> Result<Document, NotAPdf> {
    if !bytes.starts_with(b"%PDF-") {
        return Err(NotAPdf::Header);
    }
    let options = LoadOptions::with_max_decompressed_size(LARGEST_STREAM);
    let document = Document::load_mem_with_options(bytes, options).map_err(|_| NotAPdf::Damaged)?;
    if document.is_encrypted() || document.was_encrypted() {
        return Err(NotAPdf::Protected);
    }
    if document.xref_recovery == Some(XrefRecovery::Reconstructed) {
        return Err(NotAPdf::Damaged);
    }
    if page_count(&document) == 0 {
        return Err(NotAPdf::Empty);
    }
    Ok(document)
}

fn page_count(document: &Document) -> u32 {
    u32::try_from(document.get_pages().len()).unwrap_or(u32::MAX)
}
