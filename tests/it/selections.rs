//! Selections that people keep, what a batch would do with them, and what is followed of them.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::doors::{House, body};
use futures::StreamExt as _;
use navette::http::Doors;
use navette_domain::policy::Role;
use navette_projections::global;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const WANT: &str = "version refusal { code sentence } selection { id name shared mine nodeId
    filter list total { value } dossiers { nodes { reference } } }";

fn references(list: &Value) -> Vec<&str> {
    let nodes = list["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| node["reference"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_selection_is_kept_shared_changed_by_its_owner_only_and_removed() {
    let house = House::open().await;
    for reference in ["SUB-1", "SUB-2"] {
        house.granted(reference, "Sport").await;
    }
    house.granted("AUTRE", "Culture").await;
    let anne = house.token(Role::Instructor, &[]).await;
    let luc = house.token(Role::Instructor, &["Culture"]).await;
    let key = Uuid::new_v4();
    let input = json!({
        "idempotencyKey": key, "name": "Sport",
        "filter": { "serviceIs": { "prefix": "Spo" }, "granted": { "from": 1 } },
    });
    let saved = house
        .mutate(&anne, "saveSelection", input.clone(), WANT)
        .await;
    let selection = &saved["selection"];
    assert_eq!(selection["total"]["value"], 2, "{saved}");
    assert_eq!(references(&selection["dossiers"]), ["SUB-1", "SUB-2"]);
    assert_eq!(selection["filter"]["serviceIs"], json!({ "prefix": "Spo" }));
    assert_eq!(
        house.mutate(&anne, "saveSelection", input, WANT).await["selection"],
        *selection
    );
    // Private: to others it is not there.
    let id = &selection["id"];
    let query = "query($id: UUID!) { selection(id: $id) { name } selections { name } }";
    let hidden = house.ask(&luc, query, json!({ "id": id })).await;
    assert_eq!(
        hidden["data"],
        json!({ "selection": null, "selections": [] })
    );
    let input = json!({ "id": id, "name": "À moi", "filter": {} });
    let refused = house
        .mutate(&luc, "saveSelection", input.clone(), WANT)
        .await;
    assert_eq!(refused["refusal"]["code"], "NOT_FOUND");
    // Shared: it is used by all, each within their sight, and still changed by its owner only.
    let list = ["AUTRE", "SUB-1"].map(|text| navette_domain::ids::DossierId::of_reference(text).0);
    let shared = json!({ "id": id, "expectedVersion": 1, "name": "Les deux", "shared": true, "dossiers": list });
    let shared = house.mutate(&anne, "saveSelection", shared, WANT).await;
    assert_eq!(shared["selection"]["list"], json!(list));
    let query = "query($id: UUID!) { selection(id: $id) { name mine total { value }
        dossiers { nodes { reference } } } }";
    let seen = house.ask(&luc, query, json!({ "id": id })).await;
    assert_eq!(seen["data"]["selection"]["mine"], false);
    assert_eq!(
        references(&seen["data"]["selection"]["dossiers"]),
        ["AUTRE"]
    );
    let refused = house.mutate(&luc, "saveSelection", input, WANT).await;
    assert_eq!(refused["refusal"]["code"], "OUT_OF_SCOPE");
    let stale = json!({ "id": id, "expectedVersion": 1 });
    let stale = house.mutate(&anne, "removeSelection", stale, WANT).await;
    assert_eq!(stale["refusal"]["code"], "CONFLICT");
    let removed = house
        .mutate(&anne, "removeSelection", json!({ "id": id }), WANT)
        .await;
    assert!(
        removed["refusal"].is_null() && removed["selection"].is_null(),
        "{removed}"
    );
}

