//! From a command to its events: load, decide, append, and decide again if somebody was faster.

use crate::{
    clock::Clock,
    unit::{Belonging, Envelope, Unit},
};
use anyhow::Context as _;
use futures::{FutureExt as _, future::BoxFuture};
use navette_adapters::log::{AppendRefusal, Appended, Log, StreamState};
use navette_domain::{
    chain::{Chain, ChainRef, Definition},
    event::Decider,
    ids::DossierId,
};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use uuid::Uuid;

/// How often a command is decided anew because a stream has moved: each time, others have gone forward.
const TRIES: u32 = 100;

/// Where a command stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The version of its stream.
    pub version: i64,
    /// The position of its last event.
    pub position: i64,
}

impl From<Appended> for Receipt {
    fn from(appended: Appended) -> Self {
        Self {
            version: appended.version,
            position: appended.position,
        }
    }
}

/// Why a command changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum DispatchFailure<R: std::error::Error> {
    /// The rules say no.
    #[error(transparent)]
    Refused(R),
    /// What was expected is no longer so.
    #[error("the stream is at version {actual}")]
    Conflict {
        /// Its version now.
        actual: i64,
    },
    /// This command id was used for something else.
    #[error("this command id was already used with another content")]
    KeyReused,
    /// Anything else.
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

impl<R: std::error::Error> DispatchFailure<R> {
    /// The same failure, whose refusal is one of a wider kind.
    pub fn into_refusal<W: std::error::Error + From<R>>(self) -> DispatchFailure<W> {
        match self {
            Self::Refused(refusal) => DispatchFailure::Refused(refusal.into()),
            Self::Conflict { actual } => DispatchFailure::Conflict { actual },
            Self::KeyReused => DispatchFailure::KeyReused,
            Self::Fault(fault) => DispatchFailure::Fault(fault),
        }
    }
}

/// Takes commands to the log.
#[derive(Clone)]
pub struct Dispatcher {
    log: Log,
    clock: Clock,
    /// Published versions never change, so they are kept for ever.
    definitions: Arc<RwLock<HashMap<ChainRef, Arc<Definition>>>>,
}

impl Dispatcher {
    /// A dispatcher on this log.
    pub fn new(log: Log, clock: Clock) -> Self {
        Self {
            log,
            clock,
            definitions: Arc::default(),
        }
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The time.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    /// One aggregate; unborn, at version 0, if it does not exist.
    pub async fn load<A: Decider>(&self, id: Uuid) -> anyhow::Result<StreamState<A>> {
        self.log
            .load(id)
            .await
            .with_context(|| format!("loading {} {id}", A::TYPE))
    }

    /// Takes one command of an aggregate that stands alone. Documents and batches, which set chains in
    /// motion, go through [`crate::batches`].
    pub async fn dispatch<A: Decider>(
        &self,
        envelope: &Envelope,
        id: Uuid,
        command: A::Command,
    ) -> Result<Receipt, DispatchFailure<A::Error>>
    where
        A::Command: Clone + Sync,
    {
        let dossier = (A::TYPE == "dossier").then_some(DossierId(id));
        let belonging = Belonging {
            batch: None,
            dossier,
        };
        let command = &command;
        self.commit(envelope, |mut unit: Unit| {
            async move {
                let mut loaded = self.load::<A>(id).await?;
                envelope.expects(loaded.version)?;
                unit.decide(id, &mut loaded, belonging, command.clone())
                    .map_err(DispatchFailure::Refused)?;
                Ok(unit)
            }
            .boxed()
        })
        .await
    }

    /// Takes whatever `decide` puts in a unit of work, and asks it again when a stream has moved.
    pub async fn commit<'a, R: std::error::Error>(
        &self,
        envelope: &Envelope,
        decide: impl Fn(Unit) -> BoxFuture<'a, Result<Unit, DispatchFailure<R>>> + Send + Sync,
    ) -> Result<Receipt, DispatchFailure<R>> {
        let mut tries = 0;
        loop {
            let unit = match decide(Unit::new(envelope, self.clock.now())).await {
                Ok(unit) => unit,
                // Perhaps because it was done before; what is decided again is told by the log itself.
                Err(failure) => return self.answered(envelope).await?.ok_or(failure),
            };
            match self.log.append(unit.into_commit()).await {
                Ok(appended) => return Ok(appended.into()),
                // Whoever expects a version is refused by `decide`, which looks at it anew.
                Err(AppendRefusal::Conflict { .. }) if tries < TRIES => tries += 1,
                Err(AppendRefusal::Conflict { actual, .. }) => {
                    return Err(DispatchFailure::Conflict { actual });
                }
                Err(AppendRefusal::KeyReused) => return Err(DispatchFailure::KeyReused),
                Err(refusal @ (AppendRefusal::LeaseLost | AppendRefusal::Fault(_))) => {
                    return Err(DispatchFailure::Fault(refusal.into()));
                }
            }
        }
    }

    /// What was answered to this very command before, if it was.
    pub async fn answered<R: std::error::Error>(
        &self,
        envelope: &Envelope,
    ) -> Result<Option<Receipt>, DispatchFailure<R>> {
        let receipt = self.log.receipt(envelope.command).await;
        match receipt.context("looking for the command's receipt")? {
            Some((receipt, appended)) if self.log.is_receipt_of(receipt, envelope.content) => {
                Ok(Some(appended.into()))
            }
            Some(_) => Err(DispatchFailure::KeyReused),
            None => Ok(None),
        }
    }

    /// The definition that a document stays on.
    pub async fn definition(&self, chain: ChainRef) -> anyhow::Result<Arc<Definition>> {
        let known = self
            .definitions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&chain)
            .cloned();
        if let Some(definition) = known {
            return Ok(definition);
        }
        let loaded = self.load::<Chain>(chain.chain.0).await?;
        let definition = loaded
            .state
            .version(chain.version)
            .with_context(|| format!("chain {} has no version {}", chain.chain, chain.version))?;
        let definition = Arc::new(definition.clone());
        self.definitions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(chain, definition.clone());
        Ok(definition)
    }
}

impl Envelope {
    /// Refuses when whoever asks has seen another version.
    pub fn expects<R: std::error::Error>(&self, actual: i64) -> Result<(), DispatchFailure<R>> {
        match self.expected_version {
            Some(expected) if expected != actual => Err(DispatchFailure::Conflict { actual }),
            _ => Ok(()),
        }
    }
}
