//! What GraphQL promises: the schema under review, refusals as data, keys that make requests safe to
//! repeat, limits that hold, and a few statements whatever the number of rows.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    access::inputs,
    doors::{House, body, encoded, input_type},
    schema,
};
use futures::{SinkExt as _, StreamExt as _};
use navette::{access, graphql, http::Doors};
use navette_domain::policy::Role;
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};
use uuid::Uuid;

#[test]
fn the_schema_is_the_reviewed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/graphql/schema.graphql");
    let sdl = graphql::sdl();
    let reviewed = std::fs::read_to_string(path).unwrap_or_default();
    let breaking = schema::breaking(&reviewed, &sdl);
    match std::env::var("UPDATE_SCHEMA").as_deref() {
        Ok("breaking") => std::fs::write(path, &sdl).unwrap(),
        Ok(_) if breaking.is_empty() => std::fs::write(path, &sdl).unwrap(),
        _ => assert!(
            sdl == reviewed,
            "the schema has changed: run this test with UPDATE_SCHEMA=1, review it. Clients would break \
             (deprecate first, with a reason, or say UPDATE_SCHEMA=breaking): {breaking:?}"
        ),
    }
}

fn request(reference: &str, third_party: Uuid) -> Value {
    json!({
        "reference": reference, "thirdPartyId": third_party, "purpose": "Fête de l'été",
        "authority": { "name": "Département", "siret": "73282932000074" }, "amount": 100_050,
        "service": "Sport", "scheme": "Culture", "fiscalYear": 2026,
        "payments": [{ "label": "Solde", "amount": 100_050 }],
        "custom": [{ "name": "Canton", "value": "Vouneuil" }],
    })
}

