//! Chains that start without a clerk, on the three occasions there are.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::{House, asks},
    story::{self, Story, definition},
};
use chrono::{TimeDelta, Utc};
use navette::{clock::Clock, dispatch::Dispatcher, triggers::Triggers};
use navette_domain::{
    chain::{Action, Chain, ChainCommand, Definition, Recipient, Scope},
    document::DocumentStatus,
    dossier::{Dossier, DossierEvent, DossierStatus},
    event::Event,
    ids::{BatchId, ChainId, DocumentId, DossierId},
    policy::Role,
    trigger::{Occasion, Rule, Trigger, TriggerCommand},
};
use navette_projections::triggers;
use serde_json::{Value, json};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// What happened just now has been gathered by then.
const SOON: i64 = 120;
/// Longer than any day, also one on which clocks are put back.
const DAY: i64 = 25 * 3600;

/// The triggers of this house, so many seconds later.
fn later(house: &House, seconds: i64) -> Triggers {
    let clock = Clock::from_fn(move || Utc::now() + TimeDelta::seconds(seconds));
    let dispatcher = Dispatcher::new(house.app.dispatcher.log().clone(), clock);
    house.app.triggers.clone().by(dispatcher)
}

/// Three processes fire what is to fire then, at once, and one more that comes late.
async fn carry_out(house: &House, seconds: i64) {
    let triggers = later(house, seconds);
    let (a, b, c) = tokio::join!(triggers.once(), triggers.once(), triggers.once());
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
    house.settle().await;
    triggers.once().await.unwrap();
    house.settle().await;
}

const WANT: &str = "triggerId version refusal { code sentence } trigger { id version nextAt
    occasion { kind status chain ending sentence calendar { sentence } } filter selectionId }";

async fn saved(house: &House, token: &str, input: Value) -> Value {
    let answer = house.mutate(token, "saveTrigger", input, WANT).await;
    house.settle().await;
    answer
}

/// Saves what must not be refused.
async fn kept(house: &House, token: &str, input: Value) -> Value {
    let answer = saved(house, token, input).await;
    assert!(answer["refusal"].is_null(), "{answer}");
    answer
}

async fn seen(house: &House, token: &str) -> Value {
    let query = "{ triggers(first: 5) { nodes { id name owner suspendedAt suspendedFor nextAt firedAt started leftOut notChosen
        leftOutDossiers { dossierId reason } lastBatch { label requestedBy dossierCount
            timeline { sentence } documents { nodes { dossier { reference timeline { sentence } } } } } } } }";
    let answer = house.ask(token, query, json!({})).await;
    assert!(answer["errors"].is_null(), "{answer}");
    answer["data"]["triggers"]["nodes"].clone()
}

/// What whoever asks sees of the only trigger.
async fn only(house: &House, token: &str) -> Value {
    let all = seen(house, token).await;
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    all[0].clone()
}

fn references(trigger: &Value) -> Vec<&str> {
    let nodes = trigger["lastBatch"]["documents"]["nodes"]
        .as_array()
        .unwrap();
    let mut all: Vec<_> = nodes
        .iter()
        .map(|node| node["dossier"]["reference"].as_str().unwrap())
        .collect();
    all.sort_unstable();
    all
}

async fn told(house: &House, name: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM events WHERE event_type = $1")
        .bind(name)
        .fetch_one(&house.app.pool)
        .await
        .unwrap()
}

async fn publish(house: &House, code: &str, scope: Scope) {
    let mut definition = Definition {
        code: code.into(),
        scope,
        ..definition()
    };
    // A document about a whole batch has no applicant.
    let to = Recipient::Requester;
    definition.steps[2].action = Action::Email { to };
    let at = house.app.clock.now();
    let command = ChainCommand::Publish { definition, at };
    let id = ChainId::of_code(code).0;
    let dispatcher = &house.app.dispatcher;
    let published = dispatcher.dispatch::<Chain>(&asks(), id, command).await;
    published.unwrap();
}

