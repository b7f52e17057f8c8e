//! Moving documents by hand.

use super::{Change, ReasonedChange, batches::hidden};
use crate::{
    batches::Batches,
    dispatch::{DispatchFailure, Dispatcher, Receipt},
    graphql::{
        asking::{Asker, Reads, asker, reading},
        faults,
        objects::Document,
        refusal::{Answer, Refusal, RefusalCode, answer, refusal},
    },
    unit::Envelope,
};
use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use navette_domain::{
    batch::{Batch, BatchRefusal},
    chain::StepId,
    document::DocumentRefusal,
    ids::{CommandId, DocumentId},
    policy::Permission,
};
use navette_projections::{documents, kinds::Position};
use serde::Serialize;
use uuid::Uuid;

/// Changes to documents.
#[derive(Default)]
pub struct DocumentMutation;

/// What a change to a document answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct DocumentPayload {
    #[graphql(flatten)]
    answer: Answer,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl DocumentPayload {
    /// The document as it now is; null when the change was refused.
    async fn document(&self, context: &Context<'_>) -> Option<Result<Document>> {
        let position = self.answer.position?;
        let read = async {
            let (reads, asker) = reading(context, Some(position)).await?;
            let rows = documents::by_ids(&reads.pool, &asker.scope, &[self.id]).await;
            rows.map(|rows| rows.into_iter().next())
                .map_err(|cause| faults::internal(&cause))
        };
        read.await.transpose().map(|row| row.map(Into::into))
    }
}

/// A step that a person did by hand.
#[derive(Debug, Clone, InputObject, Serialize)]
struct SkipStepInput {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// The stopped step, by its name in the chain; needed when several stopped.
    step: Option<String>,
    /// What came of it: for a registration, the number of the letter.
    result: Option<String>,
    /// Why, for the history.
    reason: String,
}

/// A step to which a document goes back.
#[derive(Debug, Clone, InputObject, Serialize)]
struct RestartDocumentFromInput {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// The step, by its name in the chain.
    step: String,
    /// Why, for the history.
    reason: String,
}

/// Another version of its chain for a document.
#[derive(Debug, Clone, InputObject, Serialize)]
struct MigrateDocumentInput {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// The version, as the chain numbers them.
    version: u32,
    /// Why, for the history.
    reason: String,
}

/// What retrying a batch answers.
#[derive(SimpleObject)]
pub struct RetryBatchPayload {
    #[graphql(flatten)]
    answer: Answer,
    /// The documents that were retried.
    retried: Vec<Uuid>,
    /// Those that could not be, and why.
    refused: Vec<RefusedDocument>,
}

/// A document that was not retried.
#[derive(SimpleObject)]
pub struct RefusedDocument {
    /// Which.
    document_id: Uuid,
    /// Why.
    refusal: Refusal,
}

/// The approval of a document.
#[derive(Debug, Clone, InputObject, Serialize)]
struct Approval {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// The step of its chain; needed when several wait for an approval.
    step: Option<String>,
    /// What goes with it, for the history.
    comment: Option<String>,
}

/// The refusal to approve a document.
#[derive(Debug, Clone, InputObject, Serialize)]
struct ApprovalRefusal {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// The step of its chain; needed when several wait for an approval.
    step: Option<String>,
    /// Why, for whoever corrects it.
    reason: String,
}

#[Object]
impl DocumentMutation {
    /// Tries the stopped step of a document again; after a refusal, it starts over.
    async fn retry_document(
        &self,
        context: &Context<'_>,
        input: Change,
    ) -> Result<DocumentPayload> {
        let (asker, batches) = operating(context)?;
        let envelope = input.envelope(asker, "retryDocument", &input);
        moved(
            context,
            asker,
            input.id,
            batches.retry_document(&envelope, DocumentId(input.id)),
        )
        .await
    }

    /// Skips the stopped step of a document, or its printing, which a person did by hand; the document goes on with the
    /// next one.
    async fn skip_step(
        &self,
        context: &Context<'_>,
        input: SkipStepInput,
    ) -> Result<DocumentPayload> {
        let (asker, batches) = operating(context)?;
        let envelope = input.change.envelope(asker, "skipStep", &input);
        let (id, step) = (input.change.id, input.step.map(StepId));
        let (step, result) = (step.as_ref(), input.result.as_deref());
        let work = batches.skip_step(&envelope, DocumentId(id), step, result, &input.reason);
        moved(context, asker, id, work).await
    }

    /// Sends a document back to its first step.
    async fn restart_document(
        &self,
        context: &Context<'_>,
        input: ReasonedChange,
    ) -> Result<DocumentPayload> {
        let (asker, batches) = operating(context)?;
        let envelope = input.change.envelope(asker, "restartDocument", &input);
        let id = input.change.id;
        let work = batches.restart_document(&envelope, DocumentId(id), None, &input.reason);
        moved(context, asker, id, work).await
    }

    /// Sends a document back to a step that it began; all that was before stays as it is.
    async fn restart_document_from(
        &self,
        context: &Context<'_>,
        input: RestartDocumentFromInput,
    ) -> Result<DocumentPayload> {
        let (asker, batches) = operating(context)?;
        let envelope = input.change.envelope(asker, "restartDocumentFrom", &input);
        let (id, step) = (input.change.id, StepId(input.step.clone()));
        let work = batches.restart_document(&envelope, DocumentId(id), Some(&step), &input.reason);
        moved(context, asker, id, work).await
    }