#[tokio::test]
async fn a_dossier_is_registered_decided_and_read_back_at_the_position_of_each_answer() {
    let house = House::open().await;
    let token = house.token(Role::Instructor, &[]).await;
    let profile = json!({ "profile": { "name": "Comité des fêtes", "email": "a@example.org" } });
    let want = "thirdPartyId thirdParty { name email }";
    let known = house
        .mutate(&token, "registerThirdParty", profile, want)
        .await;
    assert_eq!(known["thirdParty"]["email"], "a@example.org");
    let third_party = known["thirdPartyId"].as_str().unwrap().parse().unwrap();
    let input = json!({ "request": request("SUB-1", third_party) });
    let want =
        "version dossier { id status statusLabel version thirdParty { name } amount granted }";
    let mut answer = house.mutate(&token, "registerDossier", input, want).await;
    let id = answer["dossier"]["id"].clone();
    assert_eq!(answer["dossier"]["thirdParty"]["name"], "Comité des fêtes");
    for (mutation, mut input, status) in [
        ("completeDossier", json!({}), "COMPLETE"),
        ("takeUpDossier", json!({}), "UNDER_INSTRUCTION"),
        (
            "scheduleDossier",
            json!({ "commission": "2026-03-12" }),
            "SCHEDULED",
        ),
        ("adjournDossier", json!({ "reason": "devis" }), "ADJOURNED"),
        (
            "scheduleDossier",
            json!({ "commission": "2026-04-12" }),
            "SCHEDULED",
        ),
        (
            "grantDossier",
            json!({ "amount": 90_000, "decision": { "reference": "CP-1" } }),
            "GRANTED",
        ),
        (
            "reopenDossier",
            json!({ "reason": "erreur" }),
            "UNDER_INSTRUCTION",
        ),
        (
            "scheduleDossier",
            json!({ "commission": "2026-05-12" }),
            "SCHEDULED",
        ),
        (
            "refuseDossier",
            json!({ "reason": "hors critères" }),
            "REFUSED",
        ),
        (
            "notifyDossier",
            json!({ "documentId": Uuid::nil() }),
            "NOTIFIED",
        ),
        ("closeDossier", json!({}), "CLOSED"),
    ] {
        input["id"] = id.clone();
        input["expectedVersion"] = answer["version"].clone();
        answer = house.mutate(&token, mutation, input, want).await;
        assert_eq!(answer["dossier"]["status"], status, "{mutation}");
        assert_eq!(
            answer["dossier"]["version"], answer["version"],
            "{mutation}"
        );
    }
    assert_eq!(answer["dossier"]["statusLabel"], "clos");
    let query = "query($id: UUID!) { dossier(id: $id) {
        reference custom { name value } payments { label amount date }
        timeline(first: 3) { sentence actor eventType } } }";
    let read = house.ask(&token, query, json!({ "id": id })).await;
    let dossier = &read["data"]["dossier"];
    assert_eq!(
        dossier["custom"],
        json!([{ "name": "Canton", "value": "Vouneuil" }])
    );
    assert_eq!(dossier["payments"][0]["amount"], 100_050);
    assert_eq!(dossier["timeline"][0]["sentence"], "Dossier enregistré");
    assert!(
        dossier["timeline"][0]["actor"]
            .as_str()
            .unwrap()
            .starts_with("token:essai-")
    );
    assert_eq!(dossier["timeline"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_repeated_request_is_done_once_and_its_key_serves_nothing_else() {
    let house = House::open().await;
    let token = house.token(Role::Instructor, &[]).await;
    let key = Uuid::new_v4();
    let input = json!({ "idempotencyKey": key, "request": request("SUB-1", Uuid::nil()) });
    let want = "version position refusal { code sentence } dossier { id }";
    let first = house
        .mutate(&token, "registerDossier", input.clone(), want)
        .await;
    let events = house.events().await;
    assert_eq!(
        house
            .mutate(&token, "registerDossier", input.clone(), want)
            .await,
        first
    );
    let mut other = input.clone();
    other["request"]["amount"] = json!(1);
    let reused = house.mutate(&token, "registerDossier", other, want).await;
    assert_eq!(reused["refusal"]["code"], "KEY_REUSED");
    let change = json!({ "idempotencyKey": key, "id": first["dossier"]["id"] });
    let reused = house.mutate(&token, "completeDossier", change, want).await;
    assert_eq!(reused["refusal"]["code"], "KEY_REUSED");
    assert_eq!(house.events().await, events);
}

#[tokio::test]
async fn by_every_mutation_a_version_that_is_not_the_one_that_was_seen_changes_nothing() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[]).await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier.0] });
    let batch = house.mutate(&token, "startBatch", input, "batchId").await["batchId"].clone();
    let export = an_export(&house, &token).await;
    let events = house.events().await;
    let mut tried = 0;
    for (mutation, mut input) in inputs().as_object().unwrap().clone() {
        if !takes(&mutation, "expectedVersion") {
            continue;
        }
        input["expectedVersion"] = json!(4_812);
        if mutation == "publishChain" {
            let chain = include_str!("../../examples/chains/notification-attribution.toml");
            input["toml"] = json!(chain);
        }
        if mutation == "retryBatch" {
            input["id"] = batch.clone();
        }
        if mutation == "saveTrigger" {
            input["chain"] = json!("notification");
        }
        // What belongs to somebody is looked at first: what does not exist answers as what is not seen.
        if mutation.ends_with("Dossier") {
            input["id"] = json!(dossier.0);
        }
        if mutation == "cancelExport" {
            input["id"] = export.clone();
        }
        let answer = house
            .mutate(&token, &mutation, input, "position refusal { code }")
            .await;
        assert_eq!(
            answer["refusal"]["code"], "CONFLICT",
            "{mutation}: {answer}"
        );
        assert!(answer["position"].is_null(), "{mutation}: {answer}");
        tried += 1;
    }
    assert!(tried > 20, "{tried} mutations were tried");
    assert_eq!(house.events().await, events);
}

