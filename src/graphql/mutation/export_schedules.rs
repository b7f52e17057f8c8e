//! Keeping schedules of exports.

use super::{
    Change,
    exports::{ColumnInput, choices, refused, written},
};
use crate::{
    dispatch::Dispatcher,
    exports::NoExport,
    graphql::{
        asking::{asker, reading},
        export_schedules::ExportSchedule,
        faults,
        loaders::{self, ExportScheduleById},
        refusal::{Answer, Refusal, RefusalCode, answer},
    },
    schedules::Schedules,
};
use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use navette_domain::{
    export::schedule::{
        self, Calendar, Days, Destination, ExportScheduleCommand, ExportScheduleRefusal, Schedule,
    },
    ids::{CommandId, ExportModelId, SelectionId},
    personal::Personal,
    policy::{Permission, Principal},
    third_party::EmailAddress,
};
use navette_projections::{
    dossiers::DossierFilter,
    kinds::{ExportFormat, Position, Weekday},
};
use serde::Serialize;
use uuid::Uuid;

/// Changes to schedules of exports.
#[derive(Default)]
pub struct ExportScheduleMutation;

#[derive(Debug, Clone, InputObject, Serialize)]
struct SaveExportScheduleInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// The schedule that is changed; a new one when not given.
    id: Option<Uuid>,
    /// The version that was seen: if it has changed since, nothing is done.
    expected_version: Option<i64>,
    /// What people will call it: its files bear this name.
    name: String,
    /// The form of the bytes, unless the model says it.
    format: Option<ExportFormat>,
    /// The columns in their order, unless the model says them; none for the usual ones.
    columns: Option<Vec<ColumnInput>>,
    /// The model whose format and columns are taken, as it is at each run.
    model: Option<Uuid>,
    /// Which dossiers; all when neither this nor `selection` is given.
    filter: Option<DossierFilter>,
    /// The selection whose dossiers are taken, as it is at each run.
    selection: Option<Uuid>,
    /// On these days of every week. Either this or `monthDays`.
    weekdays: Option<Vec<Weekday>>,
    /// On these days of every month, the last one of a month that is shorter. Either this or `weekdays`.
    month_days: Option<Vec<u32>>,
    /// At this hour, from 0 to 23, by the clocks of France …
    hour: u32,
    /// … and this minute.
    #[graphql(default)]
    minute: u32,
    /// To this folder: see `exportDestinations`. One of `folder`, `webdav` and `email` is given.
    folder: Option<String>,
    /// To this WebDAV collection: see `exportDestinations`.
    webdav: Option<String>,
    /// To these addresses, five at most.
    email: Option<Vec<String>>,
    /// The position at which `selection` and `model` are looked for, as earlier mutations answered it.
    at_least: Option<Position>,
}

/// What a change to a schedule of exports answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ExportSchedulePayload {
    #[graphql(flatten)]
    answer: Answer,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl ExportSchedulePayload {
    /// The schedule's id; null when the change was refused.
    async fn schedule_id(&self) -> Option<Uuid> {
        self.answer.position.map(|_| self.id)
    }

    /// The schedule as it now is; null when it was removed, or the change was refused.
    async fn schedule(&self, context: &Context<'_>) -> Option<Result<ExportSchedule>> {
        let position = self.answer.position?;
        let read = async {
            reading(context, Some(position)).await?;
            loaders::load(context, ExportScheduleById(self.id)).await
        };
        read.await.transpose().map(|row| row.map(Into::into))
    }
}

fn wrong(sentence: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::InvalidInput, sentence)
}

/// The days of a calendar.
pub(super) fn days(
    weekdays: Option<&Vec<Weekday>>,
    month_days: Option<&Vec<u32>>,
) -> Result<Days, Refusal> {
    match (weekdays, month_days) {
        (Some(days), None) => Ok(Days::Week(days.iter().copied().map(Into::into).collect())),
        (None, Some(days)) => Ok(Days::Month(days.clone())),
        _ => Err(wrong(
            "Indiquez soit des jours de la semaine (`weekdays`), soit des jours du mois (`monthDays`).",
        )),
    }
}

/// One of those that the configuration names.
fn known(name: &str, field: &str, names: &[String]) -> Result<String, Refusal> {
    if names.iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    let names: Vec<_> = names.iter().map(|name| format!("« {name} »")).collect();
    Err(wrong(match &names[..] {
        [] => format!(
            "La configuration ne nomme aucune destination de ce genre (`{field}`) : l'administrateur peut en ajouter."
        ),
        some => format!(
            "La destination « {name} » (`{field}`) n'existe pas. La configuration nomme : {}.",
            some.join(", ")
        ),
    }))
}

