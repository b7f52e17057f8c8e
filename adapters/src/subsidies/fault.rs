//! Why a whole file is not read.

use std::{error::Error, io};

/// A file that cannot be read, in a sentence for the clerk.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The disk, or whatever holds the file.
    #[error("Le fichier ne peut pas être lu.")]
    Unreadable(#[source] io::Error),
    /// Neither text nor workbook.
    #[error(
        "Le fichier n'est ni un CSV en UTF-8 ou Windows-1252, ni un classeur XLSX, XLS ou ODS."
    )]
    NotText,
    /// Mostly UTF-8, with bytes that are not.
    #[error(
        "Le fichier mélange deux encodages : des accents seraient perdus. Enregistrez-le de nouveau en UTF-8."
    )]
    MixedEncodings,
    /// No row of headers.
    #[error(
        "Le fichier n'a pas de ligne d'en-têtes dont les colonnes soient séparées par « ; », « , » ou une tabulation."
    )]
    NoDelimiter,
    /// Columns without which there is no letter.
    #[error(
        "Colonnes introuvables : {missing}. Le fichier a pour en-têtes : {found}. Un fichier de correspondance peut les nommer."
    )]
    ColumnsAbsent {
        /// What is missing, by the schema's names.
        missing: String,
        /// What the file has.
        found: String,
        /// How many columns were recognised.
        recognised: usize,
    },
    /// The same column twice.
    #[error("La colonne « {0} » est présente deux fois : on ne sait pas laquelle lire.")]
    ColumnTwice(String),
    /// A column that only the mapping knows.
    #[error("Le fichier n'a pas la colonne « {0} » que nomme le fichier de correspondance.")]
    MappedColumnAbsent(String),
    /// The mapping itself.
    #[error("Le fichier de correspondance est mal écrit.")]
    Mapping(#[source] Box<toml::de::Error>),
    /// A quote that is never closed.
    #[error(
        "La ligne {line} ne se termine pas : un guillemet y est sans doute ouvert et jamais refermé. Les lignes suivantes n'ont pas été lues."
    )]
    UnclosedQuote {
        /// Where the record starts.
        line: u64,
    },
    /// Lines that end as they did before 2001.
    #[error("Les fins de ligne du fichier sont d'un ancien format : enregistrez-le en CSV UTF-8.")]
    OldLineEnds,
    /// A damaged workbook.
    #[error("Le classeur est endommagé ou protégé.")]
    Workbook(#[source] Box<dyn Error + Send + Sync>),
    /// A workbook that would fill the memory.
    #[error("Le classeur est trop volumineux : enregistrez-le en CSV.")]
    WorkbookTooLarge,
}

impl FileFault {
    /// How close the headers came to being recognised.
    pub(super) fn recognised(&self) -> usize {
        match self {
            Self::ColumnsAbsent { recognised, .. } => *recognised,
            Self::ColumnTwice(_) | Self::MappedColumnAbsent(_) => 1,
            _ => 0,
        }
    }
}
