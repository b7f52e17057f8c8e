//! Templates, what they need, and the dictionary of what they may use.

use crate::{
    graphql::{
        asking::Reads,
        faults,
        loaders::{self, CheckOf, VersionsOf},
    },
    templates::{Check, UsedField},
};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use navette_domain::{
    dictionary::{Dictionary as Listed, Field},
    digest::Digest,
};
use navette_projections::{
    global,
    images::{self, ImageRow},
    kinds::{ChainScope, FieldKind, IncludedKind},
    templates::TemplateRow,
};
use serde_json::Value;
use std::sync::Arc;

/// One version of a template.
pub struct Template(TemplateRow);

impl From<TemplateRow> for Template {
    fn from(row: TemplateRow) -> Self {
        Self(row)
    }
}

#[Object]
impl Template {
    #[graphql(flatten)]
    fn row(&self) -> &TemplateRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Template", format_args!("{}:{}", self.0.id, self.0.version))
    }

    /// Where the file is downloaded.
    async fn path(&self) -> String {
        format!("/templates/{}/versions/{}", self.0.code, self.0.version)
    }

    /// All versions of the same template, the last first.
    #[graphql(complexity = "5 + child_complexity")]
    async fn versions(&self, context: &Context<'_>) -> Option<Result<Vec<Template>>> {
        let rows = loaders::load(context, VersionsOf(self.0.id)).await;
        Some(rows.map(|rows| rows.into_iter().flatten().map(Self).collect()))
    }

    /// What it needs and what is wrong with it, by the dictionary of today.
    #[graphql(complexity = "50 + child_complexity")]
    async fn check(&self, context: &Context<'_>) -> Option<Result<TemplateCheck>> {
        let answer = async {
            let file = self.0.file.parse::<Digest>();
            let file = file.map_err(|cause| faults::internal(&cause))?;
            let check = loaders::load(context, CheckOf(file)).await?;
            let lost = || faults::internal(&format_args!("the file {file} is not at hand"));
            let check = check.ok_or_else(lost)?;
            Ok(Arc::unwrap_or_clone(check).into())
        };
        Some(answer.await)
    }
}

/// What is told of a template before it is used.
#[derive(SimpleObject)]
pub struct TemplateCheck {
    /// Whether documents can be made of it.
    usable: bool,
    /// What is wrong, in one sentence.
    sentence: Option<String>,
    /// The fields it uses.
    fields: Vec<TemplateField>,
    /// What is only worth a look.
    warnings: Vec<TemplateFault>,
    /// Everything that is wrong, place by place.
    faults: Vec<TemplateFault>,
}

/// A field that a template uses, and what the data dictionary says of it.
#[derive(SimpleObject)]
pub struct TemplateField {
    /// As the dictionary writes it: `versements[].montant`.
    path: String,
    /// What a clerk reads, when the dictionary lists it.
    label: Option<&'static str>,
    /// What it holds by the dictionary, or else what it is used as.
    kind: FieldKind,
    /// Whether documents have it.
    known: bool,
    /// Whether it is empty in some dossiers.
    may_be_empty: bool,
    /// Whether the template does without it where it is empty.
    optional: bool,
    /// How many times it is used.
    count: usize,
    /// The filters it goes through.
    filters: Vec<String>,
    /// Where.
    places: Vec<String>,
    /// For a field of the dossiers' own: how many of those that are seen have it.
    dossiers: Option<u64>,
}

/// One thing wrong in a template.
#[derive(SimpleObject)]
pub struct TemplateFault {
    /// Where: `corps, page 2 environ`, `feuille Synthèse, cellule B4`.
    place: String,
    /// The page, as the word processor last laid the text out.
    page: Option<u32>,
    /// The sheet.
    sheet: Option<String>,
    /// The cell in that sheet.
    cell: Option<String>,
    /// The text around, the tag between `⟦` and `⟧`.
    around: String,
    /// The tag as it is written.
    tag: String,
    /// What is wrong and what to do.
    sentence: String,
}

