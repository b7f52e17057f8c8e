//! Limits, and neighbours that are down.

use super::{Watched, all_delivered, gathered_before, let_go, state};
use crate::{
    doors::House,
    support::{TestApp, quick, run},
};
use navette::{
    neighbourhood::Manners,
    workers::{NeighbourLimits, RetryPolicy},
};
use navette_domain::{gate::BreakerPolicy, policy::Role, ports::Neighbour};
use navette_projections::neighbours::Breaker;
use serde_json::json;
use std::{num::NonZeroU32, sync::atomic::Ordering, time::Duration};

const SHELF: Neighbour = Neighbour::PorteDocuments;

#[test]
fn a_neighbour_that_is_down_is_left_alone_and_costs_no_letter_more_than_a_try() {
    run(async {
        // A second failure that counts calls a person.
        let policy = RetryPolicy {
            failures: 2,
            breaker: BreakerPolicy {
                open_ms: 100,
                longest_ms: 100,
                ..BreakerPolicy::default()
            },
            ..quick()
        };
        let test = TestApp::start_with(Manners::obliging(), policy).await;
        let documents = gathered_before(&test, SHELF, 6).await;
        let shelf = Watched::on(&test, SHELF);
        shelf.down.store(true, Ordering::SeqCst);
        let_go(&test, SHELF).await;
        test.until("its breaker is seen not to be closed", async || {
            let gates = state(&test, SHELF).await.gates;
            gates.iter().any(|gate| gate.breaker != Breaker::Closed)
        })
        .await;
        test.until("it was tried again", async || shelf.calls().len() > 9)
            .await;
        // One at a time since the first six, and no sooner than its breaker says.
        let probes: Vec<_> = shelf.calls().into_iter().skip(6).collect();
        for pair in probes.windows(2) {
            let pause = pair[1].0.duration_since(pair[0].0);
            assert!(pause >= Duration::from_millis(95), "{pause:?}");
        }
        for document in &documents {
            assert_eq!(test.journey(*document).await.trouble, None);
        }
        shelf.down.store(false, Ordering::SeqCst);
        all_delivered(&test, &documents).await;
        test.end().await;
    });
}

#[test]
fn work_begins_no_faster_than_its_neighbour_bears() {
    run(async {
        let limits = NeighbourLimits {
            at_once: NonZeroU32::new(2),
            per_minute: NonZeroU32::new(600),
            burst: NonZeroU32::new(2),
        };
        let policy = RetryPolicy {
            limits: [(SHELF, limits)].into(),
            ..quick()
        };
        let test = TestApp::start_with(Manners::obliging(), policy).await;
        let documents = gathered_before(&test, SHELF, 5).await;
        let shelf = Watched::on(&test, SHELF);
        let_go(&test, SHELF).await;
        all_delivered(&test, &documents).await;
        let calls = shelf.calls();
        assert_eq!(calls.len(), 5);
        // Two at once, then one every tenth of a second.
        let took = calls[4].0.duration_since(calls[0].0);
        assert!(took >= Duration::from_millis(295), "{took:?}");
        test.end().await;
    });
}

#[tokio::test]
async fn how_gates_stand_is_told_to_graphql_and_to_metrics() {
    let mut house = House::open().await;
    house.work().await;
    let token = house.token(Role::Auditor, &[]).await;
    let query = "{ neighbours { neighbour effects heldUntil gates { node breaker atOnce most underWay } } }";
    let shown = loop {
        let answer = house.ask(&token, query, json!({})).await;
        let desk = answer["data"]["neighbours"][2].clone();
        assert_eq!(desk["neighbour"], "iparapheur", "{answer}");
        // The first time that it is said comes right after the start.
        if desk["gates"] != json!([]) {
            break desk;
        }
    };
    let gate =
        json!({ "node": "test", "breaker": "CLOSED", "atOnce": 8, "most": 8, "underWay": 0 });
    let desk =
        json!({ "neighbour": "iparapheur", "effects": 0, "heldUntil": null, "gates": [gate] });
    assert_eq!(shown, desk);
    let metrics = house.get("/metrics").bearer_auth(&token).send().await;
    let text = metrics.unwrap().text().await.unwrap();
    for line in [
        "navette_gate_open{neighbour=\"iparapheur\",node=\"test\"} 1",
        "navette_gate_at_once{neighbour=\"smtp\",node=\"test\"} 8",
    ] {
        assert!(text.contains(line), "{text}");
    }
}
