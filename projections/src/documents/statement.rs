//! What each event changes in its row.

use crate::kinds::{DocumentStatus, OfficeFormat};
use chrono::{DateTime, Utc};
use navette_domain::{
    chain::StepId,
    digest::Digest,
    document::{Awaited, BackTo, ByHand, DocumentEvent, Order, PdfRef, Subject},
    event::Recorded,
    french,
};
use sqlx::{postgres::PgArguments, query::Query, types::Json};

type Statement<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// The files of an erased third party are in the store no longer.
pub(super) fn without(files: &[Digest]) -> Statement<'_> {
    sqlx::query(
        "UPDATE documents SET office = CASE WHEN office <> ALL($1) THEN office END,
            pdf = CASE WHEN pdf <> ALL($1) THEN pdf END,
            signed_pdf = CASE WHEN signed_pdf <> ALL($1) THEN signed_pdf END
         WHERE office = ANY($1) OR pdf = ANY($1) OR signed_pdf = ANY($1)",
    )
    .bind(files.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// All troubles in one text, as [`navette_domain::document::Journey::trouble`] writes it.
macro_rules! told {
    ($troubles:literal) => {
        concat!(
            "(SELECT string_agg(sentence, ' ' ORDER BY step COLLATE \"C\") FROM jsonb_each_text(",
            $troubles,
            ") AS told (step, sentence))"
        )
    };
}

/// Writes an UPDATE: what an event says of a step, `$4`, ends its trouble and what it waits for; what it says of
/// no step ends all troubles.
macro_rules! update {
    ($set:literal) => {
        update!($set, "awaited - COALESCE($4::text, '')")
    };
    ($set:literal, $awaited:literal) => {
        concat!(
            "UPDATE documents SET version = $2, updated_at = $3, step = COALESCE($4::text, step), ",
            "troubles = CASE WHEN $4::text IS NULL THEN '{}' ELSE troubles - $4::text END, ",
            "trouble = CASE WHEN $4::text IS NOT NULL AND troubles - $4::text <> '{}' THEN ",
            told!("troubles - $4::text"),
            " END, awaited = ",
            $awaited,
            $set,
            " WHERE id = $1"
        )
    };
}

pub(super) fn of<'q>(recorded: &'q Recorded, event: &'q DocumentEvent) -> Statement<'q> {
    use DocumentEvent as E;
    const REFUSED: &str = update!(", stage = $5, reason = $6");
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
            update!(", stage = 'merged', office = $5, office_format = $6, data = $7"),
            Some(step),
        )
        .bind(office.to_string())
        .bind(OfficeFormat::from(*format).as_str())
        .bind(data.to_string()),
        E::Converted { step, pdf, .. } => with_pdf(
            change(
                update!(", stage = 'converted', pdf = $5, pages = $6"),
                Some(step),
            ),
            *pdf,
        ),
        E::SentForVisa { step, .. } => change(update!(", stage = 'in_visa'"), Some(step)),
        E::Visaed { step, pdf, .. } => with_pdf(
            change(
                update!(", stage = 'visaed', pdf = $5, pages = $6"),
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
            update!(", stage = 'in_signature', signature_id = $5"),
            Some(step),
        )
        .bind(signature.0),
        E::Signed { step, pdf, .. } | E::ScanReturned { step, pdf, .. } => with_pdf(
            change(
                update!(", stage = 'signed', pdf = $5, signed_pdf = $5, pages = $6"),
                Some(step),
            ),
            *pdf,
        ),
        E::SignatureRefused { step, reason, .. } => change(REFUSED, Some(step))
            .bind("signature_refused")
            .bind(reason),
        E::SentToPrint { step, .. } => change(update!(", stage = 'on_paper'"), Some(step)),
        E::Registered {
            step, registration, ..
        } => change(REGISTERED, Some(step)).bind(&registration.chrono),
        E::Attached { step, .. } => change(ATTACHED, Some(step)),
        E::SkippedByHand { step, by_hand, .. } => match by_hand {
            ByHand::Visaed => change(update!(", stage = 'visaed'"), Some(step)),
            ByHand::SignedOnPaper => change(update!(", stage = 'signed'"), Some(step)),
            ByHand::Registered { chrono } => change(REGISTERED, Some(step)).bind(chrono),
            ByHand::Attached => change(ATTACHED, Some(step)),
            ByHand::HandedOver | ByHand::Waited => change(update!(""), Some(step)),
        },
        E::Reminded { step, .. } => change(REMINDED, Some(step)),
        E::Called { step, answer, .. } => {
            change(update!(", answers = answers || $5::jsonb"), Some(step)).bind(Json(answer))
        }
        E::Reported { step, .. }
        | E::Emailed { step, .. }
        | E::Published { step, .. }
        | E::StepTaken { step, .. }
        | E::StepSkipped { step, .. }
        | E::Approved { step, .. }
        | E::WaitEnded { step, .. } => change(update!(""), Some(step)),
        E::ApprovalAsked { step, .. } => change(AWAITS, Some(step)).bind(Json(Awaited::Approval)),
        E::WaitBegan { step, until, .. } => {
            change(AWAITS, Some(step)).bind(Json(Awaited::Moment { until: *until }))
        }
        E::ApprovalRefused { step, reason, .. } => {
            change(FAILED, Some(step)).bind(french::approval_refused(reason))
        }
        E::Delivered { .. } => change(update!(", stage = 'delivered'"), None),
        E::Failed { step, sentence, .. } => change(FAILED, Some(step)).bind(sentence),
        E::Retried { .. } => change(update!(""), None),
        E::Restarted {
            reason, back_to, ..
        } => restarted(change(RESTARTED, None).bind(reason), back_to.as_ref()),
        E::Migrated { chain, .. } => change(MIGRATED, None).bind(number(chain.version)),
        E::Cancelled { reason, .. } => change(CANCELLED, None).bind(reason),
    }
}

