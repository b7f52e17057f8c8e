//! Figures about dossiers, for dashboards.

use super::DossierFilter;
use crate::{
    condition::Filter as _,
    kinds::{Cents, DossierStatus},
    list::List as _,
    page::{ListFault, PageFault},
    scope::Scope,
};
use async_graphql::{Enum, SimpleObject};
use chrono::NaiveDate;
use sqlx::{PgPool, QueryBuilder};

/// By what figures are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum DossierDimension {
    /// The status.
    Status,
    /// The scheme (dispositif).
    Scheme,
    /// The service.
    Service,
    /// The commission's date.
    CommissionDate,
    /// The budget year.
    FiscalYear,
}

const DIMENSIONS: [(DossierDimension, &str, &str); 5] = [
    (DossierDimension::Status, "status", "text"),
    (DossierDimension::Scheme, "scheme", "text"),
    (DossierDimension::Service, "service", "text"),
    (DossierDimension::CommissionDate, "commission_date", "date"),
    (DossierDimension::FiscalYear, "fiscal_year", "integer"),
];

/// The figures of the dossiers that have these values in common. A value is null when the dossiers have none,
/// or when the figures are not told apart by it.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct DossierTotal {
    /// The status.
    pub status: Option<DossierStatus>,
    /// The scheme (dispositif).
    pub scheme: Option<String>,
    /// The service.
    pub service: Option<String>,
    /// The commission's date.
    pub commission_date: Option<NaiveDate>,
    /// The budget year.
    pub fiscal_year: Option<i32>,
    /// How many dossiers there are.
    pub dossiers: i64,
    /// How much they ask in all.
    pub requested: Cents,
    /// How much they are granted in all.
    pub granted: Cents,
    /// How much they are about in all: what is granted, else what is asked.
    pub amount: Cents,
}

#[derive(sqlx::FromRow)]
struct Row {
    status: Option<String>,
    scheme: Option<String>,
    service: Option<String>,
    commission_date: Option<NaiveDate>,
    fiscal_year: Option<i32>,
    dossiers: i64,
    requested: Cents,
    granted: Cents,
    amount: Cents,
}

impl From<Row> for DossierTotal {
    fn from(row: Row) -> Self {
        Self {
            status: row.status.and_then(|text| text.try_into().ok()),
            scheme: row.scheme,
            service: row.service,
            commission_date: row.commission_date,
            fiscal_year: row.fiscal_year,
            dossiers: row.dossiers,
            requested: row.requested,
            granted: row.granted,
            amount: row.amount,
        }
    }
}

/// The figures of the dossiers that `scope` sees and the filter keeps, told apart by these dimensions, in their
/// order; at most `most` lines.
pub async fn totals(
    pool: &PgPool,
    scope: &Scope,
    filter: &DossierFilter,
    by: &[DossierDimension],
    most: i64,
) -> Result<Vec<DossierTotal>, ListFault> {
    filter.check().map_err(PageFault::from)?;
    let mut query = QueryBuilder::new("SELECT ");
    for (dimension, column, sql_type) in DIMENSIONS {
        if by.contains(&dimension) {
            query.push(format!("{column}, "));
        } else {
            query.push(format!("NULL::{sql_type} AS {column}, "));
        }
    }
    query.push(
        "count(*) AS dossiers, COALESCE(sum(requested_cents), 0)::bigint AS requested,
            COALESCE(sum(granted_cents), 0)::bigint AS granted, COALESCE(sum(amount_cents), 0)::bigint AS amount
         FROM dossiers WHERE true",
    );
    DossierFilter::seen(&mut query, scope);
    filter.push(&mut query, scope);
    let columns: Vec<&str> = by
        .iter()
        .filter_map(|wanted| DIMENSIONS.iter().find(|(known, ..)| known == wanted))
        .map(|(_, column, _)| *column)
        .collect();
    if !columns.is_empty() {
        let columns = columns.join(", ");
        query.push(format!(" GROUP BY {columns} ORDER BY {columns}"));
    }
    query.push(" LIMIT ").push_bind(most);
    let rows: Vec<Row> = query.build_query_as().fetch_all(pool).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}
