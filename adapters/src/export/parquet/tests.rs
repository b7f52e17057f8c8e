//! What a reader of Parquet finds, by a reader that knows nothing of the writer.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::Parquet;
use crate::export::{Cells, EncodeFault, Encoder as _};
use flate2::read::GzDecoder;
use navette_domain::export::{Heading, Kind};
use std::{collections::BTreeMap, io::Read as _};

/// A word of Thrift's compact protocol.
#[derive(Debug, Clone, PartialEq)]
enum Word {
    Number(i64),
    Text(String),
    List(Vec<Word>),
    Struct(BTreeMap<u8, Word>),
}

impl Word {
    fn number(&self, id: u8) -> i64 {
        match self.at(id) {
            Word::Number(number) => *number,
            other => panic!("{other:?} is no number"),
        }
    }

    fn at(&self, id: u8) -> &Word {
        match self {
            Self::Struct(fields) => &fields[&id],
            other => panic!("{other:?} is no structure"),
        }
    }

    fn list(&self, id: u8) -> &[Word] {
        match self.at(id) {
            Word::List(all) => all,
            other => panic!("{other:?} is no list"),
        }
    }
}

fn byte(bytes: &mut &[u8]) -> u8 {
    let (first, rest) = bytes.split_first().unwrap();
    *bytes = rest;
    *first
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let next = byte(bytes);
        value |= u64::from(next & 0x7f) << shift;
        if next < 0x80 {
            return value;
        }
        shift += 7;
    }
}

