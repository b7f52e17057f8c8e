//! The ZIP of a folder: read in memory within limits, its documents compared with what it says of them.

use super::premis::Premis;
use navette_domain::{digest::Digest, ports::SignedFolder};
use std::io::{Cursor, Read as _};
use zip::ZipArchive;

const DESCRIPTION: &str = "i_Parapheur_internal_premis.xml";
const DOCUMENTS: &str = "Documents principaux/";
const SLIP: &str = "_bordereau.pdf";
const MOST_ENTRIES: usize = 500;
const LARGEST_TOTAL: u64 = 256 << 20;

/// Why an archive is not that of a folder.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsound {
    #[error("not a ZIP that can be read: {0}")]
    Damaged(String),
    #[error("an entry would be written elsewhere")]
    Climbs,
    #[error("it holds too much")]
    TooMuch,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("it is not said which document is the main one")]
    Several,
    #[error("a document is not the one that is described")]
    OtherDigest,
}

fn damaged(error: impl std::fmt::Display) -> Unsound {
    Unsound::Damaged(error.to_string())
}

/// The document and the slip.
pub(super) fn read(bytes: &[u8]) -> Result<SignedFolder, Unsound> {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    if zip.len() > MOST_ENTRIES {
        return Err(Unsound::TooMuch);
    }
    let mut left = LARGEST_TOTAL;
    let (mut description, mut documents, mut slip) = (None, vec![], None);
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(damaged)?;
        let name = entry.name().map_err(damaged)?.to_string();
        // Nothing is written under these names; one that climbs is no work of the desk's.
        if name.starts_with('/') || name.split(['/', '\\']).any(|part| part == "..") {
            return Err(Unsound::Climbs);
        }
        let mut content = Vec::new();
        let read = entry.take(left + 1).read_to_end(&mut content);
        let read = read.map_err(damaged)? as u64;
        left = left.checked_sub(read).ok_or(Unsound::TooMuch)?;
        if name == DESCRIPTION {
            description = Some(content);
        } else if let Some(file) = name.strip_prefix(DOCUMENTS).filter(|file| !file.is_empty()) {
            documents.push((file.to_owned(), content));
        } else if name.ends_with(SLIP) {
            slip = Some(content);
        }
    }
    let description = description.ok_or(Unsound::Missing(DESCRIPTION))?;
    let description = Premis::read(&description).map_err(damaged)?;
    let pdf = main(&description, documents)?;
    Ok(SignedFolder { pdf, slip })
}

/// The one document that was sent, held against its description.
fn main(description: &Premis, documents: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, Unsound> {
    let [described] = description.documents.as_slice() else {
        return Err(Unsound::Several);
    };
    let alone = documents.len() == 1;
    let mut named = (documents.into_iter()).filter(|(name, _)| alone || *name == described.name);
    let (_, pdf) = named.next().ok_or(Unsound::Missing("the main document"))?;
    match described.digest {
        Some(digest) if digest != Digest::of(&pdf) => Err(Unsound::OtherDigest),
        _ => Ok(pdf),
    }
}
