use super::*;
use crate::{
    amount::Amount,
    dossier::{Dossier, Payment, Request, Stage},
    ids::{BatchId, DocumentId},
    merge_fields::{Case, Surroundings, of_batch, of_dossier},
    paper_reference::PaperReference,
    personal::Personal,
    testing::{march, request, uuid},
    third_party::Profile,
};
use std::collections::BTreeSet;

const SCOPES: [Scope; 2] = [Scope::Dossier, Scope::Batch];

/// Every path of `data`, the groups and the items of lists among them.
fn paths(data: &Value) -> BTreeSet<String> {
    fn collect(data: &Value, path: &str, paths: &mut BTreeSet<String>) {
        match data {
            Value::Object(map) => {
                for (name, value) in map {
                    let dot = if path.is_empty() { "" } else { "." };
                    let path = format!("{path}{dot}{name}");
                    paths.insert(path.clone());
                    collect(value, &path, paths);
                }
            }
            Value::Array(items) => {
                for item in items {
                    let path = format!("{path}[]");
                    paths.insert(path.clone());
                    collect(item, &path, paths);
                }
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    collect(data, "", &mut found);
    found
}

/// All that `data` holds at `path`: null where a group above is empty, nothing where a list is.
fn values<'a>(data: &'a Value, path: &str) -> Vec<&'a Value> {
    path.replace("[]", ".[]")
        .split('.')
        .fold(vec![data], |found, step| match step {
            "[]" => found
                .iter()
                .flat_map(|list| list.as_array().into_iter().flatten())
                .collect(),
            name => {
                let null = &Value::Null;
                found
                    .iter()
                    .map(|record| record.get(name).unwrap_or(null))
                    .collect()
            }
        })
}

fn is(kind: FieldKind, value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    match kind {
        FieldKind::Text => value.is_string(),
        FieldKind::Amount => text.split_once('.').is_some_and(|(euros, cents)| {
            cents.len() == 2 && euros.parse::<u64>().is_ok() && cents.parse::<u8>().is_ok()
        }),
        FieldKind::Date => text.parse::<chrono::NaiveDate>().is_ok(),
        FieldKind::Integer => value.is_i64(),
        FieldKind::Boolean => value.is_boolean(),
        FieldKind::List => value.is_array(),
        FieldKind::Record => value.is_object(),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// The data of a dossier of which almost nothing is known.
fn bare(scope: Scope, payments: Vec<Payment>) -> Value {
    let case = Case {
        dossier: Dossier::Open {
            request: Box::new(Request {
                payments,
                ..request()
            }),
            stage: Stage::Deposited,
        },
        profile: Profile {
            name: Personal("L'Éveil culturel".into()),
            siret: None,
            rna: None,
            address: None,
            email: None,
            applicant_account: None,
        },
    };
    let around = Surroundings {
        document: PaperReference {
            document: DocumentId(uuid(2)),
            round: 1,
        },
        title: "Lettre".into(),
        date: march(20),
        batch: BatchId(uuid(1)),
        batch_label: "Lot".into(),
    };
    match scope {
        Scope::Dossier => of_dossier(&case, &around).unwrap_or_default(),
        Scope::Batch => of_batch(&[case], &around),
    }
}

#[test]
fn what_documents_are_given_is_what_the_dictionary_lists_and_nothing_else() {
    for scope in SCOPES {
        let listed: BTreeSet<String> = Dictionary::of(scope)
            .fields()
            .map(|field| field.path.clone())
            .collect();
        assert_eq!(paths(&sample(scope)), listed, "{scope:?}");
    }
}

#[test]
fn each_field_holds_what_the_dictionary_says_and_is_empty_only_where_it_says_so() {
    for scope in SCOPES {
        let payment = Payment {
            label: "Acompte".into(),
            date: None,
            amount: Amount::from_cents(100),
        };
        let (full, bare) = (sample(scope), bare(scope, vec![payment]));
        for field in Dictionary::of(scope).fields() {
            let filled = values(&full, &field.path);
            assert!(!filled.is_empty(), "{}", field.path);
            let fits =
                |value: &&Value| is(field.kind, value) || value.is_null() && field.may_be_empty;
            assert!(filled.iter().all(fits), "{}: {filled:?}", field.path);
            let empty = values(&bare, &field.path).into_iter().any(is_empty);
            assert!(
                !empty || field.may_be_empty,
                "{} is empty in a bare dossier",
                field.path
            );
        }
    }
}

#[test]
fn what_the_dictionary_calls_empty_in_some_dossiers_is_empty_in_a_bare_one() {
    let bare = bare(Scope::Dossier, vec![]);
    let optional = |field: &&Field| field.may_be_empty;
    for field in Dictionary::of(Scope::Dossier).fields().filter(optional) {
        let filled = values(&bare, &field.path)
            .into_iter()
            .any(|value| !is_empty(value));
        assert!(!filled, "{} is not empty in a bare dossier", field.path);
    }
}

#[test]
fn every_field_has_an_example_of_its_kind() {
    for field in Dictionary::whole().fields() {
        let example = field.example();
        match field.kind {
            FieldKind::List | FieldKind::Record => assert_eq!(example, Value::Null),
            kind => assert!(is(kind, &example), "{}: {example}", field.path),
        }
    }
}

#[test]
fn a_field_of_the_dossiers_own_is_known_with_the_number_of_those_that_have_it() {
    let custom = BTreeMap::from([("genre".to_owned(), 12)]);
    let dictionary = Dictionary::whole().with_custom(custom);
    for (path, found) in [
        ("dossier.champs.genre", Found::Custom { dossiers: 12 }),
        (
            "lot.dossiers[].champs.genre",
            Found::Custom { dossiers: 12 },
        ),
        ("dossier.champs.gnere", Found::Custom { dossiers: 0 }),
        ("dossier.champsgenre", Found::Unknown),
        ("beneficiare.nom", Found::Unknown),
    ] {
        assert_eq!(dictionary.find(path), found, "{path}");
    }
    let letters = Dictionary::of(Scope::Dossier);
    assert_eq!(letters.find("lot.dossiers[].champs.genre"), Found::Unknown);
    assert!(
        matches!(letters.find("versements[].montant"), Found::Field(field) if field.kind == FieldKind::Amount)
    );
}

#[test]
fn a_template_is_about_a_batch_when_it_uses_what_a_batch_alone_has() {
    for (paths, scope) in [
        (vec![], Scope::Dossier),
        (vec!["document.titre", "lot.numero"], Scope::Dossier),
        (vec!["beneficiaire.nom", "lot.numero"], Scope::Dossier),
        (vec!["lot.numero", "lot.dossiers[].objet"], Scope::Batch),
        (vec!["lot.dossiers[].champs.genre"], Scope::Batch),
        (vec!["lot.totl"], Scope::Dossier),
    ] {
        assert_eq!(Dictionary::about(paths.clone()), scope, "{paths:?}");
    }
}

#[test]
fn an_image_is_known_once_it_was_uploaded() {
    let dictionary = Dictionary::whole().with_images(BTreeSet::from(["logo".to_owned()]));
    for (path, found) in [
        ("images.logo", Found::Image { known: true }),
        ("images.lgoo", Found::Image { known: false }),
        ("images", Found::Unknown),
    ] {
        assert_eq!(dictionary.find(path), found, "{path}");
    }
}

#[test]
fn the_dictionary_is_the_reviewed_one() {
    let lines: Vec<String> = Dictionary::whole()
        .fields()
        .map(|field| {
            let empty = if field.may_be_empty {
                ", vide parfois"
            } else {
                ""
            };
            format!(
                "{} ({:?}{empty}) {:?} : {} = {}",
                field.path,
                field.kind,
                field.scopes,
                field.label,
                field.example()
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
