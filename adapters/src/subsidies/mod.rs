//! Files of subsidies, as French authorities publish them: the national open-data format (SCDL
//! "subventions"), what came before it, and what spreadsheets make of both.
//!
//! ```text
//! bytes ── workbook? ──▶ workbook ──┐
//!    └──▶ encoding ──▶ delimited ───┴─▶ Record ── columns ──▶ interpret ──▶ Accepted | Refused
//! ```
//!
//! Nothing is guessed: a value that could mean two things, or that a spreadsheet damaged, refuses its row
//! with its line, column and cause.

mod columns;
mod delimited;
mod encoding;
mod fault;
mod fold;
mod interpret;
mod mapping;
mod report;
mod row;
#[cfg(test)]
mod tests;
mod workbook;

pub use columns::Column;
pub use fault::FileFault;
pub use mapping::Mapping;
pub use report::ImportReport;
pub use row::{Beneficiary, Decision, Granting, RefusedRow, RowFault, SubsidyRow};

use columns::Layout;
use delimited::Delimited;
use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek},
    path::Path,
    vec,
};

/// How a file is read.
#[derive(Debug, Default, Clone)]
pub struct ReadOptions {
    /// Accept rows without the SIRET that are none (damaged, mistyped, incomplete), instead of refusing
    /// the rows. What was left out is in [`SubsidyRow::without`].
    pub without_damaged_siret: bool,
    /// How the file names its columns, if it follows no known format.
    pub mapping: Option<Mapping>,
}

/// One row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A subsidy.
    Accepted(Box<SubsidyRow>),
    /// What is wrong with it.
    Refused(RefusedRow),
}

/// The cells of one row, and where it is in the file.
struct Record {
    line: u64,
    cells: Vec<String>,
    /// Whether a quote in it seems to swallow other rows.
    unclosed_quote: bool,
}

enum Source {
    Delimited(Box<Delimited>),
    Sheet(vec::IntoIter<Record>),
}

/// The rows of a file, read one by one. A CSV of any length takes the memory of one row, and sixteen bytes
/// per row to number equal rows.
pub struct SubsidyFile {
    source: Source,
    layout: Layout,
    without_damaged_siret: bool,
    /// How many rows with the same content were seen.
    seen: HashMap<u128, u32>,
    ended: bool,
}

impl SubsidyFile {
    /// Opens the file at `path`; its content says what it is, not its name.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, FileFault> {
        Self::read(File::open(path).map_err(FileFault::Unreadable)?, options)
    }

    /// Reads `source` from its start.
    pub fn read<R>(mut source: R, options: &ReadOptions) -> Result<Self, FileFault>
    where
        R: Read + Seek + Send + 'static,
    {
        let mapping = options.mapping.as_ref();
        let (layout, source) =
            if workbook::is_workbook(&mut source).map_err(FileFault::Unreadable)? {
                let (layout, rows) = workbook::open(source, mapping)?;
                (layout, Source::Sheet(rows))
            } else {
                let (headers, rows) = Delimited::open(source)?;
                let layout = Layout::recognise(headers, mapping)?;
                (layout, Source::Delimited(Box::new(rows)))
            };
        Ok(Self {
            source,
            layout,
            without_damaged_siret: options.without_damaged_siret,
            seen: HashMap::new(),
            ended: false,
        })
    }

    /// The next row that holds anything: spreadsheets export hundreds of empty ones.
    fn next_record(&mut self) -> Result<Option<Record>, FileFault> {
        loop {
            let record = match &mut self.source {
                Source::Delimited(rows) => rows.next()?,
                Source::Sheet(rows) => rows.next(),
            };
            let empty = |record: &Record| record.cells.iter().all(|cell| cell.trim().is_empty());
            if !record.as_ref().is_some_and(empty) {
                return Ok(record);
            }
        }
    }

    fn numbered(&mut self, mut row: Row) -> Row {
        if let Row::Accepted(row) = &mut row {
            let seen = self.seen.entry(row.content_key()).or_default();
            row.occurrence = *seen;
            *seen += 1;
        }
        row
    }
}

impl Iterator for SubsidyFile {
    type Item = Result<Row, FileFault>;

    /// The next row; after a fault of the file itself, nothing more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let record = self.next_record();
        self.ended = !matches!(record, Ok(Some(_)));
        let row = record
            .transpose()?
            .map(|record| interpret::interpret(&self.layout, &record, self.without_damaged_siret));
        Some(row.map(|row| self.numbered(row)))
    }
}
