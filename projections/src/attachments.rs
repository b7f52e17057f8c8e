//! The files that were added to dossiers.

use crate::{Projector, kinds::AttachmentFormat, scope::Scope};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    attachment::AttachmentEvent,
    event::{Event, Recorded},
    third_party::ThirdPartyEvent,
};
use sqlx::{PgConnection, PgPool, QueryBuilder};
use uuid::Uuid;

/// One attachment.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "AttachmentRow")]
pub struct AttachmentRow {
    /// Its id.
    pub id: Uuid,
    /// The dossier.
    pub dossier_id: Uuid,
    /// The file's name at whoever sent it.
    pub name: String,
    /// The format, told from the content.
    #[sqlx(try_from = "String")]
    pub format: AttachmentFormat,
    /// How many bytes there are.
    pub size: i64,
    /// The SHA-256 of the file.
    pub file: String,
    /// Who added it: `token:<name>`.
    pub added_by: String,
    /// When it was added.
    pub added_at: DateTime<Utc>,
    /// Its version, for `expectedVersion`.
    pub version: i64,
}

/// Keeps `attachments`.
#[derive(Debug)]
pub struct Attachments;

/// Those that were taken away stay, for whoever erases their third party: their bytes are still kept.
const SCHEMA: &str = r#"
CREATE TABLE attachments (
    id uuid PRIMARY KEY,
    dossier_id uuid NOT NULL,
    third_party_id uuid NOT NULL,
    name text NOT NULL,
    format text NOT NULL,
    size bigint NOT NULL,
    file text COLLATE "C" NOT NULL,
    added_by text COLLATE "C" NOT NULL,
    added_at timestamptz NOT NULL,
    removed boolean NOT NULL,
    version bigint NOT NULL
);
CREATE INDEX ON attachments (dossier_id, added_at, id) WHERE NOT removed;
CREATE INDEX ON attachments (third_party_id);
CREATE INDEX ON attachments (file);
"#;

#[async_trait]
impl Projector for Attachments {
    fn name(&self) -> &'static str {
        "attachments"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["attachments"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let stream = recorded.stream_id;
        let statement = match &recorded.event {
            Event::Attachment(AttachmentEvent::Added {
                dossier,
                third_party,
                name,
                format,
                size,
                file,
                at,
            }) => sqlx::query(
                "INSERT INTO attachments (id, version, dossier_id, third_party_id, name, format, size, file,
                    added_by, added_at, removed)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, false)",
            )
            .bind(stream)
            .bind(recorded.version)
            .bind(dossier.0)
            .bind(third_party.0)
            .bind(name.reveal())
            .bind(AttachmentFormat::from(*format).as_str())
            .bind(i64::try_from(*size).unwrap_or(i64::MAX))
            .bind(file.to_string())
            .bind(&recorded.metadata.actor)
            .bind(at),
            Event::Attachment(AttachmentEvent::Removed { .. }) => {
                sqlx::query("UPDATE attachments SET removed = true, version = $2 WHERE id = $1")
                    .bind(stream)
                    .bind(recorded.version)
            }
            // Their bytes are gone.
            Event::ThirdParty(ThirdPartyEvent::Erased { .. }) => {
                sqlx::query("DELETE FROM attachments WHERE third_party_id = $1").bind(stream)
            }
            _ => return Ok(()),
        };
        statement.execute(connection).await?;
        Ok(())
    }
}

/// Those of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<AttachmentRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM attachments WHERE NOT removed AND id = ANY(");
    query.push_bind(ids.to_vec()).push(")");
    if !scope.is_whole() {
        query.push(" AND ");
        scope.sees_dossier(&mut query, "attachments.dossier_id");
    }
    query.build_query_as().fetch_all(pool).await
}

/// The attachments of these dossiers, which the reader is known to see, the oldest first.
pub async fn of_dossiers(
    pool: &PgPool,
    dossiers: &[Uuid],
) -> Result<Vec<AttachmentRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM attachments WHERE NOT removed AND dossier_id = ANY($1)
         ORDER BY dossier_id, added_at, id",
    )
    .bind(dossiers)
    .fetch_all(pool)
    .await
}

/// The files that were ever added for this third party and for no other.
pub async fn files_of(pool: &PgPool, third_party: Uuid) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT DISTINCT file FROM attachments own WHERE third_party_id = $1 AND NOT EXISTS (
            SELECT 1 FROM attachments other
            WHERE other.file = own.file AND other.third_party_id <> own.third_party_id)",
    )
    .bind(third_party)
    .fetch_all(pool)
    .await
}
