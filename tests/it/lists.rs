//! Lists as front-ends ask for them: filters of every kind, orders by anything, pages both ways, counts, and
//! plans that read an index.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::story::{self, Story, day, noon, profile, request};
use chrono::TimeDelta;
use navette_domain::{
    amount::Amount,
    chain::StepId,
    document::DocumentEvent,
    dossier::{Decision, DossierEvent},
    ids::{BatchId, DocumentId, DossierId, ThirdPartyId},
    policy::{Principal, Role},
};
use navette_projections::{
    batches::{BatchFilter, BatchOrder, BatchOrderField},
    condition::{CentsIs, DateIs, InstantIs, IntIs, NumberIs, TextIs},
    documents::{DocumentFilter, DocumentOrder, DocumentOrderField},
    dossiers::{self, CustomIs, DossierDimension, DossierFilter, DossierOrder, DossierOrderField},
    effects::{self, EffectFilter, EffectOrder},
    export_models::{ExportModelFilter, ExportModelOrder, ExportModelOrderField},
    export_schedules::{ExportScheduleFilter, ExportScheduleOrder, ExportScheduleOrderField},
    exports::{ExportFilter, ExportOrder, ExportOrderField},
    kinds::{Cents, DossierStatus},
    list::{self, List},
    page::{ListFault, PageArguments, PageFault, PageRequest, Precision},
    scope::Scope,
    signatures::{SignatureFilter, SignatureOrder, SignatureOrderField},
    third_parties::{ThirdPartyFilter, ThirdPartyOrder, ThirdPartyOrderField},
    timeline::{AuditFilter, AuditOrder},
    triggers::{TriggerFilter, TriggerOrder, TriggerOrderField},
};
use serde_json::Value;
use sqlx::{PgPool, Row as _};
use std::collections::BTreeSet;
use uuid::Uuid;

fn limited(service: &str) -> Scope {
    Scope::of(&Principal {
        actor: "token:essai".into(),
        role: Role::Instructor,
        services: vec![service.into()],
        schemes: vec![],
        email: None,
    })
}

/// Dossiers whose every column that may be missing is missing in some, with ties in each.
fn many(story: &mut Story, count: usize) {
    for index in 0..count {
        let mut request = request(&format!("SUB-{:03}", index * 7 % 97));
        request.amount = Amount::from_cents(i64::try_from(index % 4).unwrap() * 1_000);
        request.scheme = (index % 3 > 0).then(|| format!("Dispositif {}", index % 2));
        request.service = (index % 4 > 0).then(|| format!("Service {}", index % 3));
        request.fiscal_year = (index % 5 > 0).then(|| 2024 + i32::try_from(index % 3).unwrap());
        request.third_party = ThirdPartyId(Uuid::from_u128(0x7000 + index as u128 % 6));
        let id = DossierId::of_reference(&request.reference);
        let amount = request.amount;
        let at = noon() + TimeDelta::seconds(i64::try_from(index % 5).unwrap());
        story.dossier(id, DossierEvent::Registered { request, at });
        if index % 3 > 0 {
            let commission = day("2026-03-01") + TimeDelta::days(i64::try_from(index % 2).unwrap());
            story.dossier(id, DossierEvent::Scheduled { commission, at });
        }
        if index % 6 == 1 {
            let date = (index % 4 == 1).then(|| day("2026-03-17"));
            let decision = Decision {
                reference: Some(format!("CP-2026-{}", index % 2)),
                date,
            };
            story.dossier(
                id,
                DossierEvent::Granted {
                    amount,
                    decision,
                    at,
                },
            );
        }
    }
    for party in 0..6 {
        let mut profile = profile(&format!("Élan {}", party % 3));
        if party % 2 == 0 {
            profile.siret = None;
            profile.address = None;
        }
        story.third_party(ThirdPartyId(Uuid::from_u128(0x7000 + party)), profile);
    }
}

/// Every row that `F` keeps, page by page, forward or backward, as its unique key.
async fn walk<F: List>(
    pool: &PgPool,
    filter: &F,
    orders: &[F::Order],
    size: i32,
    back: bool,
) -> Vec<F::Row> {
    let (mut rows, mut cursor) = (vec![], None);
    loop {
        let arguments = if back {
            PageArguments {
                last: Some(size),
                before: cursor,
                ..PageArguments::default()
            }
        } else {
            PageArguments {
                first: Some(size),
                after: cursor,
                ..PageArguments::default()
            }
        };
        let request = PageRequest::of(arguments).unwrap();
        let slice = list::page(pool, &Scope::whole(), filter, orders, &request)
            .await
            .unwrap();
        assert!(slice.rows.len() <= usize::try_from(size).unwrap());
        let more = if back {
            slice.has_previous
        } else {
            slice.has_next
        };
        let mut page: Vec<(String, F::Row)> = slice.rows;
        if back {
            page.reverse();
        }
        cursor = page.last().map(|(cursor, _)| cursor.clone());
        rows.extend(page.into_iter().map(|(_, row)| row));
        if !more {
            return rows;
        }
    }
}

