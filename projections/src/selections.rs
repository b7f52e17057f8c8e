//! Selections of dossiers that people keep: whose, what they hold, and the filter that they are used as.

use crate::{Projector, condition::Filter as _, dossiers::DossierFilter};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    event::{Event, Recorded},
    selection::{Content, SelectionEvent},
};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

/// The most selections that a list gives.
const MOST: i64 = 500;

/// One selection.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "SelectionRow")]
pub struct SelectionRow {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// Whether others may use it.
    pub shared: bool,
    /// Who saved it.
    pub owner: String,
    /// The filter, if it is one.
    #[graphql(skip)]
    pub filter: Option<Json<serde_json::Value>>,
    /// The dossiers in their order, if it is a fixed list.
    #[graphql(skip)]
    pub dossiers: Option<Vec<Uuid>>,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it was last saved.
    pub saved_at: DateTime<Utc>,
}

impl SelectionRow {
    /// The filter that it is used as. A filter that this version cannot read is none.
    pub fn as_filter(&self) -> Option<DossierFilter> {
        match (&self.filter, &self.dossiers) {
            (Some(filter), _) => serde_json::from_value(filter.0.clone()).ok(),
            (None, ids) => Some(DossierFilter {
                id: Some(ids.clone().unwrap_or_default()),
                ..DossierFilter::default()
            }),
        }
    }
}

/// The content of a selection that is a filter.
pub fn content(filter: &DossierFilter) -> Content {
    Content::Filter(filter.stored())
}

/// Keeps `selections`.
#[derive(Debug)]
pub struct Selections;

const SCHEMA: &str = "
CREATE TABLE selections (
    id uuid PRIMARY KEY,
    name text COLLATE \"C\" NOT NULL,
    shared boolean NOT NULL,
    owner text COLLATE \"C\" NOT NULL,
    filter jsonb,
    dossiers uuid[],
    version bigint NOT NULL,
    saved_at timestamptz NOT NULL
);
CREATE INDEX ON selections (owner);
CREATE INDEX ON selections (shared) WHERE shared;
";

#[async_trait]
impl Projector for Selections {
    fn name(&self) -> &'static str {
        "selections"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["selections"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let Event::Selection(event) = &recorded.event else {
            return Ok(());
        };
        let (name, shared, content, owner) = match event {
            SelectionEvent::Removed { .. } => {
                sqlx::query("DELETE FROM selections WHERE id = $1")
                    .bind(recorded.stream_id)
                    .execute(connection)
                    .await?;
                return Ok(());
            }
            SelectionEvent::Saved {
                name,
                shared,
                content,
                owner,
                ..
            } => (name, shared, content, owner),
        };
        let (filter, dossiers) = match content {
            Content::Filter(filter) => (Some(Json(filter)), None),
            Content::Dossiers(ids) => {
                let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
                (None, Some(ids))
            }
        };
        sqlx::query(
            "INSERT INTO selections (id, version, saved_at, name, shared, owner, filter, dossiers)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (id) DO UPDATE SET version = $2, saved_at = $3, name = $4, shared = $5, owner = $6,
                filter = $7, dossiers = $8",
        )
        .bind(recorded.stream_id)
        .bind(recorded.version)
        .bind(recorded.recorded_at)
        .bind(name)
        .bind(shared)
        .bind(owner)
        .bind(filter)
        .bind(dossiers)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// The selections that `actor` may use, their own and the shared ones, by name, at most 500.
pub async fn of(pool: &PgPool, actor: &str) -> Result<Vec<SelectionRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM selections WHERE shared OR owner = $1 ORDER BY name, id LIMIT $2")
        .bind(actor)
        .bind(MOST)
        .fetch_all(pool)
        .await
}

/// Those of these ids that `actor` may use.
pub async fn by_ids(
    pool: &PgPool,
    actor: &str,
    ids: &[Uuid],
) -> Result<Vec<SelectionRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM selections WHERE id = ANY($2) AND (shared OR owner = $1)")
        .bind(actor)
        .bind(ids)
        .fetch_all(pool)
        .await
}

/// The filter that a selection is used as, by whoever may use it: what exports and lists take.
pub async fn filter_of(
    pool: &PgPool,
    actor: &str,
    id: Uuid,
) -> Result<Option<DossierFilter>, sqlx::Error> {
    let rows = by_ids(pool, actor, &[id]).await?;
    Ok(rows.first().and_then(SelectionRow::as_filter))
}
