//! Images and their versions.

use crate::{Projector, global, kinds::ImageFormat};
use async_graphql::{ComplexObject, ID, SimpleObject};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    event::{Event, Recorded},
    image::ImageEvent,
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// One version of an image that templates name.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "Image", complex)]
pub struct ImageRow {
    /// The image's id.
    pub id: Uuid,
    /// The version, from 1.
    pub version: i32,
    /// The name that templates use: `images.<code>`.
    pub code: String,
    /// The file's name at its author's.
    pub file_name: String,
    /// The format.
    #[sqlx(try_from = "String")]
    pub format: ImageFormat,
    /// The SHA-256 of the file.
    pub file: String,
    /// When it was uploaded.
    pub uploaded_at: DateTime<Utc>,
}

#[ComplexObject]
impl ImageRow {
    /// Its global id, which is that of a version.
    pub async fn node_id(&self) -> ID {
        global::id("Image", format!("{}:{}", self.id, self.version))
    }
}

/// Keeps `images`.
#[derive(Debug)]
pub struct Images;

const SCHEMA: &str = "
CREATE TABLE images (
    id uuid NOT NULL,
    version integer NOT NULL,
    code text NOT NULL,
    file_name text NOT NULL,
    format text NOT NULL,
    file text NOT NULL,
    uploaded_at timestamptz NOT NULL,
    PRIMARY KEY (id, version)
);
";

#[async_trait]
impl Projector for Images {
    fn name(&self) -> &'static str {
        "images"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["images"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let Event::Image(ImageEvent::Uploaded {
            code,
            version,
            file_name,
            format,
            file,
            at,
        }) = &recorded.event
        else {
            return Ok(());
        };
        sqlx::query(
            "INSERT INTO images (id, version, code, file_name, format, file, uploaded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(recorded.stream_id)
        .bind(i32::try_from(*version).unwrap_or(i32::MAX))
        .bind(code)
        .bind(file_name)
        .bind(ImageFormat::from(*format).as_str())
        .bind(file.to_string())
        .bind(at)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// The last version of every image, by code.
pub async fn latest(pool: &PgPool) -> Result<Vec<ImageRow>, sqlx::Error> {
    sqlx::query_as("SELECT DISTINCT ON (code, id) * FROM images ORDER BY code, id, version DESC")
        .fetch_all(pool)
        .await
}

/// These versions of images.
pub async fn by_refs(pool: &PgPool, refs: &[(Uuid, i32)]) -> Result<Vec<ImageRow>, sqlx::Error> {
    let (ids, versions): (Vec<Uuid>, Vec<i32>) = refs.iter().copied().unzip();
    sqlx::query_as(
        "SELECT images.* FROM images JOIN unnest($1::uuid[], $2::int[]) AS asked (id, version)
            USING (id, version)",
    )
    .bind(ids)
    .bind(versions)
    .fetch_all(pool)
    .await
}