#[tokio::test]
async fn by_every_mutation_a_key_that_served_another_request_is_refused() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[]).await;
    let key = json!(Uuid::new_v4());
    let profile = json!({ "idempotencyKey": key, "profile": { "name": "Comité" } });
    house
        .mutate(&token, "registerThirdParty", profile, "version")
        .await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let export = an_export(&house, &token).await;
    let events = house.events().await;
    // Those that change many have a key for each of them, which follows from theirs.
    let many = [
        "retryBatch",
        "retryDocuments",
        "skipSteps",
        "cancelDocuments",
        "scheduleDossiers",
    ];
    let mut tried = 0;
    for (mutation, mut input) in inputs().as_object().unwrap().clone() {
        if many.contains(&mutation.as_str()) {
            continue;
        }
        input["idempotencyKey"] = key.clone();
        if !input["id"].is_null() && mutation.ends_with("Dossier") {
            input["id"] = json!(dossier.0);
        }
        if mutation == "cancelExport" {
            input["id"] = export.clone();
        }
        if mutation == "saveTrigger" {
            input["chain"] = json!("notification");
        }
        if mutation == "publishChain" {
            let chain = include_str!("../../examples/chains/notification-attribution.toml");
            input["toml"] = json!(chain);
        }
        let answer = house
            .mutate(&token, &mutation, input, "refusal { code }")
            .await;
        assert_eq!(
            answer["refusal"]["code"], "KEY_REUSED",
            "{mutation}: {answer}"
        );
        tried += 1;
    }
    assert!(tried > 25, "{tried} mutations were tried");
    assert_eq!(house.events().await, events);
}

/// One of one's own.
async fn an_export(house: &House, token: &str) -> Value {
    let input = json!({ "format": "CSV" });
    let answer = house.mutate(token, "requestExport", input, "export { id }");
    answer.await["export"]["id"].clone()
}

/// Whether the input of a mutation has this field.
fn takes(mutation: &str, field: &str) -> bool {
    let sdl = graphql::sdl();
    let (_, input) = sdl
        .split_once(&format!("input {} {{", input_type(mutation)))
        .unwrap();
    let (input, _) = input.split_once("\n}").unwrap();
    input.contains(&format!("\t{field}:"))
}

