//! Where a document stands.

use super::PdfRef;
use crate::{
    digest::Digest,
    ids::SignatureId,
    ports::{Circulation, OfficeFormat, Registration},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a document stands, with what exists there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "each field means what it means in the event that brought it"
)]
pub enum Stage {
    /// Nothing was made yet.
    Requested,
    /// The office file exists.
    Merged {
        office: Digest,
        format: OfficeFormat,
        at: DateTime<Utc>,
    },
    /// The PDF exists.
    Converted { pdf: PdfRef },
    /// It circulates for visa.
    InVisa {
        pdf: PdfRef,
        circulation: Circulation,
    },
    /// It has its visa.
    Visaed { pdf: PdfRef },
    /// Its visa was refused.
    VisaRefused { reason: String },
    /// It is at the signing desk.
    InSignature { pdf: PdfRef, signature: SignatureId },
    /// It is signed, and the signed PDF, or the scan of the signed paper, is safe here.
    Signed { pdf: PdfRef },
    /// Its signature was refused.
    SignatureRefused { reason: String },
    /// It is on paper, until it comes back as a scan.
    OnPaper { pdf: PdfRef },
    /// It has its number in the mail register.
    Registered {
        pdf: PdfRef,
        registration: Registration,
    },
    /// It is attached to its dossier.
    Attached { pdf: PdfRef },
    /// Its chain is over.
    Delivered { pdf: PdfRef },
    /// It was given up.
    Cancelled { reason: String },
}

/// The status that people filter on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the names are the statuses' own; `french::document_status` says them in French"
)]
pub enum DocumentStatus {
    Requested,
    Merged,
    Converted,
    InVisa,
    Visaed,
    VisaRefused,
    InApproval,
    Waiting,
    InSignature,
    OnPaper,
    Signed,
    SignatureRefused,
    Registered,
    Attached,
    Delivered,
    Cancelled,
}

impl Stage {
    /// The status that people filter on.
    pub fn status(&self) -> DocumentStatus {
        match self {
            Self::Requested => DocumentStatus::Requested,
            Self::Merged { .. } => DocumentStatus::Merged,
            Self::Converted { .. } => DocumentStatus::Converted,
            Self::InVisa { .. } => DocumentStatus::InVisa,
            Self::Visaed { .. } => DocumentStatus::Visaed,
            Self::VisaRefused { .. } => DocumentStatus::VisaRefused,
            Self::InSignature { .. } => DocumentStatus::InSignature,
            Self::OnPaper { .. } => DocumentStatus::OnPaper,
            Self::Signed { .. } => DocumentStatus::Signed,
            Self::SignatureRefused { .. } => DocumentStatus::SignatureRefused,
            Self::Registered { .. } => DocumentStatus::Registered,
            Self::Attached { .. } => DocumentStatus::Attached,
            Self::Delivered { .. } => DocumentStatus::Delivered,
            Self::Cancelled { .. } => DocumentStatus::Cancelled,
        }
    }

    /// The PDF in force, once there is one.
    pub fn pdf(&self) -> Option<PdfRef> {
        match self {
            Self::Converted { pdf }
            | Self::InVisa { pdf, .. }
            | Self::Visaed { pdf }
            | Self::InSignature { pdf, .. }
            | Self::OnPaper { pdf }
            | Self::Signed { pdf }
            | Self::Registered { pdf, .. }
            | Self::Attached { pdf }
            | Self::Delivered { pdf } => Some(*pdf),
            Self::Requested
            | Self::Merged { .. }
            | Self::VisaRefused { .. }
            | Self::SignatureRefused { .. }
            | Self::Cancelled { .. } => None,
        }
    }
}

/// What a document waits for beside the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Awaited {
    /// Somebody to approve it.
    Approval,
    /// A moment.
    Moment {
        /// Which.
        until: DateTime<Utc>,
    },
}
