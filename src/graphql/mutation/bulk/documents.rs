//! The same change to many documents.

use super::{AT_ONCE, BulkPayload, BulkRow, envelope, too_many};
use crate::{
    batches::Batches,
    dispatch::{DispatchFailure, Receipt},
    graphql::{
        asking::{Asker, Reads, asker, reading},
        faults,
        refusal::answer,
    },
};
use async_graphql::{Context, Error, InputObject, Object, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use navette_domain::{
    chain::StepId, document::DocumentRefusal, ids::DocumentId, policy::Permission,
};
use navette_projections::{
    documents::DocumentFilter,
    kinds::{DocumentStatus, Position},
    list,
};
use serde::Serialize;
use uuid::Uuid;

/// The most documents that one request moves: those of a large batch.
const MOST: usize = 10_000;

/// Changes to many documents. What they begin anew passes the gates of its neighbours as all work does.
#[derive(Default)]
pub struct BulkDocumentMutation;

#[derive(Debug, Clone, InputObject, Serialize)]
struct RetryDocumentsInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// Which documents, of those that wait for a person.
    filter: DocumentFilter,
    /// The position at which the filter must look, as earlier mutations answered it.
    at_least: Option<Position>,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct SkipStepsInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// Which documents, of those that wait for a person.
    filter: DocumentFilter,
    /// The stopped step, by its name in the chain; needed for documents of which several stopped.
    step: Option<String>,
    /// Why, for the history.
    reason: String,
    /// The position at which the filter must look, as earlier mutations answered it.
    at_least: Option<Position>,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct CancelDocumentsInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// Which documents, of those that are not over.
    filter: DocumentFilter,
    /// Why, for the history.
    reason: String,
    /// The position at which the filter must look, as earlier mutations answered it.
    at_least: Option<Position>,
}

type Moved = Result<Receipt, DispatchFailure<DocumentRefusal>>;

#[Object]
impl BulkDocumentMutation {
    /// Tries the stopped step of documents again, each by itself; at most 10 000.
    async fn retry_documents(
        &self,
        context: &Context<'_>,
        input: RetryDocumentsInput,
    ) -> Result<BulkPayload> {
        let asker = asker(context, Permission::OperateBatch)?;
        let ids = chosen(context, asker, stopped(input.filter), input.at_least).await?;
        let (batches, key) = (context.data::<Batches>()?, input.idempotency_key);
        each(ids, |id| async move {
            let envelope = envelope(asker, "retryDocuments", key, id, &id);
            batches.retry_document(&envelope, DocumentId(id)).await
        })
        .await
    }

    /// Skips the stopped step of documents, which people did by hand, each by itself; at most 10 000. A registration
    /// has a number of its own, and is skipped by itself (`skipStep`).
    async fn skip_steps(
        &self,
        context: &Context<'_>,
        input: SkipStepsInput,
    ) -> Result<BulkPayload> {
        let asker = asker(context, Permission::OperateBatch)?;
        let ids = chosen(context, asker, stopped(input.filter), input.at_least).await?;
        let (batches, key) = (context.data::<Batches>()?, input.idempotency_key);
        let step = input.step.map(StepId);
        let (step, reason) = (step.as_ref(), input.reason.as_str());
        each(ids, |id| async move {
            let envelope = envelope(asker, "skipSteps", key, id, &(id, step, reason));
            let document = DocumentId(id);
            batches
                .skip_step(&envelope, document, step, None, reason)
                .await
        })
        .await
    }

    /// Gives documents up, and takes them back from the neighbours that allow it, each by itself; at most 10 000.
    async fn cancel_documents(
        &self,
        context: &Context<'_>,
        input: CancelDocumentsInput,
    ) -> Result<BulkPayload> {
        let asker = asker(context, Permission::OperateBatch)?;
        let over = DocumentFilter {
            status: Some(vec![DocumentStatus::Delivered, DocumentStatus::Cancelled]),
            ..DocumentFilter::default()
        };
        let open = DocumentFilter {
            not: Some(Box::new(over)),
            and: Some(vec![input.filter]),
            ..DocumentFilter::default()
        };
        let ids = chosen(context, asker, open, input.at_least).await?;
        let (batches, key) = (context.data::<Batches>()?, input.idempotency_key);
        let reason = input.reason.as_str();
        each(ids, |id| async move {
            let envelope = envelope(asker, "cancelDocuments", key, id, &(id, reason));
            batches
                .cancel_document(&envelope, DocumentId(id), reason)
                .await
        })
        .await
    }
}

/// Those of the filter that wait for a person.
fn stopped(filter: DocumentFilter) -> DocumentFilter {
    DocumentFilter {
        needs_attention: Some(true),
        and: Some(vec![filter]),
        ..DocumentFilter::default()
    }
}

/// The documents that whoever asks sees and the filter keeps; more than the most, if there are.
async fn chosen(
    context: &Context<'_>,
    asker: &Asker,
    filter: DocumentFilter,
    at_least: Option<Position>,
) -> Result<Vec<Uuid>> {
    reading(context, at_least).await?;
    let reads = context.data::<Reads>()?;
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let ids = list::ids(&reads.pool, &asker.scope, &filter, most).await;
    ids.map_err(faults::list)
}

/// Moves each by itself, unless they are too many.
async fn each<M: Future<Output = Moved> + Send>(
    ids: Vec<Uuid>,
    moves: impl Fn(Uuid) -> M + Sync,
) -> Result<BulkPayload> {
    if ids.len() > MOST {
        return Ok(BulkPayload::impossible(too_many(MOST)));
    }
    let moves = &moves;
    let row = |id: Uuid| async move {
        let answer = answer(moves(id).await)?;
        Ok::<_, Error>(BulkRow { id, answer })
    };
    let work = ids.into_iter().map(row);
    let rows = stream::iter(work).buffered(AT_ONCE).try_collect().await?;
    Ok(BulkPayload::of(rows))
}
