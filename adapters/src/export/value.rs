//! What a cell says, by the kind of its column. What does not read as its kind stays the text it is.

use navette_domain::export::Kind;
use std::io::Write as _;

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Empty,
    /// Any text.
    Text(&'a str),
    /// A whole number.
    Integer(&'a str),
    /// Euros and cents.
    Amount(Amount<'a>),
    /// A day.
    Date(Day<'a>),
    /// A moment, in the time of Paris.
    Timestamp(Moment<'a>),
    /// Yes or no.
    Boolean(bool),
}

/// Euros and cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount<'a> {
    negative: bool,
    euros: &'a str,
    cents: [u8; 2],
}

/// A day: `2026-03-12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day<'a> {
    iso: &'a str,
    days: i64,
}

/// A moment: a day, `10:20:30`, `+01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment<'a> {
    day: Day<'a>,
    time: &'a str,
    seconds: i64,
    offset: &'a str,
}

impl<'a> Value<'a> {
    /// Reads a cell of a column of this kind.
    pub fn read(kind: Kind, cell: Option<&'a str>) -> Self {
        let Some(cell) = cell else {
            return Self::Empty;
        };
        let read = match kind {
            Kind::Text => None,
            Kind::Integer => is_integer(cell).then_some(Self::Integer(cell)),
            Kind::Amount => Amount::read(cell).map(Self::Amount),
            Kind::Date => Day::read(cell).map(Self::Date),
            Kind::Timestamp => Moment::read(cell).map(Self::Timestamp),
            Kind::Boolean => match cell {
                "t" => Some(Self::Boolean(true)),
                "f" => Some(Self::Boolean(false)),
                _ => None,
            },
        };
        read.unwrap_or(Self::Text(cell))
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl<'a> Amount<'a> {
    fn read(text: &'a str) -> Option<Self> {
        if !is_integer(text) {
            return None;
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (euros, cents) = digits.split_at(digits.len().saturating_sub(2));
        let cents = match *cents.as_bytes() {
            [tens, ones] => [tens, ones],
            [ones] => [b'0', ones],
            _ => return None,
        };
        Some(Self {
            negative,
            euros: if euros.is_empty() { "0" } else { euros },
            cents,
        })
    }

    /// Writes it with this decimal mark.
    pub fn write(self, mark: u8, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        out.extend_from_slice(self.euros.as_bytes());
        out.push(mark);
        out.extend_from_slice(&self.cents);
    }

    /// Whether a spreadsheet holds it exactly: its numbers have 15 digits.
    pub fn fits_a_sheet(self) -> bool {
        self.euros.len() <= 13
    }
}

/// Whether a spreadsheet holds this whole number exactly.
pub fn fits_a_sheet(integer: &str) -> bool {
    integer.len() <= 15
}

impl<'a> Day<'a> {
    fn read(iso: &'a str) -> Option<Self> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *iso.as_bytes() else {
            return None;
        };
        let year = number(&[y1, y2, y3, y4])?;
        let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
        Some(Self {
            iso,
            days: days(year, month, day),
        })
    }

    /// `2026-03-12`.
    pub fn iso(self) -> &'a str {
        self.iso
    }

    /// Writes `12/03/2026`.
    pub fn write_french(self, out: &mut Vec<u8>) {
        let iso = self.iso.as_bytes();
        for (range, sign) in [(8..10, Some(b'/')), (5..7, Some(b'/')), (0..4, None)] {
            out.extend_from_slice(iso.get(range).unwrap_or_default());
            out.extend(sign);
        }
    }

    /// Its number in the calendar of Excel, which counts a 29th of February 1900: the days before have none.
    pub fn serial(self) -> Option<i64> {
        (self.days >= 61).then_some(self.days)
    }
}

impl<'a> Moment<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (day, rest) = text.split_once(' ')?;
        let offset = rest.find(['+', '-'])?;
        let (time, offset) = rest.split_at(offset);
        let [h1, h2, b':', m1, m2, b':', s1, s2, ..] = *time.as_bytes() else {
            return None;
        };
        let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
        Some(Self {
            day: Day::read(day)?,
            time,
            seconds: hours * 3600 + minutes * 60 + number(&[s1, s2])?,
            offset,
        })
    }

    /// Its day.
    pub fn day(self) -> Day<'a> {
        self.day
    }

    /// Its time to the second: `10:20:30`.
    pub fn time(self) -> &'a str {
        self.time.get(..8).unwrap_or(self.time)
    }

    /// Writes `2026-03-12T10:20:30.123456+01:00`.
    pub fn write_iso(self, out: &mut Vec<u8>) {
        for part in [self.day.iso, "T", self.time, self.offset] {
            out.extend_from_slice(part.as_bytes());
        }
        if !self.offset.contains(':') {
            out.extend_from_slice(b":00");
        }
    }

    /// Writes its number in the calendar of Excel; `false` when it has none.
    pub fn write_serial(self, out: &mut Vec<u8>) -> bool {
        let Some(day) = self.day.serial() else {
            return false;
        };
        // Ten decimals, rounded up: readers leave out what is short of a second, be it by a millionth.
        let fraction = (self.seconds * 10_000_000_000 + 86_399) / 86_400;
        let _ = write!(out, "{day}.{fraction:010}");
        true
    }

    /// Microseconds since 1970, in universal time.
    pub fn micros(self) -> i64 {
        let fraction = self.time.get(9..).unwrap_or_default();
        let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
        let micros = digits.fold(0, |sum, digit| {
            sum * 10 + i64::from(digit.saturating_sub(b'0'))
        });
        let (sign, offset) = self.offset.split_at(1);
        let seconds = offset
            .split(':')
            .zip([3600, 60, 1])
            .map(|(part, unit)| unit * part.parse::<i64>().unwrap_or(0))
            .sum::<i64>();
        let offset = if sign == "-" { -seconds } else { seconds };
        (self.day.since_1970() * 86_400 + self.seconds - offset) * 1_000_000 + micros
    }
}

