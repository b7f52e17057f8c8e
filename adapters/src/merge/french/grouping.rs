//! Numbers that people read by groups: SIRET, telephone, IBAN. Groups are held together by no-break
//! spaces, so that a line never ends inside a number.

const NO_BREAK: char = '\u{a0}';

/// `123 456 789 00012`, or `123 456 789` of a SIREN; `None` when the digits are not that many.
pub(crate) fn siret(text: &str) -> Option<String> {
    let digits = digits(text)?;
    match digits.len() {
        9 => Some(grouped(&digits, &[3, 3, 3])),
        14 => Some(grouped(&digits, &[3, 3, 3, 5])),
        _ => None,
    }
}

/// `02 99 12 34 56`, or `+33 2 99 12 34 56` when it is written so.
pub(crate) fn telephone(text: &str) -> Option<String> {
    let text = text.trim();
    let international = text.strip_prefix('+').or_else(|| text.strip_prefix("00"));
    let digits = digits(international.unwrap_or(text))?;
    match (international, digits.len()) {
        (None, 10) => Some(grouped(&digits, &[2; 5])),
        // +33 (0)2 …: the zero is not dialled.
        (Some(_), 11 | 12) if digits.starts_with("33") => {
            let national = digits[2..].trim_start_matches('0');
            let national = (national.len() == 9).then(|| grouped(national, &[1, 2, 2, 2, 2]))?;
            Some(format!("+33{NO_BREAK}{national}"))
        }
        _ => None,
    }
}

/// `FR76 3000 6000 0112 3456 7890 189`; `None` when its check digits are wrong.
pub(crate) fn iban(text: &str) -> Option<String> {
    let iban: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let shaped = (15..=34).contains(&iban.len()) && iban.bytes().all(|b| b.is_ascii_alphanumeric());
    if !shaped {
        return None;
    }
    let (head, tail) = iban.split_at(4);
    let remainder = tail.chars().chain(head.chars()).try_fold(0, |sum, c| {
        let value = c.to_digit(36)?;
        Some((sum * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    (remainder == Some(1)).then(|| grouped(&iban, &[4; 9]))
}

/// `01000`: five digits, with the zero that spreadsheets drop.
pub(crate) fn postcode(text: &str) -> Option<String> {
    let digits = digits(text)?;
    matches!(digits.len(), 4 | 5).then(|| format!("{digits:0>5}"))
}

/// The digits of a number written with the usual separators.
fn digits(text: &str) -> Option<String> {
    let kept = |c: &char| !c.is_whitespace() && !matches!(c, '.' | '-' | '(' | ')' | '/');
    let digits: String = text.chars().filter(kept).collect();
    digits.bytes().all(|b| b.is_ascii_digit()).then_some(digits)
}

/// ASCII `text` cut into groups of these sizes; the last may be shorter.
fn grouped(text: &str, sizes: &[usize]) -> String {
    let mut out = String::new();
    let mut rest = text;
    for size in sizes {
        let (group, after) = rest.split_at((*size).min(rest.len()));
        if group.is_empty() {
            break;
        }
        if !out.is_empty() {
            out.push(NO_BREAK);
        }
        out.push_str(group);
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spaced(text: Option<String>) -> Option<String> {
        text.map(|text| text.replace(NO_BREAK, "_"))
    }

    #[test]
    fn numbers_are_grouped_as_people_read_them() {
        for (written, read) in [
            (siret("12345678900012"), "123_456_789_00012"),
            (siret("123 456 789"), "123_456_789"),
            (telephone("0299123456"), "02_99_12_34_56"),
            (telephone("02.99.12.34.56"), "02_99_12_34_56"),
            (telephone("+33 (0)2 99 12 34 56"), "+33_2_99_12_34_56"),
            (telephone("0033299123456"), "+33_2_99_12_34_56"),
            (
                iban("fr7630006000011234567890189"),
                "FR76_3000_6000_0112_3456_7890_189",
            ),
            (postcode("1000"), "01000"),
            (postcode("35600"), "35600"),
        ] {
            assert_eq!(spaced(written).as_deref(), Some(read));
        }
    }

    #[test]
    fn what_is_no_such_number_is_not_dressed_up_as_one() {
        assert_eq!(siret("123"), None);
        assert_eq!(siret("2,43E+13"), None);
        assert_eq!(telephone("12"), None);
        assert_eq!(telephone("02 99 AB 34 56"), None);
        assert_eq!(iban("FR7630006000011234567890188"), None);
        assert_eq!(iban("FR76é"), None);
        assert_eq!(postcode("2A004"), None);
    }
}
