//! Models of exports: formats and columns that people keep, for themselves or for all.

use crate::{
    Projector,
    condition::{Column, Filter, InstantIs, Sql, TextIs, branches, one_id},
    kinds::ExportFormat,
    list::{ID, Key, List, ordered},
    scope::Scope,
};
use async_graphql::{Enum, InputObject, SimpleObject};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    event::{Event, Recorded},
    export::{Choice, model::ExportModelEvent},
};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool, QueryBuilder, types::Json};
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

const SCHEMA: &str = r#"
CREATE TABLE export_models (
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    format text NOT NULL,
    columns jsonb NOT NULL,
    shared boolean NOT NULL,
    owner text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ON export_models (name, id);
CREATE INDEX ON export_models (updated_at, id);
"#;

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

/// Which models of exports: every condition that is given must hold. A list means "one of these".
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ExportModelFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// What people call it.
    pub name: Option<TextIs>,
    /// One of these forms.
    pub format: Option<Vec<ExportFormat>>,
    /// Whether everybody may use it.
    pub shared: Option<bool>,
    /// Who keeps it.
    pub owner: Option<TextIs>,
    /// When it last changed.
    pub updated_at: Option<InstantIs>,
    /// All of these hold.
    pub and: Option<Vec<ExportModelFilter>>,
    /// One of these holds.
    pub or: Option<Vec<ExportModelFilter>>,
    /// This does not hold.
    pub not: Option<Box<ExportModelFilter>>,
}

const NAME: Column = Column::always("name");
const UPDATED: Column = Column::always("updated_at");

impl Filter for ExportModelFilter {
    fn tests(&self, query: &mut Sql<'_>, _: &Scope) {
        one_id(query, "id", self.id.as_ref());
        if let Some(formats) = &self.format {
            let names: Vec<&'static str> = formats.iter().map(|format| format.as_str()).collect();
            query.push(" AND format = ANY(").push_bind(names).push(")");
        }
        if let Some(shared) = self.shared {
            query.push(" AND shared = ").push_bind(shared);
        }
        for (test, column) in [(&self.name, NAME), (&self.owner, Column::always("owner"))] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        if let Some(test) = &self.updated_at {
            test.push(query, UPDATED);
        }
    }

    branches!();
}

/// By what models of exports are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum ExportModelOrderField {
    /// What people call them.
    Name,
    /// When they last changed.
    UpdatedAt,
}

/// An order of models of exports; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, InputObject)]
pub struct ExportModelOrder {
    /// By what.
    pub field: ExportModelOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl ExportModelOrder {
    fn keys(self) -> Vec<Key> {
        let (column, sql_type) = match self.field {
            ExportModelOrderField::Name => (NAME, "text"),
            ExportModelOrderField::UpdatedAt => (UPDATED, "timestamptz"),
        };
        let way = self.descending;
        vec![Key::new(column.key, sql_type).way(way), ID.way(way)]
    }
}

impl List for ExportModelFilter {
    type Row = ExportModelRow;
    type Order = ExportModelOrder;
    const TABLE: &'static str = "export_models";

    fn keys(orders: &[ExportModelOrder]) -> Vec<Key> {
        let usual = ExportModelOrder {
            field: ExportModelOrderField::Name,
            descending: false,
        };
        match orders {
            [] => usual.keys(),
            some => ordered(some, ExportModelOrder::keys),
        }
    }

    /// Their own, and those that are shared.
    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        scope.may_use(query);
    }
}

/// Those of the models of these ids that `scope` may use.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<ExportModelRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM export_models WHERE id = ANY(");
    query.push_bind(ids.to_vec()).push(")");
    ExportModelFilter::seen(&mut query, scope);
    query.build_query_as().fetch_all(pool).await
}
