//! Letters that are printed, signed by hand, and come back as scans: real letters, drawn page by page as a scanner
//! would, and put in one PDF.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::support::{TestApp, asks, run};
use lopdf::{Dictionary, Object, Stream};
use navette::{
    access::{self, Holder},
    batches::{StartBatch, StartRefusal},
    dispatch::DispatchFailure,
    http::{Doors, router},
    neighbourhood::Manners,
    rehearsal::Rehearsals,
};
use navette_domain::{
    chain::StepId,
    digest::Digest,
    document::{DocumentStatus, Stage},
    ids::{BatchId, DocumentId, DossierId},
    paper_reference::PaperReference,
    policy::Role,
    ports::Neighbour,
};
use reqwest::{
    Client, RequestBuilder,
    multipart::{Form, Part},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::{
    io::{Cursor, Read as _, Write as _},
    process::Command,
    sync::atomic::Ordering,
};
use tokio::{net::TcpListener, task::JoinHandle};
use uuid::Uuid;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

const CHAIN: &str = include_str!("../../examples/chains/notification-papier.toml");
const TEMPLATE: &[u8] = include_bytes!("../../examples/templates/lettre-papier.odt");

/// The shipped letter, long enough for two pages.
fn two_pages() -> Vec<u8> {
    let mut letter = ZipArchive::new(Cursor::new(TEMPLATE)).unwrap();
    let mut longer = ZipWriter::new(Cursor::new(vec![]));
    for index in 0..letter.len() {
        let mut entry = letter.by_index(index).unwrap();
        let mut bytes = vec![];
        entry.read_to_end(&mut bytes).unwrap();
        let name = entry.name().unwrap().into_owned();
        if name == "content.xml" {
            let lines = "<text:p>Annexe.</text:p>".repeat(40);
            let text = String::from_utf8(bytes).unwrap();
            let end = "</office:text>";
            bytes = text.replace(end, &format!("{lines}{end}")).into_bytes();
        }
        let options = SimpleFileOptions::default().compression_method(entry.compression());
        longer.start_file(name, options).unwrap();
        longer.write_all(&bytes).unwrap();
    }
    longer.finish().unwrap().into_inner()
}

/// Letters of a batch that wait on paper, and a clerk at the door.
struct Office {
    test: Box<TestApp>,
    batch: BatchId,
    letters: Vec<DocumentId>,
    url: String,
    clerk: String,
    serving: JoinHandle<()>,
}

impl Office {
    async fn with(references: &[&str]) -> Self {
        let test = Box::pin(TestApp::start(Manners::obliging())).await;
        let test = Box::new(test);
        test.publish(CHAIN).await;
        test.upload("lettre-papier", "lettre.odt", &two_pages())
            .await;
        let mut dossiers: Vec<DossierId> = vec![];
        for reference in references {
            dossiers.push(test.granted(reference).await);
        }
        let (batch, _) = test.start_batch("notification-papier", &dossiers).await;
        let letters = dossiers.iter();
        let letters = letters.map(|dossier| DocumentId::of_dossier(batch, *dossier));
        let router = router(&test.app, Doors::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let office = Self {
            clerk: token(&test, Role::Instructor, &[]).await,
            letters: letters.collect(),
            test,
            batch,
            url,
            serving,
        };
        for letter in &office.letters {
            office
                .test
                .until_status(*letter, DocumentStatus::OnPaper)
                .await;
        }
        office.shown().await;
        office
    }

    /// Waits until all that happened is shown.
    async fn shown(&self) {
        let app = &self.test.app;
        self.test
            .until("all is shown", async || {
                let last = app.dispatcher.log().last_position().await.unwrap();
                app.projections.standing().borrow().position == last
            })
            .await;
    }

    async fn events(&self) -> i64 {
        let log = self.test.app.dispatcher.log();
        log.last_position().await.unwrap()
    }

    async fn get(&self, path: &str) -> Vec<u8> {
        let get = Client::new().get(format!("{}{path}", self.url));
        let answer = get.bearer_auth(&self.clerk).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap().to_vec()
    }

    /// What is to be printed now, page by page in the order of the letters.
    async fn printed(&self) -> Vec<Vec<u8>> {
        drawn(
            &self
                .get(&format!("/batches/{}/pdf?a_signer=true", self.batch))
                .await,
        )
    }

    fn send(&self, path: &str, token: &str, key: Uuid, scan: &[u8]) -> RequestBuilder {
        let part = Part::bytes(scan.to_vec()).file_name("scan.pdf");
        Client::new()
            .post(format!("{}{path}", self.url))
            .bearer_auth(token)
            .header("idempotency-key", key.to_string())
            .multipart(Form::new().part("file", part))
    }

    /// What the clerk is answered, with its status.
    async fn answered(&self, path: &str, key: Uuid, scan: &[u8]) -> (u16, Value) {
        let answer = self
            .send(path, &self.clerk, key, scan)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn returned(&self, scan: &[u8]) -> Value {
        let (status, answer) = self.answered("/scans", Uuid::now_v7(), scan).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn end(self) {
        self.serving.abort();
        Box::pin(self.test.end()).await;
    }
}

async fn token(test: &TestApp, role: Role, services: &[&str]) -> String {
    let holder = Holder {
        name: format!("essai-{}", Uuid::now_v7().simple()),
        role,
        services: services.iter().map(|text| (*text).to_owned()).collect(),
        schemes: vec![],
        email: None,
    };
    let token = access::issue(&test.app.pool, &holder).await.unwrap();
    token.expose_secret().to_owned()
}

const DOTS: (i64, i64) = (1240, 1754);

/// The pages of a PDF as JPEGs, at 150 dots to the inch.
fn drawn(pdf: &[u8]) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let (file, page) = (folder.path().join("lot.pdf"), folder.path().join("page"));
    std::fs::write(&file, pdf).unwrap();
    let (width, height) = (DOTS.0.to_string(), DOTS.1.to_string());
    let drawn = Command::new("pdftoppm")
        .args([
            "-jpeg",
            "-gray",
            "-scale-to-x",
            &width,
            "-scale-to-y",
            &height,
        ])
        .args([&file, &page])
        .status();
    assert!(drawn.unwrap().success());
    let pages = std::fs::read_dir(folder.path()).unwrap();
    let mut pages: Vec<_> = pages.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|it| it == "jpg"));
    pages.sort();
    pages
        .iter()
        .map(|page| std::fs::read(page).unwrap())
        .collect()
}

/// A sheet on the glass.
#[derive(Clone, Copy)]
enum Sheet<'a> {
    Page(&'a [u8]),
    UpsideDown(&'a [u8]),
    /// Its head is hidden, so that no code can be read.
    Headless(&'a [u8]),
    Blank,
}

/// What a scanner makes of these sheets: a photograph for each page, with a stroke of the pen where it is signed.
fn scanned(sheets: &[Sheet<'_>]) -> Vec<u8> {
    let mut scan = lopdf::Document::with_version("1.5");
    let tree = scan.new_object_id();
    let mut kids = Vec::<Object>::new();
    for sheet in sheets {
        let (photograph, placed) = match sheet {
            // Nobody lays a sheet quite straight.
            Sheet::Page(page) => (Some(page), "594.9 10.4 -14.7 841.9 7 -5 cm /P Do"),
            Sheet::UpsideDown(page) => (Some(page), "-595 0 0 -842 595 842 cm /P Do"),
            Sheet::Headless(page) => (
                Some(page),
                "q 595 0 0 842 0 0 cm /P Do Q 1 g 0 700 595 142 re f",
            ),
            Sheet::Blank => (None, ""),
        };
        let mut resources = Dictionary::new();
        if let Some(photograph) = photograph {
            let mut image = Dictionary::new();
            image.set("Type", "XObject");
            image.set("Subtype", "Image");
            image.set("Width", DOTS.0);
            image.set("Height", DOTS.1);
            image.set("ColorSpace", "DeviceRGB");
            image.set("BitsPerComponent", 8);
            image.set("Filter", "DCTDecode");
            let image = scan.add_object(Stream::new(image, photograph.to_vec()));
            let mut images = Dictionary::new();
            images.set("P", image);
            resources.set("XObject", images);
        }
        let pen = match sheet {
            Sheet::Blank => "",
            _ => "2 w 380 160 m 420 200 l 460 150 l 520 190 l S",
        };
        let content = format!("q {placed} Q {pen}");
        let content = scan.add_object(Stream::new(Dictionary::new(), content.into_bytes()));
        let mut page = Dictionary::new();
        page.set("Type", "Page");
        page.set("Parent", tree);
        page.set("MediaBox", [0, 0, 595, 842].map(Object::from).to_vec());
        page.set("Resources", resources);
        page.set("Contents", content);
        kids.push(scan.add_object(page).into());
    }
    let mut pages = Dictionary::new();
    pages.set("Type", "Pages");
    pages.set("Count", i64::try_from(kids.len()).unwrap());
    pages.set("Kids", kids);
    scan.objects.insert(tree, pages.into());
    let mut catalog = Dictionary::new();
    catalog.set("Type", "Catalog");
    catalog.set("Pages", tree);
    let catalog = scan.add_object(catalog);
    scan.trailer.set("Root", catalog);
    let mut bytes = vec![];
    scan.save_to(&mut bytes).unwrap();
    bytes
}

/// The documents that were taken with their pages, and the faults of what is left with theirs.
type Sorted = (Vec<(Uuid, u64, u64)>, Vec<(String, u64, u64)>);

fn sorted(answer: &Value) -> Sorted {
    let list = |name: &str| answer[name].as_array().unwrap().clone();
    let pages = |it: &Value| (it["first"].as_u64().unwrap(), it["last"].as_u64().unwrap());
    let taken = list("taken").into_iter().map(|it| {
        let (first, last) = pages(&it);
        (
            it["document"].as_str().unwrap().parse().unwrap(),
            first,
            last,
        )
    });
    let left = list("left").into_iter().map(|it| {
        let (first, last) = pages(&it);
        (
            it["fault"]["code"].as_str().unwrap().to_owned(),
            first,
            last,
        )
    });
    (taken.collect(), left.collect())
}

fn fault(code: &str, first: u64, last: u64) -> (String, u64, u64) {
    (code.to_owned(), first, last)
}

#[test]
fn letters_signed_by_hand_come_back_in_one_scan_and_each_goes_on_with_its_own_pages() {
    run(async {
        let office = Office::with(&["SUB-1", "SUB-2", "SUB-3"]).await;
        let [a, b, c] = office.letters[..] else {
            panic!("three letters")
        };
        let query = json!({ "query": "{ documents(filter: {status: [ON_PAPER]}) { nodes { status step } } }" });
        let ask = Client::new().post(format!("{}/graphql", office.url));
        let ask = ask.bearer_auth(&office.clerk).json(&query);
        let shown: Value = ask.send().await.unwrap().json().await.unwrap();
        let nodes = &shown["data"]["documents"]["nodes"];
        assert_eq!(nodes.as_array().unwrap().len(), 3, "{shown}");
        assert_eq!(nodes[0], json!({ "status": "ON_PAPER", "step": "print" }));
        let p = office.printed().await;
        let [a1, a2, b1, b2, c1, c2] = &p[..] else {
            panic!("two pages each")
        };
        // A stray page, then the letters in another order: one upside down and without a code on its second page,
        // one with blank backs, one without its second page.
        let scan = scanned(&[
            Sheet::Headless(a2),
            Sheet::UpsideDown(c1),
            Sheet::Headless(c2),
            Sheet::Page(a1),
            Sheet::Blank,
            Sheet::Page(a2),
            Sheet::Blank,
            Sheet::Page(b1),
        ]);
        let answer = office.returned(&scan).await;
        assert_eq!(answer["pages"], 8);
        let taken = vec![(c.0, 2, 3), (a.0, 4, 7)];
        let b_alone = fault("OTHER_PAGES", 8, 8);
        let left = vec![fault("NO_REFERENCE", 1, 1), b_alone.clone()];
        assert_eq!(sorted(&answer), (taken, left));
        assert_eq!(
            answer["taken"][0]["title"],
            "Notification signée sur papier SUB-3"
        );
        assert_eq!(
            answer["left"][1]["sentence"],
            "Page 8 (Notification signée sur papier SUB-2) : 2 pages de ce document ont été imprimées, et 1 sont là, \
             sans compter les blanches : numérisez-le entier, ou envoyez-le à part."
        );
        for letter in [a, c] {
            office
                .test
                .until_status(letter, DocumentStatus::Delivered)
                .await;
        }
        // The same again does nothing.
        office.shown().await;
        let events = office.events().await;
        let again = office.returned(&scan).await;
        let left = vec![
            fault("NO_REFERENCE", 1, 1),
            fault("ALREADY_BACK", 2, 3),
            fault("ALREADY_BACK", 4, 7),
            b_alone,
        ];
        assert_eq!(sorted(&again), (vec![], left));
        assert_eq!(office.events().await, events);
        // What no machine can read is sent by a person for its document, by its id or by what is printed on it.
        let reference = PaperReference {
            document: b,
            round: 1,
        };
        let path = format!("/documents/{reference}/scan");
        let headless = scanned(&[Sheet::Headless(b1), Sheet::Headless(b2)]);
        let (status, answer) = office.answered(&path, Uuid::now_v7(), &headless).await;
        assert_eq!((status, &answer["document"]), (200, &json!(b)), "{answer}");
        office.test.until_status(b, DocumentStatus::Delivered).await;
        // What was scanned is what is registered, attached and sent.
        let entries = office.test.neighbours.ledger.entries();
        let attached = entries
            .iter()
            .filter(|entry| entry.effect == "document attached");
        let attached: Vec<Digest> = attached.filter_map(|entry| entry.content).collect();
        for letter in [a, b, c] {
            let Stage::Delivered { pdf } = office.test.journey(letter).await.stage else {
                panic!("delivered")
            };
            assert_eq!(pdf.pages, 2);
            assert!(attached.contains(&pdf.file), "{letter}");
            let kept = office.get(&format!("/documents/{letter}/pdf")).await;
            assert_eq!(Digest::of(&kept), pdf.file);
            let kept = lopdf::Document::load_mem(&kept).unwrap();
            let first = kept.get_dictionary(kept.get_pages()[&1]).unwrap();
            let turned = first.get(b"Rotate").and_then(Object::as_i64).ok();
            assert_eq!(turned, (letter == c).then_some(180), "set upright");
        }
        let mails = office.test.neighbours.ledger.keys(Neighbour::Smtp, "mail");
        assert_eq!((attached.len(), mails.len()), (3, 3));
        office.end().await;
    });
}

#[test]
fn a_scan_is_taken_only_for_its_own_document_in_its_own_round_from_whoever_may() {
    run(async {
        let office = Office::with(&["SUB-1", "SUB-2", "SUB-3"]).await;
        let [a, b, c] = office.letters[..] else {
            panic!("three letters")
        };
        let p = office.printed().await;
        let of_a = scanned(&[Sheet::Page(&p[0]), Sheet::Page(&p[1])]);
        let events = office.events().await;
        // Not from those who may not, nor for those who do not see it.
        let auditor = token(&office.test, Role::Auditor, &[]).await;
        let stranger = token(&office.test, Role::Instructor, &["Sport"]).await;
        for (token, path, status) in [
            (&auditor, "/scans".to_owned(), 403),
            (&auditor, format!("/documents/{a}/scan"), 403),
            (&stranger, format!("/documents/{a}/scan"), 404),
            (&stranger, format!("/documents/{}/scan", Uuid::nil()), 404),
            (&stranger, "/documents/x/scan".to_owned(), 404),
        ] {
            let sent = office
                .send(&path, token, Uuid::now_v7(), &of_a)
                .send()
                .await;
            assert_eq!(sent.unwrap().status(), status, "{path}");
        }
        let unseen = office.send("/scans", &stranger, Uuid::now_v7(), &of_a);
        let unseen: Value = unseen.send().await.unwrap().json().await.unwrap();
        assert_eq!(sorted(&unseen), (vec![], vec![fault("UNKNOWN", 1, 2)]));
        assert_eq!(unseen["left"][0]["title"], Value::Null);
        // Not for another, whoever says so; and only a PDF.
        let to_b = format!("/documents/{b}/scan");
        let (status, answer) = office.answered(&to_b, Uuid::now_v7(), &of_a).await;
        let code = &answer["fault"]["code"];
        assert_eq!((status, code), (422, &json!("OTHER_DOCUMENT")), "{answer}");
        for path in ["/scans", &to_b] {
            let (status, answer) = office.answered(path, Uuid::now_v7(), b"GIF89a").await;
            let sentence = answer["refusal"]["sentence"].as_str().unwrap();
            assert!(
                status == 422 && sentence.contains("n'est pas un PDF"),
                "{answer}"
            );
        }
        assert_eq!(office.events().await, events);
        // What is signed on paper and never scanned goes on by hand.
        let batches = &office.test.app.batches;
        let print = StepId("print".to_owned());
        let (skip, restart) = (asks(), asks());
        let skipped = batches.skip_step(&skip, b, Some(&print), None, "remis en main propre");
        skipped.await.unwrap();
        office.test.until_status(b, DocumentStatus::Delivered).await;
        let cancelled = batches.cancel_document(&asks(), c, "Sans objet").await;
        cancelled.unwrap();
        // What started over wants its new paper.
        let restarted = batches.restart_document(&restart, a, None, "Faute de frappe");
        restarted.await.unwrap();
        office.test.until_status(a, DocumentStatus::OnPaper).await;
        office.shown().await;
        let old: Vec<_> = p.iter().map(|page| Sheet::Page(page)).collect();
        let answer = office.returned(&scanned(&old)).await;
        let left = ["OTHER_ROUND", "ALREADY_BACK", "NOT_ON_PAPER"];
        let left = left.iter().zip([1, 3, 5]);
        let left: Vec<_> = left
            .map(|(code, first)| fault(code, first, first + 1))
            .collect();
        assert_eq!(sorted(&answer), (vec![], left));
        let new = office.printed().await;
        assert_eq!(new.len(), 2, "only what is to be signed is printed");
        let both = [
            Sheet::Page(&p[0]),
            Sheet::Page(&new[0]),
            Sheet::Page(&new[1]),
        ];
        let answer = office.returned(&scanned(&both)).await;
        let twice = vec![fault("TWICE", 1, 1), fault("TWICE", 2, 3)];
        assert_eq!(sorted(&answer), (vec![], twice));
        // Whatever is repeated under its key is answered alike.
        let (new, key) = (scanned(&both[1..]), Uuid::now_v7());
        for _ in 0..2 {
            let (_, answer) = office.answered("/scans", key, &new).await;
            assert_eq!(sorted(&answer), (vec![(a.0, 1, 2)], vec![]));
            office.test.until_status(a, DocumentStatus::Delivered).await;
        }
        office.end().await;
    });
}

#[test]
fn a_letter_on_paper_is_reminded_of_then_stops_and_its_scan_is_still_taken() {
    run(async {
        let office = Office::with(&["SUB-1"]).await;
        let letter = office.letters[0];
        let p = office.printed().await;
        let test = &office.test;
        let resting = "SELECT count(*) FROM effects WHERE work->>'kind' = 'watch_scan'
            AND lease_token IS NULL AND run_at > clock_timestamp() AND run_at < clock_timestamp() + interval '25 hours'";
        let rests = async || {
            let count: i64 = sqlx::query_scalar(resting)
                .fetch_one(&test.app.pool)
                .await
                .unwrap();
            count == 1
        };
        let later = async |days: i64| {
            test.until("it rests for a day at most", rests).await;
            test.ahead.fetch_add(days, Ordering::SeqCst);
            let look =
                "UPDATE effects SET run_at = clock_timestamp() WHERE work->>'kind' = 'watch_scan'";
            sqlx::query(look).execute(&test.app.pool).await.unwrap();
        };
        later(8).await;
        let messages = || test.neighbours.smtp.accepted();
        test.until("a reminder is sent", async || messages().len() == 1)
            .await;
        let told = String::from_utf8_lossy(&messages()[0].raw).into_owned();
        assert!(told.contains("attend le scan"), "{told}");
        later(30).await;
        let sentence = test.until_stopped(letter).await;
        assert!(
            sentence.starts_with("Le courrier signé n'est pas revenu depuis 30 jours"),
            "{sentence}"
        );
        assert_eq!(test.status(letter).await, DocumentStatus::OnPaper);
        let scan = scanned(&[Sheet::Page(&p[0]), Sheet::Page(&p[1])]);
        let answer = office.returned(&scan).await;
        assert_eq!(sorted(&answer), (vec![(letter.0, 1, 2)], vec![]));
        test.until_status(letter, DocumentStatus::Delivered).await;
        office.end().await;
    });
}

#[test]
fn a_chain_that_prints_does_not_start_with_a_template_that_shows_no_reference() {
    run(async {
        let test = TestApp::start(Manners::obliging()).await;
        let nameless = CHAIN.replace("\"lettre-papier\"", "\"lettre-attribution\"");
        test.publish(&nameless).await;
        let dossier = test.granted("SUB-1").await;
        let ask = StartBatch {
            batch: BatchId(Uuid::now_v7()),
            label: "Commission de mars".to_owned(),
            chain_code: "notification-papier".to_owned(),
            dossiers: vec![dossier],
            reply_to: None,
        };
        let app = &test.app;
        let refusal = StartRefusal::NoReference("lettre-attribution".to_owned());
        assert!(
            refusal
                .to_string()
                .contains("{{ document.reference_papier|qr }}")
        );
        let before = app.dispatcher.log().last_position().await.unwrap();
        let rehearsals = Rehearsals::new(
            app.dispatcher.clone(),
            app.batches.clone(),
            app.ports.clone(),
            app.clock.clone(),
        );
        for refused in [
            app.batches.start(&asks(), &ask).await.map(drop),
            app.batches
                .preview(&ask.chain_code, &ask.dossiers)
                .await
                .map(drop),
            rehearsals.rehearse("token:essai", &ask).await.map(drop),
        ] {
            let Err(DispatchFailure::Refused(refused)) = refused else {
                panic!("it is refused")
            };
            assert_eq!(refused, refusal);
        }
        assert_eq!(app.dispatcher.log().last_position().await.unwrap(), before);
        // As it is shipped, it starts; a rehearsal says that it waits on paper.
        test.publish(CHAIN).await;
        test.upload("lettre-papier", "lettre.odt", TEMPLATE).await;
        let rehearsed = rehearsals.rehearse("token:essai", &ask).await.unwrap();
        let document = &rehearsed.documents[0];
        let print = document
            .steps
            .iter()
            .find(|it| it.step.0 == "print")
            .unwrap();
        let sentence = "À imprimer pour une signature manuscrite";
        assert_eq!(print.sentence.as_deref(), Some(sentence));
        assert!(document.delivered);
        test.end().await;
    });
}
