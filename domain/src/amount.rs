//! Amounts of money, in whole cents of euro, and the strict reading of those that are published.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in euros, held and stored as a whole number of cents.
#[derive(
    Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Amount(i64);

/// Why a published amount is not read, in words that follow the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountFault {
    /// Nothing is written.
    #[error("est vide")]
    Empty,
    /// Below zero: no subsidy is.
    #[error("est un montant négatif")]
    Negative,
    /// `1,5E+05`: digits may be lost.
    #[error("est un montant abîmé par un tableur (notation scientifique)")]
    ScientificNotation,
    /// `1.234,56` or `1.234`: the same signs mean another amount elsewhere.
    #[error(
        "est ambigu : on ne sait pas si le point ou la virgule sépare les milliers ou les centimes"
    )]
    Ambiguous,
    /// `2 69 56`: the spaces do not separate thousands.
    #[error("n'est pas un montant : les espaces ne séparent pas des milliers")]
    Grouping,
    /// `12.345678`: finer than a cent.
    #[error("est plus précis que le centime")]
    FinerThanCents,
    /// More than can be counted.
    #[error("est un montant démesuré")]
    TooLarge,
    /// Letters, other currencies, signs.
    #[error("n'est pas un montant en euros")]
    NotANumber,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount of `cents` cents.
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    /// How many cents it is.
    pub const fn cents(self) -> i64 {
        self.0
    }

    /// The sum, unless it cannot be counted.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(cents) => Some(Self(cents)),
            None => None,
        }
    }

    /// The difference, unless it cannot be counted.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(cents) => Some(Self(cents)),
            None => None,
        }
    }

    /// The sum of `amounts`, unless it cannot be counted.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// Reads an amount as French authorities publish it: `26 956,00 €`, `99786.57`, `2400.0`,
    /// `50 000 euros`. What could mean two amounts is refused.
    pub fn parse_published(text: &str) -> Result<Self, AmountFault> {
        let bare = without_currency(text.trim());
        if bare.is_empty() {
            return Err(AmountFault::Empty);
        }
        if bare.starts_with(['-', '\u{2212}', '(']) {
            return Err(AmountFault::Negative);
        }
        if is_scientific(bare) {
            return Err(AmountFault::ScientificNotation);
        }
        if !bare.chars().all(|c| c.is_ascii_digit() || is_separator(c)) {
            return Err(AmountFault::NotANumber);
        }
        let (whole, decimals) = parts(bare)?;
        in_cents(&ungrouped(whole)?, decimals)
    }
}

fn without_currency(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    ["€", "euros", "euro", "eur"]
        .iter()
        .find(|word| lower.ends_with(*word))
        .and_then(|word| text.get(..text.len() - word.len()))
        .unwrap_or(text)
        .trim_end()
}

fn is_scientific(text: &str) -> bool {
    text.split_once(['e', 'E']).is_some_and(|(left, right)| {
        left.starts_with(|c: char| c.is_ascii_digit())
            && right.ends_with(|c: char| c.is_ascii_digit())
    })
}

/// The ordinary, no-break, narrow no-break and thin spaces that separate thousands.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}')
}

fn is_separator(c: char) -> bool {
    is_space(c) || c == '.' || c == ','
}

/// The part before the decimal sign, and the part after it.
fn parts(bare: &str) -> Result<(&str, &str), AmountFault> {
    let mut signs = bare.match_indices(['.', ',']);
    let (first, second) = (signs.next(), signs.next());
    let Some((place, _)) = first else {
        return Ok((bare, ""));
    };
    let (whole, decimals) = (&bare[..place], &bare[place + 1..]);
    if second.is_some() {
        return Err(AmountFault::Ambiguous);
    }
    if decimals.is_empty() || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AmountFault::NotANumber);
    }
    // In `1.234` the point may separate thousands; in `1234.000`, `1 234.000` or `0.500` it cannot.
    if decimals.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0') {
        return Err(AmountFault::Ambiguous);
    }
    Ok((whole, decimals))
}

