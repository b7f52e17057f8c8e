//! What each release recorded, told to this one: the same states, and what was under way goes on to its end.
//!
//! `tests/fixtures/histories/<version>` holds the log of a small site as that release wrote it, the work that it
//! had not done, the files that this work needs, and the states that the log leads to. A release adds its
//! folder, once, with `cargo test --test it -- --ignored records_the_history_of_this_release`.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::support::{TestApp, asks, quick, run};
use navette::{
    app::{App, MIGRATIONS},
    dispatch::Dispatcher,
    neighbourhood::Manners,
};
use navette_adapters::{
    log::{Commit, Log, NewEvent, StreamAppend},
    postgres::test_cluster::TestDatabase,
    sim::nextcloud,
};
use navette_domain::{
    batch::Batch,
    chain::{Chain, Effect},
    digest::Digest,
    document::{Document, DocumentStatus},
    dossier::Dossier,
    event::{Decider, Event},
    ids::{BatchId, CommandId, DocumentId, DossierId, SignatureId},
    ports::{Attempt, Neighbour, SigningRequest},
    signature::Signature,
    template::Template,
    third_party::ThirdParty,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// An event as the log told it, its personal values opened.
#[derive(Serialize, Deserialize)]
struct Told {
    stream_type: String,
    stream_id: Uuid,
    version: i64,
    event_type: String,
    event_version: i16,
    payload: String,
    metadata: String,
}

/// The history that a release recorded.
struct History {
    folder: PathBuf,
    events: Vec<Told>,
    effects: Vec<Effect>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/histories")
}

fn lines<T: for<'a> Deserialize<'a>>(path: &Path) -> Vec<T> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn histories() -> Vec<History> {
    let folders = fs::read_dir(root()).unwrap();
    let all: Vec<_> = folders
        .map(|folder| {
            let folder = folder.unwrap().path();
            History {
                events: lines(&folder.join("events.jsonl")),
                effects: lines(&folder.join("effects.jsonl")),
                folder,
            }
        })
        .collect();
    assert!(!all.is_empty(), "a release has left its history");
    all
}

/// The types of the streams, as the log wants them.
const STREAMS: [&str; 7] = [
    "dossier",
    "third_party",
    "document",
    "signature",
    "batch",
    "template",
    "chain",
];

impl History {
    /// Writes it down as the release did, event by event, with the work that it had not done.
    async fn tell(&self, log: &Log) {
        for (index, told) in self.events.iter().enumerate() {
            let is_last = index + 1 == self.events.len();
            let stream_type = STREAMS
                .into_iter()
                .find(|known| *known == told.stream_type)
                .unwrap();
            let event = NewEvent {
                event_type: told.event_type.clone(),
                event_version: told.event_version,
                payload: told.payload.clone(),
                metadata: told.metadata.clone(),
            };
            let commit = Commit {
                command: CommandId(Uuid::now_v7()),
                content: Digest::of(told.payload.as_bytes()),
                streams: vec![StreamAppend {
                    stream_type,
                    stream_id: told.stream_id,
                    expected: told.version - 1,
                    events: vec![event],
                }],
                finished: None,
                begun: if is_last {
                    self.effects.clone()
                } else {
                    vec![]
                },
                dropped: vec![],
                held: vec![],
            };
            log.append(commit).await.unwrap();
        }
    }

    fn streams(&self, stream_type: &str) -> BTreeSet<Uuid> {
        let of_it = self.events.iter();
        of_it
            .filter(|told| told.stream_type == stream_type)
            .map(|told| told.stream_id)
            .collect()
    }

    async fn states(&self, dispatcher: &Dispatcher) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        for stream_type in STREAMS {
            for id in self.streams(stream_type) {
                let state = match stream_type {
                    "dossier" => state::<Dossier>(dispatcher, id).await,
                    "third_party" => state::<ThirdParty>(dispatcher, id).await,
                    "document" => state::<Document>(dispatcher, id).await,
                    "signature" => state::<Signature>(dispatcher, id).await,
                    "batch" => state::<Batch>(dispatcher, id).await,
                    "template" => state::<Template>(dispatcher, id).await,
                    _ => state::<Chain>(dispatcher, id).await,
                };
                all.insert(format!("{stream_type} {id}"), state);
            }
        }
        all
    }
}

async fn state<A: Decider>(dispatcher: &Dispatcher, id: Uuid) -> Value {
    let loaded = dispatcher.load::<A>(id).await.unwrap();
    serde_json::to_value(loaded.state).unwrap()
}

