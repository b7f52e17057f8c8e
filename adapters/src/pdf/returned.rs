//! Is the PDF that came back the one that was sent, and signed? A valid signature is not enough: another
//! letter signed by the same president has one too. Only the comparison with what was sent tells.
//!
//! Whether the signer's certificate is trusted is not decided here: the desk answers for its signers, and
//! the legal verdict belongs to a validation service.

use super::{NotAPdf, open, page_count, signature};
use lopdf::Document;
use navette_domain::signature::Binding;

/// Below this there is no room for a page, its font and a signature.
const SMALLEST: usize = 500;
/// A desk that rewrites a file may compress it better, but not to a quarter: that is another file.
const LARGEST_SHRINK: usize = 4;

/// What was found on a PDF that can be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The tie with what was sent.
    pub binding: Binding,
    /// Its number of pages.
    pub pages: u32,
    /// The number of signatures, all of them intact.
    pub signatures: u32,
}

/// Why what came back cannot be accepted, in a sentence for a clerk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error("Le document rendu n'est pas recevable : {0}.")]
    NotAPdf(#[from] NotAPdf),
    /// What was sent cannot be read, so nothing can be compared with it.
    #[error("Le document envoyé n'est plus lisible : {0}.")]
    SentUnreadable(NotAPdf),
    /// Too small to be the letter.
    #[error("Le document rendu est beaucoup trop petit pour être celui qui a été envoyé.")]
    Stub,
    /// The same bytes.
    #[error("Le document rendu est celui qui a été envoyé, sans signature.")]
    Unchanged,
    /// No signature in it.
    #[error("Le document rendu ne porte aucune signature électronique.")]
    Unsigned,
    /// Something stands outside the signature.
    #[error("Le document rendu a été complété ou modifié après la signature.")]
    NotWholeFile,
    /// The bytes are not those that were signed.
    #[error(
        "La signature électronique ne correspond pas au document : il a été modifié après avoir été signé."
    )]
    Altered,
    /// The signature is made in a way that cannot be checked here.
    #[error(
        "La signature électronique du document rendu est dans un format qui ne peut pas être vérifié."
    )]
    Unverifiable,
    /// Signed, but not what was sent.
    #[error("Le document rendu n'est pas celui qui a été envoyé à la signature.")]
    OtherDocument,
}

/// Whether `returned` is what was `sent`, signed and nothing else.
pub fn returned(sent: &[u8], returned: &[u8]) -> Result<Verdict, Refusal> {
    if !returned.starts_with(b"%PDF-") {
        return Err(NotAPdf::Header.into());
    }
    if returned == sent {
        return Err(Refusal::Unchanged);
    }
    if returned.len() < SMALLEST.max(sent.len() / LARGEST_SHRINK) {
        return Err(Refusal::Stub);
    }
    let document = open(returned)?;
    let signatures = signature::check_all(&document, returned)?;
    let original = open(sent).map_err(Refusal::SentUnreadable)?;
    let binding = match (returned.starts_with(sent), comparison(&original, &document)) {
        (_, Comparison::Different) | (false, Comparison::Unknown) => {
            return Err(Refusal::OtherDocument);
        }
        // An addition may hide or replace what was sent, hence the comparison here too.
        (true, Comparison::Same | Comparison::Unknown) => Binding::Exact,
        (false, Comparison::Same) => Binding::Weak,
    };
    Ok(Verdict {
        binding,
        pages: page_count(&document),
        signatures,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Same,
    Different,
    /// What was sent holds no text that can be read: a scan.
    Unknown,
}

/// Compares page by page. A page may have gained words (the stamp "signé par…"), and lost none.
fn comparison(sent: &Document, returned: &Document) -> Comparison {
    if page_count(sent) != page_count(returned) {
        return Comparison::Different;
    }
    let mut anything = false;
    for page in 1..=page_count(sent) {
        let Some(before) = words(sent, page).filter(|text| !text.is_empty()) else {
            continue;
        };
        anything = true;
        match words(returned, page) {
            Some(after) if after.contains(&before) => {}
            _ => return Comparison::Different,
        }
    }
    if anything {
        Comparison::Same
    } else {
        Comparison::Unknown
    }
}

/// The text of a page without its spaces, which readers place as they like.
fn words(document: &Document, page: u32) -> Option<String> {
    let text = document
        .extract_text_with_limit(&[page], super::LARGEST_STREAM)
        .ok()?;
    Some(text.split_whitespace().collect())
}
