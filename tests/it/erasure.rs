//! What is known of a third party is erased: refused while the law holds it, and complete when it does not.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::support::{TestApp, asks, profile, run};
use navette::{
    app::{self, App, MIGRATIONS},
    dispatch::DispatchFailure,
    erasure::{Erasure, ErasureRefusal},
    neighbourhood::Manners,
    workers::Projections,
};
use navette_adapters::{keys::Keys, postgres::test_cluster::TestDatabase};
use navette_domain::{
    document::DocumentStatus,
    dossier::{Dossier, DossierCommand},
    event::Event,
    ids::{DocumentId, DossierId},
    proof::HASHED_BEFORE_FIRST,
    third_party::{Hold, Retention, ThirdParty, ThirdPartyCommand, ThirdPartyRefusal},
};
use sqlx::PgPool;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
const REFERENCE: &str = "SUB-OUBLI";
/// What the tests register of a third party and its dossier, in any form in which it could be kept.
const KNOWN: [&str; 6] = [
    "Éveil",
    "eveil",
    "rue de la République",
    "contact@sub-oubli",
    "usager-SUB-OUBLI",
    "Toulouse-1",
];

fn third_party() -> Uuid {
    let profile = profile(REFERENCE);
    profile.derived_id(profile.name.reveal()).0
}

/// How many rows of each table of the database hold something of the third party.
async fn traces(pool: &PgPool) -> BTreeMap<String, i64> {
    let tables: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_schema::text, table_name::text FROM information_schema.tables
         WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert!(tables.len() > 15, "all the tables are looked at");
    let hexadecimal = |text: &str| {
        text.bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .concat()
    };
    let mut patterns: Vec<String> = KNOWN.iter().map(|text| (*text).to_owned()).collect();
    patterns.extend(KNOWN.iter().map(|text| hexadecimal(text)));
    let patterns: Vec<_> = patterns.iter().map(|text| format!("%{text}%")).collect();
    let mut traces = BTreeMap::new();
    for (schema, table) in tables {
        let sql =
            format!("SELECT count(*) FROM \"{schema}\".\"{table}\" t WHERE t::text ILIKE ANY($1)");
        let count: i64 = sqlx::query_scalar(&sql)
            .bind(&patterns)
            .fetch_one(pool)
            .await
            .unwrap();
        if count > 0 {
            traces.insert(table, count);
        }
    }
    traces
}

/// Erasures of a site that keeps nothing any longer than it must.
fn at_once(app: &App) -> Erasure {
    Erasure::new(
        app.dispatcher.clone(),
        app.projections.clone(),
        app.ports.files.clone(),
        Retention { years: 0 },
    )
}

async fn closed(test: &TestApp, dossier: DossierId) {
    let at = test.app.clock.now();
    test.app
        .dispatcher
        .dispatch::<Dossier>(&asks(), dossier.0, DossierCommand::Close { at })
        .await
        .unwrap();
}

#[test]
fn an_erased_third_party_leaves_nothing_readable_and_its_history_stands() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let (pool, log) = (&test.app.pool, test.app.dispatcher.log());
        let dossier = test.granted(REFERENCE).await;
        let batch = test.notify(&[dossier]).await;
        let document = DocumentId::of_dossier(batch, dossier);
        test.until_status(document, DocumentStatus::Delivered).await;
        closed(&test, dossier).await;
        test.settle().await;

        let known = traces(pool).await;
        assert_eq!(
            known.keys().collect::<Vec<_>>(),
            ["dossiers", "third_parties"],
            "what is known is in read models, and sealed in the log"
        );
        let before = log.stored(0, i64::MAX).await.unwrap();
        let erasure = at_once(&test.app);
        let files = erasure.prospect(third_party()).await.unwrap().files;
        assert!(files.len() >= 3, "office file, PDF, signed PDF at least");

        let refused = test.app.erasure.erase(&asks(), third_party(), "x").await;
        let Err(DispatchFailure::Refused(ErasureRefusal::Held(held))) = refused else {
            panic!("ten years have not passed");
        };
        assert!(matches!(held[0].hold, Hold::Closed { .. }) && held[0].dossier == dossier);
        assert_eq!(traces(pool).await, known, "a refusal changes nothing");

        let done = erasure
            .erase(&asks(), third_party(), "Demande du tiers")
            .await;
        let (receipt, kept) = done.unwrap();
        assert_eq!(kept, [""; 0]);
        test.settle().await;
        assert_eq!(traces(pool).await, BTreeMap::new());
        for file in files {
            assert_eq!(test.app.ports.files.get(file).await.unwrap(), None);
        }
        let shown: (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM documents WHERE num_nonnulls(office, pdf, signed_pdf) > 0),
                    (SELECT count(*) FROM signatures WHERE num_nonnulls(signed_pdf, slip) > 0)",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        assert_eq!(shown, (0, 0), "no read model names a file that is gone");
        let after = log.stored(0, i64::MAX).await.unwrap();
        assert!(
            after[..before.len()] == before,
            "what was recorded is untouched"
        );
        let mut heads = HashMap::new();
        for event in &after {
            let previous = heads.entry(event.stream_id).or_insert(HASHED_BEFORE_FIRST);
            *previous = event.hash_after(previous);
            assert_eq!(event.hash, *previous, "the chain still holds");
        }
        let events = log.stream(third_party()).await.unwrap();
        let last = events.last().unwrap();
        assert_eq!(last.position, receipt.position);
        assert_eq!(last.metadata.actor, "token:test");
        let Event::ThirdParty(first) = &events[0].event else {
            panic!("a third party's own event");
        };
        let first = serde_json::to_string(first).unwrap();
        assert!(first.contains("[effacé]"), "its history is read: {first}");

        // Nothing more is made for it.
        let at = test.app.clock.now();
        let asked = asks();
        let again = test.app.dispatcher.dispatch::<ThirdParty>(
            &asked,
            third_party(),
            ThirdPartyCommand::Register {
                profile: profile(REFERENCE),
                at,
            },
        );
        let again = again.await;
        assert!(matches!(
            again,
            Err(DispatchFailure::Refused(ThirdPartyRefusal::Erased))
        ));
        let letter = navette::cases::load(&test.app.dispatcher, &[dossier.0]).await;
        assert_eq!(
            letter.unwrap_err().to_string(),
            ThirdPartyRefusal::Erased.to_string()
        );
        // Every read model equals its rebuild from a log without the key.
        test.end().await;
    });
}

