//! An image that templates name, such as a logo: its versions are immutable, and the last one is used by
//! new batches.
//!
//! ```text
//! (unborn) --upload--> version 1 --upload--> version 2 …
//! ```

#[cfg(test)]
mod tests;

use crate::{
    digest::Digest,
    event::{aggregate, events},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The formats of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
}

impl ImageFormat {
    /// The format that these bytes begin as, if it is one of ours.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else {
            None
        }
    }
}

events! {
    /// What happens to an image.
    pub enum ImageEvent {
        /// A new version was uploaded.
        Uploaded = "image.uploaded", 1 {
            /// The name that templates use: `images.<code>`.
            code: String,
            /// From 1.
            version: u32,
            /// The file's name at its author's.
            file_name: String,
            /// The format, told from the content.
            format: ImageFormat,
            /// The bytes.
            file: Digest,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of an image: its last version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Image {
    /// Nothing was uploaded.
    #[default]
    Unborn,
    /// At least one version exists.
    Uploaded {
        /// The last version.
        version: u32,
        /// Its bytes.
        file: Digest,
    },
}

/// What one may ask of an image.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageCommand {
    /// Add a version; the same bytes as the last version change nothing.
    Upload {
        /// The name that templates use.
        code: String,
        /// The file's name at its author's.
        file_name: String,
        /// The format, told from the content.
        format: ImageFormat,
        /// The bytes.
        file: Digest,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why an image says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageRefusal {
    /// Its code could not be written in a tag.
    #[error(
        "Le code de l'image « {0} » doit commencer par une minuscule et ne contenir que des minuscules, des chiffres et des traits bas."
    )]
    BadCode(String),
}

impl Image {
    /// The state after `event`.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the same shape as every aggregate's"
    )]
    pub fn evolve(self, event: ImageEvent) -> Self {
        match event {
            ImageEvent::Uploaded { version, file, .. } => Self::Uploaded { version, file },
        }
    }

    /// The last version and its bytes.
    pub fn latest(&self) -> Option<(u32, Digest)> {
        match self {
            Self::Unborn => None,
            Self::Uploaded { version, file } => Some((*version, *file)),
        }
    }
}

/// Whether `images.<code>` is a name that tags can write.
fn is_name(code: &str) -> bool {
    code.len() <= 64
        && code.starts_with(|c: char| c.is_ascii_lowercase())
        && code
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn decide(state: &Image, command: ImageCommand) -> Result<Vec<ImageEvent>, ImageRefusal> {
    let ImageCommand::Upload {
        code,
        file_name,
        format,
        file,
        at,
    } = command;
    if !is_name(&code) {
        return Err(ImageRefusal::BadCode(code));
    }
    let version = match state {
        Image::Unborn => 1,
        Image::Uploaded { file: last, .. } if *last == file => return Ok(vec![]),
        Image::Uploaded { version, .. } => version + 1,
    };
    Ok(vec![ImageEvent::Uploaded {
        code,
        version,
        file_name,
        format,
        file,
        at,
    }])
}

aggregate!(Image, "image", ImageCommand, ImageEvent, ImageRefusal, with snapshots);
