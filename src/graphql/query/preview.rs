//! What a batch would do, before anything starts.

use super::Fallible;
use crate::{
    batches::Batches,
    dispatch::DispatchFailure,
    graphql::{
        asking::{asker, reading},
        chosen::Chosen,
        faults,
        refusal::{Refusal, RefusedRow, refusal},
    },
};
use async_graphql::{Context, Object, Result, SimpleObject};
use navette_domain::{
    chain::{Migration, StepId},
    ids::DocumentId,
    policy::Permission,
};
use navette_projections::{documents, dossiers::DossierFilter, kinds::Position};
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

/// What another version of its chain would mean for a document, by the names of its steps.
#[derive(Default, SimpleObject)]
pub struct DocumentMigration {
    /// Those that stay done.
    done: Vec<String>,
    /// Those that are left, in order; what is under way goes on, under what the version says of it.
    left: Vec<String>,
    /// Those of them that its present version has not.
    added: Vec<String>,
    /// Those that are left on its present version, and would not be done.
    dropped: Vec<String>,
    /// Why it cannot be moved: then nothing else is told.
    refusal: Option<Refusal>,
}

impl From<Migration> for DocumentMigration {
    fn from(migration: Migration) -> Self {
        let names = |steps: Vec<StepId>| steps.into_iter().map(|step| step.0).collect();
        Self {
            done: names(migration.done),
            left: names(migration.left),
            added: names(migration.added),
            dropped: names(migration.dropped),
            refusal: None,
        }
    }
}

/// Questions about what would be done.
#[derive(Default)]
pub struct PreviewQuery;

#[Object]
impl PreviewQuery {
    /// What `migrateDocument` would do with this document: the same rules, and nothing moves. Null when there is no such
    /// document.
    #[graphql(complexity = "50 + child_complexity")]
    async fn document_migration(
        &self,
        context: &Context<'_>,
        id: Uuid,
        #[graphql(desc = "The version of its chain.")] version: u32,
        at_least: Option<Position>,
    ) -> Fallible<DocumentMigration> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let seen = documents::by_ids(&reads.pool, &asker.scope, &[id]).await;
            if seen.map_err(|cause| faults::internal(&cause))?.is_empty() {
                return Ok(None);
            }
            let batches = context.data::<Batches>()?;
            let migration = batches.migration(DocumentId(id), version).await;
            Ok(Some(match migration {
                Ok(migration) => migration.into(),
                Err(failure) => DocumentMigration {
                    refusal: Some(refusal(failure)?),
                    ..DocumentMigration::default()
                },
            }))
        };
        answer.await.transpose()
    }

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