#[test]
fn a_dossier_that_is_not_closed_forbids_the_erasure_and_is_named() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted(REFERENCE).await;
        let refused = at_once(&test.app).erase(&asks(), third_party(), "x").await;
        let Err(DispatchFailure::Refused(refusal)) = refused else {
            panic!("its dossier is not closed");
        };
        assert_eq!(
            refusal.to_string(),
            "Ce tiers ne peut pas encore être effacé. Dossier SUB-OUBLI : il n'est pas clos."
        );
        let ErasureRefusal::Held(held) = refusal else {
            panic!("the law refuses, not the third party");
        };
        assert_eq!(held[0].dossier, dossier);
        let unknown = at_once(&test.app).erase(&asks(), Uuid::now_v7(), "x").await;
        assert!(matches!(
            unknown,
            Err(DispatchFailure::Refused(ErasureRefusal::ThirdParty(
                ThirdPartyRefusal::NotRegistered
            )))
        ));
        test.end().await;
    });
}

async fn key_in_force(pool: &PgPool) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM keys.subject_keys WHERE subject = $1 AND wrapped IS NOT NULL)",
    )
    .bind(third_party())
    .fetch_one(pool)
    .await
    .unwrap()
}

#[test]
fn an_erasure_that_was_only_recorded_or_whose_keys_come_back_is_carried_out_by_whoever_comes_by() {
    run(async {
        let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
        let pool = app::connect(database.connect_options()).await.unwrap();
        let open = async || {
            let keys = Keys::of_tests(pool.clone());
            let log = navette_adapters::log::Log::open(pool.clone(), keys);
            let clock = navette::clock::Clock::system();
            let dispatcher = navette::dispatch::Dispatcher::new(log.clone(), clock);
            let projections = Projections::open(log, navette_projections::all())
                .await
                .unwrap();
            (dispatcher, projections)
        };
        let folder = tempfile::tempdir().unwrap();
        let files = navette_adapters::file_store::Files::in_folder(folder.path()).unwrap();
        let erasure = |(dispatcher, projections): (_, Projections)| {
            let files = std::sync::Arc::new(files.clone());
            Erasure::new(dispatcher, projections, files, Retention::default())
        };
        let (dispatcher, _) = open().await;
        let at = dispatcher.now();
        let profile = profile(REFERENCE);
        let commands = [
            ThirdPartyCommand::Register { profile, at },
            ThirdPartyCommand::Erase {
                reason: "Demande du tiers".into(),
                files: vec![],
                at,
            },
        ];
        for command in commands {
            let asked = asks();
            let recorded = dispatcher.dispatch::<ThirdParty>(&asked, third_party(), command);
            recorded.await.unwrap();
        }
        assert!(key_in_force(&pool).await, "whoever recorded it died before");
        let backup: Vec<(Uuid, Vec<u8>)> =
            sqlx::query_as("SELECT id, wrapped FROM keys.subject_keys")
                .fetch_all(&pool)
                .await
                .unwrap();
        let follow = async || {
            let erasure = erasure(open().await);
            tokio::select! {
                ended = erasure.follow() => panic!("it follows for ever: {ended:?}"),
                () = async {
                    while key_in_force(&pool).await {
                        tokio::task::yield_now().await;
                    }
                } => {}
            }
        };
        tokio::time::timeout(PATIENCE, follow()).await.unwrap();
        // An older backup of the keys: it brings back the place up to which erasures were carried out.
        for (id, wrapped) in backup {
            sqlx::query(
                "UPDATE keys.subject_keys SET wrapped = $2, destroyed_at = NULL WHERE id = $1",
            )
            .bind(id)
            .bind(wrapped)
            .execute(&pool)
            .await
            .unwrap();
        }
        sqlx::raw_sql("UPDATE keys.erasures SET position = 0")
            .execute(&pool)
            .await
            .unwrap();
        assert!(key_in_force(&pool).await);
        tokio::time::timeout(PATIENCE, follow()).await.unwrap();
    });
}
