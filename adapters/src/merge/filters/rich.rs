//! Rich text.

use super::{invalid, noted, text_of};
use crate::merge::rich::Rich;
use minijinja::{Environment, Error, Value};

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("html", |value: &Value| rich(value, Rich::from_html));
    environment.add_filter("markdown", |value: &Value| rich(value, Rich::from_markdown));
}

fn rich(value: &Value, read: impl Fn(&str) -> Option<Rich>) -> Result<Value, Error> {
    if noted(value) {
        return Ok(Value::from(""));
    }
    let rich = read(&text_of(value)?).ok_or_else(|| invalid("ce texte dépasse 1 Mio"))?;
    Ok(Value::from_object(rich))
}
