//! Schedules of exports carried out: what is due is asked for as whoever saved it, made like any export of the
//! background (`crate::exports`), and then delivered (`deliver`).
//!
//! One process at a time does this, under a lock that goes with its connection; what is begun, delivered or given
//! up is decided by the schedule's own stream, so that a process that dies, or lost the lock, does nothing twice.

mod deliver;
mod places;

pub use places::Places;

use crate::{
    access,
    dispatch::{DispatchFailure, Dispatcher},
    exports::{Asked, Exports, NoExport},
    unit::{Belonging, Envelope, NAVETTE},
    workers::{Standing, lock},
};
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use navette_domain::{
    digest::Digest,
    export::{
        Export, ExportCommand, ExportRefusal, Order,
        schedule::{ExportSchedule, ExportScheduleCommand, ExportScheduleRefusal, Run, Schedule},
    },
    ids::{CommandId, ExportId, ExportScheduleId},
    policy::{Permission, Principal, allows},
    ports::{FileStore, Postman},
};
use navette_projections::export_schedules;
use sqlx::{Connection as _, PgPool};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Between two looks at what is due: nobody waits for it to the second.
const GLANCE: Duration = Duration::from_secs(2);

/// Carries schedules of exports out.
#[derive(Clone)]
pub struct Schedules {
    pool: PgPool,
    dispatcher: Dispatcher,
    exports: Exports,
    files: Arc<dyn FileStore>,
    postman: Arc<dyn Postman>,
    shown: watch::Receiver<Standing>,
    places: Arc<Places>,
}