    /// Moves a document to another version of its chain, as `documentMigration` says: what is done stays done, what is
    /// under way goes on.
    async fn migrate_document(
        &self,
        context: &Context<'_>,
        input: MigrateDocumentInput,
    ) -> Result<DocumentPayload> {
        let (asker, batches) = operating(context)?;
        let envelope = input.change.envelope(asker, "migrateDocument", &input);
        let (id, version) = (input.change.id, input.version);
        let work = batches.migrate_document(&envelope, DocumentId(id), version, &input.reason);
        moved(context, asker, id, work).await
    }

    /// Gives a document up, and takes it back from the neighbours that allow it.
    async fn cancel_document(
        &self,
        context: &Context<'_>,
        input: ReasonedChange,
    ) -> Result<DocumentPayload> {
        let (asker, batches) = operating(context)?;
        let envelope = input.change.envelope(asker, "cancelDocument", &input);
        let id = input.change.id;
        let work = batches.cancel_document(&envelope, DocumentId(id), &input.reason);
        moved(context, asker, id, work).await
    }

    /// Approves a document that waits for it, which then goes on.
    async fn approve_document(
        &self,
        context: &Context<'_>,
        input: Approval,
    ) -> Result<DocumentPayload> {
        let asker = asker(context, Permission::Approve)?;
        let batches = context.data::<Batches>()?;
        let envelope = input.change.envelope(asker, "approveDocument", &input);
        let (id, step) = (input.change.id, input.step.clone().map(StepId));
        let work = batches.approve_document(&envelope, DocumentId(id), step, input.comment.clone());
        moved(context, asker, id, work).await
    }

    /// Refuses to approve a document that waits for it: it stops, and somebody retries it (it is asked for again),
    /// restarts it or cancels it.
    async fn refuse_document(
        &self,
        context: &Context<'_>,
        input: ApprovalRefusal,
    ) -> Result<DocumentPayload> {
        let asker = asker(context, Permission::Approve)?;
        let batches = context.data::<Batches>()?;
        let envelope = input.change.envelope(asker, "refuseDocument", &input);
        let (id, step) = (input.change.id, input.step.clone().map(StepId));
        let work = batches.refuse_document(&envelope, DocumentId(id), step, &input.reason);
        moved(context, asker, id, work).await
    }

    /// Tries the stopped step of every document of a batch again. Refused documents are left to a person.
    async fn retry_batch(&self, context: &Context<'_>, input: Change) -> Result<RetryBatchPayload> {
        let (asker, batches) = operating(context)?;
        let impossible = |answer| RetryBatchPayload {
            answer,
            retried: vec![],
            refused: vec![],
        };
        if let Some(answer) = hidden(context, asker, input.id).await? {
            return Ok(impossible(answer));
        }
        let whole = input.envelope(asker, "retryBatch", &input);
        let batch = context.data::<Dispatcher>()?.load::<Batch>(input.id).await;
        let batch = batch.map_err(|cause| faults::internal(&cause))?;
        let sound = match batch.version {
            0 => Err(DispatchFailure::Refused(BatchRefusal::NotStarted)),
            version => whole.expects(version),
        };
        if let Err(failure) = sound {
            return Ok(impossible(refusal(failure)?.into()));
        }
        let reads = context.data::<Reads>()?;
        let troubled = documents::troubled(&reads.pool, input.id).await;
        let troubled = troubled.map_err(|cause| faults::internal(&cause))?;
        let (mut retried, mut refused, mut last) = (vec![], vec![], None);
        for document_id in troubled {
            let envelope = part(&whole, document_id);
            match batches
                .retry_document(&envelope, DocumentId(document_id))
                .await
            {
                Ok(receipt) => {
                    retried.push(document_id);
                    last = Some(receipt.position).max(last);
                }
                Err(failure) => {
                    let refusal = refusal(failure)?;
                    refused.push(RefusedDocument {
                        document_id,
                        refusal,
                    });
                }
            }
        }
        let position = last.map(Position);
        let answer = Answer {
            version: None,
            position,
            refusal: None,
        };
        Ok(RetryBatchPayload {
            answer,
            retried,
            refused,
        })
    }
}

fn operating<'c>(context: &Context<'c>) -> Result<(&'c Asker, &'c Batches)> {
    Ok((
        asker(context, Permission::OperateBatch)?,
        context.data::<Batches>()?,
    ))
}

/// The part of a request that is about one document: repeated, it is the same part.
fn part(whole: &Envelope, document: Uuid) -> Envelope {
    Envelope {
        command: CommandId::following(whole.command.0, &document.to_string()),
        expected_version: None,
        ..whole.clone()
    }
}

/// Whether whoever asks sees this document; who sees everything sees also what does not exist.
pub(super) async fn is_seen(context: &Context<'_>, asker: &Asker, id: Uuid) -> Result<bool> {
    if asker.scope.is_whole() {
        return Ok(true);
    }
    let reads = context.data::<Reads>()?;
    let head = *context.data::<Dispatcher>()?.log().head().borrow();
    reads.reached(Some(Position(head))).await?;
    let rows = documents::by_ids(&reads.pool, &asker.scope, &[id]).await;
    Ok(!rows.map_err(|cause| faults::internal(&cause))?.is_empty())
}

/// Does the work if the document is seen. What is not seen answers as what does not exist.
async fn moved(
    context: &Context<'_>,
    asker: &Asker,
    id: Uuid,
    work: impl Future<Output = Result<Receipt, DispatchFailure<DocumentRefusal>>>,
) -> Result<DocumentPayload> {
    if !is_seen(context, asker, id).await? {
        let sentence = DocumentRefusal::NotRequested.to_string();
        let answer = Refusal::new(RefusalCode::NotFound, sentence).into();
        return Ok(DocumentPayload { answer, id });
    }
    Ok(DocumentPayload {
        answer: answer(work.await)?,
        id,
    })
}
