//! Stopped steps by cause, and what operators do with those of one cause.

use crate::doors::{House, asks};
use navette_domain::{
    chain::StepId,
    digest::Digest,
    document::{Document, DocumentCommand as C, PdfRef},
    ids::{BatchId, DocumentId, DossierId},
    policy::Role,
    ports::OfficeFormat,
};
use serde_json::{Value, json};
use uuid::Uuid;

const DONE: &str =
    "done refused position refusal { sentence } rows { id refusal { code sentence } }";

/// Letters whose PDF exists, and their batch.
async fn converted(house: &House, token: &str, letters: u32) -> Vec<DocumentId> {
    house.chain().await;
    let mut dossiers: Vec<DossierId> = vec![];
    for number in 1..=letters {
        dossiers.push(house.granted(&format!("SUB-{number}"), "Sport").await);
    }
    let ids: Vec<Uuid> = dossiers.iter().map(|dossier| dossier.0).collect();
    let input = json!({ "label": "Lot", "chain": "notification", "dossiers": ids });
    let started = house.mutate(token, "startBatch", input, "batchId").await;
    let batch = BatchId(started["batchId"].as_str().unwrap().parse().unwrap());
    let mut documents = vec![];
    for dossier in dossiers {
        let document = DocumentId::of_dossier(batch, dossier);
        let at = house.app.clock.now();
        let step = |name: &str| StepId(name.to_owned());
        let merged = C::RecordMerged {
            step: step("fusion"),
            office: Digest::of(b"office"),
            format: OfficeFormat::Odt,
            data: Digest::of(b"data"),
            at,
        };
        let (file, pages) = (Digest::of(b"pdf"), 1);
        let pdf = PdfRef { file, pages };
        let converted = C::RecordConverted {
            step: step("pdf"),
            pdf,
            at,
        };
        for command in [merged, converted] {
            tell(house, document, command).await;
        }
        documents.push(document);
    }
    documents
}

async fn tell(house: &House, document: DocumentId, command: C) {
    let dispatcher = &house.app.dispatcher;
    dispatcher
        .dispatch::<Document>(&asks(), document.0, command)
        .await
        .unwrap();
}

/// The message about a letter stops, with this sentence.
async fn stop(house: &House, document: DocumentId, sentence: &str) {
    let fail = C::Fail {
        step: StepId("message".to_owned()),
        sentence: sentence.to_owned(),
        at: house.app.clock.now(),
    };
    tell(house, document, fail).await;
}

async fn troubles(house: &House, token: &str) -> Vec<Value> {
    house.settle().await;
    let query = "{ troubles { cause neighbour step sentence example documents samples } }";
    let answer = house.ask(token, query, json!({})).await;
    answer["data"]["troubles"].as_array().unwrap().clone()
}

fn with(cause: &Value, more: &Value) -> Value {
    let mut input = json!({ "filter": { "cause": [cause["cause"]] } });
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

#[tokio::test]
async fn stopped_steps_are_told_by_cause_and_those_of_one_cause_are_moved_together() {
    let house = House::open().await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let letters = converted(&house, &clerk, 6).await;
    for (number, letter) in letters[..3].iter().enumerate() {
        let sentence = format!(
            "La boîte asso{number}@example.org du dossier SUB-{number} refuse la lettre (code 550)."
        );
        stop(&house, *letter, &sentence).await;
    }
    let other = "La boîte asso7@example.org du dossier SUB-7 refuse la lettre (code 552).";
    stop(&house, letters[3], other).await;
    let told = troubles(&house, &clerk).await;
    assert_eq!(told.len(), 2, "an answer of another code is another cause");
    let [many, one] = [&told[0], &told[1]];
    assert_eq!(
        many["sentence"],
        "La boîte … du dossier … refuse la lettre (code 550)."
    );
    assert_eq!(many["neighbour"], "smtp");
    assert_eq!(
        (&many["step"], &many["documents"]),
        (&json!("message"), &json!(3))
    );
    let waiting: Vec<Value> = letters[..3].iter().map(|letter| json!(letter.0)).collect();
    assert_eq!(many["samples"], json!(waiting), "the oldest first");
    assert_eq!(
        (&one["example"], &one["documents"]),
        (&json!(other), &json!(1))
    );

    // Out of sight, there is nothing to tell and nothing to move.
    let stranger = house.token(Role::Instructor, &["Culture"]).await;
    assert!(troubles(&house, &stranger).await.is_empty());
    let skip = with(many, &json!({ "reason": "Envoyées par la poste" }));
    let nothing = house
        .mutate(&stranger, "skipSteps", skip.clone(), DONE)
        .await;
    assert_eq!(
        (&nothing["done"], &nothing["refused"]),
        (&json!(0), &json!(0))
    );

    let skipped = house.mutate(&clerk, "skipSteps", skip, DONE).await;
    assert_eq!(skipped["done"], 3, "{skipped}");
    let left = troubles(&house, &clerk).await;
    assert_eq!(
        left,
        std::slice::from_ref(one),
        "the other cause was left alone"
    );
    let retried = house
        .mutate(&clerk, "retryDocuments", with(one, &json!({})), DONE)
        .await;
    assert_eq!(retried["done"], 1, "{retried}");
    assert!(troubles(&house, &clerk).await.is_empty());
    house.settle().await;
    let begun: i64 =
        sqlx::query_scalar("SELECT count(*) FROM effects WHERE work->>'kind' = 'email'")
            .fetch_one(&house.app.pool)
            .await
            .unwrap();
    assert_eq!(
        begun, 1,
        "it waits for its neighbour's gate like any other work"
    );
}

#[tokio::test]
async fn many_documents_are_skipped_or_given_up_each_by_itself_with_its_refusal() {
    let house = House::open().await;
    let clerk = house.token(Role::Instructor, &[]).await;
    let letters = converted(&house, &clerk, 3).await;
    let fail = C::Fail {
        step: StepId("pdf bis".to_owned()),
        sentence: "Panne.".to_owned(),
        at: house.app.clock.now(),
    };
    tell(&house, letters[0], fail).await;
    stop(&house, letters[1], "Panne.").await;
    house.settle().await;
    let skip = json!({ "filter": {}, "reason": "Fait à la main" });
    let skipped = house.mutate(&clerk, "skipSteps", skip, DONE).await;
    assert_eq!(
        (&skipped["done"], &skipped["refused"]),
        (&json!(1), &json!(1))
    );
    let rows = skipped["rows"].as_array().unwrap();
    let refused = rows
        .iter()
        .find(|row| row["id"] == json!(letters[0].0))
        .unwrap();
    assert_eq!(refused["refusal"]["code"], "NOT_AT_THIS_STAGE");
    let cancel = json!({
        "idempotencyKey": Uuid::new_v4(), "filter": {}, "reason": "Erreur de lot",
        "atLeast": skipped["position"],
    });
    let cancelled = house
        .mutate(&clerk, "cancelDocuments", cancel.clone(), DONE)
        .await;
    assert_eq!(
        (&cancelled["done"], &cancelled["refused"]),
        (&json!(2), &json!(0)),
        "what was delivered stays so"
    );
    house.settle().await;
    let events = house.events().await;
    let again = house.mutate(&clerk, "cancelDocuments", cancel, DONE).await;
    assert_eq!(again["done"], 0, "nothing is left to give up");
    assert_eq!(house.events().await, events);
}
