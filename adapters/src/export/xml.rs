//! XML: the columns, then one element a row. A cell that says nothing is left out.

use super::{
    Cells, EncodeFault, Encoder,
    markup::{self, Illegal},
    value::Value,
};
use navette_domain::export::{Heading, Kind};

/// See the module.
#[derive(Debug)]
pub struct Xml {
    headings: Vec<Heading>,
    /// The beginning of each cell's element.
    opening: Vec<(Vec<u8>, Kind)>,
}

impl Xml {
    /// A file of these columns.
    pub fn new(headings: Vec<Heading>) -> Self {
        let opening = headings.iter().map(|heading| {
            let mut opening = b"<value column=\"".to_vec();
            markup::text(&heading.name, Illegal::Replaced, &mut opening);
            opening.extend_from_slice(b"\">");
            (opening, heading.kind)
        });
        Self {
            opening: opening.collect(),
            headings,
        }
    }
}

impl Encoder for Xml {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        out.extend_from_slice(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<export>\n<columns>\n");
        for heading in &self.headings {
            out.extend_from_slice(b"<column name=\"");
            markup::text(&heading.name, Illegal::Replaced, out);
            out.extend_from_slice(b"\" title=\"");
            markup::text(&heading.title, Illegal::Replaced, out);
            out.extend_from_slice(b"\" type=\"");
            out.extend_from_slice(heading.kind.code().as_bytes());
            out.extend_from_slice(b"\"/>\n");
        }
        out.extend_from_slice(b"</columns>\n<rows>\n");
        Ok(())
    }

    fn row(&mut self, cells: &Cells, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        out.extend_from_slice(b"<row>");
        for ((opening, kind), cell) in self.opening.iter().zip(cells.iter()) {
            let value = Value::read(*kind, cell);
            if value == Value::Empty {
                continue;
            }
            out.extend_from_slice(opening);
            match value {
                Value::Empty => {}
                Value::Text(said) => markup::text(said, Illegal::Replaced, out),
                Value::Integer(digits) => out.extend_from_slice(digits.as_bytes()),
                Value::Amount(amount) => amount.write(b'.', out),
                Value::Date(day) => out.extend_from_slice(day.iso().as_bytes()),
                Value::Timestamp(moment) => moment.write_iso(out),
                Value::Boolean(true) => out.extend_from_slice(b"true"),
                Value::Boolean(false) => out.extend_from_slice(b"false"),
            }
            out.extend_from_slice(b"</value>");
        }
        out.extend_from_slice(b"</row>\n");
        Ok(())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeFault> {
        out.extend_from_slice(b"</rows>\n</export>\n");
        Ok(())
    }
}
