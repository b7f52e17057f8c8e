//! Text files between separators: for French spreadsheets, or for programs (RFC 4180).

use super::{Cells, EncodeFault, Encoder, value::Value};
use navette_domain::export::{Heading, Kind};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    separator: u8,
    decimal: u8,
    french: bool,
}

/// What Excel and LibreOffice open by a double click on a French machine.
pub const FRENCH: Dialect = Dialect {
    separator: b';',
    decimal: b',',
    french: true,
};

/// What programs read.
pub const RFC_4180: Dialect = Dialect {
    separator: b',',
    decimal: b'.',
    french: false,
};

/// See the module.
#[derive(Debug)]
pub struct Csv {
    dialect: Dialect,
    headings: Vec<Heading>,
}

impl Csv {
    /// A file of these columns.
    pub fn new(dialect: Dialect, headings: Vec<Heading>) -> Self {
        Self { dialect, headings }
    }

    fn value(&self, value: Value<'_>, out: &mut Vec<u8>) {
        let Dialect {
            decimal, french, ..
        } = self.dialect;
        match value {
            Value::Empty => {}
            Value::Text(text) => self.text(text, out),
            Value::Integer(digits) => out.extend_from_slice(digits.as_bytes()),
            Value::Amount(amount) => amount.write(decimal, out),
            Value::Date(day) if french => day.write_french(out),
            Value::Date(day) => out.extend_from_slice(day.iso().as_bytes()),
            Value::Timestamp(moment) if french => {
                moment.day().write_french(out);
                out.push(b' ');
                out.extend_from_slice(moment.time().as_bytes());
            }
            Value::Timestamp(moment) => moment.write_iso(out),
            Value::Boolean(is) => out.extend_from_slice(match (is, french) {
                (true, true) => b"oui",
                (false, true) => b"non",
                (true, false) => b"true",
                (false, false) => b"false",
            }),
        }
    }

    fn text(&self, text: &str, out: &mut Vec<u8>) {
        let neutral: &[u8] = if is_a_formula(text) { b"'" } else { b"" };
        let bytes = text.as_bytes();
        let separator = self.dialect.separator;
        let special = |byte: &u8| *byte == separator || matches!(byte, b'"' | b'\r' | b'\n');
        if !bytes.iter().any(special) {
            out.extend_from_slice(neutral);
            out.extend_from_slice(bytes);
            return;
        }
        out.push(b'"');
        out.extend_from_slice(neutral);
        for byte in bytes {
            if *byte == b'"' {
                out.push(b'"');
            }
            out.push(*byte);
        }
        out.push(b'"');
    }
}

/// Whether a spreadsheet would reckon this text instead of showing it: it begins with a sign that starts a
/// formula, in its usual form or its full-width one, or with a sign that spreadsheets leave out before it.
fn is_a_formula(text: &str) -> bool {
    text.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠',
    ])
}

impl Encoder for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        if self.dialect.french {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        for (n, heading) in self.headings.iter().enumerate() {
            if n > 0 {
                out.push(self.dialect.separator);
            }
            self.text(&heading.title, out);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn row(&mut self, cells: &Cells, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        let start = out.len();
        for (n, (heading, cell)) in self.headings.iter().zip(cells.iter()).enumerate() {
            if n > 0 {
                out.push(self.dialect.separator);
            }
            match (heading.kind, cell) {
                (Kind::Text, Some(text)) => self.text(text, out),
                (kind, cell) => self.value(Value::read(kind, cell), out),
            }
        }
        if out.len() == start {
            // One empty cell alone: an empty line would be no row.
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), EncodeFault> {
        Ok(())
    }
}