#[tokio::test]
async fn a_batch_is_previewed_and_started_on_a_selection() {
    let house = House::open().await;
    house.chain().await;
    for reference in ["SUB-1", "SUB-2"] {
        house.granted(reference, "Sport").await;
    }
    let token = house.token(Role::Instructor, &[]).await;
    let request = json!({
        "reference": "SUB-3", "thirdPartyId": Uuid::nil(), "purpose": "Fête", "service": "Sport",
        "authority": { "name": "Département" }, "amount": 100,
    });
    house
        .mutate(
            &token,
            "registerDossier",
            json!({ "request": request }),
            "version",
        )
        .await;
    let input = json!({ "name": "Sport", "filter": { "service": ["Sport"] } });
    let saved = house
        .mutate(&token, "saveSelection", input, "selection { id }")
        .await;
    let selection = &saved["selection"]["id"];
    let query = "query($chain: String!, $selection: UUID, $dossiers: [UUID!]) {
        batchPreview(chain: $chain, selection: $selection, dossiers: $dossiers) {
            chosen taken leftOut refused { reference sentence code } refusal { code } } }";
    let variables = json!({ "chain": "notification", "selection": selection });
    let events = house.events().await;
    let preview = house.ask(&token, query, variables.clone()).await;
    let told = &preview["data"]["batchPreview"];
    assert_eq!(
        (&told["chosen"], &told["taken"], &told["leftOut"]),
        (&json!(3), &json!(2), &json!(1)),
        "{preview}"
    );
    assert_eq!(told["refused"][0]["reference"], "SUB-3");
    assert!(
        told["refused"][0]["sentence"]
            .as_str()
            .unwrap()
            .contains("« déposé »")
    );
    assert_eq!(house.events().await, events, "a preview starts nothing");
    let input = json!({ "label": "Lot", "chain": "notification", "selection": selection });
    let want = "outcome refused { reference } batch { dossierCount }";
    let started = house.mutate(&token, "startBatch", input, want).await;
    assert_eq!(started["outcome"], "STARTED_IN_PART");
    assert_eq!(started["batch"]["dossierCount"], 2);
    assert_eq!(started["refused"][0]["reference"], "SUB-3");
    house.settle().await;
    let preview = house.ask(&token, query, variables).await;
    assert_eq!(
        preview["data"]["batchPreview"]["taken"], 0,
        "they have a letter under way"
    );
    for (variables, code) in [
        (
            json!({ "chain": "rien", "selection": selection }),
            "NOT_FOUND",
        ),
        (
            json!({ "chain": "notification", "selection": Uuid::nil() }),
            "NOT_FOUND",
        ),
        (json!({ "chain": "notification" }), "INVALID_INPUT"),
    ] {
        let preview = house.ask(&token, query, variables).await;
        assert_eq!(
            preview["data"]["batchPreview"]["refusal"]["code"], code,
            "{preview}"
        );
    }
}

#[tokio::test]
async fn every_kind_of_object_is_found_by_its_node_id_by_those_who_see_it() {
    let house = House::open().await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Instructor, &[]).await;
    let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier.0] });
    house.mutate(&token, "startBatch", input, "batchId").await;
    let input = json!({ "name": "Sport", "filter": {} });
    house
        .mutate(&token, "saveSelection", input, "version")
        .await;
    let input = json!({ "format": "CSV" });
    house
        .mutate(&token, "requestExport", input, "version")
        .await;
    let input = json!({ "name": "Suivi", "format": "CSV", "columns": [] });
    house
        .mutate(&token, "saveExportModel", input, "version")
        .await;
    let input = json!({
        "name": "Suivi", "format": "CSV", "weekdays": ["MONDAY"], "hour": 6, "email": ["a@example.org"],
    });
    house
        .mutate(&token, "saveExportSchedule", input, "version")
        .await;
    let input = json!({ "name": "Accords", "chain": "notification", "status": "GRANTED" });
    house.mutate(&token, "saveTrigger", input, "version").await;
    let admin = house.token(Role::Admin, &[]).await;
    let logo = include_bytes!("../../examples/images/logo.png");
    let sent = house.send(&admin, "/images/logo", "logo.png", logo).await;
    assert!(sent.status().is_success());
    house.settle().await;
    let query = "{ dossiers { nodes { nodeId } } thirdParties { nodes { nodeId } } documents { nodes { nodeId } }
        batches { nodes { nodeId } } effects { nodes { nodeId document { title } } } audit { nodes { nodeId } }
        templates { nodeId } chains { nodeId } selections { nodeId } exports { nodes { nodeId } }
        exportModels { nodes { nodeId } } exportSchedules { nodes { nodeId } }
        triggers { nodes { nodeId } } dictionary { images { nodeId } } }";
    let answer = house.ask(&token, query, json!({})).await;
    assert!(answer["errors"].is_null(), "{answer}");
    let mut ids = vec![];
    for (list, rows) in answer["data"].as_object().unwrap() {
        let first = match list.as_str() {
            "dictionary" => &rows["images"][0],
            _ if rows.is_array() => &rows[0],
            _ => &rows["nodes"][0],
        };
        assert!(first["nodeId"].is_string(), "{list}: {rows}");
        ids.push(first["nodeId"].clone());
    }
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename nodeId } }";
    let mut asked = ids.clone();
    asked.push(json!(global::id("Dossier", Uuid::nil())));
    let found = house.ask(&token, query, json!({ "ids": asked })).await;
    let nodes = found["data"]["nodes"].as_array().unwrap();
    let told: Vec<_> = nodes.iter().map(|node| node["nodeId"].clone()).collect();
    assert_eq!(told[..ids.len()], ids[..], "{found}");
    assert_eq!(nodes.last(), Some(&Value::Null));
    // What is set up is no secret; all else is not there for who does not see it.
    let stranger = house.token(Role::Instructor, &["Culture"]).await;
    let found = house.ask(&stranger, query, json!({ "ids": ids })).await;
    let seen: Vec<_> = found["data"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|node| node["__typename"].as_str())
        .collect();
    assert_eq!(seen, ["Template", "Chain", "Image"], "{found}");
    let bad = house
        .ask(&token, "{ node(id: \"???\") { nodeId } }", json!({}))
        .await;
    assert_eq!(bad["errors"][0]["extensions"]["code"], "BAD_REQUEST");
}

