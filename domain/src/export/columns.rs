//! The columns that exports may have. Those that templates know too bear the same names and labels.

#[cfg(test)]
mod tests;

use super::{Format, Heading, Kind};
use crate::dictionary::{self, CUSTOM};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A column of the dictionary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name: `beneficiaire.nom`, `montant.2026`.
    pub name: String,
    /// What a clerk reads.
    pub label: String,
    /// What its cells hold.
    pub kind: Kind,
}

/// A column that somebody chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Choice {
    /// Its name in the dictionary.
    pub column: String,
    /// Its heading, when not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// Why columns cannot be exported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnFault {
    /// There is no such column.
    #[error("La colonne « {name} » n'existe pas{}.", hint(.nearest.as_deref()))]
    Unknown {
        /// What was asked.
        name: String,
        /// The name that is nearest to it.
        nearest: Option<String>,
    },
    /// The same column twice.
    #[error("La colonne « {0} » est demandée deux fois.")]
    Twice(String),
    /// Two columns under one heading.
    #[error("Deux colonnes ont le même titre « {0} » : donnez-leur des titres différents.")]
    SameTitle(String),
    /// A heading that is empty or too long.
    #[error("Le titre de la colonne « {0} » est vide ou dépasse {LONGEST_TITLE} caractères.")]
    BadTitle(String),
    /// Too many columns.
    #[error("Un export a au plus {MOST_COLUMNS} colonnes.")]
    TooMany,
    /// Columns for a format whose columns are its own.
    #[error("Le format SCDL a ses propres colonnes : n'en choisissez pas.")]
    NotToChoose,
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| {
        format!(" ; le nom le plus proche est « {name} »")
    })
}

/// The most columns of one export.
pub const MOST_COLUMNS: usize = 200;
const LONGEST_TITLE: usize = 200;

/// The amounts of the dossiers of one year: `montant.2026`.
pub const AMOUNT_OF_YEAR: &str = "montant.";
/// The payments that are planned in one year: `versements.2026`.
pub const PAYMENTS_OF_YEAR: &str = "versements.";

/// Name, label when templates do not know the field, kind; whether it is exported when nobody chooses.
type Row = (&'static str, Option<&'static str>, Kind, bool);

const ROWS: &[Row] = &[
    ("dossier.reference", None, Kind::Text, true),
    ("dossier.objet", None, Kind::Text, true),
    ("dossier.statut", None, Kind::Text, true),
    (
        "dossier.code_statut",
        Some("Code du statut"),
        Kind::Text,
        false,
    ),
    ("dossier.montant_demande", None, Kind::Amount, true),
    (
        "dossier.montant_accorde",
        Some("Montant accordé"),
        Kind::Amount,
        true,
    ),
    ("dossier.montant", None, Kind::Amount, false),
    ("dossier.nature", None, Kind::Text, false),
    ("dossier.dispositif", None, Kind::Text, true),
    ("dossier.service", None, Kind::Text, true),
    ("dossier.exercice", None, Kind::Integer, true),
    ("dossier.conditions_versement", None, Kind::Text, false),
    ("dossier.date_commission", None, Kind::Date, true),
    (
        "dossier.depot",
        Some("Date du dépôt"),
        Kind::Timestamp,
        false,
    ),
    (
        "dossier.modification",
        Some("Dernière modification"),
        Kind::Timestamp,
        false,
    ),
    (
        "dossier.identifiant",
        Some("Identifiant dans Navette"),
        Kind::Text,
        false,
    ),
    ("beneficiaire.nom", None, Kind::Text, true),
    ("beneficiaire.siret", None, Kind::Text, true),
    ("beneficiaire.rna", None, Kind::Text, false),
    ("beneficiaire.email", None, Kind::Text, false),
    ("beneficiaire.adresse", None, Kind::Text, false),
    ("beneficiaire.adresse.code_postal", None, Kind::Text, false),
    ("beneficiaire.adresse.commune", None, Kind::Text, false),
    (
        "beneficiaire.identifiant",
        Some("Identifiant du bénéficiaire"),
        Kind::Text,
        false,
    ),
    ("attribuant.nom", None, Kind::Text, false),
    ("attribuant.siret", None, Kind::Text, false),
    ("decision.reference", None, Kind::Text, true),
    ("decision.date", None, Kind::Date, true),
    ("decision.motif", None, Kind::Text, false),
    (
        "versements.nombre",
        Some("Nombre de versements prévus"),
        Kind::Integer,
        false,
    ),
    (
        "versements.total",
        Some("Total des versements prévus"),
        Kind::Amount,
        false,
    ),
    (
        "documents.nombre",
        Some("Nombre de documents"),
        Kind::Integer,
        false,
    ),
    (
        "documents.remis",
        Some("Documents remis"),
        Kind::Integer,
        false,
    ),
    (
        "documents.statut",
        Some("Statut du dernier document"),
        Kind::Text,
        false,
    ),
    (
        "documents.reference",
        Some("Numéro de courrier du dernier document"),
        Kind::Text,
        false,
    ),
    (
        "documents.a_traiter",
        Some("Un document attend une intervention"),
        Kind::Boolean,
        false,
    ),
];

