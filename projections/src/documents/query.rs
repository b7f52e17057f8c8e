//! What is asked of documents.

use super::DocumentRow;
use crate::{condition::Sql, kinds::DocumentStatus, scope::Scope};
use async_graphql::SimpleObject;
use sqlx::{PgPool, QueryBuilder};
use uuid::Uuid;

/// How many documents of a batch have a status.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, SimpleObject)]
pub struct StatusCount {
    #[graphql(skip)]
    pub(crate) batch_id: Uuid,
    /// The status.
    #[sqlx(try_from = "String")]
    pub status: DocumentStatus,
    /// How many have it.
    pub documents: i64,
    #[graphql(skip)]
    pub(crate) attention: i64,
}

/// How far a batch is.
#[derive(Debug, Clone, Default, PartialEq, Eq, SimpleObject)]
pub struct Progress {
    /// How many documents there are.
    pub total: i64,
    /// How many reached their end: delivered or cancelled.
    pub over: i64,
    /// How many wait for a person: stopped, or refused.
    pub needing_attention: i64,
    /// How many there are of each status, in the order of a chain; statuses without documents are left out.
    pub by_status: Vec<StatusCount>,
}

impl Progress {
    fn add(&mut self, count: StatusCount) {
        self.total += count.documents;
        self.needing_attention += count.attention;
        if matches!(
            count.status,
            DocumentStatus::Delivered | DocumentStatus::Cancelled
        ) {
            self.over += count.documents;
        }
        self.by_status.push(count);
    }
}

/// How far these batches are, in the same order. Who may see a batch may see its counts.
pub async fn progress(pool: &PgPool, batches: &[Uuid]) -> Result<Vec<Progress>, sqlx::Error> {
    let mut counts: Vec<StatusCount> = sqlx::query_as(
        "SELECT batch_id, status, count(*) AS documents,
            count(*) FILTER (WHERE needs_attention) AS attention
         FROM documents WHERE batch_id = ANY($1) GROUP BY batch_id, status",
    )
    .bind(batches)
    .fetch_all(pool)
    .await?;
    counts.sort_by_key(|count| navette_domain::document::DocumentStatus::from(count.status));
    let progress = |batch: &Uuid| {
        let mut progress = Progress::default();
        let own = counts.iter().filter(|count| count.batch_id == *batch);
        own.cloned().for_each(|count| progress.add(count));
        progress
    };
    Ok(batches.iter().map(progress).collect())
}

/// Those of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<DocumentRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM documents WHERE id = ANY(");
    query.push_bind(ids.to_vec()).push(")");
    seen(&mut query, scope);
    query.build_query_as().fetch_all(pool).await
}

/// The documents of these dossiers, which the reader is known to see, oldest first.
pub async fn of_dossiers(
    pool: &PgPool,
    dossiers: &[Uuid],
) -> Result<Vec<DocumentRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM documents WHERE dossier_id = ANY($1) ORDER BY dossier_id, requested_at, id",
    )
    .bind(dossiers)
    .fetch_all(pool)
    .await
}

/// The documents of a batch, which the reader is known to see, in the clerk's order of dossiers.
pub async fn of_batch(pool: &PgPool, batch: Uuid) -> Result<Vec<DocumentRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT documents.* FROM documents
         LEFT JOIN batch_dossiers chosen USING (batch_id, dossier_id)
         WHERE documents.batch_id = $1 ORDER BY chosen.place, documents.id",
    )
    .bind(batch)
    .fetch_all(pool)
    .await
}

/// Those of these dossiers that have a document under way in this chain.
pub async fn under_way(
    pool: &PgPool,
    chain: Uuid,
    dossiers: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT DISTINCT dossier_id FROM documents
         WHERE dossier_id = ANY($1) AND chain_id = $2 AND status NOT IN ('delivered', 'cancelled')",
    )
    .bind(dossiers)
    .bind(chain)
    .fetch_all(pool)
    .await
}

/// The documents of a batch whose step stopped and can be retried, which the reader is known to see.
pub async fn troubled(pool: &PgPool, batch: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM documents
         WHERE batch_id = $1 AND needs_attention AND trouble IS NOT NULL ORDER BY title, id",
    )
    .bind(batch)
    .fetch_all(pool)
    .await
}

/// A document is seen with its dossier, or, when it is about a whole batch, with that batch.
pub(super) fn seen(query: &mut Sql<'_>, scope: &Scope) {
    if scope.is_whole() {
        return;
    }
    query.push(" AND CASE WHEN documents.dossier_id IS NULL THEN ");
    scope.sees_batch(query, "documents.batch_id");
    query.push(" ELSE ");
    scope.sees_dossier(query, "documents.dossier_id");
    query.push(" END");
}