impl Day<'_> {
    /// Days since 1970.
    pub fn since_1970(self) -> i64 {
        self.days - 25_569
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + i64::from(digit - b'0'))
    })
}

/// Days since 30 December 1899, in the Gregorian calendar: years begin in March, so that a leap day is last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let since_march = (month + 9) % 12;
    let leap = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap + (153 * since_march + 2) / 5 + day - 1 - 693_899
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use chrono::NaiveDate;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = vec![];
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cents_become_euros_whatever_their_number() {
        for (cents, euros) in [
            ("0", "0.00"),
            ("5", "0.05"),
            ("-5", "-0.05"),
            ("50", "0.50"),
            ("123456", "1234.56"),
            ("-9223372036854775808", "-92233720368547758.08"),
        ] {
            let Value::Amount(amount) = Value::read(Kind::Amount, Some(cents)) else {
                panic!("{cents} is no amount");
            };
            assert_eq!(written(|out| amount.write(b'.', out)), euros);
        }
    }

    #[test]
    fn what_is_not_of_its_kind_stays_a_text() {
        for (kind, text) in [
            (Kind::Integer, "1.5"),
            (Kind::Amount, ""),
            (Kind::Amount, "-"),
            (Kind::Date, "infinity"),
            (Kind::Date, "10000-01-01"),
            (Kind::Timestamp, "infinity"),
            (Kind::Boolean, "yes"),
            (Kind::Text, "12"),
        ] {
            assert_eq!(Value::read(kind, Some(text)), Value::Text(text));
        }
        assert_eq!(Value::read(Kind::Text, None), Value::Empty);
    }

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        let epoch = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap();
        for days in (-300_000..300_000).step_by(17).chain([59, 60, 61]) {
            let date = epoch + chrono::TimeDelta::days(days);
            let iso = date.format("%Y-%m-%d").to_string();
            assert_eq!(Day::read(&iso).unwrap().days, days, "{iso}");
        }
        let serial = |iso| Day::read(iso).unwrap().serial();
        assert_eq!(serial("1900-03-01"), Some(61));
        assert_eq!(serial("1900-02-28"), None, "Excel counts it otherwise");
    }

    #[test]
    fn a_moment_keeps_its_offset_and_its_fraction() {
        let moment = Moment::read("2026-07-12 10:20:30.25+02").unwrap();
        assert_eq!(
            written(|out| moment.write_iso(out)),
            "2026-07-12T10:20:30.25+02:00"
        );
        assert_eq!(moment.time(), "10:20:30");
        assert_eq!(
            written(|out| assert!(moment.write_serial(out))),
            "46215.4309027778"
        );
    }
}
