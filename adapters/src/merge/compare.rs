//! Makes `<`, `>`, `<=` and `>=` mean what a clerk means.
//!
//! minijinja orders values of different kinds by kind: a missing amount, or an amount kept as text, would
//! be greater than any number, and the letter would say so. Each side of a comparison is therefore passed
//! through a filter that makes numbers of amounts and faults of missing values.

/// Applied when the other side is a number in figures: what is no number is a fault.
pub(super) const NUMBER: &str = "__nombre";
/// Applied otherwise: amounts become numbers, the rest stays.
pub(super) const ORDERED: &str = "__ordre";

/// The code with its comparisons made safe.
pub(super) fn safe_comparisons(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((at, length)) = operator(rest) {
        let (left, right) = (&rest[..at], &rest[at + length..]);
        let operand = leading_operand(right);
        let (before, after) = (is_figure(trailing_word(left)), is_figure(operand.trim()));
        out.push_str(left.trim_end());
        push_filter(&mut out, before, after);
        out.push(' ');
        out.push_str(&rest[at..at + length]);
        out.push_str(operand);
        if !operand.trim().is_empty() {
            push_filter(&mut out, after, before);
        }
        rest = &right[operand.len()..];
    }
    out.push_str(rest);
    out
}

fn push_filter(out: &mut String, is_figure: bool, other_is_figure: bool) {
    if !is_figure {
        out.push('|');
        out.push_str(if other_is_figure { NUMBER } else { ORDERED });
    }
}

/// Where the next comparison outside of a string is, and its length.
fn operator(code: &str) -> Option<(usize, usize)> {
    let mut string = None;
    code.char_indices().find_map(|(at, character)| {
        match (string, character) {
            (None, '"' | '\'') => string = Some(character),
            (Some(quote), _) if quote == character => string = None,
            (None, '<' | '>') => {
                let with_equal = code[at + 1..].starts_with('=');
                return Some((at, 1 + usize::from(with_equal)));
            }
            _ => {}
        }
        None
    })
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.')
}

fn trailing_word(code: &str) -> &str {
    let code = code.trim_end();
    &code[code.trim_end_matches(is_word).len()..]
}

/// The name or number that follows a comparison, spaces before it included; nothing for the rest, which
/// filters cannot be added to without parsing.
fn leading_operand(code: &str) -> &str {
    let spaces = code.len() - code.trim_start().len();
    let word = code[spaces..]
        .find(|c| !is_word(c))
        .unwrap_or(code.len() - spaces);
    &code[..spaces + word]
}

fn is_figure(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_comparison_are_made_comparable() {
        for (written, safe) in [
            ("if a.b > 23000", "if a.b|__nombre > 23000"),
            ("if 0 <= a.b and c", "if 0 <= a.b|__nombre and c"),
            ("if a>b", "if a|__ordre >b|__ordre"),
            ("if a|nombre >= (b)", "if a|nombre|__ordre >= (b)"),
            ("if a < \"2026\"", "if a|__ordre < \"2026\""),
            ("if a == '<b>'", "if a == '<b>'"),
        ] {
            assert_eq!(safe_comparisons(written), safe);
        }
    }
}
