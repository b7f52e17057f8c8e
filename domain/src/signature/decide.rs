//! What may happen to a signature.

use super::{Binding, Examination, Sheet, Signature, SignatureEvent};
use crate::{digest::Digest, personal::Personal, ports::FolderRef};
use chrono::{DateTime, Utc};

/// What one may ask of a signature.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field means what it means in the event of the same name"
)]
pub enum SignatureCommand {
    /// Say what will be submitted.
    Prepare { sheet: Sheet, at: DateTime<Utc> },
    /// Say that the desk has it.
    RecordSubmitted {
        folder: Option<FolderRef>,
        at: DateTime<Utc>,
    },
    /// Say that it was signed.
    RecordSigned { at: DateTime<Utc> },
    /// Say that it was refused.
    RecordRejected {
        by: Personal<String>,
        reason: String,
        at: DateTime<Utc>,
    },
    /// Say that it was taken back.
    RecordWithdrawn { at: DateTime<Utc> },
    /// Say that the signed PDF is safe here.
    RecordRetrieved {
        pdf: Digest,
        slip: Option<Digest>,
        binding: Binding,
        examination: Option<Examination>,
        at: DateTime<Utc>,
    },
    /// Say that the desk no longer holds it.
    RecordArchived { at: DateTime<Utc> },
}

/// Why a signature says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefusal {
    /// It was never prepared.
    #[error("Cette signature n'a pas été préparée.")]
    NotPrepared,
    /// Another sheet was prepared under the same id.
    #[error("Un autre document est déjà en signature sous cet identifiant.")]
    OtherSheet,
    /// The order of things does not allow it.
    #[error("La signature n'en est pas là : {0}.")]
    NotFrom(&'static str),
    /// Another PDF came back before.
    #[error("Un autre PDF signé a déjà été rapporté.")]
    OtherPdf,
}

#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "it is the table itself: one arm for each answer, grouped by command"
)]
pub(super) fn decide(
    state: &Signature,
    command: SignatureCommand,
) -> Result<Vec<SignatureEvent>, SignatureRefusal> {
    use Signature as S;
    use SignatureCommand as C;
    use SignatureEvent as E;
    use SignatureRefusal::{NotFrom, NotPrepared, OtherPdf, OtherSheet};
    match (state, command) {
        (S::Unborn, C::Prepare { sheet, at }) => Ok(vec![E::Prepared { sheet, at }]),
        (S::Withdrawn { .. }, C::Prepare { .. }) => Err(NotFrom("elle a été retirée")),
        (known, C::Prepare { sheet, .. }) => {
            if known.sheet() == Some(&sheet) {
                Ok(vec![])
            } else {
                Err(OtherSheet)
            }
        }
        // A document may be cancelled while its deposit is about to begin: that deposit must not follow.
        (S::Unborn, C::RecordWithdrawn { at }) => Ok(vec![E::Withdrawn { at }]),
        (
            S::Unborn,
            C::RecordSubmitted { .. }
            | C::RecordSigned { .. }
            | C::RecordRejected { .. }
            | C::RecordRetrieved { .. }
            | C::RecordArchived { .. },
        ) => Err(NotPrepared),

        (S::Prepared { .. }, C::RecordSubmitted { folder, at }) => {
            Ok(vec![E::Submitted { folder, at }])
        }
        (
            S::Submitted { .. }
            | S::Signed { .. }
            | S::Rejected { .. }
            | S::Retrieved { .. }
            | S::Archived { .. }
            | S::Discarded { .. },
            C::RecordSubmitted { .. },
        ) => Ok(vec![]),
        (S::Withdrawn { .. }, C::RecordSubmitted { .. }) => Err(NotFrom("elle a été retirée")),

        (S::Submitted { .. }, C::RecordSigned { at }) => Ok(vec![E::Signed { at }]),
        (S::Signed { .. } | S::Retrieved { .. } | S::Archived { .. }, C::RecordSigned { .. }) => {
            Ok(vec![])
        }
        (S::Prepared { .. }, C::RecordSigned { .. } | C::RecordRejected { .. }) => {
            Err(NotFrom("elle n'est pas encore au parapheur"))
        }
        (S::Rejected { .. } | S::Discarded { .. }, C::RecordSigned { .. }) => {
            Err(NotFrom("elle a été refusée"))
        }
        (S::Withdrawn { .. }, C::RecordSigned { .. } | C::RecordRejected { .. }) => {
            Err(NotFrom("elle a été retirée"))
        }

        (S::Submitted { .. }, C::RecordRejected { by, reason, at }) => {
            Ok(vec![E::Rejected { by, reason, at }])
        }
        (S::Rejected { .. } | S::Discarded { .. }, C::RecordRejected { .. }) => Ok(vec![]),
        (S::Signed { .. } | S::Retrieved { .. } | S::Archived { .. }, C::RecordRejected { .. }) => {
            Err(NotFrom("elle est déjà signée"))
        }

        (S::Prepared { .. } | S::Submitted { .. }, C::RecordWithdrawn { at }) => {
            Ok(vec![E::Withdrawn { at }])
        }
        (S::Withdrawn { .. }, C::RecordWithdrawn { .. }) => Ok(vec![]),
        (
            S::Signed { .. } | S::Retrieved { .. } | S::Archived { .. },
            C::RecordWithdrawn { .. },
        ) => Err(NotFrom("elle est déjà signée")),
        (S::Rejected { .. } | S::Discarded { .. }, C::RecordWithdrawn { .. }) => {
            Err(NotFrom("elle a été refusée"))
        }

        (
            S::Signed { .. },
            C::RecordRetrieved {
                pdf,
                slip,
                binding,
                examination,
                at,
            },
        ) => Ok(vec![E::Retrieved {
            pdf,
            slip,
            binding,
            examination,
            at,
        }]),
        (
            S::Retrieved { pdf: known, .. } | S::Archived { pdf: known, .. },
            C::RecordRetrieved { pdf, .. },
        ) => {
            if *known == pdf {
                Ok(vec![])
            } else {
                Err(OtherPdf)
            }
        }
        (
            S::Prepared { .. }
            | S::Submitted { .. }
            | S::Rejected { .. }
            | S::Withdrawn { .. }
            | S::Discarded { .. },
            C::RecordRetrieved { .. },
        ) => Err(NotFrom("elle n'est pas signée")),

        (S::Retrieved { .. } | S::Rejected { .. }, C::RecordArchived { at }) => {
            Ok(vec![E::Archived { at }])
        }
        (S::Archived { .. } | S::Discarded { .. }, C::RecordArchived { .. }) => Ok(vec![]),
        (
            S::Prepared { .. } | S::Submitted { .. } | S::Signed { .. } | S::Withdrawn { .. },
            C::RecordArchived { .. },
        ) => Err(NotFrom("le PDF signé n'est pas encore en sûreté")),
    }
}
