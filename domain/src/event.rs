//! All events, and what surrounds an event once it is in the log.

use crate::{
    agent::AgentEvent,
    attachment::AttachmentEvent,
    batch::BatchEvent,
    bundle::BundleEvent,
    chain::ChainEvent,
    document::DocumentEvent,
    dossier::DossierEvent,
    export::{ExportEvent, model::ExportModelEvent, schedule::ExportScheduleEvent},
    ids::{CommandId, DossierId},
    image::ImageEvent,
    pause::PauseEvent,
    selection::SelectionEvent,
    signature::SignatureEvent,
    template::TemplateEvent,
    third_party::ThirdPartyEvent,
    trigger::TriggerEvent,
};
use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares the events of an aggregate: each has a stored name and version, which are contracts.
macro_rules! events {
    ($(#[$meta:meta])* pub enum $name:ident {
        $( $(#[$vmeta:meta])* $variant:ident = $type:literal, $version:literal {
            $( $(#[$fmeta:meta])* $field:ident : $ty:ty ),* $(,)?
        } )+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "type")]
        pub enum $name {
            $( $(#[$vmeta])* #[serde(rename = $type)] $variant { $( $(#[$fmeta])* $field: $ty ),* } ),+
        }

        impl $name {
            /// The stored name and version of every event of this kind.
            pub const TYPES: &'static [(&'static str, u16)] = &[$(($type, $version)),+];
        }

        impl crate::event::Stored for $name {
            fn read(event_type: &str, payload: &str) -> Result<Self, String> {
                match event_type {
                    $( $type => {
                        #[derive(serde::Deserialize)]
                        struct Fields<'a> {
                            #[serde(rename = "type", borrow)]
                            event_type: std::borrow::Cow<'a, str>,
                            $( $(#[$fmeta])* $field: $ty ),*
                        }
                        let read: Fields = crate::event::json(payload)?;
                        if read.event_type == $type {
                            Ok(Self::$variant { $( $field: read.$field ),* })
                        } else {
                            Err(format!("its payload is a {}", read.event_type))
                        }
                    } )+
                    _ => Err("no event has this name".to_owned()),
                }
            }
        }

        impl cqrs_es::DomainEvent for $name {
            fn event_type(&self) -> String {
                match self { $( Self::$variant { .. } => $type ),+ }.to_owned()
            }
            fn event_version(&self) -> String {
                match self { $( Self::$variant { .. } => $version ),+ }.to_string()
            }
        }
    };
}
pub(crate) use events;

/// Ties an aggregate's two pure functions, `decide` and `evolve`, to the engine's trait.
///
/// `with snapshots` is for streams that grow as long as Navette is used. Their states must hold nothing about a
/// person: whoever erases a person would have to think of the snapshots.
macro_rules! aggregate {
    ($state:ident, $type:literal, $command:ty, $event:ty, $refusal:ty) => {
        crate::event::aggregate!(@ $state, $type, $command, $event, $refusal, false);
    };
    ($state:ident, $type:literal, $command:ty, $event:ty, $refusal:ty, with snapshots) => {
        crate::event::aggregate!(@ $state, $type, $command, $event, $refusal, true);
    };
    (@ $state:ident, $type:literal, $command:ty, $event:ty, $refusal:ty, $snapshots:literal) => {
        impl cqrs_es::Aggregate for $state {
            const TYPE: &'static str = $type;
            type Command = $command;
            type Event = $event;
            type Error = $refusal;
            type Services = ();

            async fn handle(
                &mut self,
                command: $command,
                _: &(),
                sink: &cqrs_es::event_sink::EventSink<Self>,
            ) -> Result<(), $refusal> {
                for event in decide(self, command)? {
                    sink.write(event, self).await;
                }
                Ok(())
            }

            fn apply(&mut self, event: $event) {
                *self = std::mem::take(self).evolve(event);
            }
        }

        impl crate::event::Decider for $state {
            const SNAPSHOTS: bool = $snapshots;

            fn decide(&self, command: $command) -> Result<Vec<$event>, $refusal> {
                decide(self, command)
            }
        }
    };
}
pub(crate) use aggregate;

/// Events that are read by their stored name, so that nothing is looked at twice: telling an event from its
/// payload alone means to keep the whole payload aside until its `type` is found, at twice the price.
pub trait Stored: DomainEvent {
    /// The event of this stored name that the payload holds, or what is wrong with it.
    fn read(event_type: &str, payload: &str) -> Result<Self, String>;
}

pub(crate) fn json<'a, T: Deserialize<'a>>(payload: &'a str) -> Result<T, String> {
    serde_json::from_str(payload).map_err(|error| error.to_string())
}

/// An aggregate whose decision is a pure function, so that several commands and several aggregates can
/// be decided before anything is written.
pub trait Decider: cqrs_es::Aggregate<Event: Stored> + Clone {
    /// Whether states of long streams may be kept, so that only what came since is read.
    const SNAPSHOTS: bool;

    /// The events that `command` causes in this state: some, none when it is already done, or a refusal.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;
}

/// A name of all the rules together: it changes whenever any of them may have.
pub const RULES: &str = env!("NAVETTE_RULES");

/// Any event of Navette.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// About a dossier.
    Dossier(DossierEvent),
    /// About a third party.
    ThirdParty(ThirdPartyEvent),
    /// About a document.
    Document(DocumentEvent),
    /// About a signature.
    Signature(SignatureEvent),
    /// About a batch.
    Batch(BatchEvent),
    /// About a template.
    Template(TemplateEvent),
    /// About an image.
    Image(ImageEvent),
    /// About a chain definition.
    Chain(ChainEvent),
    /// About the bundles of a dossier.
    Bundle(BundleEvent),
    /// About what is known of an agent.
    Agent(AgentEvent),
    /// About an export.
    Export(ExportEvent),
    /// About a model of exports.
    ExportModel(ExportModelEvent),
    /// About a schedule of exports.
    ExportSchedule(ExportScheduleEvent),
    /// About a selection of dossiers.
    Selection(SelectionEvent),
    /// About a file that was added to a dossier.
    Attachment(AttachmentEvent),
    /// About what operators hold.
    Pause(PauseEvent),
    /// About what starts a chain without a clerk.
    Trigger(TriggerEvent),
}

/// A stored event that this version of Navette cannot read.
#[derive(Debug, thiserror::Error)]
#[error("event {event_type} cannot be read: {cause}")]
pub struct UnreadableEvent {
    /// The stored name.
    pub event_type: String,
    /// Why.
    pub cause: String,
}

impl Event {
    /// Reads the stored bytes of an event of the current version.
    pub fn read(event_type: &str, payload: &str) -> Result<Self, UnreadableEvent> {
        let noun = event_type.split('.').next().unwrap_or_default();
        match noun {
            "dossier" => DossierEvent::read(event_type, payload).map(Self::Dossier),
            "third_party" => ThirdPartyEvent::read(event_type, payload).map(Self::ThirdParty),
            "document" => DocumentEvent::read(event_type, payload).map(Self::Document),
            "signature" => SignatureEvent::read(event_type, payload).map(Self::Signature),
            "batch" => BatchEvent::read(event_type, payload).map(Self::Batch),
            "template" => TemplateEvent::read(event_type, payload).map(Self::Template),
            "image" => ImageEvent::read(event_type, payload).map(Self::Image),
            "chain" => ChainEvent::read(event_type, payload).map(Self::Chain),
            "bundle" => BundleEvent::read(event_type, payload).map(Self::Bundle),
            "agent" => AgentEvent::read(event_type, payload).map(Self::Agent),
            "export" => ExportEvent::read(event_type, payload).map(Self::Export),
            "export_model" => ExportModelEvent::read(event_type, payload).map(Self::ExportModel),
            "export_schedule" => {
                ExportScheduleEvent::read(event_type, payload).map(Self::ExportSchedule)
            }
            "attachment" => AttachmentEvent::read(event_type, payload).map(Self::Attachment),
            "selection" => SelectionEvent::read(event_type, payload).map(Self::Selection),
            "pause" => PauseEvent::read(event_type, payload).map(Self::Pause),
            "trigger" => TriggerEvent::read(event_type, payload).map(Self::Trigger),
            _ => Err("unknown noun".to_owned()),
        }
        .map_err(|cause| UnreadableEvent {
            event_type: event_type.to_owned(),
            cause,
        })
    }

    /// The stored name and version of every event there is.
    pub fn types() -> impl Iterator<Item = (&'static str, u16)> {
        [
            DossierEvent::TYPES,
            ThirdPartyEvent::TYPES,
            DocumentEvent::TYPES,
            SignatureEvent::TYPES,
            BatchEvent::TYPES,
            TemplateEvent::TYPES,
            ImageEvent::TYPES,
            ChainEvent::TYPES,
            BundleEvent::TYPES,
            AgentEvent::TYPES,
            ExportEvent::TYPES,
            ExportModelEvent::TYPES,
            ExportScheduleEvent::TYPES,
            SelectionEvent::TYPES,
            AttachmentEvent::TYPES,
            PauseEvent::TYPES,
            TriggerEvent::TYPES,
        ]
        .into_iter()
        .flatten()
        .copied()
    }
}

/// Who caused an event, and what it belongs to. Never money, names or addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The command that caused it.
    pub command: CommandId,
    /// `token:<name>` for people and programs, `navette` for its own work.
    pub actor: String,
    /// The batch it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Uuid>,
    /// The dossier whose history it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dossier: Option<DossierId>,
    /// The effect whose outcome it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Uuid>,
}

/// An event as the log holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its place in the log: dense, in commit order, from 1.
    pub position: i64,
    /// The stream: the aggregate's type and id.
    pub stream_type: String,
    /// See `stream_type`.
    pub stream_id: Uuid,
    /// Its place in the stream, from 1.
    pub version: i64,
    /// What happened.
    pub event: Event,
    /// Its stored name.
    pub event_type: String,
    /// Who and why.
    pub metadata: Metadata,
    /// When the log received it.
    pub recorded_at: DateTime<Utc>,
}
