//! A bundle of a dossier that went through the whole chain, verified by a program that knows nothing of
//! Navette: what is whole conforms, and each tampering fails with its own reason.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::{House, body},
    support::{TestApp, run},
};
use navette::{bundle::NoBundle, neighbourhood::Manners};
use navette_adapters::{
    proof::{
        CheckpointKey, Place, SealedCheckpoint, TimeStampAuthority, last_checkpoint, publish,
        time_stamp_of,
    },
    sim::time_stamps::TimeStampSim,
};
use navette_domain::{
    digest::Digest,
    document::DocumentStatus,
    event::Event,
    ids::{DocumentId, DossierId},
    policy::Role,
    proof::{Checkpoint, HASHED_BEFORE_FIRST, StoredEvent},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
    path::Path,
};
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

/// A bundle as its files.
#[derive(Clone)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn of(zip: &[u8]) -> Self {
        let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        let mut files = BTreeMap::new();
        for index in 0..zip.len() {
            let mut file = zip.by_index(index).unwrap();
            let mut bytes = vec![];
            file.read_to_end(&mut bytes).unwrap();
            files.insert(file.name().unwrap().into_owned(), bytes);
        }
        Self(files)
    }

    fn text(&self, name: &str) -> &str {
        std::str::from_utf8(&self.0[name]).unwrap()
    }

    fn events(&self) -> Vec<Value> {
        let lines = self.text("events.jsonl").lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn with_events(&self, events: &[Value]) -> Self {
        let lines = events.iter().map(|event| format!("{event}\n"));
        self.with("events.jsonl", lines.collect::<String>())
    }

    fn with(&self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        let mut files = self.clone();
        files.0.insert(name.to_owned(), content.into());
        files
    }

    /// Whether it conforms, and what the verifier says; with a key and a checkpoint that are held.
    async fn verify(&self, key: Option<&str>, checkpoint: Option<&str>) -> (bool, String) {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &self.0 {
            let path = folder.path().join("recueil").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let mut arguments = vec![];
        for (option, held) in [("--cle", key), ("--point", checkpoint)] {
            if let Some(held) = held {
                let path = folder.path().join(&option[2..]);
                std::fs::write(&path, held).unwrap();
                arguments.extend([option.to_owned(), path.to_string_lossy().into_owned()]);
            }
        }
        python(&folder.path().join("recueil/verify.py"), &arguments).await
    }
}

async fn python(program: &Path, arguments: &[String]) -> (bool, String) {
    let output = Command::new("python3")
        // Alone, without installed packages.
        .args(["-S", "-B", "-X", "utf8"])
        .arg(program)
        .args(arguments)
        .output()
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// The stream of the `index`th event chained anew, as whoever can write to the database would.
fn rechained(events: &[Value], index: usize) -> Vec<Value> {
    let mut events = events.to_vec();
    let stream = events[index]["stream_id"].clone();
    let mut previous = HASHED_BEFORE_FIRST;
    for event in events
        .iter_mut()
        .filter(|event| event["stream_id"] == stream)
    {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let stored = StoredEvent {
            position: event["position"].as_i64().unwrap(),
            stream_type: text("stream_type"),
            stream_id: text("stream_id").parse().unwrap(),
            version: event["version"].as_i64().unwrap(),
            event_type: text("event_type"),
            event_version: i16::try_from(event["event_version"].as_i64().unwrap()).unwrap(),
            recorded_at: text("recorded_at").parse().unwrap(),
            payload: text("payload"),
            metadata: text("metadata"),
            hash: previous,
        };
        event["previous"] = previous.to_string().into();
        previous = stored.hash_after(&previous);
        event["hash"] = previous.to_string().into();
    }
    events
}

async fn take(test: &TestApp, dossier: DossierId, held: Option<&str>) -> (Vec<u8>, Digest) {
    let taken = test.app.bundles.take("token:auditeur", dossier, held).await;
    let mut bundle = taken.unwrap();
    let mut zip = vec![];
    bundle.file.read_to_end(&mut zip).unwrap();
    (zip, bundle.digest)
}

/// Has every checkpoint stamped by an authority; their tokens, the oldest first.
async fn stamp_all(test: &TestApp) -> Vec<Vec<u8>> {
    let sim = TimeStampSim::start().await.unwrap();
    let authority = TimeStampAuthority {
        url: sim.url().to_owned(),
        ca: None,
        crl: None,
        policy: None,
        login: None,
        password: None,
        timeout_seconds: 20,
    };
    let pool = &test.app.pool;
    let sealed: Vec<SealedCheckpoint> = sqlx::query_as("SELECT * FROM checkpoints ORDER BY size")
        .fetch_all(pool)
        .await
        .unwrap();
    let mut tokens = vec![];
    for sealed in sealed {
        let place = Place::TimeStamp(authority.clone());
        publish(pool, &place, &sealed).await.unwrap();
        let token = time_stamp_of(pool, sealed.checkpoint.size).await;
        tokens.push(token.unwrap().unwrap());
    }
    tokens
}

/// A key that somebody else made.
fn foreign_key(folder: &TempDir) -> CheckpointKey {
    CheckpointKey::open(&folder.path().join("key")).unwrap()
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story, and each way to tamper with it"
)]
fn a_real_bundle_conforms_and_each_tampering_fails_with_its_own_reason() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossiers = [test.granted("SUB-1").await, test.granted("SUB-2").await];
        let dossier = dossiers[0];
        // What the auditor took away before anything was made.
        let (early, _) = take(&test, dossier, None).await;
        let early = Files::of(&early);
        let batch = test.notify(&dossiers).await;
        for dossier in dossiers {
            let document = DocumentId::of_dossier(batch, dossier);
            test.until_status(document, DocumentStatus::Delivered).await;
        }
        test.settle().await;
        let held = early.text("checkpoint.txt");
        let _ = take(&test, dossier, Some(held)).await;
        let stamped = stamp_all(&test).await;
        let (zip, digest) = take(&test, dossier, Some(held)).await;
        assert_eq!(Digest::of(&zip), digest);
        let (again, _) = take(&test, dossier, Some(held)).await;
        assert!(again == zip, "the same bundle again");
        let files = Files::of(&zip);
        let key = files.text("cle.txt").to_owned();
        let check = async |files: &Files| files.verify(Some(&key), Some(held)).await;

        let (conforms, said) = check(&files).await;
        let said_at_first = said.clone();
        assert!(conforms && said.ends_with("CONFORME.\n"), "{said}");
        let events = files.events();
        let intact = format!("{} événements intacts", events.len());
        assert!(
            said.contains(&intact) && said.contains("est la suite"),
            "{said}"
        );
        // The office file, the PDF, the signed PDF and its slip.
        let documents: Vec<_> = files
            .0
            .keys()
            .filter(|name| name.starts_with("documents/"))
            .collect();
        assert!(documents.len() >= 3, "{documents:?}");
        assert!(
            said.contains(&format!("{} fichiers identiques", documents.len())),
            "{said}"
        );
        assert!(
            !files.text("events.jsonl").contains("SUB-2"),
            "another dossier's"
        );
        let page = files.text("historique.html");
        let link = documents[0].replace('/', "&#x2f;");
        assert!(
            page.contains("Décision notifiée") && page.contains(&link),
            "{page}"
        );
        // The zip as it is, and without a key that is held.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recueil.zip");
        std::fs::write(&path, &zip).unwrap();
        std::fs::write(folder.path().join("verify.py"), files.text("verify.py")).unwrap();
        for module in ["ed25519.py", "horodatage.py"] {
            std::fs::write(folder.path().join(module), files.text(module)).unwrap();
        }
        let program = folder.path().join("verify.py");
        let (conforms, said) = python(&program, &[path.to_string_lossy().into_owned()]).await;
        assert!(conforms && said.contains("À COMPARER"), "{said}");

        let fails = async |what: &str, files: Files, reason: &str| {
            let (conforms, said) = check(&files).await;
            assert!(!conforms && said.contains(reason), "{what}: {said}");
        };
        let middle = events
            .iter()
            .position(|event| event["event_type"] == "document.merged")
            .unwrap();
        let changed = |name: &str, from: &str, to: &str| {
            let mut events = events.clone();
            let text = events[middle][name].as_str().unwrap().replacen(from, to, 1);
            assert_ne!(events[middle][name], text.as_str());
            events[middle][name] = text.into();
            events
        };

        let bit = changed("payload", "odt", "ods");
        let reason = "il a été modifié";
        fails("a bit of a payload", files.with_events(&bit), reason).await;
        let rebuilt = rechained(&bit, middle);
        let reason = "n'est pas dans le journal signé";
        fails(
            "the same, chained anew",
            files.with_events(&rebuilt),
            reason,
        )
        .await;

        let mut swapped = events.clone();
        swapped.swap(middle, middle + 1);
        let reason = "n'est pas dans l'ordre";
        fails("order", files.with_events(&swapped), reason).await;

        let mut removed = events.clone();
        removed.remove(middle);
        let reason = "il manque l'événement de version";
        fails("removal", files.with_events(&removed), reason).await;

        let backdated = rechained(&changed("recorded_at", "2", "1"), middle);
        fails("back-date", files.with_events(&backdated), "antidaté").await;

        let mut pair = files.clone();
        let [first, second] = [documents[0].clone(), documents[1].clone()];
        let moved = pair
            .0
            .insert(first.clone(), files.0[&second].clone())
            .unwrap();
        pair.0.insert(second, moved);
        fails("swap of documents", pair, "ce n'est pas le fichier").await;
        let mut missing = files.clone();
        missing.0.remove(&first);
        fails("a document is missing", missing, "manque").await;
        let extra = files.with("documents/autre.pdf", "x");
        fails("a document too many", extra, "aucun événement ne nomme").await;

        let now = files.text("checkpoint.txt");
        let (conforms, said) = early.verify(Some(&key), Some(now)).await;
        assert!(
            !conforms && said.contains("le journal a été tronqué"),
            "{said}"
        );

        let ours = last_checkpoint(&test.app.pool)
            .await
            .unwrap()
            .unwrap()
            .checkpoint;
        let folder = tempfile::tempdir().unwrap();
        let thief = foreign_key(&folder);
        assert!(
            said_at_first.contains("Un jeton d'horodatage dit"),
            "{said_at_first}"
        );
        assert!(
            page.contains("dit l'autorité d'horodatage CN=Horodatage"),
            "{page}"
        );
        let other = files.with("horodatage.tst", stamped[0].clone());
        fails(
            "a stamp of another",
            other,
            "celui d'un autre point de contrôle",
        )
        .await;
        let damaged = files.with("horodatage.tst", &stamped[1][..stamped[1].len() - 1]);
        fails(
            "a damaged stamp",
            damaged,
            "le jeton d'horodatage est abîmé",
        )
        .await;
        let elsewhere = Checkpoint {
            epoch: Uuid::from_u128(7),
            ..ours
        };
        let foreign = files.with("checkpoint.txt", thief.sign(&elsewhere));
        fails("foreign checkpoint", foreign, "d'un autre journal").await;

        let wrong = thief.verifier(ours.epoch).to_string();
        let (conforms, said) = files.verify(Some(&wrong), Some(held)).await;
        assert!(
            !conforms && said.contains("n'est pas signé par cette clé"),
            "{said}"
        );
        let altered = now.replacen(
            &format!("\n{}\n", ours.size),
            &format!("\n{}\n", ours.size + 1),
            1,
        );
        let altered = files.with("checkpoint.txt", altered);
        fails("altered checkpoint", altered, "sa signature est fausse").await;

        // Whoever rewrites the whole log and holds its key is found by what the auditor kept, and by nothing
        // else.
        let mut forged = files.with("checkpoint.txt", thief.sign(&ours));
        let reason = "le jeton d'horodatage est celui d'un autre point de contrôle";
        let (conforms, said) = forged.verify(Some(&wrong), None).await;
        assert!(!conforms && said.contains(reason), "{said}");
        forged.0.remove("horodatage.tst");
        let (conforms, said) = forged.verify(Some(&wrong), None).await;
        assert!(conforms, "{said}");
        let proof: Value = serde_json::from_str(files.text("consistency.json")).unwrap();
        let kept = thief.sign(&Checkpoint {
            root: Digest::of(b"before it was rewritten"),
            size: proof["from"].as_u64().unwrap(),
            ..ours
        });
        let (conforms, said) = forged.verify(Some(&wrong), Some(&kept)).await;
        assert!(
            !conforms && said.contains("le journal a été réécrit"),
            "{said}"
        );
        test.end().await;
    });
}

