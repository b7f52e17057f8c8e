//! A log that is restored or moved goes on only once that is announced.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::House,
    import::{example, navette, site},
    story::{noon, request},
    support::asks,
};
use navette::{clock::Clock, dispatch::Dispatcher, epoch::Memory};
use navette_adapters::{
    log::Log,
    postgres::{EmbeddedPostgres, test_cluster::TestDatabase},
};
use navette_domain::{
    dossier::{Dossier, DossierCommand},
    ids::DossierId,
    policy::Role,
};
use reqwest::Response;
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;
use uuid::Uuid;

/// A log, and what a machine remembers of it.
struct Place {
    database: TestDatabase,
    log: Log,
    folder: TempDir,
}

impl Place {
    async fn new() -> Self {
        let database = TestDatabase::create(&sqlx::migrate!()).await.unwrap();
        Self {
            log: Log::of_tests(database.pool.clone()),
            folder: tempfile::tempdir().unwrap(),
            database,
        }
    }

    fn memory(&self) -> Memory {
        Memory::in_folder(self.folder.path())
    }

    async fn register(&self, reference: &str) {
        let dispatcher = Dispatcher::new(self.log.clone(), Clock::system());
        let id = DossierId::of_reference(reference).0;
        let command = DossierCommand::Register {
            request: request(reference),
            at: noon(),
        };
        let registered = dispatcher.dispatch::<Dossier>(&asks(), id, command).await;
        registered.unwrap();
    }

    /// Why Navette would not start.
    async fn refused(&self) -> String {
        format!("{:#}", self.memory().check(&self.log).await.unwrap_err())
    }
}

