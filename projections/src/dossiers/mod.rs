//! Dossiers as clerks look for them.

mod custom;
mod filter;
mod query;
mod totals;

pub use filter::{CustomIs, DossierFilter, DossierOrder, DossierOrderField};
pub use query::{by_ids, custom_fields, ids_of_reference};
pub use totals::{DossierDimension, DossierTotal, totals};

use crate::{
    Projector,
    condition::key,
    kinds::{Cents, DossierStatus},
    words,
};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use navette_domain::{
    dossier::{Decision, DossierEvent, Payment, Request},
    event::{Event, Recorded},
    third_party::ThirdPartyEvent,
};
use sqlx::{PgConnection, postgres::PgArguments, query::Query, types::Json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One dossier.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "DossierRow")]
pub struct DossierRow {
    /// Its id.
    pub id: Uuid,
    /// The number that people quote.
    pub reference: String,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub status: DossierStatus,
    /// Who asks.
    #[graphql(skip)]
    pub third_party_id: Uuid,
    /// Who grants.
    pub authority: String,
    /// The number of the authority.
    pub authority_siret: Option<String>,
    /// What the money is for.
    pub purpose: String,
    /// The kind of help.
    pub nature: Option<String>,
    /// The scheme (dispositif) under which it is asked.
    pub scheme: Option<String>,
    /// The service that instructs it.
    pub service: Option<String>,
    /// The budget year.
    pub fiscal_year: Option<i32>,
    /// How much is asked.
    #[graphql(name = "requested")]
    pub requested_cents: Cents,
    /// How much is granted, while that decision stands.
    #[graphql(name = "granted")]
    pub granted_cents: Option<Cents>,
    /// How much it is about: what is granted, else what is asked.
    #[graphql(name = "amount")]
    pub amount_cents: Cents,
    /// The terms of payment, in words.
    pub payment_terms: Option<String>,
    /// The schedule of payments.
    #[graphql(skip)]
    pub payments: Json<Vec<Payment>>,
    /// Whatever else its source says.
    #[graphql(skip)]
    pub custom: Json<BTreeMap<String, String>>,
    /// The commission that looks, or looked, at it.
    pub commission_date: Option<NaiveDate>,
    /// The reference of the act that decided.
    pub decision_reference: Option<String>,
    /// The date of that act.
    pub decision_date: Option<NaiveDate>,
    /// Why it was refused, adjourned or reopened.
    pub reason: Option<String>,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it was deposited here.
    pub registered_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Keeps `dossiers` and `dossier_custom`.
#[derive(Debug)]
pub struct Dossiers;

const SCHEMA: &str = concat!(
    "
CREATE TABLE dossiers (
    id uuid PRIMARY KEY,
    reference text COLLATE \"C\" NOT NULL,
    status text NOT NULL,
    third_party_id uuid NOT NULL,
    authority text NOT NULL,
    authority_siret text,
    purpose text NOT NULL,
    nature text COLLATE \"C\",
    scheme text COLLATE \"C\",
    service text COLLATE \"C\",
    fiscal_year integer,
    requested_cents bigint NOT NULL,
    granted_cents bigint,
    amount_cents bigint NOT NULL GENERATED ALWAYS AS (COALESCE(granted_cents, requested_cents)) STORED,
    payment_terms text,
    payments jsonb NOT NULL,
    custom jsonb NOT NULL,
    commission_date date,
    decision_reference text COLLATE \"C\",
    decision_date date,
    reason text,
    words text NOT NULL,
    search tsvector NOT NULL GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED,
    version bigint NOT NULL,
    registered_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX ON dossiers (reference, id);
CREATE INDEX ON dossiers (registered_at, id);
CREATE INDEX ON dossiers (updated_at, id);
CREATE INDEX ON dossiers (amount_cents, id);
CREATE INDEX ON dossiers (requested_cents, id);
CREATE INDEX ON dossiers (status, reference, id);
CREATE INDEX ON dossiers (third_party_id, reference, id);
CREATE INDEX ON dossiers USING gin (search);
CREATE INDEX ON dossiers (",
    key!(bigint "granted_cents"),
    ", id);
CREATE INDEX ON dossiers (",
    key!(text "scheme"),
    ", reference, id);
CREATE INDEX ON dossiers (",
    key!(text "service"),
    ", reference, id);
CREATE INDEX ON dossiers (",
    key!(integer "fiscal_year"),
    ", reference, id);
CREATE INDEX ON dossiers (",
    key!(date "commission_date"),
    ", reference, id);
CREATE INDEX ON dossiers (",
    key!(date "decision_date"),
    ", reference, id);
CREATE INDEX ON dossiers (",
    key!(text "left(decision_reference, 100)"),
    ");
CREATE TABLE dossier_custom (
    dossier_id uuid NOT NULL,
    name text COLLATE \"C\" NOT NULL,
    value text COLLATE \"C\" NOT NULL,
    number double precision,
    date date
);
CREATE INDEX ON dossier_custom (dossier_id);
CREATE INDEX ON dossier_custom (name, value);
CREATE INDEX ON dossier_custom (name, number) WHERE number IS NOT NULL;
CREATE INDEX ON dossier_custom (name, date) WHERE date IS NOT NULL;
"
);

#[async_trait]
impl Projector for Dossiers {
    fn name(&self) -> &'static str {
        "dossiers"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["dossiers", "dossier_custom"]
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
            Event::Dossier(event) => statement(recorded, event),
            Event::ThirdParty(ThirdPartyEvent::Erased { .. }) => erased(recorded),
            _ => return Ok(()),
        }
        .execute(&mut *connection)
        .await?;
        if let Event::Dossier(event) = &recorded.event {
            let dossier = recorded.stream_id;
            match event {
                DossierEvent::Registered { request, .. } => {
                    custom::keep(connection, dossier, &request.custom, false).await?;
                }
                DossierEvent::Amended { request, .. } => {
                    custom::keep(connection, dossier, &request.custom, true).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

type Statement<'q> = Query<'q, sqlx::Postgres, PgArguments>;

fn statement<'q>(recorded: &'q Recorded, event: &'q DossierEvent) -> Statement<'q> {
    use DossierEvent as E;
    use DossierStatus as S;
    match event {
        E::Registered { request, at } => registered(recorded, request, *at),
        E::Amended { request, .. } => amended(recorded, request),
        E::Completed { .. } => moved(recorded, S::Complete),
        E::TakenUp { .. } => moved(recorded, S::UnderInstruction),
        E::Scheduled { commission, .. } => scheduled(recorded, *commission),
        E::TakenOver {
            amount, decision, ..
        }
        | E::Granted {
            amount, decision, ..
        } => decided(recorded, S::Granted, Some((*amount).into()), decision, None),
        E::Refused {
            reason, decision, ..
        } => decided(recorded, S::Refused, None, decision, Some(reason)),
        E::Adjourned { reason, .. } => back(recorded, S::Adjourned, reason),
        E::Notified { .. } => moved(recorded, S::Notified),
        E::Closed { .. } => moved(recorded, S::Closed),
        E::Reopened { reason, .. } => back(recorded, S::UnderInstruction, reason),
    }
}

fn change<'q>(sql: &'q str, recorded: &'q Recorded) -> Statement<'q> {
    sqlx::query(sql)
        .bind(recorded.stream_id)
        .bind(recorded.version)
        .bind(recorded.recorded_at)
}

fn registered<'q>(
    recorded: &'q Recorded,
    request: &'q Request,
    at: DateTime<Utc>,
) -> Statement<'q> {
    const SQL: &str = "
        INSERT INTO dossiers (id, version, updated_at, status, registered_at, reference, third_party_id,
            authority, authority_siret, purpose, nature, scheme, service, fiscal_year, requested_cents,
            payment_terms, payments, custom, words)
        VALUES ($1, $2, $3, 'deposited', $18, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    with_request(change(SQL, recorded), request).bind(at)
}

fn amended<'q>(recorded: &'q Recorded, request: &'q Request) -> Statement<'q> {
    const SQL: &str = "
        UPDATE dossiers SET version = $2, updated_at = $3, reference = $4, third_party_id = $5,
            authority = $6, authority_siret = $7, purpose = $8, nature = $9, scheme = $10, service = $11,
            fiscal_year = $12, requested_cents = $13, payment_terms = $14, payments = $15, custom = $16,
            words = $17
        WHERE id = $1";
    with_request(change(SQL, recorded), request)
}

fn with_request<'q>(statement: Statement<'q>, request: &'q Request) -> Statement<'q> {
    statement
        .bind(&request.reference)
        .bind(request.third_party.0)
        .bind(&request.authority.name)
        .bind(request.authority.siret.as_ref().map(ToString::to_string))
        .bind(&request.purpose)
        .bind(request.nature.as_ref())
        .bind(request.scheme.as_ref())
        .bind(request.service.as_ref())
        .bind(request.fiscal_year)
        .bind(request.amount.cents())
        .bind(request.payment_terms.as_ref())
        .bind(Json(&request.payments))
        .bind(Json(&request.custom))
        .bind(words::searchable(&[&request.purpose, &request.reference]))
}

/// The columns that a dossier brought go with its third party.
fn erased(recorded: &Recorded) -> Statement<'_> {
    const SQL: &str = "
        WITH emptied AS (UPDATE dossiers SET custom = '{}' WHERE third_party_id = $1 RETURNING id)
        DELETE FROM dossier_custom USING emptied WHERE dossier_id = emptied.id";
    sqlx::query(SQL).bind(recorded.stream_id)
}

fn moved(recorded: &Recorded, status: DossierStatus) -> Statement<'_> {
    const SQL: &str =
        "UPDATE dossiers SET version = $2, updated_at = $3, status = $4 WHERE id = $1";
    change(SQL, recorded).bind(status.as_str())
}

fn scheduled(recorded: &Recorded, commission: NaiveDate) -> Statement<'_> {
    const SQL: &str = "
        UPDATE dossiers SET version = $2, updated_at = $3, status = 'scheduled', commission_date = $4,
            reason = NULL
        WHERE id = $1";
    change(SQL, recorded).bind(commission)
}

fn decided<'q>(
    recorded: &'q Recorded,
    status: DossierStatus,
    granted: Option<Cents>,
    decision: &'q Decision,
    reason: Option<&'q String>,
) -> Statement<'q> {
    const SQL: &str = "
        UPDATE dossiers SET version = $2, updated_at = $3, status = $4, granted_cents = $5,
            decision_reference = $6, decision_date = $7, reason = $8
        WHERE id = $1";
    change(SQL, recorded)
        .bind(status.as_str())
        .bind(granted)
        .bind(decision.reference.as_ref())
        .bind(decision.date)
        .bind(reason)
}

/// Adjourned or reopened: what was decided no longer stands, nor does the commission's date.
fn back<'q>(recorded: &'q Recorded, status: DossierStatus, reason: &'q String) -> Statement<'q> {
    const SQL: &str = "
        UPDATE dossiers SET version = $2, updated_at = $3, status = $4, reason = $5,
            granted_cents = NULL, decision_reference = NULL, decision_date = NULL, commission_date = NULL
        WHERE id = $1";
    change(SQL, recorded).bind(status.as_str()).bind(reason)
}
