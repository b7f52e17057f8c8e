//! Keeping bytes, merging templates, making PDFs.

use super::{Answer, TemplateFault};
use crate::{digest::Digest, template::IncludedKind};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{Read, Write},
};

/// The content-addressed store of office files and PDFs.
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Stores `bytes` under their digest; storing them again changes nothing.
    async fn put(&self, bytes: Vec<u8>) -> StoreResult<Digest>;
    /// The bytes of `digest`, checked against it; `None` when the store does not have them.
    async fn get(&self, digest: Digest) -> StoreResult<Option<Vec<u8>>>;
    /// Stores what `content` reads as, whose digest is known, however long it is.
    async fn put_long(&self, digest: Digest, mut content: Box<dyn Read + Send>) -> StoreResult<()> {
        let mut bytes = vec![];
        content.read_to_end(&mut bytes)?;
        if self.put(bytes).await? != digest {
            return Err(format!("the content is not that of {digest}").into());
        }
        Ok(())
    }
    /// Writes the bytes of `digest` to `into`, however long they are; says how many. They are known to be the
    /// right ones once it has answered. `None` when the store does not have them.
    async fn get_long(
        &self,
        digest: Digest,
        mut into: Box<dyn Write + Send>,
    ) -> StoreResult<Option<u64>> {
        let Some(bytes) = self.get(digest).await? else {
            return Ok(None);
        };
        into.write_all(&bytes)?;
        into.flush()?;
        Ok(Some(bytes.len() as u64))
    }
    /// Removes the bytes of `digest`, or finds them gone.
    async fn remove(&self, digest: Digest) -> StoreResult<()>;
}

/// What the file store answers: the disk or the object store may fail, or lie.
pub type StoreResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

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

/// The files of what a template includes, by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncludedFiles {
    /// Other templates.
    pub templates: BTreeMap<String, Vec<u8>>,
    /// Images.
    pub images: BTreeMap<String, Vec<u8>>,
}

impl IncludedFiles {
    /// Adds a file.
    pub fn put(&mut self, kind: IncludedKind, code: String, bytes: Vec<u8>) {
        match kind {
            IncludedKind::Template => self.templates.insert(code, bytes),
            IncludedKind::Image => self.images.insert(code, bytes),
        };
    }
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
    /// Merges `data` (see `merge_fields`) into the bytes of a template that includes nothing.
    async fn merge(
        &self,
        template: &[u8],
        data: &serde_json::Value,
    ) -> Result<Merged, MergeFailure> {
        self.merge_with(template, &IncludedFiles::default(), data)
            .await
    }
    /// The same for a template with what it includes.
    async fn merge_with(
        &self,
        template: &[u8],
        included: &IncludedFiles,
        data: &serde_json::Value,
    ) -> Result<Merged, MergeFailure>;
    /// Converts an office file to PDF. The file is dated `at`, whenever it is converted: that is its date of
    /// creation, and the "today" of its fields. The same file and date give the same bytes.
    async fn convert(&self, office: &[u8], format: OfficeFormat, at: DateTime<Utc>) -> Answer<Pdf>;
}
