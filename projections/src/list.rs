//! Lists by keyset: a page goes on after the last row of the one before (or ends before the first of the one
//! after), whatever was added or removed in between, and every row comes exactly once.
//!
//! The keys of an order are never NULL (what is missing counts as larger than all else), and the last of them
//! is unique, so one comparison says "after".

use crate::{
    condition::{Filter, Sql},
    page::{
        COUNTED, Count, Cursor, ListFault, MOST_FIELDS, PageFault, PageRequest, Precision, Slice,
    },
    scope::Scope,
};
use navette_domain::digest::Digest;
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgPool, QueryBuilder, postgres::PgRow};

/// One key of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// An SQL expression that is never NULL.
    pub sql: &'static str,
    /// Its SQL type.
    pub sql_type: &'static str,
    /// Largest first.
    pub descending: bool,
}

impl Key {
    /// A key of this type, smallest first.
    pub const fn new(sql: &'static str, sql_type: &'static str) -> Self {
        Self {
            sql,
            sql_type,
            descending: false,
        }
    }

    /// The same key, this way.
    #[must_use]
    pub const fn way(self, descending: bool) -> Self {
        Self { descending, ..self }
    }
}

/// Keeps ties apart.
pub const ID: Key = Key::new("id", "uuid");

/// A list that is given by pages, as told by the filter of its rows.
pub trait List: Filter {
    /// One row.
    type Row: for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin;
    /// One field of an order.
    type Order: Copy;
    /// The table.
    const TABLE: &'static str;
    /// Whether a page's rows are found before they are read: an index that has all that is asked of a row
    /// then spares reading the rows that are not on the page.
    const FOUND_FIRST: bool = false;

    /// The keys of an order; the last is unique. Without fields, the usual order.
    fn keys(orders: &[Self::Order]) -> Vec<Key>;

