//! One newtype per entity. Ids that follow from others are derived (`UUIDv5`), so that a process that
//! runs twice names the same thing twice; the others are minted at the door, never here.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// The namespace of every derived id of Navette: a fixed random UUID that must never change.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_5d5e_91c3_4d0a_8a52_7e8c_1b64_22f1);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// A request for a subsidy.
    DossierId,
    /// A beneficiary or any other tiers.
    ThirdPartyId,
    /// One office document on its way through a chain.
    DocumentId,
    /// One passage at the signing desk.
    SignatureId,
    /// A chain started on a selection of dossiers.
    BatchId,
    /// Rows of dossiers that leave as a file.
    ExportId,
    /// A format and columns that somebody keeps.
    ExportModelId,
    /// An export that is made again and again.
    ExportScheduleId,
    /// The bundles that were taken of one dossier.
    BundleId,
    /// A file that somebody adds to a dossier.
    AttachmentId,
    /// What starts a chain without a clerk.
    TriggerId,
    /// A filter or a list of dossiers that somebody keeps under a name.
    SelectionId,
    /// A template, whatever its version.
    TemplateId,
    /// An image, whatever its version.
    ImageId,
    /// A chain definition, whatever its version.
    ChainId,
    /// One piece of outside work that a chain asks for.
    EffectId,
    /// What makes a command safe to repeat.
    CommandId,
}

fn derived(kind: &str, parts: &[&str]) -> Uuid {
    let mut name = String::from(kind);
    for part in parts {
        name.push('\u{1f}');
        name.push_str(part);
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

impl DossierId {
    /// The dossier that the source system calls `reference`.
    pub fn of_reference(reference: &str) -> Self {
        Self(derived("dossier", &[reference]))
    }
}

impl ExportId {
    /// The export of a schedule that was due at this time.
    pub fn of_schedule(schedule: ExportScheduleId, due: DateTime<Utc>) -> Self {
        let due = due.timestamp().to_string();
        Self(derived("export", &[&schedule.to_string(), &due]))
    }
}

impl BatchId {
    /// The batch that a trigger starts for what happened up to this place in the log.
    pub fn of_events(trigger: TriggerId, through: i64) -> Self {
        Self(derived(
            "batch",
            &[&trigger.to_string(), "through", &through.to_string()],
        ))
    }

    /// The batch that a trigger starts for this time of its calendar.
    pub fn of_time(trigger: TriggerId, due: DateTime<Utc>) -> Self {
        let due = due.timestamp().to_string();
        Self(derived("batch", &[&trigger.to_string(), "due", &due]))
    }
}

impl BundleId {
    /// The bundles of this dossier.
    pub fn of_dossier(dossier: DossierId) -> Self {
        Self(derived("bundle", &[&dossier.to_string()]))
    }
}

impl ThirdPartyId {
    /// The third party that a register knows under `key`, such as `siret:73282932000074`.
    pub fn of_key(key: &str) -> Self {
        Self(derived("third_party", &[key]))
    }
}

impl DocumentId {
    /// The document that a batch makes for one dossier.
    pub fn of_dossier(batch: BatchId, dossier: DossierId) -> Self {
        Self(derived(
            "document",
            &[&batch.to_string(), &dossier.to_string()],
        ))
    }

    /// The one document that a batch makes for all its dossiers.
    pub fn of_batch(batch: BatchId) -> Self {
        Self(derived("document", &[&batch.to_string()]))
    }
}

impl SignatureId {
    /// The `round`th passage of a document at the desk, for the step named `step`.
    pub fn of(document: DocumentId, step: &str, round: u32) -> Self {
        Self(derived(
            "signature",
            &[&document.to_string(), step, &round.to_string()],
        ))
    }
}

impl TemplateId {
    /// The template that clerks know under `code`.
    pub fn of_code(code: &str) -> Self {
        Self(derived("template", &[code]))
    }
}

impl ImageId {
    /// The image that templates know as `images.<code>`.
    pub fn of_code(code: &str) -> Self {
        Self(derived("image", &[code]))
    }
}

impl ChainId {
    /// The chain that clerks know under `code`.
    pub fn of_code(code: &str) -> Self {
        Self(derived("chain", &[code]))
    }
}

impl EffectId {
    /// The effect named `kind` that a document's `step` asks for, in its `round`th try by an operator.
    pub fn of(document: DocumentId, step: &str, kind: &str, round: u32) -> Self {
        Self(derived(
            "effect",
            &[&document.to_string(), step, kind, &round.to_string()],
        ))
    }
}

impl CommandId {
    /// The command that follows from `cause`, whatever the number of times it is worked out.
    pub fn following(cause: Uuid, name: &str) -> Self {
        Self(derived("command", &[&cause.to_string(), name]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_id_names_the_same_thing_every_time_and_never_two_things() {
        let batch = BatchId(Uuid::from_u128(1));
        let first = DocumentId::of_dossier(batch, DossierId(Uuid::from_u128(2)));
        assert_eq!(
            first,
            DocumentId::of_dossier(batch, DossierId(Uuid::from_u128(2)))
        );
        assert_ne!(
            first,
            DocumentId::of_dossier(batch, DossierId(Uuid::from_u128(3)))
        );
        assert_ne!(first, DocumentId::of_batch(batch));
    }
}