#[test]
fn what_each_release_recorded_leads_to_the_same_states_today() {
    run(async {
        for history in histories() {
            let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
            let log = Log::of_tests(database.pool.clone());
            history.tell(&log).await;
            let dispatcher = Dispatcher::new(log, navette::clock::Clock::system());
            let golden = fs::read_to_string(history.folder.join("states.json")).unwrap();
            let golden: BTreeMap<String, Value> = serde_json::from_str(&golden).unwrap();
            let today = history.states(&dispatcher).await;
            assert_eq!(today.len(), golden.len());
            for (name, state) in today {
                assert_eq!(state, golden[&name], "{name}");
            }
        }
    });
}

/// The neighbours remember what the release had asked of them, as they do while Navette is replaced.
async fn remember(history: &History, app: &App) {
    for file in fs::read_dir(history.folder.join("files")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        app.ports.files.put(bytes).await.unwrap();
    }
    for id in history.streams("signature") {
        let loaded = app.dispatcher.load::<Signature>(id).await.unwrap();
        let Signature::Submitted { sheet, .. } = loaded.state else {
            continue;
        };
        let pdf = app.ports.files.get(sheet.pdf).await.unwrap().unwrap();
        let request = SigningRequest {
            signature: SignatureId(id),
            title: "Notification".to_owned(),
            desk_type: sheet.desk_type,
            desk_subtype: sheet.desk_subtype,
            file_name: "notification.pdf".to_owned(),
            pdf,
        };
        let desk = &app.ports.desk;
        desk.submit(&request, Attempt::First).await.unwrap();
    }
}

#[test]
fn what_a_release_left_at_the_desk_refused_or_hardly_begun_goes_on_to_its_end() {
    run(async {
        for history in histories() {
            let test = TestApp::start_after(
                Manners::obliging(),
                quick(),
                |ports| ports,
                async |app: &App| {
                    history.tell(app.dispatcher.log()).await;
                    remember(&history, app).await;
                },
            )
            .await;
            let mut met = BTreeMap::new();
            for id in history.streams("document") {
                let id = DocumentId(id);
                let golden = fs::read_to_string(history.folder.join("states.json")).unwrap();
                let golden: BTreeMap<String, Value> = serde_json::from_str(&golden).unwrap();
                let then: Document =
                    serde_json::from_value(golden[&format!("document {id}")].clone()).unwrap();
                let then = then.journey().unwrap().stage.status();
                *met.entry(then).or_insert(0) += 1;
                match then {
                    DocumentStatus::Cancelled => {
                        assert_eq!(test.status(id).await, DocumentStatus::Cancelled);
                        continue;
                    }
                    DocumentStatus::VisaRefused => {
                        assert_eq!(test.status(id).await, DocumentStatus::VisaRefused);
                        test.retry(id).await.unwrap();
                    }
                    _ => {}
                }
                test.until_status(id, DocumentStatus::Delivered).await;
            }
            for status in [
                DocumentStatus::Requested,
                DocumentStatus::InSignature,
                DocumentStatus::VisaRefused,
                DocumentStatus::Cancelled,
                DocumentStatus::Delivered,
            ] {
                assert!(met.contains_key(&status), "none was {status:?}: {met:?}");
            }
            let created = test
                .neighbours
                .ledger
                .keys(Neighbour::IParapheur, "folder created");
            let once: BTreeSet<_> = created.iter().collect();
            assert_eq!(created.len(), once.len(), "a folder was made again");
            test.end().await;
        }
    });
}

/// A letter for each of so many dossiers of their own.
async fn letters(test: &TestApp, references: &[&str]) -> (BatchId, Vec<DossierId>) {
    let mut dossiers = vec![];
    for reference in references {
        dossiers.push(test.granted(reference).await);
    }
    (test.notify(&dossiers).await, dossiers)
}

