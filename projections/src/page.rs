//! Which page of a list is asked for, and what it is answered.
//!
//! A cursor names the question it answers: used with another order, filter or reader it is refused instead of
//! giving a wrong page.

use crate::condition::TooLarge;
use async_graphql::Enum;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// The longest page.
pub const LONGEST: i32 = 100;
/// The usual page.
pub const USUAL: i32 = 50;
/// Counts are exact up to here.
pub const COUNTED: i64 = 10_000;
/// The most fields of one order.
pub const MOST_FIELDS: usize = 4;

/// Which page is asked for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    pub(crate) rows: i64,
    pub(crate) cursor: Option<String>,
    pub(crate) backward: bool,
}

/// The arguments of a list, as Relay names them.
#[derive(Debug, Clone, Default)]
pub struct PageArguments {
    /// So many rows, from the beginning or after a cursor.
    pub first: Option<i32>,
    /// After this one.
    pub after: Option<String>,
    /// So many rows, at the end or before a cursor.
    pub last: Option<i32>,
    /// Before this one.
    pub before: Option<String>,
}

/// A page that cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// Fewer rows than one, or more than the longest page.
    #[error("`first` and `last` must be from 1 to {LONGEST}")]
    Size,
    /// Forward and backward at once.
    #[error("`first` and `after` go forward, `last` and `before` go backward: give one pair")]
    BothWays,
    /// Not one of our cursors.
    #[error("the cursor cannot be read")]
    Cursor,
    /// A cursor of another question.
    #[error("the cursor belongs to another order or filter")]
    OtherQuestion,
    /// An order by too many fields.
    #[error("a list is ordered by at most {MOST_FIELDS} fields")]
    Order,
    /// A filter that costs too much.
    #[error(transparent)]
    Filter(#[from] TooLarge),
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
        Self::sized(first, after, false)
    }

    /// How many rows at most.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// The page that a list's arguments ask for.
    pub fn of(arguments: PageArguments) -> Result<Self, PageFault> {
        match arguments {
            PageArguments {
                first,
                after,
                last: None,
                before: None,
            } => Self::new(first, after),
            PageArguments {
                first: None,
                after: None,
                last,
                before,
            } => Self::sized(last, before, true),
            _ => Err(PageFault::BothWays),
        }
    }

    fn sized(rows: Option<i32>, cursor: Option<String>, backward: bool) -> Result<Self, PageFault> {
        let rows = rows.unwrap_or(USUAL);
        if !(1..=LONGEST).contains(&rows) {
            return Err(PageFault::Size);
        }
        Ok(Self {
            rows: i64::from(rows),
            cursor,
            backward,
        })
    }
}

/// Rows with their cursors.
#[derive(Debug, Clone)]
pub struct Slice<T> {
    /// Each row after its cursor.
    pub rows: Vec<(String, T)>,
    /// Whether more follow. Going backward, whether a cursor was given.
    pub has_next: bool,
    /// Whether more precede. Going forward, whether a cursor was given.
    pub has_previous: bool,
}

/// How a count was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Precision {
    /// Row by row.
    Exact,
    /// By the statistics of the database.
    Estimated,
}

/// A number of rows: exact up to 10 000, estimated beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::SimpleObject)]
pub struct Count {
    /// The number. An estimate is at least 10 000.
    pub value: i64,
    /// Whether it is exact.
    pub exact: bool,
    /// How it was made.
    pub precision: Precision,
}

/// Where a row stands in a list: the question, and the row's keys.
#[derive(Serialize, Deserialize)]
pub(crate) struct Cursor {
    pub q: String,
    pub k: Vec<String>,
}

impl Cursor {
    pub fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub fn read(text: &str, question: &str) -> Result<Self, PageFault> {
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
        assert_eq!(PageRequest::new(None, None).unwrap().rows, 50);
    }

    #[test]
    fn a_page_goes_one_way() {
        let asked = PageArguments {
            first: Some(1),
            before: Some("x".into()),
            ..PageArguments::default()
        };
        assert_eq!(PageRequest::of(asked).unwrap_err(), PageFault::BothWays);
        let asked = PageArguments {
            last: Some(3),
            ..PageArguments::default()
        };
        assert!(PageRequest::of(asked).unwrap().backward);
    }

    #[test]
    fn a_cursor_serves_only_the_question_it_came_from() {
        let k = vec!["2026-01-01".to_owned(), "x".to_owned()];
        let cursor = Cursor {
            q: "a".into(),
            k: k.clone(),
        }
        .write();
        assert_eq!(Cursor::read(&cursor, "a").unwrap().k, k);
        assert_eq!(
            Cursor::read(&cursor, "b").err(),
            Some(PageFault::OtherQuestion)
        );
        assert_eq!(Cursor::read("ééé", "a").err(), Some(PageFault::Cursor));
    }
}
