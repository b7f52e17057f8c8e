//! When a schedule is due, by the clocks of France.

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use chrono_tz::Europe::Paris;
use serde::{Deserialize, Serialize};

/// Every calendar has a day within so many days.
const HORIZON: usize = 40;
/// How many minutes clocks may jump over.
const LONGEST_JUMP: i64 = 180;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "they are the days of the week")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    fn of(day: NaiveDate) -> Self {
        match day.weekday() {
            chrono::Weekday::Mon => Self::Monday,
            chrono::Weekday::Tue => Self::Tuesday,
            chrono::Weekday::Wed => Self::Wednesday,
            chrono::Weekday::Thu => Self::Thursday,
            chrono::Weekday::Fri => Self::Friday,
            chrono::Weekday::Sat => Self::Saturday,
            chrono::Weekday::Sun => Self::Sunday,
        }
    }

    fn french(self) -> &'static str {
        match self {
            Self::Monday => "lundi",
            Self::Tuesday => "mardi",
            Self::Wednesday => "mercredi",
            Self::Thursday => "jeudi",
            Self::Friday => "vendredi",
            Self::Saturday => "samedi",
            Self::Sunday => "dimanche",
        }
    }
}

/// On which days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// These days of every week.
    Week(Vec<Weekday>),
    /// These days of every month, from 1; the last one of a month that is shorter.
    Month(Vec<u32>),
}

/// On which days, and at which time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// The days.
    pub days: Days,
    /// The hour, from 0 to 23.
    pub hour: u32,
    /// The minute, from 0 to 59.
    pub minute: u32,
}

/// Why a calendar cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarFault {
    /// It has no day.
    #[error("Le calendrier (`calendar`) n'a aucun jour : indiquez-en au moins un.")]
    NoDay,
    /// A day that no month has.
    #[error("Le jour {0} du calendrier (`calendar`) n'existe pas : indiquez un jour de 1 à 31.")]
    NoSuchDay(u32),
    /// A time that no day has.
    #[error(
        "L'heure {0}:{1:02} du calendrier (`calendar`) n'existe pas : indiquez une heure de 0:00 à 23:59."
    )]
    NoSuchTime(u32, u32),
}

impl Calendar {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), CalendarFault> {
        let (empty, wrong) = match &self.days {
            Days::Week(days) => (days.is_empty(), None),
            Days::Month(days) => {
                let wrong = days.iter().find(|day| !(1..=31).contains(*day));
                (days.is_empty(), wrong)
            }
        };
        if let Some(day) = wrong {
            return Err(CalendarFault::NoSuchDay(*day));
        }
        if empty {
            return Err(CalendarFault::NoDay);
        }
        if self.hour > 23 || self.minute > 59 {
            return Err(CalendarFault::NoSuchTime(self.hour, self.minute));
        }
        Ok(())
    }

    /// The first time it is due after `now`.
    pub fn next_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let days = paris_day(now).iter_days().take(HORIZON);
        self.times(days).find(|time| *time > now)
    }

    /// The last time it was due, `now` included.
    pub fn last_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let days = (0..HORIZON).scan(paris_day(now), |day, _| {
            let this = *day;
            *day = day.pred_opt()?;
            Some(this)
        });
        self.times(days).find(|time| *time <= now)
    }

    fn times(&self, days: impl Iterator<Item = NaiveDate>) -> impl Iterator<Item = DateTime<Utc>> {
        days.filter(move |day| self.has(*day))
            .filter_map(move |day| self.at(day))
    }

    fn has(&self, day: NaiveDate) -> bool {
        match &self.days {
            Days::Week(days) => days.contains(&Weekday::of(day)),
            Days::Month(days) => {
                let is_last = day.succ_opt().is_none_or(|next| next.day() == 1);
                let is = |wanted: &u32| *wanted == day.day() || is_last && *wanted > day.day();
                days.iter().any(is)
            }
        }
    }

    /// The moment of its time on this day: the first of two when clocks are put back over it, the first that
    /// there is when they are put forward over it.
    fn at(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        let time = day.and_hms_opt(self.hour, self.minute, 0)?;
        (0..=LONGEST_JUMP).find_map(|minutes| {
            let time = time + TimeDelta::minutes(minutes);
            let moment = time.and_local_timezone(Paris).earliest()?;
            Some(moment.to_utc())
        })
    }

    /// What a clerk reads: `chaque lundi et jeudi à 6 h 30`.
    pub fn sentence(&self) -> String {
        let days = match &self.days {
            Days::Week(days) => {
                let names = days.iter().map(|day| day.french().to_owned());
                format!("chaque {}", listed(names.collect()))
            }
            Days::Month(days) => {
                let names = days.iter().map(|day| match day {
                    1 => "1er".to_owned(),
                    day => day.to_string(),
                });
                format!("le {} de chaque mois", listed(names.collect()))
            }
        };
        let minute = match self.minute {
            0 => String::new(),
            minute => format!(" {minute:02}"),
        };
        format!("{days} à {} h{minute}", self.hour)
    }
}

/// `a, b et c`.
fn listed(mut names: Vec<String>) -> String {
    match (names.pop(), names.is_empty()) {
        (Some(last), false) => format!("{} et {last}", names.join(", ")),
        (last, _) => last.unwrap_or_default(),
    }
}

fn paris_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Paris).date_naive()
}
