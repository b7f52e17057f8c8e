//! The log as the engine's event store, so that `cqrs_es::CqrsFramework` and its tests run on it unchanged.

use super::{AppendRefusal, Commit, Log, NewEvent, StreamAppend};
use cqrs_es::{
    Aggregate, AggregateContext, AggregateError, DomainEvent, EventEnvelope, EventStore,
};
use navette_domain::{
    digest::Digest,
    event::{Decider, Metadata},
    ids::CommandId,
};
use serde_json::Value;
use std::{collections::HashMap, marker::PhantomData};
use uuid::Uuid;

/// The event store of one kind of aggregate.
#[derive(Debug, Clone)]
pub struct LogStore<A> {
    log: Log,
    aggregate: PhantomData<fn() -> A>,
}

impl<A> LogStore<A> {
    /// The store of this kind of aggregate in `log`.
    pub fn new(log: Log) -> Self {
        Self {
            log,
            aggregate: PhantomData,
        }
    }
}

/// An aggregate and the version it was loaded at.
#[derive(Debug)]
pub struct LogContext<A> {
    id: Uuid,
    state: A,
    version: i64,
}

impl<A: Aggregate> AggregateContext<A> for LogContext<A> {
    fn aggregate(&mut self) -> &mut A {
        &mut self.state
    }
}

fn fault<E: std::error::Error>(
    error: impl std::error::Error + Send + Sync + 'static,
) -> AggregateError<E> {
    AggregateError::UnexpectedError(Box::new(error))
}

impl<A: Decider> EventStore<A> for LogStore<A> {
    type AC = LogContext<A>;

    async fn load_events(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let id = Uuid::parse_str(aggregate_id).map_err(fault)?;
        let recorded = self.log.stream(id).await.map_err(fault)?;
        recorded
            .into_iter()
            .map(|recorded| {
                let payload = serde_json::to_value(&recorded.event)
                    .and_then(serde_json::from_value)
                    .map_err(fault)?;
                let metadata = HashMap::from([("actor".to_owned(), recorded.metadata.actor)]);
                let sequence = usize::try_from(recorded.version).unwrap_or_default();
                Ok(EventEnvelope {
                    aggregate_id: aggregate_id.to_owned(),
                    sequence,
                    payload,
                    metadata,
                })
            })
            .collect()
    }

    async fn load_aggregate(
        &self,
        aggregate_id: &str,
    ) -> Result<LogContext<A>, AggregateError<A::Error>> {
        let id = Uuid::parse_str(aggregate_id).map_err(fault)?;
        let loaded = self.log.load::<A>(id).await.map_err(fault)?;
        Ok(LogContext {
            id,
            state: loaded.state,
            version: loaded.version,
        })
    }

    async fn commit(
        &self,
        events: Vec<A::Event>,
        context: LogContext<A>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<A>>, AggregateError<A::Error>> {
        let command = CommandId(Uuid::now_v7());
        let about = serde_json::to_string(&Metadata {
            command,
            actor: metadata.get("actor").cloned().unwrap_or_default(),
            batch: None,
            dossier: None,
            effect: None,
        })
        .map_err(fault)?;
        let new_events = events
            .iter()
            .map(|event| NewEvent::of(event, &about))
            .collect::<Result<Vec<_>, _>>()
            .map_err(fault)?;
        let commit = Commit {
            command,
            // Nobody repeats this command: its id is known to nobody else.
            content: Digest::of(command.0.as_bytes()),
            streams: vec![StreamAppend {
                stream_type: A::TYPE,
                stream_id: context.id,
                expected: context.version,
                events: new_events,
            }],
            finished: None,
            begun: vec![],
            handed: None,
            dropped: vec![],
            held: vec![],
        };
        match self.log.append(commit).await {
            Ok(_) => Ok((context.version + 1..)
                .zip(events)
                .map(|(version, payload)| EventEnvelope {
                    aggregate_id: context.id.to_string(),
                    sequence: usize::try_from(version).unwrap_or_default(),
                    payload,
                    metadata: metadata.clone(),
                })
                .collect()),
            Err(AppendRefusal::Conflict { .. }) => Err(AggregateError::AggregateConflict),
            Err(refusal) => Err(fault(refusal)),
        }
    }
}

/// The same payload without the character U+0000, which JSON can hold and PostgreSQL's texts cannot: a read
/// model would stop for ever at such an event.
fn without_nul(payload: String) -> Result<String, serde_json::Error> {
    fn clean(value: Value) -> Value {
        let text = |text: String| text.replace('\0', "");
        match value {
            Value::String(string) => Value::String(text(string)),
            Value::Array(values) => values.into_iter().map(clean).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| (text(name), clean(value)))
                .collect(),
            other => other,
        }
    }
    if payload.contains(r"\u0000") {
        serde_json::from_str(&payload).map(|value| clean(value).to_string())
    } else {
        Ok(payload)
    }
}

impl NewEvent {
    /// `event` as the log stores it.
    pub fn of<E: DomainEvent>(event: &E, metadata: &str) -> Result<Self, serde_json::Error> {
        Ok(Self {
            event_type: event.event_type(),
            event_version: event.event_version().parse().unwrap_or(i16::MAX),
            payload: without_nul(serde_json::to_string(event)?)?,
            metadata: metadata.to_owned(),
        })
    }
}
