//! Why a tag cannot be read, in the words of the person who wrote it.

/// Words that French writers put where the language has others.
const FRENCH_WORDS: [(&str, &str); 12] = [
    ("et", "and"),
    ("ou", "or"),
    ("non", "not"),
    ("pas", "not"),
    ("dans", "in"),
    ("est", "=="),
    ("si", "if"),
    ("sinon", "else"),
    ("vrai", "true"),
    ("faux", "false"),
    ("vide", "none"),
    ("rien", "none"),
];

/// One piece of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Number(&'a str),
    Text,
    Sign(&'a str),
}

/// Words that join, and may stand beside others.
const OPERATORS: [&str; 7] = ["and", "or", "not", "in", "is", "if", "else"];

/// Why an expression cannot be read.
pub(in crate::merge) fn sentence(code: &str) -> String {
    format!("expression incorrecte : {}", reason(code))
}

fn reason(code: &str) -> String {
    if let Some(mark) = ["{{", "{%"].iter().find(|mark| code.contains(**mark)) {
        return format!("une autre balise commence par « {mark} » avant que celle-ci soit fermée");
    }
    let (tokens, quote) = tokens(code);
    if let Some(quote) = quote {
        return format!(
            "le guillemet {quote} ouvert n'est pas fermé ; un texte s'écrit entre deux guillemets \
             semblables"
        );
    }
    if tokens.is_empty() {
        return "la balise est vide : y écrire un champ".into();
    }
    unbalanced(&tokens)
        .or_else(|| misplaced(&tokens))
        .unwrap_or_else(|| {
            "vérifier les virgules, les parenthèses et les guillemets de cette balise".into()
        })
}

/// The pieces of an expression, and the quote that is not closed.
fn tokens(code: &str) -> (Vec<Token<'_>>, Option<char>) {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = |accepts: fn(char) -> bool| rest.find(|c| !accepts(c)).unwrap_or(rest.len());
        let length = match first {
            '"' | '\'' => {
                let mut escaped = false;
                let end = rest[1..].find(|c| {
                    let closes = c == first && !escaped;
                    escaped = c == '\\' && !escaped;
                    closes
                });
                let Some(end) = end else {
                    return (tokens, Some(first));
                };
                tokens.push(Token::Text);
                end + 2
            }
            _ if first.is_ascii_digit() => {
                let length = word(|c| c.is_ascii_digit() || c == '.');
                tokens.push(Token::Number(&rest[..length]));
                length
            }
            _ if first.is_alphanumeric() || first == '_' => {
                let length = word(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
                tokens.push(Token::Word(&rest[..length]));
                length
            }
            _ => {
                let double = ["==", "!=", "<=", ">=", "&&", "||", "//", "**"];
                let length = double
                    .iter()
                    .find(|sign| rest.starts_with(**sign))
                    .map_or(first.len_utf8(), |sign| sign.len());
                tokens.push(Token::Sign(&rest[..length]));
                length
            }
        };
        rest = rest[length..].trim_start();
    }
    (tokens, None)
}

fn unbalanced(tokens: &[Token<'_>]) -> Option<String> {
    const PAIRS: [(&str, &str); 3] = [("(", ")"), ("[", "]"), ("{", "}")];
    let mut open = Vec::new();
    for token in tokens {
        let Token::Sign(sign) = token else {
            continue;
        };
        if let Some((opening, closing)) = PAIRS.iter().find(|(opening, _)| opening == sign) {
            open.push((*opening, *closing));
        } else if PAIRS.iter().any(|(_, closing)| closing == sign) {
            match open.pop() {
                Some((_, closing)) if closing == *sign => {}
                Some((opening, closing)) => {
                    return Some(format!("« {opening} » doit être fermé par « {closing} »"));
                }
                None => return Some(format!("« {sign} » ferme ce qui n'a pas été ouvert")),
            }
        }
    }
    let (opening, closing) = open.pop()?;
    Some(format!(
        "« {opening} » n'est pas fermé : il manque « {closing} »"
    ))
}

fn misplaced(tokens: &[Token<'_>]) -> Option<String> {
    let signs = |token: &Token<'_>| match token {
        Token::Sign("=") => Some("pour comparer, écrire « == » au lieu de « = »".to_owned()),
        Token::Sign("&&") => Some("écrire « and » au lieu de « && »".into()),
        Token::Sign("||") => Some("écrire « or » au lieu de « || »".into()),
        Token::Sign("!") => Some("écrire « not » au lieu de « ! »".into()),
        Token::Sign(";") => Some("séparer par des virgules, non par « ; »".into()),
        Token::Sign(sign) if !sign.is_ascii() => {
            Some(format!("le caractère « {sign} » n'a pas de sens ici"))
        }
        _ => None,
    };
    if let Some(found) = tokens.iter().find_map(signs) {
        return Some(found);
    }
    let french = |token: &Token<'_>| match token {
        Token::Word(word) => FRENCH_WORDS.iter().find(|(french, _)| french == word),
        _ => None,
    };
    for (token, next) in tokens.iter().zip(&tokens[1..]) {
        if !is_operand(token) || !is_operand(next) {
            continue;
        }
        if let Some((french, english)) = french(next).or_else(|| french(token)) {
            return Some(format!("écrire « {english} » au lieu de « {french} »"));
        }
        if let (Token::Number(one), Token::Number(other)) = (token, next) {
            return Some(format!(
                "un nombre s'écrit sans espace, avec un point pour les décimales : {one}{other}"
            ));
        }
        return Some(format!(
            "il manque quelque chose entre {} et {} (un nom de champ s'écrit sans espace)",
            shown(token),
            shown(next)
        ));
    }
    match tokens.last()? {
        Token::Sign("|") => Some("après « | » il manque le nom d'un filtre".into()),
        Token::Sign(sign) if !matches!(*sign, ")" | "]" | "}") => {
            Some(format!("il manque quelque chose après « {sign} »"))
        }
        Token::Word(word) if OPERATORS.contains(word) => {
            Some(format!("il manque quelque chose après « {word} »"))
        }
        Token::Word(word) if word.ends_with('.') => {
            Some(format!("il manque un nom de champ après « {word} »"))
        }
        _ => None,
    }
}

