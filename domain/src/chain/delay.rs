//! How long a step waits.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A duration as ISO 8601 writes it, in weeks, days, hours, minutes and seconds: `P3D`, `P2W`, `PT36H`. A day is
/// 24 hours; months and years, which have no length of their own, are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Delay {
    written: String,
    length: TimeDelta,
}

/// What is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("« {0} » n'est pas une durée : écrire par exemple P3D (trois jours), P2W ou PT12H")]
pub struct NoDelay(String);

/// A hundred years: what is longer is a mistake.
const MOST_SECONDS: i64 = 100 * 366 * 86_400;

impl Delay {
    /// The duration.
    pub fn length(&self) -> TimeDelta {
        self.length
    }
}

fn seconds(text: &str) -> Option<i64> {
    let rest = text.strip_prefix('P')?;
    let (days, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (rest, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let days = sum(days, &[('W', 7 * 86_400), ('D', 86_400)])?;
    let time = sum(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    days.checked_add(time)
        .filter(|whole| *whole <= MOST_SECONDS)
}

/// The sum of numbers that are each followed by one of these units, in this order.
fn sum(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut whole = 0_i64;
    for (unit, length) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            let number: u32 = number.parse().ok()?;
            whole = whole.checked_add(i64::from(number).checked_mul(*length)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(whole)
}

impl FromStr for Delay {
    type Err = NoDelay;
    fn from_str(text: &str) -> Result<Self, NoDelay> {
        let length = seconds(text).and_then(TimeDelta::try_seconds);
        let length = length.ok_or_else(|| NoDelay(text.to_owned()))?;
        Ok(Self {
            written: text.to_owned(),
            length,
        })
    }
}

impl TryFrom<String> for Delay {
    type Error = NoDelay;
    fn try_from(text: String) -> Result<Self, NoDelay> {
        text.parse()
    }
}

impl From<Delay> for String {
    fn from(delay: Delay) -> Self {
        delay.written
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_weeks_days_hours_minutes_and_seconds_in_this_order() {
        for (text, expected) in [
            ("P3D", 3 * 86_400),
            ("P2W", 14 * 86_400),
            ("P1W1D", 8 * 86_400),
            ("PT36H", 36 * 3_600),
            ("P1DT2H3M4S", 86_400 + 2 * 3_600 + 3 * 60 + 4),
            ("PT0S", 0),
        ] {
            let delay: Result<Delay, _> = text.parse();
            assert_eq!(
                delay.map(|delay| (delay.length().num_seconds(), delay.to_string())),
                Ok((expected, text.to_owned()))
            );
        }
    }

    #[test]
    fn what_has_no_length_of_its_own_or_is_no_duration_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "P3",
            "3D",
            "P1M",
            "P1Y",
            "P1H",
            "PT1D",
            "P1DT",
            "P-3D",
            "P1,5D",
            "P1D2W",
            "P4000000000D",
            "P40000D",
        ] {
            assert!(text.parse::<Delay>().is_err(), "{text} was accepted");
        }
    }
}