/// The messages of a stream of events.
pub(crate) struct Events(
    std::pin::Pin<Box<dyn futures::Stream<Item = Vec<u8>> + Send>>,
    String,
);

impl Events {
    pub(crate) async fn open(house: &House, token: &str, query: &str, variables: Value) -> Self {
        let response = house
            .post("/graphql")
            .bearer_auth(token)
            .header("accept", "text/event-stream")
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert!(
            response.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/event-stream")
        );
        let bytes = response.bytes_stream().map(|bytes| bytes.unwrap().to_vec());
        Self(Box::pin(bytes), String::new())
    }

    /// The next event: its name, and its data.
    pub(crate) async fn hear(&mut self) -> (String, Value) {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.1 = rest;
                let line = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(str::trim)
                        .map(str::to_owned)
                };
                if let Some(name) = line("event:") {
                    let data = line("data:").unwrap_or_default();
                    return (name, serde_json::from_str(&data).unwrap_or_default());
                }
                continue;
            }
            let heard = tokio::time::timeout(Duration::from_secs(20), self.0.next())
                .await
                .unwrap();
            self.1 += std::str::from_utf8(&heard.unwrap()).unwrap();
        }
    }
}

#[tokio::test]
async fn a_dossier_is_followed_as_events_and_resumed_from_a_position() {
    let house = House::open().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Instructor, &[]).await;
    let query = "subscription($id: UUID!, $after: Position) {
        dossierEvents(dossierId: $id, after: $after) { position eventType } }";
    let variables = json!({ "id": dossier.0, "after": 0 });
    let mut events = Events::open(&house, &token, query, variables).await;
    let (name, first) = events.hear().await;
    assert_eq!(name, "next");
    let entries = first["data"]["dossierEvents"].as_array().unwrap();
    assert_eq!(entries[1]["eventType"], "dossier.taken_over", "{first}");
    let seen = entries.last().unwrap()["position"].clone();
    drop(events);
    let notify = json!({ "id": dossier.0, "documentId": Uuid::nil() });
    house
        .mutate(&token, "notifyDossier", notify, "version")
        .await;
    let variables = json!({ "id": dossier.0, "after": seen });
    let mut events = Events::open(&house, &token, query, variables).await;
    let (_, resumed) = events.hear().await;
    let entries = resumed["data"]["dossierEvents"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["eventType"], "dossier.notified");
    // Nothing for a stranger, and the end when the token goes.
    let stranger = house.token(Role::Instructor, &["Culture"]).await;
    let variables = json!({ "id": dossier.0, "after": 0 });
    let mut none = Events::open(&house, &stranger, query, variables).await;
    assert_eq!(none.hear().await.0, "complete");
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM api_tokens ORDER BY created_at")
        .fetch_all(&house.app.pool)
        .await
        .unwrap();
    assert!(
        navette::access::revoke(&house.app.pool, &names[0])
            .await
            .unwrap()
    );
    house.granted("SUB-2", "Sport").await;
    assert_eq!(events.hear().await.0, "complete");
}