fn is_operand(token: &Token<'_>) -> bool {
    match token {
        Token::Word(word) => !OPERATORS.contains(word),
        Token::Number(_) | Token::Text => true,
        Token::Sign(_) => false,
    }
}

fn shown(token: &Token<'_>) -> String {
    match token {
        Token::Word(text) | Token::Number(text) | Token::Sign(text) => format!("« {text} »"),
        Token::Text => "le texte entre guillemets".into(),
    }
}

/// Why a tag that begins so is not closed, its paragraph being followed by `next`.
pub(in crate::merge) fn unclosed(tag: &str, next: &str) -> String {
    let (opening, closing) = match tag.get(..2) {
        Some("{%") => ("{%", "%}"),
        Some("{#") => ("{#", "#}"),
        _ => ("{{", "}}"),
    };
    let other = ["%}", "}}", "#}"]
        .into_iter()
        .find(|mark| tag.contains(mark));
    if let Some(other) = other {
        return format!("« {opening} » se ferme par « {closing} », non par « {other} »");
    }
    let closed_at = next.find(closing);
    let opened_at = next.find(['{']).unwrap_or(usize::MAX);
    if closed_at.is_some_and(|at| at < opened_at) {
        return "balise coupée par une fin de paragraphe, donc non fermée : l'écrire tout entière dans \
                un seul paragraphe"
            .into();
    }
    let rest = tag.get(2..).unwrap_or_default();
    if rest.contains(&closing[..1]) {
        return format!(
            "balise non fermée dans ce paragraphe : il manque un caractère à « {closing} »"
        );
    }
    format!("balise non fermée dans ce paragraphe : il manque « {closing} »")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_an_expression_is_told_with_what_to_write() {
        for (code, told) in [
            ("", "la balise est vide"),
            ("dossier objet", "entre « dossier » et « objet »"),
            ("a et b", "« and » au lieu de « et »"),
            ("a = 1", "« == » au lieu de « = »"),
            ("a|default(\"x)", "le guillemet \" ouvert n'est pas fermé"),
            ("a|default('x\")", "le guillemet ' ouvert n'est pas fermé"),
            ("a|pluriel(\"x\"", "« ( » n'est pas fermé : il manque « ) »"),
            ("(a]", "« ( » doit être fermé par « ) »"),
            ("a)", "« ) » ferme ce qui n'a pas été ouvert"),
            (
                "a > 1 000",
                "sans espace, avec un point pour les décimales : 1000",
            ),
            ("a|", "après « | » il manque le nom d'un filtre"),
            ("a and", "il manque quelque chose après « and »"),
            ("dossier.", "il manque un nom de champ après « dossier. »"),
            ("a {{ b", "une autre balise commence par « {{ »"),
            ("a ; b", "séparer par des virgules"),
            ("a € b", "le caractère « € »"),
        ] {
            let sentence = sentence(code);
            assert!(sentence.contains(told), "{code}: {sentence}");
        }
    }

    #[test]
    fn why_a_tag_is_not_closed_is_told() {
        for (tag, next, told) in [
            ("{{ a", "suite", "il manque « }} »"),
            ("{{ a", "b }} suite", "coupée par une fin de paragraphe"),
            ("{{ a", "{{ b }}", "il manque « }} »"),
            (
                "{% if a }}",
                "",
                "« {% » se ferme par « %} », non par « }} »",
            ),
            ("{{ a } suite", "", "il manque un caractère à « }} »"),
        ] {
            let sentence = unclosed(tag, next);
            assert!(sentence.contains(told), "{tag}: {sentence}");
        }
    }
}
