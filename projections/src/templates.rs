//! Templates and their versions.

use crate::{
    Projector,
    condition::{Column, InstantIs, TextIs},
    kinds::OfficeFormat,
};
use async_graphql::{InputObject, SimpleObject};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    event::{Event, Recorded},
    template::TemplateEvent,
};
use sqlx::{PgConnection, PgPool, QueryBuilder};
use uuid::Uuid;

/// One version of a template.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "TemplateRow")]
pub struct TemplateRow {
    /// The template's id.
    pub id: Uuid,
    /// The version, from 1.
    pub version: i32,
    /// The name that chains use.
    pub code: String,
    /// The file's name at its author's.
    pub file_name: String,
    /// The format.
    #[sqlx(try_from = "String")]
    pub format: OfficeFormat,
    /// The SHA-256 of the file.
    pub file: String,
    /// The fields it uses, such as `beneficiaire.nom`.
    pub fields: Vec<String>,
    /// When it was uploaded.
    pub uploaded_at: DateTime<Utc>,
}

/// Keeps `templates`.
#[derive(Debug)]
pub struct Templates;

const SCHEMA: &str = "
CREATE TABLE templates (
    id uuid NOT NULL,
    version integer NOT NULL,
    code text NOT NULL,
    file_name text NOT NULL,
    format text NOT NULL,
    file text NOT NULL,
    fields text[] NOT NULL,
    uploaded_at timestamptz NOT NULL,
    PRIMARY KEY (id, version)
);
";

#[async_trait]
impl Projector for Templates {
    fn name(&self) -> &'static str {
        "templates"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["templates"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let Event::Template(event) = &recorded.event else {
            return Ok(());
        };
        let TemplateEvent::Uploaded {
            code,
            version,
            file_name,
            format,
            file,
            fields,
            at,
        } = event;
        sqlx::query(
            "INSERT INTO templates (id, version, code, file_name, format, file, fields, uploaded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(recorded.stream_id)
        .bind(i32::try_from(*version).unwrap_or(i32::MAX))
        .bind(code)
        .bind(file_name)
        .bind(OfficeFormat::from(*format).as_str())
        .bind(file.to_string())
        .bind(fields)
        .bind(at)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Every version of the template of this code, the last first.
pub async fn versions(pool: &PgPool, code: &str) -> Result<Vec<TemplateRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM templates WHERE code = $1 ORDER BY version DESC")
        .bind(code)
        .fetch_all(pool)
        .await
}

/// Every version of these templates, the last first.
pub async fn of_ids(pool: &PgPool, ids: &[Uuid]) -> Result<Vec<TemplateRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM templates WHERE id = ANY($1) ORDER BY id, version DESC")
        .bind(ids)
        .fetch_all(pool)
        .await
}

/// These versions of these templates.
pub async fn by_refs(pool: &PgPool, refs: &[(Uuid, i32)]) -> Result<Vec<TemplateRow>, sqlx::Error> {
    let (ids, versions): (Vec<Uuid>, Vec<i32>) = refs.iter().copied().unzip();
    sqlx::query_as(
        "SELECT templates.* FROM templates
         JOIN unnest($1::uuid[], $2::integer[]) AS asked (id, version) USING (id, version)",
    )
    .bind(ids)
    .bind(versions)
    .fetch_all(pool)
    .await
}

/// Which templates: every condition that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, InputObject)]
pub struct TemplateFilter {
    /// The name that chains use.
    pub code: Option<TextIs>,
    /// The file's name at its author's.
    pub file_name: Option<TextIs>,
    /// The format.
    pub format: Option<Vec<OfficeFormat>>,
    /// When the version was uploaded.
    pub uploaded_at: Option<InstantIs>,
    /// It uses this field, such as `beneficiaire.nom`.
    pub field: Option<String>,
}

/// The last version of every template that the filter keeps, by code.
pub async fn latest(
    pool: &PgPool,
    filter: &TemplateFilter,
) -> Result<Vec<TemplateRow>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT * FROM (SELECT DISTINCT ON (id) * FROM templates ORDER BY id, version DESC) AS latest
         WHERE true",
    );
    for (test, column) in [
        (&filter.code, "code COLLATE \"C\""),
        (&filter.file_name, "file_name COLLATE \"C\""),
    ] {
        if let Some(test) = test {
            test.push(&mut query, Column::always(column));
        }
    }
    if let Some(formats) = &filter.format {
        let names: Vec<&'static str> = formats.iter().map(|format| format.as_str()).collect();
        query.push(" AND format = ANY(").push_bind(names).push(")");
    }
    if let Some(test) = &filter.uploaded_at {
        test.push(&mut query, Column::always("uploaded_at"));
    }
    if let Some(field) = &filter.field {
        query
            .push(" AND ")
            .push_bind(field.clone())
            .push(" = ANY(fields)");
    }
    query.push(" ORDER BY code, id");
    query.build_query_as().fetch_all(pool).await
}
