//! Dates as letters write them.

use super::words;
use chrono::{Datelike, NaiveDate};

const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

/// Reads the date at the start of an ISO date or time.
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    let rest = text.get(10..)?;
    let day = text.get(..10)?.parse().ok()?;
    (rest.is_empty() || rest.starts_with(['T', ' '])).then_some(day)
}

/// `12 mars 2026`, `1er mars 2026`.
pub(crate) fn long_date(date: NaiveDate) -> String {
    let first = if date.day() == 1 { "er" } else { "" };
    format!("{}{first} {} {}", date.day(), month(date), date.year())
}

/// `douze mars deux mille vingt-six`.
pub(crate) fn date_in_words(date: NaiveDate) -> String {
    let day = match date.day() {
        1 => "premier".into(),
        day => words::number(day.into()),
    };
    let year = words::number(date.year().unsigned_abs().into());
    format!("{day} {} {year}", month(date))
}

fn month(date: NaiveDate) -> &'static str {
    usize::try_from(date.month0())
        .ok()
        .and_then(|month| MONTHS.get(month))
        .unwrap_or(&"")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_in_letters() {
        let date = |text| parse_date(text).unwrap();
        assert_eq!(long_date(date("2026-03-12")), "12 mars 2026");
        assert_eq!(long_date(date("2026-08-01T10:00:00Z")), "1er août 2026");
        assert_eq!(
            date_in_words(date("2026-03-01")),
            "premier mars deux mille vingt-six"
        );
        assert_eq!(parse_date("2026-02-30"), None);
        assert_eq!(parse_date("12/03/2026"), None);
    }
}
