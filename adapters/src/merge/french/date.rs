//! Dates as letters write them.

use super::words;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use navette_domain::french::{MONTHS, date as long_date};

const DAYS: [&str; 7] = [
    "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
];

/// Reads the day of an ISO date or time; a time with an offset is the day that it was in France.
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    parse_time(text)
        .map(|time| time.date())
        .or_else(|| text.parse().ok().filter(|_| text.len() == 10))
}

/// Reads an ISO date and time, as clocks in France show it when it bears an offset.
pub(crate) fn parse_time(text: &str) -> Option<NaiveDateTime> {
    let separator = *text.as_bytes().get(10)?;
    if !matches!(separator, b'T' | b' ') {
        return None;
    }
    let text = text.replacen(' ', "T", 1);
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
    local.or_else(|| {
        let time = DateTime::parse_from_rfc3339(&text).ok()?;
        Some(time.with_timezone(&chrono_tz::Europe::Paris).naive_local())
    })
}

/// How a date is written, by the word that a clerk gives.
pub(crate) fn date_written(date: NaiveDate, way: &str) -> Option<String> {
    Some(match way {
        "longue" => long_date(date),
        "courte" => format!("{:02}/{:02}/{:04}", date.day(), date.month(), date.year()),
        "jour" => format!("{} {}", weekday(date), long_date(date)),
        "mois" => format!("{} {}", month(date), date.year()),
        "année" => date.year().to_string(),
        _ => return None,
    })
}

/// `14 h 05`, `14 h`.
pub(crate) fn hour(time: NaiveDateTime) -> String {
    match time.minute() {
        0 => format!("{}\u{a0}h", time.hour()),
        minute => format!("{}\u{a0}h\u{a0}{minute:02}", time.hour()),
    }
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

fn weekday(date: NaiveDate) -> &'static str {
    usize::try_from(date.weekday().num_days_from_monday())
        .ok()
        .and_then(|day| DAYS.get(day))
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
    #[test]
    fn a_date_is_written_the_way_that_is_asked() {
        let date = parse_date("2026-03-01").unwrap();
        for (way, written) in [
            ("longue", "1er mars 2026"),
            ("courte", "01/03/2026"),
            ("jour", "dimanche 1er mars 2026"),
            ("mois", "mars 2026"),
            ("année", "2026"),
        ] {
            assert_eq!(date_written(date, way).as_deref(), Some(written));
        }
        assert_eq!(date_written(date, "%Y"), None);
    }

    #[test]
    fn a_time_with_an_offset_is_the_one_of_clocks_in_france() {
        let time = |text| parse_time(text).unwrap();
        assert_eq!(hour(time("2026-03-12T14:05:00")), "14\u{a0}h\u{a0}05");
        assert_eq!(hour(time("2026-07-12 12:00:00Z")), "14\u{a0}h");
        assert_eq!(hour(time("2026-07-12T14:30")), "14\u{a0}h\u{a0}30");
        let eve = "2026-03-12T23:30:00Z";
        assert_eq!(long_date(parse_date(eve).unwrap()), "13 mars 2026");
        assert_eq!(parse_time("2026-03-12"), None);
        assert_eq!(parse_time("2026-03-12T25:00"), None);
    }

    proptest::proptest! {
        #[test]
        fn every_day_of_a_letter_is_written_without_losing_it(day in 0_i32..200_000) {
            let date = NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Days::new(day.unsigned_abs().into());
            let short = date_written(date, "courte").unwrap();
            proptest::prop_assert_eq!(NaiveDate::parse_from_str(&short, "%d/%m/%Y").unwrap(), date);
            let words = date_in_words(date);
            proptest::prop_assert!(words.split(' ').all(|word| !word.is_empty()));
            proptest::prop_assert!(words.contains(month(date)));
        }
    }
}
