//! What those who ask are told while a projection is held, or not built.

use crate::doors::{House, body};
use navette::{
    app::App,
    clock::Clock,
    http::{Doors, router},
    workers::{RetryPolicy, resume},
};
use navette_adapters::keys::Keys;
use navette_domain::{policy::Role, third_party::Retention};
use reqwest::Client;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

async fn health(url: &str) -> (u16, Value) {
    let response = Client::new()
        .get(format!("{url}/health"))
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn whoever_asks_for_more_than_a_held_projection_shows_is_told_so_at_once() {
    let house = House::open().await;
    house.granted("SUB-1", "Sport").await;
    assert_eq!(health(&house.url).await, (200, json!({ "status": "ok" })));
    let pool = &house.app.pool;
    let hold = "UPDATE projections SET held_since = clock_timestamp(), failed_at = position + 1, failures = 5,
                       trouble = 'of the test' WHERE name = 'timeline' RETURNING position";
    let position: i64 = sqlx::query_scalar(hold).fetch_one(pool).await.unwrap();
    // Dossiers are shown all the same.
    house.granted("SUB-2", "Sport").await;
    let token = house.token(Role::Auditor, &[]).await;
    let head = house.events().await;
    let query = "query($at: Position) { dossiers(atLeast: $at) { nodes { reference } } }";
    let began = Instant::now();
    let answer = house.ask(&token, query, json!({ "at": head })).await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "HELD", "{answer}");
    assert_eq!(error["extensions"]["projection"], "timeline");
    assert_eq!(error["extensions"]["position"], position.to_string());
    for at in [json!(null), json!(position)] {
        let answer = house.ask(&token, query, json!({ "at": at })).await;
        assert_eq!(
            answer["data"]["dossiers"]["nodes"].as_array().map(Vec::len),
            Some(2),
            "{answer}"
        );
    }

    let (status, told) = health(&house.url).await;
    assert_eq!((status, &told["status"]), (200, &json!("degraded")));
    assert_eq!(told["projections"][0]["name"], "timeline");
    assert_eq!(told["projections"][0]["held"], true);
    body(house.get("/metrics").send().await.unwrap(), 401).await;
    let metrics = house
        .get("/metrics")
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    let metrics = body(metrics, 200).await;
    for line in [
        format!("navette_log_head {head}"),
        "navette_effects_waiting 0".to_owned(),
        "navette_projection_held{projection=\"timeline\"} 1".to_owned(),
        "navette_projection_held{projection=\"dossiers\"} 0".to_owned(),
        format!("navette_projection_position{{projection=\"timeline\"}} {position}"),
        format!(
            "navette_projection_lag{{projection=\"timeline\"}} {}",
            head - position
        ),
        "navette_projection_oldest_unapplied_seconds{projection=\"dossiers\"} 0".to_owned(),
    ] {
        assert!(
            metrics.lines().any(|told| told == line),
            "{line} in\n{metrics}"
        );
    }

    assert!(resume(pool, "timeline").await.unwrap());
    let mut standing = house.app.projections.standing();
    standing
        .wait_for(|standing| standing.held.is_empty())
        .await
        .unwrap();
    let answer = house.ask(&token, query, json!({ "at": head })).await;
    assert!(answer["errors"].is_null(), "{answer}");
    assert_eq!(health(&house.url).await.1["status"], "ok");
}

#[tokio::test]
async fn a_node_answers_nothing_before_its_read_models_are_built_and_tells_how_far_it_is() {
    let house = House::open().await;
    house.granted("SUB-1", "Sport").await;
    let token = house.token(Role::Auditor, &[]).await;
    house.stop_following();
    let pool = &house.app.pool;
    let forget = "DELETE FROM projections WHERE name = 'timeline' RETURNING 'timeline_' || shape";
    let schema: String = sqlx::query_scalar(forget).fetch_one(pool).await.unwrap();
    let statement = format!("DROP SCHEMA {schema} CASCADE");
    sqlx::query(&statement).execute(pool).await.unwrap();

    let ports = house.app.ports.clone();
    let folder = tempfile::tempdir().unwrap();
    let app = App::build(
        pool.clone(),
        Keys::of_tests(pool.clone()),
        ports,
        Clock::system(),
        RetryPolicy::default(),
        Retention::default(),
        folder.path().join("checkpoint.key"),
    )
    .await
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = router(&app, Doors::default());
    let door = tokio::spawn(async move { axum::serve(listener, routes).await });
    let ask = async || {
        let asked = Client::new()
            .get(format!("{url}/graphql?query=%7B__typename%7D"))
            .bearer_auth(&token);
        let response = asked.send().await.unwrap();
        (
            response.status().as_u16(),
            response.json::<Value>().await.unwrap(),
        )
    };
    let (status, answer) = ask().await;
    assert_eq!(status, 503);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BUILDING");
    let (status, told) = health(&url).await;
    assert_eq!((status, &told["status"]), (503, &json!("building")));
    assert_eq!(told["projections"][0]["name"], "timeline");
    app.projections.catch_up().await.unwrap();
    assert_eq!(ask().await.0, 200);
    assert_eq!(health(&url).await, (200, json!({ "status": "ok" })));
    door.abort();
}
