//! The same of several lists at once: one statement, however many they are.

use super::{Keyed, List, begun, keys_of, narrowed, order_by, push_page, sliced, told, ways};
use crate::{
    page::{COUNTED, Count, ListFault, PageFault, PageRequest, Slice},
    scope::Scope,
};
use sqlx::{PgPool, QueryBuilder};

/// A row of one of several lists.
#[derive(sqlx::FromRow)]
struct Listed<T> {
    list: i32,
    #[sqlx(flatten)]
    keyed: Keyed<T>,
}

/// A page of each of these lists, in the same order. A list whose question is wrong is told so, alone.
pub async fn pages<F: List>(
    pool: &PgPool,
    scope: &Scope,
    asked: &[(F, PageRequest)],
    orders: &[F::Order],
) -> Result<Vec<Result<Slice<F::Row>, PageFault>>, ListFault> {
    let keys = keys_of::<F>(orders)?;
    let mut query = QueryBuilder::new("SELECT * FROM (");
    let (mut found, mut sound) = (Vec::with_capacity(asked.len()), false);
    for (list, (filter, request)) in asked.iter().enumerate() {
        found.push(match begun(scope, filter, &keys, request) {
            Ok(cursor) => {
                let before = if sound { " UNION ALL " } else { "" };
                query.push(format!(
                    "{before}SELECT {list} AS list, page.*, row_number() OVER ("
                ));
                order_by(&mut query, &ways(&keys, request));
                query.push(") AS place FROM (");
                push_page(&mut query, scope, filter, &keys, request, cursor);
                query.push(") AS page");
                sound = true;
                Ok(vec![])
            }
            Err(fault) => Err(fault),
        });
    }
    if sound {
        query.push(") AS pages ORDER BY list, place");
        // The text depends on how many lists there are: it is not worth keeping.
        let rows = query.build_query_as().persistent(false);
        let rows: Vec<Listed<F::Row>> = rows.fetch_all(pool).await?;
        for Listed { list, keyed } in rows {
            let list = usize::try_from(list).unwrap_or_default();
            if let Some(Ok(page)) = found.get_mut(list) {
                page.push(keyed);
            }
        }
    }
    let slice = |((filter, request), found): (&(F, PageRequest), Result<Vec<_>, _>)| {
        found.map(|rows| sliced(rows, &keys, scope, filter, request))
    };
    Ok(asked.iter().zip(found).map(slice).collect())
}

/// How many rows `scope` sees and each of these filters keeps, in the same order. Only a list that is too long
/// to be counted costs another statement, for its estimate.
pub async fn counts<F: List>(
    pool: &PgPool,
    scope: &Scope,
    filters: &[F],
) -> Result<Vec<Count>, sqlx::Error> {
    if filters.is_empty() {
        return Ok(vec![]);
    }
    let mut query = QueryBuilder::new("SELECT ARRAY[");
    for (list, filter) in filters.iter().enumerate() {
        let before = if list == 0 { "" } else { ", " };
        query.push(format!("{before}(SELECT count(*) FROM ("));
        narrowed(&mut query, "SELECT 1", scope, filter);
        query
            .push(" LIMIT ")
            .push_bind(COUNTED + 1)
            .push(") AS counted)");
    }
    query.push("]");
    let found = query.build_query_scalar().persistent(false);
    let found: Vec<i64> = found.fetch_one(pool).await?;
    let mut counts = Vec::with_capacity(filters.len());
    for (filter, found) in filters.iter().zip(found) {
        counts.push(told(pool, scope, filter, found).await?);
    }
    Ok(counts)
}