const REGISTERED: &str =
    update!(", chrono = $5, stage = CASE stage WHEN 'attached' THEN stage ELSE 'registered' END");

const ATTACHED: &str = update!(", stage = 'attached'");

/// It has not changed: it still waits.
const REMINDED: &str = "
    UPDATE documents SET version = $2, step = $4, updated_at = coalesce(updated_at, $3) WHERE id = $1";

/// It goes on from where it stands, even if that is nowhere.
const MIGRATED: &str = "
    UPDATE documents SET version = $2, updated_at = $3, step = coalesce($4::text, step), chain_version = $5
    WHERE id = $1";

const FAILED: &str = concat!(
    "UPDATE documents SET version = $2, updated_at = $3, step = $4, awaited = awaited - $4::text,
        troubles = troubles || jsonb_build_object($4::text, $5::text), trouble = ",
    told!("troubles || jsonb_build_object($4::text, $5::text)"),
    " WHERE id = $1"
);

const AWAITS: &str = update!("", "awaited || jsonb_build_object($4::text, $5::jsonb)");

const CANCELLED: &str = update!(", stage = 'cancelled', reason = $5", "'{}'");

/// What was made in the rounds before stays in the log; here, only what is in force.
const RESTARTED: &str = update!(
    ", stage = $6, reason = $5, round = round + 1, pdf = $7, pages = $8,
     data = CASE $6 WHEN 'requested' THEN NULL ELSE data END,
     office = CASE $6 WHEN 'requested' THEN NULL ELSE office END,
     office_format = CASE $6 WHEN 'requested' THEN NULL ELSE office_format END,
     signed_pdf = NULL, signature_id = NULL, chrono = NULL",
    "'{}'"
);

fn restarted<'q>(statement: Statement<'q>, back_to: Option<&BackTo>) -> Statement<'q> {
    let stage = back_to.map_or(DocumentStatus::Requested, |to| to.stage.status().into());
    let pdf = back_to.and_then(|to| to.stage.pdf());
    statement
        .bind(stage.as_str())
        .bind(pdf.map(|pdf| pdf.file.to_string()))
        .bind(pdf.map(|pdf| number(pdf.pages)))
}

fn with_pdf(statement: Statement<'_>, pdf: PdfRef) -> Statement<'_> {
    statement.bind(pdf.file.to_string()).bind(number(pdf.pages))
}

fn requested<'q>(recorded: &'q Recorded, order: &'q Order, at: DateTime<Utc>) -> Statement<'q> {
    const SQL: &str = "
        INSERT INTO documents (id, version, updated_at, requested_at, batch_id, dossier_id, chain_id,
            chain_version, template_id, template_version, title, date, included, stage, round)
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
