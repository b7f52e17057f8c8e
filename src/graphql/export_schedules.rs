//! Schedules of exports, as queries show them.

use super::{
    asking::{Asker, reading},
    connection::Connection,
    exports::{ChosenColumn, Export},
    faults,
    loaders::{self, ExportById, ExportScheduleById},
    query::{Fallible, listed, page, page_cost},
};
use crate::{dispatch::Dispatcher, schedules::Schedules};
use async_graphql::{ComplexObject, Context, ID, Json, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use navette_domain::export::schedule::{self, Days, Destination};
use navette_projections::{
    export_schedules::{ExportScheduleFilter, ExportScheduleOrder, ExportScheduleRow, LastRun},
    global,
    kinds::{DestinationKind, ExportFormat, Position, RunState, Weekday},
};
use uuid::Uuid;

/// An export that is made again and again, and delivered.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ExportSchedule {
    #[graphql(flatten)]
    row: ExportScheduleRow,
}

impl From<ExportScheduleRow> for ExportSchedule {
    fn from(row: ExportScheduleRow) -> Self {
        Self { row }
    }
}

/// When a schedule is due, by the clocks of France.
#[derive(SimpleObject)]
pub struct ExportCalendar {
    /// On these days of every week; null for days of the month.
    weekdays: Option<Vec<Weekday>>,
    /// On these days of every month, the last one of a month that is shorter; null for days of the week.
    month_days: Option<Vec<u32>>,
    /// At this hour …
    hour: u32,
    /// … and this minute.
    minute: u32,
    /// What a clerk reads.
    sentence: String,
}

impl From<&schedule::Calendar> for ExportCalendar {
    fn from(calendar: &schedule::Calendar) -> Self {
        let (weekdays, month_days) = match &calendar.days {
            Days::Week(days) => (Some(days.iter().copied().map(Into::into).collect()), None),
            Days::Month(days) => (None, Some(days.clone())),
        };
        Self {
            weekdays,
            month_days,
            hour: calendar.hour,
            minute: calendar.minute,
            sentence: calendar.sentence(),
        }
    }
}

/// Where the files of a schedule go.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ExportDestination {
    /// To what.
    kind: DestinationKind,
    /// The folder or collection, as the configuration names it.
    name: Option<String>,
    /// How many addresses they go to.
    recipients: i32,
    #[graphql(skip)]
    schedule: Uuid,
    #[graphql(skip)]
    owner: String,
}

#[ComplexObject]
impl ExportDestination {
    /// The addresses, for whoever saved the schedule; without those that were erased. Only the log tells them.
    #[graphql(complexity = 50)]
    async fn email(&self, context: &Context<'_>) -> Option<Result<Vec<String>>> {
        let read = async {
            let theirs = context.data::<Asker>()?.principal.actor == self.owner;
            if self.kind != DestinationKind::Email || !theirs {
                return Ok(None);
            }
            let dispatcher = context.data::<Dispatcher>()?;
            let loaded = dispatcher
                .load::<schedule::ExportSchedule>(self.schedule)
                .await;
            let loaded = loaded.map_err(|cause| faults::internal(&cause))?;
            let said = loaded.state.schedule().map(|said| &said.destination);
            Ok(match said {
                Some(Destination::Email(addresses)) => {
                    let known = addresses.iter().flatten();
                    Some(known.map(|one| one.reveal().to_string()).collect())
                }
                _ => None,
            })
        };
        read.await.transpose()
    }
}

/// The run of a schedule that is under way, or its last.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ExportRun {
    /// When it was due.
    due_at: DateTime<Utc>,
    /// Where it stands.
    state: RunState,
    /// When it was delivered or given up.
    ended_at: Option<DateTime<Utc>>,
    /// How often its delivery failed.
    failures: i32,
    /// Why, the last time; none once it is delivered.
    failure: Option<String>,
    /// When its delivery is tried again.
    retry_at: Option<DateTime<Utc>>,
    /// Its export; none when it could not be asked for.
    export_id: Option<Uuid>,
}

