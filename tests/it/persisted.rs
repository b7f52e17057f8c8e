//! Queries that clients name by their SHA-256: the same answers, the same limits, the same rights.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::{House, body, encoded},
    graphql::Listener,
};
use navette::{
    graphql::persisted::{Persisted, PersistedConfig},
    http::Doors,
};
use navette_domain::{digest::Digest, policy::Role};
use serde_json::{Value, json};

async fn house(config: &PersistedConfig) -> House {
    House::open_with(Doors {
        persisted: Persisted::open(config).unwrap(),
        ..Doors::default()
    })
    .await
}

fn named(query: &str) -> Value {
    json!({ "persistedQuery": {
        "version": 1, "sha256Hash": Digest::of(query.as_bytes()).to_string(),
    } })
}

/// What is answered to this body.
async fn post(house: &House, token: &str, sent: Value) -> Value {
    let sent = house.post("/graphql").bearer_auth(token).json(&sent);
    sent.send().await.unwrap().json().await.unwrap()
}

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

#[tokio::test]
async fn a_query_that_was_written_out_once_is_named_by_everybody_with_their_own_rights() {
    let config = PersistedConfig {
        remember: 10,
        ..PersistedConfig::default()
    };
    let house = house(&config).await;
    house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Instructor, &[]).await;
    let query = "{ dossiers { nodes { reference } } }";
    let unknown = post(&house, &token, json!({ "extensions": named(query) })).await;
    // The words on which clients write the query out.
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
    let written = json!({ "query": query, "extensions": named(query) });
    let first = post(&house, &token, written).await;
    assert_eq!(
        first["data"]["dossiers"]["nodes"],
        json!([{ "reference": "SUB-1" }])
    );
    let again = post(&house, &token, json!({ "extensions": named(query) })).await;
    assert_eq!(again, first);
    let stranger = house.token(Role::Instructor, &["Culture"]).await;
    let other = post(&house, &stranger, json!({ "extensions": named(query) })).await;
    assert_eq!(other["data"]["dossiers"]["nodes"], json!([]));
    let nobody = house
        .post("/graphql")
        .json(&json!({ "extensions": named(query) }));
    body(nobody.send().await.unwrap(), 401).await;
    // By address, where a mutation stays refused.
    let get = |query: &str| {
        let extensions = encoded(&named(query).to_string());
        house
            .get(&format!("/graphql?extensions={extensions}"))
            .bearer_auth(&token)
    };
    let got: Value = get(query).send().await.unwrap().json().await.unwrap();
    assert_eq!(got, first);
    let mutation = "mutation($id: UUID!) { completeDossier(input: { id: $id, idempotencyKey: $id }) { version } }";
    post(
        &house,
        &token,
        json!({ "query": mutation, "extensions": named(mutation) }),
    )
    .await;
    body(get(mutation).send().await.unwrap(), 405).await;
    let lie = json!({ "query": "{ __typename }", "extensions": named(query) });
    assert_eq!(code(&post(&house, &token, lie).await), "BAD_REQUEST");
    let nothing = json!({ "extensions": { "persistedQuery": { "version": 2 } } });
    assert_eq!(code(&post(&house, &token, nothing).await), "BAD_REQUEST");
}

#[tokio::test]
async fn a_named_query_has_the_limits_of_one_that_is_written_out() {
    let config = PersistedConfig {
        remember: 10,
        ..PersistedConfig::default()
    };
    let house = house(&config).await;
    let token = house.token(Role::Auditor, &[]).await;
    // Read, but too expensive for the schema; and too much to be read at all.
    let wide = "documents { timeline { position } signatures { id } ".repeat(3) + &"}".repeat(3);
    let expensive = format!("{{ dossiers(first: 100) {{ nodes {{ {wide} }} }} }}");
    let large = format!("{{ {} }}", "__typename ".repeat(5_000));
    for query in [&expensive, &large] {
        let written = json!({ "query": query, "extensions": named(query) });
        let refused = post(&house, &token, written).await;
        assert!(
            refused["errors"].is_array() && refused["data"].is_null(),
            "{refused}"
        );
        let again = post(&house, &token, json!({ "extensions": named(query) })).await;
        assert!(
            again["errors"].is_array() && again["data"].is_null(),
            "{again}"
        );
    }
}

#[tokio::test]
async fn a_subscription_is_named_like_a_query() {
    let config = PersistedConfig {
        remember: 10,
        ..PersistedConfig::default()
    };
    let house = house(&config).await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Instructor, &[]).await;
    let query =
        "subscription($id: UUID!) { dossierEvents(dossierId: $id, after: 0) { eventType } }";
    for query_text in [query, ""] {
        let mut listener = Listener::open(&house, &token).await;
        listener.hear().await;
        let payload = json!({
            "query": query_text, "variables": { "id": dossier.0 }, "extensions": named(query),
        });
        listener
            .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        let heard = listener.hear().await;
        assert_eq!(
            heard["payload"]["data"]["dossierEvents"][0]["eventType"], "dossier.registered",
            "{heard}"
        );
    }
}

#[tokio::test]
async fn only_the_queries_of_the_folder_are_answered_where_the_site_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let query = "query Console { dossiers { nodes { reference } } }";
    std::fs::write(folder.path().join("console.graphql"), query).unwrap();
    let config = PersistedConfig {
        folder: Some(folder.path().to_owned()),
        only: true,
        remember: 10,
    };
    let house = house(&config).await;
    let token = house.token(Role::Admin, &[]).await;
    for sent in [
        json!({ "extensions": named(query) }),
        json!({ "query": query }),
    ] {
        let answer = post(&house, &token, sent).await;
        assert_eq!(answer["data"]["dossiers"]["nodes"], json!([]), "{answer}");
    }
    let other = "{ dossiers { nodes { id } } }";
    let refused = post(&house, &token, json!({ "query": other })).await;
    assert_eq!(code(&refused), "PERSISTED_QUERY_ONLY");
    // Nobody adds to the folder from outside.
    let written = json!({ "query": other, "extensions": named(other) });
    assert_eq!(
        code(&post(&house, &token, written).await),
        "PERSISTED_QUERY_ONLY"
    );
    let again = post(&house, &token, json!({ "extensions": named(other) })).await;
    assert_eq!(code(&again), "PERSISTED_QUERY_NOT_FOUND");
    let mut listener = Listener::open(&house, &token).await;
    listener.hear().await;
    let payload = json!({ "query": "subscription { batchProgress(batchId: \"x\") { state } }" });
    listener
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    let heard = listener.hear().await.to_string();
    assert!(heard.contains("PERSISTED_QUERY_ONLY"), "{heard}");
}

#[tokio::test]
async fn without_configuration_nothing_is_remembered_and_clients_are_told_to_write_queries_out() {
    let house = House::open().await;
    let token = house.token(Role::Auditor, &[]).await;
    let query = "{ __typename }";
    let written = json!({ "query": query, "extensions": named(query) });
    assert_eq!(
        post(&house, &token, written).await["data"]["__typename"],
        "Query"
    );
    let answer = post(&house, &token, json!({ "extensions": named(query) })).await;
    assert_eq!(answer["errors"][0]["message"], "PersistedQueryNotSupported");
}
