//! What is told of a template's faults: where each one is, in words and in the file.

mod layout;
pub(super) mod syntax;

pub(super) use layout::Layout;

use navette_domain::ports::TemplateFault;

/// The faults as one meets them reading the document: its body first.
pub(super) fn in_reading_order(faults: &mut [TemplateFault]) {
    faults.sort_by_key(|fault| {
        let anchor = fault.place.anchor.as_ref();
        let body = anchor.is_some_and(|anchor| {
            matches!(anchor.entry.as_str(), "content.xml" | "word/document.xml")
        });
        (!body, anchor.cloned())
    });
}

#[cfg(test)]
mod tests;
