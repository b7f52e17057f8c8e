//! Lists, all alike: a filter, an order, a page, a count.

use super::{Fallible, page_cost};
use crate::graphql::{
    ahead,
    asking::reading,
    connection::Connection,
    faults,
    objects::{Batch, Document, Dossier, Effect, Signature, ThirdParty},
};
use async_graphql::{Context, Object, Result};
use navette_projections::{
    batches::{BatchFilter, BatchOrder},
    documents::{DocumentFilter, DocumentOrder},
    dossiers::{DossierFilter, DossierOrder},
    effects::{EffectFilter, EffectOrder},
    kinds::Position,
    list::{self, List},
    page::{PageArguments, PageRequest},
    signatures::{SignatureFilter, SignatureOrder},
    third_parties::{ThirdPartyFilter, ThirdPartyOrder},
    timeline::{AuditFilter, AuditOrder, TimelineRow},
};

/// Questions about many objects.
#[derive(Default)]
pub struct ListQuery;

#[expect(
    clippy::too_many_arguments,
    reason = "the arguments of a list are those that Relay names, and ours"
)]
#[Object]
impl ListQuery {
    /// Dossiers, by reference unless told.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn dossiers(
        &self,
        context: &Context<'_>,
        filter: Option<DossierFilter>,
        #[graphql(deprecation = "`orderBy` takes one field or several")] order: Option<
            DossierOrder,
        >,
        order_by: Option<Vec<DossierOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Dossier>> {
        let page = page(first, after, last, before);
        let orders: Vec<DossierOrder> = order_by.unwrap_or_else(|| order.into_iter().collect());
        Some(dossiers(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// Third parties, by name unless told.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn third_parties(
        &self,
        context: &Context<'_>,
        filter: Option<ThirdPartyFilter>,
        order_by: Option<Vec<ThirdPartyOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<ThirdParty>> {
        let page = page(first, after, last, before);
        let orders: Vec<ThirdPartyOrder> = order_by.unwrap_or_default();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// Documents, by title unless told.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn documents(
        &self,
        context: &Context<'_>,
        filter: Option<DocumentFilter>,
        order_by: Option<Vec<DocumentOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Document>> {
        let page = page(first, after, last, before);
        let orders: Vec<DocumentOrder> = order_by.unwrap_or_default();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// Batches, the newest first unless told.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn batches(
        &self,
        context: &Context<'_>,
        filter: Option<BatchFilter>,
        order_by: Option<Vec<BatchOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Batch>> {
        let page = page(first, after, last, before);
        let orders: Vec<BatchOrder> = order_by.unwrap_or_default();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// Passages at the signing desk, the newest first unless told.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn signatures(
        &self,
        context: &Context<'_>,
        filter: Option<SignatureFilter>,
        order_by: Option<Vec<SignatureOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Signature>> {
        let page = page(first, after, last, before);
        let orders: Vec<SignatureOrder> = order_by.unwrap_or_default();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// Outside work that is not done yet, what is due first unless told.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn effects(
        &self,
        context: &Context<'_>,
        filter: Option<EffectFilter>,
        order: Option<EffectOrder>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Effect>> {
        let page = page(first, after, last, before);
        let orders: Vec<EffectOrder> = order.into_iter().collect();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// All that happened to whatever is seen, the newest first unless told.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn audit(
        &self,
        context: &Context<'_>,
        filter: Option<AuditFilter>,
        order: Option<AuditOrder>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<TimelineRow>> {
        let page = page(first, after, last, before);
        let orders: Vec<AuditOrder> = order.into_iter().collect();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }
}

/// The page that the arguments of a list ask for.
pub(in crate::graphql) fn page(
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
) -> PageArguments {
    PageArguments {
        first,
        after,
        last,
        before,
    }
}

/// A page of the rows that are seen and that the filter keeps, shown as `T`.
pub(in crate::graphql) async fn listed<F, T>(
    context: &Context<'_>,
    filter: F,
    orders: &[F::Order],
    page: PageArguments,
    at_least: Option<Position>,
) -> Result<Connection<T>>
where
    F: List + Sync,
    F::Order: Send + Sync,
    T: From<F::Row>,
{
    let (reads, asker) = reading(context, at_least).await?;
    let request = PageRequest::of(page).map_err(|fault| faults::list(fault.into()))?;
    let (pool, scope) = (&reads.pool, &asker.scope);
    let counted = async {
        let asked = context.look_ahead().field("total").exists();
        if asked {
            Some(reads.count(scope, &filter).await)
        } else {
            None
        }
    };
    let found = list::page(pool, scope, &filter, orders, &request);
    let (slice, total) = tokio::join!(found, counted);
    let slice = slice.map_err(faults::list)?;
    let total = total.map(|total| total.map_err(|cause| faults::internal(&cause)));
    Ok(Connection::new(slice, total))
}

/// The same of dossiers, with what the query asks of them.
pub(in crate::graphql) async fn dossiers(
    context: &Context<'_>,
    filter: DossierFilter,
    orders: &[DossierOrder],
    page: PageArguments,
    at_least: Option<Position>,
) -> Result<Connection<Dossier>> {
    let list: Connection<Dossier> = listed(context, filter, orders, page, at_least).await?;
    ahead::of_dossiers(context, &list).await;
    Ok(list)
}
