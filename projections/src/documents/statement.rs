//! What each event changes in its row.

use crate::kinds::{DocumentStatus, OfficeFormat};
use chrono::{DateTime, Utc};
use navette_domain::{
    chain::StepId,
    digest::Digest,
    document::{Awaited, BackTo, ByHand, DocumentEvent, PdfRef},
    event::Recorded,
    french,
};
use serde_json::{Value, json};
use sqlx::{Postgres, postgres::PgArguments, query::Query, types::Json};
use std::borrow::Cow;
use uuid::Uuid;

pub(super) type Statement<'q> = Query<'q, Postgres, PgArguments>;

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

/// Writes an UPDATE of the rows of many documents, each by one [`Change`].
macro_rules! rows {
    ($($set:tt)*) => {
        concat!(
            "UPDATE documents SET version = reached, ",
            $($set)*,
            " FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], ",
            "$7::text[], $8::integer[], $9::jsonb[]) ",
            "AS change (document, reached, moved_at, about, first, second, third, number, detail) ",
            "WHERE id = document"
        )
    };
}

/// The same where what an event says of a step ends its trouble and what it waits for, and what it says of no step
/// ends all troubles.
macro_rules! update {
    ($set:literal) => {
        update!($set, "awaited - COALESCE(about, '')")
    };
    ($set:literal, $awaited:literal) => {
        rows!(
            "updated_at = moved_at, step = COALESCE(about, step), ",
            "troubles = CASE WHEN about IS NULL THEN '{}' ELSE troubles - about END, ",
            "trouble = CASE WHEN about IS NOT NULL AND troubles - about <> '{}' THEN ",
            told!("troubles - about"),
            " END, awaited = ",
            $awaited,
            $set
        )
    };
}

/// What an event changes in the row of its document: the statement, and what it takes from the event.
pub(super) struct Change<'q> {
    pub sql: &'static str,
    pub document: Uuid,
    version: i64,
    at: DateTime<Utc>,
    about: Option<&'q str>,
    first: Option<Cow<'q, str>>,
    second: Option<Cow<'q, str>>,
    third: Option<Cow<'q, str>>,
    number: Option<i32>,
    detail: Option<Json<Value>>,
}

impl<'q> Change<'q> {
    fn first(mut self, text: impl Into<Cow<'q, str>>) -> Self {
        self.first = Some(text.into());
        self
    }

    fn second(mut self, text: impl Into<Cow<'q, str>>) -> Self {
        self.second = Some(text.into());
        self
    }

    fn third(mut self, text: impl Into<Cow<'q, str>>) -> Self {
        self.third = Some(text.into());
        self
    }

    fn number(mut self, number: u32) -> Self {
        self.number = Some(super::number(number));
        self
    }

    fn detail(mut self, detail: Value) -> Self {
        self.detail = Some(Json(detail));
        self
    }

    fn pdf(self, pdf: PdfRef) -> Self {
        self.first(pdf.file.to_string()).number(pdf.pages)
    }

    /// What `event` changes; nothing for the one that makes the row.
    pub fn of(recorded: &'q Recorded, event: &'q DocumentEvent) -> Option<Self> {
        use DocumentEvent as E;
        const REFUSED: &str = update!(", stage = first, reason = second");
        let change = |sql: &'static str, step: Option<&'q StepId>| Self {
            sql,
            document: recorded.stream_id,
            version: recorded.version,
            at: recorded.recorded_at,
            about: step.map(|step| step.0.as_str()),
            first: None,
            second: None,
            third: None,
            number: None,
            detail: None,
        };
        Some(match event {
            E::Requested { .. } => return None,
            E::Merged {
                step,
                office,
                format,
                data,
                ..
            } => change(
                update!(", stage = 'merged', office = first, office_format = second, data = third"),
                Some(step),
            )
            .first(office.to_string())
            .second(OfficeFormat::from(*format).as_str())
            .third(data.to_string()),
            E::Converted { step, pdf, .. } => change(
                update!(", stage = 'converted', pdf = first, pages = number"),
                Some(step),
            )
            .pdf(*pdf),
            E::SentForVisa { step, .. } => change(update!(", stage = 'in_visa'"), Some(step)),
            E::Visaed { step, pdf, .. } => change(
                update!(", stage = 'visaed', pdf = first, pages = number"),
                Some(step),
            )
            .pdf(*pdf),
            E::VisaRefused { step, reason, .. } => change(REFUSED, Some(step))
                .first("visa_refused")
                .second(reason),
            E::SentForSignature {
                step, signature, ..
            } => change(
                update!(", stage = 'in_signature', signature_id = first::uuid"),
                Some(step),
            )
            .first(signature.to_string()),
            E::Signed { step, pdf, .. } | E::ScanReturned { step, pdf, .. } => change(
                update!(", stage = 'signed', pdf = first, signed_pdf = first, pages = number"),
                Some(step),
            )
            .pdf(*pdf),
            E::SignatureRefused { step, reason, .. } => change(REFUSED, Some(step))
                .first("signature_refused")
                .second(reason),
            E::SentToPrint { step, .. } => change(update!(", stage = 'on_paper'"), Some(step)),
            E::Registered {
                step, registration, ..
            } => change(REGISTERED, Some(step)).first(&registration.chrono),
            E::Attached { step, .. } => change(ATTACHED, Some(step)),
            E::SkippedByHand { step, by_hand, .. } => {
                done_by_hand(by_hand, |sql| change(sql, Some(step)))
            }
            E::Reminded { step, .. } => change(REMINDED, Some(step)),
            E::Called { step, answer, .. } => {
                change(update!(", answers = answers || detail"), Some(step)).detail(json!(answer))
            }
            E::Reported { step, .. }
            | E::Emailed { step, .. }
            | E::Published { step, .. }
            | E::StepTaken { step, .. }
            | E::StepSkipped { step, .. }
            | E::Approved { step, .. }
            | E::WaitEnded { step, .. } => change(update!(""), Some(step)),
            E::ApprovalAsked { step, .. } => {
                change(AWAITS, Some(step)).detail(json!(Awaited::Approval))
            }
            E::WaitBegan { step, until, .. } => {
                change(AWAITS, Some(step)).detail(json!(Awaited::Moment { until: *until }))
            }
            E::ApprovalRefused { step, reason, .. } => {
                change(FAILED, Some(step)).first(french::approval_refused(reason))
            }
            E::Delivered { .. } => change(update!(", stage = 'delivered'"), None),
            E::Failed { step, sentence, .. } => change(FAILED, Some(step)).first(sentence),
            E::Retried { .. } => change(update!(""), None),
            E::Restarted {
                reason, back_to, ..
            } => change(RESTARTED, None)
                .first(reason)
                .back_to(back_to.as_ref()),
            E::Migrated { chain, .. } => change(MIGRATED, None).number(chain.version),
            E::Cancelled { reason, .. } => change(CANCELLED, None).first(reason),
        })
    }

