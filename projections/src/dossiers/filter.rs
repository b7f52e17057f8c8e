//! Which dossiers, and in which order.

use super::{DossierRow, custom};
use crate::{
    condition::{
        CentsIs, Column, DateIs, Filter, InstantIs, IntIs, NumberIs, Sql, TextIs, branches, key,
        one_id, one_of, words,
    },
    documents::DocumentFilter,
    kinds::{Cents, DossierStatus},
    list::{ID, Key, List, ordered},
    scope::Scope,
    third_parties::ThirdPartyFilter,
};
use async_graphql::{Enum, InputObject};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which dossiers: every condition that is given must hold. A list means "one of these"; the fields that end
/// in `Is` test the same column in other ways.
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct DossierFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// One of these statuses.
    pub status: Option<Vec<DossierStatus>>,
    /// One of these schemes (dispositifs).
    pub scheme: Option<Vec<String>>,
    /// The scheme.
    pub scheme_is: Option<TextIs>,
    /// One of these services.
    pub service: Option<Vec<String>>,
    /// The service.
    pub service_is: Option<TextIs>,
    /// One of these third parties.
    pub third_party: Option<Vec<Uuid>>,
    /// The third party.
    pub third_party_is: Option<Box<ThirdPartyFilter>>,
    /// One of these references, letter for letter.
    pub reference: Option<Vec<String>>,
    /// The reference.
    pub reference_is: Option<TextIs>,
    /// The kind of help.
    pub nature: Option<TextIs>,
    /// The budget year.
    pub fiscal_year: Option<IntIs>,
    /// The commission's date.
    pub commission_date: Option<DateIs>,
    /// The commission is on this date or later.
    #[graphql(deprecation = "`commissionDate: { from }` says the same")]
    pub commission_from: Option<NaiveDate>,
    /// The commission is on this date or earlier.
    #[graphql(deprecation = "`commissionDate: { to }` says the same")]
    pub commission_to: Option<NaiveDate>,
    /// The reference of the act that decided: its first 100 characters count.
    pub decision_reference: Option<TextIs>,
    /// The date of that act.
    pub decision_date: Option<DateIs>,
    /// The act is of this date or later.
    #[graphql(deprecation = "`decisionDate: { from }` says the same")]
    pub decision_from: Option<NaiveDate>,
    /// The act is of this date or earlier.
    #[graphql(deprecation = "`decisionDate: { to }` says the same")]
    pub decision_to: Option<NaiveDate>,
    /// The amount: granted, else asked.
    pub amount: Option<CentsIs>,
    /// The amount (granted, else asked) is this or more.
    #[graphql(deprecation = "`amount: { from }` says the same")]
    pub amount_from: Option<Cents>,
    /// The amount (granted, else asked) is this or less.
    #[graphql(deprecation = "`amount: { to }` says the same")]
    pub amount_to: Option<Cents>,
    /// How much is asked.
    pub requested: Option<CentsIs>,
    /// How much is granted.
    pub granted: Option<CentsIs>,
    /// When it was deposited here.
    pub registered_at: Option<InstantIs>,
    /// When it last changed.
    pub updated_at: Option<InstantIs>,
    /// Beginnings of words of the purpose and the reference, without accents, case or plurals.
    pub text: Option<String>,
    /// The fields of its own: all these tests must hold.
    pub custom: Option<Vec<CustomIs>>,
    /// It is in one of these batches.
    pub batch: Option<Vec<Uuid>>,
    /// One of its documents is so.
    pub document_is: Option<Box<DocumentFilter>>,
    /// All of these hold.
    pub and: Option<Vec<DossierFilter>>,
    /// One of these holds.
    pub or: Option<Vec<DossierFilter>>,
    /// This does not hold.
    pub not: Option<Box<DossierFilter>>,
}

/// Tests of a field that dossiers have of their own. Without tests, that the dossier has it.
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct CustomIs {
    /// The field's name, letter for letter.
    pub name: String,
    /// The value as a text: its first 256 characters count.
    pub text: Option<TextIs>,
    /// The value as a number, if it reads as one: `1 234,56`, `12 %`.
    pub number: Option<NumberIs>,
    /// The value as a date, if it reads as one: `2026-03-12`, `12/03/2026`.
    pub date: Option<DateIs>,
}

const REFERENCE: Column = Column::always("reference");
const AMOUNT: Column = Column::always("amount_cents");
const REQUESTED: Column = Column::always("requested_cents");
const REGISTERED: Column = Column::always("registered_at");
const UPDATED: Column = Column::always("updated_at");
const NATURE: Column = Column::text(key!(text "nature"));
const SCHEME: Column = Column::text(key!(text "scheme"));
const SERVICE: Column = Column::text(key!(text "service"));
const FISCAL_YEAR: Column = Column::integer(key!(integer "fiscal_year"));
const GRANTED: Column = Column::bigint(key!(bigint "granted_cents"));
const COMMISSION: Column = Column::date(key!(date "commission_date"));
const DECISION: Column = Column::date(key!(date "decision_date"));
const DECISION_REFERENCE: Column = Column::text(key!(text "left(decision_reference, 100)"));

