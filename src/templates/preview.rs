//! What a template would give for a dossier, or for an imaginary one. Nothing of it is kept: no event, no
//! file.

use super::{Check, Templates};
use crate::{
    cases::{self, CasesFailure},
    clock, library,
};
use anyhow::Context as _;
use navette_domain::{
    chain::Scope as About,
    dictionary::{self, Dictionary},
    dossier::Dossier,
    ids::{BatchId, DocumentId, DossierId, TemplateId},
    merge_fields::{self, Surroundings},
    paper_reference::PaperReference,
    ports::{MergeFailure, OfficeFormat, PortFailure},
    template::Template,
};
use navette_projections::{dossiers, scope::Scope, templates};
use serde_json::Value;
use uuid::Uuid;

/// Which template.
#[derive(Debug, Clone)]
pub enum PreviewSource {
    /// A version that was uploaded: the last one unless told.
    Stored(Option<u32>),
    /// A file that was not.
    File(Vec<u8>),
}

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The PDF.
    Pdf,
    /// The office file.
    Office,
}

/// What a preview is asked of.
#[derive(Debug, Clone)]
pub struct PreviewAsk {
    /// The code under which the template is, or would be, stored.
    pub code: String,
    /// Which template.
    pub source: PreviewSource,
    /// The dossiers; an imaginary one when there are none.
    pub dossiers: Vec<DossierId>,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What a template would give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// A name that says what it is, without its extension.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Its format; none for a PDF.
    pub office: Option<OfficeFormat>,
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewFailure {
    /// The template, its version or a dossier does not exist, or is not seen.
    #[error("Introuvable.")]
    NotFound,
    /// A letter is about one dossier.
    #[error("Ce modèle est celui d'une lettre : choisissez un seul dossier.")]
    OneDossier,
    /// A dossier cannot be merged.
    #[error("{0}")]
    Case(String),
    /// The template cannot be used at all.
    #[error("Le modèle ne peut pas être utilisé : {}", .0.sentence())]
    Unusable(Box<Check>),
    /// The data do not suit the template.
    #[error(transparent)]
    Merge(MergeFailure),
    /// LibreOffice made no PDF of it.
    #[error(transparent)]
    Pdf(PortFailure),
    /// Anything else.
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

impl From<CasesFailure> for PreviewFailure {
    fn from(failure: CasesFailure) -> Self {
        match failure {
            CasesFailure::NoThirdParty | CasesFailure::Erased => Self::Case(failure.to_string()),
            CasesFailure::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl Templates {
    /// What a template would give, for whoever sees `scope`.
    pub async fn preview(&self, scope: &Scope, ask: PreviewAsk) -> Result<Preview, PreviewFailure> {
        let bytes = match ask.source {
            PreviewSource::Stored(version) => self.version(&ask.code, version).await?,
            PreviewSource::File(bytes) => bytes,
        };
        let check = self.check(scope, bytes.clone()).await?;
        if !check.usable() {
            return Err(PreviewFailure::Unusable(Box::new(check)));
        }
        let found = self.library.latest(bytes).await?;
        let (data, subject) = self.data(scope, &check, &ask.dossiers).await?;
        let data = merge_fields::with_images(data, &found.included);
        let merged = self
            .office
            .merge_with(&found.template, &found.files, &data)
            .await
            .map_err(PreviewFailure::Merge)?;
        let name = format!("apercu-{}-{subject}", ask.code);
        let at = self.dispatcher.now();
        if ask.wanted == Wanted::Office {
            return Ok(Preview {
                name,
                bytes: merged.bytes,
                office: Some(merged.format),
            });
        }
        let pdf = self.office.convert(&merged.bytes, merged.format, at).await;
        Ok(Preview {
            name,
            bytes: pdf.map_err(PreviewFailure::Pdf)?.bytes,
            office: None,
        })
    }

    async fn version(&self, code: &str, version: Option<u32>) -> Result<Vec<u8>, PreviewFailure> {
        let id = TemplateId::of_code(code);
        let file = match version {
            None => {
                let template = self.dispatcher.load::<Template>(id.0).await?;
                template.state.latest(id).map(|latest| latest.file)
            }
            Some(version) => {
                let asked = [(id.0, i32::try_from(version).unwrap_or(i32::MAX))];
                let rows = templates::by_refs(self.dispatcher.log().pool(), &asked).await;
                let rows = rows.context("looking for a version of a template")?;
                let file = rows.first().map(|row| row.file.parse());
                file.transpose().context("reading a digest")?
            }
        };
        let file = file.ok_or(PreviewFailure::NotFound)?;
        Ok(library::stored(self.files.as_ref(), file).await?)
    }

    /// The data that a template is merged with, and what they are about.
    async fn data(
        &self,
        scope: &Scope,
        check: &Check,
        ids: &[DossierId],
    ) -> Result<(Value, String), PreviewFailure> {
        let about = Dictionary::about(check.fields.iter().map(|field| field.path.as_str()));
        if ids.is_empty() {
            return Ok((sample(about, check), "exemple".to_owned()));
        }
        if about == About::Dossier && ids.len() > 1 {
            return Err(PreviewFailure::OneDossier);
        }
        let ids: Vec<Uuid> = ids.iter().map(|dossier| dossier.0).collect();
        let pool = self.dispatcher.log().pool();
        let seen = dossiers::by_ids(pool, scope, &ids).await;
        if seen.context("looking for dossiers")?.len() < ids.len() {
            return Err(PreviewFailure::NotFound);
        }
        let cases = cases::load(&self.dispatcher, &ids).await?;
        let reference = cases.first().and_then(|case| match &case.dossier {
            Dossier::Open { request, .. } => Some(request.reference.clone()),
            Dossier::Unborn => None,
        });
        let subject = reference.unwrap_or_default();
        let around = Surroundings {
            document: PaperReference {
                document: DocumentId(Uuid::nil()),
                round: 1,
            },
            title: format!("Aperçu {subject}"),
            date: clock::paris_date(self.dispatcher.now()),
            batch: BatchId(Uuid::nil()),
            batch_label: "Aperçu".to_owned(),
        };
        let data = match (about, cases.first()) {
            (About::Dossier, Some(case)) => merge_fields::of_dossier(case, &around),
            (About::Dossier, None) => None,
            (About::Batch, _) => Some(merge_fields::of_batch(&cases, &around)),
        };
        Ok((data.ok_or(PreviewFailure::NotFound)?, subject))
    }
}

/// The data of imaginary dossiers, in which the fields of their own that the template uses bear their names.
fn sample(about: About, check: &Check) -> Value {
    let mut data = dictionary::sample(about);
    let custom = check.fields.iter().filter(|field| field.dossiers.is_some());
    for field in custom {
        let Some((_, name)) = field.path.rsplit_once('.') else {
            continue;
        };
        let dossiers: Vec<&mut Value> = match about {
            About::Dossier => vec![&mut data["dossier"]],
            About::Batch => data["lot"]["dossiers"]
                .as_array_mut()
                .into_iter()
                .flatten()
                .collect(),
        };
        for dossier in dossiers {
            dossier["champs"][name] = name.into();
        }
    }
    data
}
