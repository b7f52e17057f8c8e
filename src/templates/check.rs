//! What is told of a template before it is used: what it needs, and what is wrong with it.

use navette_adapters::{
    fonts::MissingFont,
    merge::{FieldUse, annotate},
    workshop::Workshop,
};
use navette_domain::{
    dictionary::{Dictionary, FieldKind, Found},
    digest::Digest,
    ports::{IncludedFiles, MergeFailure, OfficeFormat, Place, TemplateFault},
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
    /// What it holds by the dictionary, or else what it is used as.
    pub kind: FieldKind,
    /// What it is used as.
    pub used_as: FieldKind,
    /// Whether documents have it.
    pub known: bool,
    /// Whether it is empty in some dossiers.
    pub may_be_empty: bool,
    /// Whether the template does without it where it is empty.
    pub optional: bool,
    /// For a field of the dossiers' own: how many have it.
    pub dossiers: Option<u64>,
    /// How many times it is used.
    pub count: usize,
    /// The filters it goes through.
    pub filters: Vec<String>,
    /// Where.
    pub places: Vec<String>,
}

impl UsedField {
    fn new(used: FieldUse, dictionary: &Dictionary) -> Self {
        let mut field = Self {
            label: None,
            kind: used.kind,
            used_as: used.kind,
            known: false,
            may_be_empty: true,
            dossiers: None,
            optional: used.optional,
            count: used.count,
            filters: used.filters,
            places: used.places,
            path: used.path,
        };
        match dictionary.find(&field.path) {
            Found::Field(listed) => {
                field.label = Some(listed.label);
                field.kind = listed.kind;
                field.may_be_empty = listed.may_be_empty;
                field.known = true;
            }
            Found::Custom { dossiers } => {
                field.dossiers = Some(dossiers);
                field.known = dossiers > 0;
            }
            Found::Image { known } => field.known = known,
            Found::Unknown => {}
        }
        field
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
    pub warnings: Vec<TemplateFault>,
    /// Everything that is wrong, place by place.
    pub faults: Vec<TemplateFault>,
    /// Why the file cannot be read at all.
    pub unreadable: Option<String>,
    /// The file again with a comment at each place of a fault.
    pub annotated: Option<Vec<u8>>,
}

impl Check {
    /// Checks a file. It takes processor time: not to be called where others wait.
    pub(super) fn of(bytes: &[u8], included: &IncludedFiles, dictionary: &Dictionary) -> Self {
        let mut check = Self {
            file: Digest::of(bytes),
            format: None,
            fields: vec![],
            warnings: vec![],
            faults: vec![],
            unreadable: None,
            annotated: None,
        };
        match Workshop::review(bytes, included, dictionary) {
            Ok(review) => {
                check.format = Some(review.format);
                let fields = review.uses.into_iter();
                let fields = fields.map(|used| UsedField::new(used, dictionary));
                check.fields = fields.collect();
                check.warnings = review.warnings;
                if !review.faults.is_empty() {
                    check.annotated = annotate(bytes, &review.faults);
                }
                check.faults = review.faults;
            }
            Err(MergeFailure::Faults(faults)) => check.faults = faults,
            Err(MergeFailure::Unreadable(sentence)) => check.unreadable = Some(sentence),
        }
        check
    }

    /// Tells of the fonts that will not be those of the template.
    pub(super) fn warn_of_fonts(&mut self, missing: &[MissingFont]) {
        let place = Place {
            name: "polices".to_owned(),
            ..Place::default()
        };
        let warnings = missing
            .iter()
            .map(|font| place.fault("", without_font(font)));
        self.warnings.extend(warnings);
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

/// What a clerk reads about a font that the PDF will not be written in.
fn without_font(font: &MissingFont) -> String {
    let MissingFont { name, instead, .. } = font;
    if font.same_widths {
        return format!(
            "la police « {name} » manque sur le serveur : « {instead} » la remplace dans les PDF, avec des \
             lettres de même largeur ; lignes et pages restent les mêmes"
        );
    }
    let advice = match font.package {
        Some(package) => format!(
            "choisir une autre police, ou demander à l'administrateur d'installer le paquet « {package} »"
        ),
        None => {
            "choisir une autre police, l'incorporer au fichier, ou demander à l'administrateur de \
                 l'installer"
                .to_owned()
        }
    };
    format!(
        "la police « {name} » manque sur le serveur : « {instead} » la remplace dans les PDF, avec des lettres \
         d'une autre largeur ; lignes et pages peuvent se couper ailleurs : {advice}"
    )
}
