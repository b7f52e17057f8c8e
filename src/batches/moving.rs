//! Batches and documents that are under way: held, let go, given up, tried again.

use super::Batches;
use crate::{
    dispatch::{DispatchFailure, Receipt},
    unit::{Belonging, Envelope, Unit},
};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use navette_adapters::log::StreamState;
use navette_domain::{
    batch::{Batch, BatchCommand, BatchRefusal, Order},
    chain::{Chain, ChainRef, Definition, Migration, Scope, StepId},
    document::{BackTo, ByHand, Document, DocumentCommand, DocumentRefusal, Journey},
    ids::{BatchId, CommandId, DocumentId},
};
use std::sync::Arc;
use uuid::Uuid;

impl Batches {
    /// Makes the chains of a batch wait.
    pub async fn pause(
        &self,
        envelope: &Envelope,
        batch: BatchId,
    ) -> Result<Receipt, DispatchFailure<BatchRefusal>> {
        self.change(envelope, batch, |at| BatchCommand::Pause { at }, true)
            .await
    }

    /// Lets the chains of a batch go on.
    pub async fn resume(
        &self,
        envelope: &Envelope,
        batch: BatchId,
    ) -> Result<Receipt, DispatchFailure<BatchRefusal>> {
        self.change(envelope, batch, |at| BatchCommand::Resume { at }, false)
            .await
    }

    /// Says that all the documents of a batch reached their end.
    pub async fn complete(
        &self,
        envelope: &Envelope,
        batch: BatchId,
    ) -> Result<Receipt, DispatchFailure<BatchRefusal>> {
        // Nothing may stay held that nobody can resume.
        let complete = |at| BatchCommand::Complete { at };
        self.change(envelope, batch, complete, false).await
    }

    async fn change(
        &self,
        envelope: &Envelope,
        batch: BatchId,
        command: impl Fn(DateTime<Utc>) -> BatchCommand + Send + Sync,
        held: bool,
    ) -> Result<Receipt, DispatchFailure<BatchRefusal>> {
        let command = &command;
        let belonging = Belonging {
            batch: Some(batch),
            dossier: None,
        };
        self.dispatcher
            .commit(envelope, |mut unit: Unit| {
                async move {
                    let mut loaded = self.dispatcher.load::<Batch>(batch.0).await?;
                    envelope.expects(loaded.version)?;
                    let command = command(unit.at());
                    unit.decide(batch.0, &mut loaded, belonging, command)
                        .map_err(DispatchFailure::Refused)?;
                    unit.hold(batch, held);
                    Ok(unit)
                }
                .boxed()
            })
            .await
    }

    /// Gives a batch up: its documents that are not delivered are cancelled, and taken back from the
    /// neighbours that allow it.
    pub async fn cancel(
        &self,
        envelope: &Envelope,
        batch: BatchId,
        reason: &str,
    ) -> Result<Receipt, DispatchFailure<BatchRefusal>> {
        if let Some(receipt) = self.dispatcher.answered(envelope).await? {
            return Ok(receipt);
        }
        // Paused first: otherwise its documents may move on faster than all of them can be cancelled at once.
        let mut pause = envelope.clone();
        pause.command = CommandId::following(envelope.command.0, "pause");
        let mut expected_version = envelope.expected_version;
        match self.pause(&pause, batch).await {
            Ok(paused) => expected_version = expected_version.map(|_| paused.version),
            // It is over, or was never started: the cancellation says what follows.
            Err(DispatchFailure::Refused(_)) => {}
            Err(failure) => return Err(failure),
        }
        let envelope = &Envelope {
            expected_version,
            ..envelope.clone()
        };
        let belonging = Belonging {
            batch: Some(batch),
            dossier: None,
        };
        self.dispatcher
            .commit(envelope, |mut unit: Unit| {
                async move {
                    let at = unit.at();
                    let mut loaded = self.dispatcher.load::<Batch>(batch.0).await?;
                    envelope.expects(loaded.version)?;
                    let order = loaded.state.order().cloned();
                    let command = BatchCommand::Cancel {
                        reason: reason.to_owned(),
                        at,
                    };
                    unit.decide(batch.0, &mut loaded, belonging, command)
                        .map_err(DispatchFailure::Refused)?;
                    unit.hold(batch, false);
                    let Some(order) = order else { return Ok(unit) };
                    let batch_definition = self.dispatcher.definition(order.chain).await?;
                    let mut documents = self
                        .dispatcher
                        .log()
                        .load_many::<Document>(&document_ids(batch, &batch_definition, &order))
                        .await
                        .context("loading the documents of the batch")?;
                    for (id, document) in &mut documents {
                        let command = DocumentCommand::Cancel {
                            reason: reason.to_owned(),
                            at,
                        };
                        let Some(journey) = document.state.journey() else {
                            continue;
                        };
                        // A document may have been moved to another version.
                        let definition = self.dispatcher.definition(journey.order.chain).await?;
                        // Those that are delivered refuse, and stay so.
                        let _ =
                            unit.decide_document(&definition, DocumentId(*id), document, command);
                    }
                    Ok(unit)
                }
                .boxed()
            })
            .await
    }

