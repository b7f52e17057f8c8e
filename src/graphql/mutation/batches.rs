//! Starting and moving batches.

use super::{Change, ReasonedChange};
use crate::{
    batches::{Batches, StartBatch, StartRefusal},
    dispatch::{DispatchFailure, Dispatcher},
    graphql::{
        asking::{Asker, Reads, asker, reading},
        chosen::Chosen,
        faults,
        loaders::{self, BatchById},
        objects::Batch,
        refusal::{Answer, Refusal, RefusalCode, RefusedRow, answer, refusal},
    },
    unit::Envelope,
};
use async_graphql::{ComplexObject, Context, Enum, InputObject, Object, Result, SimpleObject};
use navette_domain::{
    batch::BatchRefusal,
    ids::{BatchId, CommandId},
    policy::Permission,
};
use navette_projections::{batches, dossiers::DossierFilter, kinds::Position};
use serde::Serialize;
use uuid::Uuid;

/// Changes to batches.
#[derive(Default)]
pub struct BatchMutation;

/// What became of a batch that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum StartOutcome {
    /// It started on all the dossiers.
    Started,
    /// It started; the dossiers in `refused` were left out.
    StartedInPart,
    /// It did not start.
    Refused,
}

/// What starting a batch answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct StartBatchPayload {
    #[graphql(flatten)]
    answer: Answer,
    /// What became of it.
    outcome: StartOutcome,
    /// The dossiers that were left out. A repetition of the request does not tell them again.
    refused: Vec<RefusedRow>,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl StartBatchPayload {
    /// The batch's id; null when it did not start.
    async fn batch_id(&self) -> Option<Uuid> {
        self.answer.position.map(|_| self.id)
    }

    /// The batch; null when it did not start.
    async fn batch(&self, context: &Context<'_>) -> Option<Result<Batch>> {
        shown(context, self.answer.position?, self.id).await
    }
}

/// What a change to a batch answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct BatchPayload {
    #[graphql(flatten)]
    answer: Answer,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl BatchPayload {
    /// The batch as it now is; null when the change was refused.
    async fn batch(&self, context: &Context<'_>) -> Option<Result<Batch>> {
        shown(context, self.answer.position?, self.id).await
    }
}

async fn shown(context: &Context<'_>, position: Position, id: Uuid) -> Option<Result<Batch>> {
    let read = async {
        reading(context, Some(position)).await?;
        loaders::load(context, BatchById(id)).await
    };
    read.await.transpose().map(|row| row.map(Into::into))
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct StartBatchInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// What people will call it.
    label: String,
    /// The code of the chain.
    chain: String,
    /// The dossiers, in the order of the batch. Either this, or `filter`, or `selection`.
    dossiers: Option<Vec<Uuid>>,
    /// Which dossiers, by reference. Either this, or `dossiers`, or `selection`.
    filter: Option<DossierFilter>,
    /// A selection that is kept: a fixed list in its order, a filter by reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    selection: Option<Uuid>,
    /// The position at which the filter must look, as earlier mutations answered it.
    at_least: Option<Position>,
}

#[Object]
impl BatchMutation {
    /// Starts a chain on dossiers.
    async fn start_batch(
        &self,
        context: &Context<'_>,
        input: StartBatchInput,
    ) -> Result<StartBatchPayload> {
        let asker = asker(context, Permission::StartBatch)?;
        let envelope = asker.envelope("startBatch", input.idempotency_key, None, &input);
        let chosen = Chosen {
            dossiers: input.dossiers.as_ref(),
            filter: input.filter.as_ref(),
            selection: input.selection,
        };
        let sorted = chosen.dossiers(context, asker, input.at_least).await?;
        let (dossiers, unseen) = match sorted {
            Ok(sorted) => sorted,
            Err(refusal) => return Ok(not_started(refusal, vec![])),
        };
        // Repetitions name the same batch.
        let batch = BatchId(CommandId::following(input.idempotency_key, "batch").0);
        let ask = StartBatch {
            batch,
            label: input.label,
            chain_code: input.chain,
            dossiers,
            reply_to: asker.principal.email.clone(),
        };
        start(context, &envelope, &ask, unseen).await
    }

