//! What happened, in French sentences: the history of a dossier, a document or a batch, and the audit of all.

mod filter;

pub use filter::{AuditFilter, AuditOrder};

use crate::{Projector, global, kinds::Position, list::List as _, scope::Scope};
use async_graphql::{ComplexObject, ID, SimpleObject};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    event::{Event, Recorded},
    french,
    signature::SignatureEvent,
};
use sqlx::{PgConnection, PgPool, QueryBuilder};
use uuid::Uuid;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "TimelineEntry", complex)]
pub struct TimelineRow {
    /// Its place in the log.
    pub position: Position,
    /// When the log received it.
    pub at: DateTime<Utc>,
    /// Who: `token:<name>`, or `navette` for its own work.
    pub actor: String,
    /// The event's stored name.
    pub event_type: String,
    /// What a clerk reads.
    pub sentence: String,
    /// The dossier whose history it belongs to.
    pub dossier_id: Option<Uuid>,
    /// The document it is about.
    pub document_id: Option<Uuid>,
    /// The batch it belongs to.
    pub batch_id: Option<Uuid>,
    /// What it happened to: a dossier, a document, a template…
    pub stream_id: Uuid,
}

#[ComplexObject]
impl TimelineRow {
    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("TimelineEntry", self.position.0)
    }
}

/// Keeps `timeline`.
#[derive(Debug)]
pub struct Timeline;

const SCHEMA: &str = r#"
CREATE TABLE timeline (
    position bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    sentence text NOT NULL,
    dossier_id uuid,
    document_id uuid,
    batch_id uuid,
    signature_id uuid,
    stream_id uuid NOT NULL
);
CREATE INDEX ON timeline (dossier_id, position);
CREATE INDEX ON timeline (document_id, position);
CREATE INDEX ON timeline (batch_id, position) WHERE dossier_id IS NULL AND document_id IS NULL;
CREATE INDEX ON timeline (signature_id) WHERE event_type = 'signature.prepared';
CREATE INDEX ON timeline (batch_id, position);
CREATE INDEX ON timeline (stream_id, position);
CREATE INDEX ON timeline (actor, position);
CREATE INDEX ON timeline (event_type, position);
CREATE INDEX ON timeline (at);
"#;

#[async_trait]
impl Projector for Timeline {
    fn name(&self) -> &'static str {
        "timeline"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["timeline"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let about = About::of(recorded);
        sqlx::query(
            "INSERT INTO timeline (position, at, actor, event_type, sentence, dossier_id, batch_id,
                signature_id, stream_id, document_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, COALESCE($9, (
                SELECT prepared.document_id FROM timeline prepared
                WHERE prepared.signature_id = $8 AND prepared.event_type = 'signature.prepared')))
             -- One stored event is one entry, even if it reads as several events now.
             ON CONFLICT (position) DO UPDATE SET sentence = timeline.sentence || ' ' || EXCLUDED.sentence",
        )
        .bind(recorded.position)
        .bind(recorded.recorded_at)
        .bind(&recorded.metadata.actor)
        .bind(&recorded.event_type)
        .bind(french::sentence(&recorded.event))
        .bind(about.dossier)
        .bind(about.batch)
        .bind(about.signature)
        .bind(about.document)
        .bind(recorded.stream_id)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Whose history an event belongs to.
struct About {
    dossier: Option<Uuid>,
    document: Option<Uuid>,
    batch: Option<Uuid>,
    signature: Option<Uuid>,
}

impl About {
    fn of(recorded: &Recorded) -> Self {
        let stream = Some(recorded.stream_id);
        let mut about = Self {
            dossier: recorded.metadata.dossier.map(|dossier| dossier.0),
            document: None,
            batch: recorded.metadata.batch,
            signature: None,
        };
        match &recorded.event {
            Event::Dossier(_) => about.dossier = stream,
            Event::Document(_) => about.document = stream,
            // Only the first event of a signature names its document; the others find it by the signature.
            Event::Signature(event) => {
                about.signature = stream;
                if let SignatureEvent::Prepared { sheet, .. } = event {
                    about.document = Some(sheet.document.0);
                }
            }
            Event::Batch(_) => about.batch = stream,
            // The metadata of these name their dossier; the others are in no dossier's history.
            Event::Bundle(_)
            | Event::Attachment(_)
            | Event::ThirdParty(_)
            | Event::Template(_)
            | Event::Image(_)
            | Event::Chain(_)
            | Event::Selection(_)
            | Event::Pause(_)
            | Event::Trigger(_)
            | Event::Agent(_)
            | Event::Export(_)
            | Event::ExportModel(_)
            | Event::ExportSchedule(_) => {}
        }
        about
    }
}

/// Whose history is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A dossier's: its own events, and those of its documents.
    Dossier,
    /// A document's.
    Document,
    /// A batch's own, without those of its documents.
    Batch,
}

#[derive(sqlx::FromRow)]
struct Entry {
    subject: Uuid,
    #[sqlx(flatten)]
    row: TimelineRow,
}

/// The first entries of each of these histories, which the reader is known to see: oldest first, after a
/// position, at most `most` for each, with the id of whose history it is.
pub async fn histories(
    pool: &PgPool,
    kind: Kind,
    ids: &[Uuid],
    after: Position,
    most: i64,
) -> Result<Vec<(Uuid, TimelineRow)>, sqlx::Error> {
    let condition = match kind {
        Kind::Dossier => "dossier_id = asked.subject",
        Kind::Document => "document_id = asked.subject",
        Kind::Batch => "batch_id = asked.subject AND dossier_id IS NULL AND document_id IS NULL",
    };
    let sql = format!(
        "SELECT asked.subject, entry.* FROM unnest($1::uuid[]) AS asked (subject)
         CROSS JOIN LATERAL (
            SELECT * FROM timeline WHERE {condition} AND position > $2 ORDER BY position LIMIT $3
         ) AS entry
         ORDER BY asked.subject, entry.position"
    );
    let entries: Vec<Entry> = sqlx::query_as(&sql)
        .bind(ids)
        .bind(after)
        .bind(most)
        .fetch_all(pool)
        .await?;
    Ok(entries
        .into_iter()
        .map(|entry| (entry.subject, entry.row))
        .collect())
}

/// The streams that the histories of these dossiers are made of, each after its dossier: its own, those of its
/// documents, those of their signatures and those of its attachments.
pub async fn streams(pool: &PgPool, dossiers: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT dossier, dossier FROM unnest($1) AS asked (dossier) UNION
         SELECT dossier_id, stream FROM timeline
         CROSS JOIN LATERAL (VALUES (document_id), (signature_id),
            (CASE WHEN event_type = 'attachment.added' THEN stream_id END)) AS of (stream)
         WHERE dossier_id = ANY($1) AND stream IS NOT NULL",
    )
    .bind(dossiers)
    .fetch_all(pool)
    .await
}

/// How many documents of a batch each kind of event has happened to.
pub async fn documents_by_event(
    pool: &PgPool,
    batch: Uuid,
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT event_type, count(DISTINCT document_id)
         FROM timeline JOIN documents ON documents.id = timeline.document_id
         WHERE documents.batch_id = $1 GROUP BY event_type",
    )
    .bind(batch)
    .fetch_all(pool)
    .await
}

/// Those of the entries at these positions that `scope` sees.
pub async fn at(
    pool: &PgPool,
    scope: &Scope,
    positions: &[i64],
) -> Result<Vec<TimelineRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM timeline WHERE position = ANY(");
    query.push_bind(positions.to_vec()).push(")");
    AuditFilter::seen(&mut query, scope);
    query.build_query_as().fetch_all(pool).await
}