impl Filter for DossierFilter {
    fn tests(&self, query: &mut Sql<'_>, scope: &Scope) {
        self.links(query, scope);
        if let Some(statuses) = &self.status {
            let names: Vec<&'static str> = statuses.iter().map(|status| status.as_str()).collect();
            query.push(" AND status = ANY(").push_bind(names).push(")");
        }
        one_of(query, SCHEME, self.scheme.as_ref());
        one_of(query, SERVICE, self.service.as_ref());
        one_of(query, REFERENCE, self.reference.as_ref());
        for (test, column) in [
            (&self.scheme_is, SCHEME),
            (&self.service_is, SERVICE),
            (&self.reference_is, REFERENCE),
            (&self.nature, NATURE),
            (&self.decision_reference, DECISION_REFERENCE),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        for (test, column) in [
            (&self.amount, AMOUNT),
            (&self.requested, REQUESTED),
            (&self.granted, GRANTED),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        for (test, column) in [
            (&self.registered_at, REGISTERED),
            (&self.updated_at, UPDATED),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        self.days(query);
        if let Some(test) = &self.fiscal_year {
            test.push(query, FISCAL_YEAR);
        }
        let (from, to) = (self.amount_from, self.amount_to);
        let amount = CentsIs {
            from,
            to,
            ..CentsIs::default()
        };
        amount.push(query, AMOUNT);
        words(query, self.text.as_ref());
        for test in self.custom.iter().flatten() {
            test.push(query);
        }
    }

    branches!();
}

impl DossierFilter {
    fn links(&self, query: &mut Sql<'_>, scope: &Scope) {
        one_id(query, "id", self.id.as_ref());
        one_id(query, "third_party_id", self.third_party.as_ref());
        if let Some(batches) = &self.batch {
            query.push(" AND id IN (SELECT dossier_id FROM batch_dossiers WHERE true");
            one_id(query, "batch_id", Some(batches));
            query.push(")");
        }
        if let Some(third_party) = &self.third_party_is {
            query.push(" AND third_party_id IN (SELECT id FROM third_parties WHERE true");
            third_party.push(query, scope);
            query.push(")");
        }
        if let Some(document) = &self.document_is {
            query.push(" AND id IN (SELECT dossier_id FROM documents WHERE dossier_id IS NOT NULL");
            DocumentFilter::seen(query, scope);
            document.push(query, scope);
            query.push(")");
        }
    }

    fn days(&self, query: &mut Sql<'_>) {
        let range = |from, to| {
            Some(DateIs {
                from,
                to,
                ..DateIs::default()
            })
        };
        for (test, column) in [
            (&self.commission_date, COMMISSION),
            (&range(self.commission_from, self.commission_to), COMMISSION),
            (&self.decision_date, DECISION),
            (&range(self.decision_from, self.decision_to), DECISION),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
    }
}

impl CustomIs {
    fn push(&self, query: &mut Sql<'_>) {
        query
            .push(" AND id IN (SELECT dossier_id FROM dossier_custom WHERE name = ")
            .push_bind(custom::start(&self.name));
        if let Some(test) = &self.text {
            test.push(query, Column::always("value"));
        }
        if let Some(test) = &self.number {
            query.push(" AND number IS NOT NULL");
            test.push(query, Column::always("number"));
        }
        if let Some(test) = &self.date {
            query.push(" AND date IS NOT NULL");
            test.push(query, Column::always("date"));
        }
        query.push(")");
    }
}

/// By what dossiers are ordered. What is missing counts as larger than all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum DossierOrderField {
    /// The number that people quote.
    Reference,
    /// When they were deposited here.
    RegisteredAt,
    /// When they last changed.
    UpdatedAt,
    /// The amount: granted, else asked.
    Amount,
    /// How much is asked.
    Requested,
    /// How much is granted.
    Granted,
    /// The commission's date.
    CommissionDate,
    /// The date of the act.
    DecisionDate,
    /// The status, those of one status together.
    Status,
    /// The scheme.
    Scheme,
    /// The service.
    Service,
    /// The budget year.
    FiscalYear,
}

/// An order of dossiers; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, InputObject)]
pub struct DossierOrder {
    /// By what.
    pub field: DossierOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl Default for DossierOrder {
    fn default() -> Self {
        Self {
            field: DossierOrderField::Reference,
            descending: false,
        }
    }
}

impl DossierOrder {
    fn keys(self) -> Vec<Key> {
        use DossierOrderField as Field;
        let reference = Key::new(REFERENCE.key, "text");
        let by = |column: Column, sql_type| vec![Key::new(column.key, sql_type), ID];
        let tied = |key, sql_type| vec![Key::new(key, sql_type), reference, ID];
        let keys = match self.field {
            Field::Reference => vec![reference, ID],
            Field::RegisteredAt => by(REGISTERED, "timestamptz"),
            Field::UpdatedAt => by(UPDATED, "timestamptz"),
            Field::Amount => by(AMOUNT, "bigint"),
            Field::Requested => by(REQUESTED, "bigint"),
            Field::Granted => by(GRANTED, "bigint"),
            Field::CommissionDate => tied(COMMISSION.key, "date"),
            Field::DecisionDate => tied(DECISION.key, "date"),
            Field::Status => tied("status", "text"),
            Field::Scheme => tied(SCHEME.key, "text"),
            Field::Service => tied(SERVICE.key, "text"),
            Field::FiscalYear => tied(FISCAL_YEAR.key, "integer"),
        };
        let way = |key: Key| key.way(self.descending);
        keys.into_iter().map(way).collect()
    }
}

impl List for DossierFilter {
    type Row = DossierRow;
    type Order = DossierOrder;
    const TABLE: &'static str = "dossiers";

    fn keys(orders: &[DossierOrder]) -> Vec<Key> {
        match orders {
            [] => DossierOrder::default().keys(),
            some => ordered(some, DossierOrder::keys),
        }
    }

    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        query.push(" AND ");
        scope.sees(query, Self::TABLE);
    }
}