/// A clerk starts a chain.
async fn started(house: &House, token: &str, chain: &str, dossiers: &[DossierId]) -> BatchId {
    let dossiers: Vec<Uuid> = dossiers.iter().map(|dossier| dossier.0).collect();
    let input = json!({ "label": "Lot", "chain": chain, "dossiers": dossiers });
    let answer = house
        .mutate(token, "startBatch", input, "batchId outcome")
        .await;
    assert_eq!(answer["outcome"], "STARTED", "{answer}");
    house.settle().await;
    BatchId(answer["batchId"].as_str().unwrap().parse().unwrap())
}

async fn cancelled(house: &House, token: &str, mutation: &str, id: Uuid) {
    let input = json!({ "id": id, "reason": "erreur" });
    let answer = house
        .mutate(token, mutation, input, "refusal { sentence }")
        .await;
    assert!(answer["refusal"].is_null(), "{answer}");
    house.settle().await;
}

async fn revoke(house: &House, role: &str) {
    sqlx::query("UPDATE api_tokens SET revoked_at = now() WHERE role = $1")
        .bind(role)
        .execute(&house.app.pool)
        .await
        .unwrap();
}

fn granted() -> Value {
    json!({ "name": "Accords", "chain": "notification", "status": "GRANTED" })
}

fn with(name: &str, value: Value) -> Value {
    let mut input = granted();
    input[name] = value;
    input
}

