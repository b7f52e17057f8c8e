//! Outside work that is not done yet, as it waits in `effects`: a table of the log's own, whose rows come and go
//! with the events that cause and report them. What failed for good is no effect any more but a document that
//! waits for a person ([`crate::documents::troubles`]).

use crate::{
    condition::{Column, Filter, InstantIs, IntIs, Sql, TextIs, branches, key, one_id},
    documents::DocumentFilter,
    list::{ID, Key, List},
    page::{ListFault, PageFault},
    scope::Scope,
};
use async_graphql::{Enum, InputObject, SimpleObject};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, QueryBuilder};
use uuid::Uuid;

/// One piece of outside work that is not done yet.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "EffectRow")]
pub struct EffectRow {
    /// Its id.
    pub id: Uuid,
    /// The document it is done for.
    pub document_id: Uuid,
    /// The batch of that document.
    pub batch_id: Uuid,
    /// The step of the chain.
    pub step: String,
    /// Who is asked.
    pub neighbour: String,
    /// Whether the neighbour may already have been asked: it is looked at before anything is sent again.
    pub doubtful: bool,
    /// How often it failed in a row.
    pub failures: i32,
    /// When it is due.
    pub run_at: DateTime<Utc>,
    /// While a process does it: until when nobody else takes it.
    pub lease_until: Option<DateTime<Utc>>,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// Whether its batch is paused or its neighbour is left alone.
    pub held: bool,
}

/// Outside work that waits for one and the same reason.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, SimpleObject)]
pub struct EffectCause {
    /// Who is asked.
    pub neighbour: String,
    /// The step of the chain.
    pub step: String,
    /// Why it failed last; null when it has not failed.
    pub last_error: Option<String>,
    /// How many wait so.
    pub effects: i64,
    /// When the first of them is due.
    pub next: DateTime<Utc>,
}

/// Which outside work: every condition that is given must hold. A list means "one of these".
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct EffectFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// For one of these documents.
    pub document: Option<Vec<Uuid>>,
    /// For a document of one of these batches.
    pub batch: Option<Vec<Uuid>>,
    /// Who is asked.
    pub neighbour: Option<TextIs>,
    /// The step of the chain.
    pub step: Option<TextIs>,
    /// How often it failed in a row.
    pub failures: Option<IntIs>,
    /// Why it failed last.
    pub last_error: Option<TextIs>,
    /// When it is due.
    pub run_at: Option<InstantIs>,
    /// Whether a process does it now.
    pub under_way: Option<bool>,
    /// Whether its batch is paused or its neighbour is left alone.
    pub held: Option<bool>,
    /// All of these hold.
    pub and: Option<Vec<EffectFilter>>,
    /// One of these holds.
    pub or: Option<Vec<EffectFilter>>,
    /// This does not hold.
    pub not: Option<Box<EffectFilter>>,
}

const LAST_ERROR: Column = Column::text(key!(text "last_error COLLATE \"C\""));

impl Filter for EffectFilter {
    fn tests(&self, query: &mut Sql<'_>, _: &Scope) {
        for (column, ids) in [
            ("id", &self.id),
            ("document_id", &self.document),
            ("batch_id", &self.batch),
        ] {
            one_id(query, column, ids.as_ref());
        }
        for (test, column) in [
            (&self.neighbour, Column::always("neighbour COLLATE \"C\"")),
            (&self.step, Column::always("step COLLATE \"C\"")),
            (&self.last_error, LAST_ERROR),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        if let Some(test) = &self.failures {
            test.push(query, Column::always("failures"));
        }
        if let Some(test) = &self.run_at {
            test.push(query, Column::always("run_at"));
        }
        if let Some(under_way) = self.under_way {
            query
                .push(" AND (lease_token IS NOT NULL) = ")
                .push_bind(under_way);
        }
        if let Some(held) = self.held {
            query.push(" AND held = ").push_bind(held);
        }
    }

    branches!();
}

/// By what outside work is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum EffectOrder {
    /// When it is due, the earliest first.
    DueFirst,
    /// What failed most often first.
    FailedMost,
}

impl List for EffectFilter {
    type Row = EffectRow;
    type Order = EffectOrder;
    const TABLE: &'static str = "(SELECT effects.*,
            EXISTS (SELECT FROM batch_holds held WHERE held.batch_id = effects.batch_id)
            OR EXISTS (SELECT FROM neighbour_holds held
                WHERE held.neighbour = effects.neighbour AND held.until > clock_timestamp()) AS held
         FROM effects) AS effects";

    fn keys(orders: &[EffectOrder]) -> Vec<Key> {
        let due = Key::new("run_at", "timestamptz");
        match orders.first() {
            Some(EffectOrder::FailedMost) => {
                vec![Key::new("failures", "integer").way(true), due, ID]
            }
            Some(EffectOrder::DueFirst) | None => vec![due, ID],
        }
    }

    /// It is seen with its document.
    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        if scope.is_whole() {
            return;
        }
        query.push(" AND document_id IN (SELECT id FROM documents WHERE true");
        DocumentFilter::seen(query, scope);
        query.push(")");
    }
}

/// Those of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<EffectRow>, sqlx::Error> {
    let table = EffectFilter::TABLE;
    let mut query = QueryBuilder::new(format!("SELECT * FROM {table} WHERE id = ANY("));
    query.push_bind(ids.to_vec()).push(")");
    EffectFilter::seen(&mut query, scope);
    query.build_query_as().fetch_all(pool).await
}

/// Why the outside work that `scope` sees and the filter keeps waits: the most frequent cause first, at most
/// `most` of them.
pub async fn causes(
    pool: &PgPool,
    scope: &Scope,
    filter: &EffectFilter,
    most: i64,
) -> Result<Vec<EffectCause>, ListFault> {
    filter.check().map_err(PageFault::from)?;
    let mut query = QueryBuilder::new(format!(
        "SELECT neighbour, step, last_error, count(*) AS effects, min(run_at) AS next FROM {} WHERE true",
        EffectFilter::TABLE
    ));
    EffectFilter::seen(&mut query, scope);
    filter.push(&mut query, scope);
    query
        .push(" GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT ")
        .push_bind(most);
    Ok(query.build_query_as().fetch_all(pool).await?)
}
