//! The filters that clerks use, by family.

mod dates;
mod numbers;
mod people;
mod pictures;
mod rich;
mod wording;

use super::{
    data::Missing,
    french::{self, Cents},
};
use minijinja::{Environment, Error, ErrorKind, Value, value::Rest};

pub(super) use numbers::amount_of;

/// Adds the filters, and takes away those of minijinja that make markup of a value.
pub(super) fn install(environment: &mut Environment<'static>) {
    numbers::install(environment);
    dates::install(environment);
    people::install(environment);
    pictures::install(environment);
    rich::install(environment);
    wording::install(environment);
    environment.add_filter("default", or_default);
    environment.add_filter("d", or_default);
    for filter in ["safe", "escape", "e", "tojson"] {
        environment.remove_filter(filter);
    }
}

pub(super) fn invalid(sentence: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, sentence)
}

pub(super) fn is_missing(value: &Value) -> bool {
    value.downcast_object_ref::<Missing>().is_some()
}

/// A filter of a missing value gives nothing, and the missing field is noted.
pub(super) fn noted(value: &Value) -> bool {
    value
        .downcast_object_ref::<Missing>()
        .inspect(|missing| missing.note())
        .is_some()
}

/// The text of a value that is one.
fn text_of(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None if value.is_integer() => Ok(value.to_string()),
        None if value.is_number() => amount_of(value).map(french::in_figures),
        None => Err(invalid("cette valeur n'est pas un texte")),
    }
}

/// What `write` makes of the value's text; nothing of a missing one.
fn with_text(
    value: &Value,
    write: impl FnOnce(&str) -> Result<String, Error>,
) -> Result<String, Error> {
    if noted(value) {
        return Ok(String::new());
    }
    write(&text_of(value)?)
}

/// `x|default("…")`; with `true` after it, as in Jinja, also of what is empty, zero or false.
fn or_default(value: Value, rest: Rest<Value>) -> Value {
    let of_empty = rest.0.get(1).is_some_and(Value::is_true);
    let missing = value.is_undefined() || value.is_none() || is_missing(&value);
    if missing || (of_empty && !value.is_true()) {
        rest.0.into_iter().next().unwrap_or_else(|| Value::from(""))
    } else {
        value
    }
}

/// An amount, of what is written in figures.
fn cents_of(value: &Value) -> Option<Cents> {
    match value.as_str() {
        Some(text) => Cents::parse(text),
        None if value.is_number() => f64::try_from(value.clone()).ok().and_then(Cents::nearest),
        None => None,
    }
}

#[cfg(test)]
mod tests;
