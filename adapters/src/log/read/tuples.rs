//! Rows of the log as PostgreSQL copies them out, in binary: whoever reads far pays neither for the description
//! of each row nor for looking its columns up by name.
//!
//! The format is that of PostgreSQL's documentation of COPY: a header, then for each row the number of its
//! fields and each field after its length, then -1.

use super::{Row, Said};
use chrono::{DateTime, Duration, Utc};
use futures::TryStreamExt as _;
use sqlx::PgPool;
use uuid::Uuid;

/// In the order in which they are read below.
const COLUMNS: &str = "position, stream_type, stream_id, version, event_type, event_version, payload, \
                       metadata, recorded_at, hash";
const FIELDS: i16 = 10;
/// The signature of the format, its flags, and the length of what extends it: none.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What is at the `limit` positions after `position`.
pub(in crate::log) async fn after(
    pool: &PgPool,
    position: i64,
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    let statement = format!(
        "COPY (SELECT {COLUMNS} FROM events WHERE position > {position} ORDER BY position LIMIT {limit}) \
         TO STDOUT (FORMAT binary)"
    );
    let mut connection = pool.acquire().await?;
    let mut chunks = connection.copy_out_raw(&statement).await?;
    let mut rows = Vec::new();
    // PostgreSQL sends whole rows, the header with the first.
    while let Some(chunk) = chunks.try_next().await? {
        let mut rest = chunk.strip_prefix(HEADER).unwrap_or(&chunk);
        while !rest.is_empty() {
            let Some(row) = row(&mut rest).ok_or_else(unreadable)? else {
                break;
            };
            rows.push(row);
        }
    }
    Ok(rows)
}

fn unreadable() -> sqlx::Error {
    sqlx::Error::Protocol("a copied row of the log cannot be read".to_owned())
}

/// The next row, or none at the end; nothing when it is no row of ours.
fn row(rest: &mut &[u8]) -> Option<Option<Row>> {
    let fields = i16::from_be_bytes(array(take(rest, 2)?)?);
    if fields == -1 {
        return Some(None);
    }
    if fields != FIELDS {
        return None;
    }
    Some(Some(Row {
        said: Said {
            position: long(rest)?,
            stream_type: text(rest)?,
            stream_id: Uuid::from_bytes(array(field(rest)?)?),
            version: long(rest)?,
            event_type: text(rest)?,
            event_version: i16::from_be_bytes(array(field(rest)?)?),
            payload: text(rest)?,
        },
        metadata: text(rest)?,
        recorded_at: instant(long(rest)?)?,
        hash: array(field(rest)?)?,
    }))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

/// No column of the log is ever null, which would be a length of -1.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = i32::from_be_bytes(array(take(rest, 4)?)?);
    take(rest, usize::try_from(length).ok()?)
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn long(rest: &mut &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(array(field(rest)?)?))
}

fn text(rest: &mut &[u8]) -> Option<String> {
    Some(std::str::from_utf8(field(rest)?).ok()?.to_owned())
}

/// From microseconds since 2000, as PostgreSQL counts.
fn instant(microseconds: i64) -> Option<DateTime<Utc>> {
    /// The beginning of 2000, in seconds since 1970.
    const EPOCH: i64 = 946_684_800;
    DateTime::from_timestamp(EPOCH, 0)?.checked_add_signed(Duration::microseconds(microseconds))
}
