//! Search by the beginnings of words, without accents or case. Words are cut here, in Rust, so that the
//! answer depends on no dictionary of the server.

/// The words of `text`, lower case, without accents, separated by one space: what is stored.
pub fn searchable(texts: &[&str]) -> String {
    words(&texts.join(" ")).join(" ")
}

/// The PostgreSQL query for rows that hold a word beginning with each word of `text`; `None` without any.
pub fn query(text: &str) -> Option<String> {
    let words = words(text);
    let beginnings: Vec<String> = words.iter().map(|word| format!("'{word}':*")).collect();
    (!beginnings.is_empty()).then(|| beginnings.join(" & "))
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
        assert_eq!(
            query("  Fê l'œu ").as_deref(),
            Some("'fe':* & 'l':* & 'oeu':*")
        );
        assert_eq!(query(" '!|& "), None);
    }
}
