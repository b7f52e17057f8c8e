//! Exports that are made again and again, and delivered.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::doors::{House, body};
use chrono::{TimeDelta, Utc};
use navette::{
    clock::Clock, config::ExportsConfig, dispatch::Dispatcher, http::Doors, schedules::Places,
    schedules::Schedules,
};
use navette_adapters::nextcloud::NextcloudConfig;
use navette_domain::policy::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::path::Path;

/// The schedules of this house, so many minutes later.
fn later(house: &House, minutes: i64) -> Schedules {
    let clock = Clock::from_fn(move || Utc::now() + TimeDelta::minutes(minutes));
    let dispatcher = Dispatcher::new(house.app.dispatcher.log().clone(), clock);
    house.app.schedules.clone().by(dispatcher)
}

/// Longer than any day, also one on which clocks are put back.
const DAY: i64 = 25 * 60;

/// Starts what is due then, makes its file, and delivers it.
async fn carry_out(house: &House, minutes: i64) {
    later(house, minutes).once().await.unwrap();
    house.settle().await;
    house.app.exports.once().await.unwrap();
    house.settle().await;
    later(house, minutes).once().await.unwrap();
    house.settle().await;
}

fn every_day(destination: &Value) -> Value {
    let mut input = json!({
        "name": "Suivi / été", "format": "CSV", "columns": [{ "column": "dossier.reference" }],
        "monthDays": (1..=31).collect::<Vec<_>>(), "hour": 6, "minute": 30,
    });
    for (name, value) in destination.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

const WANT: &str = "scheduleId version refusal { code sentence } schedule { id version nextAt
    calendar { sentence weekdays monthDays hour minute } destination { kind name recipients email }
    lastRun { state } }";

async fn saved(house: &House, token: &str, input: Value) -> Value {
    house.mutate(token, "saveExportSchedule", input, WANT).await
}

/// What whoever asks sees of the last run of the only schedule.
async fn last_run(house: &House, token: &str) -> Value {
    let query =
        "{ exportSchedules { nodes { nextAt lastRun { dueAt state endedAt failures failure retryAt
        export { state rows requestedBy kept } } } } }";
    let answer = house.ask(token, query, json!({})).await;
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"]["exportSchedules"]["nodes"][0]["lastRun"].clone()
}

async fn told(house: &House, name: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM events WHERE event_type = $1")
        .bind(name)
        .fetch_one(&house.app.pool)
        .await
        .unwrap()
}

