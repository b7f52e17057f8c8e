//! Passages at the signing desk.

mod filter;

pub use filter::{SignatureFilter, SignatureOrder, SignatureOrderField};

use crate::{
    Projector,
    condition::key,
    kinds::{Binding, SignatureStatus},
    scope::Scope,
};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    digest::Digest,
    event::{Event, Recorded},
    personal::ERASED,
    signature::{Sheet, SignatureEvent},
    third_party::ThirdPartyEvent,
};
use sqlx::{PgConnection, PgPool, QueryBuilder, postgres::PgArguments, query::Query};
use std::fmt;
use uuid::Uuid;

/// One passage at the signing desk. It prints without the name of whoever refused.
#[derive(Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "SignatureRow")]
pub struct SignatureRow {
    /// Its id, the desk's key.
    pub id: Uuid,
    /// The document.
    pub document_id: Uuid,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub status: SignatureStatus,
    /// The desk's type, which chooses the circuit with the subtype.
    pub desk_type: String,
    /// The desk's subtype.
    pub desk_subtype: String,
    /// The SHA-256 of the PDF as it was sent.
    pub sent_pdf: String,
    /// The SHA-256 of the PDF as it came back.
    pub signed_pdf: Option<String>,
    /// The SHA-256 of the signature slip.
    pub slip: Option<String>,
    #[graphql(skip)]
    pub(crate) binding: Option<String>,
    /// Who refused.
    pub rejected_by: Option<String>,
    /// Why, in their words.
    pub reason: Option<String>,
    /// When it was prepared.
    pub prepared_at: DateTime<Utc>,
    /// When the desk had it.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When Navette learnt that it was signed, refused or taken back.
    pub ended_at: Option<DateTime<Utc>>,
    /// Its version.
    pub version: i64,
}

impl fmt::Debug for SignatureRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = f.debug_struct("SignatureRow");
        row.field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl SignatureRow {
    /// How firmly the signed PDF is bound to the one that was sent.
    pub fn binding(&self) -> Option<Binding> {
        Binding::try_from(self.binding.clone()?).ok()
    }
}

/// Keeps `signatures`.
#[derive(Debug)]
pub struct Signatures;

const SCHEMA: &str = concat!(
    "
CREATE TABLE signatures (
    id uuid PRIMARY KEY,
    document_id uuid NOT NULL,
    status text NOT NULL,
    desk_type text COLLATE \"C\" NOT NULL,
    desk_subtype text COLLATE \"C\" NOT NULL,
    sent_pdf text NOT NULL,
    signed_pdf text,
    slip text,
    binding text,
    rejected_by text,
    reason text,
    prepared_at timestamptz NOT NULL,
    submitted_at timestamptz,
    ended_at timestamptz,
    version bigint NOT NULL
);
CREATE INDEX ON signatures (document_id, prepared_at);
CREATE INDEX ON signatures (prepared_at, id);
CREATE INDEX ON signatures (status, prepared_at, id);
CREATE INDEX ON signatures (",
    key!(date "ended_at"),
    ", id);
"
);

#[async_trait]
impl Projector for Signatures {
    fn name(&self) -> &'static str {
        "signatures"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["signatures"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        match &recorded.event {
            Event::Signature(event) => statement(recorded, event),
            Event::ThirdParty(ThirdPartyEvent::Erased { files, .. }) => without(files),
            _ => return Ok(()),
        }
        .execute(connection)
        .await?;
        Ok(())
    }
}

type Statement<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// The files of an erased third party are in the store no longer.
fn without(files: &[Digest]) -> Statement<'_> {
    sqlx::query(
        "UPDATE signatures SET signed_pdf = CASE WHEN signed_pdf <> ALL($1) THEN signed_pdf END,
            slip = CASE WHEN slip <> ALL($1) THEN slip END
         WHERE signed_pdf = ANY($1) OR slip = ANY($1)",
    )
    .bind(files.iter().map(ToString::to_string).collect::<Vec<_>>())
}

macro_rules! update {
    ($set:literal) => {
        concat!(
            "UPDATE signatures SET version = $2, ",
            $set,
            " WHERE id = $1"
        )
    };
}

fn statement<'q>(recorded: &'q Recorded, event: &'q SignatureEvent) -> Statement<'q> {
    use SignatureEvent as E;
    let change = |sql: &'q str| {
        sqlx::query(sql)
            .bind(recorded.stream_id)
            .bind(recorded.version)
    };
    match event {
        E::Prepared { sheet, at } => prepared(recorded, sheet, *at),
        E::Submitted { at, .. } => {
            change(update!("status = 'submitted', submitted_at = $3")).bind(at)
        }
        E::Signed { at } => change(update!("status = 'signed', ended_at = $3")).bind(at),
        E::Rejected { by, reason, at } => change(update!(
            "status = 'rejected', ended_at = $3, rejected_by = $4, reason = $5"
        ))
        .bind(at)
        .bind(by.reveal())
        .bind(reason),
        E::Withdrawn { at } => change(update!("status = 'withdrawn', ended_at = $3")).bind(at),
        E::Retrieved {
            pdf, slip, binding, ..
        } => change(update!(
            "status = 'retrieved', signed_pdf = $3, slip = $4, binding = $5"
        ))
        .bind(pdf.to_string())
        .bind(slip.as_ref().map(ToString::to_string))
        .bind(Binding::from(*binding).as_str()),
        E::Archived { .. } => change(update!(
            "status = CASE status WHEN 'rejected' THEN 'discarded' ELSE 'archived' END"
        )),
    }
}

fn prepared<'q>(recorded: &'q Recorded, sheet: &'q Sheet, at: DateTime<Utc>) -> Statement<'q> {
    const SQL: &str = "
        INSERT INTO signatures (id, version, document_id, status, desk_type, desk_subtype, sent_pdf,
            prepared_at)
        VALUES ($1, $2, $3, 'prepared', $4, $5, $6, $7)";
    sqlx::query(SQL)
        .bind(recorded.stream_id)
        .bind(recorded.version)
        .bind(sheet.document.0)
        .bind(&sheet.desk_type)
        .bind(&sheet.desk_subtype)
        .bind(sheet.pdf.to_string())
        .bind(at)
}

/// The passages of these documents, which the reader is known to see, oldest first.
pub async fn of_documents(
    pool: &PgPool,
    documents: &[Uuid],
) -> Result<Vec<SignatureRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM signatures WHERE document_id = ANY($1) ORDER BY document_id, prepared_at, id",
    )
    .bind(documents)
    .fetch_all(pool)
    .await
}

/// The names of agents that signatures show.
pub async fn agents(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT DISTINCT rejected_by FROM signatures WHERE rejected_by IS NOT NULL")
        .fetch_all(pool)
        .await
}

/// Shows these agents' names no more: what is read of them in the log is shown instead.
pub async fn forget_agents(pool: &PgPool, names: &[String]) -> sqlx::Result<()> {
    sqlx::query("UPDATE signatures SET rejected_by = $2 WHERE rejected_by = ANY($1)")
        .bind(names)
        .bind(ERASED)
        .execute(pool)
        .await?;
    Ok(())
}

/// Those of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<SignatureRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM signatures WHERE id = ANY(");
    query.push_bind(ids.to_vec()).push(")");
    filter::seen(&mut query, scope);
    query.build_query_as().fetch_all(pool).await
}
