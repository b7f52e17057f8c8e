//! JSON: one array of objects, or one object a line. A cell that says nothing is null.

use super::{Cells, EncodeFault, Encoder, value::Value};
use navette_domain::export::{Heading, Kind};

/// See the module.
#[derive(Debug)]
pub struct Json {
    /// Each key, quoted, with its colon.
    keys: Vec<(Vec<u8>, Kind)>,
    lines: bool,
    rows: u64,
}

impl Json {
    /// One array, or `lines`.
    pub fn new(lines: bool, headings: &[Heading]) -> Self {
        let key = |heading: &Heading| {
            let mut key = vec![];
            text(&heading.title, &mut key);
            key.push(b':');
            (key, heading.kind)
        };
        Self {
            keys: headings.iter().map(key).collect(),
            lines,
            rows: 0,
        }
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    // A text always has a JSON form, and a vector takes all that is written.
    let _ = serde_json::to_writer(out, text);
}

fn value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Empty => out.extend_from_slice(b"null"),
        Value::Text(said) => text(said, out),
        Value::Integer(digits) => out.extend_from_slice(digits.as_bytes()),
        Value::Amount(amount) => amount.write(b'.', out),
        Value::Date(day) => text(day.iso(), out),
        Value::Timestamp(moment) => {
            out.push(b'"');
            moment.write_iso(out);
            out.push(b'"');
        }
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
    }
}

impl Encoder for Json {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        if !self.lines {
            out.push(b'[');
        }
        Ok(())
    }

    fn row(&mut self, cells: &Cells, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        if !self.lines {
            out.extend_from_slice(if self.rows > 0 { b",\n" } else { b"\n" });
        }
        out.push(b'{');
        for (n, ((key, kind), cell)) in self.keys.iter().zip(cells.iter()).enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            value(Value::read(*kind, cell), out);
        }
        out.push(b'}');
        if self.lines {
            out.push(b'\n');
        }
        self.rows += 1;
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        if !self.lines {
            out.extend_from_slice(b"\n]\n");
        }
        Ok(())
    }
}
