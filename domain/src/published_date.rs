//! The strict reading of the dates that French authorities publish.

use chrono::{Datelike, NaiveDate};

/// Why a published date is not read, in words that follow the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateFault {
    /// `01/02/17`: the century would be a guess.
    #[error("est une date dont l'année n'a que deux chiffres")]
    TwoDigitYear,
    /// `2017-02-30`, or a year that no file of subsidies holds.
    #[error("est une date qui n'existe pas")]
    NoSuchDay,
    /// Any other form.
    #[error("n'est pas une date : on attend 2017-06-27, 27/06/2017 ou 2017/06/27")]
    OtherForm,
}

/// Reads `2017-06-27`, `27/06/2017` or `2017/06/27`, at midnight if a time follows.
pub fn parse_published(text: &str) -> Result<NaiveDate, DateFault> {
    let text = text.trim();
    let day = ["T00:00:00Z", "T00:00:00", " 00:00:00"]
        .iter()
        .find_map(|midnight| text.strip_suffix(midnight))
        .unwrap_or(text);
    let parts: Vec<&str> = day.split(['-', '/']).collect();
    let [first, second, third] = parts[..] else {
        return Err(DateFault::OtherForm);
    };
    let slashes = day.matches('/').count();
    let (year, month, day) = match (first.len(), second.len(), third.len(), slashes) {
        (4, 2, 2, 0 | 2) => (first, second, third),
        (2, 2, 4, 2) => (third, second, first),
        (2, 2, 2, 0 | 2) => return Err(DateFault::TwoDigitYear),
        _ => return Err(DateFault::OtherForm),
    };
    let number = |text: &str| -> Result<u32, DateFault> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten();
        number.ok_or(DateFault::OtherForm)
    };
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    NaiveDate::from_ymd_opt(year.cast_signed(), month, day)
        .filter(|date| (1900..2100).contains(&date.year()))
        .ok_or(DateFault::NoSuchDay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_published_forms_name_the_same_day() {
        let day = NaiveDate::from_ymd_opt(2017, 6, 27);
        for text in [
            "2017-06-27",
            "27/06/2017",
            "2017/06/27",
            " 2017-06-27 00:00:00",
            "2017-06-27T00:00:00",
        ] {
            assert_eq!(parse_published(text).ok(), day, "{text}");
        }
    }

    #[test]
    fn what_would_have_to_be_guessed_is_refused() {
        for (text, fault) in [
            ("27/06/17", DateFault::TwoDigitYear),
            ("17-06-27", DateFault::TwoDigitYear),
            ("2017-02-30", DateFault::NoSuchDay),
            ("06/27/2017", DateFault::NoSuchDay),
            ("0217-06-27", DateFault::NoSuchDay),
            ("1/2/2017", DateFault::OtherForm),
            ("27-06-2017", DateFault::OtherForm),
            ("2017-06/27", DateFault::OtherForm),
            ("2017-06-27 14:30:00", DateFault::OtherForm),
            ("27 juin 2017", DateFault::OtherForm),
            ("43055", DateFault::OtherForm),
            ("+017-06-27", DateFault::OtherForm),
            ("", DateFault::OtherForm),
        ] {
            assert_eq!(parse_published(text), Err(fault), "{text}");
        }
    }
}