async fn revoke_all(house: &House) {
    sqlx::query("UPDATE api_tokens SET revoked_at = now() WHERE role = 'instructor'")
        .execute(&house.app.pool)
        .await
        .unwrap();
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<(String, String)> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let content = std::fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), content)
        })
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_runs_once_for_each_due_time_as_whoever_saved_it_and_what_was_missed_is_made_once()
 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let house = House::open_exporting(Doors::default(), |_| ExportsConfig {
        folders: [("controle".to_owned(), path)].into(),
        ..ExportsConfig::default()
    })
    .await;
    house.granted("EX-1", "Culture").await;
    house.granted("EX-2", "Sport").await;
    let owner = house.token(Role::Instructor, &["Culture"]).await;
    let auditor = house.token(Role::Auditor, &[]).await;
    let input = json!({ "name": "Tous", "filter": {} });
    let selection = house
        .mutate(&owner, "saveSelection", input, "selection { id }")
        .await;
    house.settle().await;
    let destination = json!({ "folder": "controle", "selection": selection["selection"]["id"] });
    let kept = saved(&house, &owner, every_day(&destination)).await;
    assert!(kept["refusal"].is_null(), "{kept}");
    assert_eq!(kept["schedule"]["lastRun"], Value::Null);
    assert_eq!(kept["schedule"]["destination"]["kind"], "FOLDER");
    house.settle().await;

    // Nobody worked for three days; then three come at once.
    let (a, b, c) = (
        later(&house, 3 * DAY),
        later(&house, 3 * DAY),
        later(&house, 3 * DAY),
    );
    let (a, b, c) = tokio::join!(a.once(), b.once(), c.once());
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
    carry_out(&house, 3 * DAY).await;
    carry_out(&house, 3 * DAY).await;
    assert_eq!(told(&house, "export_schedule.started").await, 1);
    assert_eq!(told(&house, "export.requested").await, 1);
    assert_eq!(told(&house, "export_schedule.delivered").await, 1);
    let run = last_run(&house, &auditor).await;
    assert_eq!(run["state"], "DELIVERED", "{run}");
    assert_eq!(
        run["export"]["rows"], 1,
        "what whoever saved it sees, and no more"
    );
    let due: chrono::DateTime<Utc> = run["dueAt"].as_str().unwrap().parse().unwrap();
    let local = due.with_timezone(&chrono_tz::Europe::Paris);
    let name = format!("Suivi___été_{}.csv", local.format("%Y-%m-%d_06h30"));
    let content = "dossier.reference\r\nEX-1\r\n".to_owned();
    assert_eq!(files(folder.path()), [(name.clone(), content.clone())]);

    // A process that was killed before it could say so delivers nothing twice.
    sqlx::query("UPDATE export_schedules SET last_state = 'running', last_retry_at = NULL")
        .execute(&house.app.pool)
        .await
        .unwrap();
    later(&house, 3 * DAY).once().await.unwrap();
    assert_eq!(told(&house, "export_schedule.delivered").await, 1);
    sqlx::query("UPDATE export_schedules SET last_state = 'delivered'")
        .execute(&house.app.pool)
        .await
        .unwrap();

    // The next day, whoever saved it has left.
    revoke_all(&house).await;
    carry_out(&house, 4 * DAY).await;
    let run = last_run(&house, &auditor).await;
    assert_eq!(run["state"], "GIVEN_UP");
    assert_eq!(run["export"], Value::Null);
    let failure = run["failure"].as_str().unwrap();
    assert!(failure.contains("n'est plus en vigueur"), "{failure}");
    assert_eq!(told(&house, "export.requested").await, 1);
    assert_eq!(files(folder.path()), [(name, content)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_fails_is_shown_with_its_reason_and_tried_again_until_it_arrives() {
    let house = House::open_exporting(Doors::default(), |neighbours| ExportsConfig {
        webdav: [(
            "finances".to_owned(),
            NextcloudConfig {
                root_folder: "Exports/Finances".to_owned(),
                ..neighbours.nextcloud.clone()
            },
        )]
        .into(),
        ..ExportsConfig::default()
    })
    .await;
    house.granted("EX-1", "Culture").await;
    let owner = house.token(Role::Instructor, &[]).await;
    let kept = saved(&house, &owner, every_day(&json!({ "webdav": "finances" }))).await;
    assert!(kept["refusal"].is_null(), "{kept}");
    house.settle().await;
    house.neighbours.nextcloud.maintenance(true);
    carry_out(&house, DAY).await;
    let run = last_run(&house, &owner).await;
    assert_eq!(run["state"], "RUNNING", "{run}");
    assert_eq!(run["failures"], 1);
    assert_eq!(run["failure"], "Nextcloud est en maintenance.");
    assert!(run["retryAt"].is_string());
    // Not before its time.
    later(&house, DAY).once().await.unwrap();
    assert_eq!(told(&house, "export_schedule.delivery_failed").await, 1);
    house.neighbours.nextcloud.maintenance(false);
    carry_out(&house, DAY + 2).await;
    let run = last_run(&house, &owner).await;
    assert_eq!(run["state"], "DELIVERED", "{run}");
    assert_eq!(run["failure"], Value::Null);
    let put = house.neighbours.nextcloud.files();
    let put: Vec<_> = put
        .iter()
        .filter(|path| path.starts_with("Exports/Finances/Suivi"))
        .collect();
    assert_eq!(put.len(), 1, "{put:?}");
    let content = house.neighbours.nextcloud.content(put[0]).unwrap();
    assert_eq!(content, b"dossier.reference\r\nEX-1\r\n"[..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_is_attached_and_a_large_one_is_a_link_with_the_rights_of_whoever_saved_it() {
    let mut house = House::open().await;
    house.granted("EX-1", "Culture").await;
    let owner = house.token(Role::Instructor, &[]).await;
    let to = json!({ "email": ["a@example.org", " b@example.org "] });
    let kept = saved(&house, &owner, every_day(&to)).await;
    let destination = &kept["schedule"]["destination"];
    assert_eq!(
        destination["email"],
        json!(["a@example.org", "b@example.org"])
    );
    house.settle().await;
    carry_out(&house, DAY).await;
    let sent = house.neighbours.smtp.accepted();
    let to: Vec<_> = sent.iter().flat_map(|sent| sent.to.clone()).collect();
    assert_eq!(to, ["a@example.org", "b@example.org"]);
    let raw = String::from_utf8_lossy(&sent[0].raw).into_owned();
    assert!(raw.contains("dossier.reference\r\nEX-1\r\n"), "{raw}");
    // Addresses are nowhere but in the log, sealed.
    let shown = "SELECT count(*) FROM export_schedules s WHERE s::text LIKE '%example.org%'";
    let stored = "SELECT count(*) FROM events WHERE payload LIKE '%example.org%'
                  AND event_type LIKE 'export_schedule%'";
    for query in [shown, stored] {
        let found: i64 = sqlx::query_scalar(query)
            .fetch_one(&house.app.pool)
            .await
            .unwrap();
        assert_eq!(found, 0, "{query}");
    }

    let places = Places::of(&ExportsConfig {
        attached_up_to: 0,
        public_url: Some(format!("{}/", house.url)),
        ..ExportsConfig::default()
    });
    let exports = house.app.exports.clone();
    house.app.schedules = house.app.schedules.clone().to(exports, places.unwrap());
    carry_out(&house, 2 * DAY).await;
    let sent = house.neighbours.smtp.accepted();
    assert_eq!(sent.len(), 4);
    let raw = String::from_utf8_lossy(&sent[2].raw).into_owned();
    assert!(!raw.contains("EX-1"), "{raw}");
    let plain = raw.replace("=\r\n", "").replace("=3D", "=");
    let (_, link) = plain
        .split_once(&format!("{}/exports/", house.url))
        .unwrap();
    let link = link.split_whitespace().next().unwrap();
    let link = format!("/exports/{link}");
    let file = house.get(&link).send().await.unwrap();
    assert_eq!(body(file, 200).await, "dossier.reference\r\nEX-1\r\n");
    let other = link.replace("seal=", "seal=0");
    let forged = house.get(&other).send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED);
    revoke_all(&house).await;
    let late = house.get(&link).send().await.unwrap();
    assert_eq!(late.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_changed_by_its_owner_removed_by_administrators_too_and_hidden_from_others() {
    let house = House::open_exporting(Doors::default(), |_| ExportsConfig {
        folders: [("controle".to_owned(), "/nulle/part".into())].into(),
        ..ExportsConfig::default()
    })
    .await;
    let owner = house.token(Role::Instructor, &[]).await;
    let other = house.token(Role::Supervisor, &[]).await;
    let admin = house.token(Role::Admin, &[]).await;
    let events = house.events().await;
    let with = |name: &str, value: Value| {
        let mut input = every_day(&json!({ "folder": "controle" }));
        input[name] = value;
        input
    };
    for (input, sentence) in [
        (
            with("folder", json!("/etc")),
            "La configuration nomme : « controle »",
        ),
        (
            with("webdav", json!("finances")),
            "Indiquez une destination, et une seule",
        ),
        (
            with("weekdays", json!(["MONDAY"])),
            "Indiquez soit des jours de la semaine",
        ),
        (with("hour", json!(24)), "L'heure 24:30"),
        (with("monthDays", json!([])), "n'a aucun jour"),
        (
            with("format", json!(null)),
            "Indiquez le format de l'export",
        ),
        (
            with("selection", json!(uuid::Uuid::nil())),
            "Cette sélection",
        ),
        (
            with("model", json!(uuid::Uuid::nil())),
            "Ce modèle d'export",
        ),
    ] {
        let refused = saved(&house, &owner, input).await;
        let told = refused["refusal"]["sentence"].as_str().unwrap();
        assert!(told.contains(sentence), "{told}");
    }
    let wrong = every_day(&json!({ "email": ["a@example.org", "b"] }));
    let refused = saved(&house, &owner, wrong).await;
    let told = refused["refusal"]["sentence"].as_str().unwrap();
    assert_eq!(
        told,
        "L'adresse électronique n° 2 (`email`) n'est pas valable."
    );
    assert_eq!(house.events().await, events, "nothing is half done");

    let kept = saved(&house, &owner, every_day(&json!({ "folder": "controle" }))).await;
    let id = kept["scheduleId"].clone();
    let query = "query($id: UUID!) { exportSchedule(id: $id) { name } exportSchedules { total { value } } }";
    let seen = house.ask(&other, query, json!({ "id": id })).await;
    assert_eq!(
        seen["data"],
        json!({ "exportSchedule": null, "exportSchedules": { "total": { "value": 0 } } })
    );
    let seen = house.ask(&admin, query, json!({ "id": id })).await;
    assert_eq!(seen["data"]["exportSchedule"]["name"], "Suivi / été");
    let mut change = with("id", id.clone());
    change["name"] = json!("Contrôle");
    let theirs = saved(&house, &other, change.clone()).await;
    assert_eq!(theirs["refusal"]["code"], "NOT_FOUND");
    change["expectedVersion"] = json!(7);
    let stale = saved(&house, &owner, change.clone()).await;
    assert_eq!(stale["refusal"]["code"], "CONFLICT");
    change["expectedVersion"] = kept["version"].clone();
    let changed = saved(&house, &owner, change).await;
    assert_eq!(changed["schedule"]["version"], 2, "{changed}");
    let input = json!({ "id": id });
    let want = "refusal { code } schedule { id }";
    let theirs = house
        .mutate(&other, "removeExportSchedule", input.clone(), want)
        .await;
    assert_eq!(theirs["refusal"]["code"], "NOT_FOUND");
    let removed = house
        .mutate(&admin, "removeExportSchedule", input, want)
        .await;
    assert_eq!(removed, json!({ "refusal": null, "schedule": null }));
    let query = "query($id: UUID!) { audit(filter: {stream: [$id]}, order: OLDEST_FIRST) { nodes { sentence } } }";
    house.settle().await;
    let history = house.ask(&admin, query, json!({ "id": id })).await;
    let days = "chaque mois à 6 h 30, dans le dossier « controle »";
    let sentences = history["data"]["audit"]["nodes"].as_array().unwrap();
    let first = sentences[0]["sentence"].as_str().unwrap();
    assert!(
        first.starts_with("Export programmé « Suivi / été » enregistré : le 1er, 2,")
            && first.ends_with(days),
        "{first}"
    );
    assert_eq!(sentences[2]["sentence"], "Export programmé supprimé");
}