    /// Makes the chains of a batch wait.
    async fn pause_batch(&self, context: &Context<'_>, input: Change) -> Result<BatchPayload> {
        let asker = asker(context, Permission::OperateBatch)?;
        let envelope = input.envelope(asker, "pauseBatch", &input);
        let id = input.id;
        if let Some(answer) = hidden(context, asker, id).await? {
            return Ok(BatchPayload { answer, id });
        }
        let end = context
            .data::<Batches>()?
            .pause(&envelope, BatchId(id))
            .await;
        Ok(BatchPayload {
            answer: answer(end)?,
            id,
        })
    }

    /// Lets the chains of a batch go on.
    async fn resume_batch(&self, context: &Context<'_>, input: Change) -> Result<BatchPayload> {
        let asker = asker(context, Permission::OperateBatch)?;
        let envelope = input.envelope(asker, "resumeBatch", &input);
        let id = input.id;
        if let Some(answer) = hidden(context, asker, id).await? {
            return Ok(BatchPayload { answer, id });
        }
        let end = context
            .data::<Batches>()?
            .resume(&envelope, BatchId(id))
            .await;
        Ok(BatchPayload {
            answer: answer(end)?,
            id,
        })
    }

    /// Gives a batch up: its documents that are not delivered are cancelled.
    async fn cancel_batch(
        &self,
        context: &Context<'_>,
        input: ReasonedChange,
    ) -> Result<BatchPayload> {
        let asker = asker(context, Permission::OperateBatch)?;
        let envelope = input.change.envelope(asker, "cancelBatch", &input);
        let id = input.change.id;
        if let Some(answer) = hidden(context, asker, id).await? {
            return Ok(BatchPayload { answer, id });
        }
        let batches = context.data::<Batches>()?;
        let end = batches.cancel(&envelope, BatchId(id), &input.reason).await;
        Ok(BatchPayload {
            answer: answer(end)?,
            id,
        })
    }
}

async fn start(
    context: &Context<'_>,
    envelope: &Envelope,
    ask: &StartBatch,
    mut refused: Vec<RefusedRow>,
) -> Result<StartBatchPayload> {
    match context.data::<Batches>()?.start(envelope, ask).await {
        Ok(started) => {
            refused.extend(started.refused.into_iter().map(Into::into));
            let outcome = if refused.is_empty() {
                StartOutcome::Started
            } else {
                StartOutcome::StartedInPart
            };
            let answer = started.receipt.into();
            Ok(StartBatchPayload {
                answer,
                outcome,
                refused,
                id: ask.batch.0,
            })
        }
        Err(failure) => {
            if let DispatchFailure::Refused(StartRefusal::NothingLeft(rows)) = &failure {
                refused.extend(rows.iter().cloned().map(Into::into));
            }
            Ok(not_started(refusal(failure)?, refused))
        }
    }
}

fn not_started(refusal: Refusal, refused: Vec<RefusedRow>) -> StartBatchPayload {
    StartBatchPayload {
        answer: refusal.into(),
        outcome: StartOutcome::Refused,
        refused,
        id: Uuid::nil(),
    }
}

/// The answer to whoever does not see this batch: the one that a batch which does not exist gets. The read
/// models first catch up with the log, so that a batch can be paused as soon as it is started.
pub(super) async fn hidden(
    context: &Context<'_>,
    asker: &Asker,
    batch: Uuid,
) -> Result<Option<Answer>> {
    if asker.scope.is_whole() {
        return Ok(None);
    }
    let head = *context.data::<Dispatcher>()?.log().head().borrow();
    let reads = context.data::<Reads>()?;
    reads.reached(Some(Position(head))).await?;
    let rows = batches::by_ids(&reads.pool, &asker.scope, &[batch]).await;
    if rows.map_err(|cause| faults::internal(&cause))?.is_empty() {
        let sentence = BatchRefusal::NotStarted.to_string();
        return Ok(Some(Refusal::new(RefusalCode::NotFound, sentence).into()));
    }
    Ok(None)
}
