//! What one may ask of a document, and why it says no.

use super::{BackTo, ByHand, Order, PdfRef};
use crate::{
    chain::{ChainRef, StepId},
    digest::Digest,
    ids::SignatureId,
    personal::Personal,
    ports::{Circulation, OfficeFormat, Registration},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

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
    SendToPrint {
        step: StepId,
        at: DateTime<Utc>,
    },
    RecordScanReturned {
        step: StepId,
        pdf: PdfRef,
        upload: Digest,
        first: u32,
        last: u32,
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
    RecordCalled {
        step: StepId,
        service: String,
        answer: BTreeMap<String, String>,
        at: DateTime<Utc>,
    },
    /// Say whether the condition of a step holds.
    RecordWeighed {
        step: StepId,
        holds: bool,
        expression: String,
        found: BTreeMap<String, String>,
        at: DateTime<Utc>,
    },
    AskApproval {
        step: StepId,
        at: DateTime<Utc>,
    },
    /// Approve it: this step, or the only one that waits for it.
    Approve {
        step: Option<StepId>,
        comment: Option<String>,
        at: DateTime<Utc>,
    },
    /// Refuse to approve it: this step, or the only one that waits for it.
    RefuseApproval {
        step: Option<StepId>,
        reason: String,
        at: DateTime<Utc>,
    },
    BeginWait {
        step: StepId,
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    EndWait {
        step: StepId,
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
        back_to: Option<BackTo>,
        at: DateTime<Utc>,
    },
    Migrate {
        chain: ChainRef,
        begins: Vec<StepId>,
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
    /// This step did not stop.
    #[error("L'étape « {0} » n'est pas arrêtée : seule une étape arrêtée peut être passée.")]
    NotStopped(StepId),
    /// Several steps stopped.
    #[error("Plusieurs étapes de ce document sont arrêtées : précisez laquelle passer.")]
    WhichStopped,
    /// The rest of the chain rests on what the step brings.
    #[error(
        "L'étape « {0} » ne peut pas être passée : la suite de la chaîne repose sur ce qu'elle apporte."
    )]
    CannotSkip(StepId),
    /// What was done by hand has a number.
    #[error("Indiquez le numéro sous lequel le courrier a été enregistré.")]
    NeedsNumber,
    /// It is stopped, and only a person can move it.
    #[error("Le document attend une décision : relancez-le ou annulez-le.")]
    Waiting,
    /// Nobody is asked to approve it.
    #[error("Ce document n'attend aucune approbation.")]
    NoApproval,
    /// Several steps wait for an approval.
    #[error("Ce document attend plusieurs approbations : précisez l'étape.")]
    WhichApproval,
    /// Whoever decides it says why.
    #[error("Le motif est vide : dites pourquoi.")]
    NoReason,
    /// It cannot go back to where it has not been.
    #[error(
        "Le document ne peut pas être repris à l'étape « {0} » : elle n'a pas commencé, ou n'est pas de sa chaîne."
    )]
    NotReached(StepId),
    /// Its chain has no such version.
    #[error("La chaîne de ce document n'a pas de version {0}.")]
    NoSuchVersion(u32),
    /// A version makes a document of each dossier, the other one of all.
    #[error(
        "Cette version de la chaîne ne fait pas les mêmes documents : elle est d'une autre portée."
    )]
    OtherScope,
    /// What is done or under way has no place in that version.
    #[error(
        "Le document ne peut pas passer à cette version de sa chaîne : l'étape « {0} », faite ou en cours, y manque, y est autre ou y vient à un autre moment. Reprenez-le à une étape antérieure, ou annulez-le."
    )]
    OtherPath(StepId),
    /// Other steps of its group are under way.
    #[error(
        "D'autres étapes de ce document sont en cours : attendez leur fin, ou annulez le document."
    )]
    UnderWay,
    /// Somebody outside has it, or may have it.
    #[error(
        "Ce document a commencé à être remis : recommencé, il le serait deux fois. Relancez l'étape en échec, ou annulez le document."
    )]
    HandedOver,
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
            | Self::SendToPrint { step, .. }
            | Self::RecordScanReturned { step, .. }
            | Self::RecordRegistered { step, .. }
            | Self::RecordAttached { step, .. }
            | Self::RecordReported { step, .. }
            | Self::RecordEmailed { step, .. }
            | Self::RecordPublished { step, .. }
            | Self::RecordCalled { step, .. }
            | Self::RecordWeighed { step, .. }
            | Self::AskApproval { step, .. }
            | Self::BeginWait { step, .. }
            | Self::EndWait { step, .. }
            | Self::Skip { step, .. }
            | Self::Fail { step, .. } => Some(step),
            Self::Request { .. }
            | Self::Approve { .. }
            | Self::RefuseApproval { .. }
            | Self::Deliver { .. }
            | Self::Retry { .. }
            | Self::Restart { .. }
            | Self::Migrate { .. }
            | Self::Cancel { .. } => None,
        }
    }
}
