//! Filters: typed tests of columns, and trees of them under `and`, `or` and `not`, said in SQL.
//!
//! A column that can be NULL is tested and ordered through its key, an expression that is never NULL: what is
//! missing counts as larger than all else. One index on the key thus serves equality, ranges, null tests and
//! the order.

use crate::{kinds::Cents, scope::Scope};
use async_graphql::InputObject;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};

/// A statement being written.
pub type Sql<'q> = QueryBuilder<'q, Postgres>;

/// The most conditions of one filter, and how deep they nest, lists counted.
const MOST_CONDITIONS: usize = 200;
const DEEPEST: usize = 24;

/// Larger than every text in the order of bytes: the last code point of Unicode, which no text has.
pub(crate) const LAST_TEXT: char = '\u{10FFFF}';

/// The key of a column that can be NULL, as a literal, so that a table's indexes and its queries say the same.
macro_rules! key {
    (text $column:literal) => {
        concat!("COALESCE(", $column, ", '\u{10FFFF}')")
    };
    (date $column:literal) => {
        concat!("COALESCE(", $column, ", 'infinity')")
    };
    (integer $column:literal) => {
        concat!("COALESCE(", $column, ", 2147483647)")
    };
    (bigint $column:literal) => {
        concat!("COALESCE(", $column, ", 9223372036854775807)")
    };
}
pub(crate) use key;

/// What is tested of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// An expression that is never NULL.
    pub key: &'static str,
    /// Its value where the column is NULL, for a column that can be.
    missing: Option<&'static str>,
}

impl Column {
    /// A column that is never NULL.
    pub const fn always(key: &'static str) -> Self {
        Self { key, missing: None }
    }

    /// The key of a column of text.
    pub const fn text(key: &'static str) -> Self {
        let missing = Some("'\u{10FFFF}'");
        Self { key, missing }
    }

    /// The key of a date or of an instant.
    pub const fn date(key: &'static str) -> Self {
        let missing = Some("'infinity'");
        Self { key, missing }
    }

    /// The key of a whole number.
    pub const fn integer(key: &'static str) -> Self {
        let missing = Some("2147483647");
        Self { key, missing }
    }

    /// The key of a large whole number.
    pub const fn bigint(key: &'static str) -> Self {
        let missing = Some("9223372036854775807");
        Self { key, missing }
    }

    fn is_null(self, query: &mut Sql<'_>, wanted: Option<bool>) {
        match (wanted, self.missing) {
            (None, _) | (Some(false), None) => {}
            (Some(true), None) => _ = query.push(" AND false"),
            (Some(true), Some(missing)) => _ = query.push(format!(" AND {} = {missing}", self.key)),
            (Some(false), Some(missing)) => {
                _ = query.push(format!(" AND {} < {missing}", self.key));
            }
        }
    }
}

macro_rules! tests {
    ($($(#[$meta:meta])* $name:ident of $type:ty),+ $(,)?) => {$(
        $(#[$meta])*
        ///
        /// Every test that is given must hold.
        #[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "camelCase")]
        pub struct $name {
            /// It is this.
            pub eq: Option<$type>,
            /// It is one of these.
            #[graphql(name = "in")]
            #[serde(rename = "in")]
            pub one_of: Option<Vec<$type>>,
            /// It is this or more.
            pub from: Option<$type>,
            /// It is this or less.
            pub to: Option<$type>,
            /// Whether it is missing.
            pub is_null: Option<bool>,
        }

        impl $name {
            pub(crate) fn push(&self, query: &mut Sql<'_>, column: Column) {
                let key = column.key;
                for (sign, value) in [("=", self.eq), (">=", self.from), ("<=", self.to)] {
                    if let Some(value) = value {
                        query.push(format!(" AND {key} {sign} ")).push_bind(value);
                    }
                }
                if let Some(values) = &self.one_of {
                    query.push(format!(" AND {key} = ANY(")).push_bind(values.clone()).push(")");
                }
                column.is_null(query, self.is_null);
                column.is_null(query, self.from.map(|_| false));
            }
        }
    )+};
}

tests! {
    /// Tests of a whole number.
    IntIs of i32,
    /// Tests of a number.
    NumberIs of f64,
    /// Tests of a sum of money.
    CentsIs of Cents,
    /// Tests of a date.
    DateIs of NaiveDate,
    /// Tests of an instant.
    InstantIs of DateTime<Utc>,
}

/// Tests of a text, letter for letter. Every test that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct TextIs {
    /// It is this.
    pub eq: Option<String>,
    /// It is one of these.
    #[graphql(name = "in")]
    #[serde(rename = "in")]
    pub one_of: Option<Vec<String>>,
    /// It begins with this.
    pub prefix: Option<String>,
    /// Whether it is missing.
    pub is_null: Option<bool>,
}

impl TextIs {
    pub(crate) fn push(&self, query: &mut Sql<'_>, column: Column) {
        let key = column.key;
        if let Some(value) = &self.eq {
            query
                .push(format!(" AND {key} = "))
                .push_bind(value.clone());
        }
        one_of(query, column, self.one_of.as_ref());
        if let Some(prefix) = &self.prefix {
            query
                .push(format!(" AND {key} >= "))
                .push_bind(prefix.clone());
            query
                .push(format!(" AND {key} < "))
                .push_bind(format!("{prefix}{LAST_TEXT}"));
        }
        column.is_null(query, self.is_null);
    }
}

/// Pushes the condition that a text is one of these, if any are given.
pub(crate) fn one_of(query: &mut Sql<'_>, column: Column, values: Option<&Vec<String>>) {
    if let Some(values) = values {
        query.push(format!(" AND {} ", column.key));
        among(query, values.clone());
    }
}

/// Pushes the condition that an id is one of these, if any are given.
pub(crate) fn one_id(query: &mut Sql<'_>, column: &str, ids: Option<&Vec<uuid::Uuid>>) {
    if let Some(ids) = ids {
        query.push(format!(" AND {column} "));
        among(query, ids.clone());
    }
}

/// Pushes the rest of the condition that something is one of these. Rows that equal a single value come out of
/// an index in the order of its next column; those of several would have to be sorted.
pub(crate) fn among<'q, T>(query: &mut Sql<'q>, mut values: Vec<T>)
where
    T: sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + 'q,
    Vec<T>: sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres>,
{
    match (values.pop(), values.is_empty()) {
        (Some(only), true) => _ = query.push("= ").push_bind(only),
        (last, _) => {
            values.extend(last);
            query.push("= ANY(").push_bind(values).push(")");
        }
    }
}

