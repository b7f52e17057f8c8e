//! Who is let in, and what they may do.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::doors::{House, body};
use navette::{
    access::{self, Holder, IssueRefusal},
    graphql,
    http::Doors,
};
use navette_adapters::postgres::test_cluster::TestDatabase;
use navette_domain::{
    ids::{BatchId, DocumentId},
    policy::Role,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

fn holder(name: &str) -> Holder {
    Holder {
        name: name.into(),
        role: Role::Instructor,
        services: vec!["Sport".into()],
        schemes: vec![],
        email: "agent@example.org"
            .parse()
            .ok()
            .map(navette_domain::personal::Personal),
    }
}

async fn pool() -> (TestDatabase, PgPool) {
    let database = TestDatabase::create(&navette::app::MIGRATIONS)
        .await
        .unwrap();
    let pool = database.pool.clone();
    (database, pool)
}

#[tokio::test]
async fn a_token_opens_until_it_is_revoked_and_then_at_once_no_more() {
    let (_database, pool) = pool().await;
    let token = access::issue(&pool, &holder("guichet")).await.unwrap();
    let principal = access::authenticate(&pool, &token).await.unwrap().unwrap();
    assert_eq!(principal.actor, "token:guichet");
    assert_eq!(principal.role, Role::Instructor);
    assert_eq!(principal.services, ["Sport"]);
    assert_eq!(principal.email, holder("x").email);
    assert!(access::revoke(&pool, "guichet").await.unwrap());
    assert!(access::authenticate(&pool, &token).await.unwrap().is_none());
    assert!(!access::revoke(&pool, "guichet").await.unwrap());
}

#[tokio::test]
async fn a_name_is_given_once_even_after_its_token_is_revoked() {
    let (_database, pool) = pool().await;
    access::issue(&pool, &holder("guichet")).await.unwrap();
    access::revoke(&pool, "guichet").await.unwrap();
    let again = access::issue(&pool, &holder("guichet")).await;
    assert!(matches!(again, Err(IssueRefusal::NameTaken)));
    for name in ["", "a b", "é", "a\n", &"a".repeat(65)] {
        let refused = access::issue(&pool, &holder(name)).await;
        assert!(matches!(refused, Err(IssueRefusal::BadName)), "{name:?}");
    }
}

#[tokio::test]
async fn the_database_holds_nothing_that_opens_the_door() {
    let (_database, pool) = pool().await;
    let token = access::issue(&pool, &holder("guichet")).await.unwrap();
    let other = access::issue(&pool, &holder("autre")).await.unwrap();
    assert_ne!(token.expose_secret(), other.expose_secret());
    let rows: Vec<String> = sqlx::query_scalar("SELECT t::text FROM api_tokens t")
        .fetch_all(&pool)
        .await
        .unwrap();
    let secret = token.expose_secret().strip_prefix("navette_").unwrap();
    assert_eq!(secret.len(), 43);
    assert!(rows.iter().all(|row| !row.contains(secret)));
    assert!(!format!("{token:?}").contains(secret));
}

#[tokio::test]
async fn what_is_not_the_shape_of_a_token_never_reaches_the_database() {
    // Nobody listens there: any question would be an error.
    let nowhere = PgPoolOptions::new()
        .acquire_timeout(Duration::from_millis(200))
        .connect_lazy("postgres://nobody@127.0.0.1:1/nothing")
        .unwrap();
    for text in [
        "",
        "navette_",
        "x",
        &"a".repeat(51),
        &format!("navette_{}é", "a".repeat(41)),
    ] {
        let token = SecretString::from(text.to_owned());
        assert!(
            access::authenticate(&nowhere, &token)
                .await
                .unwrap()
                .is_none(),
            "{text}"
        );
    }
    let shaped = SecretString::from(format!("navette_{}", "a".repeat(43)));
    assert!(access::authenticate(&nowhere, &shaped).await.is_err());
}

#[tokio::test]
async fn nobody_gets_the_same_answer_whatever_they_show() {
    let house = House::open().await;
    let revoked = house.token(Role::Admin, &[]).await;
    sqlx::query("UPDATE api_tokens SET revoked_at = now()")
        .execute(&house.app.pool)
        .await
        .unwrap();
    let wrong = format!("navette_{}", "a".repeat(43));
    let shown = [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer x".to_owned()),
        Some("Basic bmF2ZXR0ZTp4".to_owned()),
        Some(format!("Bearer {wrong}")),
        Some(format!("Bearer {revoked}")),
    ];
    let mut answers = BTreeSet::new();
    for path in ["/graphql", "/documents/x/pdf"] {
        for authorization in &shown {
            let mut knock = house.get(path);
            if let Some(authorization) = authorization {
                knock = knock.header("authorization", authorization);
            }
            answers.insert(body(knock.send().await.unwrap(), 401).await);
        }
    }
    assert_eq!(answers.len(), 1);
}

/// An input for each mutation there is.
pub fn inputs() -> Value {
    let (id, key) = (Uuid::nil(), Uuid::nil());
    let change = json!({ "id": id, "idempotencyKey": key });
    let reasoned = json!({ "id": id, "idempotencyKey": key, "reason": "x" });
    let request = json!({
        "reference": "X", "thirdPartyId": id, "authority": { "name": "X" }, "purpose": "X",
        "amount": 1,
    });
    let profile = json!({ "name": "X" });
    json!({
        "registerDossier": { "idempotencyKey": key, "request": request },
        "takeOverDossier": { "idempotencyKey": key, "request": request, "amount": 1 },
        "amendDossier": { "id": id, "idempotencyKey": key, "request": request },
        "completeDossier": change,
        "takeUpDossier": change,
        "scheduleDossier": { "id": id, "idempotencyKey": key, "commission": "2026-03-12" },
        "grantDossier": { "id": id, "idempotencyKey": key, "amount": 1 },
        "refuseDossier": reasoned,
        "adjournDossier": reasoned,
        "notifyDossier": { "id": id, "idempotencyKey": key, "documentId": id },
        "closeDossier": change,
        "reopenDossier": reasoned,
        "registerThirdParty": { "idempotencyKey": key, "profile": profile },
        "amendThirdParty": { "id": id, "idempotencyKey": key, "profile": profile },
        "eraseThirdParty": reasoned,
        "publishChain": { "idempotencyKey": key, "toml": "" },
        "startBatch": { "idempotencyKey": key, "label": "X", "chain": "x", "dossiers": [id] },
        "pauseBatch": change,
        "resumeBatch": change,
        "cancelBatch": reasoned,
        "retryBatch": change,
        "retryDocument": change,
        "skipStep": reasoned,
        "pause": { "idempotencyKey": key, "kind": "EVERYTHING", "reason": "x" },
        "resume": { "idempotencyKey": key, "kind": "EVERYTHING" },
        "restartDocument": reasoned,
        "restartDocumentFrom": { "id": id, "idempotencyKey": key, "step": "x", "reason": "x" },
        "migrateDocument": { "id": id, "idempotencyKey": key, "version": 2, "reason": "x" },
        "cancelDocument": reasoned,
        "approveDocument": change,
        "refuseDocument": reasoned,
        "scheduleDossiers": {
            "idempotencyKey": key, "commission": "2026-03-12", "dossiers": [id],
        },
        "retryDocuments": { "idempotencyKey": key, "filter": {} },
        "skipSteps": { "idempotencyKey": key, "filter": {}, "reason": "x" },
        "cancelDocuments": { "idempotencyKey": key, "filter": {}, "reason": "x" },
        "saveSelection": { "idempotencyKey": key, "name": "X", "dossiers": [id] },
        "removeSelection": change,
        "removeAttachment": reasoned,
        "requestExport": { "idempotencyKey": key, "format": "CSV" },
        "cancelExport": change,
        "saveExportModel": { "idempotencyKey": key, "name": "X", "format": "CSV", "columns": [] },
        "removeExportModel": change,
        "saveExportSchedule": {
            "idempotencyKey": key, "name": "X", "format": "CSV", "monthDays": [1], "hour": 6,
            "email": ["x@example.org"],
        },
        "removeExportSchedule": change,
        "saveTrigger": { "idempotencyKey": key, "name": "X", "chain": "x", "status": "GRANTED" },
        "suspendTrigger": reasoned,
        "resumeTrigger": change,
        "removeTrigger": change,
    })
}

fn mutations() -> BTreeSet<String> {
    let sdl = graphql::sdl();
    let (_, after) = sdl.split_once("type Mutation {").unwrap();
    let (fields, _) = after.split_once("\n}").unwrap();
    let name = |line: &str| {
        line.trim()
            .split_once("(input:")
            .map(|(name, _)| name.to_owned())
    };
    fields.lines().filter_map(name).collect()
}

#[tokio::test]
async fn an_auditor_calls_every_mutation_in_vain() {
    let house = House::open().await;
    let auditor = house.token(Role::Auditor, &[]).await;
    let inputs = inputs();
    let named: BTreeSet<String> = inputs.as_object().unwrap().keys().cloned().collect();
    assert_eq!(named, mutations());
    let before = house.events().await;
    for (mutation, input) in inputs.as_object().unwrap() {
        let kind = crate::doors::input_type(mutation);
        let query =
            format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ __typename }} }}");
        let answer = house.ask(&auditor, &query, json!({ "input": input })).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
            "{mutation}: {answer}"
        );
    }
    assert_eq!(house.events().await, before);
    // The same request by a clerk does something: the test is not in vain.
    let clerk = house.token(Role::Instructor, &[]).await;
    house
        .mutate(
            &clerk,
            "registerThirdParty",
            json!({ "profile": { "name": "X" } }),
            "version",
        )
        .await;
    assert!(house.events().await > before);
}