/// Does to the database what only its administrator can.
async fn as_administrator(pool: &PgPool, statement: &str) {
    let mut transaction = pool.begin().await.unwrap();
    sqlx::raw_sql("SET LOCAL session_replication_role = replica")
        .execute(&mut *transaction)
        .await
        .unwrap();
    sqlx::raw_sql(statement)
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn an_older_copy_of_the_log_is_noticed_at_start_even_after_it_went_on() {
    let place = Place::new().await;
    for reference in ["SUB-1", "SUB-2", "SUB-3"] {
        place.register(reference).await;
    }
    let memory = place.memory();
    memory.check(&place.log).await.unwrap();
    memory.remember(&place.log).await.unwrap();
    memory.check(&place.log).await.unwrap();
    // A copy of when there was one event.
    as_administrator(
        &place.database.pool,
        "DELETE FROM events WHERE position > 1",
    )
    .await;
    let refused = place.refused().await;
    assert!(refused.contains("position 3 was seen here"), "{refused}");
    assert!(refused.contains("the log ends at 1"), "{refused}");
    assert!(refused.contains("navette epoch new --reason"), "{refused}");
    // Another event stands where the lost one stood.
    as_administrator(&place.database.pool, "DELETE FROM command_receipts").await;
    for reference in ["SUB-4", "SUB-5", "SUB-6"] {
        place.register(reference).await;
    }
    let refused = place.refused().await;
    assert!(refused.contains("the log ends at 4"), "{refused}");

    let epoch = place.log.begin_epoch("copie de la veille").await.unwrap();
    assert_eq!(epoch.after_position, 4);
    assert_eq!(place.log.epoch().await.unwrap(), epoch.epoch);
    memory.check(&place.log).await.unwrap();
    memory.remember(&place.log).await.unwrap();
    memory.check(&place.log).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_does_not_know_the_last_epoch_is_noticed() {
    let place = Place::new().await;
    place.register("SUB-1").await;
    let first = place.log.epoch().await.unwrap();
    place.log.begin_epoch("un essai").await.unwrap();
    place.memory().remember(&place.log).await.unwrap();
    let undone =
        format!("DELETE FROM epochs WHERE epoch <> '{first}'; UPDATE log SET epoch = '{first}'");
    as_administrator(&place.database.pool, &undone).await;
    let refused = place.refused().await;
    assert!(refused.contains("knows nothing of it"), "{refused}");
}

#[tokio::test]
async fn a_log_on_another_server_or_timeline_is_noticed_without_any_memory() {
    for change in ["timeline = timeline + 1", "system_identifier = 1"] {
        let place = Place::new().await;
        place.memory().check(&place.log).await.unwrap();
        let moved = format!("UPDATE epochs SET {change}");
        as_administrator(&place.database.pool, &moved).await;
        let refused = place.refused().await;
        assert!(refused.contains("on another server"), "{change}: {refused}");
        place.log.begin_epoch("déménagement").await.unwrap();
        place.memory().check(&place.log).await.unwrap();
        let reasons: Vec<_> = place.log.epochs().await.unwrap();
        assert_eq!(reasons.len(), 2);
    }
}

#[tokio::test]
async fn a_damaged_memory_is_told_and_not_taken_for_none() {
    let place = Place::new().await;
    std::fs::write(place.folder.path().join("last-event.json"), "{").unwrap();
    let refused = place.refused().await;
    assert!(refused.contains("is damaged"), "{refused}");
}

#[tokio::test]
async fn every_command_that_writes_refuses_a_log_that_was_set_back_until_that_is_announced() {
    let (folder, config) = site();
    let running = EmbeddedPostgres::start(&folder.path().join("data/postgres"))
        .await
        .unwrap();
    let run = |arguments: &[&str]| navette(&config).args(arguments).output().unwrap();
    let file = example("haute-garonne.csv");
    let import = ["import", file.to_str().unwrap()];
    assert_eq!(run(&import).status.code(), Some(0));
    let owner = PgPool::connect_with(running.connect_options())
        .await
        .unwrap();
    let (stream, reference): (Uuid, String) = sqlx::query_as(
        "SELECT stream_id, payload::json #>> '{request,reference}' FROM events
         WHERE event_type = 'dossier.registered' ORDER BY position LIMIT 1",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    as_administrator(
        &owner,
        "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
    )
    .await;
    let head = async || -> i64 {
        let head = sqlx::query_scalar("SELECT max(position) FROM events");
        head.fetch_one(&owner).await.unwrap()
    };
    let before = head().await;
    let (stream, out) = (stream.to_string(), folder.path().join("recueil.zip"));
    let bundle = ["bundle", &reference, "--out", out.to_str().unwrap()];
    for arguments in [
        &import[..],
        &["erase", &stream, "--reason", "demande"],
        &["erase", "--agent", "Jeanne", "--reason", "demande"],
        &bundle,
        &["operate", "pause", "--everything", "--reason", "essai"],
        &["checkpoint", "seal"],
        &["checkpoint", "rotate"],
        &["archive", "cut"],
        &["archive", "detach"],
        &["archive", "attach"],
    ] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}: {refused:?}");
        let told = String::from_utf8_lossy(&refused.stderr);
        let how = "refusing to go on: positions that were already told";
        assert!(
            told.contains(how) && told.contains("navette epoch new"),
            "{arguments:?}: {told}"
        );
    }
    let sealed: i64 = sqlx::query_scalar("SELECT count(*) FROM checkpoints")
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!((head().await, sealed, out.exists()), (before, 0, false));
    let announced = run(&["epoch", "new", "--reason", "copie de la veille"]);
    assert_eq!(announced.status.code(), Some(0), "{announced:?}");
    assert_eq!(run(&import).status.code(), Some(0));
    owner.close().await;
    running.stop().await;
}

#[tokio::test]
async fn a_position_of_another_epoch_or_beyond_the_log_is_told_at_once() {
    let house = House::open().await;
    let token = house.token(Role::Auditor, &[]).await;
    let asks = |epoch: Option<String>, position: i64| {
        let query = format!("{{ chains(atLeast: {position}) {{ code }} }}");
        let mut request = house.post("/graphql").bearer_auth(&token);
        if let Some(epoch) = epoch {
            request = request.header("Navette-Epoch", epoch);
        }
        request.json(&json!({ "query": query })).send()
    };
    let code = async |response: Response| -> Value {
        let answer: Value = response.json().await.unwrap();
        answer["errors"][0]["extensions"]["code"].clone()
    };
    let head = house.app.dispatcher.log().last_position().await.unwrap();
    let answered = asks(None, head).await.unwrap();
    let told = answered.headers()["navette-epoch"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        told,
        house
            .app
            .dispatcher
            .log()
            .epoch()
            .await
            .unwrap()
            .to_string()
    );
    assert_eq!(code(answered).await, Value::Null);
    assert_eq!(
        code(asks(Some(told), head).await.unwrap()).await,
        Value::Null
    );
    let other = Uuid::nil().to_string();
    let refused = asks(Some(other), head).await.unwrap();
    assert_eq!(refused.status(), 409);
    assert_eq!(code(refused).await, "EPOCH_CHANGED");
    assert_eq!(
        code(asks(None, head + 1).await.unwrap()).await,
        "BEYOND_THE_LOG"
    );
}