impl From<Check> for TemplateCheck {
    fn from(check: Check) -> Self {
        Self {
            usable: check.usable(),
            sentence: (!check.usable()).then(|| check.sentence()),
            fields: check.fields.into_iter().map(Into::into).collect(),
            warnings: check.warnings.into_iter().map(Into::into).collect(),
            faults: check.faults.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<navette_domain::ports::TemplateFault> for TemplateFault {
    fn from(fault: navette_domain::ports::TemplateFault) -> Self {
        Self {
            place: fault.place.name,
            page: fault.place.page,
            sheet: fault.place.sheet,
            cell: fault.place.cell,
            around: fault.place.around,
            tag: fault.tag,
            sentence: fault.sentence,
        }
    }
}

impl From<UsedField> for TemplateField {
    fn from(field: UsedField) -> Self {
        Self {
            path: field.path,
            label: field.label,
            kind: field.kind.into(),
            known: field.known,
            may_be_empty: field.may_be_empty,
            optional: field.optional,
            count: field.count,
            filters: field.filters,
            places: field.places,
            dossiers: field.dossiers,
        }
    }
}

/// Something that a template includes, on the version that a document stays on.
#[derive(SimpleObject)]
pub struct Included {
    /// What it is.
    kind: IncludedKind,
    /// Its code.
    code: String,
    /// Its version.
    version: u32,
    /// The SHA-256 of its file.
    file: String,
}

impl From<&navette_domain::template::Included> for Included {
    fn from(included: &navette_domain::template::Included) -> Self {
        Self {
            kind: included.kind.into(),
            code: included.code.clone(),
            version: included.version,
            file: included.file.to_string(),
        }
    }
}

/// What templates may use.
pub struct Dictionary {
    listed: Listed,
    about: Option<ChainScope>,
}

impl Dictionary {
    /// What documents of this scope may use; of all, without one.
    pub fn new(listed: Listed, about: Option<ChainScope>) -> Self {
        Self { listed, about }
    }
}

/// A field that templates may use.
#[derive(SimpleObject)]
pub struct DictionaryField {
    /// As templates write it; `[]` stands for an item of a list.
    path: String,
    /// What a clerk reads.
    label: &'static str,
    /// What it holds.
    kind: FieldKind,
    /// Whether it is empty in some dossiers.
    may_be_empty: bool,
    /// What it could hold; null for lists and groups of fields.
    example: Option<String>,
    /// The documents that have it.
    scopes: Vec<ChainScope>,
}

impl From<&Field> for DictionaryField {
    fn from(field: &Field) -> Self {
        let example = match field.example() {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        };
        Self {
            path: field.path.clone(),
            label: field.label,
            kind: field.kind.into(),
            may_be_empty: field.may_be_empty,
            example,
            scopes: field.scopes.iter().copied().map(Into::into).collect(),
        }
    }
}

/// A field that dossiers have of their own.
#[derive(SimpleObject)]
pub struct CustomFieldUse {
    /// Its name, after `dossier.champs.`.
    name: String,
    /// How many of the dossiers that are seen have it.
    dossiers: u64,
}

#[Object]
impl Dictionary {
    /// The fields of every document, by path.
    async fn fields(&self) -> Vec<DictionaryField> {
        let about = self.about.map(navette_domain::chain::Scope::from);
        self.listed
            .fields()
            .filter(|field| about.is_none_or(|about| field.scopes.contains(&about)))
            .map(Into::into)
            .collect()
    }

    /// The fields that dossiers have of their own, by name.
    async fn custom(&self) -> Vec<CustomFieldUse> {
        let custom = self.listed.custom().iter();
        custom
            .map(|(name, dossiers)| CustomFieldUse {
                name: name.clone(),
                dossiers: *dossiers,
            })
            .collect()
    }

    /// The images that templates may name, on their last version.
    async fn images(&self, context: &Context<'_>) -> Option<Result<Vec<ImageRow>>> {
        let answer = async {
            let reads = context.data::<Reads>()?;
            images::latest(&reads.pool)
                .await
                .map_err(|cause| faults::internal(&cause))
        };
        Some(answer.await)
    }
}
