//! Which column of a file holds what: the names of the national schema, those published before it, those
//! of a mapping file.

use super::{FileFault, fold, mapping::Mapping};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What Navette takes from a file of subsidies, under the names of the SCDL schema "subventions".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the schema documents its columns")]
pub enum Column {
    #[serde(rename = "nomAttribuant")]
    GrantingName,
    #[serde(rename = "idAttribuant")]
    GrantingSiret,
    #[serde(rename = "dateConvention")]
    DecisionDate,
    #[serde(rename = "referenceDecision")]
    DecisionReference,
    #[serde(rename = "nomBeneficiaire")]
    BeneficiaryName,
    #[serde(rename = "idBeneficiaire")]
    BeneficiarySiret,
    #[serde(rename = "rnaBeneficiaire")]
    BeneficiaryRna,
    #[serde(rename = "objet")]
    Object,
    #[serde(rename = "montant")]
    Amount,
    #[serde(rename = "nature")]
    Nature,
    #[serde(rename = "conditionsVersement")]
    PaymentTerms,
    #[serde(rename = "datesPeriodeVersement")]
    PaymentPeriod,
    #[serde(rename = "dispositifAide")]
    Scheme,
    #[serde(rename = "notificationUE")]
    European,
    #[serde(rename = "pourcentageSubvention")]
    Percentage,
}

impl Column {
    const ALL: [Self; 15] = [
        Self::GrantingName,
        Self::GrantingSiret,
        Self::DecisionDate,
        Self::DecisionReference,
        Self::BeneficiaryName,
        Self::BeneficiarySiret,
        Self::BeneficiaryRna,
        Self::Object,
        Self::Amount,
        Self::Nature,
        Self::PaymentTerms,
        Self::PaymentPeriod,
        Self::Scheme,
        Self::European,
        Self::Percentage,
    ];

    /// Without these there is no letter to write.
    const REQUIRED: [Self; 4] = [
        Self::GrantingName,
        Self::BeneficiaryName,
        Self::Object,
        Self::Amount,
    ];

    /// The names under which the column is published: the schema's own first, then the titles that
    /// spreadsheets give it, then the older names with prefixes.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::GrantingName => &[
                "nomAttribuant",
                "Nom de l'attribuant",
                "Nom de l'attributaire",
                "COLL_NOM",
            ],
            Self::GrantingSiret => &[
                "idAttribuant",
                "Identification de l'attribuant",
                "Identification de l'attributaire (SIRET)",
                "COLL_SIRET",
            ],
            Self::DecisionDate => &[
                "dateConvention",
                "Date de la convention de subvention",
                "ACTE_DATE",
                "dateDecision",
            ],
            Self::DecisionReference => {
                &["referenceDecision", "Référence de la décision", "ACTE_REF"]
            }
            Self::BeneficiaryName => &["nomBeneficiaire", "Nom du bénéficiaire", "ATTRIB_NOM"],
            Self::BeneficiarySiret => &[
                "idBeneficiaire",
                "Identification du bénéficiaire",
                "Identification SIRET du bénéficiaire",
                "ATTRIB_SIRET",
            ],
            Self::BeneficiaryRna => &[
                "rnaBeneficiaire",
                "Identification RNA du bénéficiaire",
                "ATTRIB_RNA",
            ],
            Self::Object => &["objet", "Objet de la subvention", "SUB_OBJET"],
            Self::Amount => &["montant", "Montant total de la subvention", "SUB_MONTANT"],
            Self::Nature => &["nature", "Nature de la subvention", "SUB_NATURE"],
            Self::PaymentTerms => &[
                "conditionsVersement",
                "Conditions de versement",
                "Conditions de versement de la subvention",
                "SUB_CONDITIONS",
            ],
            Self::PaymentPeriod => &[
                "datesPeriodeVersement",
                "Date(s) ou période(s) de versement",
                "Date ou période de versement",
                "SUB_PERIODE",
            ],
            Self::Scheme => &["dispositifAide", "dispositif", "SUB_DISPOSITIF"],
            Self::European => &[
                "notificationUE",
                "Aide d'Etat notifiée à la Commission européenne",
                "Aide d'Etat notifié à la Commission européenne",
            ],
            Self::Percentage => &[
                "pourcentageSubvention",
                "Pourcentage du montant de la subvention attribuée au bénéficiaire",
                "SUB_POURCENTAGE",
            ],
        }
    }

    /// The schema's name.
    pub fn name(self) -> &'static str {
        self.names().first().copied().unwrap_or_default()
    }
}

