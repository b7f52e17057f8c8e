//! Capitals as French takes them: accents are kept, and small words of a name stay small.

/// Words that stay small inside a name or a title.
const SMALL: [&str; 22] = [
    "à", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "lès", "lez",
    "ou", "par", "pour", "sous", "sur", "un", "une",
];

/// The first letter in capitals, the rest as it is.
pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// `Jean-Pierre d'Ormesson`, `Saint-Rémy-lès-Chevreuse`: a capital on each word but the small ones.
pub(crate) fn title(text: &str) -> String {
    let text = text.to_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut first = true;
    while !rest.is_empty() {
        let length = rest.find(|c: char| !c.is_alphanumeric());
        let (word, after) = rest.split_at(length.unwrap_or(rest.len()));
        if !first && SMALL.contains(&word) {
            out.push_str(word);
        } else {
            out.push_str(&capitalised(word));
        }
        first &= word.is_empty();
        let separator = after.chars().next().map_or(0, char::len_utf8);
        out.push_str(&after[..separator]);
        rest = &after[separator..];
    }
    out
}

/// `a, b et c`.
pub(crate) fn listed(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [others @ .., end] => format!("{} {last} {end}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_has_capitals_where_french_wants_them() {
        for (written, titled) in [
            ("JEAN-PIERRE D'ORMESSON", "Jean-Pierre d'Ormesson"),
            ("saint-rémy-lès-chevreuse", "Saint-Rémy-lès-Chevreuse"),
            ("l'éveil culturel de redon", "L'Éveil Culturel de Redon"),
            ("école élémentaire", "École Élémentaire"),
            ("", ""),
        ] {
            assert_eq!(title(written), titled);
        }
        assert_eq!(capitalised("œuvres d'été"), "Œuvres d'été");
    }

    #[test]
    fn a_list_is_joined_by_commas_and_one_word() {
        let items: Vec<String> = ["a", "b", "c"].map(Into::into).into();
        assert_eq!(listed(&items, "et"), "a, b et c");
        assert_eq!(listed(&items[..2], "ou"), "a ou b");
        assert_eq!(listed(&items[..1], "et"), "a");
        assert_eq!(listed(&[], "et"), "");
    }
}