#[tokio::test]
async fn refusals_are_data_with_a_code_and_a_french_sentence() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[]).await;
    let want = "version position refusal { code sentence }";
    let input = json!({ "request": request("SUB-1", Uuid::nil()) });
    let made = house
        .mutate(&token, "registerDossier", input, "dossier { id }")
        .await;
    let id = &made["dossier"]["id"];
    let bad_siret = json!({ "profile": { "name": "X", "siret": "2,43E+13" } });
    let bad_email = json!({ "profile": { "name": "X", "email": "x" } });
    for (mutation, input, code, sentence) in [
        (
            "grantDossier",
            json!({ "id": id, "amount": 1 }),
            "NOT_AT_THIS_STAGE",
            "« déposé »",
        ),
        (
            "completeDossier",
            json!({ "id": Uuid::nil() }),
            "NOT_FOUND",
            "n'existe pas",
        ),
        (
            "completeDossier",
            json!({ "id": id, "expectedVersion": 7 }),
            "CONFLICT",
            "la version est devenue 1",
        ),
        (
            "registerThirdParty",
            bad_siret,
            "INVALID_INPUT",
            "« 2,43E+13 » est un SIRET abîmé",
        ),
        (
            "registerThirdParty",
            bad_email,
            "INVALID_INPUT",
            "adresse électronique",
        ),
        (
            "publishChain",
            json!({ "toml": "code = 1" }),
            "INVALID_INPUT",
            "n'est pas lisible",
        ),
        (
            "pauseBatch",
            json!({ "id": Uuid::nil() }),
            "NOT_FOUND",
            "Ce lot n'existe pas.",
        ),
        (
            "retryDocument",
            json!({ "id": Uuid::nil() }),
            "NOT_FOUND",
            "Ce document n'existe pas.",
        ),
        (
            "startBatch",
            json!({ "label": "x", "chain": "rien", "dossiers": [id] }),
            "NOT_FOUND",
            "Aucune chaîne ne s'appelle « rien »",
        ),
        (
            "startBatch",
            json!({ "label": "x", "chain": "rien" }),
            "INVALID_INPUT",
            "soit un filtre",
        ),
    ] {
        let answer = house.mutate(&token, mutation, input, want).await;
        let refusal = &answer["refusal"];
        assert_eq!(refusal["code"], code, "{mutation}: {answer}");
        assert!(
            refusal["sentence"].as_str().unwrap().contains(sentence),
            "{answer}"
        );
        assert!(
            answer["version"].is_null() && answer["position"].is_null(),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_batch_starts_on_a_filter_is_paused_resumed_and_cancelled() {
    let house = House::open().await;
    house.chain().await;
    for reference in ["SUB-1", "SUB-2", "SUB-3"] {
        house.granted(reference, "Sport").await;
    }
    house.granted("AUTRE", "Culture").await;
    let token = house.token(Role::Instructor, &[]).await;
    let key = Uuid::new_v4();
    let input = json!({
        "idempotencyKey": key, "label": "Mars", "chain": "notification",
        "filter": { "service": ["Sport"], "status": ["GRANTED"] },
    });
    let want = "outcome batchId refused { reference } batch {
        label state dossierCount progress { total over byStatus { status documents } }
        documents(first: 2) { nodes { title dossier { reference } batch { label } }
            total { value exact } pageInfo { hasNextPage } } }";
    let started = house
        .mutate(&token, "startBatch", input.clone(), want)
        .await;
    assert_eq!(started["outcome"], "STARTED");
    let batch = &started["batch"];
    assert_eq!(
        batch["progress"]["byStatus"],
        json!([{ "status": "REQUESTED", "documents": 3 }])
    );
    assert_eq!(
        batch["documents"]["total"],
        json!({ "value": 3, "exact": true })
    );
    assert_eq!(batch["documents"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(batch["documents"]["nodes"][0]["batch"]["label"], "Mars");
    // A dossier that comes under the filter later changes nothing for the same request.
    house.granted("SUB-4", "Sport").await;
    let again = house
        .mutate(
            &token,
            "startBatch",
            input,
            "batchId batch { dossierCount }",
        )
        .await;
    assert_eq!(again["batchId"], started["batchId"]);
    assert_eq!(again["batch"]["dossierCount"], 3);
    for (mutation, reason, state) in [
        ("pauseBatch", None, "PAUSED"),
        ("resumeBatch", None, "RUNNING"),
        ("cancelBatch", Some("erreur"), "CANCELLED"),
    ] {
        let mut input = json!({ "id": started["batchId"] });
        if let Some(reason) = reason {
            input["reason"] = json!(reason);
        }
        let want = "batch { state timeline { sentence } progress { over } }";
        let answer = house.mutate(&token, mutation, input, want).await;
        assert_eq!(answer["batch"]["state"], state);
    }
}

#[tokio::test]
async fn a_page_is_from_one_to_a_hundred_rows_and_a_cursor_serves_its_own_list() {
    let house = House::open().await;
    house.granted("SUB-1", "Sport").await;
    house.granted("SUB-2", "Sport").await;
    let token = house.token(Role::Auditor, &[]).await;
    for first in [
        json!(0),
        json!(-1),
        json!(101),
        json!(100_000),
        json!(1_i64 << 31),
    ] {
        let query = "query($n: Int) { dossiers(first: $n) { nodes { id } } }";
        let answer = house.ask(&token, query, json!({ "n": first })).await;
        assert!(answer["errors"].is_array(), "{first}: {answer}");
        assert!(
            answer["data"].is_null() || answer["data"]["dossiers"].is_null(),
            "{answer}"
        );
    }
    let query = "query($a: String, $o: DossierOrder) { dossiers(first: 1, after: $a, order: $o) {
        nodes { reference } pageInfo { endCursor hasNextPage } } }";
    let first = house.ask(&token, query, json!({})).await;
    let after = &first["data"]["dossiers"]["pageInfo"]["endCursor"];
    let second = house.ask(&token, query, json!({ "a": after })).await;
    assert_eq!(
        second["data"]["dossiers"]["nodes"],
        json!([{ "reference": "SUB-2" }])
    );
    assert_eq!(second["data"]["dossiers"]["pageInfo"]["hasNextPage"], false);
    let order = json!({ "field": "AMOUNT" });
    let other = house
        .ask(&token, query, json!({ "a": after, "o": order }))
        .await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "BAD_REQUEST");
}

