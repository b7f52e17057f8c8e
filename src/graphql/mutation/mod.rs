//! What may be changed: one file an aggregate.
//!
//! Every input has an idempotency key: the same request under the same key is done once and answered alike;
//! another request under that key is refused. Refusals of the rules are data of the answer; GraphQL errors
//! are for mistakes in the request, missing rights and faults of ours.

mod attachments;
mod batches;
mod bulk;
mod chains;
mod documents;
mod dossier_input;
mod dossiers;
mod erasure;
mod export_schedules;
mod exports;
mod pauses;
mod selections;
mod third_parties;
mod triggers;

use super::asking::Asker;
use crate::unit::Envelope;
use async_graphql::{InputObject, MergedObject};
use serde::Serialize;
use uuid::Uuid;

/// What may be changed.
#[derive(Default, MergedObject)]
pub struct Mutation(
    dossiers::DossierMutation,
    third_parties::ThirdPartyMutation,
    erasure::ErasureMutation,
    chains::ChainMutation,
    batches::BatchMutation,
    documents::DocumentMutation,
    pauses::PauseMutation,
    exports::ExportMutation,
    export_schedules::ExportScheduleMutation,
    selections::SelectionMutation,
    bulk::BulkMutation,
    attachments::AttachmentMutation,
    bulk::BulkDocumentMutation,
    triggers::TriggerMutation,
);

/// What every change says.
#[derive(Debug, Clone, InputObject, Serialize)]
struct Change {
    /// What is to be changed.
    id: Uuid,
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// The version that was seen: if it has changed since, nothing is done.
    expected_version: Option<i64>,
}

/// A change with its reason.
#[derive(Debug, Clone, InputObject, Serialize)]
struct ReasonedChange {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// Why, for the history.
    reason: String,
}

impl Change {
    fn envelope(&self, asker: &Asker, mutation: &str, input: &impl Serialize) -> Envelope {
        asker.envelope(mutation, self.idempotency_key, self.expected_version, input)
    }
}
