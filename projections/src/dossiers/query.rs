//! What is asked of dossiers.

use super::DossierRow;
use crate::{
    kinds::{Cents, DossierStatus},
    page::{self, Count, ListFault, Order, PageRequest, Slice},
    scope::Scope,
    words,
};
use async_graphql::{Enum, InputObject};
use chrono::NaiveDate;
use serde::Serialize;
use sqlx::{PgPool, Postgres, QueryBuilder};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Which dossiers: every condition that is given must hold.
#[derive(Debug, Clone, Default, InputObject, Serialize)]
pub struct DossierFilter {
    /// One of these statuses.
    pub status: Option<Vec<DossierStatus>>,
    /// One of these schemes (dispositifs).
    pub scheme: Option<Vec<String>>,
    /// One of these services.
    pub service: Option<Vec<String>>,
    /// One of these third parties.
    pub third_party: Option<Vec<Uuid>>,
    /// One of these references, letter for letter.
    pub reference: Option<Vec<String>>,
    /// The commission is on this date or later.
    pub commission_from: Option<NaiveDate>,
    /// The commission is on this date or earlier.
    pub commission_to: Option<NaiveDate>,
    /// The act is of this date or later.
    pub decision_from: Option<NaiveDate>,
    /// The act is of this date or earlier.
    pub decision_to: Option<NaiveDate>,
    /// The amount (granted, else asked) is this or more.
    pub amount_from: Option<Cents>,
    /// The amount (granted, else asked) is this or less.
    pub amount_to: Option<Cents>,
    /// Beginnings of words of the purpose and the reference, without accents or case.
    pub text: Option<String>,
}

/// By what dossiers are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum DossierOrderField {
    /// The number that people quote.
    Reference,
    /// When they were deposited here.
    RegisteredAt,
    /// The amount: granted, else asked.
    Amount,
    /// The commission's date; without one counts as later than all.
    CommissionDate,
}

/// An order of dossiers; the id breaks ties.
#[derive(Debug, Clone, Copy, InputObject)]
pub struct DossierOrder {
    /// By what.
    pub field: DossierOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl Default for DossierOrder {
    fn default() -> Self {
        Self {
            field: DossierOrderField::Reference,
            descending: false,
        }
    }
}

impl From<DossierOrder> for Order {
    fn from(order: DossierOrder) -> Self {
        let (key, sql_type) = match order.field {
            DossierOrderField::Reference => ("reference", "text"),
            DossierOrderField::RegisteredAt => ("registered_at", "timestamptz"),
            DossierOrderField::Amount => ("amount_cents", "bigint"),
            DossierOrderField::CommissionDate => ("COALESCE(commission_date, 'infinity')", "date"),
        };
        Self {
            key,
            sql_type,
            descending: order.descending,
        }
    }
}

/// One page of the dossiers that `scope` sees.
pub async fn page(
    pool: &PgPool,
    scope: &Scope,
    filter: &DossierFilter,
    order: DossierOrder,
    request: &PageRequest,
) -> Result<Slice<DossierRow>, ListFault> {
    let narrow = |query: &mut QueryBuilder<'_, Postgres>| {
        conditions(query, scope, filter);
    };
    page::page(
        pool,
        "dossiers",
        order.into(),
        request,
        &(scope, filter),
        narrow,
    )
    .await
}

/// How many they are.
pub async fn count(
    pool: &PgPool,
    scope: &Scope,
    filter: &DossierFilter,
) -> Result<Count, sqlx::Error> {
    page::count(pool, "dossiers", |query| {
        conditions(query, scope, filter);
    })
    .await
}

/// The ids of the first `most` of them, by reference.
pub async fn ids(
    pool: &PgPool,
    scope: &Scope,
    filter: &DossierFilter,
    most: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT id FROM dossiers WHERE true");
    conditions(&mut query, scope, filter);
    query.push(" ORDER BY reference, id LIMIT ").push_bind(most);
    query.build_query_scalar().fetch_all(pool).await
}

/// Those of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<DossierRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM dossiers WHERE id = ANY(");
    query.push_bind(ids.to_vec()).push(") AND ");
    scope.sees(&mut query, "dossiers");
    query.build_query_as().fetch_all(pool).await
}

/// The dossiers that people call by this reference, whoever sees them: one, as a rule.
pub async fn ids_of_reference(pool: &PgPool, reference: &str) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM dossiers WHERE reference = $1 ORDER BY id")
        .bind(reference)
        .fetch_all(pool)
        .await
}

pub(crate) fn conditions(
    query: &mut QueryBuilder<'_, Postgres>,
    scope: &Scope,
    filter: &DossierFilter,
) {
    query.push(" AND ");
    scope.sees(query, "dossiers");
    if let Some(statuses) = &filter.status {
        let names: Vec<&'static str> = statuses.iter().map(|status| status.as_str()).collect();
        query.push(" AND status = ANY(").push_bind(names).push(")");
    }
    for (column, values) in [
        ("scheme", &filter.scheme),
        ("service", &filter.service),
        ("reference", &filter.reference),
    ] {
        if let Some(values) = values {
            query
                .push(format!(" AND {column} = ANY("))
                .push_bind(values.clone())
                .push(")");
        }
    }
    if let Some(ids) = &filter.third_party {
        query
            .push(" AND third_party_id = ANY(")
            .push_bind(ids.clone())
            .push(")");
    }
    for (condition, date) in [
        (" AND commission_date >= ", filter.commission_from),
        (" AND commission_date <= ", filter.commission_to),
        (" AND decision_date >= ", filter.decision_from),
        (" AND decision_date <= ", filter.decision_to),
    ] {
        if let Some(date) = date {
            query.push(condition).push_bind(date);
        }
    }
    for (condition, amount) in [
        (" AND amount_cents >= ", filter.amount_from),
        (" AND amount_cents <= ", filter.amount_to),
    ] {
        if let Some(amount) = amount {
            query.push(condition).push_bind(amount);
        }
    }
    if let Some(text) = filter.text.as_deref().and_then(words::query) {
        query
            .push(" AND search @@ ")
            .push_bind(text)
            .push("::tsquery");
    }
}

/// The names of the fields of their own that the dossiers of `scope` have, and how many have each.
pub async fn custom_fields(
    pool: &PgPool,
    scope: &Scope,
) -> Result<BTreeMap<String, u64>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT field.key, count(*) FROM dossiers seen, jsonb_each_text(seen.custom) AS field
         WHERE field.value <> '' AND ",
    );
    scope.sees(&mut query, "seen");
    query.push(" GROUP BY field.key");
    let counts: Vec<(String, i64)> = query.build_query_as().fetch_all(pool).await?;
    Ok(counts
        .into_iter()
        .map(|(name, dossiers)| (name, dossiers.unsigned_abs()))
        .collect())
}
