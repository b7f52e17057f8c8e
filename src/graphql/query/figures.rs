//! Figures: totals of dossiers, and why things wait.

use super::Fallible;
use crate::{
    dispatch::Dispatcher,
    graphql::{asking::reading, faults},
};
use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use navette_domain::pause::{Pause, Pauses, Target};
use navette_projections::{
    documents::{self, DocumentFilter, Trouble, Watchdog},
    dossiers::{self, DossierDimension, DossierFilter, DossierTotal},
    effects::{self, EffectCause, EffectFilter},
    kinds::Position,
    neighbours::{self, NeighbourRow},
};
use uuid::Uuid;

/// The most lines of figures.
const MOST: i64 = 1_000;
/// The most causes.
const MOST_CAUSES: u8 = 100;

/// What operators hold.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
#[graphql(name = "Pause")]
pub struct PauseRow {
    /// What is held, in words.
    what: String,
    /// The neighbour's stored name.
    neighbour: Option<String>,
    /// The chain's id.
    chain_id: Option<Uuid>,
    /// The document's id.
    document_id: Option<Uuid>,
    /// Why.
    reason: String,
    /// Since when.
    since: DateTime<Utc>,
}

impl From<&Pause> for PauseRow {
    fn from(pause: &Pause) -> Self {
        let mut row = Self {
            what: pause.target.to_string(),
            neighbour: None,
            chain_id: None,
            document_id: None,
            reason: pause.reason.clone(),
            since: pause.since,
        };
        match pause.target {
            Target::Everything => {}
            Target::Neighbour { neighbour } => row.neighbour = Some(neighbour.code().to_owned()),
            Target::Chain { chain } => row.chain_id = Some(chain.0),
            Target::Document { document } => row.document_id = Some(document.0),
        }
        row
    }
}

/// Questions about figures.
#[derive(Default)]
pub struct FigureQuery;

#[Object]
impl FigureQuery {
    /// How many dossiers there are, and how much they ask and are granted, told apart by these dimensions:
    /// one line in all without any, at most 1 000 lines.
    #[graphql(complexity = "100 + 10 * child_complexity")]
    async fn dossier_totals(
        &self,
        context: &Context<'_>,
        filter: Option<DossierFilter>,
        #[graphql(default)] by: Vec<DossierDimension>,
        at_least: Option<Position>,
    ) -> Fallible<Vec<DossierTotal>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let filter = filter.unwrap_or_default();
            dossiers::totals(&reads.pool, &asker.scope, &filter, &by, MOST)
                .await
                .map_err(faults::list)
        };
        Some(answer.await)
    }

    /// Why documents wait for a person: their stopped steps by cause, the most frequent first, at most 100. The
    /// filter of documents takes a cause.
    #[graphql(complexity = "50 + 10 * child_complexity")]
    async fn troubles(
        &self,
        context: &Context<'_>,
        filter: Option<DocumentFilter>,
        at_least: Option<Position>,
    ) -> Fallible<Vec<Trouble>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let filter = filter.unwrap_or_default();
            documents::troubles(&reads.pool, &asker.scope, &filter, MOST_CAUSES.into())
                .await
                .map_err(faults::list)
        };
        Some(answer.await)
    }

    /// Why outside work waits, the most frequent cause first, at most 100.
    #[graphql(complexity = "50 + 10 * child_complexity")]
    async fn effect_causes(
        &self,
        context: &Context<'_>,
        filter: Option<EffectFilter>,
    ) -> Fallible<Vec<EffectCause>> {
        let answer = async {
            let (reads, asker) = reading(context, None).await?;
            let filter = filter.unwrap_or_default();
            effects::causes(&reads.pool, &asker.scope, &filter, MOST_CAUSES.into())
                .await
                .map_err(faults::list)
        };
        Some(answer.await)
    }

    /// What the watchdog says: whether every document that is not over has a next date, and which do not move.
    #[graphql(complexity = "50 + 10 * child_complexity")]
    async fn watchdog(
        &self,
        context: &Context<'_>,
        #[graphql(default = 30)] still_days: i32,
        at_least: Option<Position>,
    ) -> Fallible<Watchdog> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            documents::watchdog(&reads.pool, &asker.scope, still_days)
                .await
                .map_err(|cause| faults::internal(&cause))
        };
        Some(answer.await)
    }

    /// What operators hold, beside batches, in the order in which the pauses began.
    async fn pauses(&self, context: &Context<'_>) -> Fallible<Vec<PauseRow>> {
        let answer = async {
            let (reads, asker) = reading(context, None).await?;
            let dispatcher = context.data::<Dispatcher>()?;
            let pauses = dispatcher.load::<Pauses>(Pauses::STREAM).await;
            let pauses = pauses.map_err(|cause| faults::internal(&cause))?;
            let rows: Vec<PauseRow> = pauses.state.all().iter().map(PauseRow::from).collect();
            let held: Vec<Uuid> = rows.iter().filter_map(|row| row.document_id).collect();
            let seen = documents::by_ids(&reads.pool, &asker.scope, &held).await;
            let seen = seen.map_err(|cause| faults::internal(&cause))?;
            let is_seen = |id: Uuid| seen.iter().any(|document| document.id == id);
            let rows = rows.into_iter();
            Ok(rows
                .filter(|row| row.document_id.is_none_or(is_seen))
                .collect())
        };
        Some(answer.await)
    }

    /// The neighbours as the engine sees them: what waits for each, who left it alone, how gates stand.
    #[graphql(complexity = "50 + 10 * child_complexity")]
    async fn neighbours(&self, context: &Context<'_>) -> Fallible<Vec<NeighbourRow>> {
        let answer = async {
            let (reads, _) = reading(context, None).await?;
            neighbours::all(&reads.pool)
                .await
                .map_err(|cause| faults::internal(&cause))
        };
        Some(answer.await)
    }
}
