//! The time, as an input: the only place that reads the system's clock.

#![expect(clippy::disallowed_methods, reason = "this is the clock")]

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Europe::Paris;
use std::{fmt, sync::Arc};

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The system's clock, to the microsecond: what PostgreSQL keeps.
    pub fn system() -> Self {
        Self::from_fn(|| {
            let now = Utc::now();
            DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
        })
    }

    /// Any other clock.
    pub fn from_fn(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// The day it is for those who read the letters.
pub fn paris_date(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Paris).date_naive()
}

/// The first moment of that day for those who read the letters.
pub fn start_of_paris_day(day: NaiveDate) -> DateTime<Utc> {
    // Clocks change at other hours than midnight there.
    let midnight = day.and_time(NaiveTime::MIN).and_local_timezone(Paris);
    let midnight = midnight.earliest().map(|midnight| midnight.to_utc());
    midnight.unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The last microsecond of that day for those who read the letters.
pub fn end_of_paris_day(day: NaiveDate) -> DateTime<Utc> {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    start_of_paris_day(next) - TimeDelta::microseconds(1)
}

/// The time that clocks in France show: `12/03/2026 à 10:02:03`.
pub fn paris_time(at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&Paris);
    local.format("%d/%m/%Y à %H:%M:%S").to_string()
}
