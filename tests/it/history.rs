//! The history of a dossier that went through the whole chain, as people and programs ask for it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::support::{TestApp, profile, run};
use async_graphql::{Executor as _, Request, Variables};
use chrono::TimeDelta;
use navette::{
    graphql::{
        self, Services,
        asking::{Asker, Reads},
    },
    neighbourhood::Manners,
};
use navette_domain::{
    document::DocumentStatus,
    ids::{DocumentId, DossierId},
    policy::{Principal, Role},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What GraphQL answers to an auditor who sees these services; all when there are none.
async fn ask(test: &TestApp, services: &[&str], query: &str, variables: Value) -> Value {
    let shell = Services {
        reads: Reads::new(
            test.app.pool.clone(),
            test.app.pool.clone(),
            test.app.projections.standing(),
        ),
        dispatcher: test.app.dispatcher.clone(),
        batches: test.app.batches.clone(),
        templates: test.app.templates.clone(),
        erasure: test.app.erasure.clone(),
        exports: test.app.exports.clone(),
    };
    let principal = Principal {
        actor: "token:auditeur".into(),
        role: Role::Auditor,
        services: services.iter().map(|name| (*name).to_owned()).collect(),
        schemes: vec![],
        email: None,
    };
    let asker = Asker::new(principal, SecretString::from("x".to_owned()));
    let asked = Request::new(query).variables(Variables::from_json(variables));
    let asked = graphql::request(asked, &shell.reads, asker);
    let answer = graphql::executor(shell, false).execute(asked).await;
    serde_json::to_value(answer).unwrap()
}

fn by_key(fields: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let fields = fields.as_array().unwrap().iter();
    fields
        .map(|field| (text(&field["key"]), text(&field["value"])))
        .collect()
}

/// Two dossiers through the chain; the first, and its letter.
async fn notified(test: &TestApp) -> (DossierId, DocumentId) {
    let dossiers = [test.granted("SUB-1").await, test.granted("SUB-2").await];
    let batch = test.notify(&dossiers).await;
    let documents = dossiers.map(|dossier| DocumentId::of_dossier(batch, dossier));
    for document in documents {
        test.until_status(document, DocumentStatus::Delivered).await;
    }
    test.settle().await;
    (dossiers[0], documents[0])
}

#[test]
fn a_dossier_is_shown_as_it_stood_at_any_moment_and_as_it_changed_since() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let (dossier, document) = notified(&test).await;
        let query = "query($id: UUID!) { dossier(id: $id) {
            state { position fields { key value } }
            steps { position at sentence eventType actor changes { key before after } fields { key value } } } }";
        let answer = ask(&test, &[], query, json!({ "id": dossier })).await;
        let history = &answer["data"]["dossier"];
        let now = by_key(&history["state"]["fields"]);
        assert_eq!(now["dossier.statut"], "notifié");
        assert_eq!(now[&format!("documents.{document}.statut")], "remis");
        let steps = history["steps"].as_array().unwrap();
        assert_eq!(by_key(&steps.last().unwrap()["fields"]), now);
        assert_eq!(
            history["state"]["position"],
            steps.last().unwrap()["position"]
        );
        assert!(!answer.to_string().contains("SUB-2"), "another dossier's");
        let person = profile("SUB-1").name.reveal().clone();
        assert!(!answer.to_string().contains(&person), "personal data");

        let as_of = "query($id: UUID!, $asOf: Moment, $from: Moment!) { dossier(id: $id) {
            state(asOf: $asOf) { position fields { key value } }
            changes(from: $from, to: $asOf) { key before after } } }";
        let mut from = json!({ "position": 0 });
        for step in steps {
            let moment = json!({ "position": step["position"] });
            let variables = json!({ "id": dossier, "asOf": moment, "from": from });
            let then = ask(&test, &[], as_of, variables).await;
            let then = &then["data"]["dossier"];
            assert_eq!(then["state"]["fields"], step["fields"]);
            assert_eq!(then["changes"], step["changes"], "{step}");
            from = moment;
        }
        // What is shown by date is what the log had received by then.
        let delivered = steps
            .iter()
            .position(|step| step["eventType"] == "document.delivered")
            .unwrap();
        let at = &steps[delivered]["at"];
        let variables = json!({ "id": dossier, "asOf": { "at": at }, "from": { "at": at } });
        let then = ask(&test, &[], as_of, variables).await;
        let then = &then["data"]["dossier"];
        let status =
            by_key(&then["state"]["fields"])[&format!("documents.{document}.statut")].clone();
        assert_eq!(status, "remis");
        assert_eq!(then["changes"], json!([]));
        test.end().await;
    });
}

#[test]
fn a_history_is_for_whoever_sees_its_dossier_and_only_of_what_is_over() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted("SUB-1").await;
        test.settle().await;
        let query = "query($id: UUID!, $asOf: Moment) { dossier(id: $id) {
            state(asOf: $asOf) { position } steps(first: 1) { position } } }";
        let sees = async |services: &[&str]| {
            let answer = ask(&test, services, query, json!({ "id": dossier })).await;
            answer["data"]["dossier"].clone()
        };
        assert!(sees(&["Direction de la culture"]).await["steps"][0].is_object());
        assert_eq!(sees(&["Sport"]).await, Value::Null);
        let tomorrow = test.app.clock.now() + TimeDelta::days(1);
        let variables = json!({ "id": dossier, "asOf": { "at": tomorrow } });
        let refused = ask(&test, &[], query, variables).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_REQUEST");
        assert_eq!(refused["data"]["dossier"]["state"], Value::Null);
        let variables = json!({ "id": dossier, "asOf": { "position": 0 } });
        let unborn = ask(&test, &[], query, variables).await;
        assert_eq!(unborn["data"]["dossier"]["state"]["position"], Value::Null);
        test.end().await;
    });
}

#[test]
fn the_command_tells_a_dossier_by_its_reference_as_a_state_as_changes_and_as_steps() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let (dossier, _) = notified(&test).await;
        let (done, state) = test.navette(&["history", "SUB-1"]).await;
        assert!(done, "{state}");
        assert!(state.contains("  Statut du dossier : notifié\n"), "{state}");
        assert!(state.contains("  Objet de la demande : Saison culturelle 2026\n"));
        let (_, steps) = test
            .navette(&["history", &dossier.to_string(), "--steps"])
            .await;
        let granted = "token:test  Dossier repris comme déjà accordé, pour 23";
        let granted = steps.lines().find(|line| line.contains(granted)).unwrap();
        assert!(
            steps.contains("  Statut du dossier : accordé → notifié\n"),
            "{steps}"
        );
        let (position, _) = granted.split_once(' ').unwrap();
        let (_, first) = test
            .navette(&["history", "SUB-1", "--as-of", position])
            .await;
        assert!(first.contains("  Statut du dossier : accordé\n"), "{first}");
        let (_, changes) = test
            .navette(&["history", "SUB-1", "--since", position])
            .await;
        assert!(
            changes.contains("  Statut du dossier : accordé → notifié\n"),
            "{changes}"
        );
        assert!(!changes.contains("Objet de la demande"), "{changes}");
        let (done, unknown) = test.navette(&["history", "SUB-9"]).await;
        assert!(!done && unknown.contains("SUB-9"), "{unknown}");
        test.end().await;
    });
}
