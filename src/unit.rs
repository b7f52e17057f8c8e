//! A unit of work: what one command changes, over several streams, before it is written whole.

use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use navette_adapters::log::{Commit, FinishedEffect, NewEvent, StreamAppend, StreamState};
use navette_domain::{
    chain::{Definition, Effect, Reaction, may_take, react},
    digest::Digest,
    document::{Document, DocumentCommand, DocumentRefusal, Subject},
    event::{Decider, Metadata},
    ids::{BatchId, CommandId, DocumentId, DossierId},
};
use uuid::Uuid;

/// Who asks for what, safely to be repeated.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The same for every repetition of the same request.
    pub command: CommandId,
    /// What was asked, without the time: the same command with another content is refused.
    pub content: Digest,
    /// As in `Metadata::actor`.
    pub actor: String,
    /// The version that whoever asks has seen, when they care.
    pub expected_version: Option<i64>,
}

/// The actor of Navette's own work.
pub const NAVETTE: &str = "navette";

/// What an event belongs to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Belonging {
    /// The batch.
    pub batch: Option<BatchId>,
    /// The dossier whose history it enters.
    pub dossier: Option<DossierId>,
}

/// See the module.
#[derive(Debug)]
pub struct Unit {
    commit: Commit,
    actor: String,
    at: DateTime<Utc>,
}

impl Unit {
    /// Nothing changed yet.
    pub fn new(envelope: &Envelope, at: DateTime<Utc>) -> Self {
        let commit = Commit {
            command: envelope.command,
            content: envelope.content,
            streams: vec![],
            finished: None,
            begun: vec![],
            handed: None,
            dropped: vec![],
            held: vec![],
        };
        Self {
            commit,
            actor: envelope.actor.clone(),
            at,
        }
    }

    /// When it happens.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Reports the outcome of this effect: nothing is written if its lease is lost.
    pub fn finish(&mut self, effect: FinishedEffect) {
        self.commit.finished = Some(effect);
    }

    /// Holds the effects of a batch, or lets them go.
    pub fn hold(&mut self, batch: BatchId, held: bool) {
        self.commit.held.push((batch, held));
    }

    /// Begins outside work that no event of a chain asks for.
    pub fn begin(&mut self, effect: Effect) {
        self.commit.begun.push(effect);
    }

    /// What is to be written.
    pub fn into_commit(self) -> Commit {
        self.commit
    }

    /// Decides one command and keeps its events; `loaded` moves on.
    pub fn decide<A: Decider>(
        &mut self,
        id: Uuid,
        loaded: &mut StreamState<A>,
        belonging: Belonging,
        command: A::Command,
    ) -> Result<Vec<A::Event>, A::Error> {
        let events = loaded.state.decide(command)?;
        let metadata = self.metadata(belonging);
        let stored = events.iter().map(|event| {
            loaded.state.apply(event.clone());
            stored(event, &metadata)
        });
        let stored: Vec<_> = stored.collect();
        let expected = loaded.version;
        loaded.version += i64::try_from(stored.len()).unwrap_or(0);
        match self
            .commit
            .streams
            .iter_mut()
            .find(|stream| stream.stream_id == id)
        {
            Some(stream) => stream.events.extend(stored),
            None => self.commit.streams.push(StreamAppend {
                stream_type: A::TYPE,
                stream_id: id,
                expected,
                events: stored,
            }),
        }
        Ok(events)
    }

    /// Decides one command of a document, and what follows from its events by its chain.
    pub fn decide_document(
        &mut self,
        definition: &Definition,
        id: DocumentId,
        loaded: &mut StreamState<Document>,
        command: DocumentCommand,
    ) -> Result<(), DocumentRefusal> {
        if let Some(journey) = loaded.state.journey() {
            may_take(definition, journey, &command)?;
        }
        let mut commands = vec![command];
        while let Some(command) = commands.pop() {
            let before = loaded.state.clone();
            let belonging = document_belonging(&before, &command);
            for event in self.decide(id.0, loaded, belonging, command)? {
                let Some(after) = loaded.state.journey() else {
                    continue;
                };
                for reaction in react(definition, id, before.journey(), after, &event) {
                    match reaction {
                        Reaction::Begin(effect) => self.commit.begun.push(effect),
                        Reaction::DropPending => self.commit.dropped.push(id),
                        Reaction::AskApproval(step) => {
                            commands.push(DocumentCommand::AskApproval { step, at: self.at });
                        }
                        Reaction::SendToPrint(step) => {
                            commands.push(DocumentCommand::SendToPrint { step, at: self.at });
                        }
                        Reaction::Deliver => {
                            commands.push(DocumentCommand::Deliver { at: self.at });
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn metadata(&self, belonging: Belonging) -> String {
        let metadata = Metadata {
            command: self.commit.command,
            actor: self.actor.clone(),
            batch: belonging.batch.map(|batch| batch.0),
            dossier: belonging.dossier,
            effect: self.commit.finished.map(|effect| effect.id.0),
        };
        serde_json::to_string(&metadata).unwrap_or_default()
    }
}

/// The dossier and the batch of a document, known from its order.
pub fn document_belonging(document: &Document, command: &DocumentCommand) -> Belonging {
    let order = match (document, command) {
        (Document::Open(journey), _) => &journey.order,
        (Document::Unborn, DocumentCommand::Request { order, .. }) => order,
        (Document::Unborn, _) => return Belonging::default(),
    };
    let dossier = match order.subject {
        Subject::Dossier(dossier) => Some(dossier),
        Subject::Batch => None,
    };
    Belonging {
        batch: Some(order.batch),
        dossier,
    }
}

fn stored<E: DomainEvent>(event: &E, metadata: &str) -> NewEvent {
    // Our events are made of texts, numbers and lists of them: they always have a JSON form.
    NewEvent::of(event, metadata)
        .unwrap_or_else(|error| unreachable!("an event without a JSON form: {error}"))
}
