//! SIREN and SIRET, the numbers of the French register of companies, associations and authorities.
//!
//! They are kept as text, since some begin with zero, and checked before anything is done in their name.
//! A number that a spreadsheet has damaged is recognised as such and never repaired: the digits are lost.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// La Poste, whose establishments are too many for the ordinary check digit.
const LA_POSTE: &str = "356000000";

/// A legal entity: nine digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Siren(String);

/// An establishment of a legal entity: its SIREN and five digits of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Siret(String);

/// Why a text is no SIREN or SIRET, in words that follow the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SiretFault {
    /// `2,43E+13`: most digits are gone.
    #[error("est un SIRET abîmé par un tableur (notation scientifique)")]
    ScientificNotation,
    /// `21860194600000.0`: it went through a floating point number.
    #[error("est un SIRET abîmé par un tableur (nombre à virgule)")]
    Decimals,
    /// `21860194600000`: the digits of the establishment were rounded away.
    #[error(
        "est un SIRET abîmé par un tableur (les cinq derniers chiffres sont remplacés par des zéros)"
    )]
    RoundedToZeros,
    /// Something else than digits and spaces.
    #[error("n'est pas un SIRET : il contient autre chose que des chiffres")]
    NotDigits,
    /// Another number of digits than the one expected.
    #[error("n'est pas un numéro valable : {found} chiffres au lieu de {expected}")]
    Length {
        /// How many digits there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The last digit does not follow from the others: at least one of them is wrong.
    #[error("n'est pas un numéro valable : sa clé de contrôle est fausse")]
    CheckDigit,
}

impl Siren {
    /// The nine digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Siret {
    /// The fourteen digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The legal entity to which the establishment belongs.
    pub fn siren(&self) -> Siren {
        Siren(self.0.chars().take(9).collect())
    }
}

impl FromStr for Siren {
    type Err = SiretFault;

    fn from_str(text: &str) -> Result<Self, SiretFault> {
        let digits = digits(text, 9)?;
        if luhn(&digits) {
            Ok(Self(digits))
        } else {
            Err(SiretFault::CheckDigit)
        }
    }
}

impl FromStr for Siret {
    type Err = SiretFault;

    fn from_str(text: &str) -> Result<Self, SiretFault> {
        let digits = digits(text, 14)?;
        if digits.ends_with("00000") {
            // No establishment is numbered 00000, yet one such number in ten passes the check digit.
            return Err(SiretFault::RoundedToZeros);
        }
        let of_la_poste = digits.starts_with(LA_POSTE) && digit_sum(&digits).is_multiple_of(5);
        if of_la_poste || luhn(&digits) {
            Ok(Self(digits))
        } else {
            Err(SiretFault::CheckDigit)
        }
    }
}

/// The digits of `text` without its spaces, or what is wrong with them.
fn digits(text: &str, expected: usize) -> Result<String, SiretFault> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(fault) = spreadsheet_damage(&bare) {
        return Err(fault);
    }
    if !bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SiretFault::NotDigits);
    }
    if bare.len() != expected {
        let found = bare.len();
        return Err(SiretFault::Length { found, expected });
    }
    Ok(bare)
}

fn spreadsheet_damage(bare: &str) -> Option<SiretFault> {
    if !bare.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some((mantissa, exponent)) = bare.split_once(['e', 'E']) {
        let number = |text: &str, also: &[char]| {
            text.chars()
                .all(|c| c.is_ascii_digit() || also.contains(&c))
        };
        let scientific = number(mantissa, &['.', ',']) && number(exponent, &['+', '-']);
        return scientific.then_some(SiretFault::ScientificNotation);
    }
    let (whole, decimals) = bare.split_once(['.', ','])?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (number(whole) && number(decimals)).then_some(SiretFault::Decimals)
}

fn values(digits: &str) -> impl DoubleEndedIterator<Item = u32> {
    digits.bytes().map(|byte| u32::from(byte - b'0'))
}

fn digit_sum(digits: &str) -> u32 {
    values(digits).sum()
}

/// Luhn's check: every second digit from the right is doubled, and the sum of all is a multiple of ten.
fn luhn(digits: &str) -> bool {
    let sum: u32 = values(digits)
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = SiretFault;
            fn try_from(text: String) -> Result<Self, SiretFault> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(number: $name) -> Self {
                number.0
            }
        }
    )+};
}

as_text!(Siren, Siret);

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<SiretFault> {
        text.parse::<Siret>().err()
    }

    #[test]
    fn published_numbers_are_accepted() {
        for text in [
            "73282932000074",
            "13002526500013",
            "30613890001294",
            "41816609600051",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn la_poste_numbers_its_offices_by_a_rule_of_its_own() {
        for text in ["35600000000048", "35600000049837", "35600000018723"] {
            assert_eq!(fault(text), None, "{text}");
        }
        assert_eq!(fault("35600000018724"), Some(SiretFault::CheckDigit));
    }

    #[test]
    fn one_wrong_digit_is_noticed() {
        for text in [
            "41816609600052",
            "73282932000075",
            "13002526500014",
            "30613890001295",
        ] {
            assert_eq!(fault(text), Some(SiretFault::CheckDigit), "{text}");
        }
    }

    #[test]
    fn spaces_of_every_kind_are_only_presentation() {
        let spaced: Result<Siret, _> = " 732 829\u{a0}320\u{202f}00074 ".parse();
        assert_eq!(spaced, "73282932000074".parse());
    }

    #[test]
    fn leading_zeros_belong_to_the_number_and_survive_storage() {
        let siren: Result<Siren, _> = "005520135".parse();
        let stored = siren.map(|siren| serde_json::to_string(&siren).unwrap_or_default());
        assert_eq!(stored.as_deref(), Ok("\"005520135\""));
    }

    #[test]
    fn damage_done_by_a_spreadsheet_is_named() {
        assert_eq!(fault("2,43E+13"), Some(SiretFault::ScientificNotation));
        assert_eq!(fault("2.43e13"), Some(SiretFault::ScientificNotation));
        assert_eq!(fault("21860194600000.0"), Some(SiretFault::Decimals));
        assert_eq!(fault("73282932000074,0"), Some(SiretFault::Decimals));
        assert_eq!(fault("21860194600000"), Some(SiretFault::RoundedToZeros));
    }

    #[test]
    fn what_is_no_number_of_fourteen_digits_is_refused() {
        let length = |found| SiretFault::Length {
            found,
            expected: 14,
        };
        assert_eq!(fault("1810086080001"), Some(length(13)));
        assert_eq!(fault("218601946"), Some(length(9)));
        assert_eq!(fault(""), Some(length(0)));
        assert_eq!(fault("FR732829320"), Some(SiretFault::NotDigits));
        assert_eq!(fault("٧3282932000074"), Some(SiretFault::NotDigits));
    }

    #[test]
    fn a_damaged_number_does_not_come_back_from_storage() {
        assert!(serde_json::from_str::<Siret>("\"2,43E+13\"").is_err());
        assert!(serde_json::from_str::<Siret>("\"73282932000074\"").is_ok());
    }

    #[test]
    fn an_establishment_knows_its_legal_entity() {
        let siren = "73282932000074".parse().map(|siret: Siret| siret.siren());
        assert_eq!(siren, "732829320".parse());
    }
}
