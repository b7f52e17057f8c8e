//! A batch.

use super::{Document, history};
use crate::graphql::{
    connection::Connection,
    loaders::{self, ProgressOf},
    query,
};
use async_graphql::{Context, ID, Object, Result};
use navette_projections::{
    batches::BatchRow,
    documents::{DocumentFilter, Progress},
    global,
    kinds::{DocumentStatus, Position},
    page::PageArguments,
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
        let filter = DocumentFilter {
            batch: Some(vec![self.0.id]),
            status,
            needs_attention,
            ..DocumentFilter::default()
        };
        let page = PageArguments {
            first,
            after,
            ..PageArguments::default()
        };
        Some(query::listed(context, filter, &[], page, None).await)
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