#[tokio::test]
async fn a_bundle_is_taken_over_http_by_whoever_sees_its_dossier() {
    let house = House::open().await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let auditor = house.token(Role::Auditor, &[]).await;
    let query = "query($id: UUID!) { dossier(id: $id) { bundlePath } }";
    let answer = house.ask(&auditor, query, json!({ "id": dossier })).await;
    let path = answer["data"]["dossier"]["bundlePath"].as_str().unwrap();
    let post = async |token: &str, held: &str| {
        let knock = house.post(path).bearer_auth(token).body(held.to_owned());
        knock.send().await.unwrap()
    };
    let response = post(&auditor, "").await;
    assert_eq!(response.headers()["content-type"], "application/zip");
    let name = response.headers()["content-disposition"].to_str().unwrap();
    assert!(name.contains("recueil-SUB-1.zip"), "{name}");
    let files = Files::of(&response.bytes().await.unwrap());
    let held = files.text("checkpoint.txt");
    let response = post(&auditor, held).await;
    let next = Files::of(&response.bytes().await.unwrap());
    let (conforms, said) = next.verify(Some(files.text("cle.txt")), Some(held)).await;
    assert!(conforms, "{said}");
    let events = house.events().await;
    let elsewhere = house.token(Role::Auditor, &["Culture"]).await;
    body(post(&elsewhere, "").await, 404).await;
    let refused = body(post(&auditor, "bonjour").await, 422).await;
    assert!(refused.contains("CHECKPOINT_REFUSED"), "{refused}");
    body(post(&auditor, &"x".repeat(20_000)).await, 413).await;
    let knock = house.post(path).send().await.unwrap();
    body(knock, 401).await;
    assert_eq!(house.events().await, events, "what is refused is no act");
}

