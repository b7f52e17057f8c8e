//! Pages by keyset: a page goes on after the last row of the one before, whatever was added or removed
//! in between, and every row comes exactly once.
//!
//! The key of an order is never NULL (a missing date counts as later than all others), and the id breaks
//! ties, so one row comparison says "after". A cursor names the question it answers: used with another
//! order, filter or reader it is refused instead of giving a wrong page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use navette_domain::digest::Digest;
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Postgres, QueryBuilder, postgres::PgRow};
use uuid::Uuid;

/// The longest page.
pub const LONGEST: i32 = 100;
/// The usual page.
pub const USUAL: i32 = 50;
/// Counts stop here.
pub const COUNTED: i64 = 10_000;

/// Which page is asked for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    first: i64,
    after: Option<String>,
}

/// A page that cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// Fewer rows than one, or more than the longest page.
    #[error("`first` must be from 1 to {LONGEST}")]
    Size,
    /// Not one of our cursors.
    #[error("the cursor cannot be read")]
    Cursor,
    /// A cursor of another question.
    #[error("the cursor belongs to another order or filter")]
    OtherQuestion,
}

/// Why a list is not answered.
#[derive(Debug, thiserror::Error)]
pub enum ListFault {
    /// The question is wrong.
    #[error(transparent)]
    Page(#[from] PageFault),
    /// The database failed.
    #[error("the read model could not be read")]
    Sql(#[from] sqlx::Error),
}

impl PageRequest {
    /// A page of `first` rows, the usual number by default, after a cursor.
    pub fn new(first: Option<i32>, after: Option<String>) -> Result<Self, PageFault> {
        let first = first.unwrap_or(USUAL);
        if (1..=LONGEST).contains(&first) {
            let first = i64::from(first);
            Ok(Self { first, after })
        } else {
            Err(PageFault::Size)
        }
    }
}

/// Rows with their cursors.
#[derive(Debug, Clone)]
pub struct Slice<T> {
    /// Each row after its cursor.
    pub rows: Vec<(String, T)>,
    /// Whether more follow.
    pub has_next: bool,
}

/// A number of rows: exact up to [`COUNTED`], then "at least".
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::SimpleObject)]
pub struct Count {
    /// The number.
    pub value: i64,
    /// Whether it is exact; otherwise there are at least that many.
    pub exact: bool,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    q: String,
    k: String,
    id: Uuid,
}

impl Cursor {
    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn read(text: &str, question: &str) -> Result<Self, PageFault> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| PageFault::Cursor)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| PageFault::Cursor)?;
        if cursor.q == question {
            Ok(cursor)
        } else {
            Err(PageFault::OtherQuestion)
        }
    }
}

/// By what rows are ordered.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// An SQL expression that is never NULL and has an index with the id.
    pub key: &'static str,
    /// Its SQL type.
    pub sql_type: &'static str,
    /// Largest first.
    pub descending: bool,
}

#[derive(sqlx::FromRow)]
struct Keyed<T> {
    #[sqlx(flatten)]
    row: T,
    cursor_key: String,
    cursor_id: Uuid,
}

/// One page of the rows of `table` that `filter` keeps. `question` is all that the answer depends on.
pub async fn page<T>(
    pool: &PgPool,
    table: &'static str,
    order: Order,
    request: &PageRequest,
    question: &impl Serialize,
    filter: impl FnOnce(&mut QueryBuilder<'_, Postgres>),
) -> Result<Slice<T>, ListFault>
where
    T: for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin,
{
    let question = fingerprint(table, order, question);
    let Order {
        key,
        sql_type,
        descending,
    } = order;
    let mut query = QueryBuilder::new(format!(
        "SELECT *, ({key})::text AS cursor_key, id AS cursor_id FROM {table} WHERE true"
    ));
    filter(&mut query);
    if let Some(after) = &request.after {
        let cursor = Cursor::read(after, &question)?;
        let sign = if descending { '<' } else { '>' };
        query
            .push(format!(" AND ({key}, id) {sign} ("))
            .push_bind(cursor.k);
        query
            .push(format!("::text::{sql_type}, "))
            .push_bind(cursor.id)
            .push(")");
    }
    let way = if descending { "DESC" } else { "ASC" };
    query.push(format!(" ORDER BY {key} {way}, id {way} LIMIT "));
    query.push_bind(request.first + 1);
    let mut found: Vec<Keyed<T>> = query.build_query_as().fetch_all(pool).await?;
    let length = usize::try_from(request.first).unwrap_or_default();
    let has_next = found.len() > length;
    found.truncate(length);
    let cursor = |keyed: Keyed<T>| {
        let cursor = Cursor {
            q: question.clone(),
            k: keyed.cursor_key,
            id: keyed.cursor_id,
        };
        (cursor.write(), keyed.row)
    };
    Ok(Slice {
        rows: found.into_iter().map(cursor).collect(),
        has_next,
    })
}

/// How many rows of `table` the filter keeps.
pub async fn count(
    pool: &PgPool,
    table: &'static str,
    filter: impl FnOnce(&mut QueryBuilder<'_, Postgres>),
) -> Result<Count, sqlx::Error> {
    let mut query = QueryBuilder::new(format!(
        "SELECT count(*) FROM (SELECT 1 FROM {table} WHERE true"
    ));
    filter(&mut query);
    query
        .push(" LIMIT ")
        .push_bind(COUNTED + 1)
        .push(") AS counted");
    let found: i64 = query.build_query_scalar().fetch_one(pool).await?;
    Ok(Count {
        value: found.min(COUNTED),
        exact: found <= COUNTED,
    })
}

fn fingerprint(table: &str, order: Order, question: &impl Serialize) -> String {
    let asked = serde_json::to_string(question).unwrap_or_default();
    let whole = format!(
        "{table}\u{1f}{}\u{1f}{}\u{1f}{asked}",
        order.key, order.descending
    );
    let mut digest = Digest::of(whole.as_bytes()).to_string();
    digest.truncate(16);
    digest
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_page_has_from_one_to_a_hundred_rows() {
        for wrong in [0, -1, 101, 100_000, i32::MAX, i32::MIN] {
            assert_eq!(
                PageRequest::new(Some(wrong), None).unwrap_err(),
                PageFault::Size
            );
        }
        assert_eq!(PageRequest::new(None, None).unwrap().first, 50);
    }

    #[test]
    fn a_cursor_serves_only_the_question_it_came_from() {
        let id = Uuid::from_u128(1);
        let cursor = Cursor {
            q: "a".into(),
            k: "2026-01-01".into(),
            id,
        }
        .write();
        assert_eq!(Cursor::read(&cursor, "a").unwrap().id, id);
        assert_eq!(
            Cursor::read(&cursor, "b").err(),
            Some(PageFault::OtherQuestion)
        );
        assert_eq!(Cursor::read("ééé", "a").err(), Some(PageFault::Cursor));
    }
}