#[tokio::test]
async fn a_selection_is_followed_with_its_number_and_a_query_may_come_as_events_too() {
    let house = House::open().await;
    house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Instructor, &[]).await;
    let input = json!({ "name": "Accordés", "filter": { "status": ["GRANTED"] } });
    let saved = house
        .mutate(&token, "saveSelection", input, "selection { id }")
        .await;
    let query = "subscription($id: UUID!) { selectionChanges(selectionId: $id) {
        total { value } entries { eventType } position } }";
    let variables = json!({ "id": saved["selection"]["id"] });
    let mut events = Events::open(&house, &token, query, variables).await;
    let (_, first) = events.hear().await;
    assert_eq!(
        first["data"]["selectionChanges"]["total"]["value"], 1,
        "{first}"
    );
    house.granted("SUB-2", "Sport").await;
    let (_, second) = events.hear().await;
    let change = &second["data"]["selectionChanges"];
    assert_eq!(change["total"]["value"], 2, "{second}");
    assert_eq!(change["entries"][1]["eventType"], "dossier.taken_over");
    let mut events = Events::open(&house, &token, "{ __typename }", json!({})).await;
    assert_eq!(events.hear().await.1["data"]["__typename"], "Query");
    assert_eq!(events.hear().await.0, "complete");
    let foreign = house
        .post("/graphql")
        .bearer_auth(&token)
        .header("accept", "text/event-stream")
        .header("origin", "https://evil.example")
        .json(&json!({ "query": "{ __typename }" }));
    body(foreign.send().await.unwrap(), 403).await;
}

/// The name under which the `nth` token of a house was given.
async fn holder(house: &House, nth: i64) -> String {
    sqlx::query_scalar("SELECT name FROM api_tokens ORDER BY created_at LIMIT 1 OFFSET $1")
        .bind(nth)
        .fetch_one(&house.app.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_selection_is_resumed_from_a_position_and_ends_with_what_allows_it() {
    let house = House::open().await;
    house.granted("SUB-1", "Sport").await;
    let owner = house.token(Role::Instructor, &[]).await;
    let colleague = house.token(Role::Instructor, &[]).await;
    let save = json!({ "name": "Accordés", "shared": true, "filter": { "status": ["GRANTED"] } });
    let saved = house
        .mutate(&owner, "saveSelection", save, "version selection { id }")
        .await;
    let id = saved["selection"]["id"].clone();
    let query = "subscription($id: UUID!, $after: Position) {
        selectionChanges(selectionId: $id, after: $after) {
            total { value } entries { eventType position } position } }";
    let variables = json!({ "id": id });
    let mut events = Events::open(&house, &colleague, query, variables).await;
    let (_, first) = events.hear().await;
    let position = first["data"]["selectionChanges"]["position"].clone();
    drop(events);
    house.granted("SUB-2", "Sport").await;
    house.granted("SUB-3", "Sport").await;
    let variables = json!({ "id": id, "after": position });
    let mut events = Events::open(&house, &colleague, query, variables.clone()).await;
    let (_, resumed) = events.hear().await;
    let change = &resumed["data"]["selectionChanges"];
    assert_eq!(change["total"]["value"], 3, "{resumed}");
    let told = change["entries"].as_array().unwrap().iter();
    let told: Vec<&str> = told
        .map(|entry| entry["eventType"].as_str().unwrap())
        .collect();
    let taken = ["dossier.registered", "dossier.taken_over"];
    assert_eq!(told, [taken, taken].concat());
    // Made private, it is nobody else's: the stream ends, and opens no more.
    let save = json!({
        "id": id, "name": "Accordés", "shared": false, "filter": { "status": ["GRANTED"] },
    });
    house.mutate(&owner, "saveSelection", save, "version").await;
    assert_eq!(events.hear().await.0, "complete");
    let mut none = Events::open(&house, &colleague, query, variables.clone()).await;
    assert_eq!(none.hear().await.0, "complete");
    // Its owner's ends with the token.
    let mut events = Events::open(&house, &owner, query, variables).await;
    assert_eq!(events.hear().await.0, "next");
    let name = holder(&house, 0).await;
    assert!(
        navette::access::revoke(&house.app.pool, &name)
            .await
            .unwrap()
    );
    house.granted("SUB-4", "Sport").await;
    assert_eq!(events.hear().await.0, "complete");
}

#[tokio::test]
async fn rights_are_asked_again_at_each_delivery_of_every_stream() {
    let house = House::open().await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Instructor, &["Sport"]).await;
    let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier.0] });
    let batch = house.mutate(&token, "startBatch", input, "batchId").await["batchId"].clone();
    let save = json!({ "name": "Sport", "filter": {} });
    let saved = house
        .mutate(&token, "saveSelection", save, "selection { id }")
        .await;
    house.settle().await;
    let mut dossiers = Events::open(
        &house,
        &token,
        "subscription($id: UUID!) { dossierEvents(dossierId: $id, after: 0) { eventType } }",
        json!({ "id": dossier.0 }),
    )
    .await;
    let mut batches = Events::open(
        &house,
        &token,
        "subscription($id: UUID!) { batchProgress(batchId: $id) { state } }",
        json!({ "id": batch }),
    )
    .await;
    let mut selections = Events::open(
        &house,
        &token,
        "subscription($id: UUID!) { selectionChanges(selectionId: $id) {
            total { value } entries { eventType } } }",
        json!({ "id": saved["selection"]["id"] }),
    )
    .await;
    for stream in [&mut dossiers, &mut batches, &mut selections] {
        assert_eq!(stream.hear().await.0, "next");
    }
    // The token stands, its holder has changed services.
    let moved = sqlx::query("UPDATE api_tokens SET services = '{Culture}'")
        .execute(&house.app.pool)
        .await
        .unwrap();
    assert_eq!(moved.rows_affected(), 1);
    house.granted("SUB-2", "Sport").await;
    assert_eq!(dossiers.hear().await.0, "complete");
    assert_eq!(batches.hear().await.0, "complete");
    let (_, left) = selections.hear().await;
    let change = &left["data"]["selectionChanges"];
    assert_eq!(change["total"]["value"], 0, "{left}");
    assert_eq!(change["entries"], json!([]), "{left}");
}

