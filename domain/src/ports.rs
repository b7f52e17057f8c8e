//! The roles that the outside plays, in the domain's words. Adapters implement them; `src/app.rs` hands
//! them out.
//!
//! Every method that changes something takes an id of ours, which is the neighbour's idempotency key, and
//! promises *does it, or finds it done*. After an [`Attempt::Again`] it looks before it acts, since an
//! earlier attempt may have been applied without its answer being heard.

use crate::{
    digest::Digest,
    ids::{DocumentId, SignatureId},
    personal::Personal,
};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
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
        f.write_str(match self {
            Self::Office => "l'atelier bureautique",
            Self::Nextcloud => "Nextcloud",
            Self::IParapheur => "iParapheur",
            Self::MaarchCourrier => "Maarch Courrier",
            Self::Smtp => "le serveur de messagerie",
            Self::PorteDocuments => "le porte-documents",
            Self::GrantsTool => "l'outil de gestion des aides",
        })
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
#[error("{neighbour} : {sentence}")]
pub struct PortFailure {
    /// Who was called.
    pub neighbour: Neighbour,
    /// What it means.
    pub class: FailureClass,
    /// What a clerk reads, in French, without secrets or personal data.
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

// --- bytes -----------------------------------------------------------------------------------------

/// The content-addressed store of office files and PDFs.
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Stores `bytes` under their digest; storing them again changes nothing.
    async fn put(&self, bytes: Vec<u8>) -> StoreResult<Digest>;
    /// The bytes of `digest`, checked against it; `None` when the store has never seen them.
    async fn get(&self, digest: Digest) -> StoreResult<Option<Vec<u8>>>;
}

/// What the file store answers: the disk or the object store may fail, or lie.
pub type StoreResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

// --- merge and PDF ---------------------------------------------------------------------------------

/// The office formats of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfficeFormat {
    /// LibreOffice Writer.
    Odt,
    /// LibreOffice Calc.
    Ods,
    /// MS Word.
    Docx,
    /// MS Excel.
    Xlsx,
}

impl OfficeFormat {
    /// The usual file extension, without its dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Odt => "odt",
            Self::Ods => "ods",
            Self::Docx => "docx",
            Self::Xlsx => "xlsx",
        }
    }

    /// The media type (IANA).
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Odt => "application/vnd.oasis.opendocument.text",
            Self::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// One thing wrong in a template, or in the data it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateFault {
    /// The part of the file: `corps`, `en-tête et pied de page`, `feuille Synthèse, cellule B4`.
    pub place: String,
    /// The tag as the clerk wrote it.
    pub tag: String,
    /// What is wrong and what to do, in French.
    pub sentence: String,
}

/// A template merged with data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The office file.
    pub bytes: Vec<u8>,
    /// Its format: the template's.
    pub format: OfficeFormat,
}

/// A PDF that was checked to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdf {
    /// The file.
    pub bytes: Vec<u8>,
    /// Its number of pages, at least 1.
    pub pages: u32,
}

/// Why a merge did not give a document.
#[derive(Debug, thiserror::Error)]
pub enum MergeFailure {
    /// The template or the data must be mended by a person.
    #[error("{} problème(s) dans le modèle ou les données", .0.len())]
    Faults(Vec<TemplateFault>),
    /// The file is not one of the office formats, or is unsafe: the sentence says which.
    #[error("{0}")]
    Unreadable(String),
}

/// Merges and converts.
#[async_trait]
pub trait OfficeWorkshop: Send + Sync {
    /// Merges `data` (see `merge_fields`) into the template's bytes.
    async fn merge(
        &self,
        template: &[u8],
        data: &serde_json::Value,
    ) -> Result<Merged, MergeFailure>;
    /// Converts an office file to PDF.
    async fn convert(&self, office: &[u8], format: OfficeFormat) -> Answer<Pdf>;
}

// --- visa ------------------------------------------------------------------------------------------

/// A PDF to put in front of those who give their visa.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisaRequest {
    /// Our id, part of the file's path.
    pub document: DocumentId,
    /// The folder, as the chain's step says it, `/`-separated, without the account's root.
    pub folder: String,
    /// The file's readable name, with extension; the adapter makes it safe.
    pub file_name: String,
    /// The approval rule, by the name its administrator gave it.
    pub circuit: String,
    /// The bytes.
    pub pdf: Vec<u8>,
}

/// Where a PDF circulates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circulation {
    /// The neighbour's number of the file, which survives renames.
    pub file_id: String,
    /// Where it was put.
    pub path: String,
    /// The neighbour's mark of the content that was sent.
    pub etag: String,
}

/// Where a visa stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisaState {
    /// Nobody has answered yet.
    Pending,
    /// The circuit is over, and favourable.
    Approved {
        /// Who gave the last visa.
        by: Personal<String>,
        /// When.
        at: DateTime<Utc>,
        /// What they wrote, if anything.
        comment: Option<String>,
        /// The content as it stands now: annotated, perhaps.
        pdf: Vec<u8>,
    },
    /// Somebody refused.
    Rejected {
        /// Who.
        by: Personal<String>,
        /// When.
        at: DateTime<Utc>,
        /// Why, in their words.
        reason: String,
    },
    /// The file or the request is gone.
    Lost,
}