    /// Its stage and its PDF are those that the steps before leave.
    fn back_to(mut self, back_to: Option<&BackTo>) -> Self {
        let stage = back_to.map_or(DocumentStatus::Requested, |to| to.stage.status().into());
        let pdf = back_to.and_then(|to| to.stage.pdf());
        self.third = pdf.map(|pdf| pdf.file.to_string().into());
        self.number = pdf.map(|pdf| super::number(pdf.pages));
        self.second(stage.as_str())
    }
}

/// What a step that was done by hand changes.
fn done_by_hand<'q>(
    by_hand: &'q ByHand,
    change: impl Fn(&'static str) -> Change<'q>,
) -> Change<'q> {
    match by_hand {
        ByHand::Visaed => change(update!(", stage = 'visaed'")),
        ByHand::SignedOnPaper => change(update!(", stage = 'signed'")),
        ByHand::Registered { chrono } => change(REGISTERED).first(chrono),
        ByHand::Attached => change(ATTACHED),
        ByHand::HandedOver | ByHand::Waited => change(update!("")),
    }
}

/// The changes of many documents that are written by one statement.
pub(super) fn together<'q>(sql: &'static str, changes: &[Change<'q>]) -> Statement<'q> {
    fn column<'a, 'q, T>(changes: &'a [Change<'q>], of: impl Fn(&'a Change<'q>) -> T) -> Vec<T> {
        changes.iter().map(of).collect()
    }
    sqlx::query(sql)
        .bind(column(changes, |change| change.document))
        .bind(column(changes, |change| change.version))
        .bind(column(changes, |change| change.at))
        .bind(column(changes, |change| change.about))
        .bind(column(changes, |change| change.first.clone()))
        .bind(column(changes, |change| change.second.clone()))
        .bind(column(changes, |change| change.third.clone()))
        .bind(column(changes, |change| change.number))
        .bind(column(changes, |change| change.detail.clone()))
}

const REGISTERED: &str = update!(
    ", chrono = first, stage = CASE stage WHEN 'attached' THEN stage ELSE 'registered' END"
);

const ATTACHED: &str = update!(", stage = 'attached'");

/// It has not changed: it still waits.
const REMINDED: &str = rows!("step = about, updated_at = coalesce(updated_at, moved_at)");

/// It goes on from where it stands, even if that is nowhere.
const MIGRATED: &str =
    rows!("updated_at = moved_at, step = coalesce(about, step), chain_version = number");

const FAILED: &str = rows!(
    "updated_at = moved_at, step = about, awaited = awaited - about, ",
    "troubles = troubles || jsonb_build_object(about, first), trouble = ",
    told!("troubles || jsonb_build_object(about, first)")
);

const AWAITS: &str = update!("", "awaited || jsonb_build_object(about, detail)");

const CANCELLED: &str = update!(", stage = 'cancelled', reason = first", "'{}'");

/// What was made in the rounds before stays in the log; here, only what is in force.
const RESTARTED: &str = update!(
    ", stage = second, reason = first, round = round + 1, pdf = third, pages = number,
     data = CASE second WHEN 'requested' THEN NULL ELSE data END,
     office = CASE second WHEN 'requested' THEN NULL ELSE office END,
     office_format = CASE second WHEN 'requested' THEN NULL ELSE office_format END,
     signed_pdf = NULL, signature_id = NULL, chrono = NULL",
    "'{}'"
);
