//! Is the PDF that came back the one that was sent, and signed? A valid signature is not enough: another
//! letter signed by the same president has one too. Only the comparison with what was sent tells.
//!
//! Whether a certificate is qualified is not decided here: the legal verdict belongs to a validation service.

use super::{Expected, NotAPdf, changes, open, page_count, signature};
use lopdf::Document;
use navette_domain::signature::{Binding, Examination};

/// Below this there is no room for a page, its font and a signature.
const SMALLEST: usize = 500;
/// A desk that rewrites a file may compress it better, but not to a quarter: that is another file.
const LARGEST_SHRINK: usize = 4;

/// What was found on a PDF that can be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The tie with what was sent.
    pub binding: Binding,
    /// Its number of pages.
    pub pages: u32,
    /// What was checked of its signatures.
    pub examination: Examination,
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
    /// The certificate is no longer, or not yet, in force.
    #[error(
        "Le certificat du signataire n'est pas en vigueur : il est expiré, ou ne l'est pas encore."
    )]
    Expired,
    /// The certificate was taken back.
    #[error("Le certificat du signataire a été révoqué.")]
    Revoked,
    /// Whether it was is not known.
    #[error(
        "Aucune liste de révocation à jour ne dit si le certificat du signataire est encore valable : l'administrateur doit la renouveler."
    )]
    StaleRevocationList,
    /// It is a machine's.
    #[error("Le certificat employé n'est pas celui d'une personne qui signe des documents.")]
    NotForSigning,
    /// It leads to no authority of the site's.
    #[error("Le certificat du signataire n'est délivré par aucune des autorités reconnues.")]
    Untrusted,
    /// Signed by somebody else.
    #[error(
        "Le document rendu est signé par quelqu'un qui n'est pas parmi les signataires attendus."
    )]
    OtherSigner,
    /// Something stands on a page that did not.
    #[error(
        "Le document rendu porte une annotation ou un champ que n'avait pas celui qui a été envoyé."
    )]
    Annotated,
    /// Signed, but not what was sent.
    #[error("Le document rendu n'est pas celui qui a été envoyé à la signature.")]
    OtherDocument,
}

/// Whether `returned` is what was `sent`, signed by whom it should be, and nothing else.
pub fn returned(sent: &[u8], returned: &[u8], expected: &Expected<'_>) -> Result<Verdict, Refusal> {
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
    if signatures.end != returned.len() {
        // What was signed, and nothing after it but evidence for later.
        let signed = open(&returned[..signatures.end])?;
        if !is_finished(returned) || !changes::evidence_only(&signed, &document) {
            return Err(Refusal::NotWholeFile);
        }
    }
    for (data, certificate) in &signatures.signers {
        expected.accept(data, certificate)?;
    }
    let original = open(sent).map_err(Refusal::SentUnreadable)?;
    let count = u32::try_from(signatures.signers.len()).unwrap_or(u32::MAX);
    Ok(Verdict {
        binding: binding(&original, &document, returned.starts_with(sent))?,
        pages: page_count(&document),
        examination: expected.examination(count),
    })
}

/// Whether the file has its end: a file that was cut may still be read, as it was before its last update.
pub(super) fn is_finished(file: &[u8]) -> bool {
    file.trim_ascii_end().ends_with(b"%%EOF")
}

/// An addition may hide or replace what was sent: the same first bytes are not enough.
fn binding(sent: &Document, returned: &Document, same_start: bool) -> Result<Binding, Refusal> {
    let exact = same_start && changes::signed_only(sent, returned);
    if changes::annotated(sent, returned, !exact) {
        return Err(Refusal::Annotated);
    }
    if exact {
        return Ok(Binding::Exact);
    }
    match comparison(sent, returned) {
        Comparison::Same => Ok(Binding::Weak),
        Comparison::Different | Comparison::Unknown => Err(Refusal::OtherDocument),
    }
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