#[test]
fn that_a_bundle_was_taken_is_in_the_history_of_its_dossier() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted("SUB-1").await;
        test.settle().await;
        let (_, digest) = take(&test, dossier, None).await;
        test.settle().await;
        let log = test.app.dispatcher.log();
        let told = navette::history::of_dossier(log, &test.app.pool, dossier)
            .await
            .unwrap();
        let last = told.last().unwrap();
        assert_eq!(last.metadata.actor, "token:auditeur");
        assert_eq!(last.metadata.dossier, Some(dossier));
        let Event::Bundle(navette_domain::bundle::BundleEvent::Taken { file, .. }) = &last.event
        else {
            panic!("{last:?}")
        };
        assert_eq!(*file, digest);
        // The command writes the very same, as long as nothing else happened to the dossier.
        let folder = tempfile::tempdir().unwrap();
        let (out, held) = (folder.path().join("r.zip"), folder.path().join("held.txt"));
        let arguments = ["bundle", "SUB-1", "--out", out.to_str().unwrap()];
        let (done, said) = test.navette(&arguments).await;
        assert!(done && said.contains(&digest.to_string()), "{said}");
        assert_eq!(Digest::of(&std::fs::read(&out).unwrap()), digest);
        std::fs::write(&held, "bonjour").unwrap();
        let held = ["--since", held.to_str().unwrap()];
        let (done, said) = test.navette(&[&arguments[..], &held].concat()).await;
        assert!(!done && said.contains("checkpoint.txt"), "{said}");
        test.settle().await;
        // It changes nothing of the dossier itself, whose clerks are not disturbed.
        let loaded = test
            .app
            .dispatcher
            .load::<navette_domain::dossier::Dossier>(dossier.0)
            .await;
        assert_eq!(loaded.unwrap().version, 2);
        test.end().await;
    });
}

