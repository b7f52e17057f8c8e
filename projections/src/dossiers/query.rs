//! What else is asked of dossiers.

use super::DossierRow;
use crate::scope::Scope;
use sqlx::{PgPool, QueryBuilder};
use std::collections::BTreeMap;
use uuid::Uuid;

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
