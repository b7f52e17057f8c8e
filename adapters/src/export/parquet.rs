//! Parquet: rows gathered by column, a group at a time, each column of a group being one compressed page of
//! plain values. What the groups hold is told at the end of the file.

#[cfg(test)]
mod tests;
mod thrift;

use super::{Cells, EncodeFault, Encoder, value::Value};
use flate2::{Compression, write::GzEncoder};
use navette_domain::export::{Heading, Kind};
use std::io::Write as _;
use thrift::{Struct, varint};

const MAGIC: &[u8] = b"PAR1";
/// What a group has before it is written: what is in memory.
const GROUP: usize = 3 * 1024 * 1024;

const BOOLEAN: i32 = 0;
const INT32: i32 = 1;
const INT64: i32 = 2;
const BYTE_ARRAY: i32 = 6;
const OPTIONAL: i32 = 1;
const PLAIN: i32 = 0;
const RLE: i32 = 3;
const GZIP: i32 = 2;

/// The type of a column, and what its values mean: texts, decimals, days, microseconds.
fn types(kind: Kind) -> (i32, Option<i32>) {
    match kind {
        Kind::Text => (BYTE_ARRAY, Some(0)),
        Kind::Integer => (INT64, None),
        Kind::Amount => (INT64, Some(5)),
        Kind::Date => (INT32, Some(6)),
        Kind::Timestamp => (INT64, Some(10)),
        Kind::Boolean => (BOOLEAN, None),
    }
}

/// Bits one after the other, the lowest of each byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    length: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.length.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.length % 8);
        }
        self.length += 1;
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.length = 0;
    }
}

struct Column {
    heading: Heading,
    /// Whether each row says something.
    present: Bits,
    values: Vec<u8>,
    booleans: Bits,
}

/// See the module.
pub struct Parquet {
    columns: Vec<Column>,
    /// The rows of the group, and the bytes they take.
    rows: i64,
    held: usize,
    all_rows: i64,
    written: u64,
    groups: Vec<Vec<u8>>,
}

impl Parquet {
    /// A file of these columns.
    pub fn new(headings: Vec<Heading>) -> Self {
        let column = |heading| Column {
            heading,
            present: Bits::default(),
            values: vec![],
            booleans: Bits::default(),
        };
        Self {
            columns: headings.into_iter().map(column).collect(),
            rows: 0,
            held: 0,
            all_rows: 0,
            written: 0,
            groups: vec![],
        }
    }

    fn end_group(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        if self.rows == 0 {
            return Ok(());
        }
        let (mut chunks, mut size) = (vec![], 0);
        for column in &mut self.columns {
            let start = out.len();
            let (chunk, length) = column.write(self.rows, self.written, out)?;
            self.written += (out.len() - start) as u64;
            size += length;
            chunks.push(chunk);
        }
        let group = Struct::default()
            .all(1, &chunks)
            .i64(2, size)
            .i64(3, self.rows);
        self.groups.push(group.end());
        self.all_rows += self.rows;
        (self.rows, self.held) = (0, 0);
        Ok(())
    }

    fn footer(&self) -> Vec<u8> {
        let count = i32::try_from(self.columns.len()).unwrap_or(i32::MAX);
        let root = Struct::default().text(4, "schema").i32(5, count);
        let mut schema = vec![root.end()];
        schema.extend(self.columns.iter().map(|column| {
            let Heading { title, kind, .. } = &column.heading;
            let (stored, meaning) = types(*kind);
            let mut element = Struct::default()
                .i32(1, stored)
                .i32(3, OPTIONAL)
                .text(4, title);
            if let Some(meaning) = meaning {
                element = element.i32(6, meaning);
            }
            if *kind == Kind::Amount {
                element = element.i32(7, 2).i32(8, 18);
            }
            element.end()
        }));
        Struct::default()
            .i32(1, 1)
            .all(2, &schema)
            .i64(3, self.all_rows)
            .all(4, &self.groups)
            .text(6, "Navette")
            .end()
    }
}