/// Why a schedule that is due is not started.
#[derive(Debug, thiserror::Error)]
enum NotStarted {
    #[error(transparent)]
    Schedule(#[from] ExportScheduleRefusal),
    #[error(transparent)]
    Export(#[from] ExportRefusal),
}

impl Schedules {
    /// Schedules whose exports are these; nothing can be delivered to a folder or collection yet.
    pub fn new(
        dispatcher: Dispatcher,
        exports: Exports,
        files: Arc<dyn FileStore>,
        postman: Arc<dyn Postman>,
        shown: watch::Receiver<Standing>,
    ) -> Self {
        Self {
            pool: dispatcher.log().pool().clone(),
            dispatcher,
            exports,
            files,
            postman,
            shown,
            places: Arc::default(),
        }
    }

    /// The same, whose files go to these places.
    #[must_use]
    pub fn to(mut self, exports: Exports, places: Places) -> Self {
        self.exports = exports;
        self.places = Arc::new(places);
        self
    }

    /// The same, by the clock of this dispatcher.
    #[must_use]
    pub fn by(mut self, dispatcher: Dispatcher) -> Self {
        self.dispatcher = dispatcher;
        self
    }

    /// Where files may go.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Does what is due, then waits a moment.
    pub async fn work(&self) -> anyhow::Result<()> {
        let mut shown = self.shown.clone();
        shown
            .wait_for(|standing| standing.building.is_empty())
            .await?;
        self.once().await?;
        tokio::time::sleep(GLANCE).await;
        Ok(())
    }

    /// Starts what is due and delivers what was made, unless another process is at it. One that fails does not
    /// hold the others.
    pub async fn once(&self) -> anyhow::Result<()> {
        let due = export_schedules::to_carry_out(&self.pool, self.dispatcher.now()).await?;
        if due.is_empty() {
            return Ok(());
        }
        let Some(mut lock) = lock(&self.pool, "navette export schedules").await? else {
            return Ok(());
        };
        let mut done = Ok(());
        for id in due {
            // Whoever lost the lock would deliver what another one delivers.
            lock.ping().await?;
            done = done.and(self.carry_out(ExportScheduleId(id)).await);
        }
        let _ = lock.close().await;
        done
    }

    async fn carry_out(&self, id: ExportScheduleId) -> anyhow::Result<()> {
        let loaded = self.dispatcher.load::<ExportSchedule>(id.0).await?;
        let now = self.dispatcher.now();
        match (loaded.state.run(), loaded.state.due(now), &loaded.state) {
            (Some(run), _, _) if run.retry.is_none_or(|retry| retry <= now) => {
                self.deliver(id, run).await
            }
            (None, Some(due), ExportSchedule::Saved { schedule, .. }) => {
                self.start(id, due, schedule).await
            }
            // The read models are behind.
            _ => Ok(()),
        }
    }

    async fn start(
        &self,
        id: ExportScheduleId,
        due: DateTime<Utc>,
        schedule: &Schedule,
    ) -> anyhow::Result<()> {
        let order = match self.order(schedule).await {
            Ok(order) => order,
            Err(NoExport::Fault(cause)) => return Err(cause),
            Err(refusal) => return self.give_up(id, due, refusal.to_string()).await,
        };
        let export = ExportId::of_schedule(id, due);
        let envelope = envelope(CommandId::following(export.0, "start"));
        let order = &order;
        let started = self.dispatcher.commit::<NotStarted>(&envelope, |mut unit| {
            async move {
                let at = unit.at();
                let refused = DispatchFailure::<NotStarted>::Refused;
                let mut schedule = self.dispatcher.load::<ExportSchedule>(id.0).await?;
                let command = ExportScheduleCommand::Start { due, export, at };
                let nowhere = Belonging::default();
                let begun = unit
                    .decide(id.0, &mut schedule, nowhere, command)
                    .map_err(|refusal| refused(refusal.into()))?;
                if !begun.is_empty() {
                    let mut asked = self.dispatcher.load::<Export>(export.0).await?;
                    let order = order.clone();
                    let command = ExportCommand::Request { order, at };
                    unit.decide(export.0, &mut asked, Belonging::default(), command)
                        .map_err(|refusal| refused(refusal.into()))?;
                }
                Ok(unit)
            }
            .boxed()
        });
        match started.await {
            Ok(_) => Ok(()),
            Err(DispatchFailure::Refused(refusal)) => {
                self.give_up(id, due, refusal.to_string()).await
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// What is asked for, as whoever saved the schedule, with the rights that they have now.
    async fn order(&self, schedule: &Schedule) -> Result<Order, NoExport> {
        let owner = access::acting(&self.pool, &schedule.owner).await?;
        let owner = owner.ok_or(NoExport::OwnerIsGone)?;
        if ![Permission::Export, Permission::KeepExports]
            .iter()
            .all(|permission| allows(&owner, *permission))
        {
            return Err(NoExport::OwnerMayNot);
        }
        self.order_of(&owner, schedule).await
    }

    /// What would be asked for now, as `owner`.
    pub async fn order_of(
        &self,
        owner: &Principal,
        schedule: &Schedule,
    ) -> Result<Order, NoExport> {
        self.exports.order(owner, schedule.into(), true).await
    }

    /// Says what became of a run, or that there is none for this due time.
    async fn give_up(
        &self,
        id: ExportScheduleId,
        due: DateTime<Utc>,
        reason: String,
    ) -> anyhow::Result<()> {
        tracing::warn!(schedule = %id, %due, reason, "a scheduled export is given up");
        let command = CommandId::following(ExportId::of_schedule(id, due).0, "give up");
        let at = self.dispatcher.now();
        self.tell(
            id,
            command,
            ExportScheduleCommand::GiveUp { due, reason, at },
        )
        .await
    }

    async fn tell(
        &self,
        id: ExportScheduleId,
        command: CommandId,
        what: ExportScheduleCommand,
    ) -> anyhow::Result<()> {
        let envelope = envelope(command);
        let told = self
            .dispatcher
            .dispatch::<ExportSchedule>(&envelope, id.0, what);
        told.await?;
        Ok(())
    }

    /// The key of what is told of a run, so often failed.
    fn about(run: &Run, what: &str) -> CommandId {
        CommandId::following(run.export.0, &format!("{what} {}", run.failures))
    }
}

fn envelope(command: CommandId) -> Envelope {
    Envelope {
        command,
        content: Digest::of(command.0.as_bytes()),
        actor: NAVETTE.to_owned(),
        expected_version: None,
    }
}

impl From<&Schedule> for Asked {
    fn from(schedule: &Schedule) -> Self {
        Self {
            label: Some(schedule.name.clone()),
            format: schedule.format,
            columns: schedule.columns.clone(),
            filter: schedule.filter.clone(),
            selection: schedule.selection.map(|selection| selection.0),
            model: schedule.model.map(|model| model.0),
        }
    }
}
