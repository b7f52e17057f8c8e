//! What a template may use: from dossiers and third parties to the fields that clerks write in letters.
//!
//! Top-level names are French, since clerks write them: `dossier`, `beneficiaire`, `attribuant`,
//! `decision`, `versements`, `lot`, `document`. Amounts are texts with two decimals (`"1234.56"`), dates
//! are ISO texts, and what is unknown is null, so that a template can test it.

use crate::{
    amount::Amount,
    dossier::{Dossier, Outcome, Request, Stage},
    third_party::Profile,
};
use chrono::NaiveDate;
use serde_json::{Value, json};

/// A dossier with its third party, as merging needs them.
#[derive(Debug, Clone)]
pub struct Case {
    /// The dossier.
    pub dossier: Dossier,
    /// Its third party.
    pub profile: Profile,
}

/// What surrounds the dossiers in a document.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The title of the document.
    pub title: String,
    /// The date that the document bears.
    pub date: NaiveDate,
    /// What the clerk calls the batch.
    pub batch_label: String,
}

/// The fields of a document about one dossier; `None` when the dossier does not exist.
pub fn of_dossier(case: &Case, around: &Surroundings) -> Option<Value> {
    let mut fields = case_fields(case)?;
    fields["document"] = document(around);
    fields["lot"] = json!({ "intitule": around.batch_label });
    Some(fields)
}

/// The fields of a document about all the dossiers of a batch.
pub fn of_batch(cases: &[Case], around: &Surroundings) -> Value {
    let rows: Vec<Value> = cases
        .iter()
        .filter_map(|case| {
            let mut fields = case_fields(case)?;
            let mut row = fields["dossier"].take();
            for name in ["beneficiaire", "attribuant", "decision", "versements"] {
                row[name] = fields[name].take();
            }
            Some(row)
        })
        .collect();
    let total = cases
        .iter()
        .filter_map(|case| amount_in_force(&case.dossier))
        .sum::<i64>();
    json!({
        "document": document(around),
        "lot": {
            "intitule": around.batch_label,
            "nombre": rows.len(),
            "total": Amount::from_cents(total).to_string(),
            "dossiers": rows,
        },
    })
}

fn document(around: &Surroundings) -> Value {
    json!({ "titre": around.title, "date": around.date })
}

/// What was granted, or else what is asked, in cents.
fn amount_in_force(dossier: &Dossier) -> Option<i64> {
    match dossier {
        Dossier::Unborn => None,
        Dossier::Open { stage, request } => Some(match stage.outcome() {
            Some(Outcome::Granted { amount, .. }) => amount.cents(),
            _ => request.amount.cents(),
        }),
    }
}

fn case_fields(case: &Case) -> Option<Value> {
    let Dossier::Open { request, stage } = &case.dossier else {
        return None;
    };
    let (granted, decision, refusal) = match stage.outcome() {
        Some(Outcome::Granted { amount, decision }) => (Some(amount), Some(decision), None),
        Some(Outcome::Refused { reason, decision }) => (None, Some(decision), Some(reason)),
        None => (None, None, None),
    };
    Some(json!({
        "dossier": dossier(request, stage, *granted.unwrap_or(&request.amount)),
        "beneficiaire": beneficiary(&case.profile),
        "attribuant": { "nom": request.authority.name, "siret": request.authority.siret.as_ref().map(ToString::to_string) },
        "decision": {
            "reference": decision.and_then(|d| d.reference.as_ref()),
            "date": decision.and_then(|d| d.date),
            "motif": refusal,
        },
        "versements": request.payments.iter().map(|payment| json!({
            "libelle": payment.label, "date": payment.date, "montant": payment.amount.to_string(),
        })).collect::<Vec<_>>(),
    }))
}

fn dossier(request: &Request, stage: &Stage, amount: Amount) -> Value {
    json!({
        "reference": request.reference,
        "objet": request.purpose,
        "montant": amount.to_string(),
        "montant_demande": request.amount.to_string(),
        "nature": request.nature,
        "dispositif": request.scheme,
        "service": request.service,
        "exercice": request.fiscal_year,
        "conditions_versement": request.payment_terms,
        "date_commission": match stage { Stage::Scheduled(date) => Some(*date), _ => stage.outcome().and_then(|outcome| match outcome {
            Outcome::Granted { decision, .. } | Outcome::Refused { decision, .. } => decision.date,
        }) },
        "statut": crate::french::dossier_status(stage.status()),
        "champs": request.custom,
    })
}

fn beneficiary(profile: &Profile) -> Value {
    json!({
        "nom": profile.name.reveal(),
        "siret": profile.siret.as_ref().map(ToString::to_string),
        "rna": profile.rna.as_ref().map(ToString::to_string),
        "email": profile.email.as_ref().map(|email| email.reveal().to_string()),
        "adresse": profile.address.as_ref().map(|address| {
            let address = address.reveal();
            json!({ "lignes": address.lines, "code_postal": address.postcode, "commune": address.town })
        }),
    })
}
