//! What clients say about a dossier.

use crate::graphql::refusal::{Refusal, RefusalCode};
use async_graphql::InputObject;
use chrono::NaiveDate;
use navette_domain::{
    amount::Amount,
    dossier::{Authority, Decision, Payment, Request},
    ids::ThirdPartyId,
    siret::Siret,
};
use navette_projections::kinds::Cents;
use serde::Serialize;
use uuid::Uuid;

/// Who grants.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct AuthorityInput {
    /// Its name.
    name: String,
    /// Its SIRET.
    siret: Option<String>,
}

/// One payment of a schedule.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct PaymentInput {
    /// What it is.
    label: String,
    /// When, if a date is set.
    date: Option<NaiveDate>,
    /// How much.
    amount: Cents,
}

/// Something else that a source says.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct CustomFieldInput {
    /// The column's name.
    name: String,
    /// What it holds.
    value: String,
}

/// What is asked, and by whom.
#[derive(Debug, Clone, InputObject, Serialize)]
pub struct RequestInput {
    /// The number that people quote; unique.
    reference: String,
    /// Who asks.
    third_party_id: Uuid,
    /// Who grants.
    authority: AuthorityInput,
    /// What the money is for.
    purpose: String,
    /// How much is asked.
    amount: Cents,
    /// The kind of help.
    nature: Option<String>,
    /// The scheme (dispositif) under which it is asked.
    scheme: Option<String>,
    /// The service that instructs it.
    service: Option<String>,
    /// The budget year.
    fiscal_year: Option<i32>,
    /// The terms of payment, in words.
    payment_terms: Option<String>,
    /// The schedule of payments.
    #[graphql(default)]
    payments: Vec<PaymentInput>,
    /// Whatever else its source says.
    #[graphql(default)]
    custom: Vec<CustomFieldInput>,
}

/// By which act.
#[derive(Debug, Clone, Default, InputObject, Serialize)]
pub struct DecisionInput {
    /// The reference of the act.
    reference: Option<String>,
    /// Its date.
    date: Option<NaiveDate>,
}

impl From<DecisionInput> for Decision {
    fn from(input: DecisionInput) -> Self {
        Self {
            reference: input.reference,
            date: input.date,
        }
    }
}

impl TryFrom<RequestInput> for Request {
    type Error = Refusal;

    fn try_from(input: RequestInput) -> Result<Self, Refusal> {
        let payment = |payment: PaymentInput| Payment {
            label: payment.label,
            date: payment.date,
            amount: amount(payment.amount),
        };
        Ok(Self {
            reference: input.reference,
            third_party: ThirdPartyId(input.third_party_id),
            authority: Authority {
                name: input.authority.name,
                siret: input.authority.siret.as_deref().map(siret).transpose()?,
            },
            purpose: input.purpose,
            amount: amount(input.amount),
            nature: input.nature,
            scheme: input.scheme,
            service: input.service,
            fiscal_year: input.fiscal_year,
            payment_terms: input.payment_terms,
            payments: input.payments.into_iter().map(payment).collect(),
            custom: input
                .custom
                .into_iter()
                .map(|field| (field.name, field.value))
                .collect(),
        })
    }
}

/// An amount as the domain holds it.
pub fn amount(cents: Cents) -> Amount {
    Amount::from_cents(cents.0)
}

/// A SIRET, or why it is none.
pub fn siret(text: &str) -> Result<Siret, Refusal> {
    text.parse()
        .map_err(|fault| Refusal::new(RefusalCode::InvalidInput, format!("« {text} » {fault}.")))
}
