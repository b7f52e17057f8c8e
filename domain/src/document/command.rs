//! What one may ask of a document, and why it says no.

use super::{ByHand, Order, PdfRef};
use crate::{
    chain::StepId,
    digest::Digest,
    ids::SignatureId,
    personal::Personal,
    ports::{Circulation, OfficeFormat, Registration},
};
use chrono::{DateTime, Utc};

/// What one may ask of a document.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field means what it means in the event of the same name"
)]
pub enum DocumentCommand {
    Request {
        order: Order,
        at: DateTime<Utc>,
    },
    RecordMerged {
        step: StepId,
        office: Digest,
        format: OfficeFormat,
        data: Digest,
        at: DateTime<Utc>,
    },
    RecordConverted {
        step: StepId,
        pdf: PdfRef,
        at: DateTime<Utc>,
    },
    RecordSentForVisa {
        step: StepId,
        circulation: Circulation,
        at: DateTime<Utc>,
    },
    RecordVisaed {
        step: StepId,
        pdf: PdfRef,
        by: Personal<String>,
        comment: Option<String>,
        visaed_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    RecordVisaRefused {
        step: StepId,
        by: Personal<String>,
        reason: String,
        at: DateTime<Utc>,
    },
    RecordReminded {
        step: StepId,
        at: DateTime<Utc>,
    },
    RecordSentForSignature {
        step: StepId,
        signature: SignatureId,
        at: DateTime<Utc>,
    },
    RecordSigned {
        step: StepId,
        signature: SignatureId,
        pdf: PdfRef,
        at: DateTime<Utc>,
    },
    RecordSignatureRefused {
        step: StepId,
        signature: SignatureId,
        reason: String,
        at: DateTime<Utc>,
    },
    RecordRegistered {
        step: StepId,
        registration: Registration,
        at: DateTime<Utc>,
    },
    RecordAttached {
        step: StepId,
        url: String,
        at: DateTime<Utc>,
    },
    RecordReported {
        step: StepId,
        status: String,
        at: DateTime<Utc>,
    },
    RecordEmailed {
        step: StepId,
        message_id: String,
        at: DateTime<Utc>,
    },
    RecordPublished {
        step: StepId,
        url: String,
        at: DateTime<Utc>,
    },
    Deliver {
        at: DateTime<Utc>,
    },
    Fail {
        step: StepId,
        sentence: String,
        at: DateTime<Utc>,
    },
    Retry {
        at: DateTime<Utc>,
    },
    Skip {
        step: StepId,
        by_hand: ByHand,
        reason: String,
        at: DateTime<Utc>,
    },
    Restart {
        reason: String,
        at: DateTime<Utc>,
    },
    Cancel {
        reason: String,
        at: DateTime<Utc>,
    },
}

/// Why a document says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentRefusal {
    /// It does not exist.
    #[error("Ce document n'existe pas.")]
    NotRequested,
    /// It exists with another order.
    #[error("Un autre document porte déjà cet identifiant.")]
    AlreadyRequested,
    /// The status does not allow it.
    #[error("Le document est « {status} » : {what} n'est pas possible à ce stade.")]
    NotFrom {
        /// The status, in French.
        status: &'static str,
        /// What was asked, in French.
        what: &'static str,
    },
    /// Nothing stopped, so nothing can be retried.
    #[error("Aucune étape de ce document n'est en échec.")]
    NothingToRetry,
    /// The step that stopped is another.
    #[error("L'étape arrêtée est « {0} » : c'est la seule qui puisse être passée.")]
    OtherStep(StepId),
    /// The step makes what the rest of the chain needs.
    #[error(
        "L'étape « {0} » ne peut pas être passée : la suite de la chaîne a besoin de ce qu'elle produit."
    )]
    CannotSkip(StepId),
    /// What was done by hand has a number.
    #[error("Indiquez le numéro sous lequel le courrier a été enregistré.")]
    NeedsNumber,
    /// It is stopped, and only a person can move it.
    #[error("Le document attend une décision : relancez-le ou annulez-le.")]
    Waiting,
}

impl DocumentCommand {
    /// The step whose end or beginning it reports.
    pub(super) fn step(&self) -> Option<&StepId> {
        match self {
            Self::RecordMerged { step, .. }
            | Self::RecordConverted { step, .. }
            | Self::RecordSentForVisa { step, .. }
            | Self::RecordVisaed { step, .. }
            | Self::RecordVisaRefused { step, .. }
            | Self::RecordReminded { step, .. }
            | Self::RecordSentForSignature { step, .. }
            | Self::RecordSigned { step, .. }
            | Self::RecordSignatureRefused { step, .. }
            | Self::RecordRegistered { step, .. }
            | Self::RecordAttached { step, .. }
            | Self::RecordReported { step, .. }
            | Self::RecordEmailed { step, .. }
            | Self::RecordPublished { step, .. }
            | Self::Skip { step, .. }
            | Self::Fail { step, .. } => Some(step),
            Self::Request { .. }
            | Self::Deliver { .. }
            | Self::Retry { .. }
            | Self::Restart { .. }
            | Self::Cancel { .. } => None,
        }
    }
}