/// Walks every order by pages of several sizes: the rows are those of the table, each once, in one order
/// whatever the size, and in the opposite order backward.
async fn walks<F: List, K: Ord + Clone + std::fmt::Debug>(
    pool: &PgPool,
    orders: &[Vec<F::Order>],
    key: impl Fn(&F::Row) -> K,
    filter: &F,
) {
    let total = list::count(pool, &Scope::whole(), filter).await.unwrap();
    for order in orders {
        let keys = async |size, back| -> Vec<K> {
            let rows = walk(pool, filter, order, size, back).await;
            rows.iter().map(&key).collect()
        };
        let whole = keys(100, false).await;
        let set: BTreeSet<K> = whole.iter().cloned().collect();
        assert_eq!(set.len(), whole.len());
        assert_eq!(i64::try_from(whole.len()).unwrap(), total.value);
        for size in [2, 7] {
            assert_eq!(keys(size, false).await, whole, "by {size}");
            let mut back = keys(size, true).await;
            back.reverse();
            assert_eq!(back, whole, "by {size} backward");
        }
    }
}

const DOSSIER_FIELDS: [DossierOrderField; 12] = [
    DossierOrderField::Reference,
    DossierOrderField::RegisteredAt,
    DossierOrderField::UpdatedAt,
    DossierOrderField::Amount,
    DossierOrderField::Requested,
    DossierOrderField::Granted,
    DossierOrderField::CommissionDate,
    DossierOrderField::DecisionDate,
    DossierOrderField::Status,
    DossierOrderField::Scheme,
    DossierOrderField::Service,
    DossierOrderField::FiscalYear,
];

fn by(field: DossierOrderField, descending: bool) -> DossierOrder {
    DossierOrder { field, descending }
}

#[tokio::test]
async fn every_order_of_dossiers_gives_each_row_once_both_ways_with_missing_values_and_ties() {
    use DossierOrderField as Field;
    let database = story::database().await;
    let mut story = Story::default();
    many(&mut story, 31);
    story.project(&database.pool).await;
    let mut orders: Vec<Vec<DossierOrder>> = DOSSIER_FIELDS
        .iter()
        .flat_map(|field| [vec![by(*field, false)], vec![by(*field, true)]])
        .collect();
    orders.extend([
        vec![by(Field::Scheme, false), by(Field::Amount, true)],
        vec![by(Field::DecisionDate, true), by(Field::Service, false)],
        vec![
            by(Field::FiscalYear, true),
            by(Field::Granted, false),
            by(Field::CommissionDate, true),
        ],
    ]);
    walks(
        &database.pool,
        &orders,
        |row| row.id,
        &DossierFilter::default(),
    )
    .await;
    // Several fields order as they say, and what is missing comes last.
    let rows = walk(
        &database.pool,
        &DossierFilter::default(),
        &orders[24],
        5,
        false,
    )
    .await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let scheme = row.scheme.clone();
            (
                scheme.is_none(),
                scheme,
                std::cmp::Reverse(row.amount_cents),
            )
        })
        .collect();
    assert!(told.is_sorted(), "{told:?}");
}

#[tokio::test]
async fn every_order_of_the_other_lists_gives_each_row_once_both_ways() {
    let database = story::database().await;
    let pool = &database.pool;
    let mut story = story::everything();
    many(&mut story, 12);
    story.project(pool).await;
    for descending in [false, true] {
        let parties: Vec<Vec<ThirdPartyOrder>> = [
            ThirdPartyOrderField::Name,
            ThirdPartyOrderField::Siret,
            ThirdPartyOrderField::Postcode,
            ThirdPartyOrderField::RegisteredAt,
            ThirdPartyOrderField::UpdatedAt,
        ]
        .map(|field| vec![ThirdPartyOrder { field, descending }])
        .into();
        walks(pool, &parties, |row| row.id, &ThirdPartyFilter::default()).await;
        let documents: Vec<Vec<DocumentOrder>> = [
            DocumentOrderField::Title,
            DocumentOrderField::Status,
            DocumentOrderField::RequestedAt,
            DocumentOrderField::Chrono,
        ]
        .map(|field| vec![DocumentOrder { field, descending }])
        .into();
        walks(pool, &documents, |row| row.id, &DocumentFilter::default()).await;
        let batches: Vec<Vec<BatchOrder>> = [
            BatchOrderField::StartedAt,
            BatchOrderField::EndedAt,
            BatchOrderField::Label,
            BatchOrderField::DossierCount,
        ]
        .map(|field| vec![BatchOrder { field, descending }])
        .into();
        walks(pool, &batches, |row| row.id, &BatchFilter::default()).await;
        let signatures: Vec<Vec<SignatureOrder>> = [
            SignatureOrderField::PreparedAt,
            SignatureOrderField::EndedAt,
            SignatureOrderField::Status,
        ]
        .map(|field| vec![SignatureOrder { field, descending }])
        .into();
        walks(pool, &signatures, |row| row.id, &SignatureFilter::default()).await;
        let exports: Vec<Vec<ExportOrder>> =
            [ExportOrderField::RequestedAt, ExportOrderField::Label]
                .map(|field| vec![ExportOrder { field, descending }])
                .into();
        walks(pool, &exports, |row| row.id, &ExportFilter::default()).await;
        let schedules: Vec<Vec<ExportScheduleOrder>> = [
            ExportScheduleOrderField::Name,
            ExportScheduleOrderField::NextAt,
        ]
        .map(|field| vec![ExportScheduleOrder { field, descending }])
        .into();
        walks(
            pool,
            &schedules,
            |row| row.id,
            &ExportScheduleFilter::default(),
        )
        .await;
        let triggers: Vec<Vec<TriggerOrder>> =
            [TriggerOrderField::Name, TriggerOrderField::SavedAt]
                .map(|field| vec![TriggerOrder { field, descending }])
                .into();
        walks(pool, &triggers, |row| row.id, &TriggerFilter::default()).await;
        let models: Vec<Vec<ExportModelOrder>> = [
            ExportModelOrderField::Name,
            ExportModelOrderField::UpdatedAt,
        ]
        .map(|field| vec![ExportModelOrder { field, descending }])
        .into();
        walks(pool, &models, |row| row.id, &ExportModelFilter::default()).await;
    }
    let audit = [vec![AuditOrder::NewestFirst], vec![AuditOrder::OldestFirst]];
    walks(pool, &audit, |row| row.position, &AuditFilter::default()).await;
}

