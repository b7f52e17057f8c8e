//! A signature: one passage of a document at the signing desk.
//!
//! ```text
//! prepared → submitted → signed → retrieved → archived at the desk
//!                      → rejected → archived at the desk
//! (unborn) | prepared | submitted → withdrawn, after which no deposit may follow
//! ```

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{SignatureCommand, SignatureRefusal};

use crate::{
    digest::Digest,
    event::{aggregate, events},
    ids::DocumentId,
    personal::Personal,
    ports::FolderRef,
};
use chrono::{DateTime, Utc};
use decide::decide;
use serde::{Deserialize, Serialize};

/// What is put before the signatory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// The document.
    pub document: DocumentId,
    /// The PDF as it is sent.
    pub pdf: Digest,
    /// The desk's type and subtype, which choose the circuit.
    pub desk_type: String,
    /// See `desk_type`.
    pub desk_subtype: String,
}

/// How firmly a returned PDF is bound to the one that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// It begins with the very bytes that were sent; only a signature was added.
    Exact,
    /// The desk rewrote the file: same pages, same text.
    Weak,
}

/// What was checked of the signatures of a returned PDF, and against what. Who signed is in the PDF alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    /// How many there are, all of them intact.
    pub signatures: u32,
    /// The SHA-256 of the authorities' certificates that those of the signers lead to; none was asked for without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<Digest>,
    /// The SHA-256 of the revocation lists on which they are not, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_lists: Option<Digest>,
    /// Whether signers had to bear one of the expected names.
    pub named: bool,
    /// The program that checked, with its version.
    pub by: String,
}

events! {
    /// What happens to a signature.
    pub enum SignatureEvent {
        /// It is about to be submitted, under its own id as the desk's key.
        Prepared = "signature.prepared", 1 {
            /// What is put before the signatory.
            sheet: Sheet,
            /// When.
            at: DateTime<Utc>,
        }
        /// The desk has it.
        Submitted = "signature.submitted", 1 {
            /// The desk's name of it; not written down by the first releases.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            folder: Option<FolderRef>,
            /// When.
            at: DateTime<Utc>,
        }
        /// It was signed.
        Signed = "signature.signed", 1 {
            /// When Navette learnt it.
            at: DateTime<Utc>,
        }
        /// It was refused.
        Rejected = "signature.rejected", 1 {
            /// By whom.
            by: Personal<String>,
            /// Why, in their words.
            reason: String,
            /// When Navette learnt it.
            at: DateTime<Utc>,
        }
        /// It was taken back.
        Withdrawn = "signature.withdrawn", 1 {
            /// When.
            at: DateTime<Utc>,
        }
        /// The signed PDF is safe here.
        Retrieved = "signature.retrieved", 1 {
            /// The signed PDF.
            pdf: Digest,
            /// The signature slip, when the desk gives one.
            slip: Option<Digest>,
            /// How firmly it is bound to what was sent.
            binding: Binding,
            /// What was checked of its signatures; not written down by the first releases.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            examination: Option<Examination>,
            /// When.
            at: DateTime<Utc>,
        }
        /// The desk no longer holds it.
        Archived = "signature.archived", 1 {
            /// When.
            at: DateTime<Utc>,
        }
    }
}

impl SignatureEvent {
    /// The files of the store that this event names.
    pub fn files(&self) -> Vec<Digest> {
        match self {
            Self::Prepared { sheet, .. } => vec![sheet.pdf],
            Self::Retrieved { pdf, slip, .. } => {
                [Some(*pdf), *slip].into_iter().flatten().collect()
            }
            Self::Submitted { .. }
            | Self::Signed { .. }
            | Self::Rejected { .. }
            | Self::Withdrawn { .. }
            | Self::Archived { .. } => vec![],
        }
    }
}

/// The state of a signature.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "each field means what it means in the event that brought it"
)]
pub enum Signature {
    /// Nothing was prepared.
    #[default]
    Unborn,
    /// About to be submitted.
    Prepared { sheet: Sheet },
    /// At the desk.
    Submitted {
        sheet: Sheet,
        folder: Option<FolderRef>,
    },
    /// Signed, still at the desk.
    Signed {
        sheet: Sheet,
        folder: Option<FolderRef>,
    },
    /// Refused, still at the desk.
    Rejected {
        sheet: Sheet,
        folder: Option<FolderRef>,
        reason: String,
    },
    /// Taken back, perhaps before anything was prepared.
    Withdrawn { sheet: Option<Sheet> },
    /// Signed and safe here, still at the desk.
    Retrieved {
        sheet: Sheet,
        folder: Option<FolderRef>,
        pdf: Digest,
    },
    /// Signed and cleared from the desk.
    Archived { sheet: Sheet, pdf: Digest },
    /// Refused and cleared from the desk.
    Discarded { sheet: Sheet, reason: String },
}

impl Signature {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: SignatureEvent) -> Self {
        use SignatureEvent as E;
        match (self, event) {
            (Self::Unborn, E::Prepared { sheet, .. }) => Self::Prepared { sheet },
            (Self::Prepared { sheet }, E::Submitted { folder, .. }) => {
                Self::Submitted { sheet, folder }
            }
            (Self::Submitted { sheet, folder }, E::Signed { .. }) => Self::Signed { sheet, folder },
            (Self::Submitted { sheet, folder }, E::Rejected { reason, .. }) => Self::Rejected {
                sheet,
                folder,
                reason,
            },
            (Self::Unborn, E::Withdrawn { .. }) => Self::Withdrawn { sheet: None },
            (Self::Prepared { sheet } | Self::Submitted { sheet, .. }, E::Withdrawn { .. }) => {
                Self::Withdrawn { sheet: Some(sheet) }
            }
            (Self::Signed { sheet, folder }, E::Retrieved { pdf, .. }) => {
                Self::Retrieved { sheet, folder, pdf }
            }
            (Self::Retrieved { sheet, pdf, .. }, E::Archived { .. }) => {
                Self::Archived { sheet, pdf }
            }
            (Self::Rejected { sheet, reason, .. }, E::Archived { .. }) => {
                Self::Discarded { sheet, reason }
            }
            (state, _) => state,
        }
    }

    /// What is put before the signatory.
    pub fn sheet(&self) -> Option<&Sheet> {
        match self {
            Self::Unborn => None,
            Self::Withdrawn { sheet } => sheet.as_ref(),
            Self::Prepared { sheet }
            | Self::Submitted { sheet, .. }
            | Self::Signed { sheet, .. }
            | Self::Rejected { sheet, .. }
            | Self::Retrieved { sheet, .. }
            | Self::Archived { sheet, .. }
            | Self::Discarded { sheet, .. } => Some(sheet),
        }
    }

    /// The desk's name of what it holds, when it told it.
    pub fn folder(&self) -> Option<&FolderRef> {
        match self {
            Self::Submitted { folder, .. }
            | Self::Signed { folder, .. }
            | Self::Rejected { folder, .. }
            | Self::Retrieved { folder, .. } => folder.as_ref(),
            Self::Unborn
            | Self::Prepared { .. }
            | Self::Withdrawn { .. }
            | Self::Archived { .. }
            | Self::Discarded { .. } => None,
        }
    }
}

aggregate!(
    Signature,
    "signature",
    SignatureCommand,
    SignatureEvent,
    SignatureRefusal
);
