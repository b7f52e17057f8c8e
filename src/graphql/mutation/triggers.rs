//! Saving triggers, and holding them.

use super::{
    Change, ReasonedChange,
    export_schedules::days,
    exports::{refused, written},
};
use crate::{
    batches::StartRefusal,
    dispatch::Dispatcher,
    exports::{NoExport, read_filter},
    graphql::{
        asking::{Asker, asker, reading},
        faults,
        loaders::{self, TriggerById},
        refusal::{Answer, Coded as _, Refusal, RefusalCode, answer},
        triggers::Trigger,
    },
    unit::Envelope,
};
use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use navette_domain::{
    chain::Chain,
    export::schedule::Calendar,
    ids::{ChainId, CommandId, SelectionId},
    policy::Permission,
    trigger::{self, By, Occasion, Rule, TriggerCommand, TriggerRefusal},
};
use navette_projections::{
    dossiers::DossierFilter,
    kinds::{DocumentStatus, DossierStatus, Position, Weekday},
    selections, triggers,
};
use serde::Serialize;
use uuid::Uuid;

/// Changes to triggers.
#[derive(Default)]
pub struct TriggerMutation;

#[derive(Debug, Clone, InputObject, Serialize)]
struct SaveTriggerInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// The trigger that is changed; a new one when not given.
    id: Option<Uuid>,
    /// The version that was seen: if it has changed since, nothing is done.
    expected_version: Option<i64>,
    /// What people will call it: its batches bear this name.
    name: String,
    /// The code of the chain that it starts, on the latest version there is then.
    chain: String,
    /// When a dossier reaches this status. One of `status`, `afterChain` and `hour` is given.
    status: Option<DossierStatus>,
    /// When a document ends in the chain of this code …
    after_chain: Option<String>,
    /// … so: delivered unless told, else with its visa or signature refused, or cancelled.
    ending: Option<DocumentStatus>,
    /// On these days of every week. Either this or `monthDays`, with `hour`.
    weekdays: Option<Vec<Weekday>>,
    /// On these days of every month, the last one of a month that is shorter. Either this or `weekdays`.
    month_days: Option<Vec<u32>>,
    /// At this hour, from 0 to 23, by the clocks of France …
    hour: Option<u32>,
    /// … and this minute.
    #[graphql(default)]
    minute: u32,
    /// Which dossiers, when it fires. With `hour`, either this or `selection` must be given.
    filter: Option<DossierFilter>,
    /// The selection whose dossiers are started, as it is when it fires.
    selection: Option<Uuid>,
    /// The position at which `selection` is looked for, as earlier mutations answered it.
    at_least: Option<Position>,
}

/// What a change to a trigger answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct TriggerPayload {
    #[graphql(flatten)]
    answer: Answer,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl TriggerPayload {
    /// The trigger's id; null when the change was refused.
    async fn trigger_id(&self) -> Option<Uuid> {
        self.answer.position.map(|_| self.id)
    }

    /// The trigger as it now is; null when it was removed, or the change was refused.
    async fn trigger(&self, context: &Context<'_>) -> Option<Result<Trigger>> {
        let position = self.answer.position?;
        let read = async {
            reading(context, Some(position)).await?;
            loaders::load(context, TriggerById(self.id)).await
        };
        read.await.transpose().map(|row| row.map(Into::into))
    }
}

fn by(asker: &Asker) -> By {
    By {
        actor: asker.principal.actor.clone(),
        administers: asker.may(Permission::Administer).is_ok(),
    }
}

fn occasion(input: &SaveTriggerInput) -> Result<Occasion, Refusal> {
    let days_given = input.weekdays.is_some() || input.month_days.is_some();
    match (input.status, &input.after_chain, input.hour) {
        (Some(status), None, None) if input.ending.is_none() && !days_given => {
            let status = status.into();
            Ok(Occasion::Status { status })
        }
        (None, Some(chain), None) if !days_given => Ok(Occasion::Chain {
            chain: chain.clone(),
            ending: input.ending.unwrap_or(DocumentStatus::Delivered).into(),
        }),
        (None, None, Some(hour)) if input.ending.is_none() => Ok(Occasion::Calendar(Calendar {
            days: days(input.weekdays.as_ref(), input.month_days.as_ref())?,
            hour,
            minute: input.minute,
        })),
        _ => Err(Refusal::new(
            RefusalCode::InvalidInput,
            "Indiquez une occasion, et une seule : un statut (`status`), la fin d'une autre chaîne (`afterChain`, \
             `ending`) ou un calendrier (`hour`, avec `weekdays` ou `monthDays`).",
        )),
    }
}

