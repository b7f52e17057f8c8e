//! Refusals are data: a code for programs, a sentence for clerks.

use super::faults;
use crate::{
    batches::{RefusedDossier, StartRefusal},
    dispatch::{DispatchFailure, Receipt},
    erasure::ErasureRefusal,
    pauses::HoldRefusal,
};
use async_graphql::{Enum, Result, SimpleObject};
use navette_domain::{
    attachment::AttachmentRefusal,
    batch::BatchRefusal,
    chain::ChainRefusal,
    document::DocumentRefusal,
    dossier::DossierRefusal,
    export::{ExportRefusal, model::ExportModelRefusal, schedule::ExportScheduleRefusal},
    pause::PauseRefusal,
    selection::SelectionRefusal,
    third_party::ThirdPartyRefusal,
    trigger::TriggerRefusal,
};
use navette_projections::kinds::Position;
use uuid::Uuid;

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum RefusalCode {
    /// It does not exist, or is not seen by whoever asks.
    NotFound,
    /// It exists with another content.
    AlreadyExists,
    /// Where it stands does not allow it.
    NotAtThisStage,
    /// A value is missing or wrong.
    InvalidInput,
    /// Nothing of what is asked can be done.
    NothingToDo,
    /// What is asked would be out of the sight of whoever asks.
    OutOfScope,
    /// It has changed since the version that was expected.
    Conflict,
    /// The idempotency key was used for another request.
    KeyReused,
}

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// For clerks, in French.
    pub sentence: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: RefusalCode, sentence: impl Into<String>) -> Self {
        Self {
            code,
            sentence: sentence.into(),
        }
    }
}

/// What every mutation answers.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct Answer {
    /// The new version, for the next `expectedVersion`.
    pub version: Option<i64>,
    /// The position to pass as `atLeast` to read what was written.
    pub position: Option<Position>,
    /// Why nothing was changed; none when it is done.
    pub refusal: Option<Refusal>,
}

impl From<Receipt> for Answer {
    fn from(receipt: Receipt) -> Self {
        Self {
            version: Some(receipt.version),
            position: Some(Position(receipt.position)),
            refusal: None,
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self {
            version: None,
            position: None,
            refusal: Some(refusal),
        }
    }
}

/// The code of a refusal of the domain.
pub trait Coded: std::error::Error {
    /// For programs.
    fn code(&self) -> RefusalCode;
}

impl Coded for DossierRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotRegistered => RefusalCode::NotFound,
            Self::AlreadyRegistered => RefusalCode::AlreadyExists,
            Self::NotFrom { .. } => RefusalCode::NotAtThisStage,
            Self::ReferenceChanged | Self::Missing(_) | Self::NegativeAmount => {
                RefusalCode::InvalidInput
            }
        }
    }
}

impl Coded for ThirdPartyRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotRegistered => RefusalCode::NotFound,
            Self::AlreadyRegistered => RefusalCode::AlreadyExists,
            Self::NoName | Self::NoReason => RefusalCode::InvalidInput,
            Self::Erased => RefusalCode::NotAtThisStage,
        }
    }
}

impl Coded for ErasureRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::Held(_) => RefusalCode::NotAtThisStage,
            Self::ThirdParty(refusal) => refusal.code(),
        }
    }
}

impl Coded for ChainRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::Faulty(_) => RefusalCode::InvalidInput,
        }
    }
}

impl Coded for ExportRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotRequested => RefusalCode::NotFound,
            Self::AlreadyRequested => RefusalCode::AlreadyExists,
            Self::Columns(_) | Self::NoLabel => RefusalCode::InvalidInput,
            Self::Over | Self::NotReady | Self::NoFile | Self::NotKept | Self::Gone => {
                RefusalCode::NotAtThisStage
            }
        }
    }
}

impl Coded for ExportModelRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotYours => RefusalCode::NotFound,
            Self::NoName | Self::Columns(_) => RefusalCode::InvalidInput,
        }
    }
}

impl Coded for ExportScheduleRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotYours => RefusalCode::NotFound,
            Self::BadName
            | Self::NoFormat
            | Self::Columns(_)
            | Self::Calendar(_)
            | Self::Addresses => RefusalCode::InvalidInput,
        }
    }
}

impl Coded for TriggerRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotYours => RefusalCode::NotFound,
            Self::BadName
            | Self::NoReason
            | Self::Calendar(_)
            | Self::NoEnding(_)
            | Self::ChoosesAll
            | Self::BothChosen
            | Self::Circle(_) => RefusalCode::InvalidInput,
        }
    }
}

