//! What a batch says of itself, without the list of its dossiers: each of its documents wants it, and reading it
//! takes the whole list.

use super::{StepResult, Steps};
use navette_adapters::log::StreamState;
use navette_domain::{
    batch::{Batch, Order},
    ids::BatchId,
    personal::Personal,
    third_party::EmailAddress,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// For how long one that was read is used: it bears the address of whoever asked, which may be erased elsewhere.
const FRESH: Duration = Duration::from_secs(1);

/// What is told of a batch.
pub(super) struct Head {
    pub label: String,
    /// Where to write to whoever asked.
    pub reply_to: Option<Personal<EmailAddress>>,
    /// How many dossiers it has.
    pub dossiers: usize,
}

impl Head {
    fn of(order: &Order) -> Self {
        Self {
            label: order.label.clone(),
            reply_to: order.reply_to.clone(),
            dossiers: order.dossiers.len(),
        }
    }
}

/// Those that were read lately.
#[derive(Clone, Default)]
pub(super) struct Heads(Arc<Mutex<HashMap<BatchId, Known>>>);

/// A head, none if the batch does not exist, and when it was read.
type Known = (Instant, Option<Arc<Head>>);

impl Heads {
    fn known(&self, batch: BatchId) -> Option<Known> {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heads.retain(|_, (read, _)| read.elapsed() < FRESH);
        heads.get(&batch).cloned()
    }

    fn keep(&self, batch: BatchId, head: Option<Arc<Head>>) {
        let mut heads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heads.insert(batch, (Instant::now(), head));
    }
}

impl Steps {
    /// The head of this batch, if it exists.
    pub(super) async fn head(&self, batch: BatchId) -> StepResult<Option<Arc<Head>>> {
        if let Some(order) = self.supposed(batch) {
            return Ok(Some(Arc::new(Head::of(order))));
        }
        if let Some((_, known)) = self.heads.known(batch) {
            return Ok(known);
        }
        let loaded: StreamState<Batch> = self.dispatcher.load(batch.0).await?;
        let head = loaded.state.order().map(|order| Arc::new(Head::of(order)));
        self.heads.keep(batch, head.clone());
        Ok(head)
    }
}
