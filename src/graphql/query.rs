//! What may be asked.

use super::{
    asking::{Asker, Reads, reading},
    connection::Connection,
    exports::ExportQuery,
    faults,
    loaders::{self, BatchById, DossierById, ThirdPartyById},
    objects::{Batch, Chain, Dictionary, Document, Dossier, Template, ThirdParty},
};
use crate::templates::Templates;
use async_graphql::{Context, Object, Result};
use futures::FutureExt as _;
use navette_projections::{
    batches::{self, BatchFilter},
    chains,
    documents::{self, DocumentFilter},
    dossiers::{self, DossierFilter, DossierOrder},
    kinds::{ChainScope, Position},
    page::{LONGEST, ListFault, PageRequest, USUAL},
    templates,
    third_parties::{self, ThirdPartyFilter},
};
use uuid::Uuid;

/// What may be asked. `atLeast` waits, for a few seconds, until what was written at that position is shown.
pub struct Query;

/// What a page costs: rows of one page are read together, so a row costs less than a query.
pub(super) fn page_cost(first: Option<i32>, of_a_row: usize) -> usize {
    let rows = first.unwrap_or(USUAL).clamp(1, LONGEST);
    usize::try_from(rows).unwrap_or(1) * of_a_row / 4
}

/// Only what can fail is fallible to the client: a failed field is null, its neighbours are there.
type Fallible<T> = Option<Result<T>>;

#[Object]
impl Query {
    #[graphql(flatten)]
    fn exporting(&self) -> ExportQuery {
        ExportQuery
    }

