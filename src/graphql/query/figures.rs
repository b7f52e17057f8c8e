//! Figures: totals of dossiers, and why things wait.

use super::Fallible;
use crate::graphql::{asking::reading, faults};
use async_graphql::{Context, Object};
use navette_projections::{
    documents::{self, DocumentFilter, Trouble, Watchdog},
    dossiers::{self, DossierDimension, DossierFilter, DossierTotal},
    effects::{self, EffectCause, EffectFilter},
    kinds::Position,
    neighbours::{self, NeighbourRow},
};

/// The most lines of figures.
const MOST: i64 = 1_000;
/// The most causes.
const MOST_CAUSES: i64 = 100;

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

    /// Why documents wait for a person, the most frequent reason first, at most 100.
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
            documents::troubles(&reads.pool, &asker.scope, &filter, MOST_CAUSES)
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
            effects::causes(&reads.pool, &asker.scope, &filter, MOST_CAUSES)
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
