//! The log sealed and verified by the program itself.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::import::{example, navette, said, site};
use navette::{
    app::{self, Database, MIGRATIONS},
    config::{CheckpointsConfig, Config},
    workers::Sealing,
};
use navette_adapters::{
    log::{Commit, Log, NewEvent, StreamAppend},
    postgres::{EmbeddedPostgres, test_cluster::TestDatabase},
    smtp::{Smtp, SmtpConfig, SmtpTls},
};
use navette_domain::{digest::Digest, ids::CommandId, proof::VerifierKey};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, PgConnection, PgPool};
use std::{fs, path::Path, process::Stdio, sync::Arc, time::Duration};
use uuid::Uuid;

#[tokio::test]
async fn the_program_seals_the_log_verifies_it_and_ends_with_the_code_that_says_what_it_found() {
    let (folder, config) = site();
    let running = EmbeddedPostgres::start(&folder.path().join("data/postgres"))
        .await
        .unwrap();
    let run = |arguments: &[&str]| navette(&config).args(arguments).output().unwrap();
    let done = |arguments: &[&str]| {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        said(&output)
    };
    let file = example("haute-garonne.csv");
    done(&["import", file.to_str().unwrap()]);
    let key = done(&["checkpoint", "key"]);
    key.parse::<VerifierKey>().unwrap();
    let note = done(&["checkpoint", "seal"]);
    assert_eq!(done(&["checkpoint", "show"]), note);
    let kept = folder.path().join("kept.txt");
    fs::write(&kept, &note).unwrap();
    let kept = kept.to_str().unwrap();

    let whole = done(&["verify"]);
    assert!(
        whole.contains("1 point(s) de contrôle vérifiés."),
        "{whole}"
    );
    assert!(whole.ends_with("Aucune anomalie.\n"), "{whole}");
    let held = done(&["verify", "--checkpoint", kept, "--key", key.trim()]);
    assert!(held.contains("2 point(s) de contrôle vérifiés."), "{held}");

    let owner = running.connect_options();
    let mut owner_connection = PgConnection::connect_with(&owner).await.unwrap();
    let stream: Uuid = sqlx::query_scalar("SELECT stream_id FROM events WHERE position = 3")
        .fetch_one(&mut owner_connection)
        .await
        .unwrap();
    done(&["verify", "--stream", &stream.to_string()]);

    // The program itself had no right to do it.
    let application = EmbeddedPostgres::as_application(&owner);
    let mut application = PgConnection::connect_with(&application).await.unwrap();
    let change = "UPDATE events SET payload = payload || ' ' WHERE position = 3";
    let refused = sqlx::query(change).execute(&mut application).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("permission denied"), "{refused}");
    let change = format!("SET session_replication_role = replica; {change}");
    sqlx::raw_sql(&change)
        .execute(&mut owner_connection)
        .await
        .unwrap();
    for arguments in [
        vec!["verify"],
        vec!["verify", "--checkpoint", kept],
        vec!["verify", "--stream", &stream.to_string()],
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = said(&output);
        assert!(told.contains("- modifié : "), "{told}");
        assert!(told.contains("à la position 3"), "{told}");
    }
    let missing = run(&["verify", "--checkpoint", "/nowhere"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nowhere"));
    drop((application, owner_connection));
    running.stop().await;
}

async fn write(pool: &PgPool, events: usize) {
    let command = Uuid::now_v7();
    let event = NewEvent {
        event_type: "dossier.taken_up".into(),
        event_version: 1,
        payload: "{}".into(),
        metadata: "{}".into(),
    };
    let commit = Commit {
        command: CommandId(command),
        content: Digest::of(command.as_bytes()),
        streams: vec![StreamAppend {
            stream_type: "dossier",
            stream_id: Uuid::now_v7(),
            expected: 0,
            events: vec![event; events],
        }],
        finished: None,
        begun: vec![],
        handed: None,
        dropped: vec![],
        held: vec![],
    };
    Log::of_tests(pool.clone()).append(commit).await.unwrap();
}

#[tokio::test]
async fn one_process_at_a_time_seals_what_is_due_and_publishes_it() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let pool = app::connect(database.connect_options()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let published = folder.path().join("published");
    let files = || fs::read_dir(&published).map_or(0, Iterator::count);
    let smtp = Smtp::new(&SmtpConfig {
        host: "127.0.0.1".into(),
        port: None,
        tls: SmtpTls::None,
        login: None,
        password: None,
        from: "navette@departement.example".into(),
        timeout_seconds: 1,
    });
    let policy = CheckpointsConfig {
        every_events: 5,
        folder: Some(published.clone()),
        ..CheckpointsConfig::default()
    };
    let key = folder.path().join("checkpoint.key");
    let sealing = Sealing::open(pool.clone(), &key, policy, Arc::new(smtp.unwrap())).unwrap();
    sealing.once().await.unwrap();
    assert_eq!(files(), 0, "nothing to seal");

    write(&pool, 1).await;
    let mut other = pool.acquire().await.unwrap().detach();
    sqlx::query("SELECT pg_advisory_lock(hashtext('navette seal'))")
        .execute(&mut other)
        .await
        .unwrap();
    sealing.once().await.unwrap();
    assert_eq!(files(), 0, "another process is at it");
    other.close().await.unwrap();
    sealing.once().await.unwrap();
    assert_eq!(files(), 1, "the first one");
    write(&pool, 4).await;
    sealing.once().await.unwrap();
    assert_eq!(files(), 1, "not due yet");
    write(&pool, 1).await;
    sealing.once().await.unwrap();
    assert_eq!(files(), 2);

    // What was cut is told by whoever would seal.
    sqlx::raw_sql("SET session_replication_role = replica; DELETE FROM events WHERE position > 3")
        .execute(&mut *pool.acquire().await.unwrap())
        .await
        .unwrap();
    let refused = sealing.once().await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("ends at position 3"),
        "{refused:#}"
    );
    pool.close().await;
}

