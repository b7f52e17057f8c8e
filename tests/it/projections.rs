//! What is shown follows from the log, and every list gives each of its rows exactly once.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::story::{self, Story, day, noon, profile, request};
use chrono::TimeDelta;
use navette_domain::{
    amount::Amount,
    chain::StepId,
    document::DocumentEvent,
    dossier::{DossierEvent, Request},
    event::Event,
    ids::{BatchId, DocumentId, DossierId, ThirdPartyId},
    policy::{self, Principal, Role},
    third_party::ThirdPartyEvent,
};
use navette_projections::{
    batches, documents,
    dossiers::{self, DossierFilter, DossierOrder, DossierOrderField},
    kinds::{Cents, DocumentStatus, DossierStatus, Position},
    list,
    page::{ListFault, PageFault, PageRequest},
    scope::Scope,
    signatures, third_parties, timeline,
};
use sqlx::PgPool;
use std::collections::BTreeSet;
use uuid::Uuid;

fn principal(services: &[&str], schemes: &[&str]) -> Principal {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Principal {
        actor: "token:essai".into(),
        role: Role::Instructor,
        services: owned(services),
        schemes: owned(schemes),
        email: None,
    }
}

fn everybody() -> Scope {
    Scope::of(&principal(&[], &[]))
}

async fn dump(pool: &PgPool, schema: &str, table: &str) -> Vec<String> {
    sqlx::query_scalar(&format!(
        "SELECT t::text FROM {schema}.{table} t ORDER BY t::text"
    ))
    .fetch_all(pool)
    .await
    .unwrap()
}

#[test]
fn the_story_tells_every_event_there_is() {
    let told: BTreeSet<String> = story::everything()
        .events
        .iter()
        .map(|recorded| recorded.event_type.clone())
        .collect();
    let known: BTreeSet<String> = Event::types().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(told, known);
}

#[tokio::test]
async fn tables_rebuilt_from_the_log_equal_the_live_ones_byte_for_byte() {
    let database = story::database().await;
    let story = story::everything();
    for recorded in &story.events {
        Story::of(recorded.clone()).project(&database.pool).await;
    }
    // One after the other, a few together, and all together: it must make no difference.
    for together in [1, 7, story.events.len()] {
        let schema = format!("rebuilt_{together}");
        let mut rebuild = database.pool.acquire().await.unwrap();
        sqlx::raw_sql(&format!(
            "CREATE SCHEMA {schema}; SET search_path TO {schema}"
        ))
        .execute(&mut *rebuild)
        .await
        .unwrap();
        for projector in navette_projections::all() {
            sqlx::raw_sql(projector.schema())
                .execute(&mut *rebuild)
                .await
                .unwrap();
            for events in story.events.chunks(together) {
                projector.apply_all(&mut rebuild, events).await.unwrap();
            }
            for table in projector.tables() {
                let live = dump(&database.pool, "public", table).await;
                assert!(!live.is_empty(), "{table} shows nothing");
                let rebuilt = dump(&database.pool, &schema, table).await;
                assert_eq!(rebuilt, live, "{table}, {together} together");
            }
        }
        rebuild.close().await.unwrap();
    }
}

/// Dossiers with ties and missing dates in every order.
fn many(story: &mut Story, count: usize) -> BTreeSet<Uuid> {
    let mut ids = BTreeSet::new();
    for index in 0..count {
        let mut request = request(&format!("SUB-{:03}", index * 7 % 97));
        request.amount = Amount::from_cents(i64::try_from(index % 4).unwrap() * 1_000);
        let id = DossierId::of_reference(&request.reference);
        let at = noon() + TimeDelta::seconds(i64::try_from(index % 5).unwrap());
        story.dossier(id, DossierEvent::Registered { request, at });
        if index % 3 == 0 {
            let commission = day("2026-03-01") + TimeDelta::days(i64::try_from(index % 2).unwrap());
            story.dossier(id, DossierEvent::Scheduled { commission, at });
        }
        ids.insert(id.0);
    }
    ids
}

