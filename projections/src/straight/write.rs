//! JSON, byte after byte.

use super::{Asked, Part, Rows, fields::Kind};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{Row as _, postgres::PgRow};
use std::io::{self, Write as _};
use uuid::Uuid;

/// Writing to memory fails only for a value that is not what its column holds.
type Written = io::Result<()>;

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The cursor of the row at this place of the page.
    pub fn cursor(&self, place: usize) -> Option<&str> {
        self.found.get(place).map(|(cursor, _)| cursor.as_str())
    }

    /// Writes the row at this place of the page, of which `parts` were asked for.
    pub fn write(&self, out: &mut Vec<u8>, place: usize, parts: &[Part]) -> Written {
        let dossier = self.found.get(place).map(|(_, id)| *id);
        let row = dossier.and_then(|id| Some((id, self.dossiers.get(&id)?)));
        let Some((id, row)) = row else {
            return Err(io::Error::other("no such row"));
        };
        // After the id and whether the third party is seen.
        let mut column = 2;
        out.push(b'{');
        for (place, part) in parts.iter().enumerate() {
            comma(out, place);
            match part {
                Part::Own(asked) => {
                    key(out, &asked.key);
                    value(out, row, column, asked.field.kind)?;
                    column += 1;
                }
                Part::ThirdParty(name, fields) => {
                    key(out, name);
                    if row.try_get(1).map_err(io::Error::other)? {
                        object(out, row, column, fields)?;
                    } else {
                        out.extend_from_slice(b"null");
                    }
                    column += fields.len();
                }
                Part::Documents(name, fields) => {
                    key(out, name);
                    self.documents(out, id, fields)?;
                }
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn documents(&self, out: &mut Vec<u8>, dossier: Uuid, fields: &[Asked]) -> Written {
        out.push(b'[');
        let documents = self.documents.get(&dossier).into_iter().flatten();
        for (place, row) in documents.enumerate() {
            comma(out, place);
            // After the dossier's id.
            object(out, row, 1, fields)?;
        }
        out.push(b']');
        Ok(())
    }
}

fn object(out: &mut Vec<u8>, row: &PgRow, first: usize, fields: &[Asked]) -> Written {
    out.push(b'{');
    for (place, asked) in fields.iter().enumerate() {
        comma(out, place);
        key(out, &asked.key);
        value(out, row, first + place, asked.field.kind)?;
    }
    out.push(b'}');
    Ok(())
}

fn comma(out: &mut Vec<u8>, place: usize) {
    if place > 0 {
        out.push(b',');
    }
}

/// Writes a name of GraphQL, which needs no escape.
fn key(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn json(out: &mut Vec<u8>, value: impl serde::Serialize) -> Written {
    serde_json::to_writer(out, &value).map_err(io::Error::other)
}

fn value(out: &mut Vec<u8>, row: &PgRow, column: usize, kind: Kind) -> Written {
    macro_rules! written {
        ($type:ty, $write:expr) => {{
            // The columns are those of our own tables: their types need no comparison at each value.
            let value: Option<$type> = row.try_get_unchecked(column).map_err(io::Error::other)?;
            match value {
                Some(value) => $write(out, value),
                None => out.write_all(b"null"),
            }
        }};
    }
    match kind {
        Kind::Uuid => written!(Uuid, |out: &mut Vec<u8>, id: Uuid| {
            out.push(b'"');
            out.extend_from_slice(
                id.hyphenated()
                    .encode_lower(&mut Uuid::encode_buffer())
                    .as_bytes(),
            );
            out.push(b'"');
            Ok(())
        }),
        Kind::Text => written!(&str, json),
        Kind::Name => written!(&str, |out: &mut Vec<u8>, text: &str| {
            out.push(b'"');
            out.extend(text.bytes().map(|byte| byte.to_ascii_uppercase()));
            out.push(b'"');
            Ok(())
        }),
        Kind::Integer => written!(i32, json),
        Kind::Long => written!(i64, json),
        Kind::Boolean => written!(bool, |out: &mut Vec<u8>, flag| write!(out, "{flag}")),
        Kind::Day => written!(NaiveDate, |out: &mut Vec<u8>, day| write!(out, "\"{day}\"")),
        Kind::Instant => written!(DateTime<Utc>, |out: &mut Vec<u8>, at: DateTime<Utc>| {
            write!(out, "\"{}\"", at.to_rfc3339())
        }),
        Kind::Type(name) => write!(out, "\"{name}\""),
    }
}