impl ExportRun {
    fn of(last: &LastRun) -> Option<Self> {
        Some(Self {
            due_at: last.last_due_at?,
            state: last.last_state.clone()?.try_into().ok()?,
            ended_at: last.last_ended_at,
            failures: last.last_failures,
            failure: last.last_failure.clone(),
            retry_at: last.last_retry_at,
            export_id: last.last_export_id,
        })
    }
}

#[ComplexObject]
impl ExportRun {
    /// Its export.
    async fn export(&self, context: &Context<'_>) -> Option<Result<Export>> {
        let row = loaders::load(context, ExportById(self.export_id?)).await;
        row.transpose().map(|row| row.map(Into::into))
    }
}

#[ComplexObject]
impl ExportSchedule {
    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("ExportSchedule", self.row.id)
    }

    /// The form of the bytes, unless the model says it.
    async fn format(&self) -> Option<ExportFormat> {
        self.row.format()
    }

    /// The columns in their order, unless the model says them; none for the usual ones.
    async fn columns(&self) -> Option<Vec<ChosenColumn>> {
        let columns = self.row.columns.as_ref()?;
        Some(columns.iter().map(Into::into).collect())
    }

    /// Which dossiers, as the filter was written; null for those of a selection, or all.
    async fn filter(&self) -> Option<Json<serde_json::Value>> {
        self.row
            .filter
            .as_ref()
            .map(|filter| Json(filter.0.clone()))
    }

    /// When it is due.
    async fn calendar(&self) -> ExportCalendar {
        (&self.row.calendar.0).into()
    }

    /// Where its files go.
    async fn destination(&self) -> ExportDestination {
        ExportDestination {
            kind: self.row.destination,
            name: self.row.place.clone(),
            recipients: self.row.recipients,
            schedule: self.row.id,
            owner: self.row.owner.clone(),
        }
    }

    /// The run under way, or the last; null before the first.
    async fn last_run(&self) -> Option<ExportRun> {
        ExportRun::of(&self.row.last)
    }
}

/// Where the files of schedules may go, by the names that the configuration gives, besides addresses.
#[derive(SimpleObject)]
pub struct ExportDestinations {
    /// Folders.
    folders: Vec<String>,
    /// WebDAV collections.
    webdav: Vec<String>,
}

/// What may be asked about schedules of exports.
#[derive(Default)]
pub struct ExportScheduleQuery;

#[expect(
    clippy::too_many_arguments,
    reason = "the arguments of a list are those that Relay names, and ours"
)]
#[Object]
impl ExportScheduleQuery {
    /// The schedules of whoever asks, by name unless told; of everybody, for auditors and administrators.
    #[graphql(complexity = "5 + page_cost(first.or(last), child_complexity)")]
    async fn export_schedules(
        &self,
        context: &Context<'_>,
        filter: Option<ExportScheduleFilter>,
        order_by: Option<Vec<ExportScheduleOrder>>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        at_least: Option<Position>,
    ) -> Fallible<Connection<ExportSchedule>> {
        let page = page(first, after, last, before);
        let orders: Vec<ExportScheduleOrder> = order_by.unwrap_or_default();
        Some(listed(context, filter.unwrap_or_default(), &orders, page, at_least).await)
    }

    /// One schedule; null when it does not exist or is somebody else's.
    async fn export_schedule(
        &self,
        context: &Context<'_>,
        id: Uuid,
        at_least: Option<Position>,
    ) -> Fallible<ExportSchedule> {
        let answer = async {
            reading(context, at_least).await?;
            loaders::load(context, ExportScheduleById(id)).await
        };
        answer.await.transpose().map(|row| row.map(Into::into))
    }

    /// Where the files of schedules may go.
    async fn export_destinations(&self, context: &Context<'_>) -> Fallible<ExportDestinations> {
        let answer = async {
            reading(context, None).await?;
            let places = context.data::<Schedules>()?.places();
            Ok(ExportDestinations {
                folders: places.folders(),
                webdav: places.collections(),
            })
        };
        Some(answer.await)
    }
}
