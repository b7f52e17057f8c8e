//! What may be followed.

use super::{
    asking::{Asker, Reads, asker},
    faults,
};
use crate::access;
use async_graphql::{Context, Result, SimpleObject, Subscription as GraphQlSubscription};
use futures::{Stream, StreamExt as _};
use navette_domain::policy::Permission;
use navette_projections::{
    batches::{self, BatchRow},
    documents::{self, Progress},
    dossiers::DossierFilter,
    kinds::{BatchState, Position},
    list,
    page::{Count, ListFault, PageRequest},
    selections,
    timeline::{AuditFilter, AuditOrder, TimelineRow},
};
use std::time::Duration;
use uuid::Uuid;

/// At most so many messages a second reach a screen.
const PACE: Duration = Duration::from_millis(250);
/// Rights are asked again at least so often, even when nothing happens.
const RIGHTS: Duration = Duration::from_secs(30);

/// The most entries of one message.
const MOST: i32 = 100;

/// What may be followed, over a WebSocket (graphql-transport-ws) or as server-sent events (graphql-sse).
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
    /// The position to pass as `after` to go on from here.
    pub position: Position,
}

#[expect(
    clippy::unused_async,
    reason = "the macro wants asynchronous functions"
)]
#[GraphQlSubscription]
impl Subscription {
    /// How far a batch is: now, then at each change, until it is over. After the position that was last seen, or
    /// that the start of the batch answered: what is told is at least as recent. It ends at once for a batch that
    /// does not exist or is not seen, and when the right to see it is withdrawn.
    async fn batch_progress(
        &self,
        context: &Context<'_>,
        batch_id: Uuid,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<BatchProgress>> + use<>> {
        let asker = asker(context, Permission::Read)?.clone();
        let reads = context.data::<Reads>()?.clone();
        Ok(follow(reads, asker, batch_id, after))
    }

    /// What happens to a dossier and its documents: after the position that was last seen, else from now on.
    /// It ends when the dossier, or the right to see it, is no more; nothing is told of one that is not seen.
    async fn dossier_events(
        &self,
        context: &Context<'_>,
        dossier_id: Uuid,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<Vec<TimelineRow>>> + use<>> {
        let asker = asker(context, Permission::Read)?.clone();
        let reads = context.data::<Reads>()?.clone();
        let what = Followed::Dossier(dossier_id);
        let changes = entries(reads, asker, what, after);
        Ok(changes.map(|change| change.map(|change| change.entries)))
    }

    /// What happens to the dossiers of a selection, and how many they are: now, then at each change. After
    /// the position that was last seen, else from now on. It ends when the selection is removed, made private,
    /// or when the right to read is withdrawn.
    async fn selection_changes(
        &self,
        context: &Context<'_>,
        selection_id: Uuid,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<SelectionChange>> + use<>> {
        let asker = asker(context, Permission::Read)?.clone();
        let reads = context.data::<Reads>()?.clone();
        Ok(entries(
            reads,
            asker,
            Followed::Selection(selection_id),
            after,
        ))
    }
}

/// What happened to the dossiers of a selection.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct SelectionChange {
    /// How many dossiers it holds now, of those that are seen.
    pub total: Count,
    /// What happened to them, the oldest first; empty when only the number changed.
    pub entries: Vec<TimelineRow>,
    /// The position to pass as `after` to go on from here.
    pub position: Position,
}

#[derive(Debug, Clone, Copy)]
enum Followed {
    Dossier(Uuid),
    Selection(Uuid),
}

fn entries(
    reads: Reads,
    asker: Asker,
    what: Followed,
    after: Option<Position>,
) -> impl Stream<Item = Result<SelectionChange>> {
    async_stream::stream! {
        let mut changes = reads.changes();
        let resumed = after.is_some();
        let mut position = after.unwrap_or(Position(reads.standing().position));
        let mut told = None;
        loop {
            changes.mark_unchanged();
            let change = match look(&reads, &asker, what, position).await {
                Ok(Some(change)) => change,
                Ok(None) => return,
                Err(cause) => {
                    yield Err(faults::list(cause));
                    return;
                }
            };
            let more = change.entries.len() == usize::try_from(MOST).unwrap_or_default();
            // A dossier's total says nothing; a selection begins with its own.
            let is_news = match what {
                Followed::Dossier(_) => !change.entries.is_empty(),
                Followed::Selection(_) => {
                    !change.entries.is_empty() || (told != Some(change.total) && !(resumed && told.is_none()))
                }
            };
            position = change.position;
            told = Some(change.total);
            if is_news {
                yield Ok(change);
            }
            if more {
                continue;
            }
            tokio::time::sleep(PACE).await;
            // Whether something changed or it is time to ask for the rights again: look.
            let _ = tokio::time::timeout(RIGHTS, changes.changed()).await;
        }
    }
}

/// What happened since a position, for whoever holds the token now; `None` when there is nothing to follow.
async fn look(
    reads: &Reads,
    asker: &Asker,
    what: Followed,
    after: Position,
) -> Result<Option<SelectionChange>, ListFault> {
    let Some(asker) = still(reads, asker).await? else {
        return Ok(None);
    };
    let (pool, scope) = (&reads.pool, &asker.scope);
    let dossiers = match what {
        Followed::Dossier(id) => DossierFilter {
            id: Some(vec![id]),
            ..DossierFilter::default()
        },
        Followed::Selection(id) => {
            let actor = &asker.principal.actor;
            match selections::filter_of(pool, actor, id).await? {
                Some(filter) => filter,
                None => return Ok(None),
            }
        }
    };
    let total = list::count(pool, scope, &dossiers).await?;
    if matches!(what, Followed::Dossier(_)) && total.value == 0 {
        return Ok(None);
    }
    let filter = AuditFilter {
        dossier_is: Some(Box::new(dossiers)),
        after: Some(after),
        ..AuditFilter::default()
    };
    let request = PageRequest::new(Some(MOST), None)?;
    let slice = list::page(pool, scope, &filter, &[AuditOrder::OldestFirst], &request).await?;
    let entries: Vec<TimelineRow> = slice.rows.into_iter().map(|(_, row)| row).collect();
    let position = entries.last().map_or(after, |entry| entry.position);
    Ok(Some(SelectionChange {
        total,
        entries,
        position,
    }))
}

/// Whoever holds the token now, if they may still read.
async fn still(reads: &Reads, asker: &Asker) -> Result<Option<Asker>, sqlx::Error> {
    let principal = access::authenticate(&reads.pool, &asker.bearer).await?;
    let asker = principal.map(|principal| Asker::new(principal, asker.bearer.clone()));
    Ok(asker.filter(|asker| asker.may(Permission::Read).is_ok()))
}

fn follow(
    reads: Reads,
    asker: Asker,
    batch: Uuid,
    after: Option<Position>,
) -> impl Stream<Item = Result<BatchProgress>> {
    async_stream::stream! {
        if let Err(late) = reads.reached(after).await {
            yield Err(late);
            return;
        }
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
            // That the log went on says nothing of this batch.
            let news = (now.state, now.progress.clone());
            if told.as_ref() != Some(&news) {
                told = Some(news);
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
    let Some(asker) = still(reads, asker).await? else {
        return Ok(None);
    };
    // What is read from here on is at least as recent.
    let position = Position(reads.standing().position);
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
        position,
    }))
}
