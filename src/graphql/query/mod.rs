//! What may be asked: lists, single objects, figures, and what is set up.

mod catalogue;
mod figures;
mod lists;
mod preview;
mod rehearsal;
mod single;

pub(super) use lists::{dossiers, listed, page};

use super::{export_schedules::ExportScheduleQuery, exports::ExportQuery, triggers::TriggerQuery};
use async_graphql::{MergedObject, Result};
use navette_projections::page::{LONGEST, USUAL};

/// What may be asked. `atLeast` waits, for a few seconds, until what was written at that position is shown.
#[derive(Default, MergedObject)]
pub struct Query(
    lists::ListQuery,
    single::SingleQuery,
    figures::FigureQuery,
    catalogue::CatalogueQuery,
    preview::PreviewQuery,
    rehearsal::RehearsalQuery,
    ExportQuery,
    ExportScheduleQuery,
    TriggerQuery,
);

/// What a page costs: rows of one page are read together, so a row costs less than a query.
pub(super) fn page_cost(rows: Option<i32>, of_a_row: usize) -> usize {
    let rows = rows.unwrap_or(USUAL).clamp(1, LONGEST);
    usize::try_from(rows).unwrap_or(1) * of_a_row / 4
}

/// Only what can fail is fallible to the client: a failed field is null, its neighbours are there.
pub(super) type Fallible<T> = Option<Result<T>>;
