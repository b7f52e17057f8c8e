//! Reading delimited text, one record at a time.

use super::{FileFault, Record, encoding};
use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// How long a record may be: beyond, a quote was opened and never closed.
const LONGEST_RECORD: usize = 1024 * 1024;
/// How far the row of headers is looked for.
const LONGEST_HEADER: u64 = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The records of a delimited text, after its headers.
pub struct Delimited {
    delimiter: char,
    /// How many delimiters a row has.
    inner_delimiters: usize,
    reader: csv::Reader<Box<dyn Read + Send>>,
    progress: Arc<Progress>,
    record: csv::StringRecord,
}

impl Delimited {
    /// Finds the encoding and the delimiter of `source` and reads its headers.
    pub fn open<R>(mut source: R) -> Result<(Vec<String>, Self), FileFault>
    where
        R: Read + Seek + Send + 'static,
    {
        let start = behind_byte_order_mark(&mut source).map_err(FileFault::Unreadable)?;
        let encoding = encoding::detect(&mut source)?;
        let rewind = |source: &mut R| source.seek(SeekFrom::Start(start));
        rewind(&mut source).map_err(FileFault::Unreadable)?;
        let mut header = Vec::new();
        source
            .by_ref()
            .take(LONGEST_HEADER)
            .read_to_end(&mut header)
            .and_then(|_| rewind(&mut source))
            .map_err(FileFault::Unreadable)?;
        // Delimiters and quotes are the same byte in both encodings.
        let delimiter = delimiter(&header).ok_or(FileFault::NoDelimiter)?;
        let progress = Arc::default();
        let text = encoding::decoded(source, encoding);
        let watched = Watched {
            // Every line has an end then, and every record can be told its line.
            source: Box::new(text.chain(b"\n".as_slice())),
            progress: Arc::clone(&progress),
        };
        let mut rows = Self {
            delimiter: char::from(delimiter),
            inner_delimiters: usize::MAX,
            reader: csv::ReaderBuilder::new()
                .delimiter(delimiter)
                // A carriage return before it is trimmed with the last cell; it would upset line numbers.
                .terminator(csv::Terminator::Any(b'\n'))
                .has_headers(false)
                .flexible(true)
                .from_reader(Box::new(watched)),
            progress,
            record: csv::StringRecord::new(),
        };
        let headers = rows.headers()?;
        Ok((headers, rows))
    }

    /// The first record. What would make one row of the whole file is refused, since it looks empty then.
    fn headers(&mut self) -> Result<Vec<String>, FileFault> {
        let Record {
            line,
            cells,
            unclosed_quote,
        } = self.next()?.ok_or(FileFault::NoDelimiter)?;
        self.inner_delimiters = cells.len().saturating_sub(1);
        if unclosed_quote || cells.iter().any(|cell| self.holds_rows(cell)) {
            return Err(FileFault::UnclosedQuote { line });
        }
        let only_returns = |cell: &String| cell.trim().replace("\r\n", "\n").contains('\r');
        if cells.iter().any(only_returns) {
            return Err(FileFault::OldLineEnds);
        }
        Ok(cells)
    }

    /// The next record, unless the file ends here.
    pub fn next(&mut self) -> Result<Option<Record>, FileFault> {
        let found = self.reader.read_record(&mut self.record);
        if self.progress.since_record.swap(0, Ordering::Relaxed) > LONGEST_RECORD {
            let line = self.record.position().map_or(0, csv::Position::line);
            return Err(FileFault::UnclosedQuote { line });
        }
        if !found.map_err(|fault| FileFault::Unreadable(io::Error::other(fault)))? {
            return Ok(None);
        }
        // Every line has an end, so only an open quote can bring a record to the end of the file.
        let cut = self.progress.ended.load(Ordering::Relaxed);
        // The reader stands behind the end of the record's last line.
        let inner: usize = self.record.iter().map(line_breaks).sum();
        let line = self.reader.position().line() - inner as u64 - u64::from(!cut);
        let unclosed_quote = cut || self.record.iter().any(|cell| self.holds_rows(cell));
        let cells = self.record.iter().map(str::to_owned).collect();
        Ok(Some(Record {
            line,
            cells,
            unclosed_quote,
        }))
    }

    /// Whether `cell` goes from inside one row to the same place in another one: between two quotes that
    /// should not be there, nothing is lost but everything is shifted.
    fn holds_rows(&self, cell: &str) -> bool {
        line_breaks(cell) > 0 && cell.matches(self.delimiter).count() >= self.inner_delimiters
    }
}

fn line_breaks(cell: &str) -> usize {
    cell.matches('\n').count()
}

/// Moves `source` behind its byte order mark, if it has one; answers where that is.
fn behind_byte_order_mark(source: &mut (impl Read + Seek)) -> io::Result<u64> {
    source.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    source.by_ref().take(3).read_to_end(&mut head)?;
    let start = if head == BYTE_ORDER_MARK { 3 } else { 0 };
    source.seek(SeekFrom::Start(start))
}

/// The sign that separates the headers: the most frequent one outside quotes.
fn delimiter(header: &[u8]) -> Option<u8> {
    let mut counts = [(b';', 0), (b',', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in header.trim_ascii_start() {
        quoted ^= *byte == b'"';
        if !quoted && matches!(byte, b'\n' | b'\r') {
            break;
        }
        let counted = counts.iter_mut().find(|(sign, _)| !quoted && sign == byte);
        if let Some((_, count)) = counted {
            *count += 1;
        }
    }
    let best = counts.into_iter().max_by_key(|(_, count)| *count);
    best.filter(|(_, count)| *count > 0).map(|(sign, _)| sign)
}

/// How far the text was read.
#[derive(Default)]
struct Progress {
    /// How many bytes were read since the last record.
    since_record: AtomicUsize,
    /// Whether there was no more to read.
    ended: AtomicBool,
}

/// Stops reading when one record would fill the memory.
struct Watched {
    source: Box<dyn Read + Send>,
    progress: Arc<Progress>,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.progress.since_record.load(Ordering::Relaxed) > LONGEST_RECORD {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let read = self.source.read(into)?;
        self.progress
            .since_record
            .fetch_add(read, Ordering::Relaxed);
        self.progress.ended.fetch_or(read == 0, Ordering::Relaxed);
        Ok(read)
    }
}
