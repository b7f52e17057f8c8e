//! A dossier.

use super::{
    Attachment, Document, ThirdParty, history,
    history::{DossierState, History, HistoryStep, Moment, StateChange, past},
};
use crate::graphql::loaders::{self, AttachmentsOf, DocumentsOf, ThirdPartyById};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::NaiveDate;
use navette_domain::french;
use navette_projections::{
    dossiers::DossierRow,
    global,
    kinds::{Cents, Position},
    timeline::{Kind, TimelineRow},
};
use uuid::Uuid;

/// A request for a subsidy.
pub struct Dossier(DossierRow);

impl From<DossierRow> for Dossier {
    fn from(row: DossierRow) -> Self {
        Self(row)
    }
}

impl Dossier {
    /// Its id.
    pub fn id(&self) -> Uuid {
        self.0.id
    }

    /// Its third party.
    pub fn third_party_id(&self) -> Uuid {
        self.0.third_party_id
    }
}

/// One payment of a schedule.
#[derive(SimpleObject)]
pub struct Payment {
    /// What it is.
    label: String,
    /// When, if a date is set.
    date: Option<NaiveDate>,
    /// How much.
    amount: Cents,
}

/// Something else that a source says.
#[derive(SimpleObject)]
pub struct CustomField {
    /// The column's name.
    name: String,
    /// What it holds.
    value: String,
}

#[Object]
impl Dossier {
    #[graphql(flatten)]
    fn row(&self) -> &DossierRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Dossier", self.0.id)
    }

    /// Where it stands, in French.
    async fn status_label(&self) -> &'static str {
        french::dossier_status(self.0.status.into())
    }

    /// Who asks.
    async fn third_party(&self, context: &Context<'_>) -> Option<Result<ThirdParty>> {
        let key = ThirdPartyById(self.0.third_party_id);
        let row = loaders::load(context, key).await.transpose();
        row.map(|row| row.map(Into::into))
    }

    /// The schedule of payments.
    async fn payments(&self) -> Vec<Payment> {
        let shown = |payment: &navette_domain::dossier::Payment| Payment {
            label: payment.label.clone(),
            date: payment.date,
            amount: payment.amount.into(),
        };
        self.0.payments.iter().map(shown).collect()
    }

    /// Whatever else its source says, by name.
    async fn custom(&self) -> Vec<CustomField> {
        let shown = |(name, value): (&String, &String)| CustomField {
            name: name.clone(),
            value: value.clone(),
        };
        self.0.custom.iter().map(shown).collect()
    }

    /// Its documents, the oldest first.
    #[graphql(complexity = "5 + 2 * child_complexity")]
    async fn documents(&self, context: &Context<'_>) -> Option<Result<Vec<Document>>> {
        let rows = loaders::load(context, DocumentsOf(self.0.id)).await;
        Some(rows.map(|rows| rows.into_iter().flatten().map(Into::into).collect()))
    }

    /// The files that were added to it, the oldest first.
    #[graphql(complexity = "5 + 2 * child_complexity")]
    async fn attachments(&self, context: &Context<'_>) -> Option<Result<Vec<Attachment>>> {
        let rows = loaders::load(context, AttachmentsOf(self.0.id)).await;
        Some(rows.map(|rows| rows.into_iter().flatten().map(Into::into).collect()))
    }

    /// Its history, with that of its documents: at most 100 entries, the oldest first, after a position.
    #[graphql(complexity = "10 + 2 * child_complexity")]
    async fn timeline(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<Position>,
    ) -> Option<Result<Vec<TimelineRow>>> {
        Some(history(context, Kind::Dossier, self.0.id, first, after).await)
    }

    /// Where its bundle is taken, by a POST whose body is the checkpoint that the auditor holds, or nothing.
    async fn bundle_path(&self) -> String {
        format!("/dossiers/{}/bundle", self.0.id)
    }

    /// How it stood at a moment, with its documents and their signatures; now unless told.
    #[graphql(complexity = "200 + child_complexity")]
    async fn state(
        &self,
        context: &Context<'_>,
        as_of: Option<Moment>,
    ) -> Option<Result<DossierState>> {
        let answer = async {
            let as_of = match as_of {
                Some(moment) => Some(past(context, moment).await?),
                None => None,
            };
            let history = History::read(context, self.0.id).await?;
            Ok(history.state(as_of))
        };
        Some(answer.await)
    }

    /// What changed between two moments, field by field; until now unless told.
    #[graphql(complexity = "200 + child_complexity")]
    async fn changes(
        &self,
        context: &Context<'_>,
        from: Moment,
        to: Option<Moment>,
    ) -> Option<Result<Vec<StateChange>>> {
        let answer = async {
            let from = past(context, from).await?;
            let to = match to {
                Some(moment) => Some(past(context, moment).await?),
                None => None,
            };
            let history = History::read(context, self.0.id).await?;
            Ok(history.changes(from, to))
        };
        Some(answer.await)
    }

    /// Its history replayed, with that of its documents and their signatures: each event, what it changed,
    /// and the state after it. At most 100 events, the oldest first, after a position.
    #[graphql(complexity = "200 + 4 * child_complexity")]
    async fn steps(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<Position>,
    ) -> Option<Result<Vec<HistoryStep>>> {
        let history = History::read(context, self.0.id).await;
        Some(history.and_then(|history| history.steps(first, after)))
    }
}