    /// Tries the stopped step of a document again; after a refusal, the document starts over.
    pub async fn retry_document(
        &self,
        envelope: &Envelope,
        document: DocumentId,
    ) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
        self.move_document(envelope, document, |_, _, at| {
            Ok(DocumentCommand::Retry { at })
        })
        .await
    }

    /// Sends a document back to this step, or to its first one.
    pub async fn restart_document(
        &self,
        envelope: &Envelope,
        document: DocumentId,
        step: Option<&StepId>,
        reason: &str,
    ) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
        self.move_document(envelope, document, |definition, journey, at| {
            let back_to = step.map(|step| BackTo::of(definition, journey, step));
            Ok(DocumentCommand::Restart {
                reason: reason.to_owned(),
                back_to: back_to.transpose()?,
                at,
            })
        })
        .await
    }

    /// What another version of its chain would mean for a document.
    pub async fn migration(
        &self,
        document: DocumentId,
        version: u32,
    ) -> Result<Migration, DispatchFailure<DocumentRefusal>> {
        let loaded = self.dispatcher.load::<Document>(document.0).await?;
        let (_, _, migration) = self.migration_of(&loaded, version).await?;
        Ok(migration)
    }

    async fn migration_of(
        &self,
        document: &StreamState<Document>,
        version: u32,
    ) -> Result<(ChainRef, Arc<Definition>, Migration), DispatchFailure<DocumentRefusal>> {
        let refused = DispatchFailure::Refused;
        let journey = document.state.journey();
        let journey = journey.ok_or(refused(DocumentRefusal::NotRequested))?;
        let (present, id) = (journey.order.chain, journey.order.chain.chain);
        let chain = self.dispatcher.load::<Chain>(id.0).await?;
        if chain.state.version(version).is_none() {
            return Err(refused(DocumentRefusal::NoSuchVersion(version)));
        }
        let to = ChainRef { version, ..present };
        let from = self.dispatcher.definition(present).await?;
        let definition = self.dispatcher.definition(to).await?;
        let migration = Migration::between(&from, &definition, journey).map_err(refused)?;
        Ok((to, definition, migration))
    }

    /// Moves a document to another version of its chain.
    pub async fn migrate_document(
        &self,
        envelope: &Envelope,
        document: DocumentId,
        version: u32,
        reason: &str,
    ) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
        self.dispatcher
            .commit(envelope, |mut unit: Unit| {
                async move {
                    let mut loaded = self.dispatcher.load::<Document>(document.0).await?;
                    envelope.expects(loaded.version)?;
                    let (chain, definition, migration) =
                        self.migration_of(&loaded, version).await?;
                    let command = DocumentCommand::Migrate {
                        chain,
                        begins: migration.begins,
                        reason: reason.to_owned(),
                        at: unit.at(),
                    };
                    unit.decide_document(&definition, document, &mut loaded, command)
                        .map_err(DispatchFailure::Refused)?;
                    Ok(unit)
                }
                .boxed()
            })
            .await
    }

    /// Skips the stopped step of a document, this one or the only one, which a person did by hand: `result` is what
    /// came of it.
    pub async fn skip_step(
        &self,
        envelope: &Envelope,
        document: DocumentId,
        step: Option<&StepId>,
        result: Option<&str>,
        reason: &str,
    ) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
        self.move_document(envelope, document, |definition, journey, at| {
            let (step, by_hand) = ByHand::of(definition, journey, step, result)?;
            Ok(DocumentCommand::Skip {
                step,
                by_hand,
                reason: reason.to_owned(),
                at,
            })
        })
        .await
    }

    /// Gives a document up.
    pub async fn cancel_document(
        &self,
        envelope: &Envelope,
        document: DocumentId,
        reason: &str,
    ) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
        self.move_document(envelope, document, |_, _, at| {
            Ok(DocumentCommand::Cancel {
                reason: reason.to_owned(),
                at,
            })
        })
        .await
    }

    /// Approves a document: this step, or the only one that waits for it.
    pub async fn approve_document(
        &self,
        envelope: &Envelope,
        document: DocumentId,
        step: Option<StepId>,
        comment: Option<String>,
    ) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
        self.move_document(envelope, document, |_, _, at| {
            Ok(DocumentCommand::Approve {
                step: step.clone(),
                comment: comment.clone(),
                at,
            })
        })
        .await
    }

    /// Refuses to approve a document: it stops, and waits for a person.
    pub async fn refuse_document(
        &self,
        envelope: &Envelope,
        document: DocumentId,
        step: Option<StepId>,
        reason: &str,
    ) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
        self.move_document(envelope, document, |_, _, at| {
            Ok(DocumentCommand::RefuseApproval {
                step: step.clone(),
                reason: reason.to_owned(),
                at,
            })
        })
        .await
    }

    async fn move_document(
        &self,
        envelope: &Envelope,
        document: DocumentId,
        command: impl Fn(
            &Definition,
            &Journey,
            DateTime<Utc>,
        ) -> Result<DocumentCommand, DocumentRefusal>
        + Send
        + Sync,
    ) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
        let command = &command;
        self.dispatcher
            .commit(envelope, |mut unit: Unit| {
                async move {
                    let mut loaded = self.dispatcher.load::<Document>(document.0).await?;
                    envelope.expects(loaded.version)?;
                    let journey = loaded
                        .state
                        .journey()
                        .ok_or(DispatchFailure::Refused(DocumentRefusal::NotRequested))?;
                    let definition = self.dispatcher.definition(journey.order.chain).await?;
                    let command = command(&definition, journey, unit.at())
                        .map_err(DispatchFailure::Refused)?;
                    unit.decide_document(&definition, document, &mut loaded, command)
                        .map_err(DispatchFailure::Refused)?;
                    Ok(unit)
                }
                .boxed()
            })
            .await
    }
}

fn document_ids(batch: BatchId, definition: &Definition, order: &Order) -> Vec<Uuid> {
    match definition.scope {
        Scope::Dossier => order
            .dossiers
            .iter()
            .map(|dossier| DocumentId::of_dossier(batch, *dossier).0)
            .collect(),
        Scope::Batch => vec![DocumentId::of_batch(batch).0],
    }
}