/// Where each column of one file is, and what it is called there.
#[derive(Debug)]
pub struct Layout {
    headers: Vec<String>,
    places: BTreeMap<Column, usize>,
    values: BTreeMap<Column, String>,
}

impl Layout {
    /// Recognises the columns named by `headers`, in any order, case and spelling.
    pub fn recognise(headers: Vec<String>, mapping: Option<&Mapping>) -> Result<Self, FileFault> {
        let folded: Vec<String> = headers.iter().map(|name| fold::column_name(name)).collect();
        let mut layout = Self {
            headers,
            places: BTreeMap::new(),
            values: mapping.map_or_else(BTreeMap::new, |mapping| mapping.values.clone()),
        };
        for column in Column::ALL {
            let mapped = mapping.and_then(|mapping| mapping.columns.get(&column));
            let found = match mapped {
                Some(name) => Some(
                    place(&folded, name)?
                        .ok_or_else(|| FileFault::MappedColumnAbsent(name.clone()))?,
                ),
                None => layout.first_known(&folded, column)?,
            };
            layout.places.extend(found.map(|place| (column, place)));
        }
        layout.complete()
    }

    fn first_known(&self, folded: &[String], column: Column) -> Result<Option<usize>, FileFault> {
        if self.values.contains_key(&column) {
            return Ok(None);
        }
        for name in column.names() {
            if let Some(place) = place(folded, name)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn complete(self) -> Result<Self, FileFault> {
        let known =
            |column: &Column| self.places.contains_key(column) || self.values.contains_key(column);
        let missing: Vec<&str> = Column::REQUIRED
            .iter()
            .filter(|column| !known(column))
            .map(|column| column.name())
            .collect();
        if missing.is_empty() {
            return Ok(self);
        }
        Err(FileFault::ColumnsAbsent {
            missing: missing.join(", "),
            found: self.headers.join(", "),
            recognised: self.places.len(),
        })
    }

    /// How many columns every row has.
    pub fn width(&self) -> usize {
        self.headers.len()
    }

    /// What the file calls `column`, or the schema's name where it has none.
    pub fn header(&self, column: Column) -> &str {
        let header = self
            .places
            .get(&column)
            .and_then(|place| self.headers.get(*place));
        header.map_or(column.name(), |header| header.trim())
    }

    /// The text of `column` in `cells`; empty where the file has no such column.
    pub fn text<'a>(&'a self, cells: &'a [String], column: Column) -> &'a str {
        let cell = self.places.get(&column).and_then(|place| cells.get(*place));
        let text = cell.or_else(|| self.values.get(&column));
        text.map_or("", |text| text.trim())
    }

    /// The columns that Navette does not know, under their own names, where they are not empty.
    pub fn custom(&self, cells: &[String]) -> BTreeMap<String, String> {
        let known: BTreeSet<usize> = self.places.values().copied().collect();
        let mut custom = BTreeMap::new();
        for (place, (header, cell)) in self.headers.iter().zip(cells).enumerate() {
            let (header, cell) = (header.trim(), cell.trim());
            if known.contains(&place) || header.is_empty() || cell.is_empty() {
                continue;
            }
            let mut name = header.to_owned();
            while custom.contains_key(&name) {
                // Two unknown columns may bear the same name: neither may hide the other.
                name.push('\'');
            }
            custom.insert(name, cell.to_owned());
        }
        custom
    }
}

/// Where `name` is; twice would mean choosing for the clerk.
fn place(folded: &[String], name: &str) -> Result<Option<usize>, FileFault> {
    let wanted = fold::column_name(name);
    let mut places = folded
        .iter()
        .enumerate()
        .filter(|(_, name)| **name == wanted);
    match (places.next(), places.next()) {
        (Some(_), Some(_)) => Err(FileFault::ColumnTwice(name.to_owned())),
        (found, _) => Ok(found.map(|(place, _)| place)),
    }
}
