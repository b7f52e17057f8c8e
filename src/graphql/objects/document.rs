//! A document and its passages at the signing desk.

use super::{Batch, Dossier, Included, Template, history, signed};
use crate::graphql::loaders::{
    self, BatchById, DocumentById, DossierById, SignaturesOf, TemplateVersion,
};
use async_graphql::{Context, ID, Object, Result};
use navette_domain::french;
use navette_projections::{
    documents::{AwaitedStep, DocumentRow, ServiceAnswer},
    global,
    kinds::{Binding, OfficeFormat, Position},
    signatures::SignatureRow,
    timeline::{Kind, TimelineRow},
};

/// An office document on its way through a chain.
pub struct Document(DocumentRow);

impl From<DocumentRow> for Document {
    fn from(row: DocumentRow) -> Self {
        Self(row)
    }
}

impl Document {
    fn url(&self, context: &Context<'_>, file: &str) -> Result<Option<String>> {
        signed(context, &format!("/documents/{}/{file}", self.0.id))
    }
}

#[Object]
impl Document {
    #[graphql(flatten)]
    fn row(&self) -> &DocumentRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Document", self.0.id)
    }

    /// Where it stands, in French.
    async fn status_label(&self) -> &'static str {
        french::document_status(self.0.status.into())
    }

    /// What web services answered.
    async fn answers(&self) -> Vec<ServiceAnswer> {
        self.0.service_answers()
    }

    /// Its steps that wait for somebody to approve it, or for a moment.
    async fn awaits(&self) -> Vec<AwaitedStep> {
        self.0.awaits()
    }

    /// The format of the office file, once there is one.
    async fn office_format(&self) -> Option<OfficeFormat> {
        self.0.format()
    }

    /// Where the PDF in force is downloaded, once there is one.
    async fn pdf_path(&self) -> Option<String> {
        self.0.pdf.as_ref()?;
        Some(format!("/documents/{}/pdf", self.0.id))
    }

    /// An address that opens the PDF in force for five minutes without a token, for whoever asks now, and for
    /// as long as they may see it.
    async fn pdf_url(&self, context: &Context<'_>) -> Option<Result<String>> {
        self.0.pdf.as_ref()?;
        self.url(context, "pdf").transpose()
    }

    /// The same for the office file, once there is one.
    async fn office_url(&self, context: &Context<'_>) -> Option<Result<String>> {
        self.0.office.as_ref()?;
        self.url(context, "office").transpose()
    }

    /// The version of the template it is made from.
    async fn template(&self, context: &Context<'_>) -> Option<Result<Template>> {
        let key = TemplateVersion {
            id: self.0.template_id,
            version: self.0.template_version,
        };
        let row = loaders::load(context, key).await.transpose();
        row.map(|row| row.map(Into::into))
    }

    /// What its template includes, on the versions that it stays on.
    async fn included(&self) -> Vec<Included> {
        self.0.included.iter().map(Into::into).collect()
    }

    /// The dossier it is about; none when it is about its whole batch.
    async fn dossier(&self, context: &Context<'_>) -> Option<Result<Dossier>> {
        let key = DossierById(self.0.dossier_id?);
        let row = loaders::load(context, key).await.transpose();
        row.map(|row| row.map(Into::into))
    }

    /// The batch that asked for it, for those who see all its dossiers.
    async fn batch(&self, context: &Context<'_>) -> Option<Result<Batch>> {
        let row = loaders::load(context, BatchById(self.0.batch_id))
            .await
            .transpose();
        row.map(|row| row.map(Into::into))
    }

    /// Its passages at the signing desk, the oldest first.
    #[graphql(complexity = "5 + child_complexity")]
    async fn signatures(&self, context: &Context<'_>) -> Option<Result<Vec<Signature>>> {
        let rows = loaders::load(context, SignaturesOf(self.0.id)).await;
        Some(rows.map(|rows| rows.into_iter().flatten().map(Signature).collect()))
    }

    /// Its history: at most 100 entries, the oldest first, after a position.
    #[graphql(complexity = "10 + 2 * child_complexity")]
    async fn timeline(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<Position>,
    ) -> Option<Result<Vec<TimelineRow>>> {
        Some(history(context, Kind::Document, self.0.id, first, after).await)
    }
}

/// A passage at the signing desk.
pub struct Signature(SignatureRow);

impl From<SignatureRow> for Signature {
    fn from(row: SignatureRow) -> Self {
        Self(row)
    }
}

#[Object]
impl Signature {
    #[graphql(flatten)]
    fn row(&self) -> &SignatureRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Signature", self.0.id)
    }

    /// The document.
    async fn document(&self, context: &Context<'_>) -> Option<Result<Document>> {
        let key = DocumentById(self.0.document_id);
        let row = loaders::load(context, key).await.transpose();
        row.map(|row| row.map(Into::into))
    }

    /// How firmly the signed PDF is bound to the one that was sent.
    async fn binding(&self) -> Option<Binding> {
        self.0.binding()
    }
}