/// Circulation on tablets for visa.
#[async_trait]
pub trait VisaCircuit: Send + Sync {
    /// Uploads the PDF and asks for approval.
    async fn circulate(&self, request: &VisaRequest, attempt: Attempt) -> Answer<Circulation>;
    /// Where it circulates, if an earlier attempt put it there; the request's bytes do not matter.
    async fn find(&self, request: &VisaRequest) -> Answer<Option<Circulation>>;
    /// Where the visa stands.
    async fn state(&self, circulation: &Circulation) -> Answer<VisaState>;
    /// Takes the PDF out of circulation; already gone is done.
    async fn withdraw(&self, circulation: &Circulation) -> Answer<()>;
}

// --- signature -------------------------------------------------------------------------------------

/// A PDF to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRequest {
    /// Our id: the neighbour's own key (`DossierID` of iParapheur).
    pub signature: SignatureId,
    /// The human title, at most 100 characters.
    pub title: String,
    /// The desk's type and subtype, which choose the circuit.
    pub desk_type: String,
    /// See `desk_type`.
    pub desk_subtype: String,
    /// The file's readable name.
    pub file_name: String,
    /// The bytes.
    pub pdf: Vec<u8>,
}

/// Where a signature stands at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskProgress {
    /// Not over; the desk's last word, for the journal.
    InProgress(String),
    /// Signed and retrievable.
    Finished,
    /// Refused for good.
    Rejected {
        /// Who refused.
        by: Personal<String>,
        /// Why, in their words.
        reason: String,
    },
    /// The desk does not know this id.
    Unknown,
}

/// What comes back from the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFolder {
    /// The document as the desk returns it.
    pub pdf: Vec<u8>,
    /// The signature slip (bordereau), when there is one.
    pub slip: Option<Vec<u8>>,
}

/// Electronic signature.
#[async_trait]
pub trait SigningDesk: Send + Sync {
    /// Deposits the PDF for signature.
    async fn submit(&self, request: &SigningRequest, attempt: Attempt) -> Answer<()>;
    /// Where it stands.
    async fn progress(&self, signature: SignatureId) -> Answer<DeskProgress>;
    /// What the desk holds: signed if finished, slip and annexes if rejected.
    async fn retrieve(&self, signature: SignatureId) -> Answer<SignedFolder>;
    /// Clears a finished or rejected folder from the desk, once its content is safe here; unknown is done.
    async fn archive(&self, signature: SignatureId) -> Answer<()>;
    /// Takes a running folder back (right of withdrawal), then clears it; unknown is done.
    async fn withdraw(&self, signature: SignatureId) -> Answer<()>;
}

// --- mail register ---------------------------------------------------------------------------------

/// An outgoing letter to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// Our id, searchable at the neighbour.
    pub document: DocumentId,
    /// The subject line.
    pub subject: String,
    /// The name of the recipient.
    pub recipient: Personal<String>,
    /// The recipient's e-mail, when known.
    pub recipient_email: Option<Personal<String>>,
    /// The date of the letter.
    pub date: NaiveDate,
    /// The bytes.
    pub pdf: Vec<u8>,
}

/// A letter's number in the mail register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The chrono number that people quote.
    pub chrono: String,
    /// The neighbour's internal number.
    pub resource: String,
}

/// Mail management.
#[async_trait]
pub trait MailRegister: Send + Sync {
    /// Registers an outgoing letter, or finds it registered under our id.
    async fn register(&self, mail: &OutgoingMail, attempt: Attempt) -> Answer<Registration>;
}

// --- applicant -------------------------------------------------------------------------------------

/// A message to an applicant or a clerk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// Derived from the effect: a repeated sending carries the same one. Without angle brackets.
    pub message_id: String,
    /// The address.
    pub to: Personal<String>,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same in HTML.
    pub html: String,
    /// Files: name, media type, bytes.
    pub attachments: Vec<(String, String, Vec<u8>)>,
    /// The date header.
    pub date: DateTime<Utc>,
}

/// The mail relay. It cannot be asked what it sent: a doubtful sending is repeated under the same
/// Message-ID.
#[async_trait]
pub trait Postman: Send + Sync {
    /// Sends one message.
    async fn send(&self, email: &Email) -> Answer<()>;
}

/// A document for the applicant's porte-documents or for the dossier in the grants tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposit {
    /// Our id, the neighbour's too.
    pub document: DocumentId,
    /// What people read.
    pub title: String,
    /// The dossier's reference at its source.
    pub dossier_reference: String,
    /// The date of the document.
    pub date: NaiveDate,
    /// The bytes.
    pub pdf: Vec<u8>,
}

/// Where a deposit can be found at the neighbour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepositReceipt {
    /// The neighbour's address of the document.
    pub url: String,
}

/// The applicant's porte-documents.
#[async_trait]
pub trait PorteDocuments: Send + Sync {
    /// Puts a document in the applicant's porte-documents, which tells them.
    async fn deposit(&self, applicant: &str, deposit: &Deposit) -> Answer<DepositReceipt>;
}

/// The tool in which dossiers are managed (OpenSub or another).
#[async_trait]
pub trait GrantsTool: Send + Sync {
    /// Attaches a document to the dossier.
    async fn attach(&self, deposit: &Deposit) -> Answer<DepositReceipt>;
    /// Tells the dossier's new status; `event` makes it safe to repeat.
    async fn report_status(
        &self,
        event: uuid::Uuid,
        dossier_reference: &str,
        status: &str,
        at: DateTime<Utc>,
    ) -> Answer<()>;
}