/// The digits of the whole part, whose spaces may only separate groups of three.
fn ungrouped(whole: &str) -> Result<String, AmountFault> {
    let groups: Vec<&str> = whole.split(is_space).collect();
    match groups.split_first() {
        None | Some((&"", [])) => Err(AmountFault::NotANumber),
        Some((digits, [])) => Ok((*digits).to_owned()),
        Some((first, others)) => {
            let grouped = (1..=3).contains(&first.len()) && others.iter().all(|g| g.len() == 3);
            grouped
                .then(|| groups.concat())
                .ok_or(AmountFault::Grouping)
        }
    }
}

fn in_cents(whole: &str, decimals: &str) -> Result<Amount, AmountFault> {
    let significant = decimals.trim_end_matches('0');
    if significant.len() > 2 {
        return Err(AmountFault::FinerThanCents);
    }
    format!("{whole}{significant:0<2}")
        .parse()
        .map(Amount)
        .map_err(|_| AmountFault::TooLarge)
}

impl fmt::Display for Amount {
    /// Euros with a decimal point and two decimals, for machines: `1234.56`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(text: &str) -> Result<i64, AmountFault> {
        Amount::parse_published(text).map(Amount::cents)
    }

    #[test]
    fn amounts_are_read_as_authorities_publish_them() {
        for (text, expected) in [
            ("26 956,00", 2_695_600),
            ("26 956,00 €", 2_695_600),
            ("26\u{a0}956,00\u{a0}€", 2_695_600),
            ("1\u{202f}465\u{202f}600 euros", 146_560_000),
            ("97\u{a0}000euros", 9_700_000),
            ("99786.57", 9_978_657),
            ("2400.0", 240_000),
            ("100000,1", 10_000_010),
            (" 830 ", 83_000),
            ("0", 0),
            ("1234.000", 123_400),
            ("1 234,500", 123_450),
            ("0.50", 50),
        ] {
            assert_eq!(cents(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_amounts_is_refused() {
        for text in [
            "1.234,56",
            "1,234.56",
            "1.234",
            "12,500",
            "1.000",
            "1,234,567",
        ] {
            assert_eq!(cents(text), Err(AmountFault::Ambiguous), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_its_reason() {
        for (text, fault) in [
            ("", AmountFault::Empty),
            (" € ", AmountFault::Empty),
            ("-12,00", AmountFault::Negative),
            ("1,5E+05", AmountFault::ScientificNotation),
            ("2 69 56", AmountFault::Grouping),
            ("1234 567", AmountFault::Grouping),
            ("12.345678", AmountFault::FinerThanCents),
            ("1234.001", AmountFault::FinerThanCents),
            ("99999999999999999999", AmountFault::TooLarge),
            ("12 k€", AmountFault::NotANumber),
            ("$12", AmountFault::NotANumber),
            ("12,", AmountFault::NotANumber),
            (",5", AmountFault::NotANumber),
            ("12,5 0", AmountFault::NotANumber),
            ("douze", AmountFault::NotANumber),
        ] {
            assert_eq!(cents(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn an_amount_is_stored_in_whole_cents_and_written_with_a_point() {
        let amount = Amount::from_cents(123_456);
        assert_eq!(amount.to_string(), "1234.56");
        assert_eq!(Amount::from_cents(-50).to_string(), "-0.50");
        assert_eq!(
            serde_json::to_string(&amount).ok().as_deref(),
            Some("123456")
        );
    }

    #[test]
    fn sums_never_wrap() {
        let most = Amount::from_cents(i64::MAX);
        assert_eq!(most.checked_add(Amount::from_cents(1)), None);
        assert_eq!(
            Amount::ZERO.checked_sub(most),
            Some(Amount::from_cents(-i64::MAX))
        );
        assert_eq!(Amount::checked_sum([most, most]), None);
    }
}
