//! The watchdog: proves that every document which is not over has a next date, and tells those that do not move.

use super::query::seen;
use crate::{condition::Sql, scope::Scope};
use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use sqlx::{PgPool, QueryBuilder};

/// What the watchdog says of the documents that are not over.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow, SimpleObject)]
pub struct Watchdog {
    /// Those that are neither delivered nor cancelled.
    pub unfinished: i64,
    /// Those of them that wait for a person here: stopped, or refused.
    pub stopped: i64,
    /// Those of them that wait for an approval here.
    pub in_approval: i64,
    /// Those that nothing will ever move again: no work waits for them, and no person is called or asked. Always 0,
    /// unless something is wrong with Navette or its database.
    pub asleep: i64,
    /// Those that have not changed for so many days, though nobody is called.
    pub still: i64,
    /// Since when the oldest of those has not changed.
    pub still_since: Option<DateTime<Utc>>,
}

/// What it says of the documents that `scope` sees; what has not changed for `still_days` does not move.
///
/// A document has its next date in the work that waits for it. Both are compared at the same instant of the log: a
/// read model that is late is no document asleep.
pub async fn watchdog(pool: &PgPool, scope: &Scope, still_days: i32) -> sqlx::Result<Watchdog> {
    let mut query: Sql<'_> = QueryBuilder::new(
        "SELECT count(*) AS unfinished,
             count(*) FILTER (WHERE needs_attention) AS stopped,
             count(*) FILTER (WHERE status = 'in_approval') AS in_approval,
             count(*) FILTER (WHERE NOT needs_attention AND status <> 'in_approval' AND NOT EXISTS (
                 SELECT FROM effects WHERE effects.document_id = documents.id AND on_the_way
             ) AND version = (
                 SELECT max(events.version) FROM events WHERE events.stream_id = documents.id
             )) AS asleep,
             count(*) FILTER (WHERE still) AS still,
             min(updated_at) FILTER (WHERE still) AS still_since
         FROM (
             SELECT *, NOT needs_attention AND updated_at < clock_timestamp() - make_interval(days => ",
    );
    query.push_bind(still_days).push(
        ") AS still
             FROM documents WHERE status NOT IN ('delivered', 'cancelled')
         ) AS documents WHERE true",
    );
    seen(&mut query, scope);
    query.build_query_as().fetch_one(pool).await
}
