//! Comparing what people write: without case, accents, punctuation and repeated spaces.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The words of `text`, separated by one space.
pub fn words(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        if c.is_alphanumeric() {
            folded.extend(c.to_lowercase());
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// The letters and digits of a column's name, so that `nomAttribuant`, `Nom attribuant` and
/// `NOM_ATTRIBUANT` are the same column.
pub fn column_name(text: &str) -> String {
    words(text).replace(' ', "")
}
