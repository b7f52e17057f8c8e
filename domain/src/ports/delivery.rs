//! Those who must have a finished document: mail register, grants tool, applicant.

use super::{Answer, Attempt};
use crate::{ids::DocumentId, personal::Personal};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

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