#[tokio::test]
async fn the_explorer_loads_everything_from_this_program_and_is_open_only_if_told() {
    let house = House::open_with(Doors {
        explorer: true,
        ..Doors::default()
    })
    .await;
    let page = house.get("/explorer").send().await.unwrap();
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        !policy.contains("http") && !policy.contains("unsafe"),
        "{policy}"
    );
    let page = body(page, 200).await;
    for file in ["style.css", "script.js"] {
        assert!(page.contains(&format!("\"/explorer/{file}\"")));
        let part = body(
            house
                .get(&format!("/explorer/{file}"))
                .send()
                .await
                .unwrap(),
            200,
        )
        .await;
        assert!(!part.contains("://"), "{file} names another place");
    }
    assert!(!page.contains("://"), "the page names another place");
    let schema = body(
        house.get("/explorer/schema.graphql").send().await.unwrap(),
        200,
    )
    .await;
    assert!(schema.contains("type Query"));
    let closed = House::open().await;
    for path in [
        "/",
        "/explorer",
        "/explorer/script.js",
        "/explorer/schema.graphql",
    ] {
        body(closed.get(path).send().await.unwrap(), 404).await;
    }
}

#[tokio::test]
async fn a_signed_address_opens_one_file_for_a_while_with_the_rights_of_whoever_asked() {
    let house = House::open().await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Instructor, &["Sport"]).await;
    let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier.0] });
    house.mutate(&token, "startBatch", input, "batchId").await;
    house.settle().await;
    let file = house
        .app
        .ports
        .files
        .put(b"%PDF-1.7".to_vec())
        .await
        .unwrap();
    sqlx::query("UPDATE documents SET pdf = $1, title = 'Lettre'")
        .bind(file.to_string())
        .execute(&house.app.pool)
        .await
        .unwrap();
    let answer = house
        .ask(
            &token,
            "{ documents { nodes { id pdfUrl officeUrl } } }",
            json!({}),
        )
        .await;
    let document = &answer["data"]["documents"]["nodes"][0];
    let url = document["pdfUrl"].as_str().unwrap().to_owned();
    assert!(document["officeUrl"].is_null());
    assert_eq!(
        body(house.get(&url).send().await.unwrap(), 200).await,
        "%PDF-1.7"
    );
    let later = url.replace("until=", "until=9");
    let other = url.replace("/pdf?", "/office?");
    let stranger = house.token(Role::Auditor, &["Culture"]).await;
    let (_, after) = url.split_once("&by=").unwrap();
    let by_another = url.replace(after.split_once('&').unwrap().0, "essai-autre");
    for wrong in [
        later,
        other,
        by_another,
        url.replace("seal=", "seal=0"),
        url.split_once('?').unwrap().0.to_owned(),
    ] {
        body(house.get(&wrong).send().await.unwrap(), 401).await;
    }
    // It is no key to anything else, and a token that is given counts alone.
    let (_, query) = url.split_once('?').unwrap();
    body(
        house
            .get(&format!("/graphql?query=%7B__typename%7D&{query}"))
            .send()
            .await
            .unwrap(),
        401,
    )
    .await;
    body(
        house.get(&url).bearer_auth(&stranger).send().await.unwrap(),
        404,
    )
    .await;
    // Good for five minutes, and no longer than the token.
    let (keys, path) = (
        house.app.dispatcher.log().keys(),
        url.split_once('?').unwrap().0,
    );
    let now = house.app.clock.now();
    let valid = |minutes| {
        navette::addresses::verify(keys, path, query, now + chrono::TimeDelta::minutes(minutes))
            .is_some()
    };
    assert!(valid(4) && !valid(6));
    let name: String =
        sqlx::query_scalar("SELECT name FROM api_tokens ORDER BY created_at LIMIT 1")
            .fetch_one(&house.app.pool)
            .await
            .unwrap();
    assert!(
        navette::access::revoke(&house.app.pool, &name)
            .await
            .unwrap()
    );
    body(house.get(&url).send().await.unwrap(), 401).await;
}