fn bomb() -> String {
    let mut text = String::from("{ ...f0 }");
    for level in 0..22 {
        let next = level + 1;
        let _ = write!(
            text,
            " fragment f{level} on Query {{ ...f{next} ...f{next} }}"
        );
    }
    text + " fragment f22 on Query { __typename }"
}

#[tokio::test]
async fn attacks_by_query_cost_their_sender_an_error_and_us_nothing() {
    let house = House::open_with(Doors {
        explorer: true,
        ..Doors::default()
    })
    .await;
    let token = house.token(Role::Auditor, &[]).await;
    let nest = |open: &str, leaf: &str, times: usize| {
        format!("{{ {} {leaf} {} }}", open.repeat(times), "}".repeat(times))
    };
    let aliases = (0..1_000).fold(String::new(), |text, n| {
        text + &format!("a{n}: __typename ")
    });
    let wide = "documents { timeline { position } signatures { id } ".repeat(3) + &"}".repeat(3);
    for query in [
        bomb(),
        nest("dossiers { nodes { documents { dossier { ", "id", 25),
        nest("__schema { types { fields { type { ", "name", 10),
        format!("{{ {aliases} }}"),
        format!("{{ __typename {} }}", "@skip(if: false) ".repeat(1_000)),
        format!("{{ {} }}", "__typename ".repeat(5_000)),
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }".into(),
        format!("{{ dossiers(first: 100) {{ nodes {{ {wide} }} }} }}"),
        format!("{{ {} }}", " ".repeat(1_000_000)),
        "{".repeat(10_000),
    ] {
        let start = Instant::now();
        let answer = house.ask(&token, &query, json!({})).await;
        assert!(start.elapsed() < Duration::from_secs(2), "{}", &query[..60]);
        assert!(answer["errors"].is_array(), "{}", &query[..60]);
    }
    let list = house
        .post("/graphql")
        .bearer_auth(&token)
        .json(&json!([{ "query": "{__typename}" }]));
    body(list.send().await.unwrap(), 400).await;
    // Half of a character is no text: JSON can spell it, nothing can keep it.
    for (text, status) in [("\\ud83d", 400), ("\\ude00", 400), ("\\ud83d\\ude00", 200)] {
        let spelt = format!(r#"{{"query":"{{__typename}}","variables":{{"x":"{text}"}}}}"#);
        let spelt = house.post("/graphql").bearer_auth(&token).body(spelt);
        let spelt = spelt.header("content-type", "application/json");
        body(spelt.send().await.unwrap(), status).await;
    }
    let huge = json!({ "query": "{__typename}", "variables": { "x": "y".repeat(3_000_000) } });
    let huge = house
        .post("/graphql")
        .bearer_auth(&token)
        .json(&huge)
        .send()
        .await
        .unwrap();
    body(huge, 413).await;
    // The same by the other ways in.
    let address = format!("/graphql?query={}", encoded(&bomb()));
    let got = house.get(&address).bearer_auth(&token);
    body(got.send().await.unwrap(), 405).await;
    let mut listener = Listener::open(&house, &token).await;
    listener.hear().await;
    let payload = json!({ "query": bomb() });
    listener
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    let heard = listener.hear().await.to_string();
    assert!(heard.contains("selects too much"), "{heard}");
    let fine = "{ dossiers { nodes { reference thirdParty { name } documents { title status
        timeline(first: 5) { sentence } } } total { value } } }";
    let fine = house.ask(&token, fine, json!({})).await;
    assert!(fine["errors"].is_null(), "{fine}");
}

