//! What an export is made of: typed columns, and the form of its bytes.

use serde::{Deserialize, Serialize};

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Any text, numbers that are names (SIRET, postcodes) included.
    Text,
    /// A whole number.
    Integer,
    /// A sum of money, a whole number of cents.
    Amount,
    /// A day.
    Date,
    /// A moment.
    Timestamp,
    /// Yes or no.
    Boolean,
}

impl Kind {
    /// Its name in machine-readable exports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Amount => "amount",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Boolean => "boolean",
        }
    }
}

/// The form of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// CSV as French spreadsheets open it: BOM, `;`, decimal comma, dd/mm/yyyy.
    CsvFrench,
    /// CSV for programs: RFC 4180, comma, ISO dates, decimal point.
    Csv,
    /// A workbook of Excel.
    Xlsx,
    /// A workbook of LibreOffice.
    Ods,
    /// One array of objects.
    Json,
    /// One object a line.
    Ndjson,
    /// XML.
    Xml,
    /// Parquet.
    Parquet,
    /// The open-data file of subsidies that the law asks for (SCDL "subventions"): its columns are its own.
    Scdl,
}

impl Format {
    /// Every format there is.
    pub const ALL: [Self; 9] = [
        Self::CsvFrench,
        Self::Csv,
        Self::Xlsx,
        Self::Ods,
        Self::Json,
        Self::Ndjson,
        Self::Xml,
        Self::Parquet,
        Self::Scdl,
    ];

    /// Its stored name.
    pub fn code(self) -> &'static str {
        match self {
            Self::CsvFrench => "csv_french",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Ods => "ods",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Xml => "xml",
            Self::Parquet => "parquet",
            Self::Scdl => "scdl",
        }
    }

    /// The end of the names of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::CsvFrench | Self::Csv | Self::Scdl => "csv",
            other => other.code(),
        }
    }

    /// The type of its files.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::CsvFrench | Self::Csv | Self::Scdl => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Xml => "application/xml",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Whether people read it, under headings that are labels; programs find columns by their names.
    pub fn is_for_people(self) -> bool {
        matches!(self, Self::CsvFrench | Self::Xlsx | Self::Ods)
    }
}

/// A column as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Its name in the dictionary.
    pub name: String,
    /// Its heading in the file.
    pub title: String,
    /// What its cells hold.
    pub kind: Kind,
}
