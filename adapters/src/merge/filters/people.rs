//! People and their addresses.

use super::{invalid, is_missing, noted, text_of, with_text};
use crate::merge::french::{self, Address};
use minijinja::{Environment, Error, Value};

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("civilite", |value: &Value| match Gender::of(value) {
        Some(Gender::Masculine) => "Monsieur",
        Some(Gender::Feminine) => "Madame",
        None => "Madame, Monsieur",
    });
    environment.add_filter("cher", |value: &Value| match Gender::of(value) {
        Some(Gender::Masculine) => "Cher Monsieur",
        Some(Gender::Feminine) => "Chère Madame",
        None => "Madame, Monsieur",
    });
    environment.add_filter("accord", agree);
    environment.add_filter("adresse", address);
    for (name, what, write) in NUMBERS {
        environment.add_filter(name, move |value: &Value| {
            with_text(value, |text| {
                write(text).ok_or_else(|| invalid(format!("cette valeur n'est pas {what}")))
            })
        });
    }
}

type Grouping = fn(&str) -> Option<String>;

/// Numbers by name, what they are, and how they are grouped.
const NUMBERS: [(&str, &str, Grouping); 4] = [
    ("siret", "un SIRET ou un SIREN", french::siret),
    (
        "telephone",
        "un numéro de téléphone français",
        french::telephone,
    ),
    ("iban", "un IBAN, ou sa clé est fausse", french::iban),
    ("code_postal", "un code postal", french::postcode),
];

#[derive(Clone, Copy)]
enum Gender {
    Masculine,
    Feminine,
}

impl Gender {
    /// Read from a title or a gender; `None` when it is neither, or unknown.
    fn of(value: &Value) -> Option<Self> {
        let text = value.as_str()?.trim().trim_end_matches('.').to_lowercase();
        match text.as_str() {
            "m" | "mr" | "monsieur" | "h" | "homme" | "masculin" => Some(Self::Masculine),
            "mme" | "mlle" | "madame" | "f" | "femme" | "féminin" => Some(Self::Feminine),
            _ => None,
        }
    }
}

/// `genre|accord("invité", "invitée")`; of an unknown gender, `invité(e)` or `directeur/directrice`.
fn agree(value: &Value, masculine: &str, feminine: &str, unknown: Option<&str>) -> String {
    match (Gender::of(value), unknown, feminine.strip_prefix(masculine)) {
        (Some(Gender::Feminine), ..) => feminine.into(),
        (None, Some(unknown), _) => unknown.into(),
        (None, None, Some(ending)) if !ending.is_empty() => format!("{masculine}({ending})"),
        (Some(Gender::Masculine), ..) | (None, None, Some(_)) => masculine.into(),
        (None, None, None) => format!("{masculine}/{feminine}"),
    }
}

/// The block of a third party (its name and its `adresse`), or of an address alone.
fn address(value: &Value) -> Result<String, Error> {
    if noted(value) {
        return Ok(String::new());
    }
    let whole = value.get_attr("adresse")?;
    if noted(&whole) {
        return Ok(String::new());
    }
    let (name, place) = if whole.is_undefined() {
        (Value::UNDEFINED, value)
    } else {
        (value.get_attr("nom")?, &whole)
    };
    let field = |name: &str| -> Result<String, Error> {
        let value = place.get_attr(name)?;
        match text_of(&value) {
            Ok(text) => Ok(text),
            Err(_) if value.is_undefined() || value.is_none() || is_missing(&value) => {
                Ok(String::new())
            }
            Err(error) => Err(error),
        }
    };
    let lines = place.get_attr("lignes")?;
    if lines.is_undefined() && place.get_attr("commune")?.is_undefined() {
        return Err(invalid(
            "« adresse » attend un tiers ou une adresse, par exemple {{ beneficiaire|adresse }}",
        ));
    }
    let lines = match lines.try_iter() {
        Ok(lines) => lines.map(|line| text_of(&line)).collect::<Result<_, _>>()?,
        Err(_) => Vec::new(),
    };
    let address = Address {
        names: text_of(&name).into_iter().collect(),
        lines,
        postcode: field("code_postal")?,
        town: field("commune")?,
    };
    address
        .block()
        .map(|lines| lines.join("\n"))
        .map_err(invalid)
}
