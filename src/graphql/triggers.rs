//! Triggers, as queries show them.

use super::{
    asking::reading,
    connection::Connection,
    export_schedules::ExportCalendar,
    loaders::{self, BatchById, LeftOutOf, TriggerById},
    objects::Batch,
    query::{Fallible, listed, page, page_cost},
};
use async_graphql::{ComplexObject, Context, ID, Json, Object, Result, SimpleObject};
use navette_domain::trigger::Occasion;
use navette_projections::{
    global,
    kinds::{DocumentStatus, DossierStatus, OccasionKind, Position},
    triggers::{LeftOutRow, TriggerFilter, TriggerOrder, TriggerRow},
};
use uuid::Uuid;

/// What starts a chain without a clerk.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Trigger {
    #[graphql(flatten)]
    row: TriggerRow,
}

impl From<TriggerRow> for Trigger {
    fn from(row: TriggerRow) -> Self {
        Self { row }
    }
}

/// When a trigger fires.
#[derive(SimpleObject)]
pub struct TriggerOccasion {
    /// On what.
    kind: OccasionKind,
    /// The status that a dossier reaches.
    status: Option<DossierStatus>,
    /// The code of the other chain.
    chain: Option<String>,
    /// How a document ends there.
    ending: Option<DocumentStatus>,
    /// When its calendar is due.
    calendar: Option<ExportCalendar>,
    /// What a clerk reads.
    sentence: String,
}

impl From<&Occasion> for TriggerOccasion {
    fn from(occasion: &Occasion) -> Self {
        let nothing = |kind| Self {
            kind,
            status: None,
            chain: None,
            ending: None,
            calendar: None,
            sentence: occasion.sentence(),
        };
        match occasion {
            Occasion::Status { status } => Self {
                status: Some((*status).into()),
                ..nothing(OccasionKind::Status)
            },
            Occasion::Chain { chain, ending } => Self {
                chain: Some(chain.clone()),
                ending: Some((*ending).into()),
                ..nothing(OccasionKind::Chain)
            },
            Occasion::Calendar(calendar) => Self {
                calendar: Some(calendar.into()),
                ..nothing(OccasionKind::Calendar)
            },
        }
    }
}

#[ComplexObject]
impl Trigger {
    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Trigger", self.row.id)
    }

    /// When it fires.
    async fn occasion(&self) -> TriggerOccasion {
        (&self.row.occasion.0).into()
    }

    /// The filter that dossiers must pass, as it was written.
    async fn filter(&self) -> Option<Json<serde_json::Value>> {
        let filter = self.row.filter.as_ref()?;
        Some(Json(filter.0.clone()))
    }

    /// The last batch that it started.
    async fn last_batch(&self, context: &Context<'_>) -> Option<Result<Batch>> {
        let row = loaders::load(context, BatchById(self.row.last_batch_id?)).await;
        row.transpose().map(|row| row.map(Into::into))
    }

    /// The dossiers that its chain did not take, with the reasons: the last 100 of those that are seen.
    #[graphql(complexity = "10 + 25 * child_complexity")]
    async fn left_out_dossiers(&self, context: &Context<'_>) -> Fallible<Vec<LeftOutRow>> {
        let rows = loaders::load(context, LeftOutOf(self.row.id)).await;
        Some(rows.map(Option::unwrap_or_default))
    }
}

/// What may be asked about triggers.
#[derive(Default)]
pub struct TriggerQuery;

#[expect(
    clippy::too_many_arguments,
    reason = "the arguments of a list are those that Relay names, and ours"
)]
#[Object]
impl TriggerQuery {
    /// The triggers of whoever asks, by name unless told; of everybody, for auditors and administrators.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn triggers(
        &self,
        context: &Context<'_>,
        filter: Option<TriggerFilter>,
        order_by: Option<Vec<TriggerOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<Trigger>> {
        let page = page(first, after, last, before);
        let orders: Vec<TriggerOrder> = order_by.unwrap_or_default();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// One trigger; null when it does not exist or is somebody else's.
    async fn trigger(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Fallible<Trigger> {
        let answer = async {
            reading(context, at_least).await?;
            loaders::load(context, TriggerById(id)).await
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }
}