/// What was held under a former key leads to the bundles of the next.
async fn a_new_key_is_followed(test: &TestApp, dossier: DossierId, files: &Files) {
    let old_key = files.text("cle.txt").to_owned();
    let (rotated, note) = test.navette(&["checkpoint", "rotate"]).await;
    assert!(rotated, "{note}");
    let held = files.text("checkpoint.txt");
    let (zip, _) = take(test, dossier, Some(held)).await;
    let next = Files::of(&zip);
    assert_eq!(next.text("checkpoint.txt"), note);
    let new_key = next.text("cle.txt").to_owned();
    assert_ne!(new_key, old_key);
    for key in [&old_key, &new_key] {
        let (conforms, said) = next.verify(Some(key), Some(held)).await;
        assert!(conforms, "{said}");
    }
    let notes: Vec<String> = serde_json::from_str(next.text("passages.json")).unwrap();
    let broken = json!([notes[0].replacen("— ", "— x", 1)]).to_string();
    let broken = next.with("passages.json", broken);
    let (conforms, said) = broken.verify(Some(&old_key), Some(held)).await;
    assert!(
        !conforms && said.contains("n'est pas signé par cette clé"),
        "{said}"
    );
}

#[test]
fn a_checkpoint_that_is_no_past_of_this_log_is_refused_with_its_reason() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let dossier = test.granted("SUB-1").await;
        test.settle().await;
        let (zip, _) = take(&test, dossier, None).await;
        let files = Files::of(&zip);
        let ours = last_checkpoint(&test.app.pool).await.unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let thief = foreign_key(&folder);
        let refused = async |note: &str| {
            let taken = test
                .app
                .bundles
                .take("token:auditeur", dossier, Some(note))
                .await;
            taken.unwrap_err()
        };
        let elsewhere = Checkpoint {
            epoch: Uuid::from_u128(7),
            ..ours.checkpoint
        };
        let before = test.app.dispatcher.log().last_position().await.unwrap();
        assert!(matches!(refused("bonjour").await, NoBundle::Unreadable(_)));
        assert!(matches!(
            refused(&thief.sign(&elsewhere)).await,
            NoBundle::Foreign(_)
        ));
        assert!(matches!(
            refused(&thief.sign(&ours.checkpoint)).await,
            NoBundle::NotSigned
        ));
        let longer = Checkpoint {
            size: ours.checkpoint.size + 1_000,
            ..ours.checkpoint
        };
        let truncated = refused(&test.key().sign(&longer)).await;
        assert!(matches!(truncated, NoBundle::Truncated { held, size }
            if held == longer.size && size < held));
        let said = truncated.to_string();
        assert!(
            said.contains("le journal a été tronqué, ou restauré"),
            "{said}"
        );
        let other = Checkpoint {
            root: Digest::of(b"before it was rewritten"),
            ..ours.checkpoint
        };
        let rewritten = refused(&test.key().sign(&other)).await;
        assert!(matches!(rewritten, NoBundle::Rewritten));
        let said = rewritten.to_string();
        assert!(said.contains("le journal a été réécrit"), "{said}");
        let unknown = DossierId(Uuid::from_u128(9));
        let taken = test.app.bundles.take("token:auditeur", unknown, None).await;
        assert!(matches!(taken, Err(NoBundle::Unknown)));
        let after = test.app.dispatcher.log().last_position().await.unwrap();
        assert_eq!(before, after, "nothing is recorded");
        assert!(files.0.contains_key("LISEZMOI.txt"));
        a_new_key_is_followed(&test, dossier, &files).await;
        test.end().await;
    });
}
