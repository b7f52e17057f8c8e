//! Outside work that is not done yet.

use super::Document;
use crate::graphql::loaders::{self, DocumentById};
use async_graphql::{Context, ID, Object, Result};
use navette_projections::{effects::EffectRow, global};

/// Outside work that is not done yet.
pub struct Effect(EffectRow);

impl From<EffectRow> for Effect {
    fn from(row: EffectRow) -> Self {
        Self(row)
    }
}

#[Object]
impl Effect {
    #[graphql(flatten)]
    fn row(&self) -> &EffectRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Effect", self.0.id)
    }

    /// The document it is done for.
    async fn document(&self, context: &Context<'_>) -> Option<Result<Document>> {
        let key = DocumentById(self.0.document_id);
        let row = loaders::load(context, key).await.transpose();
        row.map(|row| row.map(Into::into))
    }
}
