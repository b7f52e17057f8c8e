#![expect(clippy::unwrap_used, reason = "a test may fail")]
use super::*;
use crate::postgres::home::running_server;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

const HELD_FOLDER: &str = "NAVETTE_TEST_HELD_FOLDER";

/// A folder that the server's account may enter, since the test may run as root.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

async fn number(server: &EmbeddedPostgres, sql: &str) -> Result<i32, sqlx::Error> {
    let mut connection = PgConnection::connect_with(&server.connect_options()).await?;
    sqlx::query_scalar(sql).fetch_one(&mut connection).await
}

async fn run(server: &EmbeddedPostgres, sql: &str) {
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

fn postmaster(data_dir: &Path) -> Pid {
    let file = fs::read_to_string(data_dir.join("cluster/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn what_was_committed_is_found_again_by_the_next_start() {
    let folder = folder();
    let data = folder.path().join("postgres");
    let server = EmbeddedPostgres::start(&data).await.unwrap();
    run(&server, "CREATE TABLE kept AS SELECT 42 AS answer").await;
    server.stop().await;
    let server = EmbeddedPostgres::start(&data).await.unwrap();
    assert_eq!(
        number(&server, "SELECT answer FROM kept").await.unwrap(),
        42
    );
}

#[tokio::test]
async fn a_killed_server_comes_back_at_the_same_place_with_its_data() {
    let folder = folder();
    let server = EmbeddedPostgres::start(folder.path()).await.unwrap();
    run(&server, "CREATE TABLE kept AS SELECT 42 AS answer").await;
    for _ in 0..2 {
        let killed = postmaster(folder.path());
        kill(killed, Signal::SIGKILL).unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        while number(&server, "SELECT answer FROM kept").await.ok() != Some(42)
            || postmaster(folder.path()) == killed
        {
            assert!(Instant::now() < deadline, "the server did not come back");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn it_listens_to_nobody_but_its_owner() {
    let folder = folder();
    let server = EmbeddedPostgres::start(folder.path()).await.unwrap();
    let listens = "SELECT (current_setting('listen_addresses') = '')::int";
    assert_eq!(number(&server, listens).await.unwrap(), 1);
    for private in [
        folder.path().to_owned(),
        folder.path().join("socket"),
        folder.path().join("cluster"),
    ] {
        assert_eq!(mode(&private), 0o700);
    }
}

#[tokio::test]
async fn an_interrupt_typed_in_the_terminal_does_not_reach_the_server_before_navette_says_so() {
    let folder = folder();
    let _server = EmbeddedPostgres::start(folder.path()).await.unwrap();
    let group = nix::unistd::getpgid(Some(postmaster(folder.path()))).unwrap();
    assert_ne!(group, nix::unistd::getpgrp());
}

#[tokio::test]
async fn a_folder_that_the_servers_account_cannot_reach_is_named() {
    if !nix::unistd::geteuid().is_root() {
        return; // The server runs under our own account, which reaches what we reach.
    }
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let error = EmbeddedPostgres::start(&closed.path().join("postgres"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::ClosedDoor { door, .. } if door == closed.path()),
        "{error}"
    );
}

#[tokio::test]
async fn two_navettes_do_not_run_the_same_data() {
    let folder = folder();
    let _server = EmbeddedPostgres::start(folder.path()).await.unwrap();
    let second = EmbeddedPostgres::start(folder.path()).await;
    assert!(matches!(second, Err(Error::InUse(_))));
}

#[tokio::test]
async fn a_folder_with_a_long_or_an_odd_path_is_served_through_a_private_socket_too() {
    let folder = folder();
    for name in ["é ".repeat(40), "l'été & 100%".into()] {
        let server = EmbeddedPostgres::start(&folder.path().join(name))
            .await
            .unwrap();
        run(&server, "SELECT 1").await;
        assert_eq!(mode(&server.socket), 0o700);
    }
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let folder = folder();
    EmbeddedPostgres::start(folder.path())
        .await
        .unwrap()
        .stop()
        .await;
    fs::remove_file(folder.path().join("cluster/global/pg_control")).unwrap();
    let error = EmbeddedPostgres::start(folder.path()).await.unwrap_err();
    assert!(error.to_string().contains("pg_control"), "{error}");
}

/// Not a test: the process that the next one kills.
#[tokio::test]
#[ignore = "run by the test below, in a process of its own"]
async fn a_navette_that_will_be_killed() {
    let data = PathBuf::from(std::env::var_os(HELD_FOLDER).unwrap());
    let server = EmbeddedPostgres::start(&data).await.unwrap();
    run(&server, "CREATE TABLE kept AS SELECT 42 AS answer").await;
    eprintln!("READY");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn the_server_ends_with_a_navette_that_is_killed_and_the_next_one_recovers() {
    let folder = folder();
    let mut navette = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact"])
        .arg("postgres::embedded::tests::a_navette_that_will_be_killed")
        .env(HELD_FOLDER, folder.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(navette.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "READY"));
    let orphan = postmaster(folder.path());
    navette.kill().unwrap();
    navette.wait().unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while running_server(&folder.path().join("cluster")).is_some() {
        assert!(Instant::now() < deadline, "the server outlives Navette");
        thread::yield_now();
    }
    let server = EmbeddedPostgres::start(folder.path()).await.unwrap();
    assert_ne!(postmaster(folder.path()), orphan);
    assert_eq!(
        number(&server, "SELECT answer FROM kept").await.unwrap(),
        42
    );
}

#[tokio::test]
async fn a_database_that_forgets_what_it_acknowledged_is_refused() {
    let folder = folder();
    let server = EmbeddedPostgres::start(folder.path()).await.unwrap();
    let pool = sqlx::PgPool::connect_with(server.connect_options())
        .await
        .unwrap();
    crate::postgres::check_durability(&pool).await.unwrap();
    run(&server, "ALTER ROLE navette SET synchronous_commit = off").await;
    let pool = sqlx::PgPool::connect_with(server.connect_options())
        .await
        .unwrap();
    let refusal = crate::postgres::check_durability(&pool).await.unwrap_err();
    assert!(refusal.to_string().contains("synchronous_commit"));
}
