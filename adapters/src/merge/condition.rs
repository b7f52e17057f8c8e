//! Conditions of chains: expressions over the fields of templates, which hold or do not.

use super::{
    faults::syntax,
    fields::{self, Role},
};
use minijinja::{Environment, UndefinedBehavior, Value, machinery};
use navette_domain::{
    chain::Scope,
    dictionary::{Dictionary, FieldKind, Found},
};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// How many instructions a condition may take.
const FUEL: u64 = 100_000;

/// What a condition came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// Whether it holds.
    pub holds: bool,
    /// What its fields were; of what is about a person, only whether it was known.
    pub found: BTreeMap<String, String>,
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.add_test("none", |value: &Value| {
        value.is_none() || value.is_undefined()
    });
    environment
}

/// What keeps a condition from being worked out for documents of this scope, in French.
pub fn condition_faults(expression: &str, scope: Scope) -> Vec<String> {
    let environment = environment();
    let Ok(read) = machinery::parse_expr(expression) else {
        return vec![syntax::sentence(expression)];
    };
    let reading = fields::read(&environment, &read, &Role::Tested);
    let dictionary = Dictionary::of(scope);
    let known: Vec<String> = dictionary
        .fields()
        .map(|field| field.path.clone())
        .collect();
    let mut faults = reading.problems;
    for usage in &reading.usages {
        if matches!(
            dictionary.find(&usage.name),
            Found::Field(_) | Found::Custom { .. }
        ) {
            continue;
        }
        let nearest = fields::nearest_path(&usage.name, known.iter().map(String::as_str));
        let nearest = nearest.map_or_else(String::new, |nearest| {
            format!(" ; vouliez-vous dire `{nearest}` ?")
        });
        let fault = format!("champ inconnu `{}`{nearest}", usage.name);
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    faults
}

/// Whether a condition holds for these data. A field that it compares must have a value, unless it looks at
/// that first: otherwise the answer is a sentence for whoever can complete the dossier.
pub fn weigh(expression: &str, data: &Json, scope: Scope) -> Result<Weighed, String> {
    let environment = environment();
    let dictionary = Dictionary::of(scope);
    let read = machinery::parse_expr(expression).map_err(|_| syntax::sentence(expression))?;
    let mut found = BTreeMap::new();
    for usage in fields::read(&environment, &read, &Role::Tested).usages {
        let Some(value) = at(data, &usage.name) else {
            continue;
        };
        let compared = matches!(usage.role, Role::Compared(_)) && !usage.foreseen;
        if value.is_null() && compared {
            return Err(format!(
                "la condition « {expression} » compare `{}`, qui est vide dans ce dossier",
                usage.name
            ));
        }
        if let Some(said) = said(&usage.name, value) {
            found.insert(usage.name, said);
        }
    }
    let context = value_of(data, &mut String::new(), &dictionary);
    let compiled = environment.compile_expression(expression);
    let value = compiled.and_then(|expression| expression.eval(context));
    let value = value.map_err(|error| {
        format!("la condition « {expression} » ne peut pas être calculée : {error}")
    })?;
    Ok(Weighed {
        holds: value.is_true(),
        found,
    })
}

/// The value of a field that is in no list.
fn at<'a>(data: &'a Json, path: &str) -> Option<&'a Json> {
    let mut value = data;
    for name in path.split('.') {
        match value {
            Json::Null => return Some(value),
            Json::Object(fields) => value = fields.get(name)?,
            _ => return None,
        }
    }
    Some(value)
}

fn said(path: &str, value: &Json) -> Option<String> {
    let personal = path.split('.').next() == Some("beneficiaire");
    match value {
        Json::Null => Some("vide".to_owned()),
        _ if personal => Some("renseigné".to_owned()),
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(true) => Some("oui".to_owned()),
        Json::Bool(false) => Some("non".to_owned()),
        Json::Array(items) => Some(format!("{} éléments", items.len())),
        Json::Object(_) => None,
    }
}

