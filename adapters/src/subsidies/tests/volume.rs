//! Files of any length.

use super::*;
use std::{
    io::SeekFrom,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A file of `rows` rows that exists only while it is read.
struct Generated {
    rows: u64,
    next: u64,
    pending: Vec<u8>,
    read: Arc<AtomicU64>,
}

impl Read for Generated {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.pending.len() < into.len() && self.next <= self.rows {
            let (row, next) = (self.next, self.next + 1);
            let line = match row {
                0 => HEADER.to_owned(),
                row => format!(
                    "Département;22800001400016;2017-02-03;Bénéficiaire {row:06};Fête;{row:06},00\n"
                ),
            };
            self.pending.extend_from_slice(line.as_bytes());
            self.next = next;
        }
        let count = into.len().min(self.pending.len());
        into[..count].copy_from_slice(&self.pending[..count]);
        self.pending.drain(..count);
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Generated {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        assert!(matches!(to, SeekFrom::Start(0)), "only from the start");
        (self.next, self.pending) = (0, Vec::new());
        self.read.store(0, Ordering::Relaxed);
        Ok(0)
    }
}

#[test]
fn a_hundred_thousand_rows_are_read_one_by_one() {
    let read = Arc::new(AtomicU64::new(0));
    let rows = 100_000;
    let file = SubsidyFile::read(
        Generated {
            rows,
            next: 0,
            pending: Vec::new(),
            read: Arc::clone(&read),
        },
        &strict(),
    )
    .unwrap();
    let row_length =
        "Département;22800001400016;2017-02-03;Bénéficiaire 000001;Fête;000001,00\n".len();
    let mut count = 0_u64;
    for row in file {
        assert!(matches!(row.unwrap(), Row::Accepted(_)));
        count += 1;
        let delivered = HEADER.len() as u64 + count * row_length as u64;
        let ahead = read.load(Ordering::Relaxed) - delivered;
        assert!(ahead <= 64 * 1024, "{ahead} bytes are held at row {count}");
    }
    assert_eq!(count, rows);
}