fn destination(
    input: &SaveExportScheduleInput,
    schedules: &Schedules,
) -> Result<Destination, Refusal> {
    let places = schedules.places();
    match (&input.folder, &input.webdav, &input.email) {
        (Some(name), None, None) => {
            let name = known(name, "folder", &places.folders())?;
            Ok(Destination::Folder(name))
        }
        (None, Some(name), None) => {
            let name = known(name, "webdav", &places.collections())?;
            Ok(Destination::Webdav(name))
        }
        (None, None, Some(addresses)) => {
            let read = (1..).zip(addresses).map(|(place, address)| {
                let address = address.trim().parse::<EmailAddress>();
                let address = address.map(|address| Some(Personal(address)));
                address.map_err(|_| {
                    wrong(format!(
                        "L'adresse électronique n° {place} (`email`) n'est pas valable."
                    ))
                })
            });
            Ok(Destination::Email(read.collect::<Result<_, Refusal>>()?))
        }
        _ => Err(wrong(
            "Indiquez une destination, et une seule : un dossier (`folder`), une collection WebDAV (`webdav`) ou \
             des adresses électroniques (`email`).",
        )),
    }
}

/// What is asked for, as far as it can be read.
fn schedule(
    input: &SaveExportScheduleInput,
    schedules: &Schedules,
    owner: &Principal,
) -> Result<Result<Schedule, Refusal>> {
    let filter = input.filter.as_ref().map(written).transpose()?;
    let columns = input.columns.clone().map(choices);
    let read = || {
        Ok(Schedule {
            name: input.name.trim().to_owned(),
            model: input.model.map(ExportModelId),
            format: input.format.map(Into::into),
            columns,
            selection: input.selection.map(SelectionId),
            filter,
            calendar: Calendar {
                days: days(input.weekdays.as_ref(), input.month_days.as_ref())?,
                hour: input.hour,
                minute: input.minute,
            },
            destination: destination(input, schedules)?,
            owner: owner.actor.clone(),
        })
    };
    Ok(read())
}

#[Object]
impl ExportScheduleMutation {
    /// Keeps a schedule of exports, or changes one of one's own. It runs as whoever saves it, with the rights that
    /// they have at each run.
    async fn save_export_schedule(
        &self,
        context: &Context<'_>,
        input: SaveExportScheduleInput,
    ) -> Result<ExportSchedulePayload> {
        let asker = asker(context, Permission::KeepExports)?;
        reading(context, input.at_least).await?;
        let (key, expected) = (input.idempotency_key, input.expected_version);
        let id = input.id;
        let id = id.unwrap_or_else(|| CommandId::following(key, "export schedule").0);
        let refuse = |refusal: Refusal| {
            let answer = refusal.into();
            Ok(ExportSchedulePayload { answer, id })
        };
        let dispatcher = context.data::<Dispatcher>()?;
        if input.id.is_some() {
            let known = dispatcher.load::<schedule::ExportSchedule>(id).await;
            let known = known.map_err(|cause| faults::internal(&cause))?;
            if known.version == 0 {
                let sentence = ExportScheduleRefusal::NotYours.to_string();
                return refuse(Refusal::new(RefusalCode::NotFound, sentence));
            }
        }
        let schedules = context.data::<Schedules>()?;
        let schedule = match schedule(&input, schedules, &asker.principal)? {
            Ok(schedule) => schedule,
            Err(refusal) => return refuse(refusal),
        };
        // What could not be exported now is told now.
        match schedules.order_of(&asker.principal, &schedule).await {
            Ok(_) => {}
            Err(NoExport::Fault(cause)) => return Err(faults::internal(&cause)),
            Err(refusal) => return refuse(refused(&refusal)),
        }
        let envelope = asker.envelope("saveExportSchedule", key, expected, &input);
        let at = dispatcher.now();
        let schedule = Box::new(schedule);
        let command = ExportScheduleCommand::Save { schedule, at };
        let end = dispatcher
            .dispatch::<schedule::ExportSchedule>(&envelope, id, command)
            .await;
        Ok(ExportSchedulePayload {
            answer: answer(end)?,
            id,
        })
    }

    /// Removes a schedule of one's own; whoever administers may remove any. Nothing of it is made or delivered
    /// any more.
    async fn remove_export_schedule(
        &self,
        context: &Context<'_>,
        input: Change,
    ) -> Result<ExportSchedulePayload> {
        let asker = asker(context, Permission::KeepExports)?;
        let envelope = input.envelope(asker, "removeExportSchedule", &input);
        let dispatcher = context.data::<Dispatcher>()?;
        let command = ExportScheduleCommand::Remove {
            by: asker.principal.actor.clone(),
            administers: asker.may(Permission::Administer).is_ok(),
            at: dispatcher.now(),
        };
        let end = dispatcher
            .dispatch::<schedule::ExportSchedule>(&envelope, input.id, command)
            .await;
        Ok(ExportSchedulePayload {
            answer: answer(end)?,
            id: input.id,
        })
    }
}