#[test]
#[ignore = "writes what the tests above read, once for each release"]
fn records_the_history_of_this_release() {
    run(async {
        let folder = root().join(env!("CARGO_PKG_VERSION"));
        assert!(!folder.exists(), "a history is never rewritten");
        let visa = nextcloud::Automatic {
            after: Duration::ZERO,
            reply: Arc::new(|path| {
                if path.contains("REFUSE") {
                    nextcloud::Reply::Reject("Le montant est à revoir".to_owned())
                } else {
                    nextcloud::Reply::Approve(None)
                }
            }),
        };
        let manners = Manners {
            visa: Some(visa),
            ..Manners::default()
        };
        let test = TestApp::start(manners).await;
        let (batch, dossiers) = letters(&test, &["REMIS", "SIGNE", "REFUSE", "ANNULE"]).await;
        let documents: Vec<_> = dossiers
            .iter()
            .map(|dossier| DocumentId::of_dossier(batch, *dossier))
            .collect();
        for document in [documents[0], documents[1], documents[3]] {
            test.until_status(document, DocumentStatus::InSignature)
                .await;
        }
        test.until_status(documents[2], DocumentStatus::VisaRefused)
            .await;
        let first = SignatureId::of(documents[0], "sign", 1);
        let folder_id = navette_adapters::iparapheur::folder_id(first);
        test.neighbours.iparapheur.sign(&folder_id).unwrap();
        test.until_status(documents[0], DocumentStatus::Delivered)
            .await;
        let batches = &test.app.batches;
        batches
            .cancel_document(&asks(), documents[3], "demande retirée")
            .await
            .unwrap();
        let (sheet, _) = test
            .start_batch("tableau-commission", &dossiers[1..2])
            .await;
        test.until_status(DocumentId::of_batch(sheet), DocumentStatus::Delivered)
            .await;
        let effects = test.app.effects("recorder");
        for neighbour in Neighbour::ALL {
            effects
                .hold_neighbour(neighbour, Duration::from_secs(3_600), "")
                .await
                .unwrap();
        }
        letters(&test, &["DEBUT-1", "DEBUT-2"]).await;
        let pool = &test.app.pool;
        test.until("nobody is at work", async || {
            let held: i64 =
                sqlx::query_scalar("SELECT count(*) FROM effects WHERE lease_token IS NOT NULL")
                    .fetch_one(pool)
                    .await
                    .unwrap();
            held == 0
        })
        .await;
        record(&test.app, &folder).await;
        // What it holds would never end.
        std::mem::forget(test);
    });
}

async fn record(app: &App, folder: &Path) {
    let log = app.dispatcher.log();
    let last = log.last_position().await.unwrap();
    let stretch = log.read(0, last).await.unwrap();
    let versions: BTreeMap<_, _> = Event::types().collect();
    let told: Vec<Told> = stretch
        .events
        .iter()
        .map(|recorded| Told {
            stream_type: recorded.stream_type.clone(),
            stream_id: recorded.stream_id,
            version: recorded.version,
            event_type: recorded.event_type.clone(),
            event_version: i16::try_from(versions[recorded.event_type.as_str()]).unwrap(),
            payload: serde_json::to_string(&recorded.event).unwrap(),
            metadata: serde_json::to_string(&recorded.metadata).unwrap(),
        })
        .collect();
    let effects: Vec<Effect> = effects(app).await;
    fs::create_dir_all(folder.join("files")).unwrap();
    for digest in wanted(&told, &effects) {
        if let Some(bytes) = app.ports.files.get(digest).await.unwrap() {
            fs::write(folder.join("files").join(digest.to_string()), bytes).unwrap();
        }
    }
    write_lines(&folder.join("events.jsonl"), &told);
    write_lines(&folder.join("effects.jsonl"), &effects);
    let history = History {
        folder: folder.to_owned(),
        events: told,
        effects,
    };
    let states = history.states(&app.dispatcher).await;
    let text = serde_json::to_string_pretty(&states).unwrap() + "\n";
    fs::write(folder.join("states.json"), text).unwrap();
}

/// The work that is not done, as its rows say it.
async fn effects(app: &App) -> Vec<Effect> {
    let rows: Vec<(Value,)> = sqlx::query_as(
        "SELECT jsonb_build_object('id', id, 'document', document_id, 'batch', batch_id, 'step', step,
                                   'work', work, 'doubtful', doubtful)
         FROM effects ORDER BY seq",
    )
    .fetch_all(&app.pool)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(row,)| serde_json::from_value(row).unwrap())
        .collect()
}

/// The files of templates, and those of the documents that are under way.
fn wanted(told: &[Told], effects: &[Effect]) -> BTreeSet<Digest> {
    let under_way: BTreeSet<Uuid> = effects.iter().map(|effect| effect.document.0).collect();
    let events = told.iter().filter(|told| {
        told.stream_type == "template"
            || under_way.contains(&told.stream_id)
                && matches!(
                    told.event_type.as_str(),
                    "document.visaed" | "document.sent_for_signature"
                )
    });
    let words = events.flat_map(|told| told.payload.split('"'));
    words.filter_map(|word| word.parse().ok()).collect()
}

fn write_lines(path: &Path, all: &[impl Serialize]) {
    let lines = all
        .iter()
        .map(|one| serde_json::to_string(one).unwrap() + "\n");
    fs::write(path, lines.collect::<String>()).unwrap();
}
