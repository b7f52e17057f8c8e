//! Dates and times.

use super::{invalid, with_text};
use crate::merge::french;
use chrono::NaiveDate;
use minijinja::{Environment, Error, Value};

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("date", date);
    environment.add_filter("date_en_lettres", |value: &Value| {
        with_date(value, |date| Ok(french::date_in_words(date)))
    });
    environment.add_filter("heure", |value: &Value| {
        with_text(value, |text| {
            let time = french::parse_time(text);
            time.map(french::hour)
                .ok_or_else(|| invalid("cette valeur n'est pas une date avec son heure"))
        })
    });
}

fn date(value: &Value, way: Option<&str>) -> Result<String, Error> {
    let way = way.unwrap_or("longue");
    with_date(value, |date| {
        french::date_written(date, way).ok_or_else(|| {
            invalid(
                "« date » se précise par \"longue\", \"courte\", \"jour\", \"mois\" ou \"année\"",
            )
        })
    })
}

fn with_date(
    value: &Value,
    write: impl FnOnce(NaiveDate) -> Result<String, Error>,
) -> Result<String, Error> {
    with_text(value, |text| {
        let date = french::parse_date(text);
        write(date.ok_or_else(|| invalid("cette valeur n'est pas une date"))?)
    })
}
