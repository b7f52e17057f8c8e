//! Search by the beginnings of words, without accents or case. Words are cut here, in Rust, so that the
//! answer depends on no dictionary of the server.

/// The words of `text`, lower case, without accents, separated by one space: what is stored.
pub fn searchable(texts: &[&str]) -> String {
    words(&texts.join(" ")).join(" ")
}

/// Words that French puts everywhere, elided ones included: they find nothing.
const EMPTY: [&str; 24] = [
    "a", "au", "aux", "avec", "c", "d", "dans", "de", "des", "du", "en", "et", "l", "la", "le",
    "les", "n", "ou", "par", "pour", "qu", "sur", "un", "une",
];

/// The PostgreSQL query for rows that hold a word beginning with each word of `text`, in the singular or the
/// plural; `None` without any. Empty words count only among themselves.
pub fn query(text: &str) -> Option<String> {
    let mut words = words(text);
    if words.iter().any(|word| !EMPTY.contains(&word.as_str())) {
        words.retain(|word| !EMPTY.contains(&word.as_str()));
    }
    let words = words.iter().map(|word| singular(word));
    let beginnings: Vec<String> = words.map(|word| format!("'{word}':*")).collect();
    (!beginnings.is_empty()).then(|| beginnings.join(" & "))
}

/// What the singular and the plural of a French word begin with: `subvention`, `trava` (travail, travaux).
fn singular(word: &str) -> &str {
    let stem = match word.strip_suffix("aux").filter(|stem| stem.len() > 2) {
        Some(stem) => word.get(..=stem.len()),
        None if word.len() > 3 => word.strip_suffix(['s', 'x']),
        None => None,
    };
    stem.unwrap_or(word)
}

fn words(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match unaccented(c) {
            Some(letters) => plain.push_str(letters),
            None => plain.push(c),
        }
    }
    plain
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        // Longer words would be refused by PostgreSQL; nobody searches for them.
        .map(|word| word.chars().take(64).collect())
        .collect()
}

/// The plain letters of an accented one. A combining accent leaves nothing.
fn unaccented(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => "a",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' => "o",
        'ù' | 'ú' | 'û' | 'ü' => "u",
        'ý' | 'ÿ' => "y",
        'œ' => "oe",
        'æ' => "ae",
        '\u{300}'..='\u{36f}' => "",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_and_signs_do_not_matter() {
        assert_eq!(
            searchable(&["Fête de l'ŒUVRE", "SUB-2026/0012", "E\u{301}te\u{301}"]),
            "fete de l oeuvre sub 2026 0012 ete"
        );
        assert_eq!(query("  Fê l'œu ").as_deref(), Some("'fe':* & 'oeu':*"));
        assert_eq!(query(" '!|& "), None);
    }

    #[test]
    fn a_search_finds_the_singular_and_the_plural_and_looks_past_empty_words() {
        for (asked, expected) in [
            ("les subventions", "'subvention':*"),
            ("travaux", "'trava':*"),
            ("local des bureaux", "'local':* & 'burea':*"),
            ("prix", "'pri':*"),
            ("bus", "'bus':*"),
            ("de la", "'de':* & 'la':*"),
        ] {
            assert_eq!(query(asked).as_deref(), Some(expected), "{asked}");
        }
    }
}
