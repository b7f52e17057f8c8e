//! The few words of Thrift's compact protocol in which Parquet says what a file holds.

/// A structure in the making.
#[derive(Debug, Default)]
pub struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

impl Struct {
    fn field(&mut self, id: u8, kind: u8) {
        // Fields come in their order, at most fifteen apart.
        self.bytes.push(((id - self.last) << 4) | kind);
        self.last = id;
    }

    /// A number of 32 bits.
    pub fn i32(mut self, id: u8, value: i32) -> Self {
        self.field(id, I32);
        zigzag(i64::from(value), &mut self.bytes);
        self
    }

    /// A number of 64 bits.
    pub fn i64(mut self, id: u8, value: i64) -> Self {
        self.field(id, I64);
        zigzag(value, &mut self.bytes);
        self
    }

    /// A text.
    pub fn text(mut self, id: u8, value: &str) -> Self {
        self.field(id, BINARY);
        binary(value, &mut self.bytes);
        self
    }

    /// A structure.
    pub fn nested(mut self, id: u8, value: Self) -> Self {
        self.field(id, STRUCT);
        self.bytes.append(&mut value.end());
        self
    }

    /// A list of numbers.
    pub fn i32s(mut self, id: u8, values: &[i32]) -> Self {
        self.list(id, I32, values.len());
        for value in values {
            zigzag(i64::from(*value), &mut self.bytes);
        }
        self
    }

    /// A list of one text.
    pub fn one_text(mut self, id: u8, value: &str) -> Self {
        self.list(id, BINARY, 1);
        binary(value, &mut self.bytes);
        self
    }

    /// A list of structures that have ended.
    pub fn all(mut self, id: u8, values: &[Vec<u8>]) -> Self {
        self.list(id, STRUCT, values.len());
        for value in values {
            self.bytes.extend_from_slice(value);
        }
        self
    }

    /// Its bytes.
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    fn list(&mut self, id: u8, kind: u8, length: usize) {
        self.field(id, LIST);
        match u8::try_from(length) {
            Ok(short) if short < 15 => self.bytes.push((short << 4) | kind),
            _ => {
                self.bytes.push(0xf0 | kind);
                varint(length as u64, &mut self.bytes);
            }
        }
    }
}

fn binary(value: &str, bytes: &mut Vec<u8>) {
    varint(value.len() as u64, bytes);
    bytes.extend_from_slice(value.as_bytes());
}

fn zigzag(value: i64, bytes: &mut Vec<u8>) {
    varint(((value << 1) ^ (value >> 63)).cast_unsigned(), bytes);
}

/// Seven bits a byte, the lowest first.
pub fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}