/// Every column that has a name of its own.
pub fn all() -> impl Iterator<Item = Column> {
    ROWS.iter().map(|row| column(*row))
}

/// The columns of an export for which nobody chose.
pub fn usual() -> Vec<Choice> {
    let usual = ROWS.iter().filter(|(.., usual)| *usual);
    let choice = |(name, ..): &Row| Choice {
        column: (*name).to_owned(),
        title: None,
    };
    usual.map(choice).collect()
}

fn column((name, label, kind, _): Row) -> Column {
    let label = label.or_else(|| dictionary::label(name));
    Column {
        name: name.to_owned(),
        label: label.unwrap_or(name).to_owned(),
        kind,
    }
}

/// The column of this name: of the dictionary, of a year, or of the dossiers' own.
pub fn find(name: &str) -> Result<Column, ColumnFault> {
    if let Some(row) = ROWS.iter().find(|(known, ..)| *known == name) {
        return Ok(column(*row));
    }
    let own = |label: String, kind| Column {
        name: name.to_owned(),
        label,
        kind,
    };
    if let Some(year) = year_of(name, AMOUNT_OF_YEAR) {
        return Ok(own(format!("Montant {year}"), Kind::Amount));
    }
    if let Some(year) = year_of(name, PAYMENTS_OF_YEAR) {
        return Ok(own(format!("Versements prévus en {year}"), Kind::Amount));
    }
    match custom(name) {
        Some(field) => Ok(own(field.to_owned(), Kind::Text)),
        None => Err(ColumnFault::Unknown {
            name: name.to_owned(),
            nearest: nearest(name),
        }),
    }
}

/// The year that ends a name such as `montant.2026`.
pub fn year_of<'n>(name: &'n str, group: &str) -> Option<&'n str> {
    name.strip_prefix(group)
        .filter(|year| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The field of the dossiers' own that a name such as `dossier.champs.Canton` names.
pub fn custom(name: &str) -> Option<&str> {
    let field = name.strip_prefix(CUSTOM)?.strip_prefix('.')?;
    (!field.is_empty()).then_some(field)
}

/// The known name that is nearest, unless none is near.
fn nearest(name: &str) -> Option<String> {
    let distance = |known: &str| strsim::damerau_levenshtein(&name.to_lowercase(), known);
    let candidates = ROWS.iter().map(|(known, ..)| (distance(known), *known));
    // "montant" alone means "dossier.montant".
    let ends = |known: &str| known.rsplit('.').next() == Some(name.trim());
    let ending = ROWS
        .iter()
        .map(|(known, ..)| *known)
        .find(|known| ends(known));
    let near = candidates
        .min()
        .filter(|(distance, _)| *distance <= name.len() / 2);
    ending.or(near.map(|(_, known)| known)).map(str::to_owned)
}

/// The headings of these columns in a file of this format.
pub fn headings(format: Format, choices: &[Choice]) -> Result<Vec<Heading>, ColumnFault> {
    if format == Format::Scdl {
        return match choices {
            [] => Ok(super::scdl::headings()),
            _ => Err(ColumnFault::NotToChoose),
        };
    }
    if choices.len() > MOST_COLUMNS {
        return Err(ColumnFault::TooMany);
    }
    let usual = usual();
    let choices = if choices.is_empty() { &usual } else { choices };
    let (mut names, mut titles) = (BTreeSet::new(), BTreeSet::new());
    let mut headings = vec![];
    for choice in choices {
        let Column { name, label, kind } = find(&choice.column)?;
        let title = match &choice.title {
            Some(title) => {
                let title = title.trim().to_owned();
                if title.is_empty() || title.chars().count() > LONGEST_TITLE {
                    return Err(ColumnFault::BadTitle(name));
                }
                title
            }
            None if format.is_for_people() => label,
            None => name.clone(),
        };
        if !names.insert(name.clone()) {
            return Err(ColumnFault::Twice(name));
        }
        if !titles.insert(title.clone()) {
            return Err(ColumnFault::SameTitle(title));
        }
        headings.push(Heading { name, title, kind });
    }
    Ok(headings)
}
