//! minijinja set up for office parts: values that are always text, limits.

use super::{
    cells, columns,
    encode::{encode, is_plain},
    filters, french,
    pictures::Picture,
    printing::Named,
    rich::Rich,
    settings, sheet,
    values::{RECORDER, Recorder},
};
use minijinja::{
    AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value, value::ValueKind,
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
    sheet::set_up(&mut environment);
    filters::install(&mut environment);
    environment.add_filter(settings::EMPTY, or_text);
    environment.add_filter(columns::MEND, columns::mend);
    environment.add_filter(cells::SPAN, span);
    environment.add_filter(cells::COLOUR, colour);
    environment.add_test("none", |value: &Value| {
        value.is_none() || filters::is_missing(value)
    });
    environment
}

/// What a tag prints, or the template's text for empty fields if it uses one.
fn or_text(state: &mut State<'_, '_>, value: Value, text: Value) -> Value {
    let met = Recorder::of(state).is_some_and(|recorder| recorder.met_empty());
    if met || filters::is_missing(&value) {
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
    columns.ok_or_else(|| filters::invalid("« colspan » attend un nombre de colonnes, de 1 à 63"))
}

fn colour(value: &Value) -> Result<String, Error> {
    let text = value.as_str().unwrap_or_default().trim_start_matches('#');
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err(filters::invalid(
            "« cellbg » attend une couleur comme \"FFCC00\"",
        ))
    }
}

/// Prints a value: as text, but for what is a picture or rich text.
fn print(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
    format: OfficeFormat,
) -> Result<(), Error> {
    if value.is_safe() {
        return Ok(out.write_str(value.as_str().unwrap_or_default())?);
    }
    if let Some(text) = value.as_str() {
        if is_plain(text) {
            return Ok(out.write_str(text)?);
        }
        let mut encoded = String::new();
        encode(&mut encoded, text, format);
        return Ok(out.write_str(&encoded)?);
    }
    let Some(recorder) = Recorder::of(state) else {
        return Ok(());
    };
    let written = if let Some(rich) = value.downcast_object_ref::<Rich>() {
        match format {
            OfficeFormat::Odt => rich.odf_in_line(),
            _ => recorder.encoded(&rich.plain()),
        }
    } else if let Some(picture) = picture(value, &recorder)? {
        recorder.print(&picture)?
    } else {
        let text = text(value, &recorder)?;
        text.map_or_else(String::new, |text| recorder.encoded(&text))
    };
    Ok(out.write_str(&written)?)
}

/// The text of a value that is neither a picture nor rich text; `None` of a missing one, once noted.
pub(super) fn text(value: &Value, recorder: &Recorder) -> Result<Option<String>, Error> {
    if filters::noted(value) {
        return Ok(None);
    }
    Ok(Some(match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Bool => if value.is_true() { "oui" } else { "non" }.into(),
        ValueKind::Number if value.is_integer() => value.to_string(),
        ValueKind::Number => french::in_figures(filters::amount_of(value)?),
        kind => {
            let sentence = match kind {
                ValueKind::Undefined | ValueKind::None => "cette balise ne donne aucune valeur",
                _ => "cette balise désigne une liste ou une fiche : choisir un de ses champs",
            };
            recorder.fault(sentence.into());
            return Ok(None);
        }
    }))
}

/// The picture that a value is, or names.
pub(super) fn picture(value: &Value, recorder: &Recorder) -> Result<Option<Picture>, Error> {
    if let Some(picture) = value.downcast_object_ref::<Picture>() {
        return Ok(Some(picture.clone()));
    }
    match value.downcast_object_ref::<Named>() {
        Some(named) => recorder.image(&named.name).map(Some),
        None => Ok(None),
    }
}

/// Whether a clerk may name a field so.
pub(super) fn is_ours(name: &str) -> bool {
    name.split('.').next() == Some(RECORDER)
}