/// Events of a kilobyte, each alone in its stream, hashed as they are when they are appended.
async fn fill(pool: &PgPool, first: i64, last: i64) {
    sqlx::query(
        "INSERT INTO events (position, stream_type, stream_id, version, event_type, event_version, payload, metadata, recorded_at, hash)
         SELECT position, 'dossier', stream, 1, 'dossier.taken_up', 1, payload, '{}', 'epoch',
                sha256(framed('navette event 1') || framed(decode(repeat('00', 32), 'hex'))
                    || framed(convert_to(position::text, 'UTF8')) || framed('dossier')
                    || framed(convert_to(stream::text, 'UTF8')) || framed('1') || framed('dossier.taken_up')
                    || framed('1') || framed('1970-01-01T00:00:00.000000Z') || framed(convert_to(payload, 'UTF8'))
                    || framed('{}'))
         FROM (SELECT position, gen_random_uuid() AS stream, repeat('x', 1000) AS payload
               FROM generate_series($1::bigint, $2) AS position) AS event",
    )
    .bind(first)
    .bind(last)
    .execute(pool)
    .await
    .unwrap();
}

/// What `navette verify` says, and the most memory that it took, in kilobytes.
async fn verified(config: &Path) -> (String, u64) {
    let mut child = navette(config)
        .arg("verify")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let taken = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = taken.unwrap_or(peak);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (said(&child.wait_with_output().unwrap()), peak)
}

#[tokio::test]
async fn a_log_twice_as_long_is_verified_in_the_same_memory() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let options = database.connect_options();
    let socket = options.get_socket().unwrap().display().to_string();
    let socket = socket.replace('/', "%2F");
    let (user, name) = (options.get_username(), options.get_database().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("navette.toml");
    let data = folder.path().display();
    let text = format!("database_url = \"postgresql://{user}@{socket}/{name}\"\ndata = \"{data}\"");
    fs::write(&config, text).unwrap();
    // Long enough that the shorter one reaches what the allocator keeps of its windows.
    let (short, long) = (75_000, 150_000);
    fill(&database.pool, 1, short).await;
    let (told, before) = verified(&config).await;
    assert!(
        told.contains("75000 événement(s) lus") && told.ends_with("Aucune anomalie.\n"),
        "{told}"
    );
    fill(&database.pool, short + 1, long).await;
    let (told, after) = verified(&config).await;
    assert!(
        told.contains("150000 événement(s) lus") && told.ends_with("Aucune anomalie.\n"),
        "{told}"
    );
    // The longer one has 75 MB more of payloads.
    assert!(
        before > 0 && after < before + 15_000,
        "{before} kB, then {after} kB"
    );
}

/// A role that owns nothing runs on tables that somebody else has brought up to date, and on no others.
#[tokio::test]
async fn a_role_that_does_not_own_the_tables_asks_for_a_migration_instead_of_making_its_own() {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let role = format!("application_{}", Uuid::new_v4().simple());
    sqlx::raw_sql(&format!("CREATE ROLE {role} LOGIN"))
        .execute(&database.pool)
        .await
        .unwrap();
    let url = |user: &str| {
        let options = database.connect_options();
        let socket = options.get_socket().unwrap().display().to_string();
        let socket = socket.replace('/', "%2F");
        let name = options.get_database().unwrap();
        Some(SecretString::from(format!(
            "postgresql://{user}@{socket}/{name}"
        )))
    };
    let owner = database.connect_options().get_username().to_owned();
    let both = Config {
        database_url: url(&role),
        migrate_url: url(&owner),
        ..Config::default()
    };
    Database::open(&both).await.unwrap().close().await;
    let alone = Config {
        migrate_url: None,
        ..both
    };
    let opened = Database::open(&alone).await.unwrap();
    let user: String = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(&opened.pool)
        .await
        .unwrap();
    assert_eq!(user, role);
    opened.close().await;

    // Who checks the configuration is told which of the two roles it names.
    let check = |user: &str| {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("navette.toml");
        let url = url(user).unwrap();
        fs::write(
            &config,
            format!("database_url = \"{}\"", url.expose_secret()),
        )
        .unwrap();
        said(&navette(&config).arg("check-config").output().unwrap())
    };
    let told = check(&owner);
    let warning = "database: reached; WARNING: its role owns the log and could change it";
    assert!(told.contains(warning), "{told}");
    let told = check(&role);
    assert!(told.contains("database: reached\n"), "{told}");

    sqlx::raw_sql(
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
    )
    .execute(&database.pool)
    .await
    .unwrap();
    let refused = Database::open(&alone).await.err().unwrap().to_string();
    assert!(refused.contains("navette migrate"), "{refused}");
}
