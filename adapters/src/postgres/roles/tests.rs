//! What each role may and may not do, against a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::*;
use crate::{
    log::{
        Log, archive,
        tests::{MIGRATIONS, commit},
    },
    postgres::test_cluster::TestDatabase,
};
use sqlx::PgPool;
use uuid::Uuid;

/// A database whose log has events, and the pool of a role that may not change it.
async fn database() -> (TestDatabase, PgPool) {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let role = format!("application_{}", Uuid::new_v4().simple());
    let mut owner = database.pool.acquire().await.unwrap();
    sqlx::raw_sql(&format!("CREATE ROLE {role} LOGIN"))
        .execute(&mut *owner)
        .await
        .unwrap();
    grant(&mut owner, &role).await.unwrap();
    // Starting again, or two at once, changes nothing.
    grant(&mut owner, &role).await.unwrap();
    drop(owner);
    let options = database.connect_options().username(&role);
    let application = PgPool::connect_with(options).await.unwrap();
    let log = Log::of_tests(application.clone());
    for _ in 0..3 {
        log.append(commit(Uuid::now_v7(), 0, 2)).await.unwrap();
    }
    (database, application)
}

async fn code(pool: &PgPool, statement: &str) -> Option<String> {
    let refused = sqlx::raw_sql(statement).execute(pool).await.err()?;
    let code = refused
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    Some(code.unwrap().into_owned())
}

/// Every way to change what only grows.
const CHANGES: [&str; 18] = [
    "UPDATE events SET payload = '{}'",
    "DELETE FROM events",
    "TRUNCATE events",
    "UPDATE command_receipts SET version = 0",
    "DELETE FROM command_receipts",
    "TRUNCATE command_receipts",
    "UPDATE checkpoints SET note = ''",
    "DELETE FROM checkpoints",
    "TRUNCATE checkpoints CASCADE",
    "UPDATE tree_nodes SET level = 9",
    "DELETE FROM tree_nodes",
    "TRUNCATE tree_nodes",
    "UPDATE time_stamps SET token = ''",
    "DELETE FROM time_stamps",
    "TRUNCATE time_stamps",
    "UPDATE key_changes SET note = ''",
    "DELETE FROM key_changes",
    "TRUNCATE key_changes",
];

#[tokio::test]
async fn the_application_adds_to_the_log_and_is_refused_every_change_of_it() {
    let (_database, application) = database().await;
    let around = [
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TABLE events",
        "DROP TRIGGER events_only_grow ON events",
        "CREATE RULE quiet AS ON INSERT TO events DO INSTEAD NOTHING",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "UPDATE _sqlx_migrations SET success = false",
    ];
    for statement in CHANGES.into_iter().chain(around) {
        // Insufficient privilege.
        let code = code(&application, statement).await;
        assert_eq!(code.as_deref(), Some("42501"), "{statement}");
    }
    assert_eq!(
        could_change_the_log(&application).await.unwrap(),
        Some(false)
    );
}

#[tokio::test]
async fn the_application_makes_its_own_tables_and_keeps_its_own_counts() {
    let (_database, application) = database().await;
    for statement in [
        "CREATE TABLE shown (id int)",
        "CREATE SCHEMA beside; CREATE TABLE beside.shown2 (id int); ALTER TABLE beside.shown2 SET SCHEMA public",
        "DROP TABLE shown",
        "INSERT INTO batch_holds VALUES (gen_random_uuid()); DELETE FROM batch_holds",
    ] {
        assert_eq!(code(&application, statement).await, None, "{statement}");
    }
}

/// Even the owner, who would have to take the triggers away first.
#[tokio::test]
async fn triggers_refuse_every_change_of_the_log_to_its_owner_too() {
    let (database, _application) = database().await;
    for fill in [
        "INSERT INTO checkpoints (size, epoch, root, note) SELECT 1, gen_random_uuid(), hash, '' FROM events LIMIT 1",
        "INSERT INTO tree_nodes SELECT 8, 0, hash FROM events LIMIT 1",
        "INSERT INTO time_stamps SELECT size, root FROM checkpoints",
        "INSERT INTO key_changes SELECT size, note FROM checkpoints",
    ] {
        assert_eq!(code(&database.pool, fill).await, None, "{fill}");
    }
    for statement in CHANGES {
        let refused = sqlx::raw_sql(statement).execute(&database.pool).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("only grows"), "{statement}: {refused}");
    }
    assert_eq!(
        could_change_the_log(&database.pool).await.unwrap(),
        Some(true)
    );
}

