//! Models of exports: formats and columns that people keep, for themselves or for all.

use crate::{Projector, kinds::ExportFormat};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    event::{Event, Recorded},
    export::{Choice, model::ExportModelEvent},
};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

/// One model.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "ExportModelRow")]
pub struct ExportModelRow {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// The form of the bytes.
    #[sqlx(try_from = "String")]
    pub format: ExportFormat,
    /// The columns in their order.
    #[graphql(skip)]
    pub columns: Json<Vec<Choice>>,
    /// Whether everybody may use it.
    pub shared: bool,
    /// Who keeps it.
    pub owner: String,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Keeps `export_models`.
#[derive(Debug)]
pub struct ExportModels;

const SCHEMA: &str = "
CREATE TABLE export_models (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    format text NOT NULL,
    columns jsonb NOT NULL,
    shared boolean NOT NULL,
    owner text NOT NULL,
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ON export_models (name, id);
";

#[async_trait]
impl Projector for ExportModels {
    fn name(&self) -> &'static str {
        "export_models"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["export_models"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let Event::ExportModel(event) = &recorded.event else {
            return Ok(());
        };
        let statement = match event {
            ExportModelEvent::Saved { model, at } => sqlx::query(
                "INSERT INTO export_models (id, version, name, format, columns, shared, owner, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (id) DO UPDATE SET version = $2, name = $3, format = $4, columns = $5,
                     shared = $6, updated_at = $8",
            )
            .bind(recorded.stream_id)
            .bind(recorded.version)
            .bind(&model.name)
            .bind(model.format.code())
            .bind(Json(&model.columns))
            .bind(model.shared)
            .bind(&model.owner)
            .bind(at),
            ExportModelEvent::Removed { .. } => {
                sqlx::query("DELETE FROM export_models WHERE id = $1").bind(recorded.stream_id)
            }
        };
        statement.execute(connection).await?;
        Ok(())
    }
}

/// The models that `actor` may use: their own, and those that are shared; by name.
pub async fn of(pool: &PgPool, actor: &str) -> Result<Vec<ExportModelRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM export_models WHERE shared OR owner = $1 ORDER BY name, id LIMIT 500",
    )
    .bind(actor)
    .fetch_all(pool)
    .await
}

/// The model of this id, if `actor` may use it.
pub async fn by_id(
    pool: &PgPool,
    actor: &str,
    id: Uuid,
) -> Result<Option<ExportModelRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM export_models WHERE id = $1 AND (shared OR owner = $2)")
        .bind(id)
        .bind(actor)
        .fetch_optional(pool)
        .await
}