/// Pushes the condition that a row has words that begin like those of `text`, if it has any.
pub(crate) fn words(query: &mut Sql<'_>, text: Option<&String>) {
    if let Some(text) = text.and_then(|text| crate::words::query(text)) {
        query
            .push(" AND search @@ ")
            .push_bind(text)
            .push("::tsquery");
    }
}

/// A filter that cannot be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the filter has more than {MOST_CONDITIONS} conditions, or they nest deeper than {DEEPEST}"
)]
pub struct TooLarge;

/// Filters under a filter.
pub struct Branches<'f, F> {
    /// All must hold.
    pub and: Option<&'f Vec<F>>,
    /// One must hold.
    pub or: Option<&'f Vec<F>>,
    /// It must not hold.
    pub not: Option<&'f F>,
}

/// Which rows of a table are wanted.
pub trait Filter: Sized + Serialize + DeserializeOwned {
    /// Pushes this filter's own tests, each after ` AND `. What they say of other tables, they say of what
    /// `scope` sees there: a filter must not tell by its answer what is hidden.
    fn tests(&self, query: &mut Sql<'_>, scope: &Scope);

    /// The filters under it.
    fn branches(&self) -> Branches<'_, Self>;

    /// Pushes the whole filter after ` AND `; nothing for one that keeps all.
    fn push(&self, query: &mut Sql<'_>, scope: &Scope) {
        self.tests(query, scope);
        let Branches { and, or, not } = self.branches();
        for branch in and.into_iter().flatten() {
            branch.push(query, scope);
        }
        if let Some(branches) = or {
            query.push(" AND (false");
            for branch in branches {
                query.push(" OR (true");
                branch.push(query, scope);
                query.push(")");
            }
            query.push(")");
        }
        if let Some(branch) = not {
            query.push(" AND (true");
            branch.push(query, scope);
            query.push(") IS NOT TRUE");
        }
    }

    /// Goes on only if the filter is worth working on.
    fn check(&self) -> Result<(), TooLarge> {
        let whole = serde_json::to_value(self).unwrap_or_default();
        let mut conditions = 0;
        weigh(&whole, 0, &mut conditions)?;
        Ok(())
    }

    /// The filter as it is kept, without the tests that are not given.
    fn stored(&self) -> Value {
        let mut whole = serde_json::to_value(self).unwrap_or_default();
        prune(&mut whole);
        whole
    }
}

/// Says where a filter has the filters under it.
macro_rules! branches {
    () => {
        fn branches(&self) -> crate::condition::Branches<'_, Self> {
            crate::condition::Branches {
                and: self.and.as_ref(),
                or: self.or.as_ref(),
                not: self.not.as_deref(),
            }
        }
    };
}
pub(crate) use branches;

fn weigh(value: &Value, depth: usize, conditions: &mut usize) -> Result<(), TooLarge> {
    let below: Vec<&Value> = match value {
        Value::Object(fields) => {
            *conditions += 1;
            fields.values().collect()
        }
        Value::Array(items) => items.iter().filter(|item| item.is_object()).collect(),
        _ => return Ok(()),
    };
    if *conditions > MOST_CONDITIONS || depth > DEEPEST {
        return Err(TooLarge);
    }
    below
        .into_iter()
        .try_for_each(|inner| weigh(inner, depth + 1, conditions))
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, inner| !inner.is_null());
            fields.values_mut().for_each(prune);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}