/// The data as expressions see them: amounts are numbers, so that they compare as such.
pub(super) fn value_of(data: &Json, path: &mut String, dictionary: &Dictionary) -> Value {
    let length = path.len();
    match data {
        Json::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| {
                if length > 0 {
                    path.push('.');
                }
                path.push_str(name);
                let value = value_of(field, path, dictionary);
                path.truncate(length);
                (name.clone(), value)
            });
            Value::from_pairs(fields)
        }
        Json::Array(items) => {
            path.push_str("[]");
            let items: Vec<Value> = items
                .iter()
                .map(|item| value_of(item, path, dictionary))
                .collect();
            path.truncate(length);
            Value::from(items)
        }
        Json::String(text) => {
            let is_amount = matches!(
                dictionary.find(path),
                Found::Field(field) if field.kind == FieldKind::Amount
            );
            let number = text.parse::<f64>().ok().filter(|_| is_amount);
            number.map_or_else(|| Value::from(text.as_str()), Value::from)
        }
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64()),
        },
        Json::Bool(yes) => Value::from(*yes),
        Json::Null => Value::from(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data() -> Json {
        json!({
            "dossier": {
                "montant": "23000.01", "exercice": null, "nature": "aide en numéraire",
                "date_commission": "2026-03-12", "champs": { "population": "3600" },
            },
            "beneficiaire": { "nom": "Jeanne Le Goff", "email": null, "adresse": null },
            "versements": [{ "montant": "100.00" }, { "montant": "9.00" }],
        })
    }

    fn holds(expression: &str) -> Result<bool, String> {
        weigh(expression, &data(), Scope::Dossier).map(|weighed| weighed.holds)
    }

    #[test]
    fn amounts_compare_as_numbers_dates_as_days_and_what_is_unknown_can_be_tested() {
        for (expression, expected) in [
            ("dossier.montant > 23000", true),
            ("dossier.montant > 23000.01", false),
            ("dossier.montant > 9", true),
            ("dossier.date_commission < \"2026-04-01\"", true),
            ("dossier.nature == \"aide en nature\"", false),
            ("beneficiaire.email", false),
            ("beneficiaire.email is none", true),
            ("beneficiaire.adresse.commune is none", true),
            (
                "dossier.exercice is not none and dossier.exercice > 2025",
                false,
            ),
            ("dossier.champs.population|int >= 3500", true),
            ("versements|length > 1", true),
            ("versements[1].montant < versements[0].montant", true),
            ("not (dossier.montant > 23000) or true", true),
        ] {
            assert_eq!(holds(expression), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn a_field_that_is_compared_and_empty_is_told_rather_than_guessed() {
        assert_eq!(
            holds("dossier.exercice > 2025"),
            Err("la condition « dossier.exercice > 2025 » compare `dossier.exercice`, qui est vide dans ce dossier".into())
        );
    }

    #[test]
    fn what_the_fields_were_is_told_without_what_is_about_a_person() {
        let weighed = weigh(
            "dossier.montant > 1 and beneficiaire.nom == \"X\" and beneficiaire.email is none and versements|length",
            &data(),
            Scope::Dossier,
        );
        let found = weighed.unwrap_or_else(|fault| panic!("{fault}")).found;
        let expected = [
            ("beneficiaire.email", "vide"),
            ("beneficiaire.nom", "renseigné"),
            ("dossier.montant", "23000.01"),
            ("versements", "2 éléments"),
        ];
        let expected = expected.map(|(field, said)| (field.to_owned(), said.to_owned()));
        assert_eq!(found, BTreeMap::from(expected));
    }

    #[test]
    fn everything_that_keeps_a_condition_from_being_worked_out_is_told_at_once() {
        for (expression, expected) in [
            ("dossier.montant > 23000", &[][..]),
            ("dossier.champs.canton == \"Redon\"", &[]),
            (
                "dossier.montnat > 1 and lieu",
                &[
                    "champ inconnu `dossier.montnat` ; vouliez-vous dire `dossier.montant` ?",
                    "champ inconnu `lieu`",
                ],
            ),
        ] {
            assert_eq!(condition_faults(expression, Scope::Dossier), expected);
        }
        for expression in [
            "dossier.montant >",
            "dossier.montant est 3",
            "",
            "f(1)",
            "1 is odd_one",
        ] {
            assert_eq!(
                condition_faults(expression, Scope::Dossier).len(),
                1,
                "{expression}"
            );
        }
        assert_eq!(condition_faults("lot.nombre > 3", Scope::Batch), [""; 0]);
        assert_eq!(condition_faults("lot.nombre > 3", Scope::Dossier).len(), 1);
    }
}
