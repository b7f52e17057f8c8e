//! A template that clerks wrote: its versions are immutable, and the last one is used by new batches.
//!
//! ```text
//! (unborn) --upload--> version 1 --upload--> version 2 …
//! ```

#[cfg(test)]
mod tests;

use crate::{
    digest::Digest,
    event::{aggregate, events},
    ids::TemplateId,
    ports::OfficeFormat,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One version of one template, as documents refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRef {
    /// Which template.
    pub template: TemplateId,
    /// Which version, from 1.
    pub version: u32,
    /// The bytes of that version.
    pub file: Digest,
    /// Its format.
    pub format: OfficeFormat,
}

/// What a template may include by its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncludedKind {
    /// Another template, such as a common header.
    Template,
    /// An image, such as a logo.
    Image,
}

/// One version of something that a template includes, as documents refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Included {
    /// What it is.
    pub kind: IncludedKind,
    /// Its code.
    pub code: String,
    /// Which version, from 1.
    pub version: u32,
    /// The bytes of that version.
    pub file: Digest,
}

events! {
    /// What happens to a template.
    pub enum TemplateEvent {
        /// A new version was uploaded.
        Uploaded = "template.uploaded", 1 {
            /// The name that chains use.
            code: String,
            /// From 1.
            version: u32,
            /// The file's name at its author's.
            file_name: String,
            /// The format, told from the content.
            format: OfficeFormat,
            /// The bytes.
            file: Digest,
            /// The fields it uses, such as `beneficiaire.nom`.
            fields: Vec<String>,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of a template: its last version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Template {
    /// Nothing was uploaded.
    #[default]
    Unborn,
    /// At least one version exists.
    Uploaded {
        /// The last version.
        version: u32,
        /// Its bytes.
        file: Digest,
        /// Its format.
        format: OfficeFormat,
    },
}

/// What one may ask of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum TemplateCommand {
    /// Add a version; the same bytes as the last version change nothing.
    Upload {
        /// The name that chains use.
        code: String,
        /// The file's name at its author's.
        file_name: String,
        /// The format, told from the content.
        format: OfficeFormat,
        /// The bytes.
        file: Digest,
        /// The fields it uses.
        fields: Vec<String>,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a template says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateRefusal {
    /// Its code is not made of lower-case letters, digits and hyphens.
    #[error(
        "Le code du modèle « {0} » ne doit contenir que des minuscules, des chiffres et des tirets."
    )]
    BadCode(String),
}

impl Template {
    /// The state after `event`.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the same shape as every aggregate's"
    )]
    pub fn evolve(self, event: TemplateEvent) -> Self {
        match event {
            TemplateEvent::Uploaded {
                version,
                file,
                format,
                ..
            } => Self::Uploaded {
                version,
                file,
                format,
            },
        }
    }

    /// The last version, as documents refer to it.
    pub fn latest(&self, template: TemplateId) -> Option<TemplateRef> {
        match self {
            Self::Unborn => None,
            Self::Uploaded {
                version,
                file,
                format,
            } => Some(TemplateRef {
                template,
                version: *version,
                file: *file,
                format: *format,
            }),
        }
    }
}

/// Whether `code` may name a template or a chain.
pub(crate) fn is_code(code: &str) -> bool {
    !code.is_empty()
        && code.len() <= 64
        && code
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn decide(
    state: &Template,
    command: TemplateCommand,
) -> Result<Vec<TemplateEvent>, TemplateRefusal> {
    let TemplateCommand::Upload {
        code,
        file_name,
        format,
        file,
        fields,
        at,
    } = command;
    if !is_code(&code) {
        return Err(TemplateRefusal::BadCode(code));
    }
    let version = match state {
        Template::Unborn => 1,
        Template::Uploaded { file: last, .. } if *last == file => return Ok(vec![]),
        Template::Uploaded { version, .. } => version + 1,
    };
    Ok(vec![TemplateEvent::Uploaded {
        code,
        version,
        file_name,
        format,
        file,
        fields,
        at,
    }])
}

aggregate!(
    Template,
    "template",
    TemplateCommand,
    TemplateEvent,
    TemplateRefusal,
    with snapshots
);
