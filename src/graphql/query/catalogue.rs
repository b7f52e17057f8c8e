//! What is set up: templates, chains, and what templates may use.

use super::Fallible;
use crate::{
    graphql::{
        asking::reading,
        faults,
        objects::{Chain, Dictionary, Template},
    },
    templates::Templates,
};
use async_graphql::{Context, Object};
use navette_projections::{
    chains::{self, ChainFilter},
    kinds::{ChainScope, Position},
    templates::{self, TemplateFilter},
};

/// Questions about what is set up.
#[derive(Default)]
pub struct CatalogueQuery;

#[Object]
impl CatalogueQuery {
    /// The last version of every template.
    #[graphql(complexity = "5 + 20 * child_complexity")]
    async fn templates(
        &self,
        context: &Context<'_>,
        #[graphql(default)] filter: TemplateFilter,
        at_least: Option<Position>,
    ) -> Fallible<Vec<Template>> {
        let answer = async {
            let (reads, _) = reading(context, at_least).await?;
            let rows = templates::latest(&reads.pool, &filter).await;
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
        #[graphql(default)] filter: ChainFilter,
        at_least: Option<Position>,
    ) -> Fallible<Vec<Chain>> {
        let answer = async {
            let (reads, _) = reading(context, at_least).await?;
            let rows = chains::latest(&reads.pool, &filter).await;
            let rows = rows.map_err(|cause| faults::internal(&cause))?;
            Ok(rows.into_iter().map(Into::into).collect())
        };
        Some(answer.await)
    }
}