#[tokio::test]
async fn templates_are_uploaded_by_those_who_may_and_once_for_each_key() {
    let house = House::open().await;
    let form = || {
        let part = reqwest::multipart::Part::bytes(b"not an office file".to_vec());
        reqwest::multipart::Form::new().part("file", part.file_name("lettre.odt"))
    };
    let send = async |token: &str, key: Option<&str>| {
        let mut request = house
            .post("/templates/lettre")
            .bearer_auth(token)
            .multipart(form());
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.send().await.unwrap()
    };
    let key = Uuid::new_v4().to_string();
    let clerk = house.token(Role::Instructor, &[]).await;
    body(send(&clerk, Some(&key)).await, 403).await;
    let admin = house.token(Role::Admin, &[]).await;
    body(send(&admin, None).await, 400).await;
    let refusal = body(send(&admin, Some(&key)).await, 422).await;
    assert!(
        refusal.contains("Le modèle ne peut pas être utilisé"),
        "{refusal}"
    );
}

/// What somebody who is limited to another service sees, next to what does not exist at all.
#[tokio::test]
async fn what_one_may_not_see_looks_exactly_like_what_does_not_exist() {
    let house = House::open().await;
    house.chain().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let input = json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier.0] });
    let started = house
        .mutate(&clerk, "startBatch", input, "batchId outcome")
        .await;
    assert_eq!(started["outcome"], "STARTED");
    let batch: Uuid = started["batchId"].as_str().unwrap().parse().unwrap();
    let document = DocumentId::of_dossier(BatchId(batch), dossier).0;
    house.settle().await;
    let stranger = house.token(Role::Instructor, &["Culture"]).await;
    let unknown = Uuid::from_u128(42);

    for (query, id) in [
        ("query($id: UUID!) { dossier(id: $id) { id } }", dossier.0),
        ("query($id: UUID!) { document(id: $id) { id } }", document),
        ("query($id: UUID!) { batch(id: $id) { id } }", batch),
        (
            "query($id: UUID!) { documents(filter: {dossier: [$id]}) { nodes { id } } }",
            dossier.0,
        ),
        (
            "query($id: UUID!) { documents(filter: {batch: [$id]}) { nodes { id } } }",
            batch,
        ),
    ] {
        let hidden = house.ask(&stranger, query, json!({ "id": id })).await;
        assert_eq!(
            hidden,
            house.ask(&stranger, query, json!({ "id": unknown })).await,
            "{query}"
        );
        assert_ne!(
            hidden,
            house.ask(&clerk, query, json!({ "id": id })).await,
            "{query}"
        );
    }
    for query in ["dossiers", "documents", "batches", "thirdParties"] {
        let query = format!("{{ list: {query} {{ nodes {{ id }} total {{ value }} }} }}");
        let seen = house.ask(&stranger, &query, json!({})).await;
        assert_eq!(
            seen["data"]["list"],
            json!({ "nodes": [], "total": { "value": 0 } }),
            "{query}"
        );
        let seen = house.ask(&clerk, &query, json!({})).await;
        assert_eq!(seen["data"]["list"]["total"]["value"], 1, "{query}");
    }
    let before = house.events().await;
    let refusal = "refusal { code sentence }";
    for (mutation, input, id) in [
        ("completeDossier", json!({}), dossier.0),
        ("pauseBatch", json!({}), batch),
        ("cancelBatch", json!({ "reason": "x" }), batch),
        ("retryBatch", json!({}), batch),
        ("retryDocument", json!({}), document),
        ("skipStep", json!({ "reason": "x" }), document),
        ("cancelDocument", json!({ "reason": "x" }), document),
    ] {
        let with = |id: Uuid| {
            let mut input = input.clone();
            input["id"] = json!(id);
            input
        };
        let hidden = house.mutate(&stranger, mutation, with(id), refusal).await;
        let absent = house
            .mutate(&stranger, mutation, with(unknown), refusal)
            .await;
        assert_eq!(hidden, absent, "{mutation}");
        assert_eq!(hidden["refusal"]["code"], "NOT_FOUND", "{mutation}");
    }
    assert_eq!(house.events().await, before);
    for file in ["pdf", "office", "signature-slip"] {
        let path = |id: &dyn std::fmt::Display| format!("/documents/{id}/{file}");
        let hidden = house
            .get(&path(&document))
            .bearer_auth(&stranger)
            .send()
            .await
            .unwrap();
        let absent = house
            .get(&path(&unknown))
            .bearer_auth(&stranger)
            .send()
            .await
            .unwrap();
        let absurd = house
            .get(&path(&"x"))
            .bearer_auth(&stranger)
            .send()
            .await
            .unwrap();
        let hidden = body(hidden, 404).await;
        assert_eq!(hidden, body(absent, 404).await);
        assert_eq!(hidden, body(absurd, 404).await);
    }
}