    /// Dossiers.
    #[graphql(complexity = "5 + page_cost(first, child_complexity)")]
    async fn dossiers(
        &self,
        context: &Context<'_>,
        filter: Option<DossierFilter>,
        order: Option<DossierOrder>,
        first: Option<i32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Dossier>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let (filter, order) = (filter.unwrap_or_default(), order.unwrap_or_default());
            dossiers(reads, asker, filter, order, first, after)
                .await
                .map_err(faults::list)
        };
        Some(answer.await)
    }

    /// One dossier; null when it does not exist or is not seen.
    async fn dossier(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Fallible<Dossier> {
        let answer = async {
            reading(context, at_least).await?;
            loaders::load(context, DossierById(id)).await
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }

    /// Third parties, by name.
    #[graphql(complexity = "5 + page_cost(first, child_complexity)")]
    async fn third_parties(
        &self,
        context: &Context<'_>,
        filter: Option<ThirdPartyFilter>,
        first: Option<i32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<ThirdParty>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let filter = filter.unwrap_or_default();
            third_parties(reads, asker, filter, first, after)
                .await
                .map_err(faults::list)
        };
        Some(answer.await)
    }

    /// One third party; null when it does not exist or is not seen.
    async fn third_party(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Fallible<ThirdParty> {
        let answer = async {
            reading(context, at_least).await?;
            loaders::load(context, ThirdPartyById(id)).await
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }

    /// Documents, by title.
    #[graphql(complexity = "5 + page_cost(first, child_complexity)")]
    async fn documents(
        &self,
        context: &Context<'_>,
        filter: Option<DocumentFilter>,
        first: Option<i32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Document>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let filter = filter.unwrap_or_default();
            documents(reads, asker, filter, first, after)
                .await
                .map_err(faults::list)
        };
        Some(answer.await)
    }

    /// One document; null when it does not exist or is not seen.
    async fn document(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Fallible<Document> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let rows = documents::by_ids(&reads.pool, &asker.scope, &[id]).await;
            rows.map(|rows| rows.into_iter().next())
                .map_err(|cause| faults::internal(&cause))
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }

    /// Batches, the newest first.
    #[graphql(complexity = "5 + page_cost(first, child_complexity)")]
    async fn batches(
        &self,
        context: &Context<'_>,
        filter: Option<BatchFilter>,
        first: Option<i32>,
        after: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Batch>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let filter = filter.unwrap_or_default();
            batches(reads, asker, filter, first, after)
                .await
                .map_err(faults::list)
        };
        Some(answer.await)
    }

    /// One batch; null when it does not exist or some of its dossiers are not seen.
    async fn batch(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Fallible<Batch> {
        let answer = async {
            reading(context, at_least).await?;
            loaders::load(context, BatchById(id)).await
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }

    /// The last version of every template.
    async fn templates(
        &self,
        context: &Context<'_>,
        at_least: Option<Position>,
    ) -> Fallible<Vec<Template>> {
        let answer = async {
            let (reads, _) = reading(context, at_least).await?;
            let rows = templates::latest(&reads.pool).await;
            let rows = rows.map_err(|cause| faults::internal(&cause))?;
            Ok(rows.into_iter().map(Into::into).collect())
        };
        Some(answer.await)
    }

    /// One template, by the name that chains use: its last version unless told. Null when there is none.
    async fn template(
        &self,
        context: &Context<'_>,
        code: String,
        version: Option<i32>,
        at_least: Option<Position>,
    ) -> Fallible<Template> {
        let answer = async {
            let (reads, _) = reading(context, at_least).await?;
            let rows = templates::versions(&reads.pool, &code).await;
            let mut rows = rows.map_err(|cause| faults::internal(&cause))?.into_iter();
            Ok(rows.find(|row| version.is_none_or(|version| version == row.version)))
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }

    /// What templates may use: of documents of a scope, or of all.
    #[graphql(complexity = "50 + child_complexity")]
    async fn dictionary(
        &self,
        context: &Context<'_>,
        scope: Option<ChainScope>,
        at_least: Option<Position>,
    ) -> Fallible<Dictionary> {
        let answer = async {
            let (_, asker) = reading(context, at_least).await?;
            let listed = context.data::<Templates>()?.dictionary(&asker.scope).await;
            let listed = listed.map_err(|cause| faults::internal(&cause))?;
            Ok(Dictionary::new(listed, scope))
        };
        Some(answer.await)
    }

    /// The last version of every chain.
    async fn chains(
        &self,
        context: &Context<'_>,
        at_least: Option<Position>,
    ) -> Fallible<Vec<Chain>> {
        let answer = async {
            let (reads, _) = reading(context, at_least).await?;
            let rows = chains::latest(&reads.pool).await;
            rows.map_err(|cause| faults::internal(&cause))
        };
        Some(
            answer
                .await
                .map(|rows| rows.into_iter().map(Into::into).collect()),
        )
    }
}

async fn dossiers(
    reads: &Reads,
    asker: &Asker,
    filter: DossierFilter,
    order: DossierOrder,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Dossier>, ListFault> {
    let request = PageRequest::new(first, after)?;
    let (pool, scope) = (reads.pool.clone(), asker.scope.clone());
    let slice = dossiers::page(&pool, &scope, &filter, order, &request).await?;
    Ok(Connection::new(slice, move || {
        let (pool, scope, filter) = (pool.clone(), scope.clone(), filter.clone());
        async move { dossiers::count(&pool, &scope, &filter).await }.boxed()
    }))
}

async fn third_parties(
    reads: &Reads,
    asker: &Asker,
    filter: ThirdPartyFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<ThirdParty>, ListFault> {
    let request = PageRequest::new(first, after)?;
    let (pool, scope) = (reads.pool.clone(), asker.scope.clone());
    let slice = third_parties::page(&pool, &scope, &filter, &request).await?;
    Ok(Connection::new(slice, move || {
        let (pool, scope, filter) = (pool.clone(), scope.clone(), filter.clone());
        async move { third_parties::count(&pool, &scope, &filter).await }.boxed()
    }))
}

/// A page of documents, of a batch or of all.
pub(super) async fn documents(
    reads: &Reads,
    asker: &Asker,
    filter: DocumentFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Document>, ListFault> {
    let request = PageRequest::new(first, after)?;
    let (pool, scope) = (reads.pool.clone(), asker.scope.clone());
    let slice = documents::page(&pool, &scope, &filter, &request).await?;
    Ok(Connection::new(slice, move || {
        let (pool, scope, filter) = (pool.clone(), scope.clone(), filter.clone());
        async move { documents::count(&pool, &scope, &filter).await }.boxed()
    }))
}

async fn batches(
    reads: &Reads,
    asker: &Asker,
    filter: BatchFilter,
    first: Option<i32>,
    after: Option<String>,
) -> Result<Connection<Batch>, ListFault> {
    let request = PageRequest::new(first, after)?;
    let (pool, scope) = (reads.pool.clone(), asker.scope.clone());
    let slice = batches::page(&pool, &scope, &filter, &request).await?;
    Ok(Connection::new(slice, move || {
        let (pool, scope, filter) = (pool.clone(), scope.clone(), filter.clone());
        async move { batches::count(&pool, &scope, &filter).await }.boxed()
    }))
}
