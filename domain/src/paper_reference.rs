//! The reference printed on a document, often as a QR code, that lets a scanned paper copy find its
//! dossier: `NAV1:`, the document's id in 26 characters, and two check characters.
//!
//! It says nothing of anybody: an id means something only to who may read the document. Its alphabet is
//! Crockford's (digits and capitals without I, L, O, U), which a QR code packs tightly and a person can
//! type; letters that look like others are read as the ones they look like. The check characters are the
//! number modulo 1021, a prime: one wrong character, or two that changed places, never pass.

use crate::ids::DocumentId;
use std::{fmt, str::FromStr};
use uuid::Uuid;

const PREFIX: &str = "NAV1:";
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The largest prime that two characters can hold.
const MODULUS: u128 = 1021;
/// Characters of an id: 128 bits by five.
const ID_LENGTH: usize = 26;

/// A document's reference on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperReference(pub DocumentId);

/// Why a text is no reference of ours, in words that follow the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaperReferenceFault {
    /// It does not begin as ours do.
    #[error("n'est pas une référence de document : elle commence par NAV1:")]
    Foreign,
    /// Characters are missing or too many, or are none of the alphabet.
    #[error(
        "n'est pas une référence de document : 28 chiffres et lettres sont attendus après NAV1:"
    )]
    Shape,
    /// Well formed, but misread.
    #[error("est une référence de document mal lue : ses caractères de contrôle sont faux")]
    CheckCharacters,
}

impl fmt::Display for PaperReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0.0.as_u128();
        f.write_str(PREFIX)?;
        write_digits(f, number, ID_LENGTH)?;
        write_digits(f, number % MODULUS, 2)
    }
}

fn write_digits(f: &mut fmt::Formatter<'_>, number: u128, count: usize) -> fmt::Result {
    (0..count).rev().try_for_each(|place| {
        let digit = (number >> (5 * place)) & 31;
        let character = usize::try_from(digit)
            .ok()
            .and_then(|digit| ALPHABET.get(digit));
        write!(f, "{}", char::from(*character.unwrap_or(&b'0')))
    })
}

impl FromStr for PaperReference {
    type Err = PaperReferenceFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let digits = text
            .strip_prefix(PREFIX)
            .ok_or(PaperReferenceFault::Foreign)?;
        if digits.len() != ID_LENGTH + 2 || !digits.is_ascii() {
            return Err(PaperReferenceFault::Shape);
        }
        let (id, check) = digits.split_at(ID_LENGTH);
        let (id, check) = read_digits(id)
            .zip(read_digits(check))
            .ok_or(PaperReferenceFault::Shape)?;
        if id % MODULUS == check {
            Ok(Self(DocumentId(Uuid::from_u128(id))))
        } else {
            Err(PaperReferenceFault::CheckCharacters)
        }
    }
}

/// `None` for a character of no alphabet, or a number of more than 128 bits.
fn read_digits(digits: &str) -> Option<u128> {
    digits.bytes().try_fold(0_u128, |number, byte| {
        let byte = match byte {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        };
        let digit = ALPHABET.iter().position(|known| *known == byte)?;
        number
            .checked_mul(32)?
            .checked_add(u128::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [u128; 3] = [0, u128::MAX, 0x0193_7d6e_43ac_7b1e_9f01_2345_6789_abcd];

    fn reference(id: u128) -> PaperReference {
        PaperReference(DocumentId(Uuid::from_u128(id)))
    }

    #[test]
    fn a_reference_reads_back_however_it_was_typed() {
        for id in IDS {
            let written = reference(id).to_string();
            assert_eq!(written.len(), 33);
            assert_eq!(written.parse(), Ok(reference(id)));
            let typed = written.to_lowercase().replace('1', "l").replace('0', "o");
            let typed = format!(" nav1:{} - {}", &typed[5..12], &typed[12..]);
            assert_eq!(typed.parse(), Ok(reference(id)), "{typed}");
        }
    }

    #[test]
    fn a_reference_is_written_the_same_for_ever() {
        assert_eq!(
            reference(IDS[2]).to_string(),
            "NAV1:01JDYPWGXCFCF9Y0938NKRKAYDX1"
        );
    }

    #[test]
    fn one_wrong_character_or_two_that_changed_places_never_pass() {
        let written = reference(IDS[2]).to_string().into_bytes();
        for at in PREFIX.len()..written.len() {
            for other in ALPHABET {
                let mut wrong = written.clone();
                wrong[at] = *other;
                let read = String::from_utf8_lossy(&wrong).parse::<PaperReference>();
                assert_eq!(read.is_ok(), wrong == written);
            }
            for with in at + 1..written.len() {
                let mut wrong = written.clone();
                wrong.swap(at, with);
                let read = String::from_utf8_lossy(&wrong).parse::<PaperReference>();
                assert_eq!(read.is_ok(), wrong == written);
            }
        }
    }

    #[test]
    fn what_is_no_reference_is_told_why() {
        use PaperReferenceFault as F;
        let read = |text: &str| text.parse::<PaperReference>();
        assert_eq!(read("SUB-2026-0012"), Err(F::Foreign));
        assert_eq!(read("NAV1:01JDYPWG"), Err(F::Shape));
        assert_eq!(read("NAV1:01JDYPWGXCFCF9Y0938NKRKAYDÉ4"), Err(F::Shape));
        // More than 128 bits.
        assert_eq!(read("NAV1:81JDYPWGXCFCF9Y0938NKRKAYDX1"), Err(F::Shape));
        assert_eq!(
            read("NAV1:01JDYPWGXCFCF9Y0938NKRKAYDX5"),
            Err(F::CheckCharacters)
        );
    }
}