async fn walk(
    pool: &PgPool,
    scope: &Scope,
    filter: &DossierFilter,
    order: DossierOrder,
    size: i32,
) -> Vec<dossiers::DossierRow> {
    let (mut rows, mut after) = (vec![], None);
    loop {
        let request = PageRequest::new(Some(size), after).unwrap();
        let slice = list::page(pool, scope, filter, &[order], &request)
            .await
            .unwrap();
        assert!(slice.rows.len() <= usize::try_from(size).unwrap());
        after = slice.rows.last().map(|(cursor, _)| cursor.clone());
        rows.extend(slice.rows.into_iter().map(|(_, row)| row));
        if !slice.has_next {
            return rows;
        }
    }
}

const ORDERS: [DossierOrderField; 4] = [
    DossierOrderField::Reference,
    DossierOrderField::RegisteredAt,
    DossierOrderField::Amount,
    DossierOrderField::CommissionDate,
];

#[tokio::test]
async fn a_walk_gives_each_row_exactly_once_in_every_order_with_missing_dates_and_ties() {
    let database = story::database().await;
    let mut story = Story::default();
    let ids = many(&mut story, 41);
    story.project(&database.pool).await;
    for field in ORDERS {
        for descending in [false, true] {
            let order = DossierOrder { field, descending };
            for size in [1, 2, 3, 7, 40, 41, 100] {
                let rows = walk(
                    &database.pool,
                    &everybody(),
                    &DossierFilter::default(),
                    order,
                    size,
                )
                .await;
                assert_eq!(rows.len(), ids.len(), "{order:?} by {size}");
                let seen: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
                assert_eq!(seen, ids, "{order:?} by {size}");
                let dates = rows
                    .iter()
                    .map(|row| row.commission_date.unwrap_or(chrono::NaiveDate::MAX));
                if field == DossierOrderField::CommissionDate {
                    assert!(if descending {
                        dates.rev().is_sorted()
                    } else {
                        dates.is_sorted()
                    });
                }
            }
        }
    }
}

#[tokio::test]
async fn rows_that_come_during_a_walk_neither_repeat_nor_hide_others() {
    let database = story::database().await;
    let mut story = Story::default();
    let ids = many(&mut story, 20);
    story.project(&database.pool).await;
    let order = DossierOrder::default();
    let page = |after| PageRequest::new(Some(5), after).unwrap();
    let (scope, filter) = (everybody(), DossierFilter::default());
    let mut seen = vec![];
    let mut after = None;
    for round in 0.. {
        let slice = list::page(&database.pool, &scope, &filter, &[order], &page(after))
            .await
            .unwrap();
        after = slice.rows.last().map(|(cursor, _)| cursor.clone());
        seen.extend(slice.rows.iter().map(|(_, row)| row.id));
        let told = story.events.len();
        story.registered(request(&format!("AAA-{round}")));
        story.project_from(&database.pool, told).await;
        if !slice.has_next {
            break;
        }
    }
    assert_eq!(seen.len(), ids.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), ids);
}

