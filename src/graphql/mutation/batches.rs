//! Starting and moving batches.

use super::{Change, ReasonedChange, dossiers::seen};
use crate::{
    batches::{Batches, StartBatch, StartRefusal},
    dispatch::{DispatchFailure, Dispatcher},
    graphql::{
        asking::{Asker, Reads, asker, reading},
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
    dossier,
    ids::{BatchId, CommandId, DossierId},
    policy::Permission,
};
use navette_projections::{batches, dossiers::DossierFilter, kinds::Position, list};
use serde::Serialize;
use uuid::Uuid;

/// The most dossiers of one batch.
const MOST_DOSSIERS: usize = 20_000;

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
    /// The dossiers, in the order of the batch. Either this or `filter`.
    dossiers: Option<Vec<Uuid>>,
    /// Which dossiers, by reference. Either this or `dossiers`.
    filter: Option<DossierFilter>,
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
        let (dossiers, unseen) = match selection(context, asker, &input).await? {
            Ok(selection) => selection,
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

type Selection = (Vec<DossierId>, Vec<RefusedRow>);

/// The dossiers that are asked for, and those of them that whoever asks does not see.
async fn selection(
    context: &Context<'_>,
    asker: &Asker,
    input: &StartBatchInput,
) -> Result<Result<Selection, Refusal>> {
    let wrong = |sentence| Ok(Err(Refusal::new(RefusalCode::InvalidInput, sentence)));
    let ids = match (&input.dossiers, &input.filter) {
        (Some(ids), None) => ids.clone(),
        (None, Some(filter)) => {
            let (reads, _) = reading(context, input.at_least).await?;
            let most = i64::try_from(MOST_DOSSIERS + 1).unwrap_or(i64::MAX);
            let ids = list::ids(&reads.pool, &asker.scope, filter, most).await;
            ids.map_err(faults::list)?
        }
        (Some(_), Some(_)) | (None, None) => {
            return wrong("Indiquez soit des dossiers, soit un filtre.".to_owned());
        }
    };
    if ids.len() > MOST_DOSSIERS {
        return wrong(format!(
            "Un lot ne peut pas dépasser {MOST_DOSSIERS} dossiers."
        ));
    }
    let ids: Vec<DossierId> = ids.into_iter().map(DossierId).collect();
    sight(context, asker, ids).await.map(Ok)
}

/// Parts the dossiers that are seen from the others, as they are now, whatever the read models show.
async fn sight(
    context: &Context<'_>,
    asker: &Asker,
    ids: Vec<DossierId>,
) -> Result<(Vec<DossierId>, Vec<RefusedRow>)> {
    if asker.scope.is_whole() {
        return Ok((ids, vec![]));
    }
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let log = context.data::<Dispatcher>()?.log();
    let loaded = log.load_many::<dossier::Dossier>(&wanted).await;
    let loaded = loaded.map_err(|cause| faults::internal(&cause))?;
    let is_seen = |id: &DossierId| {
        loaded
            .get(&id.0)
            .is_some_and(|loaded| seen(asker, &loaded.state))
    };
    let (kept, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(is_seen);
    Ok((
        kept,
        others
            .into_iter()
            .map(|id| RefusedRow::unknown(id.0))
            .collect(),
    ))
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