#[tokio::test]
async fn a_statement_of_a_question_ends_in_time_and_writes_nothing() {
    let house = House::open().await;
    let pool = navette::app::for_questions(&house.app.pool, Duration::from_millis(50));
    let slow = sqlx::query("SELECT pg_sleep(5)")
        .execute(&pool)
        .await
        .unwrap_err();
    assert!(slow.to_string().contains("statement timeout"), "{slow}");
    let writing = sqlx::query("DELETE FROM dossiers")
        .execute(&pool)
        .await
        .unwrap_err();
    assert!(writing.to_string().contains("read-only"), "{writing}");
}

#[tokio::test]
async fn a_change_to_many_is_done_and_reported_one_by_one_and_repeated_safely() {
    let house = House::open().await;
    let token = house.token(Role::Instructor, &["Sport"]).await;
    for (reference, complete) in [("SUB-1", true), ("SUB-2", true), ("SUB-3", false)] {
        let request = json!({
            "reference": reference, "thirdPartyId": Uuid::nil(), "purpose": "Fête", "service": "Sport",
            "authority": { "name": "Département" }, "amount": 100,
        });
        let made = house
            .mutate(
                &token,
                "registerDossier",
                json!({ "request": request }),
                "dossier { id }",
            )
            .await;
        if complete {
            for mutation in ["completeDossier", "takeUpDossier"] {
                house
                    .mutate(
                        &token,
                        mutation,
                        json!({ "id": made["dossier"]["id"] }),
                        "version",
                    )
                    .await;
            }
        }
    }
    let other = house.granted("AUTRE", "Culture").await;
    let ids: Vec<Uuid> = ["SUB-1", "SUB-2", "SUB-3"]
        .map(|reference| navette_domain::ids::DossierId::of_reference(reference).0)
        .into();
    let input = json!({
        "idempotencyKey": Uuid::new_v4(), "commission": "2026-03-12", "dossiers": [ids[0], ids[1], ids[2], other.0],
    });
    let want = "done refused rows { id version refusal { code } } position refusal { code }";
    let done = house
        .mutate(&token, "scheduleDossiers", input.clone(), want)
        .await;
    assert_eq!(
        (&done["done"], &done["refused"]),
        (&json!(2), &json!(2)),
        "{done}"
    );
    let codes: Vec<_> = done["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["refusal"]["code"].clone())
        .collect();
    assert_eq!(
        codes,
        [
            Value::Null,
            Value::Null,
            json!("NOT_AT_THIS_STAGE"),
            json!("NOT_FOUND")
        ]
    );
    let events = house.events().await;
    assert_eq!(
        house
            .mutate(&token, "scheduleDossiers", input.clone(), want)
            .await,
        done
    );
    let mut otherwise = input;
    otherwise["commission"] = json!("2026-04-12");
    let reused = house
        .mutate(&token, "scheduleDossiers", otherwise, want)
        .await;
    assert_eq!(reused["rows"][0]["refusal"]["code"], "KEY_REUSED");
    assert_eq!(house.events().await, events);
    let nothing = house
        .mutate(&token, "retryDocuments", json!({ "filter": {} }), want)
        .await;
    assert_eq!(
        (&nothing["done"], &nothing["rows"]),
        (&json!(0), &json!([]))
    );
}
