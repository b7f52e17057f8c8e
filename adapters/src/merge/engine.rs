//! minijinja set up for office parts: French filters, values that are always text, limits.

use super::{
    cells, columns, compare,
    french::{self, Cents},
    settings,
    values::{Missing, RECORDER, Recorder},
    xml::is_allowed,
};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
    value::{Rest, ValueKind},
};
use navette_domain::ports::OfficeFormat;

/// How many instructions one part may take.
const FUEL: u64 = 20_000_000;

/// The environment of one template.
pub(super) fn environment(format: OfficeFormat) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.set_formatter(move |out, state, value| print(out, state, value, format));
    environment.add_filter("montant", |value: &Value| {
        with_amount(value, |amount| {
            format!("{}\u{a0}€", french::in_figures(amount))
        })
    });
    environment.add_filter("montant_en_lettres", |value: &Value| {
        with_amount(value, french::in_words)
    });
    environment.add_filter("nombre", to_number);
    environment.add_filter("date", |value: &Value| with_date(value, french::long_date));
    environment.add_filter("date_en_lettres", |value: &Value| {
        with_date(value, french::date_in_words)
    });
    environment.add_filter(compare::NUMBER, to_number);
    environment.add_filter(compare::ORDERED, ordered);
    environment.add_filter("pluriel", plural);
    environment.add_filter("civilite", civility);
    environment.add_filter("default", or_default);
    environment.add_filter("d", or_default);
    environment.add_test("none", |value: &Value| value.is_none() || is_missing(value));
    environment.add_filter(settings::EMPTY, or_text);
    environment.add_filter(columns::MEND, columns::mend);
    environment.add_filter(cells::SPAN, span);
    environment.add_filter(cells::COLOUR, colour);
    // A value is always text: no filter may pass it off as markup.
    for filter in ["safe", "escape", "e", "tojson"] {
        environment.remove_filter(filter);
    }
    environment
}

fn invalid(sentence: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, sentence)
}

fn is_missing(value: &Value) -> bool {
    value.downcast_object_ref::<Missing>().is_some()
}

/// A filter of a missing value gives nothing, and the missing field is noted.
fn noted(value: &Value) -> bool {
    value
        .downcast_object_ref::<Missing>()
        .inspect(|missing| missing.note())
        .is_some()
}

fn amount_of(value: &Value) -> Result<Cents, Error> {
    let amount = match value.as_str() {
        Some(text) => Cents::parse(text),
        None if value.is_number() => f64::try_from(value.clone()).ok().and_then(Cents::nearest),
        None => None,
    };
    amount.ok_or_else(|| invalid("cette valeur n'est pas un montant"))
}

fn with_amount(value: &Value, write: impl Fn(Cents) -> String) -> Result<String, Error> {
    if noted(value) {
        return Ok(String::new());
    }
    amount_of(value).map(write)
}

fn with_date(value: &Value, write: impl Fn(chrono::NaiveDate) -> String) -> Result<String, Error> {
    if noted(value) {
        return Ok(String::new());
    }
    value
        .as_str()
        .and_then(french::parse_date)
        .map(write)
        .ok_or_else(|| invalid("cette valeur n'est pas une date"))
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

/// What a tag prints, or the template's text for empty fields if it uses one.
fn or_text(state: &mut State<'_, '_>, value: Value, text: Value) -> Value {
    let met = Recorder::of(state).is_some_and(|recorder| recorder.met_empty());
    if met || is_missing(&value) {
        text
    } else {
        value
    }
}

/// How many columns a cell may be told to span.
fn span(value: &Value) -> Result<usize, Error> {
    let columns = value
        .as_usize()
        .filter(|columns| (1..=63).contains(columns));
    columns.ok_or_else(|| invalid("« colspan » attend un nombre de colonnes, de 1 à 63"))
}

fn colour(value: &Value) -> Result<String, Error> {
    let text = value.as_str().unwrap_or_default().trim_start_matches('#');
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err(invalid("« cellbg » attend une couleur comme \"FFCC00\""))
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

fn civility(value: &Value) -> &'static str {
    match value
        .as_str()
        .map(|text| text.trim().trim_end_matches('.').to_lowercase())
    {
        Some(text) if text == "m" || text == "monsieur" => "Monsieur",
        Some(text) if text == "mme" || text == "madame" => "Madame",
        _ => "Madame, Monsieur",
    }
}

fn or_default(value: Value, rest: Rest<Value>) -> Value {
    if value.is_undefined() || value.is_none() || is_missing(&value) {
        rest.0.into_iter().next().unwrap_or_else(|| Value::from(""))
    } else {
        value
    }
}

/// Prints a value as text.
fn print(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
    format: OfficeFormat,
) -> Result<(), Error> {
    if value.is_safe() {
        return Ok(out.write_str(value.as_str().unwrap_or_default())?);
    }
    if noted(value) {
        return Ok(());
    }
    let text = match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Bool => if value.is_true() { "oui" } else { "non" }.into(),
        ValueKind::Number if value.is_integer() => value.to_string(),
        ValueKind::Number => french::in_figures(amount_of(value)?),
        _ => {
            let sentence = match value.kind() {
                ValueKind::Undefined | ValueKind::None => "cette balise ne donne aucune valeur",
                _ => "cette balise désigne une liste ou une fiche : choisir un de ses champs",
            };
            if let Some(recorder) = Recorder::of(state) {
                recorder.fault(sentence.into());
            }
            return Ok(());
        }
    };
    Ok(out.write_str(&encode(&text, format))?)
}

/// The text as a part holds it: escaped, without control characters, with line breaks and tabs.
fn encode(text: &str, format: OfficeFormat) -> String {
    let word = matches!(format, OfficeFormat::Docx | OfficeFormat::Xlsx);
    let mut encoded = String::with_capacity(text.len() + 16);
    let mut space = false;
    let text = text.replace("\r\n", "\n");
    for character in text.chars() {
        match character {
            '\n' | '\r' if word => {
                encoded.push_str("</w:t><w:br/><w:t xml:space=\"preserve\">");
            }
            '\t' if word => encoded.push_str("</w:t><w:tab/><w:t xml:space=\"preserve\">"),
            '\n' | '\r' => encoded.push_str("<text:line-break/>"),
            '\t' => encoded.push_str("<text:tab/>"),
            ' ' if space && !word => encoded.push_str("<text:s/>"),
            '<' => encoded.push_str("&lt;"),
            '>' => encoded.push_str("&gt;"),
            '&' => encoded.push_str("&amp;"),
            _ if is_allowed(character) && !overrides_direction(character) => {
                encoded.push(character);
            }
            _ => {}
        }
        space = character == ' ';
    }
    encoded
}

/// Characters that make text read otherwise than it is written.
fn overrides_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a clerk may name a field so.
pub(super) fn is_ours(name: &str) -> bool {
    name.split('.').next() == Some(RECORDER)
}