impl Column {
    /// Takes a cell; says how many bytes it takes.
    fn push(&mut self, cell: Option<&str>) -> Result<usize, EncodeFault> {
        let before = self.values.len();
        let value = Value::read(self.heading.kind, cell);
        self.present.push(value != Value::Empty);
        match (self.heading.kind, value) {
            (_, Value::Empty) => {}
            (Kind::Text, Value::Text(said)) => {
                let length = u32::try_from(said.len()).map_err(|_| EncodeFault::TooLarge)?;
                self.values.extend_from_slice(&length.to_le_bytes());
                self.values.extend_from_slice(said.as_bytes());
            }
            (_, Value::Integer(_) | Value::Amount(_)) => {
                // An amount is stored as its cents, which is what the cell says.
                let number: Option<i64> = cell.and_then(|cell| cell.parse().ok());
                let number = number.ok_or(EncodeFault::OtherKind)?;
                self.values.extend_from_slice(&number.to_le_bytes());
            }
            (_, Value::Date(day)) => {
                let days = i32::try_from(day.since_1970()).map_err(|_| EncodeFault::OtherKind)?;
                self.values.extend_from_slice(&days.to_le_bytes());
            }
            (_, Value::Timestamp(moment)) => {
                self.values
                    .extend_from_slice(&moment.micros().to_le_bytes());
            }
            (_, Value::Boolean(is)) => self.booleans.push(is),
            (_, Value::Text(_)) => return Err(EncodeFault::OtherKind),
        }
        Ok(self.values.len() - before + 1)
    }

    /// Writes a group's values as one page; gives what the footer says of it, and its length before compression.
    fn write(
        &mut self,
        rows: i64,
        offset: u64,
        out: &mut Vec<u8>,
    ) -> Result<(Vec<u8>, i64), EncodeFault> {
        let mut levels = vec![];
        // One run of bits, in groups of eight.
        varint(((self.present.bytes.len() as u64) << 1) | 1, &mut levels);
        levels.extend_from_slice(&self.present.bytes);
        let prefix = u32::try_from(levels.len()).map_err(|_| EncodeFault::TooLarge)?;
        let values = match self.heading.kind {
            Kind::Boolean => &self.booleans.bytes,
            _ => &self.values,
        };
        let mut packed = GzEncoder::new(vec![], Compression::new(1));
        for part in [&prefix.to_le_bytes()[..], &levels, values] {
            packed
                .write_all(part)
                .map_err(|_| EncodeFault::Compression)?;
        }
        let packed = packed.finish().map_err(|_| EncodeFault::Compression)?;
        let small = |length: usize| i32::try_from(length).map_err(|_| EncodeFault::TooLarge);
        let length = small(4 + levels.len() + values.len())?;
        let page = Struct::default()
            .i32(1, rows.try_into().map_err(|_| EncodeFault::TooLarge)?)
            .i32(2, PLAIN)
            .i32(3, RLE)
            .i32(4, RLE);
        let header = Struct::default()
            .i32(1, 0)
            .i32(2, length)
            .i32(3, small(packed.len())?)
            .nested(5, page)
            .end();
        let whole = |bytes: usize| i64::try_from(header.len() + bytes).unwrap_or(i64::MAX);
        let before = whole(usize::try_from(length).unwrap_or_default());
        let offset = i64::try_from(offset).map_err(|_| EncodeFault::TooLarge)?;
        let (stored, _) = types(self.heading.kind);
        let told = Struct::default()
            .i32(1, stored)
            .i32s(2, &[PLAIN, RLE])
            .one_text(3, &self.heading.title)
            .i32(4, GZIP)
            .i64(5, rows)
            .i64(6, before)
            .i64(7, whole(packed.len()))
            .i64(9, offset);
        let chunk = Struct::default().i64(2, offset).nested(3, told).end();
        out.extend_from_slice(&header);
        out.extend_from_slice(&packed);
        self.present.clear();
        self.values.clear();
        self.booleans.clear();
        Ok((chunk, before))
    }
}

impl Encoder for Parquet {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        out.extend_from_slice(MAGIC);
        self.written = MAGIC.len() as u64;
        Ok(())
    }

    fn row(&mut self, cells: &Cells, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        for (column, cell) in self.columns.iter_mut().zip(cells.iter()) {
            self.held += column.push(cell)?;
        }
        self.rows += 1;
        if self.held >= GROUP {
            self.end_group(out)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        self.end_group(out)?;
        let footer = self.footer();
        out.extend_from_slice(&footer);
        let length = u32::try_from(footer.len()).map_err(|_| EncodeFault::TooLarge)?;
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(MAGIC);
        Ok(())
    }
}
