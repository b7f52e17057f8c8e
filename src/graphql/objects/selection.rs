//! A selection of dossiers that somebody keeps.

use super::Dossier;
use crate::graphql::{
    asking::{Asker, Reads},
    connection::Connection,
    faults,
    query::{self, page_cost},
};
use async_graphql::{Context, ID, Json, Object, Result};
use navette_projections::{
    dossiers::DossierOrder,
    global,
    page::{Count, PageArguments},
    selections::SelectionRow,
};
use serde_json::Value;
use uuid::Uuid;

/// A filter or a fixed list of dossiers, under a name. Whoever uses it meets the dossiers of their own sight.
pub struct Selection(SelectionRow);

impl From<SelectionRow> for Selection {
    fn from(row: SelectionRow) -> Self {
        Self(row)
    }
}

#[Object]
impl Selection {
    #[graphql(flatten)]
    fn row(&self) -> &SelectionRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Selection", self.0.id)
    }

    /// Whether it is yours.
    fn mine(&self, context: &Context<'_>) -> Result<bool> {
        Ok(context.data::<Asker>()?.principal.actor == self.0.owner)
    }

    /// The filter, as it was saved; null for a fixed list.
    async fn filter(&self) -> Option<Json<Value>> {
        self.0.filter.as_ref().map(|filter| Json(filter.0.clone()))
    }

    /// The dossiers of a fixed list, in their order; null for a filter.
    async fn list(&self) -> Option<&Vec<Uuid>> {
        self.0.dossiers.as_ref()
    }

    /// How many dossiers it holds now, of those that are seen.
    #[graphql(complexity = 20)]
    async fn total(&self, context: &Context<'_>) -> Option<Result<Count>> {
        let answer = async {
            let (reads, asker) = (context.data::<Reads>()?, context.data::<Asker>()?);
            let filter = self.0.as_filter().ok_or_else(unreadable)?;
            let count = reads.count(&asker.scope, &filter).await;
            count.map_err(|cause| faults::internal(&cause))
        };
        Some(answer.await)
    }

    /// The dossiers that it holds now, of those that are seen, by reference unless told.
    #[graphql(complexity = "20 + page_cost(first.or(last), child_complexity)")]
    async fn dossiers(
        &self,
        context: &Context<'_>,
        order_by: Option<Vec<DossierOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<Connection<Dossier>>> {
        let page = PageArguments {
            first,
            after,
            last,
            before,
        };
        let answer = async {
            let filter = self.0.as_filter().ok_or_else(unreadable)?;
            query::dossiers(context, filter, &order_by.unwrap_or_default(), page, None).await
        };
        Some(answer.await)
    }
}

fn unreadable() -> async_graphql::Error {
    faults::bad_request("the filter of this selection was saved by another release: save it anew")
}
