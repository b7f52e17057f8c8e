//! What may be followed.

use super::{
    asking::{Asker, Reads, asker},
    faults,
};
use crate::access;
use async_graphql::{Context, Result, SimpleObject, Subscription as GraphQlSubscription};
use futures::Stream;
use navette_domain::policy::Permission;
use navette_projections::{
    batches::{self, BatchRow},
    documents::{self, Progress},
    kinds::BatchState,
};
use std::time::Duration;
use uuid::Uuid;

/// At most so many messages a second reach a screen.
const PACE: Duration = Duration::from_millis(250);
/// Rights are asked again at least so often, even when nothing happens.
const RIGHTS: Duration = Duration::from_secs(30);

/// What may be followed, over a WebSocket (graphql-transport-ws).
pub struct Subscription;

/// How far a batch is.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct BatchProgress {
    /// Which batch.
    pub batch_id: Uuid,
    /// Where it stands.
    pub state: BatchState,
    /// How far it is.
    pub progress: Progress,
}

#[expect(
    clippy::unused_async,
    reason = "the macro wants asynchronous functions"
)]
#[GraphQlSubscription]
impl Subscription {
    /// How far a batch is: now, then at each change, until it is over. It ends at once for a batch that
    /// does not exist or is not seen, and when the right to see it is withdrawn.
    async fn batch_progress(
        &self,
        context: &Context<'_>,
        batch_id: Uuid,
    ) -> Result<impl Stream<Item = Result<BatchProgress>> + use<>> {
        let asker = asker(context, Permission::Read)?.clone();
        let reads = context.data::<Reads>()?.clone();
        Ok(follow(reads, asker, batch_id))
    }
}

fn follow(reads: Reads, asker: Asker, batch: Uuid) -> impl Stream<Item = Result<BatchProgress>> {
    async_stream::stream! {
        let mut changes = reads.changes();
        let mut told = None;
        loop {
            changes.mark_unchanged();
            let now = match progress(&reads, &asker, batch).await {
                Ok(Some(now)) => now,
                Ok(None) => return,
                Err(cause) => {
                    yield Err(faults::internal(&cause));
                    return;
                }
            };
            let over = matches!(now.state, BatchState::Completed | BatchState::Cancelled);
            if told.as_ref() != Some(&now) {
                told = Some(now.clone());
                yield Ok(now);
            }
            if over {
                return;
            }
            tokio::time::sleep(PACE).await;
            // Whether something changed or it is time to ask for the rights again: look.
            let _ = tokio::time::timeout(RIGHTS, changes.changed()).await;
        }
    }
}

/// How far the batch is, for whoever holds the token now.
async fn progress(
    reads: &Reads,
    asker: &Asker,
    batch: Uuid,
) -> Result<Option<BatchProgress>, sqlx::Error> {
    let Some(principal) = access::authenticate(&reads.pool, &asker.bearer).await? else {
        return Ok(None);
    };
    let asker = Asker::new(principal, asker.bearer.clone());
    if asker.may(Permission::Read).is_err() {
        return Ok(None);
    }
    let rows = batches::by_ids(&reads.pool, &asker.scope, &[batch]).await?;
    let Some(BatchRow { state, .. }) = rows.into_iter().next() else {
        return Ok(None);
    };
    let progress = documents::progress(&reads.pool, &[batch]).await?;
    let progress = progress.into_iter().next().unwrap_or_default();
    Ok(Some(BatchProgress {
        batch_id: batch,
        state,
        progress,
    }))
}