impl Coded for AttachmentRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotAdded => RefusalCode::NotFound,
            Self::AlreadyAdded => RefusalCode::AlreadyExists,
            Self::BadName | Self::Empty | Self::NoReason => RefusalCode::InvalidInput,
        }
    }
}

impl Coded for BatchRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotStarted => RefusalCode::NotFound,
            Self::AlreadyStarted => RefusalCode::AlreadyExists,
            Self::Empty => RefusalCode::NothingToDo,
            Self::Over => RefusalCode::NotAtThisStage,
        }
    }
}

impl Coded for DocumentRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotRequested | Self::NoSuchVersion(_) => RefusalCode::NotFound,
            Self::AlreadyRequested => RefusalCode::AlreadyExists,
            Self::NotFrom { .. }
            | Self::Waiting
            | Self::UnderWay
            | Self::HandedOver
            | Self::NotStopped(_)
            | Self::NotReached(_)
            | Self::OtherScope
            | Self::OtherPath(_)
            | Self::CannotSkip(_) => RefusalCode::NotAtThisStage,
            Self::NothingToRetry | Self::NoApproval => RefusalCode::NothingToDo,
            Self::WhichApproval | Self::WhichStopped | Self::NoReason | Self::NeedsNumber => {
                RefusalCode::InvalidInput
            }
        }
    }
}

impl Coded for SelectionRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NotSaved => RefusalCode::NotFound,
            Self::NotYours => RefusalCode::OutOfScope,
            Self::BadName | Self::Empty => RefusalCode::InvalidInput,
        }
    }
}

impl Coded for HoldRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NoNeighbour(_) | Self::NoChain(_) => RefusalCode::NotFound,
            Self::Document(refusal) => refusal.code(),
            Self::Pause(PauseRefusal::NoReason) => RefusalCode::InvalidInput,
        }
    }
}

impl Coded for StartRefusal {
    fn code(&self) -> RefusalCode {
        match self {
            Self::NoChain(_) => RefusalCode::NotFound,
            Self::NoTemplate(_) | Self::NoReference(_) => RefusalCode::NotAtThisStage,
            Self::NothingLeft(_) => RefusalCode::NothingToDo,
            Self::Batch(refusal) => refusal.code(),
            Self::Document(refusal) => refusal.code(),
        }
    }
}

/// What a failed command means to whoever asked: a refusal, or a fault of ours.
pub fn refusal<R: Coded>(failure: DispatchFailure<R>) -> Result<Refusal> {
    match failure {
        DispatchFailure::Refused(refusal) => Ok(Refusal::new(refusal.code(), refusal.to_string())),
        DispatchFailure::Conflict { actual } => Ok(Refusal::new(
            RefusalCode::Conflict,
            format!("Entre-temps, la version est devenue {actual} : relisez avant de recommencer."),
        )),
        DispatchFailure::KeyReused => Ok(Refusal::new(
            RefusalCode::KeyReused,
            "Cette clé d'idempotence a déjà servi à une autre demande.",
        )),
        DispatchFailure::Fault(cause) => Err(faults::of_the_log(&cause)),
    }
}

/// What a command's end means to whoever asked.
pub fn answer<R: Coded>(end: Result<Receipt, DispatchFailure<R>>) -> Result<Answer> {
    match end {
        Ok(receipt) => Ok(receipt.into()),
        Err(failure) => refusal(failure).map(Into::into),
    }
}

/// A dossier that a batch left out.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct RefusedRow {
    /// Which.
    pub dossier_id: Uuid,
    /// What people call it, if it exists.
    pub reference: Option<String>,
    /// For programs.
    pub code: RefusalCode,
    /// For clerks, in French.
    pub sentence: String,
}

impl RefusedRow {
    /// A dossier that does not exist, or is not seen: nobody can tell which.
    pub fn unknown(dossier_id: Uuid) -> Self {
        Self {
            dossier_id,
            reference: None,
            code: RefusalCode::NotFound,
            sentence: DossierRefusal::NotRegistered.to_string(),
        }
    }
}

impl From<RefusedDossier> for RefusedRow {
    fn from(refused: RefusedDossier) -> Self {
        match refused.reference {
            None => Self::unknown(refused.dossier.0),
            Some(reference) => Self {
                dossier_id: refused.dossier.0,
                reference: Some(reference),
                code: RefusalCode::NotAtThisStage,
                sentence: refused.sentence,
            },
        }
    }
}
