//! The number of an association in the national directory of associations (RNA).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// `W` and nine digits. Associations without employees may have nothing else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rna(String);

/// A text that is no RNA number, in words that follow the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("n'est pas un numéro RNA : on attend W suivi de neuf chiffres")]
pub struct NotAnRna;

impl Rna {
    /// The letter and the nine digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Rna {
    type Err = NotAnRna;

    fn from_str(text: &str) -> Result<Self, NotAnRna> {
        let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let digits = bare.strip_prefix(['W', 'w']).ok_or(NotAnRna)?;
        if digits.len() == 9 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(format!("W{digits}")))
        } else {
            Err(NotAnRna)
        }
    }
}

impl fmt::Display for Rna {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Rna {
    type Error = NotAnRna;
    fn try_from(text: String) -> Result<Self, NotAnRna> {
        text.parse()
    }
}

impl From<Rna> for String {
    fn from(rna: Rna) -> Self {
        rna.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rna_number_is_w_and_nine_digits() {
        let rna: Result<Rna, _> = " w333 216 789".parse();
        assert_eq!(rna.as_ref().map(Rna::as_str), Ok("W333216789"));
        for text in ["W3222", "W1234567890", "333216789", "W33321678X", ""] {
            assert_eq!(text.parse::<Rna>(), Err(NotAnRna), "{text}");
        }
    }
}