#[tokio::test]
async fn a_cursor_is_refused_with_another_order_filter_or_reader() {
    let database = story::database().await;
    let mut story = Story::default();
    many(&mut story, 5);
    story.project(&database.pool).await;
    let (scope, filter, order) = (
        everybody(),
        DossierFilter::default(),
        DossierOrder::default(),
    );
    let first = PageRequest::new(Some(2), None).unwrap();
    let slice = list::page(&database.pool, &scope, &filter, &[order], &first)
        .await
        .unwrap();
    let after = PageRequest::new(Some(2), Some(slice.rows[1].0.clone())).unwrap();
    let other_filter = DossierFilter {
        text: Some("x".into()),
        ..DossierFilter::default()
    };
    let other_order = DossierOrder {
        descending: true,
        ..order
    };
    let other_scope = Scope::of(&principal(&["Sport"], &[]));
    for (scope, filter, order) in [
        (&scope, &other_filter, order),
        (&scope, &filter, other_order),
        (&other_scope, &filter, order),
    ] {
        let answer = list::page(&database.pool, scope, filter, &[order], &after).await;
        assert!(matches!(
            answer,
            Err(ListFault::Page(PageFault::OtherQuestion))
        ));
    }
    assert!(
        list::page(&database.pool, &scope, &filter, &[order], &after)
            .await
            .is_ok()
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one line for each of many cases")]
async fn each_filter_keeps_what_it_says() {
    let database = story::database().await;
    let mut story = Story::default();
    let culture = story.registered(request("CULT-1"));
    let sport = story.registered(Request {
        scheme: Some("Sport".into()),
        service: Some("Jeunesse".into()),
        third_party: ThirdPartyId(Uuid::from_u128(9)),
        purpose: "Équipement de l'école".into(),
        amount: Amount::from_cents(500),
        ..request("SPO-2")
    });
    story.dossier(
        sport,
        DossierEvent::Scheduled {
            commission: day("2026-03-12"),
            at: noon(),
        },
    );
    story.project(&database.pool).await;
    let default = DossierFilter::default;
    let cases = vec![
        (default(), vec![culture, sport]),
        (
            DossierFilter {
                status: Some(vec![DossierStatus::Scheduled]),
                ..default()
            },
            vec![sport],
        ),
        (
            DossierFilter {
                status: Some(vec![]),
                ..default()
            },
            vec![],
        ),
        (
            DossierFilter {
                scheme: Some(vec!["Culture".into()]),
                ..default()
            },
            vec![culture],
        ),
        (
            DossierFilter {
                service: Some(vec!["Jeunesse".into()]),
                ..default()
            },
            vec![sport],
        ),
        (
            DossierFilter {
                third_party: Some(vec![Uuid::from_u128(9)]),
                ..default()
            },
            vec![sport],
        ),
        (
            DossierFilter {
                reference: Some(vec!["CULT-1".into()]),
                ..default()
            },
            vec![culture],
        ),
        (
            DossierFilter {
                commission_from: Some(day("2026-03-12")),
                ..default()
            },
            vec![sport],
        ),
        (
            DossierFilter {
                commission_from: Some(day("2026-03-13")),
                ..default()
            },
            vec![],
        ),
        (
            DossierFilter {
                commission_to: Some(day("2026-03-12")),
                ..default()
            },
            vec![sport],
        ),
        (
            DossierFilter {
                commission_to: Some(day("2026-03-11")),
                ..default()
            },
            vec![],
        ),
        (
            DossierFilter {
                amount_from: Some(Cents(501)),
                ..default()
            },
            vec![culture],
        ),
        (
            DossierFilter {
                amount_to: Some(Cents(500)),
                ..default()
            },
            vec![sport],
        ),
        (
            DossierFilter {
                text: Some("équip ECOL".into()),
                ..default()
            },
            vec![sport],
        ),
        (
            DossierFilter {
                text: Some("cult 1".into()),
                ..default()
            },
            vec![culture],
        ),
        (
            DossierFilter {
                text: Some("quipement".into()),
                ..default()
            },
            vec![],
        ),
        (
            DossierFilter {
                text: Some("') | 'a".into()),
                ..default()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        let order = DossierOrder::default();
        let rows = walk(&database.pool, &everybody(), &filter, order, 10).await;
        let found: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let expected: Vec<Uuid> = expected.iter().map(|id| id.0).collect();
        assert_eq!(found, expected, "{filter:?}");
        let count = list::count(&database.pool, &everybody(), &filter)
            .await
            .unwrap();
        assert_eq!(count.value, i64::try_from(expected.len()).unwrap());
        assert!(count.exact);
        let ids = list::ids(&database.pool, &everybody(), &filter, 10)
            .await
            .unwrap();
        assert_eq!(ids, expected);
    }
}

#[tokio::test]
async fn lists_show_exactly_what_the_policy_allows() {
    let database = story::database().await;
    let mut story = Story::default();
    let mut known = vec![];
    for (index, (service, scheme)) in [
        (None, None),
        (Some("A"), None),
        (None, Some("X")),
        (Some("A"), Some("X")),
        (Some("B"), Some("Y")),
    ]
    .into_iter()
    .enumerate()
    {
        let third_party = ThirdPartyId(Uuid::from_u128(0x100 + index as u128));
        let id = story.registered(Request {
            service: service.map(Into::into),
            scheme: scheme.map(Into::into),
            third_party,
            ..request(&format!("SUB-{index}"))
        });
        story.third_party(third_party, profile("Asso"));
        story.batch(BatchId(Uuid::from_u128(0x200 + index as u128)), &[id]);
        known.push((id.0, service, scheme));
    }
    story.project(&database.pool).await;
    let page = PageRequest::new(None, None).unwrap();
    for (services, schemes) in [
        (&[][..], &[][..]),
        (&["A"], &[]),
        (&[], &["X"]),
        (&["A"], &["X"]),
        (&["A", "B"], &["Y"]),
        (&["C"], &[]),
    ] {
        let who = principal(services, schemes);
        let scope = Scope::of(&who);
        let expected: BTreeSet<Uuid> = known
            .iter()
            .filter(|(_, service, scheme)| policy::sees(&who, *service, *scheme))
            .map(|(id, ..)| *id)
            .collect();
        let pool = &database.pool;
        let rows = walk(
            pool,
            &scope,
            &DossierFilter::default(),
            DossierOrder::default(),
            10,
        )
        .await;
        assert_eq!(
            rows.iter().map(|row| row.id).collect::<BTreeSet<_>>(),
            expected
        );
        let all: Vec<Uuid> = known.iter().map(|(id, ..)| *id).collect();
        let rows = dossiers::by_ids(pool, &scope, &all).await.unwrap();
        assert_eq!(
            rows.iter().map(|row| row.id).collect::<BTreeSet<_>>(),
            expected
        );
        let seen = list::page(
            pool,
            &scope,
            &documents::DocumentFilter::default(),
            &[],
            &page,
        )
        .await;
        let seen = seen
            .unwrap()
            .rows
            .into_iter()
            .filter_map(|(_, row)| row.dossier_id);
        assert_eq!(seen.collect::<BTreeSet<_>>(), expected);
        let seen = list::page(pool, &scope, &batches::BatchFilter::default(), &[], &page).await;
        assert_eq!(seen.unwrap().rows.len(), expected.len());
        let filter = third_parties::ThirdPartyFilter::default();
        let seen = list::page(pool, &scope, &filter, &[], &page).await.unwrap();
        assert_eq!(seen.rows.len(), expected.len());
    }
}

#[tokio::test]
async fn a_batch_is_seen_only_by_those_who_see_all_its_dossiers() {
    let database = story::database().await;
    let mut story = Story::default();
    let own = story.registered(Request {
        service: Some("A".into()),
        ..request("A-1")
    });
    let other = story.registered(Request {
        service: Some("B".into()),
        ..request("B-1")
    });
    let batch = BatchId(Uuid::from_u128(1));
    story.batch(batch, &[own, other]);
    story.project(&database.pool).await;
    let scope = Scope::of(&principal(&["A"], &[]));
    assert!(
        batches::by_ids(&database.pool, &scope, &[batch.0])
            .await
            .unwrap()
            .is_empty()
    );
    let both = Scope::of(&principal(&["A", "B"], &[]));
    assert_eq!(
        batches::by_ids(&database.pool, &both, &[batch.0])
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_progress_of_a_batch_counts_its_documents_and_those_that_wait_for_somebody() {
    let database = story::database().await;
    let mut story = Story::default();
    let ids: Vec<DossierId> = (0..4)
        .map(|index| story.registered(request(&format!("SUB-{index}"))))
        .collect();
    let batch = BatchId(Uuid::from_u128(1));
    story.batch(batch, &ids);
    let at = noon();
    let step = StepId("visa".into());
    let failed = DocumentEvent::Failed {
        step: step.clone(),
        sentence: "Panne.".into(),
        at,
    };
    let by = navette_domain::personal::Personal("X".to_owned());
    story
        .document(batch, ids[0], failed.clone())
        .document(
            batch,
            ids[1],
            DocumentEvent::VisaRefused {
                step,
                by,
                reason: "non".into(),
                at,
            },
        )
        .document(batch, ids[2], DocumentEvent::Delivered { at })
        .document(batch, ids[3], failed)
        .document(
            batch,
            ids[3],
            DocumentEvent::Cancelled {
                reason: "erreur".into(),
                at,
            },
        );
    story.project(&database.pool).await;
    let unknown = Uuid::from_u128(99);
    let progress = documents::progress(&database.pool, &[unknown, batch.0])
        .await
        .unwrap();
    assert_eq!(progress[0], documents::Progress::default());
    let counts: Vec<_> = progress[1]
        .by_status
        .iter()
        .map(|count| (count.status, count.documents))
        .collect();
    assert_eq!(
        counts,
        [
            (DocumentStatus::Requested, 1),
            (DocumentStatus::VisaRefused, 1),
            (DocumentStatus::Delivered, 1),
            (DocumentStatus::Cancelled, 1),
        ]
    );
    assert_eq!((progress[1].total, progress[1].over), (4, 2));
    assert_eq!(progress[1].needing_attention, 2);
    let troubled = documents::troubled(&database.pool, batch.0).await.unwrap();
    assert_eq!(troubled, [DocumentId::of_dossier(batch, ids[0]).0]);
}

#[tokio::test]
async fn a_history_tells_a_dossier_with_its_documents_and_signatures_in_order() {
    let database = story::database().await;
    story::everything().project(&database.pool).await;
    let dossier = DossierId::of_reference("SUB-1");
    let history = async |kind, id| {
        let read = timeline::histories(&database.pool, kind, &[id], Position(0), 1_000).await;
        let rows = read.unwrap().into_iter().map(|(_, row)| row);
        rows.collect::<Vec<_>>()
    };
    let document = DocumentId::of_dossier(BatchId(Uuid::from_u128(0xB000)), dossier);
    let of_document = history(timeline::Kind::Document, document.0).await;
    let history = history(timeline::Kind::Dossier, dossier.0).await;
    assert!(history.is_sorted_by_key(|entry| entry.position));
    let sentences: Vec<&str> = history
        .iter()
        .map(|entry| entry.sentence.as_str())
        .collect();
    assert_eq!(sentences.first(), Some(&"Dossier enregistré"));
    assert!(sentences.contains(&"Déposé au parapheur"));
    let archived = |entry: &timeline::TimelineRow| entry.event_type == "signature.archived";
    assert!(of_document.iter().any(archived));
    assert!(
        of_document
            .iter()
            .all(|entry| entry.dossier_id == Some(dossier.0))
    );
    let signatures = signatures::of_documents(&database.pool, &[document.0])
        .await
        .unwrap();
    assert_eq!(signatures.len(), 1);
}

#[tokio::test]
async fn an_erasure_takes_its_files_and_the_columns_of_its_dossiers_and_spares_what_others_need() {
    let database = story::database().await;
    let pool = &database.pool;
    let (gone, other) = (
        ThirdPartyId(Uuid::from_u128(1)),
        ThirdPartyId(Uuid::from_u128(2)),
    );
    let mut story = Story::default();
    let mut dossiers = vec![];
    for (reference, third_party) in [("A-1", gone), ("A-2", other)] {
        story.third_party(third_party, profile(reference));
        dossiers.push(story.registered(Request {
            third_party,
            ..request(reference)
        }));
    }
    story.batch(BatchId(Uuid::from_u128(1)), &dossiers);
    let erased = ThirdPartyEvent::Erased {
        reason: "Demande".into(),
        files: vec![],
        at: noon(),
    };
    story.tell(gone.0, None, Event::ThirdParty(erased));
    story.project(pool).await;
    let rows = third_parties::by_ids(pool, &everybody(), &[gone.0, other.0]).await;
    let names: BTreeSet<(String, bool)> = rows
        .unwrap()
        .into_iter()
        .map(|row| (row.name, row.erased_at.is_some()))
        .collect();
    let expected = [("A-2", false), ("[effacé]", true)];
    assert_eq!(
        names,
        expected.map(|(name, erased)| (name.into(), erased)).into()
    );
    let found = third_parties::ThirdPartyFilter {
        text: Some("A-1".into()),
        ..Default::default()
    };
    assert_eq!(
        list::count(pool, &everybody(), &found).await.unwrap().value,
        0
    );
    let rows = dossiers::by_ids(
        pool,
        &everybody(),
        &dossiers.iter().map(|id| id.0).collect::<Vec<_>>(),
    )
    .await;
    let columns: BTreeSet<(String, usize)> = rows
        .unwrap()
        .into_iter()
        .map(|row| (row.reference, row.custom.len()))
        .collect();
    assert_eq!(columns, [("A-1".into(), 0), ("A-2".into(), 1)].into());
    let mine = third_parties::dossiers_of(pool, gone.0).await.unwrap();
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0].id, dossiers[0].0);
}
