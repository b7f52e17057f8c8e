//! The roles that the outside plays, in the domain's words. Adapters implement them; `src/app.rs` hands
//! them out.
//!
//! Every method that changes something takes an id of ours, which is the neighbour's idempotency key, and
//! promises *does it, or finds it done*. After an [`Attempt::Again`] it looks before it acts, since an
//! earlier attempt may have been applied without its answer being heard.

mod circuits;
mod delivery;
mod office;
mod template_fault;

pub use circuits::{
    Circulation, DeskProgress, FolderRef, Passage, SignedFolder, SigningDesk, SigningRequest, Tray,
    VisaCircuit, VisaRequest, VisaState,
};
pub use delivery::{
    Deposit, DepositReceipt, Email, GrantsTool, MailRegister, OutgoingMail, PorteDocuments,
    Postman, Registration,
};
pub use office::{
    FileStore, IncludedFiles, MergeFailure, Merged, OfficeFormat, OfficeWorkshop, Pdf, StoreResult,
};
pub use template_fault::{Anchor, Place, TemplateFault};

use crate::french;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Whether an earlier attempt at the same effect may have left something behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Nothing was ever sent.
    First,
    /// Something may have been sent: look before acting.
    Again,
}

/// The neighbours, as people call them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Neighbour {
    /// Our own merge and PDF worker: not outside, but limited and fallible like the others.
    Office,
    /// Circulation for visa.
    Nextcloud,
    /// Electronic signature.
    IParapheur,
    /// Mail management (gestion de courrier).
    MaarchCourrier,
    /// The mail relay.
    Smtp,
    /// The applicant's porte-documents.
    PorteDocuments,
    /// The tool in which dossiers are managed.
    GrantsTool,
}

impl Neighbour {
    /// Every neighbour there is.
    pub const ALL: [Self; 7] = [
        Self::Office,
        Self::Nextcloud,
        Self::IParapheur,
        Self::MaarchCourrier,
        Self::Smtp,
        Self::PorteDocuments,
        Self::GrantsTool,
    ];

    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Office => "l'atelier bureautique",
            Self::Nextcloud => "Nextcloud",
            Self::IParapheur => "iParapheur",
            Self::MaarchCourrier => "Maarch Courrier",
            Self::Smtp => "le serveur de messagerie",
            Self::PorteDocuments => "le porte-documents",
            Self::GrantsTool => "l'outil de gestion des aides",
        }
    }

    /// Its stored name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Office => "office",
            Self::Nextcloud => "nextcloud",
            Self::IParapheur => "iparapheur",
            Self::MaarchCourrier => "maarch_courrier",
            Self::Smtp => "smtp",
            Self::PorteDocuments => "porte_documents",
            Self::GrantsTool => "grants_tool",
        }
    }
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a failure means for the effect that met it. The adapter knows whether trying again can help; only
/// the worker knows when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// Network, time-out, 5xx, SOAP fault: try again later.
    Transient,
    /// The neighbour asks for patience, perhaps for this long: try again, at no cost.
    Throttled(Option<Duration>),
    /// Our account is refused: stop calling this neighbour, accounts lock.
    Credentials,
    /// The neighbour refuses this very document: a person must look.
    Rejected,
}

/// A call that did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("{}", french::capitalised(.sentence))]
pub struct PortFailure {
    /// Who was called.
    pub neighbour: Neighbour,
    /// What it means.
    pub class: FailureClass,
    /// What a clerk reads, in French, naming the neighbour, without secrets or personal data.
    pub sentence: String,
    /// What an engineer reads.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl PortFailure {
    /// A failure with no deeper cause.
    pub fn new(neighbour: Neighbour, class: FailureClass, sentence: impl Into<String>) -> Self {
        Self {
            neighbour,
            class,
            sentence: sentence.into(),
            cause: None,
        }
    }

    /// The same failure, with what an engineer reads.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

/// What a port answers.
pub type Answer<T> = Result<T, PortFailure>;
