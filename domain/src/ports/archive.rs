//! Files that leave by a folder, and archives that leave for good.

use super::{Answer, Attempt};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};

/// A folder of somebody else's, in which files are put and found.
#[async_trait]
pub trait DropBox: Send + Sync {
    /// Puts a file under this name, whole or not at all, or finds it put. Another file that bears the name
    /// stays, and is a refusal.
    async fn put(&self, name: &str, bytes: &[u8], attempt: Attempt) -> Answer<()>;
    /// The files that lie there whole, in order.
    async fn names(&self) -> Answer<Vec<String>>;
    /// The bytes of a file; `None` when there is none of this name.
    async fn get(&self, name: &str) -> Answer<Option<Vec<u8>>>;
}

/// A file to be archived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedFile {
    /// Its readable name, with extension.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Its media type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What is handed over to an archive at once: a dossier and its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveTransfer {
    /// Our id of the transfer: letters, digits and hyphens.
    pub identifier: String,
    /// When it was made: the same transfer is the same bytes.
    pub at: DateTime<Utc>,
    /// What people read of the dossier.
    pub title: String,
    /// More of it.
    pub description: String,
    /// The dossier's reference.
    pub dossier_reference: String,
    /// When the dossier began and was closed; the latter begins what the law holds.
    pub from: NaiveDate,
    /// See `from`.
    pub to: NaiveDate,
    /// Its files.
    pub files: Vec<ArchivedFile>,
}

/// What an archive said of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveAnswer {
    /// Nothing yet.
    Waiting,
    /// It has the transfer, and has not judged it.
    Received,
    /// It keeps it, since this moment if it says so.
    Accepted(Option<DateTime<Utc>>),
    /// It refuses it, in its words.
    Refused(String),
}

/// An archive.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Hands the transfer over, or finds it handed over.
    async fn transfer(&self, transfer: &ArchiveTransfer, attempt: Attempt) -> Answer<()>;
    /// What it said of the transfer of this identifier.
    async fn answer(&self, identifier: &str) -> Answer<ArchiveAnswer>;
}