    /// Pushes the condition that `scope` sees a row, after ` AND `.
    fn seen(query: &mut Sql<'_>, scope: &Scope);
}

/// One field's keys, or those of several with the id after them. A field alone has more keys than one: its
/// ties are ordered for the reader, as its index has them.
pub(crate) fn ordered<O: Copy>(orders: &[O], keys: impl Fn(O) -> Vec<Key>) -> Vec<Key> {
    match orders {
        [one] => keys(*one),
        several => {
            let firsts = several.iter().filter_map(|one| keys(*one).first().copied());
            let mut all: Vec<Key> = firsts.collect();
            let way = all.last().is_some_and(|key| key.descending);
            all.push(ID.way(way));
            all
        }
    }
}

#[derive(sqlx::FromRow)]
struct Keyed<T> {
    #[sqlx(flatten)]
    row: T,
    cursor_keys: Vec<String>,
}

/// One page of the rows that `scope` sees and the filter keeps.
pub async fn page<F: List>(
    pool: &PgPool,
    scope: &Scope,
    filter: &F,
    orders: &[F::Order],
    request: &PageRequest,
) -> Result<Slice<F::Row>, ListFault> {
    let keys = keys_of::<F>(orders)?;
    let mut query = statement("", scope, filter, &keys, request)?;
    let found: Vec<Keyed<F::Row>> = query.build_query_as().fetch_all(pool).await?;
    Ok(sliced(found, &keys, scope, filter, request))
}

/// The ids of the same page, in its order.
pub(crate) async fn found<F: List>(
    pool: &PgPool,
    scope: &Scope,
    filter: &F,
    orders: &[F::Order],
    request: &PageRequest,
) -> Result<Slice<Id>, ListFault> {
    let keys = keys_of::<F>(orders)?;
    filter.check().map_err(PageFault::from)?;
    let mut query = QueryBuilder::new("");
    let ways = ways(&keys, request);
    narrowed(&mut query, &select("id", &keys), scope, filter);
    cut(&mut query, scope, filter, &keys, &ways, request)?;
    let found: Vec<Keyed<Id>> = query.build_query_as().fetch_all(pool).await?;
    Ok(sliced(found, &keys, scope, filter, request))
}

/// The id of a row.
#[derive(sqlx::FromRow)]
pub(crate) struct Id {
    pub id: uuid::Uuid,
}

/// The rows of a page, of which one more was asked for, with their cursors.
fn sliced<F: List, T>(
    mut found: Vec<Keyed<T>>,
    keys: &[Key],
    scope: &Scope,
    filter: &F,
    request: &PageRequest,
) -> Slice<T> {
    let question = fingerprint(F::TABLE, keys, &(scope, filter));
    let length = usize::try_from(request.rows).unwrap_or_default();
    let more = found.len() > length;
    found.truncate(length);
    if request.backward {
        found.reverse();
    }
    let cursor = |keyed: Keyed<T>| {
        let cursor = Cursor {
            q: question.clone(),
            k: keyed.cursor_keys,
        };
        (cursor.write(), keyed.row)
    };
    let begun = request.cursor.is_some();
    Slice {
        rows: found.into_iter().map(cursor).collect(),
        has_next: if request.backward { begun } else { more },
        has_previous: if request.backward { more } else { begun },
    }
}

/// How PostgreSQL would read a page: its plan, as JSON.
pub async fn plan<F: List>(
    pool: &PgPool,
    scope: &Scope,
    filter: &F,
    orders: &[F::Order],
    request: &PageRequest,
) -> Result<Value, ListFault> {
    let keys = keys_of::<F>(orders)?;
    let mut query = statement("EXPLAIN (FORMAT JSON) ", scope, filter, &keys, request)?;
    Ok(query.build_query_scalar().fetch_one(pool).await?)
}

/// How many rows `scope` sees and the filter keeps.
pub async fn count<F: List>(
    pool: &PgPool,
    scope: &Scope,
    filter: &F,
) -> Result<Count, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM (");
    narrowed(&mut query, "SELECT 1", scope, filter);
    query
        .push(" LIMIT ")
        .push_bind(COUNTED + 1)
        .push(") AS counted");
    let found: i64 = query.build_query_scalar().fetch_one(pool).await?;
    let exact = found <= COUNTED;
    Ok(Count {
        value: if exact {
            found
        } else {
            estimate(pool, scope, filter).await?.max(COUNTED)
        },
        exact,
        precision: if exact {
            Precision::Exact
        } else {
            Precision::Estimated
        },
    })
}

/// How many rows PostgreSQL expects.
async fn estimate<F: List>(pool: &PgPool, scope: &Scope, filter: &F) -> Result<i64, sqlx::Error> {
    let mut query = QueryBuilder::new("EXPLAIN (FORMAT JSON) ");
    narrowed(&mut query, "SELECT 1", scope, filter);
    let plan: Value = query.build_query_scalar().fetch_one(pool).await?;
    Ok(plan[0]["Plan"]["Plan Rows"].as_i64().unwrap_or(COUNTED))
}

/// The ids of the first `most` rows that `scope` sees and the filter keeps, in the usual order.
pub async fn ids<F: List>(
    pool: &PgPool,
    scope: &Scope,
    filter: &F,
    most: i64,
) -> Result<Vec<uuid::Uuid>, ListFault> {
    filter.check().map_err(PageFault::from)?;
    let mut query = QueryBuilder::new("");
    narrowed(&mut query, "SELECT id", scope, filter);
    order_by(&mut query, &F::keys(&[]));
    query.push(" LIMIT ").push_bind(most);
    Ok(query.build_query_scalar().fetch_all(pool).await?)
}

fn keys_of<F: List>(orders: &[F::Order]) -> Result<Vec<Key>, PageFault> {
    if orders.len() > MOST_FIELDS {
        return Err(PageFault::Order);
    }
    Ok(F::keys(orders))
}

/// Pushes `select` from the rows that `scope` sees and the filter keeps.
fn narrowed<F: List>(query: &mut Sql<'_>, select: &str, scope: &Scope, filter: &F) {
    query.push(format!("{select} FROM {} WHERE true", F::TABLE));
    F::seen(query, scope);
    filter.push(query, scope);
}

fn statement<'q, F: List>(
    prefix: &str,
    scope: &Scope,
    filter: &F,
    keys: &[Key],
    request: &PageRequest,
) -> Result<Sql<'q>, PageFault> {
    filter.check()?;
    let select = select("*", keys);
    let mut query = QueryBuilder::new(prefix);
    let ways = ways(keys, request);
    // The last key of an order is unique.
    let found_first = ways.last().filter(|_| F::FOUND_FIRST);
    if let Some(unique) = found_first {
        let unique = unique.sql;
        query.push(format!("{select} FROM {} WHERE {unique} IN (", F::TABLE));
        narrowed(&mut query, &format!("SELECT {unique}"), scope, filter);
    } else {
        narrowed(&mut query, &select, scope, filter);
    }
    cut(&mut query, scope, filter, keys, &ways, request)?;
    if found_first.is_some() {
        query.push(")");
        order_by(&mut query, &ways);
    }
    Ok(query)
}