#[tokio::test]
async fn in_production_the_schema_says_nothing_about_itself_and_faults_say_no_cause() {
    let house = House::open().await;
    let token = house.token(Role::Auditor, &[]).await;
    let schema = house
        .ask(&token, "{ __schema { types { name } } }", json!({}))
        .await;
    assert!(!schema.to_string().contains("Dossier"), "{schema}");
    let typo = house.ask(&token, "{ dossierz { id } }", json!({})).await;
    assert!(!typo.to_string().contains("Did you mean"), "{typo}");
    sqlx::query("DROP TABLE third_parties")
        .execute(&house.app.pool)
        .await
        .unwrap();
    let query = "{ thirdParties { nodes { name } } templates { code } }";
    let answer = house.ask(&token, query, json!({})).await;
    // The failed field is null, its neighbour is there, and the order is that of the query.
    assert!(
        answer["data"]
            .to_string()
            .starts_with("{\"thirdParties\":null,\"templates\":[")
    );
    let error = &answer["errors"][0];
    assert_eq!(error["path"], json!(["thirdParties"]));
    assert_eq!(error["extensions"]["code"], "INTERNAL");
    let reference = error["extensions"]["traceId"].as_str().unwrap();
    assert_eq!(
        error["message"],
        format!("Erreur interne. Référence : {reference}.")
    );
}

#[tokio::test]
async fn what_a_foreign_page_can_send_is_refused() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[]).await;
    let read = house
        .get("/graphql?query=%7B__typename%7D")
        .bearer_auth(&token);
    body(read.send().await.unwrap(), 200).await;
    for query in [
        "mutation%7B__typename%7D",
        "subscription%7B__typename%7D",
        "%7B",
    ] {
        let sent = house
            .get(&format!("/graphql?query={query}"))
            .bearer_auth(&token);
        body(sent.send().await.unwrap(), 405).await;
    }
    // Nor does a mutation come in as events, nor any of it by the address of a form.
    let events = house
        .get("/graphql?query=mutation%7B__typename%7D")
        .header("accept", "text/event-stream")
        .bearer_auth(&token);
    body(events.send().await.unwrap(), 405).await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let sent = house
            .post("/graphql")
            .bearer_auth(&token)
            .header("content-type", kind);
        body(
            sent.body("{\"query\":\"{__typename}\"}")
                .send()
                .await
                .unwrap(),
            415,
        )
        .await;
    }
    let upgrade = |origin: &str| {
        let request = house.get("/graphql/ws").header("connection", "upgrade");
        request
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", "graphql-transport-ws")
            .header("origin", origin)
    };
    body(upgrade("https://evil.example").send().await.unwrap(), 403).await;
    assert_eq!(upgrade(&house.url).send().await.unwrap().status(), 101);
}

/// A conversation over graphql-transport-ws.
pub struct Listener(
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>,
);

impl Listener {
    pub async fn open(house: &House, token: &str) -> Self {
        let url = house.url.replace("http", "ws") + "/graphql/ws";
        let mut request = url.into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut listener = Self(socket);
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        listener
            .say(json!({ "type": "connection_init", "payload": payload }))
            .await;
        listener
    }

    pub async fn say(&mut self, message: Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    /// The next message; null when the connection is closed.
    pub async fn hear(&mut self) -> Value {
        loop {
            let heard = tokio::time::timeout(Duration::from_secs(20), self.0.next())
                .await
                .unwrap();
            match heard {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] != "ping" {
                        return message;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Value::Null,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn follow(&mut self, batch: &Value) {
        let query = "subscription($id: UUID!) { batchProgress(batchId: $id) {
            state position progress { total over needingAttention } } }";
        let payload = json!({ "query": query, "variables": { "id": batch } });
        self.say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
    }
}

#[tokio::test]
async fn progress_is_followed_from_a_snapshot_to_the_end() {
    let house = House::open().await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Instructor, &[]).await;
    let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier.0] });
    let batch = house.mutate(&token, "startBatch", input, "batchId").await["batchId"].clone();
    house.settle().await;
    let mut listener = Listener::open(&house, &token).await;
    assert_eq!(listener.hear().await["type"], "connection_ack");
    listener.follow(&batch).await;
    let first = listener.hear().await;
    let first = &first["payload"]["data"]["batchProgress"];
    let seen = first["position"].as_i64().unwrap();
    assert_eq!(first["state"], "RUNNING");
    assert_eq!(
        first["progress"],
        json!({ "total": 1, "over": 0, "needingAttention": 0 })
    );
    let input = json!({ "id": batch, "reason": "erreur" });
    house.mutate(&token, "cancelBatch", input, "version").await;
    // A batch that is given up waits first, which may be told too.
    let mut last = listener.hear().await["payload"]["data"]["batchProgress"].clone();
    while last["state"] == "PAUSED" {
        last = listener.hear().await["payload"]["data"]["batchProgress"].clone();
    }
    assert_eq!(last["state"], "CANCELLED");
    assert_eq!(last["progress"]["over"], 1);
    assert!(last["position"].as_i64().unwrap() > seen);
    assert_eq!(listener.hear().await["type"], "complete");
}