#[tokio::test(flavor = "multi_thread")]
async fn dossiers_that_reach_a_status_after_a_trigger_was_saved_are_started_once_in_one_batch() {
    let house = House::open().await;
    house.chain().await;
    house.granted("AVANT", "Sport").await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let answer = kept(&house, &clerk, granted()).await;
    let occasion = &answer["trigger"]["occasion"];
    assert_eq!(occasion["sentence"], "quand un dossier devient « accordé »");
    for reference in ["EX-1", "EX-2", "EX-3"] {
        house.granted(reference, "Sport").await;
    }
    // What happens is gathered for a while.
    carry_out(&house, -DAY).await;
    assert_eq!(told(&house, "batch.started").await, 0);
    let due: Vec<(Uuid, i64, Uuid)> =
        sqlx::query_as("SELECT trigger_id, position, dossier_id FROM trigger_due")
            .fetch_all(&house.app.pool)
            .await
            .unwrap();
    carry_out(&house, SOON).await;
    assert_eq!(told(&house, "batch.started").await, 1);
    assert_eq!(told(&house, "document.requested").await, 3);
    let trigger = only(&house, &clerk).await;
    assert_eq!(references(&trigger), ["EX-1", "EX-2", "EX-3"]);
    assert_eq!(trigger["started"], 3);
    assert_eq!(trigger["leftOut"], 0);
    let batch = &trigger["lastBatch"];
    assert_eq!(batch["label"], "Accords");
    assert_eq!(batch["requestedBy"], trigger["owner"]);
    let history = batch["timeline"].as_array().unwrap();
    let history: Vec<_> = history.iter().map(|told| &told["sentence"]).collect();
    assert_eq!(
        history,
        [
            "Déclencheur exécuté : dossiers lancés, 3 ; écartés par la chaîne, 0 ; hors de la sélection, 0",
            "Lot « Accords » lancé sur 3 dossiers par le déclencheur « Accords »",
        ]
    );
    let history = &batch["documents"]["nodes"][0]["dossier"]["timeline"];
    let last = history.as_array().unwrap().last().unwrap();
    let sentence = last["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("Document demandé par le déclencheur « Accords » : "),
        "{sentence}"
    );

    // A process that gathered before the read model knew that it had fired starts nothing twice.
    for (trigger, position, dossier) in due {
        sqlx::query("INSERT INTO trigger_due VALUES ($1, $2, $3, NULL, now())")
            .bind(trigger)
            .bind(position)
            .bind(dossier)
            .execute(&house.app.pool)
            .await
            .unwrap();
    }
    let events = house.events().await;
    carry_out(&house, SOON).await;
    assert_eq!(house.events().await, events);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_at_any_moment_of_a_firing_leaves_all_of_it_or_nothing() {
    let house = House::open().await;
    house.chain().await;
    let clerk = house.token(Role::Instructor, &[]).await;
    kept(&house, &clerk, granted()).await;
    for reference in ["EX-1", "EX-2", "EX-3"] {
        house.granted(reference, "Sport").await;
    }
    let triggers = later(&house, SOON);
    let mut died = 0;
    for moment in (0..500).map(Duration::from_millis) {
        // The lock of one that died is free once the database has noticed.
        match tokio::time::timeout(moment, triggers.once()).await {
            Err(_) => died += 1,
            Ok(done) => done.unwrap(),
        }
        let [fired, started, requested]: [i64; 3] = {
            let counts = ["trigger.fired", "batch.started", "document.requested"];
            let counts =
                counts.map(|name| format!("count(*) FILTER (WHERE event_type = '{name}')"));
            let sql = format!("SELECT ARRAY[{}] FROM events", counts.join(", "));
            let counts: Vec<i64> = sqlx::query_scalar(&sql)
                .fetch_one(&house.app.pool)
                .await
                .unwrap();
            counts.try_into().unwrap()
        };
        assert_eq!((started, requested), (fired, 3 * fired));
        if fired == 1 {
            break;
        }
    }
    assert!(died > 1, "nobody died");
    carry_out(&house, SOON).await;
    assert_eq!(told(&house, "trigger.fired").await, 1);
    assert_eq!(told(&house, "document.requested").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_another_chain_starts_its_dossier_or_those_of_its_batch_and_who_is_left_out_is_told()
 {
    let house = House::open().await;
    house.chain().await;
    publish(&house, "avenant", Scope::Dossier).await;
    publish(&house, "tableau", Scope::Batch).await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let first = house.granted("EX-1", "Sport").await;
    let second = house.granted("EX-2", "Sport").await;
    for chain in ["avenant", "tableau"] {
        let input = json!({
            "name": format!("Après {chain}"), "chain": "notification", "afterChain": chain, "ending": "CANCELLED",
        });
        kept(&house, &clerk, input).await;
    }
    let batch = started(&house, &clerk, "avenant", &[first, second]).await;
    carry_out(&house, SOON).await;
    assert_eq!(told(&house, "batch.started").await, 1, "nothing ended");
    let document = DocumentId::of_dossier(batch, first).0;
    cancelled(&house, &clerk, "cancelDocument", document).await;
    carry_out(&house, SOON).await;
    let both = seen(&house, &clerk).await;
    let [avenant, tableau] = &both.as_array().unwrap()[..] else {
        panic!("two triggers are there");
    };
    assert_eq!(references(avenant), ["EX-1"]);
    assert_eq!(tableau["firedAt"], Value::Null);

    let batch = started(&house, &clerk, "tableau", &[first, second]).await;
    cancelled(&house, &clerk, "cancelBatch", batch.0).await;
    carry_out(&house, SOON).await;
    let tableau = seen(&house, &clerk).await[1].clone();
    assert_eq!(references(&tableau), ["EX-2"]);
    assert_eq!(
        (&tableau["started"], &tableau["leftOut"]),
        (&json!(1), &json!(1))
    );
    let left_out = &tableau["leftOutDossiers"][0];
    assert_eq!(left_out["dossierId"], json!(first.0));
    let reason = left_out["reason"].as_str().unwrap();
    assert!(
        reason.contains("a déjà un document en cours dans cette chaîne"),
        "{reason}"
    );
}

#[tokio::test]
async fn every_status_that_a_dossier_reaches_is_an_occasion() {
    let statuses = [
        DossierStatus::Deposited,
        DossierStatus::Complete,
        DossierStatus::UnderInstruction,
        DossierStatus::Scheduled,
        DossierStatus::Granted,
        DossierStatus::Refused,
        DossierStatus::Adjourned,
        DossierStatus::Notified,
        DossierStatus::Closed,
    ];
    let mut story = Story::default();
    for (id, status) in (1..).zip(statuses) {
        story::trigger_saved(&mut story, id, Occasion::Status { status }, None);
    }
    let mut dossiers: HashMap<Uuid, Dossier> = HashMap::new();
    let mut reached = vec![];
    for recorded in story::everything().events {
        let Event::Dossier(event) = recorded.event else {
            continue;
        };
        let id = recorded.stream_id;
        story.dossier(DossierId(id), event.clone());
        let dossier = dossiers.entry(id).or_default();
        *dossier = std::mem::take(dossier).evolve(event.clone());
        if let (Dossier::Open { stage, .. }, false) =
            (dossier, matches!(event, DossierEvent::Amended { .. }))
        {
            reached.push((stage.status(), story.events.last().unwrap().position, id));
        }
    }
    let database = story::database().await;
    story.project(&database.pool).await;
    for (id, status) in (1..).zip(statuses) {
        let expected = reached.iter().filter(|(at, ..)| *at == status);
        let expected: Vec<(i64, Uuid)> =
            expected.map(|(_, position, id)| (*position, *id)).collect();
        assert!(!expected.is_empty(), "{status:?}");
        let due = triggers::due(&database.pool, Uuid::from_u128(id), 0, 100).await;
        assert_eq!(due.unwrap(), expected, "{status:?}");
    }
}

#[tokio::test]
async fn every_end_of_a_document_is_an_occasion_of_its_own() {
    let database = story::database().await;
    let story = story::everything();
    story.project(&database.pool).await;
    let pool = &database.pool;
    for (id, name) in [
        (0x7211, "document.delivered"),
        (0x7215, "document.visa_refused"),
        (0x7216, "document.signature_refused"),
        (0x7217, "document.cancelled"),
    ] {
        let ended = story.events.iter();
        let ended = ended.filter(|recorded| recorded.event_type == name);
        let ended: Vec<(i64, Uuid)> = ended
            .map(|recorded| (recorded.position, recorded.metadata.dossier.unwrap().0))
            .collect();
        assert!(!ended.is_empty(), "{name}");
        let due = triggers::due(pool, Uuid::from_u128(id), 0, 100).await;
        assert_eq!(due.unwrap(), ended, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_starts_all_that_its_selection_keeps_and_what_was_missed_once() {
    let house = House::open().await;
    house.chain().await;
    house.granted("EX-1", "Sport").await;
    house.granted("EX-2", "Culture").await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let input = json!({ "name": "Sport", "filter": { "service": ["Sport"] } });
    let selection = house
        .mutate(&clerk, "saveSelection", input, "selection { id }")
        .await;
    let input = json!({
        "name": "Chaque jour", "chain": "notification", "selection": selection["selection"]["id"],
        "monthDays": (1..=31).collect::<Vec<_>>(), "hour": 6, "minute": 30,
    });
    let answer = kept(&house, &clerk, input).await;
    assert!(answer["trigger"]["nextAt"].is_string(), "{answer}");
    // Nobody worked for three days.
    carry_out(&house, 3 * DAY).await;
    assert_eq!(told(&house, "trigger.fired").await, 1);
    let trigger = only(&house, &clerk).await;
    assert_eq!(references(&trigger), ["EX-1"]);
    // The next day its letter is still under way: that is told, and nothing is started.
    carry_out(&house, 4 * DAY).await;
    assert_eq!(told(&house, "trigger.fired").await, 2);
    assert_eq!(told(&house, "batch.started").await, 1);
    let trigger = only(&house, &clerk).await;
    assert_eq!(
        (&trigger["started"], &trigger["leftOut"]),
        (&json!(1), &json!(1))
    );

    // Its selection is gone: it says so, and stays as it is.
    let input = json!({ "id": selection["selection"]["id"] });
    house
        .mutate(&clerk, "removeSelection", input, "version")
        .await;
    house.settle().await;
    carry_out(&house, 5 * DAY).await;
    let trigger = only(&house, &clerk).await;
    let reason = trigger["suspendedFor"].as_str().unwrap();
    assert!(reason.contains("n'existe plus"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_whose_owner_lost_the_right_is_suspended_with_the_reason_and_what_was_due_waits()
{
    let house = House::open().await;
    house.chain().await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let admin = house.token(Role::Admin, &[]).await;
    let answer = kept(&house, &clerk, granted()).await;
    house.granted("EX-1", "Sport").await;
    revoke(&house, "instructor").await;
    carry_out(&house, SOON).await;
    assert_eq!(told(&house, "batch.started").await, 0);
    assert_eq!(told(&house, "trigger.suspended").await, 1);
    let trigger = only(&house, &admin).await;
    let reason = trigger["suspendedFor"].as_str().unwrap();
    assert!(reason.contains("n'est plus en vigueur"), "{reason}");
    house.granted("PENDANT", "Sport").await;
    carry_out(&house, SOON).await;
    // Whoever administers takes it over, and has it fire again.
    let mut input = granted();
    input["id"] = answer["triggerId"].clone();
    let taken = kept(&house, &admin, input).await;
    let input = json!({ "id": answer["triggerId"], "expectedVersion": taken["version"] });
    let resumed = house
        .mutate(&admin, "resumeTrigger", input, "refusal { sentence }")
        .await;
    assert!(resumed["refusal"].is_null(), "{resumed}");
    house.settle().await;
    carry_out(&house, SOON).await;
    let trigger = only(&house, &admin).await;
    assert_eq!(references(&trigger), ["EX-1"]);
    assert_eq!(trigger["suspendedFor"], Value::Null);

    // A chain whose template is not there says so too.
    let mut faulty = definition();
    faulty.code = "sans-modele".into();
    faulty.template = "inconnu".into();
    let at = house.app.clock.now();
    let id = ChainId::of_code("sans-modele").0;
    let command = ChainCommand::Publish {
        definition: faulty,
        at,
    };
    let dispatcher = &house.app.dispatcher;
    let published = dispatcher.dispatch::<Chain>(&asks(), id, command).await;
    published.unwrap();
    let mut input = granted();
    input["id"] = answer["triggerId"].clone();
    input["chain"] = json!("sans-modele");
    kept(&house, &admin, input).await;
    house.granted("EX-2", "Sport").await;
    carry_out(&house, SOON).await;
    let trigger = only(&house, &admin).await;
    let reason = trigger["suspendedFor"].as_str().unwrap();
    assert!(reason.contains("le modèle « inconnu »"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_whose_owner_may_start_no_batch_any_more_starts_none() {
    let house = House::open().await;
    house.chain().await;
    let clerk = house.token(Role::Instructor, &[]).await;
    kept(&house, &clerk, granted()).await;
    house.granted("EX-1", "Sport").await;
    sqlx::query("UPDATE api_tokens SET role = 'auditor'")
        .execute(&house.app.pool)
        .await
        .unwrap();
    carry_out(&house, SOON).await;
    let trigger = only(&house, &clerk).await;
    let reason = trigger["suspendedFor"].as_str().unwrap();
    assert!(reason.contains("ne lui permet plus"), "{reason}");
    assert_eq!(told(&house, "batch.started").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_trigger_does_not_choose_or_its_owner_does_not_see_is_counted_and_not_started() {
    let house = House::open().await;
    house.chain().await;
    let clerk = house.token(Role::Instructor, &["Sport", "Culture"]).await;
    let mut input = granted();
    input["filter"] = json!({ "service": ["Sport", "Voirie"] });
    let answer = kept(&house, &clerk, input.clone()).await;
    assert_eq!(answer["trigger"]["filter"], input["filter"]);
    for (reference, service) in [("EX-1", "Sport"), ("EX-2", "Culture"), ("EX-3", "Voirie")] {
        house.granted(reference, service).await;
    }
    carry_out(&house, SOON).await;
    let trigger = only(&house, &clerk).await;
    assert_eq!(references(&trigger), ["EX-1"]);
    assert_eq!(
        (&trigger["started"], &trigger["notChosen"]),
        (&json!(1), &json!(2))
    );
    // Nothing of it is chosen: that is recorded, without a batch.
    house.granted("EX-4", "Culture").await;
    carry_out(&house, SOON).await;
    let trigger = only(&house, &clerk).await;
    assert_eq!(
        (&trigger["started"], &trigger["notChosen"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(told(&house, "batch.started").await, 1);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM trigger_due")
        .fetch_one(&house.app.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_that_would_start_each_other_are_refused_or_suspended_before_they_do() {
    let house = House::open().await;
    house.chain().await;
    publish(&house, "avenant", Scope::Dossier).await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let after = |name: &str, after: &str, chain: &str| json!({ "name": name, "chain": chain, "afterChain": after, "ending": "CANCELLED" });
    let itself = saved(&house, &clerk, after("Soi", "avenant", "avenant")).await;
    let sentence = itself["refusal"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("se relancerait sans fin"), "{sentence}");
    kept(&house, &clerk, after("Aller", "notification", "avenant")).await;
    let back = saved(&house, &clerk, after("Retour", "avenant", "notification")).await;
    assert_eq!(back["refusal"]["code"], "INVALID_INPUT");
    let sentence = back["refusal"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("par « Aller »"), "{sentence}");

    // Saved in the same instant, they do not see each other.
    let owner = only(&house, &clerk).await["owner"]
        .as_str()
        .unwrap()
        .to_owned();
    let command = TriggerCommand::Save {
        rule: Box::new(Rule {
            name: "Retour".into(),
            chain: "notification".into(),
            occasion: Occasion::Chain {
                chain: "avenant".into(),
                ending: DocumentStatus::Cancelled,
            },
            selection: None,
            filter: None,
            owner,
        }),
        administers: false,
        others: vec![],
        at: house.app.clock.now(),
    };
    let dispatcher = &house.app.dispatcher;
    let answer = dispatcher
        .dispatch::<Trigger>(&asks(), Uuid::now_v7(), command)
        .await;
    answer.unwrap();
    let dossier = house.granted("EX-1", "Sport").await;
    let batch = started(&house, &clerk, "avenant", &[dossier]).await;
    cancelled(&house, &clerk, "cancelBatch", batch.0).await;
    carry_out(&house, SOON).await;
    assert_eq!(told(&house, "batch.started").await, 1);
    let back = seen(&house, &clerk).await[1].clone();
    let reason = back["suspendedFor"].as_str().unwrap();
    assert!(reason.contains("se relancerait sans fin"), "{reason}");
}

#[tokio::test]
async fn a_trigger_that_could_not_fire_is_refused_and_nothing_is_half_done() {
    let house = House::open().await;
    house.chain().await;
    let owner = house.token(Role::Instructor, &[]).await;
    let events = house.events().await;
    for (input, sentence) in [
        (
            with("chain", json!("nulle")),
            "Aucune chaîne ne s'appelle « nulle »",
        ),
        (
            with("status", json!(null)),
            "Indiquez une occasion, et une seule",
        ),
        (
            with("hour", json!(6)),
            "Indiquez une occasion, et une seule",
        ),
        (
            with("ending", json!("DELIVERED")),
            "Indiquez une occasion, et une seule",
        ),
        (with("name", json!(" ")), "Le nom (`name`)"),
        (with("selection", json!(Uuid::nil())), "Cette sélection"),
        (
            json!({ "name": "X", "chain": "notification", "afterChain": "nulle" }),
            "Aucune chaîne ne s'appelle « nulle »",
        ),
        (
            json!({ "name": "X", "chain": "notification", "afterChain": "notification", "ending": "SIGNED" }),
            "Un document ne finit pas « signé »",
        ),
        (
            json!({ "name": "X", "chain": "notification", "hour": 6, "monthDays": [1] }),
            "indiquez lesquels, par un filtre",
        ),
        (
            json!({ "name": "X", "chain": "notification", "hour": 6 }),
            "Indiquez soit des jours de la semaine",
        ),
    ] {
        let refused = saved(&house, &owner, input).await;
        let told = refused["refusal"]["sentence"].as_str().unwrap();
        assert!(told.contains(sentence), "{told}");
    }
    assert_eq!(house.events().await, events, "nothing is half done");
}

#[tokio::test]
async fn a_trigger_is_changed_by_its_owner_or_administrators_and_hidden_from_others() {
    let house = House::open().await;
    house.chain().await;
    let owner = house.token(Role::Instructor, &[]).await;
    let other = house.token(Role::Supervisor, &[]).await;
    let admin = house.token(Role::Admin, &[]).await;
    let answer = kept(&house, &owner, granted()).await;
    let id = answer["triggerId"].clone();
    let query = "query($id: UUID!) { trigger(id: $id) { name } triggers { total { value } } }";
    let hidden = house.ask(&other, query, json!({ "id": id })).await;
    assert_eq!(
        hidden["data"],
        json!({ "trigger": null, "triggers": { "total": { "value": 0 } } })
    );
    let seen = house.ask(&admin, query, json!({ "id": id })).await;
    assert_eq!(seen["data"]["trigger"]["name"], "Accords");
    let mut change = with("id", id.clone());
    change["name"] = json!("Décisions");
    let theirs = saved(&house, &other, change.clone()).await;
    assert_eq!(theirs["refusal"]["code"], "NOT_FOUND");
    change["expectedVersion"] = json!(7);
    let stale = saved(&house, &owner, change.clone()).await;
    assert_eq!(stale["refusal"]["code"], "CONFLICT");
    change["expectedVersion"] = answer["version"].clone();
    change["idempotencyKey"] = json!(Uuid::new_v4());
    let changed = kept(&house, &owner, change.clone()).await;
    assert_eq!(changed["version"], 2);
    assert_eq!(kept(&house, &owner, change).await["version"], 2, "repeated");
    let want = "refusal { code } trigger { suspendedFor }";
    let reasoned = json!({ "id": id, "reason": "Congés" });
    let plain = json!({ "id": id });
    for (mutation, input) in [
        ("suspendTrigger", &reasoned),
        ("resumeTrigger", &plain),
        ("removeTrigger", &plain),
    ] {
        let theirs = house.mutate(&other, mutation, input.clone(), want).await;
        assert_eq!(theirs["refusal"]["code"], "NOT_FOUND", "{mutation}");
    }
    let suspended = house.mutate(&owner, "suspendTrigger", reasoned, want).await;
    assert_eq!(suspended["trigger"]["suspendedFor"], "Congés");
    let resumed = house
        .mutate(&owner, "resumeTrigger", plain.clone(), want)
        .await;
    assert_eq!(resumed["trigger"]["suspendedFor"], Value::Null);
    let removed = house.mutate(&admin, "removeTrigger", plain, want).await;
    assert_eq!(removed, json!({ "refusal": null, "trigger": null }));
    house.settle().await;
    let query = "query($id: UUID!) { audit(filter: {stream: [$id]}, order: OLDEST_FIRST) { nodes { sentence } } }";
    let history = house.ask(&admin, query, json!({ "id": id })).await;
    let sentences: Vec<_> = history["data"]["audit"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["sentence"].as_str().unwrap())
        .collect();
    let saved = "de la chaîne « notification » enregistré : quand un dossier devient « accordé »";
    assert_eq!(
        sentences,
        [
            &format!("Déclencheur « Accords » {saved}"),
            &format!("Déclencheur « Décisions » {saved}"),
            "Déclencheur suspendu : Congés",
            "Déclencheur repris",
            "Déclencheur supprimé",
        ]
    );
}
