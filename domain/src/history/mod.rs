//! The history of a dossier: its state at a moment, what changed between two, and each event with the
//! state after it.
//!
//! A dossier's history is made of its own events, of those of its documents, and of those of their passages
//! at the signing desk. It shows no personal data: it tells what was decided and done, and what names people
//! (the third party, whoever gave a visa) is read elsewhere.

mod fields;
mod files;
#[cfg(test)]
mod tests;

pub use files::{NamedFile, files};

use crate::{
    document::Document,
    dossier::Dossier,
    event::{Event, Recorded},
    french,
    ids::{DocumentId, SignatureId},
    signature::Signature,
};
use chrono::{DateTime, Utc};

/// A moment of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Once the event of this position is written.
    Position(i64),
    /// Once all that the log received until then, included, is written.
    At(DateTime<Utc>),
}

impl Moment {
    /// Whether this event had happened then.
    pub fn includes(self, recorded: &Recorded) -> bool {
        match self {
            Self::Position(position) => recorded.position <= position,
            Self::At(at) => recorded.recorded_at <= at,
        }
    }
}

/// One thing that a state says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// For programs: a path of the data dictionary where it has one, such as `dossier.objet`.
    pub key: String,
    /// For people, in French.
    pub label: String,
    /// In French.
    pub value: String,
}

/// One thing that two states do not say alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// See [`Field::key`].
    pub key: String,
    /// See [`Field::label`].
    pub label: String,
    /// What was said before, if anything was.
    pub before: Option<String>,
    /// What is said after, if anything is.
    pub after: Option<String>,
}

/// A dossier with its documents and their signatures, in the order in which they appeared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    dossier: Dossier,
    documents: Vec<(DocumentId, Document)>,
    signatures: Vec<(SignatureId, Signature)>,
}

impl State {
    /// The state at `moment`, or now. The events are those of one dossier's history, in order.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e Recorded>, moment: Option<Moment>) -> Self {
        let mut state = Self::default();
        let included = |recorded: &&Recorded| moment.is_none_or(|moment| moment.includes(recorded));
        for recorded in events.into_iter().filter(included) {
            state.apply(recorded);
        }
        state
    }

    fn apply(&mut self, recorded: &Recorded) {
        let stream = recorded.stream_id;
        match recorded.event.clone() {
            Event::Dossier(event) => self.dossier = std::mem::take(&mut self.dossier).evolve(event),
            Event::Document(event) => {
                let document = entry(&mut self.documents, DocumentId(stream));
                *document = std::mem::take(document).evolve(event);
            }
            Event::Signature(event) => {
                let signature = entry(&mut self.signatures, SignatureId(stream));
                *signature = std::mem::take(signature).evolve(event);
            }
            // They enter no dossier's history, or change nothing in its state.
            Event::ThirdParty(_)
            | Event::Batch(_)
            | Event::Template(_)
            | Event::Image(_)
            | Event::Chain(_)
            | Event::Bundle(_)
            | Event::Agent(_)
            | Event::Export(_)
            | Event::ExportModel(_)
            | Event::ExportSchedule(_)
            | Event::Pause(_)
            | Event::Trigger(_)
            | Event::Selection(_)
            | Event::Attachment(_) => {}
        }
    }

    /// All that it says; what is not known is left out.
    pub fn fields(&self) -> Vec<Field> {
        fields::of(self)
    }
}

fn entry<K: PartialEq + Copy, A: Default>(all: &mut Vec<(K, A)>, id: K) -> &mut A {
    let place = all.iter().position(|(known, _)| *known == id);
    let place = place.unwrap_or_else(|| {
        all.push((id, A::default()));
        all.len() - 1
    });
    &mut all[place].1
}

/// What changed between two states, in the order in which the second says it; what is no longer said comes
/// last.
pub fn difference(before: &[Field], after: &[Field]) -> Vec<Change> {
    let find = |fields: &[Field], key: &str| {
        let found = fields.iter().find(|field| field.key == key);
        found.map(|field| field.value.clone())
    };
    let gone = before
        .iter()
        .filter(|field| find(after, &field.key).is_none());
    let changes = after.iter().chain(gone).map(|field| Change {
        key: field.key.clone(),
        label: field.label.clone(),
        before: find(before, &field.key),
        after: find(after, &field.key),
    });
    changes
        .filter(|change| change.before != change.after)
        .collect()
}

/// One event of a history, with what it changed and the state after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its place in the log.
    pub position: i64,
    /// When the log received it.
    pub at: DateTime<Utc>,
    /// Who caused it, as in the event's metadata.
    pub actor: String,
    /// Its stored name.
    pub event_type: String,
    /// What it says.
    pub sentence: String,
    /// What it changed.
    pub changes: Vec<Change>,
    /// All that the state after it says.
    pub fields: Vec<Field>,
}

/// A history replayed one event after the other.
pub fn steps<'e>(events: impl IntoIterator<Item = &'e Recorded>) -> impl Iterator<Item = Step> {
    let (mut state, mut before) = (State::default(), vec![]);
    events.into_iter().map(move |recorded| {
        state.apply(recorded);
        let fields = state.fields();
        let changes = difference(&std::mem::replace(&mut before, fields.clone()), &fields);
        Step {
            position: recorded.position,
            at: recorded.recorded_at,
            actor: recorded.metadata.actor.clone(),
            event_type: recorded.event_type.clone(),
            sentence: french::sentence(&recorded.event),
            changes,
            fields,
        }
    })
}
