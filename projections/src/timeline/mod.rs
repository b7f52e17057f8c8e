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
use std::{collections::HashMap, slice};
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
        self.apply_all(connection, slice::from_ref(recorded)).await
    }

    async fn apply_all(
        &self,
        connection: &mut PgConnection,
        events: &[Recorded],
    ) -> Result<(), sqlx::Error> {
        Entries::of(events).write(connection).await
    }
}

/// Entries about to be kept, column by column.
#[derive(Default)]
struct Entries<'a> {
    positions: Vec<i64>,
    at: Vec<DateTime<Utc>>,
    actors: Vec<&'a str>,
    event_types: Vec<&'a str>,
    sentences: Vec<String>,
    dossiers: Vec<Option<Uuid>>,
    documents: Vec<Option<Uuid>>,
    batches: Vec<Option<Uuid>>,
    signatures: Vec<Option<Uuid>>,
    streams: Vec<Uuid>,
}

impl<'a> Entries<'a> {
    fn of(events: &'a [Recorded]) -> Self {
        let mut entries = Self::default();
        // Those that are kept by the same statement are not found in the table.
        let mut prepared = HashMap::new();
        for recorded in events {
            let sentence = french::sentence(&recorded.event);
            // One stored event is one entry, even if it reads as several events now.
            if entries.positions.last() == Some(&recorded.position)
                && let Some(before) = entries.sentences.last_mut()
            {
                before.push(' ');
                before.push_str(&sentence);
                continue;
            }
            let about = About::of(recorded);
            let mut document = about.document;
            if let Some(signature) = about.signature {
                match document {
                    Some(document) => drop(prepared.insert(signature, document)),
                    None => document = prepared.get(&signature).copied(),
                }
            }
            entries.positions.push(recorded.position);
            entries.at.push(recorded.recorded_at);
            entries.actors.push(&recorded.metadata.actor);
            entries.event_types.push(&recorded.event_type);
            entries.sentences.push(sentence);
            entries.dossiers.push(about.dossier);
            entries.documents.push(document);
            entries.batches.push(about.batch);
            entries.signatures.push(about.signature);
            entries.streams.push(recorded.stream_id);
        }
        entries
    }

    async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if self.positions.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO timeline (position, at, actor, event_type, sentence, dossier_id, batch_id, signature_id,
                stream_id, document_id)
             SELECT told.position, told.at, told.actor, told.event_type, told.sentence, told.dossier_id, told.batch_id,
                told.signature_id, told.stream_id,
                CASE WHEN told.signature_id IS NULL OR told.document_id IS NOT NULL THEN told.document_id ELSE (
                    SELECT prepared.document_id FROM timeline AS prepared
                    WHERE prepared.signature_id = told.signature_id AND prepared.event_type = 'signature.prepared'
                ) END
             FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[],
                $8::uuid[], $9::uuid[], $10::uuid[])
                AS told (position, at, actor, event_type, sentence, dossier_id, batch_id, signature_id, stream_id,
                    document_id)
             -- What one stored event reads as is perhaps applied one after the other.
             ON CONFLICT (position) DO UPDATE SET sentence = timeline.sentence || ' ' || EXCLUDED.sentence",
        )
        .bind(self.positions)
        .bind(self.at)
        .bind(self.actors)
        .bind(self.event_types)
        .bind(self.sentences)
        .bind(self.dossiers)
        .bind(self.batches)
        .bind(self.signatures)
        .bind(self.streams)
        .bind(self.documents)
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
