//! A batch.

use super::{Document, history};
use crate::graphql::{
    connection::Connection,
    faults,
    loaders::{self, DocumentPage, ProgressOf},
    query,
};
use async_graphql::{Context, ID, Object, Result};
use navette_projections::{
    batches::BatchRow,
    documents::Progress,
    global,
    kinds::{DocumentStatus, Position},
    timeline::{Kind, TimelineRow},
};

/// A chain started on a selection of dossiers.
pub struct Batch(BatchRow);

impl From<BatchRow> for Batch {
    fn from(row: BatchRow) -> Self {
        Self(row)
    }
}

#[Object]
impl Batch {
    #[graphql(flatten)]
    fn row(&self) -> &BatchRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Batch", self.0.id)
    }

    /// How far it is.
    #[graphql(complexity = "10 + child_complexity")]
    async fn progress(&self, context: &Context<'_>) -> Option<Result<Progress>> {
        loaders::load(context, ProgressOf(self.0.id))
            .await
            .transpose()
    }

    /// Its documents, by title.
    #[graphql(complexity = "20 + query::page_cost(first, child_complexity)")]
    async fn documents(
        &self,
        context: &Context<'_>,
        status: Option<Vec<DocumentStatus>>,
        needs_attention: Option<bool>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Document>>> {
        let key = DocumentPage {
            batch: self.0.id,
            status,
            needs_attention,
            first,
            after,
            counted: context.look_ahead().field("total").exists(),
        };
        let page = loaders::load(context, key).await.transpose()?;
        Some(page.and_then(|page| {
            let (slice, total) = page.map_err(|fault| faults::bad_request(fault.to_string()))?;
            Ok(Connection::new(slice, total.map(Ok)))
        }))
    }

    /// Its own history, without that of its documents: at most 100 entries, the oldest first.
    #[graphql(complexity = "10 + 2 * child_complexity")]
    async fn timeline(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<Position>,
    ) -> Option<Result<Vec<TimelineRow>>> {
        Some(history(context, Kind::Batch, self.0.id, first, after).await)
    }
}
