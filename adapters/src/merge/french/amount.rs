//! Amounts of money, exact to the cent.

use super::words;
use std::fmt::Write as _;

/// An amount in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cents(pub(crate) i64);

const NO_BREAK: char = '\u{a0}';

/// Beyond this many cents a number is no amount of ours, and may not be exact.
const GREATEST: i64 = 99_999_999_999_999;

impl Cents {
    /// Reads `1234.56`, `1234,5` or `-12`, with or without spaces.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let (whole, part) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
        let figures = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 2 || !figures(whole) || !figures(part) {
            return None;
        }
        let cents: i64 = format!("{whole}{part:0<2}").parse().ok()?;
        (cents <= GREATEST).then_some(Self(if negative { -cents } else { cents }))
    }

    /// The nearest amount to a number.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the amount is below the bound under which both are exact"
    )]
    pub(crate) fn nearest(number: f64) -> Option<Self> {
        let cents = (number * 100.0).round();
        (cents.abs() <= GREATEST as f64).then_some(Self(cents as i64))
    }

    /// The amount in euros, as spreadsheets keep it.
    pub(crate) fn decimal(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

/// `1 234 €` when there are no centimes, `1 234,56 €` when there are.
pub(crate) fn in_whole_euros(amount: Cents) -> String {
    let figures = in_figures(amount);
    format!(
        "{}{NO_BREAK}€",
        figures.strip_suffix(",00").unwrap_or(&figures)
    )
}

/// `1 234,56 €`. The space inside the number is the narrow no-break one (U+202F), and the one before the
/// unit the no-break one (U+00A0): what French typography asks and what Unicode's own data hold for French.
pub(crate) fn in_euros(amount: Cents) -> String {
    format!("{}{NO_BREAK}€", in_figures(amount))
}

/// `1 234,56`, with narrow no-break spaces.
pub(crate) fn in_figures(amount: Cents) -> String {
    let cents = amount.0.unsigned_abs();
    let digits = (cents / 100).to_string();
    let mut out = String::from(if amount.0 < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    let _ = write!(out, ",{:02}", cents % 100);
    out
}

/// `mille deux cent trente-quatre euros et cinquante-six centimes`.
pub(crate) fn in_words(amount: Cents) -> String {
    let all = amount.0.unsigned_abs();
    let (euros, cents) = (all / 100, all % 100);
    let euros_in_words = match euros {
        0 => "zéro euro".into(),
        1 => "un euro".into(),
        _ if euros.is_multiple_of(1_000_000) => format!("{} d'euros", words::number(euros)),
        _ => format!("{} euros", words::number(euros)),
    };
    let cents_in_words = match cents {
        1 => "un centime".into(),
        _ => format!("{} centimes", words::number(cents)),
    };
    let sign = if amount.0 < 0 { "moins " } else { "" };
    match (euros, cents) {
        (_, 0) => format!("{sign}{euros_in_words}"),
        (0, _) => format!("{sign}{cents_in_words}"),
        _ => format!("{sign}{euros_in_words} et {cents_in_words}"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_narrow_spaces_and_a_comma() {
        for (amount, figures) in [
            ("0", "0,00"),
            ("999.9", "999,90"),
            ("1234.56", "1\u{202f}234,56"),
            ("-1234567,00", "-1\u{202f}234\u{202f}567,00"),
        ] {
            assert_eq!(in_figures(Cents::parse(amount).unwrap()), figures);
        }
    }

    #[test]
    fn amounts_in_words_count_euros_and_centimes() {
        for (amount, words) in [
            ("0", "zéro euro"),
            ("0.01", "un centime"),
            ("1", "un euro"),
            ("1.02", "un euro et deux centimes"),
            ("80", "quatre-vingts euros"),
            (
                "1234.56",
                "mille deux cent trente-quatre euros et cinquante-six centimes",
            ),
            ("1000000", "un million d'euros"),
            ("2000000.5", "deux millions d'euros et cinquante centimes"),
            ("1000001", "un million un euros"),
            ("-3", "moins trois euros"),
            (
                "999999999999.99",
                "neuf cent quatre-vingt-dix-neuf milliards neuf cent quatre-vingt-dix-neuf millions \
                 neuf cent quatre-vingt-dix-neuf mille neuf cent quatre-vingt-dix-neuf euros et \
                 quatre-vingt-dix-neuf centimes",
            ),
        ] {
            assert_eq!(in_words(Cents::parse(amount).unwrap()), words);
        }
    }

    #[test]
    fn what_is_not_an_amount_is_not_guessed() {
        for text in [
            "",
            "abc",
            "1.234",
            "1,2,3",
            "--1",
            "1e3",
            "1000000000000",
            "999999999999999999999",
        ] {
            assert_eq!(Cents::parse(text), None, "{text}");
        }
        assert_eq!(Cents::nearest(0.1 + 0.2), Some(Cents(30)));
        assert_eq!(Cents::nearest(f64::NAN), None);
    }
    #[test]
    fn centimes_are_left_out_only_when_there_are_none() {
        let written = |text| in_whole_euros(Cents::parse(text).unwrap());
        assert_eq!(written("1500.00"), "1\u{202f}500\u{a0}€");
        assert_eq!(written("1500.50"), "1\u{202f}500,50\u{a0}€");
        assert_eq!(in_euros(Cents(-5)), "-0,05\u{a0}€");
    }

    proptest::proptest! {
        #[test]
        fn an_amount_is_read_back_from_its_figures(cents in -GREATEST..=GREATEST) {
            let figures = in_figures(Cents(cents));
            proptest::prop_assert_eq!(Cents::parse(&figures), Some(Cents(cents)));
            proptest::prop_assert_eq!(Cents::parse(&Cents(cents).decimal()), Some(Cents(cents)));
        }

        #[test]
        fn the_words_of_an_amount_count_back_to_it(cents in -GREATEST..=GREATEST) {
            let words = in_words(Cents(cents));
            let (negative, rest) = match words.strip_prefix("moins ") {
                Some(rest) => (true, rest),
                None => (false, words.as_str()),
            };
            let (euros, centimes) = rest.split_once("euro").unwrap_or(("", rest));
            let total = words::count(euros) * 100 + words::count(centimes);
            let signed = i64::try_from(total).unwrap() * if negative { -1 } else { 1 };
            proptest::prop_assert_eq!(signed, cents, "{}", words);
        }
    }
}