#[tokio::test]
async fn the_application_adds_to_a_log_that_was_cut_and_only_reads_what_was_closed_or_left() {
    let (database, application) = database().await;
    let mut owner = database.pool.acquire().await.unwrap();
    archive::cut(&mut owner).await.unwrap();
    let role = application.connect_options().get_username().to_owned();
    let log = Log::of_tests(application.clone());
    let again = async |owner: &mut PgConnection| {
        log.append(commit(Uuid::now_v7(), 0, 1)).await.unwrap();
        // As each start does.
        grant(owner, &role).await.unwrap();
        log.append(commit(Uuid::now_v7(), 0, 1)).await.unwrap();
        for read in ["events", "events_1_to_6", "archives", "archived_hashes"] {
            let read = format!("SELECT FROM {read}");
            assert_eq!(code(&application, &read).await, None, "{read}");
        }
        for statement in [
            "INSERT INTO events_1_to_6 SELECT * FROM events_1_to_6",
            "UPDATE events_1_to_6 SET payload = ''",
            "DELETE FROM events_1_to_6",
            "TRUNCATE events_1_to_6",
            "INSERT INTO archives VALUES (1, 2)",
            "DELETE FROM archives",
            "INSERT INTO archived_hashes SELECT position, hash FROM events",
            "DELETE FROM archived_hashes",
            "UPDATE events SET payload = ''",
            "ALTER TABLE events_1_to_6 NO INHERIT events",
        ] {
            let code = code(&application, statement).await;
            assert_eq!(code.as_deref(), Some("42501"), "{statement}");
        }
    };
    again(&mut owner).await;
    let sealed = "INSERT INTO checkpoints (size, epoch, root, note) SELECT 6, gen_random_uuid(), hash, '' FROM events LIMIT 1";
    assert_eq!(code(&database.pool, sealed).await, None);
    archive::detach(&mut owner).await.unwrap();
    again(&mut owner).await;
}

#[tokio::test]
async fn the_application_keeps_keys_and_destroys_them() {
    let (_database, application) = database().await;
    for statement in [
        r"INSERT INTO keys.subject_keys (id, subject, wrapped) SELECT id, id, '\x00' FROM gen_random_uuid() AS id",
        "UPDATE keys.subject_keys SET wrapped = NULL, destroyed_at = now()",
        "UPDATE keys.erasures SET position = 1",
    ] {
        assert_eq!(code(&application, statement).await, None, "{statement}");
    }
}

/// Where one role does both, it keeps its rights.
#[tokio::test]
async fn an_owner_who_is_the_application_takes_nothing_from_itself() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let mut owner = database.pool.acquire().await.unwrap();
    let itself: String = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(&mut *owner)
        .await
        .unwrap();
    grant(&mut owner, &itself).await.unwrap();
    let given: bool = sqlx::query_scalar(
        "SELECT bool_or(relacl IS NOT NULL) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    )
    .fetch_one(&mut *owner)
    .await
    .unwrap();
    assert!(!given);
}

#[tokio::test]
async fn rights_for_a_role_that_is_not_there_are_refused_whole() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let mut owner = database.pool.acquire().await.unwrap();
    let refused = grant(&mut owner, "nobody_here").await.unwrap_err();
    assert!(refused.to_string().contains("nobody_here"), "{refused}");
}

#[tokio::test]
async fn of_a_database_without_a_log_nobody_is_said_to_own_it() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let elsewhere = database.connect_options().database("postgres");
    let elsewhere = PgPool::connect_with(elsewhere).await.unwrap();
    assert_eq!(could_change_the_log(&elsewhere).await.unwrap(), None);
    elsewhere.close().await;
}