/// What is asked for, if it can be at all: what could not be started now is told now.
async fn rule(
    context: &Context<'_>,
    asker: &Asker,
    input: &SaveTriggerInput,
) -> Result<Result<Rule, Refusal>> {
    let occasion = match occasion(input) {
        Ok(occasion) => occasion,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let dispatcher = context.data::<Dispatcher>()?;
    let ended = match &occasion {
        Occasion::Chain { chain, .. } => Some(chain),
        Occasion::Status { .. } | Occasion::Calendar(_) => None,
    };
    for code in [&input.chain].into_iter().chain(ended) {
        let chain = dispatcher.load::<Chain>(ChainId::of_code(code).0).await;
        let chain = chain.map_err(|cause| faults::internal(&cause))?;
        if chain.state.latest().is_none() {
            let refusal = StartRefusal::NoChain(code.clone());
            return Ok(Err(Refusal::new(refusal.code(), refusal.to_string())));
        }
    }
    let (reads, _) = reading(context, input.at_least).await?;
    if let Some(selection) = input.selection {
        let actor = &asker.principal.actor;
        let rows = selections::by_ids(&reads.pool, actor, &[selection]).await;
        if rows.map_err(|cause| faults::internal(&cause))?.is_empty() {
            return Ok(Err(refused(&NoExport::UnknownSelection)));
        }
    }
    let filter = input.filter.as_ref().map(written).transpose()?;
    if let Some(Err(fault)) = filter.as_ref().map(read_filter) {
        return Ok(Err(refused(&fault)));
    }
    Ok(Ok(Rule {
        name: input.name.trim().to_owned(),
        chain: input.chain.clone(),
        occasion,
        selection: input.selection.map(SelectionId),
        filter,
        owner: asker.principal.actor.clone(),
    }))
}

async fn told(
    context: &Context<'_>,
    envelope: &Envelope,
    id: Uuid,
    command: TriggerCommand,
) -> Result<TriggerPayload> {
    let dispatcher = context.data::<Dispatcher>()?;
    let end = dispatcher
        .dispatch::<trigger::Trigger>(envelope, id, command)
        .await;
    let answer = answer(end)?;
    Ok(TriggerPayload { answer, id })
}

#[Object]
impl TriggerMutation {
    /// Saves a trigger, or changes one of one's own; whoever administers may change any, and owns it from then on.
    /// It acts as whoever saved it last, with the rights that they have when it fires, for what happens from now on.
    async fn save_trigger(
        &self,
        context: &Context<'_>,
        input: SaveTriggerInput,
    ) -> Result<TriggerPayload> {
        let asker = asker(context, Permission::StartBatch)?;
        let (key, expected) = (input.idempotency_key, input.expected_version);
        let id = input.id;
        let id = id.unwrap_or_else(|| CommandId::following(key, "trigger").0);
        let refuse = |refusal: Refusal| {
            let answer = refusal.into();
            Ok(TriggerPayload { answer, id })
        };
        let dispatcher = context.data::<Dispatcher>()?;
        if input.id.is_some() {
            let known = dispatcher.load::<trigger::Trigger>(id).await;
            if known.map_err(|cause| faults::internal(&cause))?.version == 0 {
                let refusal = TriggerRefusal::NotYours;
                return refuse(Refusal::new(refusal.code(), refusal.to_string()));
            }
        }
        let rule = match rule(context, asker, &input).await? {
            Ok(rule) => rule,
            Err(refusal) => return refuse(refusal),
        };
        // All the triggers that were saved before this one.
        let head = *dispatcher.log().head().borrow();
        let (reads, _) = reading(context, Some(Position(head))).await?;
        let others = triggers::links(&reads.pool, id).await;
        let command = TriggerCommand::Save {
            rule: Box::new(rule),
            administers: by(asker).administers,
            others: others.map_err(|cause| faults::internal(&cause))?,
            at: dispatcher.now(),
        };
        let envelope = asker.envelope("saveTrigger", key, expected, &input);
        told(context, &envelope, id, command).await
    }

    /// Has a trigger fire no longer, until it is resumed. What had happened before waits; what happens meanwhile
    /// is not made up for.
    async fn suspend_trigger(
        &self,
        context: &Context<'_>,
        input: ReasonedChange,
    ) -> Result<TriggerPayload> {
        let asker = asker(context, Permission::StartBatch)?;
        let envelope = input.change.envelope(asker, "suspendTrigger", &input);
        let command = TriggerCommand::Suspend {
            by: by(asker),
            reason: input.reason.clone(),
            at: context.data::<Dispatcher>()?.now(),
        };
        told(context, &envelope, input.change.id, command).await
    }

    /// Has a suspended trigger fire again.
    async fn resume_trigger(&self, context: &Context<'_>, input: Change) -> Result<TriggerPayload> {
        let asker = asker(context, Permission::StartBatch)?;
        let envelope = input.envelope(asker, "resumeTrigger", &input);
        let command = TriggerCommand::Resume {
            by: by(asker),
            at: context.data::<Dispatcher>()?.now(),
        };
        told(context, &envelope, input.id, command).await
    }

    /// Removes a trigger of one's own; whoever administers may remove any. What it started goes on.
    async fn remove_trigger(&self, context: &Context<'_>, input: Change) -> Result<TriggerPayload> {
        let asker = asker(context, Permission::StartBatch)?;
        let envelope = input.envelope(asker, "removeTrigger", &input);
        let command = TriggerCommand::Remove {
            by: by(asker),
            at: context.data::<Dispatcher>()?.now(),
        };
        told(context, &envelope, input.id, command).await
    }
}
