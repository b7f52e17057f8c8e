//! A file that somebody adds to a dossier: a statement of account, a quote, the minutes of a meeting. It has a
//! stream of its own: the dossier does not change by it, nor do the letters that are under way.
//!
//! ```text
//! (unborn) --add--> kept --remove--> removed
//! ```

#[cfg(test)]
mod tests;

use crate::{
    digest::Digest,
    event::{aggregate, events},
    ids::{DossierId, ThirdPartyId},
    image::ImageFormat,
    personal::Personal,
    ports::OfficeFormat,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The longest name of a file, in characters.
pub const LONGEST_NAME: usize = 200;

/// The formats of attachments: what people can read without running anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentFormat {
    /// Portable Document Format.
    Pdf,
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// OpenDocument text.
    Odt,
    /// OpenDocument spreadsheet.
    Ods,
    /// Word document.
    Docx,
    /// Excel workbook.
    Xlsx,
}

impl AttachmentFormat {
    /// The format that a file begins as, if that says it: Word and Excel are told by what is in their archive.
    pub fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(b"%PDF-") {
            return Some(Self::Pdf);
        }
        match ImageFormat::of(head) {
            Some(ImageFormat::Png) => return Some(Self::Png),
            Some(ImageFormat::Jpeg) => return Some(Self::Jpeg),
            None => {}
        }
        // An OpenDocument archive begins with an entry that holds its media type, and nothing but that.
        let first = head
            .strip_prefix(b"PK\x03\x04")
            .and_then(|rest| rest.get(26..))?;
        let media_type = first.strip_prefix(b"mimetype")?;
        let is = |format: OfficeFormat| {
            let rest = media_type.strip_prefix(format.media_type().as_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"PK"))
        };
        match (is(OfficeFormat::Odt), is(OfficeFormat::Ods)) {
            (true, _) => Some(Self::Odt),
            (_, true) => Some(Self::Ods),
            _ => None,
        }
    }

    fn office(self) -> Option<OfficeFormat> {
        match self {
            Self::Odt => Some(OfficeFormat::Odt),
            Self::Ods => Some(OfficeFormat::Ods),
            Self::Docx => Some(OfficeFormat::Docx),
            Self::Xlsx => Some(OfficeFormat::Xlsx),
            Self::Pdf | Self::Png | Self::Jpeg => None,
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            _ => self
                .office()
                .map_or("application/pdf", OfficeFormat::media_type),
        }
    }

    /// What the names of its files end with.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            _ => self.office().map_or("pdf", OfficeFormat::extension),
        }
    }
}

events! {
    /// What happens to an attachment.
    pub enum AttachmentEvent {
        /// It was added to a dossier.
        Added = "attachment.added", 1 {
            /// To which.
            dossier: DossierId,
            /// Whose dossier it was then: what the file says is about them.
            third_party: ThirdPartyId,
            /// The file's name at whoever sent it.
            name: Personal<String>,
            /// The format, told from the content.
            format: AttachmentFormat,
            /// How many bytes there are.
            size: u64,
            /// The bytes.
            file: Digest,
            /// When.
            at: DateTime<Utc>,
        }
        /// It was taken away. Its bytes stay, as what the history names does.
        Removed = "attachment.removed", 1 {
            /// Why.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of an attachment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attachment {
    /// Nothing was added.
    #[default]
    Unborn,
    /// It is with its dossier.
    Kept {
        /// Which.
        dossier: DossierId,
    },
    /// It was taken away.
    Removed {
        /// From which dossier.
        dossier: DossierId,
    },
}

/// A file that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its name at whoever sent it.
    pub name: Personal<String>,
    /// The format, told from the content.
    pub format: AttachmentFormat,
    /// How many bytes there are.
    pub size: u64,
    /// The bytes.
    pub file: Digest,
}

/// What one may ask of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachmentCommand {
    /// Add a file to a dossier.
    Add {
        /// To which.
        dossier: DossierId,
        /// Whose dossier it is.
        third_party: ThirdPartyId,
        /// The file.
        file: NewFile,
        /// When.
        at: DateTime<Utc>,
    },
    /// Take it away.
    Remove {
        /// Why.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why an attachment says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachmentRefusal {
    /// It does not exist, or is not seen by whoever asks.
    #[error("Cette pièce jointe n'existe pas.")]
    NotAdded,
    /// It exists, or existed.
    #[error("Cette pièce jointe existe déjà.")]
    AlreadyAdded,
    /// A name that no list could show.
    #[error(
        "Le nom d'une pièce jointe a de 1 à {LONGEST_NAME} caractères, sans barre oblique ni caractère de contrôle."
    )]
    BadName,
    /// There is nothing in it.
    #[error("Ce fichier est vide.")]
    Empty,
    /// Taking away is accounted for.
    #[error("Le motif du retrait est vide.")]
    NoReason,
}

impl Attachment {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: AttachmentEvent) -> Self {
        match (self, event) {
            (_, AttachmentEvent::Added { dossier, .. }) => Self::Kept { dossier },
            (Self::Kept { dossier }, AttachmentEvent::Removed { .. }) => Self::Removed { dossier },
            (other, AttachmentEvent::Removed { .. }) => other,
        }
    }

    /// The dossier that it was added to.
    pub fn dossier(&self) -> Option<DossierId> {
        match self {
            Self::Unborn => None,
            Self::Kept { dossier } | Self::Removed { dossier } => Some(*dossier),
        }
    }
}

fn is_name(name: &str) -> bool {
    let length = name.chars().count();
    (1..=LONGEST_NAME).contains(&length)
        && !name.trim().is_empty()
        && !name
            .chars()
            .any(|c| c.is_control() || matches!(c, '/' | '\\'))
}

fn decide(
    state: &Attachment,
    command: AttachmentCommand,
) -> Result<Vec<AttachmentEvent>, AttachmentRefusal> {
    use AttachmentCommand as C;
    match (state, command) {
        (Attachment::Unborn, C::Add { file, .. }) if !is_name(file.name.reveal()) => {
            Err(AttachmentRefusal::BadName)
        }
        (Attachment::Unborn, C::Add { file, .. }) if file.size == 0 => {
            Err(AttachmentRefusal::Empty)
        }
        (
            Attachment::Unborn,
            C::Add {
                dossier,
                third_party,
                file,
                at,
            },
        ) => Ok(vec![AttachmentEvent::Added {
            dossier,
            third_party,
            name: file.name,
            format: file.format,
            size: file.size,
            file: file.file,
            at,
        }]),
        (Attachment::Kept { .. } | Attachment::Removed { .. }, C::Add { .. }) => {
            Err(AttachmentRefusal::AlreadyAdded)
        }
        (Attachment::Unborn, C::Remove { .. }) => Err(AttachmentRefusal::NotAdded),
        (Attachment::Kept { .. }, C::Remove { reason, .. }) if reason.trim().is_empty() => {
            Err(AttachmentRefusal::NoReason)
        }
        (Attachment::Kept { .. }, C::Remove { reason, at }) => {
            Ok(vec![AttachmentEvent::Removed { reason, at }])
        }
        (Attachment::Removed { .. }, C::Remove { .. }) => Ok(vec![]),
    }
}

aggregate!(
    Attachment,
    "attachment",
    AttachmentCommand,
    AttachmentEvent,
    AttachmentRefusal
);
