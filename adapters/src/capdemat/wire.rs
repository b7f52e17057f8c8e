//! CapDémat's own words.

use crate::soap::Element;
use base64::{Engine as _, prelude::BASE64_STANDARD};

/// The namespace of every element.
pub(crate) const NAMESPACE: &str = "http://www.capwebct.fr/capdemat";

/// The states of a request.
pub(crate) const STATES: [&str; 13] = [
    "Draft",
    "Pending",
    "Inprogress",
    "Extinprogress",
    "Complete",
    "Uncomplete",
    "Rectified",
    "Validated",
    "Notified",
    "Closed",
    "Rejected",
    "Cancelled",
    "Archived",
];

/// The ids of the documents that could be ours: what a service adds is valid from the first moment.
pub(super) fn validated(list: &Element) -> Vec<String> {
    list.all("Document")
        .filter(|document| document.text_of("State") == "Validated")
        .map(|document| document.text_of("DocumentId").to_owned())
        .filter(|id| !id.is_empty())
        .collect()
}

/// The bytes of a document that is in one piece.
pub(super) fn content(document: &Element) -> Option<Vec<u8>> {
    let mut pieces = document.all("DocumentBinary");
    let (piece, others) = (pieces.next()?, pieces.next());
    if others.is_some() {
        return None;
    }
    let text: String = piece.text.split_whitespace().collect();
    BASE64_STANDARD.decode(text).ok()
}
