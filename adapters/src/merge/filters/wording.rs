//! Words: capitals, lists.

use super::{invalid, noted, text_of, with_text};
use crate::merge::french;
use minijinja::{Environment, Error, Value, value::Kwargs};

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("majuscules", |value: &Value| {
        with_text(value, |text| Ok(text.to_uppercase()))
    });
    environment.add_filter("minuscules", |value: &Value| {
        with_text(value, |text| Ok(text.to_lowercase()))
    });
    environment.add_filter("titre", |value: &Value| {
        with_text(value, |text| Ok(french::title(text)))
    });
    environment.add_filter("capitale", |value: &Value| {
        with_text(value, |text| Ok(french::capitalised(text)))
    });
    environment.add_filter("liste", list);
}

/// `versements|liste("libelle")`, `noms|liste(mot="ou")`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "minijinja gives options to filters by value"
)]
fn list(value: &Value, field: Option<&str>, options: Kwargs) -> Result<String, Error> {
    let last = options.get::<Option<&str>>("mot")?.unwrap_or("et");
    options.assert_all_used()?;
    if noted(value) {
        return Ok(String::new());
    }
    // A text is one of letters to minijinja.
    let items = value.try_iter().ok().filter(|_| value.as_str().is_none());
    let items = items.ok_or_else(|| invalid("« liste » attend une liste"))?;
    let mut texts = Vec::new();
    for item in items {
        let item = match field {
            Some(field) => item.get_attr(field)?,
            None => item,
        };
        if noted(&item) {
            continue;
        }
        let text = text_of(&item).map_err(|_| {
            invalid("« liste » attend une liste de textes, ou le nom d'un champ : liste(\"nom\")")
        })?;
        texts.push(text);
    }
    Ok(french::listed(&texts, last))
}
