//! Pages that are answered straight are those that the engine of GraphQL answers, key by key; whatever is in
//! doubt is left to the engine.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::doors::House;
use async_graphql::{Executor as _, Request, Variables};
use navette::{
    graphql::{
        self, Executor, Services,
        asking::{Asker, Reads},
        straight::{Straight, Told},
    },
    workers::Standing,
};
use navette_domain::policy::{Principal, Role};
use navette_projections::{
    dossiers::DossierFilter,
    straight::{DOCUMENT, DOSSIER, Field, THIRD_PARTY},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Both ways to the same read models.
struct Desk {
    _house: House,
    executor: Executor,
    straight: Straight,
    services: Services,
}

impl Desk {
    /// With some dossiers of two services, most with a letter.
    async fn open() -> Self {
        let house = House::open().await;
        house.chain().await;
        let token = house.token(Role::Instructor, &[]).await;
        for index in 0..9 {
            let service = if index % 3 == 0 { "Culture" } else { "Sport" };
            let reference = format!("SUB \"{index}\"\n\u{1}é");
            let dossier = house.granted(&reference, service).await.0;
            if index % 4 != 0 {
                let input =
                    json!({ "label": "Lot", "chain": "notification", "dossiers": [dossier] });
                house.mutate(&token, "startBatch", input, "batchId").await;
            }
        }
        house.settle().await;
        house.stop_following();
        let pool = house.app.pool.clone();
        let services = Services::of(&house.app, pool.clone(), pool);
        Self {
            executor: graphql::executor(services.clone(), false),
            straight: Straight::new(services.reads.clone()),
            services,
            _house: house,
        }
    }

    fn asker(services: &[&str]) -> Asker {
        let principal = Principal {
            actor: "token:x".into(),
            role: Role::Auditor,
            services: services.iter().map(ToString::to_string).collect(),
            schemes: vec![],
            email: None,
        };
        Asker::new(principal, SecretString::from("x".to_owned()))
    }

    /// What the engine answers, and what is answered straight once the engine has.
    async fn ask(
        &self,
        query: &str,
        variables: &Value,
        services: &[&str],
    ) -> (Value, Option<Value>) {
        let request = || Request::new(query).variables(Variables::from_json(variables.clone()));
        let asker = Self::asker(services);
        let lesson = match self.straight.answer(&request(), &asker).await {
            Told::Nothing(lesson) => lesson,
            // It was asked before.
            Told::Answer(_) => None,
        };
        let whole = graphql::request(request(), &self.services, asker.clone());
        let answer = self.executor.execute(whole).await;
        if let Some(lesson) = lesson.filter(|_| answer.is_ok()) {
            self.straight.learn(lesson);
        }
        let straight = match self.straight.answer(&request(), &asker).await {
            Told::Answer(body) => Some(serde_json::from_slice(&body).unwrap()),
            Told::Nothing(_) => None,
        };
        (serde_json::to_value(answer).unwrap(), straight)
    }
}

fn names(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    names.join(" ")
}

/// Everything that may be answered straight.
fn everything() -> String {
    let (own, third_party, document) = (names(DOSSIER), names(THIRD_PARTY), names(DOCUMENT));
    format!(
        "query Page($filter: DossierFilter, $order: [DossierOrder!], $first: Int, $after: String, $last: Int,
                $before: String) {{
            page: dossiers(filter: $filter, orderBy: $order, first: $first, after: $after, last: $last,
                    before: $before) {{
                __typename
                total {{ __typename value exact precision }}
                pageInfo {{ __typename hasNextPage hasPreviousPage startCursor endCursor }}
                edges {{ __typename cursor node {{
                    {own} called: reference
                    letters: documents {{ {document} }}
                    thirdParty {{ {third_party} who: name }} }} }}
            }} }}"
    )
}

