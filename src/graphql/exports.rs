//! Exports, their models and the columns they may have, as queries show them.

use super::{
    asking::{asker, reading},
    connection::Connection,
    faults,
    loaders::{self, ExportById, ExportProgressOf},
    query::{Fallible, listed, page, page_cost},
};
use crate::exports::{Exports, Progress};
use async_graphql::{ComplexObject, Context, ID, Json, Object, Result, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};
use navette_domain::{
    export::{Choice, columns},
    policy::Permission,
};
use navette_projections::{
    dossiers,
    export_models::{ExportModelFilter, ExportModelOrder, ExportModelRow},
    exports::{ExportFilter, ExportOrder, ExportRow},
    global,
    kinds::{CellKind, ExportState, Position},
};
use uuid::Uuid;

/// Rows of dossiers that leave as a file.
pub struct Export(ExportRow);

impl From<ExportRow> for Export {
    fn from(row: ExportRow) -> Self {
        Self(row)
    }
}

/// A column that somebody chose.
#[derive(SimpleObject)]
pub struct ChosenColumn {
    /// Its name in the dictionary.
    column: String,
    /// Its heading, when not the usual one.
    title: Option<String>,
}

impl From<&Choice> for ChosenColumn {
    fn from(choice: &Choice) -> Self {
        Self {
            column: choice.column.clone(),
            title: choice.title.clone(),
        }
    }
}

#[Object]
impl Export {
    #[graphql(flatten)]
    fn row(&self) -> &ExportRow {
        &self.0
    }

    /// Its columns in their order; none for the usual ones, or those of the format.
    async fn columns(&self) -> Vec<ChosenColumn> {
        self.0.columns.iter().map(Into::into).collect()
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Export", self.0.id)
    }

    /// Which dossiers, as the filter was written; of a selection, what it held then.
    async fn filter(&self) -> Json<serde_json::Value> {
        Json(self.0.filter.0.clone())
    }

    /// The selection that was named instead of a filter.
    async fn selection_id(&self) -> Option<Uuid> {
        self.0.selection_id
    }

    /// How far it is, while its file is being made.
    async fn progress(&self, context: &Context<'_>) -> Option<Result<Progress>> {
        if self.0.state != ExportState::Requested {
            return None;
        }
        let progress = loaders::load(context, ExportProgressOf(self.0.id)).await;
        progress.transpose()
    }

    /// Where its file is taken, by whoever asked for it; null while, and once, there is none.
    async fn download_path(&self, context: &Context<'_>) -> Option<String> {
        let asker = asker(context, Permission::Export).ok()?;
        let whole = self.0.state == ExportState::Completed && self.0.kept;
        (whole && asker.principal.actor == self.0.requested_by)
            .then(|| format!("/exports/{}/file", self.0.id))
    }

    /// Until when its file is kept.
    async fn kept_until(&self, context: &Context<'_>) -> Option<DateTime<Utc>> {
        let kept_for = context.data::<Exports>().ok()?.kept_for();
        let whole = self.0.state == ExportState::Completed && self.0.kept;
        let ended = self.0.ended_at.filter(|_| whole)?;
        Some(ended + TimeDelta::from_std(kept_for).ok()?)
    }
}

/// A format and columns that somebody keeps.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ExportModel {
    #[graphql(flatten)]
    row: ExportModelRow,
}

impl From<ExportModelRow> for ExportModel {
    fn from(row: ExportModelRow) -> Self {
        Self { row }
    }
}

#[ComplexObject]
impl ExportModel {
    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("ExportModel", self.row.id)
    }

    /// The columns in their order; none for the usual ones.
    async fn columns(&self) -> Vec<ChosenColumn> {
        self.row.columns.iter().map(Into::into).collect()
    }
}

/// A column that exports may have.
#[derive(SimpleObject)]
pub struct ExportColumn {
    /// Its name.
    name: String,
    /// What people read.
    label: String,
    /// What its cells hold.
    kind: CellKind,
    /// How many dossiers have it, for a field of their own.
    dossiers: Option<u64>,
}

/// What may be asked about exports.
#[derive(Default)]
pub struct ExportQuery;

#[expect(
    clippy::too_many_arguments,
    reason = "the arguments of a list are those that Relay names, and ours"
)]
#[Object]
impl ExportQuery {
    /// The exports of whoever asks, the newest first unless told; of everybody, for auditors and administrators.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn exports(
        &self,
        context: &Context<'_>,
        filter: Option<ExportFilter>,
        order_by: Option<Vec<ExportOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Export>> {
        let page = page(first, after, last, before);
        let orders: Vec<ExportOrder> = order_by.unwrap_or_default();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// One export; null when it does not exist or is somebody else's.
    async fn export(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Fallible<Export> {
        let answer = async {
            reading(context, at_least).await?;
            loaders::load(context, ExportById(id)).await
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }

    /// The models of exports that whoever asks may use, by name unless told.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn export_models(
        &self,
        context: &Context<'_>,
        filter: Option<ExportModelFilter>,
        order_by: Option<Vec<ExportModelOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<ExportModel>> {
        let page = page(first, after, last, before);
        let orders: Vec<ExportModelOrder> = order_by.unwrap_or_default();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// The columns that exports may have: those of the dictionary, and the fields that dossiers have of their
    /// own. `montant.AAAA` and `versements.AAAA` are columns too, for any year.
    #[graphql(complexity = "20 + 20 * child_complexity")]
    async fn export_columns(&self, context: &Context<'_>) -> Fallible<Vec<ExportColumn>> {
        let answer = async {
            let (reads, asker) = reading(context, None).await?;
            let own = dossiers::custom_fields(&reads.pool, &asker.scope).await;
            let own = own.map_err(|cause| faults::internal(&cause))?;
            let own = own.into_iter().filter_map(|(field, dossiers)| {
                let name = format!("{}.{field}", navette_domain::dictionary::CUSTOM);
                Some((columns::find(&name).ok()?, Some(dossiers)))
            });
            let all = columns::all().map(|column| (column, None)).chain(own);
            let shown = all.map(|(column, dossiers)| ExportColumn {
                name: column.name,
                label: column.label,
                kind: column.kind.into(),
                dossiers,
            });
            Ok(shown.collect())
        };
        Some(answer.await)
    }
}