#[tokio::test]
async fn a_batch_leaves_out_unseen_dossiers_as_if_they_did_not_exist() {
    let house = House::open().await;
    house.chain().await;
    let (own, other) = (
        house.granted("A", "Sport").await,
        house.granted("B", "Culture").await,
    );
    let token = house.token(Role::Instructor, &["Sport"]).await;
    let unknown = Uuid::from_u128(42);
    let input = json!({
        "label": "Lot", "chain": "notification", "dossiers": [own.0, other.0, unknown],
    });
    let want = "outcome refused { reference code sentence } batch { dossierCount }";
    let answer = house.mutate(&token, "startBatch", input, want).await;
    assert_eq!(answer["outcome"], "STARTED_IN_PART");
    assert_eq!(answer["refused"].as_array().unwrap().len(), 2);
    assert_eq!(answer["refused"][0], answer["refused"][1]);
    assert_eq!(answer["refused"][0]["code"], "NOT_FOUND");
    assert_eq!(answer["batch"]["dossierCount"], 1);
}

#[tokio::test]
async fn nobody_puts_a_dossier_where_they_could_not_see_it() {
    let house = House::open().await;
    let token = house.token(Role::Integrator, &["Sport"]).await;
    let request = |service: Value| {
        json!({ "request": {
            "reference": "SUB-1", "thirdPartyId": Uuid::nil(), "authority": { "name": "D" },
            "purpose": "Fête", "amount": 100, "service": service,
        } })
    };
    let want = "refusal { code } dossier { id }";
    for service in [json!("Culture"), Value::Null] {
        let answer = house
            .mutate(&token, "registerDossier", request(service), want)
            .await;
        assert_eq!(answer["refusal"]["code"], "OUT_OF_SCOPE");
    }
    let answer = house
        .mutate(&token, "registerDossier", request(json!("Sport")), want)
        .await;
    assert!(answer["refusal"].is_null());
    let mut input = request(json!("Culture"));
    input["id"] = answer["dossier"]["id"].clone();
    let answer = house.mutate(&token, "amendDossier", input, want).await;
    assert_eq!(answer["refusal"]["code"], "OUT_OF_SCOPE");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let house = House::open_with(Doors {
        explorer: true,
        ..Doors::default()
    })
    .await;
    let token = house.token(Role::Admin, &[]).await;
    for (path, status) in [
        ("/health", 200),
        ("/nowhere", 404),
        ("/graphql?query=%7B__typename%7D", 200),
        ("/graphql/ws", 400),
        ("/explorer", 200),
        ("/documents/x/pdf", 404),
        ("/templates/x", 405),
        ("/templates/x/versions/1", 404),
        ("/batches/x/pdf", 404),
        ("/batches/x/pages", 404),
        ("/scans", 405),
        ("/documents/x/scan", 405),
        ("/exports", 405),
        ("/exports/x/file", 404),
    ] {
        let response = house.get(path).bearer_auth(&token).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert!(
            header("content-security-policy").contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(
            header("strict-transport-security").contains("max-age"),
            "{path}"
        );
        assert!(
            !response
                .headers()
                .contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
    let closed = House::open().await;
    assert_eq!(closed.get("/explorer").send().await.unwrap().status(), 404);
}
