//! What is told of a template before it is used: what it needs, and what is wrong with it.

use navette_adapters::workshop::Workshop;
use navette_domain::{
    dictionary::{Dictionary, FieldKind, Found},
    digest::Digest,
    ports::{MergeFailure, OfficeFormat, TemplateFault},
};
use serde::Serialize;

/// A field that a template uses, and what the data dictionary says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsedField {
    /// As the dictionary writes it: `versements[].montant`.
    pub path: String,
    /// What a clerk reads, when the dictionary lists it.
    pub label: Option<&'static str>,
    /// What it holds, when the dictionary lists it.
    pub kind: Option<FieldKind>,
    /// Whether it is empty in some dossiers.
    pub may_be_empty: bool,
    /// Whether documents have it.
    pub known: bool,
    /// For a field of the dossiers' own: how many have it.
    pub dossiers: Option<u64>,
}

impl UsedField {
    fn new(path: String, dictionary: &Dictionary) -> Self {
        let unlisted = |known, dossiers| Self {
            path: path.clone(),
            label: None,
            kind: None,
            may_be_empty: true,
            known,
            dossiers,
        };
        match dictionary.find(&path) {
            Found::Field(field) => Self {
                label: Some(field.label),
                kind: Some(field.kind),
                may_be_empty: field.may_be_empty,
                known: true,
                dossiers: None,
                path,
            },
            Found::Custom { dossiers } => unlisted(dossiers > 0, Some(dossiers)),
            Found::Image { known } => unlisted(known, None),
            Found::Unknown => unlisted(false, None),
        }
    }

    /// What a clerk should know of it although the template can be used.
    fn warning(&self) -> Option<String> {
        (self.dossiers == Some(0)).then(|| {
            format!(
                "Aucun dossier n'a le champ `{}` : vérifiez son nom, ou testez-le dans le modèle.",
                self.path
            )
        })
    }
}

/// All that is told of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The SHA-256 of the file that was checked.
    pub file: Digest,
    /// Its format, told from its content.
    pub format: Option<OfficeFormat>,
    /// The fields it uses.
    pub fields: Vec<UsedField>,
    /// What a clerk should know although the template can be used.
    pub warnings: Vec<String>,
    /// Everything that is wrong, place by place.
    pub faults: Vec<TemplateFault>,
    /// Why the file cannot be read at all.
    pub unreadable: Option<String>,
    /// The file again with a comment at each place of a fault.
    pub annotated: Option<Vec<u8>>,
}

impl Check {
    /// Checks a file. It takes processor time: not to be called where others wait.
    pub(super) fn of(workshop: &Workshop, bytes: &[u8], dictionary: &Dictionary) -> Self {
        let mut check = Self {
            file: Digest::of(bytes),
            format: None,
            fields: vec![],
            warnings: vec![],
            faults: vec![],
            unreadable: None,
            annotated: None,
        };
        match workshop.template(bytes) {
            Ok(template) => {
                check.format = Some(template.format());
                let fields = template.fields().into_iter();
                check.fields = fields
                    .map(|path| UsedField::new(path, dictionary))
                    .collect();
                check.warnings = check.fields.iter().filter_map(UsedField::warning).collect();
            }
            Err(MergeFailure::Faults(faults)) => check.faults = faults,
            Err(MergeFailure::Unreadable(sentence)) => check.unreadable = Some(sentence),
        }
        check
    }

    /// Whether documents can be made of it.
    pub fn usable(&self) -> bool {
        self.faults.is_empty() && self.unreadable.is_none()
    }

    /// What is wrong, in one sentence.
    pub fn sentence(&self) -> String {
        match (&self.unreadable, self.faults.len()) {
            (Some(sentence), _) => sentence.clone(),
            (None, 1) => "1 problème à corriger".to_owned(),
            (None, faults) => format!("{faults} problèmes à corriger"),
        }
    }
}
