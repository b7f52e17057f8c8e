//! The reference printed on a document, often as a QR code, that lets a scanned paper copy find its
//! dossier: `NAV1:`, the document's id in 26 characters, the round in which it was made in two more unless it is
//! the first, and two check characters. What was printed before a document started over is so told from what
//! was printed since.
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
/// Characters of a round that is not the first, and how many rounds they tell apart.
const ROUND_LENGTH: usize = 2;
const ROUNDS: u32 = 1024;

/// A document's reference on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaperReference {
    /// The document.
    pub document: DocumentId,
    /// The round in which what is printed was made, from 1.
    pub round: u32,
}

/// Why a text is no reference of ours, in words that follow the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaperReferenceFault {
    /// It does not begin as ours do.
    #[error("n'est pas une référence de document : elle commence par NAV1:")]
    Foreign,
    /// Characters are missing or too many, or are none of the alphabet.
    #[error(
        "n'est pas une référence de document : 28 ou 30 chiffres et lettres sont attendus après NAV1:"
    )]
    Shape,
    /// Well formed, but misread.
    #[error("est une référence de document mal lue : ses caractères de contrôle sont faux")]
    CheckCharacters,
}

impl fmt::Display for PaperReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.document.0.as_u128();
        f.write_str(PREFIX)?;
        write_digits(f, number, ID_LENGTH)?;
        let round = self.round.min(ROUNDS - 1);
        if round > 1 {
            write_digits(f, round.into(), ROUND_LENGTH)?;
        }
        write_digits(f, check(number, round), 2)
    }
}

/// The first round counts for nothing: its references are those of always.
fn check(id: u128, round: u32) -> u128 {
    if round > 1 {
        ((id % MODULUS) * u128::from(ROUNDS) + u128::from(round)) % MODULUS
    } else {
        id % MODULUS
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
        let rounds = [0, ROUND_LENGTH];
        let round_length = rounds
            .into_iter()
            .find(|length| digits.len() == ID_LENGTH + length + 2)
            .filter(|_| digits.is_ascii())
            .ok_or(PaperReferenceFault::Shape)?;
        let (id, rest) = digits.split_at(ID_LENGTH);
        let (round, told) = rest.split_at(round_length);
        let read = |digits| read_digits(digits).ok_or(PaperReferenceFault::Shape);
        let (id, told) = (read(id)?, read(told)?);
        let round = match round {
            "" => 1,
            later => u32::try_from(read(later)?).unwrap_or_default(),
        };
        // A later round is written as one, and the first never is.
        if check(id, round) == told && (round > 1) == (round_length > 0) {
            Ok(Self {
                document: DocumentId(Uuid::from_u128(id)),
                round,
            })
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
        in_round(id, 1)
    }

    fn in_round(id: u128, round: u32) -> PaperReference {
        PaperReference {
            document: DocumentId(Uuid::from_u128(id)),
            round,
        }
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
        assert_eq!(
            in_round(IDS[2], 2).to_string(),
            "NAV1:01JDYPWGXCFCF9Y0938NKRKAYD02QB"
        );
    }

    #[test]
    fn a_reference_tells_the_round_in_which_it_was_printed() {
        for id in IDS {
            for round in [2, 3, 33, 1023] {
                let written = in_round(id, round).to_string();
                assert_eq!(written.len(), 35);
                assert_eq!(written.parse(), Ok(in_round(id, round)));
                assert_ne!(written.parse(), Ok(reference(id)));
            }
        }
    }

    #[test]
    fn one_wrong_character_or_two_that_changed_places_never_pass() {
        for round in [1, 2, 700] {
            let written = in_round(IDS[2], round).to_string().into_bytes();
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