fn word(kind: u8, bytes: &mut &[u8]) -> Word {
    match kind {
        5 | 6 => {
            let value = varint(bytes);
            Word::Number((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
        }
        8 => {
            let length = usize::try_from(varint(bytes)).unwrap();
            let (text, rest) = bytes.split_at(length);
            *bytes = rest;
            Word::Text(String::from_utf8(text.to_vec()).unwrap())
        }
        9 => {
            let header = byte(bytes);
            let length = match header >> 4 {
                15 => varint(bytes),
                short => u64::from(short),
            };
            Word::List((0..length).map(|_| word(header & 15, bytes)).collect())
        }
        12 => {
            let (mut fields, mut id) = (BTreeMap::new(), 0);
            loop {
                match byte(bytes) {
                    0 => return Word::Struct(fields),
                    header => {
                        id += header >> 4;
                        fields.insert(id, word(header & 15, bytes));
                    }
                }
            }
        }
        other => panic!("{other} is not read here"),
    }
}

/// The values of a column of a group, whether each row has one, and the page's bytes.
fn page(file: &[u8], chunk: &Word) -> (Vec<bool>, Vec<u8>) {
    let told = chunk.at(3);
    assert_eq!(told.number(4), 2, "GZIP");
    let offset = usize::try_from(told.number(9)).unwrap();
    let length = usize::try_from(told.number(7)).unwrap();
    let mut bytes = &file[offset..offset + length];
    let header = word(12, &mut bytes);
    assert_eq!(header.number(3), i64::try_from(bytes.len()).unwrap());
    let mut plain = vec![];
    GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
    assert_eq!(header.number(2), i64::try_from(plain.len()).unwrap());
    let rows = header.at(5).number(1);
    assert_eq!(rows, told.number(5));
    let (prefix, rest) = plain.split_at(4);
    let length = u32::from_le_bytes(prefix.try_into().unwrap()) as usize;
    let (mut levels, values) = rest.split_at(length);
    let groups = varint(&mut levels);
    assert_eq!(groups & 1, 1, "a run of bits");
    assert_eq!(levels.len() as u64, groups >> 1);
    let present = (0..usize::try_from(rows).unwrap()).map(|n| levels[n / 8] >> (n % 8) & 1 == 1);
    (present.collect(), values.to_vec())
}

fn headings() -> Vec<Heading> {
    [
        Kind::Text,
        Kind::Integer,
        Kind::Amount,
        Kind::Date,
        Kind::Timestamp,
        Kind::Boolean,
    ]
    .map(|kind| Heading {
        name: kind.code().into(),
        title: kind.code().into(),
        kind,
    })
    .to_vec()
}

#[test]
fn a_parquet_file_says_what_it_holds_and_holds_it() {
    let mut parquet = Parquet::new(headings());
    let (mut file, mut cells) = (vec![], Cells::default());
    parquet.begin(&mut file).unwrap();
    for row in [
        "été\t-7\t123456\t1970-01-02\t1970-01-01 01:00:00.5+01\tt",
        "\\N\t\\N\t\\N\t\\N\t\\N\t\\N",
        "\t8\t-1\t1969-12-31\t2026-07-12 10:20:30+02\tf",
    ] {
        cells.read(row.as_bytes()).unwrap();
        parquet.row(&cells, &mut file).unwrap();
    }
    parquet.end(&mut file).unwrap();

    assert_eq!(
        (&file[..4], &file[file.len() - 4..]),
        (&b"PAR1"[..], &b"PAR1"[..])
    );
    let length = u32::from_le_bytes(file[file.len() - 8..file.len() - 4].try_into().unwrap());
    let end = file.len() - 8;
    let mut footer = &file[end - length as usize..end];
    let told = word(12, &mut footer);
    assert!(footer.is_empty());
    assert_eq!(told.number(3), 3);
    let schema: Vec<_> = told.list(2)[1..]
        .iter()
        .map(|element| (element.number(1), element.number(3), element.at(4).clone()))
        .collect();
    let text = |said: &str| Word::Text(said.into());
    assert_eq!(
        schema,
        [
            (6, 1, text("text")),
            (2, 1, text("integer")),
            (2, 1, text("amount")),
            (1, 1, text("date")),
            (2, 1, text("timestamp")),
            (0, 1, text("boolean")),
        ]
    );
    assert_eq!(told.list(2)[3].number(7), 2, "cents");
    let [group] = told.list(4) else {
        panic!("one group");
    };
    let longs = |values: &[i64]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let moment = chrono::DateTime::parse_from_rfc3339("2026-07-12T10:20:30+02:00").unwrap();
    let expected = [
        b"\x05\0\0\0\xc3\xa9t\xc3\xa9\0\0\0\0".to_vec(),
        longs(&[-7, 8]),
        longs(&[123_456, -1]),
        [1_i32, -1]
            .iter()
            .flat_map(|day| day.to_le_bytes())
            .collect(),
        longs(&[500_000, moment.timestamp_micros()]),
        vec![0b01],
    ];
    for (chunk, expected) in group.list(1).iter().zip(expected) {
        assert_eq!(page(&file, chunk), (vec![true, false, true], expected));
    }
}

#[test]
fn many_rows_are_many_groups_and_none_is_lost() {
    let heading = headings().remove(0);
    let mut parquet = Parquet::new(vec![heading]);
    let (mut file, mut cells) = (vec![], Cells::default());
    parquet.begin(&mut file).unwrap();
    for _ in 0..9 {
        cells.read(&vec![b'a'; 1_000_000]).unwrap();
        parquet.row(&cells, &mut file).unwrap();
    }
    parquet.end(&mut file).unwrap();
    let end = file.len() - 8;
    let length = u32::from_le_bytes(file[end..end + 4].try_into().unwrap()) as usize;
    let told = word(12, &mut &file[end - length..end]);
    let groups = told.list(4);
    assert!(groups.len() > 1);
    let rows: i64 = groups.iter().map(|group| group.number(3)).sum();
    assert_eq!((rows, told.number(3)), (9, 9));
    let values = groups.iter().map(|group| page(&file, &group.list(1)[0]).1);
    assert_eq!(
        values.map(|values| values.len()).sum::<usize>(),
        9 * 1_000_004
    );
}

#[test]
fn what_is_not_of_its_columns_type_is_a_fault() {
    let mut parquet = Parquet::new(vec![headings().remove(3)]);
    let mut cells = Cells::default();
    cells.read(b"infinity").unwrap();
    let fault = parquet.row(&cells, &mut vec![]).unwrap_err();
    assert_eq!(fault, EncodeFault::OtherKind);
}