#[tokio::test]
async fn rows_that_others_change_during_a_walk_neither_repeat_nor_hide_those_left_alone() {
    let database = story::database().await;
    let pool = &database.pool;
    for order in [
        by(DossierOrderField::CommissionDate, false),
        by(DossierOrderField::Granted, true),
        by(DossierOrderField::UpdatedAt, false),
    ] {
        sqlx::query("TRUNCATE dossiers")
            .execute(pool)
            .await
            .unwrap();
        let mut story = Story::default();
        many(&mut story, 30);
        story.project(pool).await;
        let all: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM dossiers ORDER BY id")
            .fetch_all(pool)
            .await
            .unwrap();
        let (moved, alone) = all.split_at(10);
        let mut seen = vec![];
        let mut after = None;
        for round in 0.. {
            let request = PageRequest::new(Some(4), after).unwrap();
            let filter = DossierFilter::default();
            let slice = list::page(pool, &Scope::whole(), &filter, &[order], &request).await;
            let slice = slice.unwrap();
            after = slice.rows.last().map(|(cursor, _)| cursor.clone());
            seen.extend(slice.rows.iter().map(|(_, row)| row.id));
            if !slice.has_next {
                break;
            }
            // One that was passed over or lies ahead jumps elsewhere, another becomes NULL, a new one comes.
            sqlx::query(
                "UPDATE dossiers SET commission_date = CASE WHEN $2 % 2 = 0 THEN date '2026-01-01' + $2 END,
                    granted_cents = CASE WHEN $2 % 3 = 0 THEN $2 * 700 END, updated_at = clock_timestamp()
                 WHERE id = $1",
            )
            .bind(moved[round % moved.len()])
            .bind(i32::try_from(round).unwrap())
            .execute(pool)
            .await
            .unwrap();
            let told = story.events.len();
            story.registered(request_of(round));
            story.project_from(pool, told).await;
            assert!(round < 40, "the walk has no end");
        }
        for id in alone {
            let times = seen.iter().filter(|seen| *seen == id).count();
            assert_eq!(times, 1, "{order:?}");
        }
    }
}

fn request_of(round: usize) -> navette_domain::dossier::Request {
    request(&format!("NEW-{round}"))
}

#[expect(clippy::unnecessary_wraps, reason = "a field of a filter is an option")]
fn prefix(text: &str) -> Option<TextIs> {
    Some(TextIs {
        prefix: Some(text.into()),
        ..TextIs::default()
    })
}

#[expect(clippy::unnecessary_wraps, reason = "a field of a filter is an option")]
fn null(is_null: bool) -> Option<TextIs> {
    Some(TextIs {
        is_null: Some(is_null),
        ..TextIs::default()
    })
}

async fn references(pool: &PgPool, scope: &Scope, filter: &DossierFilter) -> Vec<String> {
    let request = PageRequest::new(Some(100), None).unwrap();
    let slice = list::page(pool, scope, filter, &[], &request)
        .await
        .unwrap();
    let count = list::count(pool, scope, filter).await.unwrap();
    assert_eq!(count.value, i64::try_from(slice.rows.len()).unwrap());
    slice
        .rows
        .into_iter()
        .map(|(_, row)| row.reference)
        .collect()
}

