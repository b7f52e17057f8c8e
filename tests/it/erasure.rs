//! What is known of a third party is erased: refused while the law holds it, and complete when it does not.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::House,
    support::{TestApp, asks, profile, run},
};
use navette::{
    app::{self, App, MIGRATIONS},
    dispatch::DispatchFailure,
    erasure::{Erasure, ErasureRefusal},
    neighbourhood::Manners,
    workers::Projections,
};
use navette_adapters::{keys::Keys, postgres::test_cluster::TestDatabase, sim::iparapheur};
use navette_domain::{
    document::DocumentStatus,
    dossier::{Dossier, DossierCommand},
    event::Event,
    ids::{DocumentId, DossierId},
    policy::Role,
    proof::HASHED_BEFORE_FIRST,
    third_party::{Hold, Profile, Retention, ThirdParty, ThirdPartyCommand, ThirdPartyRefusal},
};
use serde_json::json;
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

/// The whole log, one stream, and what an auditor held before an erasure.
async fn still_proves(test: &TestApp, held: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), held).unwrap();
    let stream = third_party().to_string();
    for arguments in [
        ["verify", "--checkpoint", file.path().to_str().unwrap()],
        ["verify", "--stream", &stream],
    ] {
        let (intact, said) = test.navette(&arguments).await;
        assert!(intact && said.ends_with("Aucune anomalie.\n"), "{said}");
    }
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
            ["dossier_custom", "dossiers", "third_parties"],
            "what is known is in read models, and sealed in the log"
        );
        let before = log.stored(0, i64::MAX).await.unwrap();
        let (sealed, note) = test.navette(&["checkpoint", "seal"]).await;
        assert!(sealed, "{note}");
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

        still_proves(&test, &note).await;

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

#[test]
fn the_command_erases_once_and_says_what_forbids_it() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        test.granted(REFERENCE).await;
        let free = profile("SUB-LIBRE");
        let id = free.derived_id(free.name.reveal()).0;
        test.profile(free, false).await;
        test.settle().await;
        let erase = async |id: Uuid, more: &[&str]| {
            let id = id.to_string();
            let arguments = [&["erase", &id, "--reason", "Demande du tiers"], more].concat();
            test.navette(&arguments).await
        };
        let (done, said) = erase(third_party(), &[]).await;
        assert!(
            !done && said.contains("SUB-OUBLI : il n'est pas clos"),
            "{said}"
        );
        let (done, said) = erase(third_party(), &["--dry-run"]).await;
        assert!(!done && said.contains("1 dossiers s'opposent"), "{said}");
        let (done, said) = erase(Uuid::from_u128(7), &[]).await;
        assert!(!done && said.contains("Ce tiers n'existe pas."), "{said}");
        let before = test.app.dispatcher.log().last_position().await.unwrap();
        let (done, said) = erase(id, &["--dry-run"]).await;
        assert!(done && said.contains("rien n'a été effacé"), "{said}");
        let log = test.app.dispatcher.log();
        assert_eq!(
            log.last_position().await.unwrap(),
            before,
            "nothing was recorded"
        );
        for _ in 0..2 {
            let (done, said) = erase(id, &[]).await;
            assert!(
                done && said.ends_with("Les données de ce tiers sont effacées.\n"),
                "{said}"
            );
            assert_eq!(log.last_position().await.unwrap(), before + 1);
        }
        let last = log.stream(id).await.unwrap().pop().unwrap();
        assert_eq!(last.metadata.actor, "cli:erase");
        test.settle().await;
        let left = traces(&test.app.pool).await;
        assert!(!format!("{left:?}").contains("SUB-LIBRE"));
        let shown: i64 =
            sqlx::query_scalar("SELECT count(*) FROM third_parties WHERE name LIKE '%LIBRE%'")
                .fetch_one(&test.app.pool)
                .await
                .unwrap();
        assert_eq!(shown, 0);
        test.end().await;
    });
}

