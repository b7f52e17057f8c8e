//! The data of an imaginary dossier in which every field is filled: examples, and previews without a
//! dossier.

use crate::{
    amount::Amount,
    chain::Scope,
    dossier::{Authority, Decision, Dossier, Outcome, Payment, Request, Stage},
    ids::{BatchId, DocumentId, ThirdPartyId},
    merge_fields::{Case, Surroundings, of_batch, of_dossier},
    paper_reference::PaperReference,
    personal::Personal,
    third_party::{PostalAddress, Profile},
};
use chrono::NaiveDate;
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};
use uuid::Uuid;

/// What an imaginary dossier that was granted, or a batch of two, gives to a template.
pub fn sample(scope: Scope) -> Value {
    let asked = Amount::from_cents(1_500_000);
    let granted = Outcome::Granted {
        amount: Amount::from_cents(1_234_560),
        decision: decision(),
    };
    match scope {
        Scope::Dossier => {
            of_dossier(&case("SUB-2026-0012", asked, granted), &around()).unwrap_or_default()
        }
        Scope::Batch => {
            let second = Outcome::Granted {
                amount: Amount::from_cents(800_000),
                decision: decision(),
            };
            let cases = [
                case("SUB-2026-0012", asked, granted),
                case("SUB-2026-0013", Amount::from_cents(800_000), second),
            ];
            of_batch(&cases, &around())
        }
    }
}

/// What the field of this path holds in the sample; what only a refusal gives comes from one.
pub(super) fn example(scope: Scope, path: &str) -> Value {
    static SAMPLES: LazyLock<[(Scope, Value); 4]> = LazyLock::new(|| {
        let refused = Outcome::Refused {
            reason: "Crédits épuisés".into(),
            decision: decision(),
        };
        let refused = case("SUB-2026-0014", Amount::from_cents(500_000), refused);
        [
            (Scope::Dossier, sample(Scope::Dossier)),
            (Scope::Batch, sample(Scope::Batch)),
            (
                Scope::Dossier,
                of_dossier(&refused, &around()).unwrap_or_default(),
            ),
            (Scope::Batch, of_batch(&[refused], &around())),
        ]
    });
    let steps = format!("/{}", path.replace("[]", ".0").replace('.', "/"));
    let samples = SAMPLES.iter().filter(|(of, _)| *of == scope);
    samples
        .filter_map(|(_, sample)| sample.pointer(&steps))
        .find(|value| !value.is_null())
        .cloned()
        .unwrap_or_default()
}

fn decision() -> Decision {
    Decision {
        reference: Some("CP-2026-03-17".into()),
        date: day(3, 17),
    }
}

fn day(month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(2026, month, day)
}

fn around() -> Surroundings {
    Surroundings {
        document: PaperReference {
            document: DocumentId(Uuid::from_u128(0x0195_b1c6_9c00_7000_8000_2026_0320_0012)),
            round: 1,
        },
        title: "Notification d'attribution SUB-2026-0012".into(),
        date: day(3, 20).unwrap_or_default(),
        batch: BatchId(Uuid::from_u128(0x2026_0320)),
        batch_label: "Commission du 17 mars".into(),
    }
}

fn case(reference: &str, asked: Amount, outcome: Outcome) -> Case {
    let half = Amount::from_cents(asked.cents() / 2);
    let payment = |label: &str, date| Payment {
        label: label.into(),
        date,
        amount: half,
    };
    let request = Request {
        reference: reference.into(),
        third_party: ThirdPartyId::of_key("sample"),
        authority: Authority {
            name: "Département du Val-Clair".into(),
            siret: "73282932000074".parse().ok(),
        },
        purpose: "Saison culturelle 2026".into(),
        amount: asked,
        nature: Some("aide en numéraire".into()),
        scheme: Some("Soutien à la vie culturelle".into()),
        service: Some("Direction de la culture".into()),
        fiscal_year: Some(2026),
        payment_terms: Some("en deux versements".into()),
        payments: vec![
            payment("Acompte de 50 %", day(4, 15)),
            payment("Solde", day(11, 30)),
        ],
        custom: BTreeMap::new(),
    };
    Case {
        dossier: Dossier::Open {
            request: Box::new(request),
            stage: Stage::Decided(outcome),
        },
        profile: Profile {
            name: Personal("Association L'Éveil culturel".into()),
            siret: "41816609600051".parse().ok(),
            rna: "W351001234".parse().ok(),
            address: Some(Personal(PostalAddress {
                lines: vec!["Maison des associations".into(), "12 rue des Carmes".into()],
                postcode: "35600".into(),
                town: "Redon".into(),
            })),
            email: "contact@eveil.example".parse().ok().map(Personal),
            applicant_account: None,
        },
    }
}
