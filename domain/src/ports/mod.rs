//! The roles that the outside plays, in the domain's words. Adapters implement them; `src/app.rs` hands
//! them out.
//!
//! Every method that changes something takes an id of ours, which is the neighbour's idempotency key, and
//! promises *does it, or finds it done*. After an [`Attempt::Again`] it looks before it acts, since an
//! earlier attempt may have been applied without its answer being heard.

mod archive;
mod circuits;
mod delivery;
mod directory;
mod office;
mod services;
mod source;
mod template_fault;
mod trial;

pub use archive::{Archive, ArchiveAnswer, ArchiveTransfer, ArchivedFile, DropBox};
pub use circuits::{
    Circulation, DeskProgress, FolderRef, Passage, SignedFolder, SigningDesk, SigningRequest, Tray,
    VisaCircuit, VisaRequest, VisaState,
};
pub use delivery::{
    Deposit, DepositReceipt, Email, GrantsTool, MailRegister, OutgoingMail, PorteDocuments,
    Postman, Registration,
};
pub use directory::{CompanyDirectory, Establishment};
pub use office::{
    FileStore, IncludedFiles, MergeFailure, Merged, OfficeFormat, OfficeWorkshop, Pdf, StoreResult,
};
pub use services::{ServiceCall, WebServices};
pub use source::{DossierSource, SourceApplicant, SourceDossier, SourcePage, SourceState};
pub use template_fault::{Anchor, Place, TemplateFault};
pub use trial::{Named, Trial};

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
    #[serde(alias = "iparapheur")]
    IParapheur,
    /// Mail management (gestion de courrier).
    MaarchCourrier,
    /// The mail relay.
    Smtp,
    /// The applicant's porte-documents.
    PorteDocuments,
    /// The tool in which dossiers are managed.
    GrantsTool,
    /// The web services that chains call.
    WebServices,
    /// The national directory of companies and associations.
    CompanyDirectory,
    /// A folder in which files are handed over.
    DropBox,
    /// The archive to which dossiers are handed over.
    Archive,
}

impl Neighbour {
    /// Those for which chains have work: the others are asked, or not used by a step yet.
    pub const ALL: [Self; 8] = [
        Self::Office,
        Self::Nextcloud,
        Self::IParapheur,
        Self::MaarchCourrier,
        Self::Smtp,
        Self::PorteDocuments,
        Self::GrantsTool,
        Self::WebServices,
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
            Self::WebServices => "le service web",
            Self::CompanyDirectory => "l'annuaire des entreprises",
            Self::DropBox => "le dossier de dépôt",
            Self::Archive => "le service d'archivage",
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
            Self::WebServices => "web_services",
            Self::CompanyDirectory => "company_directory",
            Self::DropBox => "drop_box",
            Self::Archive => "archive",
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
