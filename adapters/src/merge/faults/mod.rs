//! What is told of a template's faults: where each one is, in words and in the file.

mod layout;
pub(super) mod syntax;

pub(super) use layout::Layout;

use navette_domain::ports::{Anchor, TemplateFault};
use std::collections::HashSet;

/// The faults as one meets them reading the document, its body first, each once: Word keeps the text of a
/// drawing twice.
pub(super) fn in_reading_order(faults: &mut Vec<TemplateFault>) {
    faults.sort_by_key(|fault| {
        let anchor = fault.place.anchor.as_ref();
        let body = anchor.is_some_and(|anchor| {
            matches!(anchor.entry.as_str(), "content.xml" | "word/document.xml")
        });
        (!body, anchor.cloned())
    });
    let told = |fault: &TemplateFault| (fault.tag.clone(), fault.sentence.clone());
    let first: HashSet<(String, String)> = faults
        .iter()
        .filter(|fault| !fault.place.around.is_empty())
        .map(told)
        .collect();
    faults.retain(|fault| {
        let in_word = |anchor: &Anchor| anchor.entry.starts_with("word/");
        let second = fault.place.around.is_empty();
        let in_word = fault.place.anchor.as_ref().is_some_and(in_word);
        !(second && in_word && first.contains(&told(fault)))
    });
}

#[cfg(test)]
mod tests;
