//! Documents on their way through a chain.

mod filter;
mod query;
mod watchdog;

pub use filter::{DocumentFilter, DocumentOrder, DocumentOrderField};
pub use query::{
    Progress, StatusCount, Trouble, by_ids, of_batch, of_dossiers, progress, troubled, troubles,
    under_way,
};
pub use watchdog::{Watchdog, watchdog};

use crate::{
    Projector,
    condition::key,
    kinds::{DocumentStatus, OfficeFormat},
};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use navette_domain::{
    chain::StepId,
    digest::Digest,
    document::{ByHand, DocumentEvent, Order, PdfRef, Subject},
    event::{Event, Recorded},
    template::Included,
    third_party::ThirdPartyEvent,
};
use sqlx::{PgConnection, postgres::PgArguments, query::Query, types::Json};
use uuid::Uuid;

/// One document.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "DocumentRow")]
pub struct DocumentRow {
    /// Its id.
    pub id: Uuid,
    /// The batch that asked for it.
    #[graphql(skip)]
    pub batch_id: Uuid,
    /// The dossier it is about; none when it is about its whole batch.
    #[graphql(skip)]
    pub dossier_id: Option<Uuid>,
    /// The chain it goes through.
    pub chain_id: Uuid,
    /// The chain's version it stays on.
    pub chain_version: i32,
    /// The template it is made from.
    pub template_id: Uuid,
    /// The template's version it stays on.
    pub template_version: i32,
    /// What people call it.
    pub title: String,
    /// The date that it bears.
    pub date: NaiveDate,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub status: DocumentStatus,
    /// The last step of its chain that began, ended or stopped.
    pub step: Option<String>,
    /// Why it stopped, until somebody retries.
    pub trouble: Option<String>,
    /// Why it was refused, restarted or cancelled.
    pub reason: Option<String>,
    /// Whether it waits for a person: stopped, or refused.
    pub needs_attention: bool,
    /// How often it was begun.
    pub round: i32,
    /// What the template includes, on the versions that the document stays on.
    #[graphql(skip)]
    pub included: Json<Vec<Included>>,
    /// The SHA-256 of the data that were merged.
    pub data: Option<String>,
    /// The SHA-256 of the office file.
    pub office: Option<String>,
    /// The format of the office file.
    #[graphql(skip)]
    pub office_format: Option<String>,
    /// The SHA-256 of the PDF in force.
    pub pdf: Option<String>,
    /// The number of pages of that PDF.
    pub pages: Option<i32>,
    /// The SHA-256 of the signed PDF.
    pub signed_pdf: Option<String>,
    /// Its passage at the signing desk.
    #[graphql(skip)]
    pub signature_id: Option<Uuid>,
    /// Its number in the mail register.
    pub chrono: Option<String>,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl DocumentRow {
    /// The format of the office file, once there is one.
    pub fn format(&self) -> Option<OfficeFormat> {
        OfficeFormat::try_from(self.office_format.clone()?).ok()
    }
}

/// Keeps `documents`.
#[derive(Debug)]
pub struct Documents;

const SCHEMA: &str = concat!(
    "
CREATE TABLE documents (
    id uuid PRIMARY KEY,
    batch_id uuid NOT NULL,
    dossier_id uuid,
    chain_id uuid NOT NULL,
    chain_version integer NOT NULL,
    template_id uuid NOT NULL,
    template_version integer NOT NULL,
    title text COLLATE \"C\" NOT NULL,
    date date NOT NULL,
    status text NOT NULL,
    step text COLLATE \"C\",
    trouble text COLLATE \"C\",
    reason text,
    needs_attention boolean NOT NULL GENERATED ALWAYS AS (
        status <> 'cancelled'
        AND (trouble IS NOT NULL OR status IN ('visa_refused', 'signature_refused'))
    ) STORED,
    round integer NOT NULL,
    included jsonb NOT NULL,
    data text,
    office text,
    office_format text,
    pdf text,
    pages integer,
    signed_pdf text,
    signature_id uuid,
    chrono text COLLATE \"C\",
    version bigint NOT NULL,
    requested_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ON documents (batch_id, status) INCLUDE (needs_attention, dossier_id);
CREATE INDEX ON documents (batch_id, title, id);
CREATE INDEX ON documents (dossier_id);
CREATE INDEX ON documents (status, title, id);
CREATE INDEX ON documents (title, id);
CREATE INDEX ON documents (batch_id) WHERE needs_attention;
CREATE INDEX ON documents (requested_at, id);
CREATE INDEX ON documents (title, id) WHERE needs_attention;
CREATE INDEX ON documents (",
    key!(text "chrono"),
    ", id);
"
);

#[async_trait]
impl Projector for Documents {
    fn name(&self) -> &'static str {
        "documents"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["documents"]
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
            Event::Document(event) => statement(recorded, event),
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
        "UPDATE documents SET office = CASE WHEN office <> ALL($1) THEN office END,
            pdf = CASE WHEN pdf <> ALL($1) THEN pdf END,
            signed_pdf = CASE WHEN signed_pdf <> ALL($1) THEN signed_pdf END
         WHERE office = ANY($1) OR pdf = ANY($1) OR signed_pdf = ANY($1)",
    )
    .bind(files.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// Writes an UPDATE: any event ends the trouble before it; `$4` is the step it names.
macro_rules! update {
    ($set:literal) => {
        concat!(
            "UPDATE documents SET version = $2, updated_at = $3, step = COALESCE($4, step), ",
            "trouble = NULL",
            $set,
            " WHERE id = $1"
        )
    };
}

fn statement<'q>(recorded: &'q Recorded, event: &'q DocumentEvent) -> Statement<'q> {
    use DocumentEvent as E;
    const REFUSED: &str = update!(", status = $5, reason = $6");
    let change = |sql: &'q str, step: Option<&'q StepId>| {
        sqlx::query(sql)
            .bind(recorded.stream_id)
            .bind(recorded.version)
            .bind(recorded.recorded_at)
            .bind(step.map(|step| step.0.as_str()))
    };
    match event {
        E::Requested { order, at } => requested(recorded, order, *at),
        E::Merged {
            step,
            office,
            format,
            data,
            ..
        } => change(
            update!(", status = 'merged', office = $5, office_format = $6, data = $7"),
            Some(step),
        )
        .bind(office.to_string())
        .bind(OfficeFormat::from(*format).as_str())
        .bind(data.to_string()),
        E::Converted { step, pdf, .. } => with_pdf(
            change(
                update!(", status = 'converted', pdf = $5, pages = $6"),
                Some(step),
            ),
            *pdf,
        ),
        E::SentForVisa { step, .. } => change(update!(", status = 'in_visa'"), Some(step)),
        E::Visaed { step, pdf, .. } => with_pdf(
            change(
                update!(", status = 'visaed', pdf = $5, pages = $6"),
                Some(step),
            ),
            *pdf,
        ),
        E::VisaRefused { step, reason, .. } => change(REFUSED, Some(step))
            .bind("visa_refused")
            .bind(reason),
        E::SentForSignature {
            step, signature, ..
        } => change(
            update!(", status = 'in_signature', signature_id = $5"),
            Some(step),
        )
        .bind(signature.0),
        E::Signed { step, pdf, .. } => with_pdf(
            change(
                update!(", status = 'signed', pdf = $5, signed_pdf = $5, pages = $6"),
                Some(step),
            ),
            *pdf,
        ),
        E::SignatureRefused { step, reason, .. } => change(REFUSED, Some(step))
            .bind("signature_refused")
            .bind(reason),
        E::Registered {
            step, registration, ..
        } => change(update!(", status = 'registered', chrono = $5"), Some(step))
            .bind(&registration.chrono),
        E::Attached { step, .. } => change(update!(", status = 'attached'"), Some(step)),
        E::Reported { step, .. } | E::Emailed { step, .. } | E::Published { step, .. } => {
            change(update!(""), Some(step))
        }
        E::Reminded { step, .. } => change(REMINDED, Some(step)),
        E::Delivered { .. } => change(update!(", status = 'delivered'"), None),
        E::Failed { step, sentence, .. } => change(FAILED, Some(step)).bind(sentence),
        E::Retried { .. } => change(update!(""), None),
        E::Skipped { step, by_hand, .. } => match by_hand {
            ByHand::Visaed => change(update!(", status = 'visaed'"), Some(step)),
            ByHand::Registered { chrono } => {
                change(update!(", status = 'registered', chrono = $5"), Some(step)).bind(chrono)
            }
            ByHand::Attached => change(update!(", status = 'attached'"), Some(step)),
            ByHand::HandedOver => change(update!(""), Some(step)),
        },
        E::Restarted { reason, .. } => change(RESTARTED, None).bind(reason),
        E::Cancelled { reason, .. } => change(REFUSED, None).bind("cancelled").bind(reason),
    }
}

/// It has not changed: it still waits.
const REMINDED: &str = "
    UPDATE documents SET version = $2, step = $4, updated_at = coalesce(updated_at, $3) WHERE id = $1";

const FAILED: &str = "
    UPDATE documents SET version = $2, updated_at = $3, step = $4, trouble = $5 WHERE id = $1";

/// What was made in the rounds before stays in the log; here, only what is in force.
const RESTARTED: &str = update!(
    ", status = 'requested', reason = $5, round = round + 1, data = NULL, office = NULL,
     office_format = NULL, pdf = NULL, pages = NULL, signed_pdf = NULL, signature_id = NULL, chrono = NULL"
);

fn with_pdf(statement: Statement<'_>, pdf: PdfRef) -> Statement<'_> {
    statement.bind(pdf.file.to_string()).bind(number(pdf.pages))
}

fn requested<'q>(recorded: &'q Recorded, order: &'q Order, at: DateTime<Utc>) -> Statement<'q> {
    const SQL: &str = "
        INSERT INTO documents (id, version, updated_at, requested_at, batch_id, dossier_id, chain_id,
            chain_version, template_id, template_version, title, date, included, status, round)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'requested', 1)";
    let dossier = match order.subject {
        Subject::Dossier(dossier) => Some(dossier.0),
        Subject::Batch => None,
    };
    sqlx::query(SQL)
        .bind(recorded.stream_id)
        .bind(recorded.version)
        .bind(recorded.recorded_at)
        .bind(at)
        .bind(order.batch.0)
        .bind(dossier)
        .bind(order.chain.chain.0)
        .bind(number(order.chain.version))
        .bind(order.template.template.0)
        .bind(number(order.template.version))
        .bind(&order.title)
        .bind(order.date)
        .bind(Json(&order.included))
}

/// PostgreSQL has no unsigned integers; versions and pages stay far below the limit.
fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
