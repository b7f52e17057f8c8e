//! One object.

use super::Fallible;
use crate::graphql::{
    asking::reading,
    faults,
    loaders::{self, BatchById, DocumentById, DossierById, SelectionById, ThirdPartyById},
    node::{self, Node},
    objects::{Batch, Document, Dossier, Selection, ThirdParty},
};
use async_graphql::{Context, ID, Object};
use futures::future::join_all;
use navette_projections::{kinds::Position, page::LONGEST, selections};
use uuid::Uuid;

/// Questions about one object.
#[derive(Default)]
pub struct SingleQuery;

#[Object]
impl SingleQuery {
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

    /// One document; null when it does not exist or is not seen.
    async fn document(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Fallible<Document> {
        let answer = async {
            reading(context, at_least).await?;
            loaders::load(context, DocumentById(id)).await
        };
        answer.await.transpose().map(|row| row.map(Into::into))
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

    /// One selection; null when it does not exist or is private to somebody else.
    async fn selection(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Fallible<Selection> {
        let answer = async {
            reading(context, at_least).await?;
            loaders::load(context, SelectionById(id)).await
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }

    /// Your selections and those that others share, by name, at most 500.
    #[graphql(complexity = "5 + 20 * child_complexity")]
    async fn selections(
        &self,
        context: &Context<'_>,
        at_least: Option<Position>,
    ) -> Fallible<Vec<Selection>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let rows = selections::of(&reads.pool, &asker.principal.actor).await;
            let rows = rows.map_err(|cause| faults::internal(&cause))?;
            Ok(rows.into_iter().map(Into::into).collect())
        };
        Some(answer.await)
    }

    /// Any object, by its `nodeId`; null when it does not exist or is not seen.
    #[graphql(complexity = "5 + child_complexity")]
    async fn node(
        &self,
        context: &Context<'_>,
        id: ID,
        at_least: Option<Position>,
    ) -> Fallible<Node> {
        let answer = async {
            reading(context, at_least).await?;
            node::load(context, &id).await
        };
        answer.await.transpose()
    }

    /// Any objects, by their `nodeId`, in the same order, at most 100; null in the place of each that does not
    /// exist or is not seen.
    #[graphql(complexity = "5 + super::page_cost(i32::try_from(ids.len()).ok(), child_complexity)")]
    async fn nodes(
        &self,
        context: &Context<'_>,
        ids: Vec<ID>,
        at_least: Option<Position>,
    ) -> Fallible<Vec<Option<Node>>> {
        let answer = async {
            reading(context, at_least).await?;
            if ids.len() > usize::try_from(LONGEST).unwrap_or(0) {
                return Err(node::too_many());
            }
            let nodes = join_all(ids.iter().map(|id| node::load(context, id))).await;
            nodes.into_iter().collect()
        };
        Some(answer.await)
    }
}
