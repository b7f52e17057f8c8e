//! What is known of filters before any value goes through them.

use super::super::compare;
use minijinja::{
    Environment, ErrorKind, Value,
    machinery::ast::{CallArg, Filter},
};
use navette_domain::dictionary::FieldKind::{self, Amount, Date, Integer, List};

/// What the filters that are particular take.
const TAKES: [(&str, &[FieldKind]); 24] = [
    ("montant", &[Amount, Integer]),
    ("montant_en_lettres", &[Amount, Integer]),
    ("nombre", &[Amount, Integer]),
    ("date", &[Date]),
    ("date_en_lettres", &[Date]),
    ("heure", &[Date]),
    ("liste", &[List]),
    ("ordinal", &[Integer]),
    ("pluriel", &[Integer, List, Amount]),
    ("batch", &[List]),
    ("dictsort", &[List]),
    ("groupby", &[List]),
    ("join", &[List]),
    ("map", &[List]),
    ("max", &[List]),
    ("min", &[List]),
    ("reject", &[List]),
    ("rejectattr", &[List]),
    ("select", &[List]),
    ("selectattr", &[List]),
    ("slice", &[List]),
    ("sort", &[List]),
    ("sum", &[List]),
    ("unique", &[List]),
];

/// The filters that are offered to whoever misspelt one.
const OFFERED: [&str; 52] = [
    "abs",
    "accord",
    "adresse",
    "batch",
    "capitale",
    "capitalize",
    "cher",
    "civilite",
    "code128",
    "code_postal",
    "count",
    "d",
    "date",
    "date_en_lettres",
    "default",
    "first",
    "float",
    "groupby",
    "heure",
    "html",
    "iban",
    "image",
    "int",
    "join",
    "last",
    "length",
    "liste",
    "lower",
    "majuscules",
    "map",
    "markdown",
    "max",
    "min",
    "minuscules",
    "montant",
    "montant_en_lettres",
    "nombre",
    "ordinal",
    "pluriel",
    "qr",
    "replace",
    "reverse",
    "round",
    "selectattr",
    "siret",
    "sort",
    "sum",
    "telephone",
    "title",
    "titre",
    "trim",
    "upper",
];

/// What a filter takes, if it is particular.
pub(super) fn takes(name: &str) -> Option<&'static [FieldKind]> {
    let found = TAKES.iter().find(|(filter, _)| *filter == name);
    found.map(|(_, kinds)| *kinds)
}

/// Whether a filter gives something else for a field that is empty or unknown.
pub(super) fn is_default(name: &str) -> bool {
    matches!(name, "default" | "d")
}

/// Whether we added the filter ourselves.
pub(super) fn is_hidden(name: &str) -> bool {
    [compare::NUMBER, compare::ORDERED].contains(&name)
}

/// What is wrong with a filter and its arguments, whatever the value.
pub(super) fn problem(environment: &Environment<'_>, filter: &Filter<'_>) -> Option<String> {
    let name = filter.name;
    let mut arguments = vec![sample(name)];
    let mut plain = true;
    for argument in &filter.args {
        match argument {
            CallArg::Pos(value) => arguments.push(value.as_const().unwrap_or_else(|| sample(name))),
            _ => plain = false,
        }
    }
    let error = environment
        .empty_state()
        .apply_filter(name, &arguments)
        .err()?;
    match error.kind() {
        ErrorKind::UnknownFilter => Some(unknown(name)),
        ErrorKind::TooManyArguments if plain => Some(format!(
            "le filtre « {name} » a reçu trop d'arguments : en ôter entre les parenthèses"
        )),
        ErrorKind::MissingArgument if plain => Some(format!(
            "il manque un argument au filtre « {name} » : {{{{ champ|{name}(…) }}}}"
        )),
        _ => None,
    }
}

fn unknown(name: &str) -> String {
    let nearest = OFFERED
        .iter()
        .map(|known| {
            (
                strsim::damerau_levenshtein(known, &name.to_lowercase()),
                known,
            )
        })
        .min()
        .filter(|(distance, _)| *distance <= (name.chars().count() / 3).clamp(1, 4));
    match nearest {
        Some((_, nearest)) => {
            format!("filtre inconnu : « {name} » ; vouliez-vous dire « {nearest} » ?")
        }
        None => format!("filtre inconnu : « {name} »"),
    }
}

/// A value that a filter takes.
fn sample(name: &str) -> Value {
    match takes(name) {
        Some([Date, ..]) => Value::from("2026-03-12"),
        Some([List, ..]) => Value::from(Vec::<Value>::new()),
        Some(_) => Value::from(1),
        None => Value::from("a"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_offered_or_described_exists() {
        let environment =
            super::super::super::engine::environment(navette_domain::ports::OfficeFormat::Odt);
        for name in OFFERED.iter().chain(TAKES.iter().map(|(name, _)| name)) {
            let unknown = environment
                .empty_state()
                .apply_filter(name, &[])
                .is_err_and(|error| error.kind() == ErrorKind::UnknownFilter);
            assert!(!unknown, "{name}");
        }
    }
}
