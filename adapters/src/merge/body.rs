//! Bodies of calls: templates of JSON over the fields of templates, in which each value is written as JSON.

use super::condition::value_of;
use minijinja::{
    Environment, UndefinedBehavior,
    value::{Value, ValueKind},
};
use navette_domain::{
    chain::Scope,
    dictionary::{Dictionary, Found, sample},
};
use serde_json::Value as Json;

/// How many instructions a body may take.
const FUEL: u64 = 10_000_000;

/// Whatever a value holds, it is written as one value of JSON: it can add nothing else.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(50);
    environment.set_formatter(|out, _, value| Ok(out.write_str(&json(value).to_string())?));
    environment
}

fn json(value: &Value) -> Json {
    let text = || {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let items = || value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Json::Null,
        ValueKind::Bool => value.is_true().into(),
        ValueKind::Number => value.to_string().parse().unwrap_or_default(),
        ValueKind::Seq | ValueKind::Iterable => items().map(|item| json(&item)).collect(),
        ValueKind::Map => {
            let member = |name: Value| {
                let member = value.get_item(&name).unwrap_or_default();
                (name.to_string(), json(&member))
            };
            Json::Object(items().map(member).collect())
        }
        _ => text().into(),
    }
}

/// What keeps a body from being made for documents of this scope, in French.
pub fn body_faults(template: &str, scope: Scope) -> Vec<String> {
    let environment = environment();
    let read = match environment.template_from_str(template) {
        Ok(read) => read,
        Err(error) => return vec![format!("le corps ne se lit pas : {error}")],
    };
    let dictionary = Dictionary::of(scope);
    let mut unknown: Vec<String> = read
        .undeclared_variables(true)
        .into_iter()
        .filter(|path| matches!(dictionary.find(path), Found::Unknown | Found::Image { .. }))
        .map(|path| format!("champ inconnu `{path}`"))
        .collect();
    unknown.sort();
    if unknown.is_empty() {
        unknown.extend(body(template, &sample(scope), scope).err());
    }
    unknown
}

/// The body for these data; otherwise what is wrong, in French.
pub fn body(template: &str, data: &Json, scope: Scope) -> Result<Json, String> {
    let context = value_of(data, &mut String::new(), &Dictionary::of(scope));
    let written = environment()
        .render_str(template, context)
        .map_err(|error| format!("le corps ne peut pas être composé : {error}"))?;
    serde_json::from_str(&written)
        .map_err(|error| format!("le corps composé n'est pas du JSON : {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const BODY: &str = r#"{
        "objet": {{ dossier.objet }}, "montant": {{ dossier.montant }}, "commune": {{ beneficiaire.adresse.commune }},
        "echeances": [{% for v in versements %}{{ v.montant }}{% if not loop.last %},{% endif %}{% endfor %}]
    }"#;

    #[test]
    fn each_value_is_written_as_one_value_of_json_whatever_it_holds() {
        let data = json!({
            "dossier": { "objet": "L'été, \"fou\" }, \"pirate\": 1", "montant": "1234.50" },
            "beneficiaire": { "adresse": null },
            "versements": [{ "montant": "1.00" }, { "montant": "2.25" }],
        });
        assert_eq!(
            body(BODY, &data, Scope::Dossier),
            Ok(json!({
                "objet": "L'été, \"fou\" }, \"pirate\": 1", "montant": 1234.5, "commune": null,
                "echeances": [1.0, 2.25],
            }))
        );
    }

    #[test]
    fn what_keeps_a_body_from_being_made_is_told_before_it_is_needed() {
        assert_eq!(body_faults(BODY, Scope::Dossier), [""; 0]);
        assert_eq!(
            body_faults(
                "{\"a\": {{ dossier.montnat }}, \"b\": {{ lieu }}}",
                Scope::Dossier
            ),
            ["champ inconnu `dossier.montnat`", "champ inconnu `lieu`"]
        );
        for broken in [
            "{\"a\": {{ dossier.objet }}",
            "{\"a\": \"{{ dossier.objet }}\"}",
            "{% if",
        ] {
            assert_eq!(body_faults(broken, Scope::Dossier).len(), 1, "{broken}");
        }
    }
}
