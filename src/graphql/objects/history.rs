//! The history of a dossier, as states and what changed between them.

use crate::{
    dispatch::Dispatcher,
    graphql::{
        asking::{self, Reads},
        faults,
        loaders::{EventsOf, RowLoader},
    },
};
use async_graphql::{Context, OneofObject, Result, SimpleObject};
use chrono::{DateTime, Utc};
use navette_domain::{
    event::Recorded,
    history::{self as told, State, Step},
    policy::Permission,
};
use navette_projections::{
    kinds::Position,
    page::{LONGEST, PageFault},
};
use std::sync::Arc;
use uuid::Uuid;

/// A moment of the log.
#[derive(Debug, Clone, Copy, OneofObject)]
pub enum Moment {
    /// Once the event of this position was written.
    Position(Position),
    /// Once all that the log had received until then, included, was written.
    At(DateTime<Utc>),
}

/// One thing that a state says.
#[derive(SimpleObject)]
pub struct StateField {
    /// For programs: where the data dictionary has it, its path there.
    key: String,
    /// For people, in French.
    label: String,
    /// In French.
    value: String,
}

/// One thing that changed.
#[derive(SimpleObject)]
pub struct StateChange {
    /// For programs: where the data dictionary has it, its path there.
    key: String,
    /// For people, in French.
    label: String,
    /// What was said before, if anything was.
    before: Option<String>,
    /// What is said after, if anything is.
    after: Option<String>,
}

/// A dossier with its documents and their signatures, as they stood at a moment.
#[derive(SimpleObject)]
pub struct DossierState {
    /// The place in the log of the last event that made it so; none before the first.
    position: Option<Position>,
    /// When the log received that event.
    at: Option<DateTime<Utc>>,
    /// All that was known.
    fields: Vec<StateField>,
}

/// One event of a history, with what it changed and the state after it.
#[derive(SimpleObject)]
pub struct HistoryStep {
    /// Its place in the log.
    position: Position,
    /// When the log received it.
    at: DateTime<Utc>,
    /// Who: `token:<name>`, or `navette` for its own work.
    actor: String,
    /// The event's stored name.
    event_type: String,
    /// What a clerk reads.
    sentence: String,
    /// What it changed.
    changes: Vec<StateChange>,
    /// All that was known after it.
    fields: Vec<StateField>,
}

impl From<told::Field> for StateField {
    fn from(field: told::Field) -> Self {
        let told::Field { key, label, value } = field;
        Self { key, label, value }
    }
}

impl From<told::Change> for StateChange {
    fn from(change: told::Change) -> Self {
        Self {
            key: change.key,
            label: change.label,
            before: change.before,
            after: change.after,
        }
    }
}

impl From<Step> for HistoryStep {
    fn from(step: Step) -> Self {
        Self {
            position: Position(step.position),
            at: step.at,
            actor: step.actor,
            event_type: step.event_type,
            sentence: step.sentence,
            changes: step.changes.into_iter().map(Into::into).collect(),
            fields: step.fields.into_iter().map(Into::into).collect(),
        }
    }
}

/// The history of a dossier that is seen.
pub(super) struct History(Arc<[Recorded]>);

impl History {
    pub(super) async fn read(context: &Context<'_>, dossier: Uuid) -> Result<Self> {
        asking::asker(context, Permission::Read)?;
        let loader = context.data::<RowLoader>()?;
        let events = loader.load_one(EventsOf(dossier)).await;
        let events = events.map_err(|cause| faults::of_the_log(&cause))?;
        Ok(Self(events.unwrap_or_default()))
    }

    pub(super) fn state(&self, moment: Option<told::Moment>) -> DossierState {
        let includes = |recorded: &&Recorded| moment.is_none_or(|moment| moment.includes(recorded));
        let last = self.0.iter().rfind(includes);
        DossierState {
            position: last.map(|last| Position(last.position)),
            at: last.map(|last| last.recorded_at),
            fields: self.fields(moment).into_iter().map(Into::into).collect(),
        }
    }

    fn fields(&self, moment: Option<told::Moment>) -> Vec<told::Field> {
        State::of(self.0.iter(), moment).fields()
    }

    pub(super) fn changes(&self, from: told::Moment, to: Option<told::Moment>) -> Vec<StateChange> {
        let changes = told::difference(&self.fields(Some(from)), &self.fields(to));
        changes.into_iter().map(Into::into).collect()
    }

    pub(super) fn steps(
        &self,
        first: Option<i32>,
        after: Option<Position>,
    ) -> Result<Vec<HistoryStep>> {
        let first = first.unwrap_or(LONGEST);
        if !(1..=LONGEST).contains(&first) {
            return Err(faults::bad_request(PageFault::Size.to_string()));
        }
        let after = after.map_or(0, |position| position.0);
        let steps = told::steps(self.0.iter()).filter(|step| step.position > after);
        let page = steps.take(usize::try_from(first).unwrap_or_default());
        Ok(page.map(Into::into).collect())
    }
}

/// A moment that is over: what will have happened later is not known.
pub(super) async fn past(context: &Context<'_>, moment: Moment) -> Result<told::Moment> {
    match moment {
        Moment::Position(position) => {
            context.data::<Reads>()?.reached(Some(position)).await?;
            Ok(told::Moment::Position(position.0))
        }
        Moment::At(at) if at > context.data::<Dispatcher>()?.now() => {
            let message = "Ce moment est à venir : ce qui aura changé alors n'est pas connu.";
            Err(faults::bad_request(message))
        }
        Moment::At(at) => Ok(told::Moment::At(at)),
    }
}