#[tokio::test]
async fn graphql_erases_once_and_answers_what_forbids_it() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[]).await;
    let want =
        "version position kept heldBy { dossierId reference sentence } refusal { code sentence }";
    let dossier = house.granted("SUB-1", "Sport").await;
    let held = crate::story::profile("SUB-1");
    let held = held.derived_id(held.name.reveal()).0;
    let free = Profile {
        siret: None,
        rna: None,
        ..crate::story::profile("SUB-LIBRE")
    };
    let id = free.derived_id(free.name.reveal()).0;
    let at = house.app.clock.now();
    let register = ThirdPartyCommand::Register { profile: free, at };
    let asked = crate::doors::asks();
    let registered = house
        .app
        .dispatcher
        .dispatch::<ThirdParty>(&asked, id, register);
    registered.await.unwrap();
    house.settle().await;
    let erase =
        async |input: serde_json::Value| house.mutate(&token, "eraseThirdParty", input, want).await;
    let events = house.events().await;
    let refused = erase(json!({ "id": held, "reason": "Demande" })).await;
    assert_eq!(
        refused["heldBy"][0]["dossierId"],
        json!(dossier.0),
        "{refused}"
    );
    let sentence = refused["heldBy"][0]["sentence"].as_str().unwrap();
    assert!(sentence.contains("n'est pas clos"), "{refused}");
    assert!(refused["refusal"]["code"].is_string(), "{refused}");
    let unknown = erase(json!({ "id": Uuid::from_u128(7), "reason": "Demande" })).await;
    assert_eq!(unknown["refusal"]["code"], "NOT_FOUND", "{unknown}");
    let silent = erase(json!({ "id": id, "reason": " " })).await;
    assert!(
        silent["refusal"]["sentence"]
            .as_str()
            .unwrap()
            .contains("motif"),
        "{silent}"
    );
    assert_eq!(house.events().await, events, "what is refused is no act");

    let input = json!({ "id": id, "reason": "Demande", "idempotencyKey": Uuid::new_v4() });
    let done = erase(input.clone()).await;
    assert_eq!(done["refusal"], json!(null), "{done}");
    assert_eq!(done["version"], 2, "{done}");
    assert!(
        !key_of(&house.app.pool, id).await,
        "its key is gone before the answer"
    );
    assert_eq!(
        erase(input).await,
        done,
        "a repetition gets the same answer"
    );
    let again = erase(json!({ "id": id, "reason": "Demande" })).await;
    assert_eq!(
        (&again["version"], &again["refusal"]),
        (&json!(2), &json!(null)),
        "{again}"
    );
    assert_eq!(house.events().await, events + 1);
}

#[test]
fn an_erased_agent_is_named_nowhere_and_whoever_else_acted_still_is() {
    run(async {
        let desk = iparapheur::Automatic {
            after: std::time::Duration::ZERO,
            objection: std::sync::Arc::new(|_, _| Some("À revoir".to_owned())),
        };
        let test = TestApp::start(Manners {
            signature: Some(desk),
            ..Manners::obliging()
        })
        .await;
        let dossier = test.granted(REFERENCE).await;
        let batch = test.notify(&[dossier]).await;
        let document = DocumentId::of_dossier(batch, dossier);
        test.until_status(document, DocumentStatus::SignatureRefused)
            .await;
        test.settle().await;
        let shown = async || -> String {
            sqlx::query_scalar("SELECT rejected_by FROM signatures")
                .fetch_one(&test.app.pool)
                .await
                .unwrap()
        };
        let name = shown().await;
        assert!(name.len() > 3 && name != "[effacé]", "{name}");
        let erase = async |name: &str, reason: &str| {
            test.navette(&["erase", "--agent", name, "--reason", reason])
                .await
        };
        let (done, said) = erase("Jean Inconnu", "Départ").await;
        assert!(!done && said.contains("ne tient rien de lisible"), "{said}");
        let (done, said) = erase(&name, " ").await;
        assert!(!done && said.contains("motif"), "{said}");
        assert_eq!(shown().await, name);
        let (done, said) = erase(&name, "Départ").await;
        assert!(done && said.contains("est effacé"), "{said}");
        assert_eq!(shown().await, "[effacé]");
        let (done, said) = erase(&name, "Départ").await;
        assert!(!done && said.contains("déjà effacé"), "{said}");

        let events = test
            .app
            .dispatcher
            .log()
            .read_named("agent.erased", 0, i64::MAX)
            .await;
        let events = events.unwrap();
        assert_eq!(events.len(), 1);
        assert!(!key_of(&test.app.pool, events[0].stream_id).await);
        let stored = test.app.dispatcher.log().stored(0, i64::MAX).await.unwrap();
        assert!(!stored.iter().any(|event| event.payload.contains(&name)));
        // The one who asked for the batch is somebody else.
        let batch = test.app.dispatcher.log().stream(batch.0).await.unwrap();
        let started = serde_json::to_string(&batch[0].event).unwrap();
        assert!(started.contains("agent@departement.example"), "{started}");
        let (intact, said) = test.navette(&["verify"]).await;
        assert!(intact, "{said}");
        // Read models equal their rebuild, which reads the name as erased.
        test.end().await;
    });
}

#[test]
fn a_batch_leaves_out_the_dossier_of_an_erased_third_party_and_says_why() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let free = profile("SUB-LIBRE");
        let id = free.derived_id(free.name.reveal());
        test.profile(free, false).await;
        let erased = at_once(&test.app)
            .erase(&asks(), id.0, "Demande du tiers")
            .await;
        erased.unwrap();
        // A dossier that some other application still names it in.
        let kept = test.granted("SUB-1").await;
        let late = test.granted_to("SUB-2", id).await;
        let (_, started) = test
            .start_batch("notification-attribution", &[kept, late])
            .await;
        let [refused] = started.refused.as_slice() else {
            panic!("{:?}", started.refused);
        };
        assert_eq!(refused.dossier, late);
        assert_eq!(
            refused.sentence,
            format!("Dossier SUB-2 : {}", ThirdPartyRefusal::Erased)
        );
        test.end().await;
    });
}

async fn key_in_force(pool: &PgPool) -> bool {
    key_of(pool, third_party()).await
}

async fn key_of(pool: &PgPool, subject: Uuid) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM keys.subject_keys WHERE subject = $1 AND wrapped IS NOT NULL)",
    )
    .bind(subject)
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
