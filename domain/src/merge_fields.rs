//! What a template may use: from dossiers and third parties to the fields that clerks write in letters.
//!
//! Top-level names are French, since clerks write them: `dossier`, `beneficiaire`, `attribuant`,
//! `decision`, `versements`, `lot`, `document`. Amounts are texts with two decimals (`"1234.56"`), dates
//! are ISO texts, and what is unknown is null, so that a template can test it.

use crate::{
    amount::Amount,
    dictionary::IMAGES,
    dossier::{Dossier, Outcome, Request, Stage},
    ids::BatchId,
    paper_reference::PaperReference,
    template::{Included, IncludedKind},
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
    /// The document itself, and the round in which it is made: its reference on paper is made of both.
    pub document: PaperReference,
    /// The title of the document.
    pub title: String,
    /// The date that the document bears.
    pub date: NaiveDate,
    /// The batch; its number is the end of its id, which people can quote.
    pub batch: BatchId,
    /// What the clerk calls the batch.
    pub batch_label: String,
}

/// The fields of a document about one dossier; `None` when the dossier does not exist.
pub fn of_dossier(case: &Case, around: &Surroundings) -> Option<Value> {
    let mut fields = case_fields(case)?;
    fields["document"] = document(around);
    fields["lot"] = batch(around);
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
    let total = Amount::checked_sum(
        cases
            .iter()
            .filter_map(|case| amount_in_force(&case.dossier)),
    );
    let mut lot = batch(around);
    lot["nombre"] = json!(rows.len());
    lot["total"] = json!(total.map(|total| total.to_string()));
    lot["dossiers"] = json!(rows);
    json!({ "document": document(around), "lot": lot })
}

/// The same fields with the images that the template names: `images.logo`.
#[must_use]
pub fn with_images(mut fields: Value, included: &[Included]) -> Value {
    for image in included {
        if image.kind == IncludedKind::Image {
            fields[IMAGES][&image.code] = json!({ "image": image.code });
        }
    }
    fields
}

fn batch(around: &Surroundings) -> Value {
    let id = around.batch.0.simple().to_string().to_uppercase();
    let number = &id[id.len() - 8..];
    json!({ "numero": number, "intitule": around.batch_label, "date": around.date })
}

fn document(around: &Surroundings) -> Value {
    json!({
        "titre": around.title,
        "date": around.date,
        "reference_papier": around.document.to_string(),
    })
}

/// What was granted, or else what is asked.
fn amount_in_force(dossier: &Dossier) -> Option<Amount> {
    match dossier {
        Dossier::Unborn => None,
        Dossier::Open { stage, request } => Some(match stage.outcome() {
            Some(Outcome::Granted { amount, .. }) => *amount,
            Some(Outcome::Refused { .. }) | None => request.amount,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dossier::{Decision, DossierEvent as E, Payment},
        ids::DocumentId,
        personal::Personal,
        testing::{march, now, replay, request},
        third_party::PostalAddress,
    };

    fn around() -> Surroundings {
        Surroundings {
            document: PaperReference {
                document: DocumentId(uuid::Uuid::from_u128(0x2b)),
                round: 1,
            },
            title: "Notification SUB-2026-0012".into(),
            date: march(20),
            batch: BatchId(uuid::Uuid::from_u128(0x2a)),
            batch_label: "Notifications de mars".into(),
        }
    }

    /// A dossier whose request and history are these; its third party gives nothing but a name and an
    /// address.
    fn case(request: Request, more: Vec<E>) -> Case {
        let mut history = vec![E::Registered { request, at: now() }];
        history.extend(more);
        Case {
            dossier: replay(history),
            profile: Profile {
                name: Personal("L'Éveil culturel".into()),
                siret: None,
                rna: "W351001234".parse().ok(),
                address: Some(Personal(PostalAddress {
                    lines: vec!["12 rue des Carmes".into()],
                    postcode: "35600".into(),
                    town: "Redon".into(),
                })),
                email: None,
                applicant_account: None,
            },
        }
    }

    fn granted(cents: i64) -> E {
        E::Granted {
            amount: Amount::from_cents(cents),
            decision: Decision {
                reference: Some("CP-2026-03-17".into()),
                date: Some(march(17)),
            },
            at: now(),
        }
    }

    #[test]
    fn the_fields_of_a_letter_are_the_reviewed_ones_and_what_is_unknown_is_null() {
        let request = Request {
            payments: vec![Payment {
                label: "Acompte".into(),
                date: None,
                amount: Amount::from_cents(500_000),
            }],
            ..request()
        };
        insta::assert_json_snapshot!(of_dossier(
            &case(request, vec![granted(1_000_000)]),
            &around()
        ));
    }

    #[test]
    fn a_letter_says_what_was_granted_or_else_what_is_asked() {
        let amount = |more| {
            let fields = of_dossier(&case(request(), more), &around());
            fields.map(|fields| fields["dossier"]["montant"].clone())
        };
        assert_eq!(amount(vec![]), Some(json!("15000.00")));
        assert_eq!(amount(vec![granted(1_000_000)]), Some(json!("10000.00")));
    }

    #[test]
    fn a_dossier_that_does_not_exist_has_no_fields() {
        let unborn = Case {
            dossier: Dossier::Unborn,
            ..case(request(), vec![])
        };
        assert_eq!(of_dossier(&unborn, &around()), None);
        assert_eq!(of_batch(&[unborn], &around())["lot"]["nombre"], 0);
    }

    #[test]
    fn a_table_counts_and_adds_its_dossiers_in_their_order() {
        let cases = [
            case(request(), vec![granted(1_000_000)]),
            case(request(), vec![]),
        ];
        let fields = of_batch(&cases, &around());
        assert_eq!(fields["lot"]["nombre"], 2);
        assert_eq!(fields["lot"]["total"], "25000.00");
        assert_eq!(fields["lot"]["dossiers"][0]["montant"], "10000.00");
        assert_eq!(
            fields["lot"]["dossiers"][1]["beneficiaire"]["nom"],
            "L'Éveil culturel"
        );
    }

    #[test]
    fn images_are_given_by_their_codes_and_other_templates_are_not() {
        let included = |kind, code: &str| Included {
            kind,
            code: code.into(),
            version: 1,
            file: crate::digest::Digest::of(code.as_bytes()),
        };
        let parts = [
            included(IncludedKind::Template, "entete"),
            included(IncludedKind::Image, "logo"),
        ];
        assert_eq!(
            with_images(json!({ "lot": {} }), &parts),
            json!({ "lot": {}, "images": { "logo": { "image": "logo" } } })
        );
        assert_eq!(
            with_images(json!({ "lot": {} }), &parts[..1]),
            json!({ "lot": {} })
        );
    }

    #[test]
    fn a_total_that_cannot_be_counted_is_unknown_rather_than_wrong() {
        let huge = || case(request(), vec![granted(i64::MAX)]);
        assert_eq!(
            of_batch(&[huge(), huge()], &around())["lot"]["total"],
            Value::Null
        );
    }
}
