//! Lengths, in English Metric Units: 360 000 a centimetre, 12 700 a point, what Word counts in.

use std::fmt::Write as _;

/// A length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::merge) struct Length(pub(in crate::merge) u64);

/// Units, in EMU.
const UNITS: [(&str, u64); 6] = [
    ("mm", 36_000),
    ("cm", 360_000),
    ("in", 914_400),
    ("pt", 12_700),
    ("pc", 152_400),
    ("px", 9_525),
];

/// Longer than any page.
const LONGEST: u64 = 36_000 * 2_000;

impl Length {
    pub(in crate::merge) const fn millimetres(count: u64) -> Self {
        Self(count * 36_000)
    }

    /// Reads `25mm`, `2,5 cm`, `0.787in`.
    pub(in crate::merge) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, unit) = text.split_at(unit);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let number = number.trim().replace(',', ".");
        let (whole, part) = number.split_once('.').unwrap_or((&number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || (whole.is_empty() && part.is_empty()) {
            return None;
        }
        let part = &part[..part.len().min(6)];
        let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
        let number = format!("0{whole}{part}").parse::<u64>().ok()?;
        let length = number.checked_mul(*size)? / scale;
        (1..=LONGEST).contains(&length).then_some(Self(length))
    }

    /// `25.4mm`, to the hundredth.
    pub(in crate::merge) fn in_millimetres(self) -> String {
        let hundredths = (self.0 + 180) / 360;
        let mut out = (hundredths / 100).to_string();
        let _ = write!(out, ".{:02}mm", hundredths % 100);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_clerks_and_files_write_them() {
        for (text, emu) in [
            ("25mm", 900_000),
            ("2,5 cm", 900_000),
            ("0.787in", 719_632),
            ("1pt", 12_700),
        ] {
            assert_eq!(Length::parse(text), Some(Length(emu)), "{text}");
        }
        for text in ["", "25", "mm", "-2mm", "2e3mm", "25 m", "9999cm", "0mm"] {
            assert_eq!(Length::parse(text), None, "{text}");
        }
        assert_eq!(Length(719_632).in_millimetres(), "19.99mm");
    }
}
