//! Exports: rows that PostgreSQL copies out become a file, byte after byte, in memory that does not depend on
//! their number. Nothing here knows what the rows are about.
//!
//! ```text
//! COPY … TO STDOUT ──▶ cells ──▶ value ──▶ csv | json | xml | parquet | xlsx | ods
//!                                                                      └─ zip ─┘
//! ```

mod cells;
mod csv;
mod json;
mod markup;
mod ods;
mod parquet;
#[cfg(test)]
mod tests;
mod value;
mod xlsx;
mod xml;
mod zip;

pub use cells::Cells;

use navette_domain::export::{Format, Heading};

/// The rows of a sheet, its heading included: what comes after goes on in another one.
const MOST_ROWS: u32 = 1_048_576;
/// A sheet whose XML is longer goes on in another one: parts of a ZIP have at most four gibibytes.
const PART_LIMIT: u64 = 3 << 30;
/// What the first sheet is called.
const SHEET: &str = "Dossiers";

/// Why a file cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeFault {
    /// A row that is no text.
    #[error("Une ligne lue de la base n'est pas du texte.")]
    NotText,
    /// A row that has not the columns that were asked.
    #[error("Une ligne lue de la base n'a pas les colonnes demandées.")]
    OtherColumns,
    /// A cell that is not of its column's type, in a format that has no other.
    #[error("Une valeur n'est pas du type de sa colonne : demandez un autre format que Parquet.")]
    OtherKind,
    /// The compressor fails.
    #[error("La compression a échoué.")]
    Compression,
    /// More than the form of the file can hold.
    #[error(
        "Ce classeur dépasserait 4 Gio : restreignez la sélection ou les colonnes, ou demandez un CSV."
    )]
    TooLarge,
}

/// Writes a file: its beginning, its rows, its end. Whoever calls may take away what is in `out` at any time.
pub trait Encoder: Send {
    /// What comes before the first row.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault>;
    /// One row. It may stay inside for a while.
    fn row(&mut self, cells: &Cells, out: &mut Vec<u8>) -> Result<(), EncodeFault>;
    /// All that is left, and what comes after the last row.
    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault>;
}

/// What writes files of this format, with these columns.
pub fn encoder(format: Format, headings: Vec<Heading>) -> Box<dyn Encoder> {
    match format {
        Format::CsvFrench => Box::new(csv::Csv::new(csv::FRENCH, headings)),
        Format::Csv | Format::Scdl => Box::new(csv::Csv::new(csv::RFC_4180, headings)),
        Format::Xlsx => Box::new(xlsx::Xlsx::new(headings)),
        Format::Ods => Box::new(ods::Ods::new(headings)),
        Format::Json => Box::new(json::Json::new(false, &headings)),
        Format::Ndjson => Box::new(json::Json::new(true, &headings)),
        Format::Xml => Box::new(xml::Xml::new(headings)),
        Format::Parquet => Box::new(parquet::Parquet::new(headings)),
    }
}

/// A file in the making, from the rows as PostgreSQL copies them out.
pub struct Encoding {
    encoder: Box<dyn Encoder>,
    columns: usize,
    cells: Cells,
    /// The beginning of a row whose end has not come.
    cut: Vec<u8>,
    rows: u64,
}

impl Encoding {
    /// Begins a file of this format, with these columns.
    pub fn begin(
        format: Format,
        headings: Vec<Heading>,
        out: &mut Vec<u8>,
    ) -> Result<Self, EncodeFault> {
        let columns = headings.len();
        let mut encoder = encoder(format, headings);
        encoder.begin(out)?;
        Ok(Self {
            encoder,
            columns,
            cells: Cells::default(),
            cut: vec![],
            rows: 0,
        })
    }

    /// Takes what was copied out, in pieces cut anywhere.
    pub fn take(&mut self, mut copied: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        while let Some(end) = copied.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = copied.split_at(end + 1);
            copied = rest;
            if self.cut.is_empty() {
                self.line(line, out)?;
            } else {
                let mut whole = std::mem::take(&mut self.cut);
                whole.extend_from_slice(line);
                self.line(&whole, out)?;
                whole.clear();
                self.cut = whole;
            }
        }
        self.cut.extend_from_slice(copied);
        Ok(())
    }

    /// How many rows were taken.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file; says how many rows it has.
    pub fn end(mut self, out: &mut Vec<u8>) -> Result<u64, EncodeFault> {
        self.encoder.end(out)?;
        Ok(self.rows)
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        self.cells.read(line)?;
        if self.cells.len() != self.columns {
            return Err(EncodeFault::OtherColumns);
        }
        self.encoder.row(&self.cells, out)?;
        self.rows += 1;
        Ok(())
    }
}
