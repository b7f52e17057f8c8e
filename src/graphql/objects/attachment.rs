//! A file that was added to a dossier.

use super::signed;
use async_graphql::{Context, ID, Object, Result};
use navette_domain::attachment::AttachmentFormat;
use navette_projections::{attachments::AttachmentRow, global};

/// A file that was added to a dossier.
pub struct Attachment(AttachmentRow);

impl From<AttachmentRow> for Attachment {
    fn from(row: AttachmentRow) -> Self {
        Self(row)
    }
}

impl Attachment {
    fn location(&self) -> String {
        format!("/attachments/{}", self.0.id)
    }
}

#[Object]
impl Attachment {
    #[graphql(flatten)]
    fn row(&self) -> &AttachmentRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Attachment", self.0.id)
    }

    /// Its media type.
    async fn media_type(&self) -> &'static str {
        AttachmentFormat::from(self.0.format).media_type()
    }

    /// Where it is downloaded.
    async fn path(&self) -> String {
        self.location()
    }

    /// An address that opens it for five minutes without a token, for whoever asks now, and for as long as they
    /// may see it.
    async fn url(&self, context: &Context<'_>) -> Option<Result<String>> {
        signed(context, &self.location()).transpose()
    }
}
