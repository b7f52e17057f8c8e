//! Reading delimited text, one record at a time.

use super::{FileFault, Record, encoding};
use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// How long a record may be: beyond, a quote was opened and never closed.
const LONGEST_RECORD: usize = 1024 * 1024;
/// How far the row of headers is looked for.
const LONGEST_HEADER: u64 = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The records of a delimited text, after its headers.
pub struct Delimited {
    reader: csv::Reader<Box<dyn Read + Send>>,
    /// How many bytes were read since the last record.
    since_record: Arc<AtomicUsize>,
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
        let since_record = Arc::default();
        let watched = Watched {
            source: encoding::decoded(source, encoding),
            since_record: Arc::clone(&since_record),
        };
        let mut delimited = Self {
            reader: csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .flexible(true)
                .from_reader(Box::new(watched)),
            since_record,
            record: csv::StringRecord::new(),
        };
        let headers = delimited.next()?.ok_or(FileFault::NoDelimiter)?;
        Ok((headers.cells, delimited))
    }

    /// The next record, unless the file ends here.
    pub fn next(&mut self) -> Result<Option<Record>, FileFault> {
        let found = self.reader.read_record(&mut self.record);
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.since_record.swap(0, Ordering::Relaxed) > LONGEST_RECORD {
            return Err(FileFault::RecordTooLong { line });
        }
        let found = found.map_err(|fault| FileFault::Unreadable(io::Error::other(fault)))?;
        let cells = || self.record.iter().map(str::to_owned).collect();
        Ok(found.then(|| Record {
            line,
            cells: cells(),
        }))
    }
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
    let mut quoted = false;
    let first_line = header
        .trim_ascii_start()
        .iter()
        .take_while(|byte| {
            quoted ^= **byte == b'"';
            quoted || !matches!(byte, b'\n' | b'\r')
        })
        .copied();
    let mut counts = [(b';', 0), (b',', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in first_line.collect::<Vec<_>>() {
        quoted ^= byte == b'"';
        let counted = counts.iter_mut().find(|(sign, _)| !quoted && *sign == byte);
        if let Some((_, count)) = counted {
            *count += 1;
        }
    }
    let best = counts.into_iter().max_by_key(|(_, count)| *count);
    best.filter(|(_, count)| *count > 0).map(|(sign, _)| sign)
}

/// Stops reading when one record would fill the memory.
struct Watched {
    source: Box<dyn Read + Send>,
    since_record: Arc<AtomicUsize>,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.since_record.load(Ordering::Relaxed) > LONGEST_RECORD {
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        let read = self.source.read(into)?;
        self.since_record.fetch_add(read, Ordering::Relaxed);
        Ok(read)
    }
}
