//! Amounts and numbers.

use super::{cents_of, invalid, noted};
use crate::merge::{
    compare,
    french::{self, Cents},
};
use minijinja::{
    Environment, Error, Value,
    value::{Kwargs, ValueKind},
};

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("montant", amount);
    environment.add_filter("montant_en_lettres", |value: &Value| {
        with_amount(value, french::in_words)
    });
    environment.add_filter("nombre", to_number);
    environment.add_filter(compare::NUMBER, to_number);
    environment.add_filter(compare::ORDERED, ordered);
    environment.add_filter("pluriel", plural);
    environment.add_filter("ordinal", ordinal);
}

pub(crate) fn amount_of(value: &Value) -> Result<Cents, Error> {
    cents_of(value).ok_or_else(|| invalid("cette valeur n'est pas un montant"))
}

fn with_amount(value: &Value, write: impl Fn(Cents) -> String) -> Result<String, Error> {
    if noted(value) {
        return Ok(String::new());
    }
    amount_of(value).map(write)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "minijinja gives options to filters by value"
)]
fn amount(value: &Value, options: Kwargs) -> Result<String, Error> {
    let centimes = options.get::<Option<bool>>("centimes")?.unwrap_or(true);
    options.assert_all_used()?;
    let write = if centimes {
        french::in_euros
    } else {
        french::in_whole_euros
    };
    with_amount(value, write)
}

fn to_number(value: &Value) -> Result<f64, Error> {
    if noted(value) {
        return Ok(0.0);
    }
    amount_of(value)?
        .decimal()
        .parse()
        .map_err(|_| invalid("cette valeur n'est pas un nombre"))
}

/// A value as it can be compared with another of unknown kind.
fn ordered(value: Value) -> Value {
    if noted(&value) {
        return Value::from(0);
    }
    let amount = value.as_str().and_then(Cents::parse);
    match amount.and_then(|amount| amount.decimal().parse::<f64>().ok()) {
        Some(number) => Value::from(number),
        None => value,
    }
}

fn plural(count: &Value, one: &str, many: Option<&str>) -> Result<String, Error> {
    if noted(count) {
        return Ok(String::new());
    }
    let count = match count.len() {
        Some(length) if count.kind() == ValueKind::Seq => u32::try_from(length).map(f64::from).ok(),
        _ => f64::try_from(count.clone()).ok(),
    };
    let count = count.ok_or_else(|| invalid("« pluriel » attend un nombre ou une liste"))?;
    Ok(french::plural(count, one, many))
}

fn ordinal(value: &Value, gender: Option<&str>) -> Result<String, Error> {
    if noted(value) {
        return Ok(String::new());
    }
    let number = match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => u64::try_from(value.clone()).ok(),
    };
    let number = number.ok_or_else(|| invalid("« ordinal » attend un nombre entier"))?;
    match gender {
        None | Some("m") => Ok(french::ordinal(number, false)),
        Some("f") => Ok(french::ordinal(number, true)),
        Some(_) => Err(invalid("« ordinal » se précise par \"m\" ou \"f\"")),
    }
}