/// Selects these columns, and the keys that a cursor holds.
fn select(columns: &str, keys: &[Key]) -> String {
    let texts: Vec<String> = keys
        .iter()
        .map(|key| format!("({})::text", key.sql))
        .collect();
    format!(
        "SELECT {columns}, ARRAY[{}] AS cursor_keys",
        texts.join(", ")
    )
}

/// The keys as a page goes through them: backward, the nearest rows come first.
fn ways(keys: &[Key], request: &PageRequest) -> Vec<Key> {
    keys.iter()
        .map(|key| key.way(key.descending != request.backward))
        .collect()
}

/// Pushes where a page begins, its order, and one row more than it has.
fn cut<F: List>(
    query: &mut Sql<'_>,
    scope: &Scope,
    filter: &F,
    keys: &[Key],
    ways: &[Key],
    request: &PageRequest,
) -> Result<(), PageFault> {
    if let Some(text) = &request.cursor {
        let cursor = Cursor::read(text, &fingerprint(F::TABLE, keys, &(scope, filter)))?;
        if cursor.k.len() != keys.len() {
            return Err(PageFault::Cursor);
        }
        beyond(query, ways, cursor.k);
    }
    order_by(query, ways);
    query.push(" LIMIT ").push_bind(request.rows + 1);
    Ok(())
}

/// Pushes the condition that a row comes after the one with these values.
fn beyond(query: &mut Sql<'_>, keys: &[Key], values: Vec<String>) {
    let one_way = keys
        .windows(2)
        .all(|pair| pair[0].descending == pair[1].descending);
    if one_way {
        let names: Vec<&str> = keys.iter().map(|key| key.sql).collect();
        let sign = sign(keys[0]);
        query.push(format!(" AND ({}) {sign} (", names.join(", ")));
        for (at, (key, value)) in keys.iter().zip(values).enumerate() {
            query.push(if at == 0 { "" } else { ", " });
            bind(query, *key, value);
        }
        query.push(")");
        return;
    }
    // The first key alone is what an index can start from.
    query.push(format!(" AND {} {}= ", keys[0].sql, sign(keys[0])));
    bind(query, keys[0], values[0].clone());
    query.push(" AND (false");
    for at in 0..keys.len() {
        query.push(" OR (true");
        for before in 0..at {
            query.push(format!(" AND {} = ", keys[before].sql));
            bind(query, keys[before], values[before].clone());
        }
        query.push(format!(" AND {} {} ", keys[at].sql, sign(keys[at])));
        bind(query, keys[at], values[at].clone());
        query.push(")");
    }
    query.push(")");
}

fn sign(key: Key) -> char {
    if key.descending { '<' } else { '>' }
}

fn bind(query: &mut Sql<'_>, key: Key, value: String) {
    query
        .push_bind(value)
        .push(format!("::text::{}", key.sql_type));
}

fn order_by(query: &mut Sql<'_>, keys: &[Key]) {
    let ways: Vec<String> = keys
        .iter()
        .map(|key| format!("{}{}", key.sql, if key.descending { " DESC" } else { "" }))
        .collect();
    query.push(format!(" ORDER BY {}", ways.join(", ")));
}

fn fingerprint(table: &str, keys: &[Key], question: &impl Serialize) -> String {
    let asked = serde_json::to_string(question).unwrap_or_default();
    let whole = format!("{table}\u{1f}{keys:?}\u{1f}{asked}");
    let mut digest = Digest::of(whole.as_bytes()).to_string();
    digest.truncate(16);
    digest
}