#[tokio::test]
async fn a_batch_is_followed_from_the_position_that_its_start_answered() {
    let house = House::open().await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Instructor, &[]).await;
    let mut listener = Listener::open(&house, &token).await;
    listener.hear().await;
    let query = "subscription($id: UUID!, $after: Position) {
        batchProgress(batchId: $id, after: $after) { state progress { total } } }";
    for round in 0..3 {
        let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier.0] });
        let started = house
            .mutate(&token, "startBatch", input, "batchId position")
            .await;
        let variables = json!({ "id": started["batchId"], "after": started["position"] });
        let payload = json!({ "query": query, "variables": variables });
        let subscribe = json!({ "id": round.to_string(), "type": "subscribe", "payload": payload });
        listener.say(subscribe).await;
        let first = listener.hear().await;
        let first = &first["payload"]["data"]["batchProgress"];
        assert_eq!(first["progress"]["total"], 1, "{first}");
        let input = json!({ "id": started["batchId"], "reason": "essai" });
        house.mutate(&token, "cancelBatch", input, "version").await;
        while listener.hear().await["type"] != "complete" {}
    }
    // A position that the log does not have is said, not waited for.
    let variables = json!({ "id": Uuid::nil(), "after": 1_000_000 });
    let payload = json!({ "query": query, "variables": variables });
    listener
        .say(json!({ "id": "x", "type": "subscribe", "payload": payload }))
        .await;
    let told = listener.hear().await.to_string();
    assert!(told.contains("BEYOND_THE_LOG"), "{told}");
}

#[tokio::test]
async fn a_subscription_ends_when_the_token_is_revoked_and_tells_nothing_to_strangers() {
    let house = House::open().await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier.0] });
    let batch = house.mutate(&clerk, "startBatch", input, "batchId").await["batchId"].clone();
    house.settle().await;

    let stranger = house.token(Role::Instructor, &["Culture"]).await;
    let mut heard = vec![];
    for id in [&batch, &json!(Uuid::from_u128(42))] {
        let mut listener = Listener::open(&house, &stranger).await;
        assert_eq!(listener.hear().await["type"], "connection_ack");
        listener.follow(id).await;
        heard.push(listener.hear().await);
    }
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0]["type"], "complete");

    let mut listener = Listener::open(&house, &clerk).await;
    listener.hear().await;
    listener.follow(&batch).await;
    assert_eq!(listener.hear().await["type"], "next");
    let (name,): (String,) =
        sqlx::query_as("SELECT name FROM api_tokens ORDER BY created_at LIMIT 1")
            .fetch_one(&house.app.pool)
            .await
            .unwrap();
    assert!(access::revoke(&house.app.pool, &name).await.unwrap());
    // Anything that moves the read models on.
    house.granted("SUB-2", "Sport").await;
    assert_eq!(listener.hear().await["type"], "complete");

    let mut nobody = Listener::open(&house, "navette_x").await;
    assert_ne!(nobody.hear().await["type"], "connection_ack");
}

#[tokio::test]
async fn streams_are_for_subscriptions_only() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[]).await;
    let mut listener = Listener::open(&house, &token).await;
    listener.hear().await;
    let payload = json!({ "query": "{ dossiers { nodes { id } } }" });
    listener
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    let answer = listener.hear().await;
    assert!(
        answer.to_string().contains("only subscriptions come here"),
        "{answer}"
    );
}