#[tokio::test]
async fn a_page_answered_straight_says_what_the_engine_says() {
    let desk = Desk::open().await;
    let query = everything();
    let by = |field: &str, descending: bool| json!([{ "field": field, "descending": descending }]);
    for (services, rows) in [(&[] as &[&str], 4), (&["Sport"], 4), (&["Nobody's"], 0)] {
        // A cursor belongs to its reader.
        let first = desk.ask(&query, &json!({ "first": 4 }), services).await.0;
        let page = &first["data"]["page"];
        assert_eq!(
            page["edges"].as_array().map(Vec::len),
            Some(rows),
            "{first}"
        );
        let end = &page["pageInfo"]["endCursor"];
        for variables in [
            json!({}),
            json!({ "first": 4 }),
            json!({ "first": 4, "after": end }),
            json!({ "last": 3 }),
            json!({ "last": 3, "before": end }),
            json!({ "order": by("COMMISSION_DATE", true) }),
            json!({ "order": by("AMOUNT", false), "first": 2 }),
            json!({ "filter": { "status": ["GRANTED"] }, "order": by("REGISTERED_AT", true) }),
            json!({ "filter": { "service": ["Culture"], "amount": { "from": 1 } } }),
            json!({ "filter": { "or": [{ "text": "sub" }, { "not": { "status": ["CLOSED"] } }] } }),
            json!({ "filter": { "status": ["CLOSED"] } }),
        ] {
            let (engine, straight) = desk.ask(&query, &variables, services).await;
            assert!(engine.get("errors").is_none(), "{variables}: {engine}");
            assert_eq!(straight.as_ref(), Some(&engine), "{variables} {services:?}");
        }
    }
    let nodes = "{ dossiers(first: 3) { nodes { reference } } }";
    let (engine, straight) = desk.ask(nodes, &json!({}), &[]).await;
    assert_eq!(straight, Some(engine));
}

#[tokio::test]
async fn whatever_is_in_doubt_is_left_to_the_engine() {
    let desk = Desk::open().await;
    let page =
        "query P($f: DossierFilter, $n: Int) { dossiers(first: $n, filter: $f) { nodes { id } } }";
    // The engine's answer to a shorter page says nothing of what a longer one costs.
    let short = json!({ "n": 2 });
    let (_, straight) = desk.ask(page, &short, &[]).await;
    assert!(straight.is_some());
    let request = Request::new(page).variables(Variables::from_json(json!({ "n": 5 })));
    let told = desk.straight.answer(&request, &Desk::asker(&[])).await;
    assert!(matches!(told, Told::Nothing(Some(_))));
    for wrong in [
        // A test that is misspelt would be left out.
        json!({ "n": 2, "f": { "statuss": ["GRANTED"] } }),
        json!({ "n": 2, "f": { "not": { "amount": { "form": 1 } } } }),
        json!({ "n": 2, "f": { "status": ["NONE"] } }),
        json!({ "n": 0 }),
        json!({ "n": "two" }),
    ] {
        let (engine, straight) = desk.ask(page, &wrong, &[]).await;
        assert!(engine.get("errors").is_some(), "{wrong}: {engine}");
        assert_eq!(straight, None, "{wrong}");
    }
    for query in [
        "{ dossiers { nodes { id statusLabel } } }",
        "{ dossiers { nodes { id documents { id signatures { id } } } } }",
        "{ dossiers { nodes { ...d } } } fragment d on Dossier { id }",
        "{ dossiers { nodes { ... on Dossier { id } } } }",
        "{ dossiers { nodes { id @skip(if: true) } } }",
        "{ dossiers { nodes { id } edges { node { id } } } }",
        "{ dossiers { nodes { id } } batches { nodes { id } } }",
        "{ dossiers(atLeast: 1) { nodes { id } } }",
        "{ dossiers(order: { field: AMOUNT }) { nodes { id } } }",
        "{ thirdParties { nodes { id } } }",
    ] {
        let (engine, straight) = desk.ask(query, &json!({}), &[]).await;
        assert!(engine.get("errors").is_none(), "{query}: {engine}");
        assert_eq!(straight, None, "{query}");
    }
}

#[tokio::test]
async fn a_total_is_told_again_until_the_read_models_move_and_to_those_who_see_the_same() {
    let house = House::open().await;
    for index in 0..4 {
        let service = if index == 0 { "Culture" } else { "Sport" };
        house.granted(&format!("SUB-{index}"), service).await;
    }
    house.settle().await;
    house.stop_following();
    let pool = &house.app.pool;
    let (moved, standing) = watch::channel(Standing::default());
    let filter = DossierFilter::default();
    let (all, sport) = (Desk::asker(&[]).scope, Desk::asker(&["Sport"]).scope);
    loop {
        let began = Instant::now();
        let reads = Reads::new(pool.clone(), pool.clone(), standing.clone());
        let count = async |scope| reads.count(scope, &filter).await.unwrap().value;
        let before = count(&all).await;
        sqlx::query("DELETE FROM dossiers WHERE id IN (SELECT id FROM dossiers WHERE service = 'Sport' LIMIT 1)")
            .execute(pool)
            .await
            .unwrap();
        let again = count(&all).await;
        // A total is told again for a second: what took longer shows nothing.
        if began.elapsed() < Duration::from_secs(1) {
            assert_eq!(again, before);
            assert_eq!(count(&sport).await, before - 2, "nobody else is told it");
            moved.send_modify(|standing| standing.position += 1);
            assert_eq!(count(&all).await, before - 1);
            return;
        }
    }
}
