//! What a batch would do, before anything starts.

use super::Fallible;
use crate::{
    batches::Batches,
    dispatch::DispatchFailure,
    graphql::{
        asking::asker,
        chosen::Chosen,
        refusal::{Refusal, RefusedRow, refusal},
    },
};
use async_graphql::{Context, Object, Result, SimpleObject};
use navette_domain::policy::Permission;
use navette_projections::{dossiers::DossierFilter, kinds::Position};
use uuid::Uuid;

/// The most refused dossiers that are named.
const MOST_NAMED: usize = 1_000;

/// What a batch would do.
#[derive(SimpleObject)]
pub struct BatchPreview {
    /// How many dossiers are chosen.
    chosen: usize,
    /// How many of them the chain takes.
    taken: usize,
    /// How many it would leave out.
    left_out: usize,
    /// Those, and why; the first 1 000.
    refused: Vec<RefusedRow>,
    /// Why no batch could start at all: no such chain, no such selection…
    refusal: Option<Refusal>,
}

impl BatchPreview {
    fn impossible(refusal: Refusal) -> Self {
        Self {
            chosen: 0,
            taken: 0,
            left_out: 0,
            refused: vec![],
            refusal: Some(refusal),
        }
    }
}

/// Questions about what would be done.
#[derive(Default)]
pub struct PreviewQuery;

#[Object]
impl PreviewQuery {
    /// What `startBatch` would do with these dossiers: the same rules, and nothing starts.
    #[graphql(complexity = "500 + child_complexity")]
    async fn batch_preview(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The code of the chain.")] chain: String,
        #[graphql(desc = "Either these dossiers, or a filter, or a selection.")] dossiers: Option<
            Vec<Uuid>,
        >,
        filter: Option<DossierFilter>,
        selection: Option<Uuid>,
        at_least: Option<Position>,
    ) -> Fallible<BatchPreview> {
        let answer = async {
            let asker = asker(context, Permission::StartBatch)?;
            let chosen = Chosen {
                dossiers: dossiers.as_ref(),
                filter: filter.as_ref(),
                selection,
            };
            let (ids, unseen) = match chosen.dossiers(context, asker, at_least).await? {
                Ok(sorted) => sorted,
                Err(refusal) => return Ok(BatchPreview::impossible(refusal)),
            };
            let batches = context.data::<Batches>()?;
            match batches.preview(&chain, &ids).await {
                Ok(sorted) => {
                    let mut refused = unseen;
                    refused.extend(sorted.refused.into_iter().map(Into::into));
                    let (taken, left_out) = (sorted.taken.len(), refused.len());
                    refused.truncate(MOST_NAMED);
                    Ok(BatchPreview {
                        chosen: taken + left_out,
                        taken,
                        left_out,
                        refused,
                        refusal: None,
                    })
                }
                Err(failure) => told(failure),
            }
        };
        Some(answer.await)
    }
}

fn told(failure: DispatchFailure<crate::batches::StartRefusal>) -> Result<BatchPreview> {
    Ok(BatchPreview::impossible(refusal(failure)?))
}
