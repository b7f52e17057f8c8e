//! Comparing what people write: without case, accents, punctuation and repeated spaces.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The words of `text`, separated by one space.
pub fn words(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            folded.push(c.to_ascii_lowercase());
        } else if c.is_ascii() {
            separate(&mut folded);
        } else {
            fold_other(c, &mut folded);
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// Letters are taken one by one: marks go, so their order, for which whole texts are normalised, is moot.
fn fold_other(c: char, folded: &mut String) {
    for c in std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c)) {
        if c.is_alphanumeric() {
            folded.extend(c.to_lowercase());
        } else {
            separate(folded);
        }
    }
}

fn separate(folded: &mut String) {
    if !folded.is_empty() && !folded.ends_with(' ') {
        folded.push(' ');
    }
}

/// The letters and digits of a column's name, so that `nomAttribuant`, `Nom attribuant` and
/// `NOM_ATTRIBUANT` are the same column.
pub fn column_name(text: &str) -> String {
    words(text).replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_punctuation_and_spaces_make_no_difference() {
        assert_eq!(words("  L’Été — à  ŒUVRER (1er) "), "l ete a œuvrer 1er");
        assert_eq!(words("e\u{301}te\u{301}"), "ete");
        assert_eq!(words("… ! "), "");
        assert_eq!(column_name("Montant  total (€)"), "montanttotal");
    }
}
