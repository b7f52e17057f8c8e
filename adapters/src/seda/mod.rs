//! Archive transfers in SEDA (the French standard of data exchange for archiving), versions 2.0 to 2.2: a ZIP
//! of files and a manifest leaves by a drop, and what the archive answers comes back by another.

mod manifest;
mod reply;
#[cfg(all(test, feature = "sim"))]
mod tests;

use async_trait::async_trait;
use navette_domain::ports::{
    Answer, Archive, ArchiveAnswer, ArchiveTransfer, Attempt, DropBox, FailureClass, Neighbour,
    PortFailure,
};
use serde::Deserialize;
use std::{
    io::{Cursor, Write as _},
    sync::Arc,
};
use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

const NEIGHBOUR: Neighbour = Neighbour::Archive;

/// The version of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are the versions' own")]
pub enum SedaVersion {
    #[serde(rename = "2.0")]
    V2_0,
    #[serde(rename = "2.1")]
    V2_1,
    #[serde(rename = "2.2")]
    V2_2,
}

impl SedaVersion {
    /// The namespace of every element.
    pub(crate) fn namespace(self) -> String {
        let number = match self {
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
        };
        format!("fr:gouv:culture:archivesdefrance:seda:v{number}")
    }
}

/// What becomes of what is kept, once the law holds it no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FinalAction {
    /// It is kept for good.
    Keep,
    /// It is destroyed.
    Destroy,
}

/// What was agreed with the archive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SedaConfig {
    /// The version that the archive takes.
    pub version: SedaVersion,
    /// The agreement (accord de versement).
    pub agreement: String,
    /// The archive's identifier.
    pub archival_agency: String,
    /// Ours.
    pub transferring_agency: String,
    /// The rule of appraisal (DUA), by the archive's code.
    pub appraisal_rule: String,
    /// See `FinalAction`.
    pub final_action: FinalAction,
}

/// An archive that speaks SEDA through two drops.
#[derive(Clone)]
pub struct SedaArchive {
    config: SedaConfig,
    out: Arc<dyn DropBox>,
    back: Arc<dyn DropBox>,
}

impl SedaArchive {
    /// Transfers go to `out`; answers are looked for in `back`.
    pub fn new(config: SedaConfig, out: Arc<dyn DropBox>, back: Arc<dyn DropBox>) -> Self {
        Self { config, out, back }
    }

    fn package(&self, transfer: &ArchiveTransfer) -> Answer<Vec<u8>> {
        let sound = |sign: char| sign.is_ascii_alphanumeric() || sign == '-';
        if transfer.identifier.is_empty() || !transfer.identifier.chars().all(sound) {
            let sentence = "L'identifiant du versement n'est pas admis.";
            return Err(failure(FailureClass::Rejected, sentence));
        }
        if transfer.files.is_empty() {
            let sentence = "Le versement n'a aucun fichier.";
            return Err(failure(FailureClass::Rejected, sentence));
        }
        zipped(&self.config, transfer).map_err(|error| {
            let sentence = "Le versement n'a pas pu être préparé.";
            failure(FailureClass::Rejected, sentence).because(error)
        })
    }
}

/// The same transfer is the same bytes, so that one already handed over is known again.
fn zipped(config: &SedaConfig, transfer: &ArchiveTransfer) -> Result<Vec<u8>, ZipError> {
    let mut zip = ZipWriter::new(Cursor::new(vec![]));
    let undated = SimpleFileOptions::DEFAULT.last_modified_time(DateTime::DEFAULT);
    // PDFs do not shrink, and a manifest is nothing beside them.
    let options = undated.compression_method(CompressionMethod::Stored);
    zip.start_file("manifest.xml", options)?;
    zip.write_all(manifest::write(config, transfer).as_bytes())?;
    for (number, file) in (1..).zip(&transfer.files) {
        zip.start_file(manifest::path(number, file), options)?;
        zip.write_all(&file.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[async_trait]
impl Archive for SedaArchive {
    async fn transfer(&self, transfer: &ArchiveTransfer, attempt: Attempt) -> Answer<()> {
        let package = self.package(transfer)?;
        let name = format!("{}.zip", transfer.identifier);
        self.out.put(&name, &package, attempt).await
    }

    /// The last word counts: an archive acknowledges first, and judges later.
    async fn answer(&self, identifier: &str) -> Answer<ArchiveAnswer> {
        let mut said = ArchiveAnswer::Waiting;
        for name in self.back.names().await? {
            if !name.to_lowercase().ends_with(".xml") {
                continue;
            }
            let Some(bytes) = self.back.get(&name).await? else {
                continue;
            };
            match reply::read(&bytes, identifier) {
                Ok(Some(ArchiveAnswer::Received)) if said == ArchiveAnswer::Waiting => {
                    said = ArchiveAnswer::Received;
                }
                Ok(Some(ArchiveAnswer::Received | ArchiveAnswer::Waiting) | None) => {}
                Ok(Some(judged)) => said = judged,
                Err(unreadable) => {
                    // Somebody else's file, or one that is being written.
                    tracing::warn!(file = name, %unreadable, "no answer of an archive can be read");
                }
            }
        }
        Ok(said)
    }
}

fn failure(class: FailureClass, sentence: impl Into<String>) -> PortFailure {
    PortFailure::new(NEIGHBOUR, class, sentence)
}
