//! Exports, their models and the columns they may have, as queries show them.

use super::{
    asking::{asker, reading},
    faults,
};
use crate::exports::{self as making, Exports, Progress};
use async_graphql::{ComplexObject, Context, Json, Object, Result, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};
use navette_domain::{
    export::{Choice, columns},
    ids::ExportId,
    policy::Permission,
};
use navette_projections::{
    dossiers,
    export_models::{self, ExportModelRow},
    exports::{self, ExportRow},
    kinds::{CellKind, ExportState, Position},
    page::{LONGEST, PageFault, USUAL},
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

    /// Which dossiers, as the filter was written.
    async fn filter(&self) -> Json<serde_json::Value> {
        Json(self.0.filter.0.clone())
    }

    /// How far it is, while its file is being made.
    async fn progress(&self, context: &Context<'_>) -> Option<Result<Progress>> {
        if self.0.state != ExportState::Requested {
            return None;
        }
        let read = async {
            let (reads, _) = reading(context, None).await?;
            let progress = making::progress(&reads.pool, ExportId(self.0.id)).await;
            progress.map_err(|cause| faults::internal(&cause))
        };
        read.await.transpose()
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

#[Object]
impl ExportQuery {
    /// The last exports of whoever asks, the newest first; of everybody, for auditors and administrators.
    #[graphql(complexity = "5 + 20 * child_complexity")]
    async fn exports(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        at_least: Option<Position>,
    ) -> Option<Result<Vec<Export>>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let first = first.unwrap_or(USUAL);
            if !(1..=LONGEST).contains(&first) {
                return Err(faults::bad_request(PageFault::Size.to_string()));
            }
            let rows = exports::latest(&reads.pool, &asker.principal, first).await;
            let rows = rows.map_err(|cause| faults::internal(&cause))?;
            Ok(rows.into_iter().map(Into::into).collect())
        };
        Some(answer.await)
    }

    /// One export; null when it does not exist or is somebody else's.
    async fn export(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Option<Result<Export>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let row = exports::by_id(&reads.pool, &asker.principal, id).await;
            row.map_err(|cause| faults::internal(&cause))
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }

    /// The models of exports that whoever asks may use, by name.
    #[graphql(complexity = "5 + 20 * child_complexity")]
    async fn export_models(
        &self,
        context: &Context<'_>,
        at_least: Option<Position>,
    ) -> Option<Result<Vec<ExportModel>>> {
        let answer = async {
            let (reads, asker) = reading(context, at_least).await?;
            let rows = export_models::of(&reads.pool, &asker.principal.actor).await;
            let rows = rows.map_err(|cause| faults::internal(&cause))?;
            Ok(rows.into_iter().map(Into::into).collect())
        };
        Some(answer.await)
    }

    /// The columns that exports may have: those of the dictionary, and the fields that dossiers have of their
    /// own. `montant.AAAA` and `versements.AAAA` are columns too, for any year.
    #[graphql(complexity = "20 + 20 * child_complexity")]
    async fn export_columns(&self, context: &Context<'_>) -> Option<Result<Vec<ExportColumn>>> {
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