/// Three dossiers that differ in everything.
async fn three(pool: &PgPool) -> (Story, BatchId) {
    let mut story = Story::default();
    let mut one = request("CULT-1");
    one.custom = [("Population", "1 234,5"), ("Vote", "12/03/2026")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut two = request("SPO-2");
    two.scheme = None;
    two.service = Some("Jeunesse".into());
    two.fiscal_year = Some(2025);
    two.third_party = ThirdPartyId(Uuid::from_u128(0x7001));
    two.amount = Amount::from_cents(500);
    two.custom = [
        ("Population", "90"),
        ("Vote", "2027-01-01"),
        ("Canton", "Civray"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let mut three = request("SPO-3");
    three.fiscal_year = None;
    three.custom.clear();
    let first = story.registered(one);
    let second = story.registered(two);
    story.registered(three);
    story.third_party(
        ThirdPartyId(Uuid::from_u128(0x7000)),
        profile("Comité des fêtes"),
    );
    let mut other = profile("Judo club");
    other.siret = None;
    story.third_party(ThirdPartyId(Uuid::from_u128(0x7001)), other);
    let at = noon();
    let commission = day("2026-03-12");
    story.dossier(first, DossierEvent::Scheduled { commission, at });
    let decision = Decision {
        reference: Some("CP-2026-03-17".into()),
        date: Some(day("2026-03-17")),
    };
    let amount = Amount::from_cents(90_000);
    story.dossier(
        first,
        DossierEvent::Granted {
            amount,
            decision,
            at,
        },
    );
    let batch = BatchId(Uuid::from_u128(0xB000));
    story.batch(batch, &[first, second]);
    let failed = DocumentEvent::Failed {
        step: StepId("fusion".into()),
        sentence: "Le champ « montant » manque.".into(),
        at,
    };
    story.document(batch, second, failed);
    story.project(pool).await;
    (story, batch)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one line for each of many cases")]
async fn each_test_of_a_dossier_keeps_what_it_says_and_trees_of_them_too() {
    let database = story::database().await;
    let pool = &database.pool;
    let (_, batch) = three(pool).await;
    let none = DossierFilter::default;
    let custom = |name: &str, fill: fn(&mut CustomIs)| {
        let mut test = CustomIs {
            name: name.into(),
            ..CustomIs::default()
        };
        fill(&mut test);
        DossierFilter {
            custom: Some(vec![test]),
            ..DossierFilter::default()
        }
    };
    let not = |filter: DossierFilter| DossierFilter {
        not: Some(Box::new(filter)),
        ..DossierFilter::default()
    };
    let culture = DossierFilter {
        scheme: Some(vec!["Culture".into()]),
        ..none()
    };
    let cases: Vec<(DossierFilter, &[&str])> = vec![
        (
            DossierFilter {
                scheme_is: null(true),
                ..none()
            },
            &["SPO-2"],
        ),
        (
            DossierFilter {
                scheme_is: null(false),
                ..none()
            },
            &["CULT-1", "SPO-3"],
        ),
        (
            DossierFilter {
                scheme_is: prefix("Cul"),
                ..none()
            },
            &["CULT-1", "SPO-3"],
        ),
        (
            DossierFilter {
                scheme_is: prefix("cul"),
                ..none()
            },
            &[],
        ),
        (
            DossierFilter {
                scheme_is: prefix(""),
                ..none()
            },
            &["CULT-1", "SPO-3"],
        ),
        (
            DossierFilter {
                reference_is: prefix("SPO-"),
                ..none()
            },
            &["SPO-2", "SPO-3"],
        ),
        (
            DossierFilter {
                reference_is: prefix("SPO-%"),
                ..none()
            },
            &[],
        ),
        (
            DossierFilter {
                reference_is: null(true),
                ..none()
            },
            &[],
        ),
        (
            DossierFilter {
                decision_reference: prefix("CP-2026"),
                ..none()
            },
            &["CULT-1"],
        ),
        (
            DossierFilter {
                fiscal_year: Some(IntIs {
                    from: Some(2026),
                    ..IntIs::default()
                }),
                ..none()
            },
            &["CULT-1"],
        ),
        (
            DossierFilter {
                fiscal_year: Some(IntIs {
                    is_null: Some(true),
                    ..IntIs::default()
                }),
                ..none()
            },
            &["SPO-3"],
        ),
        (
            DossierFilter {
                fiscal_year: Some(IntIs {
                    one_of: Some(vec![2025, 2026]),
                    ..IntIs::default()
                }),
                ..none()
            },
            &["CULT-1", "SPO-2"],
        ),
        (
            DossierFilter {
                granted: Some(CentsIs {
                    from: Some(Cents(1)),
                    ..CentsIs::default()
                }),
                ..none()
            },
            &["CULT-1"],
        ),
        (
            DossierFilter {
                granted: Some(CentsIs {
                    is_null: Some(true),
                    ..CentsIs::default()
                }),
                ..none()
            },
            &["SPO-2", "SPO-3"],
        ),
        (
            DossierFilter {
                amount: Some(CentsIs {
                    eq: Some(Cents(500)),
                    ..CentsIs::default()
                }),
                ..none()
            },
            &["SPO-2"],
        ),
        (
            DossierFilter {
                decision_date: Some(DateIs {
                    from: Some(day("2026-01-01")),
                    ..DateIs::default()
                }),
                ..none()
            },
            &["CULT-1"],
        ),
        (
            DossierFilter {
                decision_date: Some(DateIs {
                    is_null: Some(true),
                    ..DateIs::default()
                }),
                ..none()
            },
            &["SPO-2", "SPO-3"],
        ),
        (
            DossierFilter {
                registered_at: Some(InstantIs {
                    to: Some(noon()),
                    ..InstantIs::default()
                }),
                ..none()
            },
            &["CULT-1", "SPO-2", "SPO-3"],
        ),
        (
            DossierFilter {
                text: Some("les fêtes de l'été".into()),
                ..none()
            },
            &["CULT-1", "SPO-2", "SPO-3"],
        ),
        (
            DossierFilter {
                third_party_is: Some(Box::new(ThirdPartyFilter {
                    text: Some("JUDO".into()),
                    ..ThirdPartyFilter::default()
                })),
                ..none()
            },
            &["SPO-2"],
        ),
        (
            DossierFilter {
                third_party_is: Some(Box::new(ThirdPartyFilter {
                    siret_is: null(true),
                    ..ThirdPartyFilter::default()
                })),
                ..none()
            },
            &["SPO-2"],
        ),
        (
            DossierFilter {
                batch: Some(vec![batch.0]),
                ..none()
            },
            &["CULT-1", "SPO-2"],
        ),
        (
            DossierFilter {
                document_is: Some(Box::new(DocumentFilter {
                    needs_attention: Some(true),
                    ..DocumentFilter::default()
                })),
                ..none()
            },
            &["SPO-2"],
        ),
        (
            not(DossierFilter {
                document_is: Some(Box::default()),
                ..none()
            }),
            &["SPO-3"],
        ),
        (custom("Canton", |_| {}), &["SPO-2"]),
        (
            custom("Canton", |test| {
                test.text = Some(TextIs {
                    eq: Some("Civray".into()),
                    ..TextIs::default()
                });
            }),
            &["SPO-2"],
        ),
        (
            custom("Population", |test| {
                test.text = Some(TextIs {
                    prefix: Some("1 2".into()),
                    ..TextIs::default()
                });
            }),
            &["CULT-1"],
        ),
        (
            custom("Population", |test| {
                test.number = Some(NumberIs {
                    from: Some(100.0),
                    ..NumberIs::default()
                });
            }),
            &["CULT-1"],
        ),
        (
            custom("Population", |test| {
                test.number = Some(NumberIs {
                    eq: Some(1234.5),
                    ..NumberIs::default()
                });
            }),
            &["CULT-1"],
        ),
        (
            custom("Vote", |test| {
                test.date = Some(DateIs {
                    to: Some(day("2026-12-31")),
                    ..DateIs::default()
                });
            }),
            &["CULT-1"],
        ),
        // What is not so may be missing.
        (not(culture.clone()), &["SPO-2"]),
        (
            DossierFilter {
                or: Some(vec![
                    DossierFilter {
                        reference: Some(vec!["SPO-3".into()]),
                        ..none()
                    },
                    DossierFilter {
                        scheme_is: null(true),
                        ..none()
                    },
                ]),
                ..none()
            },
            &["SPO-2", "SPO-3"],
        ),
        (
            DossierFilter {
                or: Some(vec![
                    DossierFilter {
                        reference: Some(vec!["SPO-3".into()]),
                        ..none()
                    },
                    DossierFilter {
                        scheme_is: null(true),
                        ..none()
                    },
                ]),
                ..culture.clone()
            },
            &["SPO-3"],
        ),
        (
            DossierFilter {
                or: Some(vec![]),
                ..none()
            },
            &[],
        ),
        (
            DossierFilter {
                and: Some(vec![
                    culture.clone(),
                    not(DossierFilter {
                        status: Some(vec![DossierStatus::Granted]),
                        ..none()
                    }),
                ]),
                ..none()
            },
            &["SPO-3"],
        ),
        (not(not(culture.clone())), &["CULT-1", "SPO-3"]),
    ];
    for (filter, expected) in cases {
        assert_eq!(
            references(pool, &Scope::whole(), &filter).await,
            expected,
            "{}",
            navette_projections::condition::Filter::stored(&filter)
        );
    }
}

#[tokio::test]
async fn a_filter_tells_nothing_of_dossiers_that_are_hidden() {
    let database = story::database().await;
    let pool = &database.pool;
    let mut story = Story::default();
    let mut seen = request("VU-1");
    seen.service = Some("Sport".into());
    let mut hidden = request("CACHE-2");
    hidden.service = Some("Culture".into());
    story.registered(seen);
    story.registered(hidden);
    story.third_party(ThirdPartyId(Uuid::from_u128(0x7000)), profile("Comité"));
    story.project(pool).await;
    let other = |reference: &str| DossierFilter {
        third_party_is: Some(Box::new(ThirdPartyFilter {
            dossier_is: Some(Box::new(DossierFilter {
                reference: Some(vec![reference.into()]),
                ..DossierFilter::default()
            })),
            ..ThirdPartyFilter::default()
        })),
        ..DossierFilter::default()
    };
    let sport = limited("Sport");
    assert_eq!(references(pool, &sport, &other("VU-1")).await, ["VU-1"]);
    assert!(references(pool, &sport, &other("CACHE-2")).await.is_empty());
    let both = references(pool, &Scope::whole(), &other("CACHE-2")).await;
    assert_eq!(both, ["CACHE-2", "VU-1"]);
    // Nor does the audit.
    let request = PageRequest::new(Some(100), None).unwrap();
    let audit = list::page(pool, &sport, &AuditFilter::default(), &[], &request)
        .await
        .unwrap();
    let told: Vec<_> = audit.rows.iter().map(|(_, row)| row.dossier_id).collect();
    assert_eq!(told, [Some(DossierId::of_reference("VU-1").0)]);
}

#[tokio::test]
async fn a_filter_too_deep_or_too_large_and_an_order_too_long_are_refused() {
    let database = story::database().await;
    let request = PageRequest::new(None, None).unwrap();
    let deep = (0..30).fold(DossierFilter::default(), |filter, _| DossierFilter {
        not: Some(Box::new(filter)),
        ..DossierFilter::default()
    });
    let wide = DossierFilter {
        or: Some(vec![DossierFilter::default(); 300]),
        ..DossierFilter::default()
    };
    for filter in [deep, wide] {
        let answer = list::page(&database.pool, &Scope::whole(), &filter, &[], &request).await;
        assert!(matches!(answer, Err(ListFault::Page(PageFault::Filter(_)))));
        let answer = list::ids(&database.pool, &Scope::whole(), &filter, 1).await;
        assert!(matches!(answer, Err(ListFault::Page(PageFault::Filter(_)))));
    }
    let orders = [DossierOrder::default(); 5];
    let filter = DossierFilter::default();
    let answer = list::page(&database.pool, &Scope::whole(), &filter, &orders, &request).await;
    assert!(matches!(answer, Err(ListFault::Page(PageFault::Order))));
}

/// Rows enough for PostgreSQL to choose as it does in production.
async fn crowd(pool: &PgPool, rows: i32) {
    sqlx::raw_sql(&format!(
        "INSERT INTO third_parties (id, name, siret, words, version, registered_at, updated_at, address)
         SELECT md5('t' || n)::uuid, 'Association ' || n, CASE WHEN n % 10 > 0 THEN lpad(n::text, 14, '0') END,
            'association ' || n, 1, now(), now(), jsonb_build_object('lines', '[]'::jsonb, 'postcode', lpad((n % 997)::text, 5, '0'), 'town', 'Poitiers')
         FROM generate_series(1, {rows} / 2) n;
         INSERT INTO dossiers (id, reference, status, third_party_id, authority, purpose, scheme, service,
            fiscal_year, requested_cents, granted_cents, payments, custom, commission_date,
            decision_reference, decision_date, words, version, registered_at, updated_at)
         SELECT md5('d' || n)::uuid, 'SUB-' || n, (ARRAY['deposited','complete','granted','notified'])[1 + n % 4],
            md5('t' || (n % ({rows} / 2) + 1))::uuid, 'Département', 'Fête numéro ' || n,
            CASE WHEN n % 7 > 0 THEN 'Dispositif ' || n % 200 END, CASE WHEN n % 9 > 0 THEN 'Service ' || n % 100 END,
            CASE WHEN n % 11 > 0 THEN 1900 + n % 120 END, n, CASE WHEN n % 3 = 0 THEN n END, '[]', '{{}}',
            CASE WHEN n % 5 > 0 THEN date '2020-01-01' + n % 2000 END, 'CP-' || n,
            CASE WHEN n % 4 > 0 THEN date '2020-01-01' + n % 1500 END, 'fete numero n' || n, 1,
            timestamptz '2026-01-01' + n * interval '1 minute', timestamptz '2026-01-01' + n * interval '1 minute'
         FROM generate_series(1, {rows}) n;
         INSERT INTO dossier_custom (dossier_id, name, value, number, date)
         SELECT md5('d' || n)::uuid, 'Population', n::text, n, date '2020-01-01' + n % 1500
         FROM generate_series(1, {rows}) n;
         INSERT INTO timeline (position, at, actor, event_type, sentence, stream_id)
         SELECT n, timestamptz '2026-01-01' + n * interval '1 minute', 'token:' || n % 50,
            'dossier.' || n % 30, 'Dossier enregistré', md5('d' || n)::uuid
         FROM generate_series(1, {rows}) n;
         ANALYZE"
    ))
    .execute(pool)
    .await
    .unwrap();
}

/// The tables that a plan reads from end to end.
fn read_whole(plan: &Value) -> Vec<String> {
    let mut tables = vec![];
    if plan["Node Type"]
        .as_str()
        .is_some_and(|kind| kind.contains("Seq Scan"))
    {
        tables.push(
            plan["Relation Name"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        );
    }
    for inner in plan["Plans"].as_array().into_iter().flatten() {
        tables.extend(read_whole(inner));
    }
    tables
}

async fn uses_indexes<F: List>(pool: &PgPool, filter: &F, orders: &[F::Order]) {
    let first = PageRequest::new(Some(50), None).unwrap();
    let slice = list::page(pool, &Scope::whole(), filter, orders, &first)
        .await
        .unwrap();
    let mut requests = vec![first];
    if let Some((cursor, _)) = slice.rows.last() {
        requests.push(PageRequest::new(Some(50), Some(cursor.clone())).unwrap());
    }
    for request in requests {
        let plan = list::plan(pool, &Scope::whole(), filter, orders, &request)
            .await
            .unwrap();
        let whole = read_whole(&plan[0]["Plan"]);
        assert!(
            whole.is_empty(),
            "{} reads {whole:?} whole: {plan:#}",
            filter.stored()
        );
    }
}

/// How a plan reads the tables.
fn scans(plan: &Value) -> Vec<String> {
    let own = plan["Node Type"].as_str().unwrap_or_default();
    let mut scans: Vec<String> = own
        .ends_with("Scan")
        .then(|| own.to_owned())
        .into_iter()
        .collect();
    for inner in plan["Plans"].as_array().into_iter().flatten() {
        scans.extend(self::scans(inner));
    }
    scans
}

#[tokio::test]
async fn the_rows_of_a_page_by_status_are_found_in_an_index_and_only_they_are_read() {
    let database = story::database().await;
    let pool = &database.pool;
    crowd(pool, 20_000).await;
    sqlx::query("VACUUM ANALYZE dossiers")
        .execute(pool)
        .await
        .unwrap();
    let filter = DossierFilter {
        status: Some(vec![DossierStatus::Granted]),
        commission_date: Some(DateIs {
            from: Some(day("2021-01-01")),
            to: Some(day("2021-12-31")),
            ..DateIs::default()
        }),
        amount: Some(CentsIs {
            from: Some(Cents(5_000)),
            ..CentsIs::default()
        }),
        ..DossierFilter::default()
    };
    let order = [by(DossierOrderField::RegisteredAt, true)];
    let request = PageRequest::new(Some(50), None).unwrap();
    let plan = list::plan(pool, &Scope::whole(), &filter, &order, &request)
        .await
        .unwrap();
    let mut scans = scans(&plan[0]["Plan"]);
    scans.sort();
    assert_eq!(scans, ["Index Only Scan", "Index Scan"], "{plan:#}");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one line for each of many cases")]
async fn no_filter_that_clerks_use_and_no_order_reads_a_whole_table() {
    let database = story::database().await;
    let pool = &database.pool;
    crowd(pool, 20_000).await;
    let none = DossierFilter::default;
    for field in DOSSIER_FIELDS {
        for descending in [false, true] {
            uses_indexes(pool, &none(), &[by(field, descending)]).await;
        }
    }
    let dates = |from, to| {
        Some(DateIs {
            from: Some(day(from)),
            to: Some(day(to)),
            ..DateIs::default()
        })
    };
    let eq = |text: &str| {
        Some(TextIs {
            eq: Some(text.into()),
            ..TextIs::default()
        })
    };
    let cents = |from, to| {
        Some(CentsIs {
            from: Some(Cents(from)),
            to: Some(Cents(to)),
            ..CentsIs::default()
        })
    };
    let custom = |fill: fn(&mut CustomIs)| {
        let mut test = CustomIs {
            name: "Population".into(),
            ..CustomIs::default()
        };
        fill(&mut test);
        Some(vec![test])
    };
    for filter in vec![
        DossierFilter {
            id: Some(vec![Uuid::from_u128(1)]),
            ..none()
        },
        DossierFilter {
            status: Some(vec![DossierStatus::Granted]),
            ..none()
        },
        DossierFilter {
            scheme: Some(vec!["Dispositif 3".into()]),
            ..none()
        },
        DossierFilter {
            scheme_is: prefix("Dispositif 3"),
            ..none()
        },
        DossierFilter {
            scheme_is: null(true),
            ..none()
        },
        DossierFilter {
            service: Some(vec!["Service 3".into()]),
            ..none()
        },
        DossierFilter {
            service_is: null(true),
            ..none()
        },
        DossierFilter {
            third_party: Some(vec![Uuid::from_u128(1)]),
            ..none()
        },
        DossierFilter {
            reference: Some(vec!["SUB-3".into()]),
            ..none()
        },
        DossierFilter {
            reference_is: prefix("SUB-12"),
            ..none()
        },
        DossierFilter {
            fiscal_year: Some(IntIs {
                eq: Some(2001),
                ..IntIs::default()
            }),
            ..none()
        },
        DossierFilter {
            fiscal_year: Some(IntIs {
                is_null: Some(true),
                ..IntIs::default()
            }),
            ..none()
        },
        DossierFilter {
            commission_date: dates("2021-01-01", "2021-01-03"),
            ..none()
        },
        DossierFilter {
            decision_date: dates("2021-01-01", "2021-01-03"),
            ..none()
        },
        DossierFilter {
            decision_reference: prefix("CP-123"),
            ..none()
        },
        DossierFilter {
            decision_reference: eq("CP-1234"),
            ..none()
        },
        DossierFilter {
            amount: cents(100, 200),
            ..none()
        },
        DossierFilter {
            requested: cents(100, 200),
            ..none()
        },
        DossierFilter {
            granted: cents(100, 200),
            ..none()
        },
        DossierFilter {
            registered_at: Some(InstantIs {
                from: "2026-01-02T00:00:00Z".parse().ok(),
                to: "2026-01-02T01:00:00Z".parse().ok(),
                ..InstantIs::default()
            }),
            ..none()
        },
        DossierFilter {
            text: Some("n1234".into()),
            ..none()
        },
        DossierFilter {
            third_party_is: Some(Box::new(ThirdPartyFilter {
                siret: Some(vec!["00000000000123".into()]),
                ..ThirdPartyFilter::default()
            })),
            ..none()
        },
        DossierFilter {
            custom: custom(|test| {
                test.number = Some(NumberIs {
                    from: Some(5.0),
                    to: Some(9.0),
                    ..NumberIs::default()
                });
            }),
            ..none()
        },
        DossierFilter {
            custom: custom(|test| {
                test.text = Some(TextIs {
                    eq: Some("5".into()),
                    ..TextIs::default()
                });
            }),
            ..none()
        },
        DossierFilter {
            or: Some(vec![
                DossierFilter {
                    reference: Some(vec!["SUB-3".into()]),
                    ..none()
                },
                DossierFilter {
                    decision_reference: eq("CP-1234"),
                    ..none()
                },
            ]),
            ..none()
        },
    ] {
        uses_indexes(pool, &filter, &[]).await;
    }
    for field in [
        ThirdPartyOrderField::Name,
        ThirdPartyOrderField::Siret,
        ThirdPartyOrderField::Postcode,
        ThirdPartyOrderField::RegisteredAt,
        ThirdPartyOrderField::UpdatedAt,
    ] {
        let order = ThirdPartyOrder {
            field,
            descending: false,
        };
        uses_indexes(pool, &ThirdPartyFilter::default(), &[order]).await;
    }
    let any = ThirdPartyFilter::default;
    for filter in [
        ThirdPartyFilter {
            siret: Some(vec!["00000000000123".into()]),
            ..any()
        },
        ThirdPartyFilter {
            siret_is: prefix("0000000000012"),
            ..any()
        },
        ThirdPartyFilter {
            rna: eq("W123"),
            ..any()
        },
        ThirdPartyFilter {
            name: prefix("Association 12"),
            ..any()
        },
        ThirdPartyFilter {
            email: eq("a@example.org"),
            ..any()
        },
        ThirdPartyFilter {
            postcode: eq("00123"),
            ..any()
        },
        ThirdPartyFilter {
            text: Some("123".into()),
            ..any()
        },
    ] {
        uses_indexes(pool, &filter, &[]).await;
    }
    let any = AuditFilter::default;
    for filter in [
        any(),
        AuditFilter {
            actor: eq("token:7"),
            ..any()
        },
        AuditFilter {
            event_type: eq("dossier.7"),
            ..any()
        },
        AuditFilter {
            stream: Some(vec![Uuid::from_u128(1)]),
            ..any()
        },
        AuditFilter {
            at: Some(InstantIs {
                from: "2026-01-02T00:00:00Z".parse().ok(),
                to: "2026-01-02T01:00:00Z".parse().ok(),
                ..InstantIs::default()
            }),
            ..any()
        },
    ] {
        uses_indexes(pool, &filter, &[]).await;
    }
    // Beyond what is counted row by row, the count is an estimate and says so.
    let count = list::count(pool, &Scope::whole(), &none()).await.unwrap();
    assert!(!count.exact && count.precision == Precision::Estimated);
    assert!((18_000..=22_000).contains(&count.value), "{count:?}");
    let granted = DossierFilter {
        status: Some(vec![DossierStatus::Granted]),
        ..none()
    };
    let count = list::count(pool, &Scope::whole(), &granted).await.unwrap();
    assert_eq!(
        (count.value, count.exact, count.precision),
        (5_000, true, Precision::Exact)
    );
}

#[tokio::test]
async fn totals_are_those_of_the_dossiers_that_are_kept_and_seen() {
    let database = story::database().await;
    let pool = &database.pool;
    let mut story = Story::default();
    many(&mut story, 31);
    story.project(pool).await;
    for scope in [Scope::whole(), limited("Service 1")] {
        for filter in [
            DossierFilter::default(),
            DossierFilter {
                scheme_is: null(false),
                ..DossierFilter::default()
            },
        ] {
            let rows = async |by: &[DossierDimension]| {
                dossiers::totals(pool, &scope, &filter, by, 1_000)
                    .await
                    .unwrap()
            };
            let whole = rows(&[]).await;
            let request = PageRequest::new(Some(100), None).unwrap();
            let slice = list::page(pool, &scope, &filter, &[], &request)
                .await
                .unwrap();
            assert_eq!(whole.len(), 1);
            assert_eq!(whole[0].dossiers, i64::try_from(slice.rows.len()).unwrap());
            let sum: i64 = slice
                .rows
                .iter()
                .map(|(_, row)| row.requested_cents.0)
                .sum();
            assert_eq!(whole[0].requested.0, sum);
            let granted: i64 = slice
                .rows
                .iter()
                .filter_map(|(_, row)| row.granted_cents)
                .map(|cents| cents.0)
                .sum();
            assert_eq!(whole[0].granted.0, granted);
            for by in [
                DossierDimension::Status,
                DossierDimension::Scheme,
                DossierDimension::Service,
                DossierDimension::CommissionDate,
                DossierDimension::FiscalYear,
            ] {
                let parts = rows(&[by, DossierDimension::Status]).await;
                assert!(parts.len() > 1, "{by:?}");
                assert_eq!(
                    parts.iter().map(|part| part.dossiers).sum::<i64>(),
                    whole[0].dossiers
                );
                assert_eq!(
                    parts.iter().map(|part| part.amount.0).sum::<i64>(),
                    whole[0].amount.0
                );
            }
        }
    }
}

#[tokio::test]
async fn what_waits_is_told_with_its_causes() {
    let database = story::database().await;
    let pool = &database.pool;
    let (_, batch) = three(pool).await;
    let document = DocumentId::of_dossier(batch, DossierId::of_reference("CULT-1")).0;
    for n in 1..=3 {
        sqlx::query(
            "INSERT INTO effects (id, document_id, batch_id, step, neighbour, work, doubtful, on_the_way,
                failures, last_error)
             VALUES ($1, $2, $3, 'visa', 'nextcloud', '{}', false, true, $4, $5)",
        )
        .bind(Uuid::from_u128(n))
        .bind(document)
        .bind(batch.0)
        .bind(i32::try_from(n).unwrap() - 1)
        .bind((n > 1).then_some("délai dépassé"))
        .execute(pool)
        .await
        .unwrap();
    }
    let all = EffectFilter::default();
    walks(
        pool,
        &[vec![EffectOrder::DueFirst], vec![EffectOrder::FailedMost]],
        |row| row.id,
        &all,
    )
    .await;
    let causes = effects::causes(pool, &Scope::whole(), &all, 10)
        .await
        .unwrap();
    let told: Vec<_> = causes
        .iter()
        .map(|cause| (cause.last_error.as_deref(), cause.effects))
        .collect();
    assert_eq!(told, [(Some("délai dépassé"), 2), (None, 1)]);
    let held = EffectFilter {
        held: Some(true),
        ..EffectFilter::default()
    };
    assert_eq!(
        list::count(pool, &Scope::whole(), &held)
            .await
            .unwrap()
            .value,
        0
    );
    sqlx::query("INSERT INTO batch_holds VALUES ($1)")
        .bind(batch.0)
        .execute(pool)
        .await
        .unwrap();
    assert_eq!(
        list::count(pool, &Scope::whole(), &held)
            .await
            .unwrap()
            .value,
        3
    );
    assert_eq!(
        list::count(pool, &limited("Jeunesse"), &all)
            .await
            .unwrap()
            .value,
        0
    );
    let troubles = navette_projections::documents::troubles(
        pool,
        &Scope::whole(),
        &DocumentFilter::default(),
        10,
    )
    .await
    .unwrap();
    assert_eq!(troubles.len(), 1);
    assert_eq!(
        troubles[0].sentence.as_deref(),
        Some("Le champ « montant » manque.")
    );
    assert_eq!(troubles[0].documents, 1);
    let row = sqlx::query("SELECT count(*) FROM documents WHERE needs_attention")
        .fetch_one(pool)
        .await
        .unwrap();
    assert_eq!(row.get::<i64, _>(0), 1);
}
