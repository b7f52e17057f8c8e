//! Templates as clerks and pages meet them: told what is wrong before they are kept, previewed without a
//! trace, and found again behind every document that was made of them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use crate::{
    doors::{House, asks, body},
    story::definition,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use navette_domain::{
    chain::{Chain, ChainCommand},
    digest::Digest,
    document::Document,
    dossier::Dossier,
    ids::{BatchId, ChainId, DocumentId, DossierId},
    merge_fields::{self, Surroundings},
    paper_reference::PaperReference,
    policy::Role,
};
use serde_json::{Value, json};
use std::io::{Cursor, Read as _, Write as _};
use uuid::Uuid;
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

const LETTER: &[u8] = include_bytes!("../../examples/templates/lettre-attribution.odt");
const TABLE: &[u8] = include_bytes!("../../examples/templates/tableau-commission.ods");

/// Images of one pixel.
const RED: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
const BLUE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC";

/// The shipped letter with something else in its body.
pub fn letter_with(from: &str, to: &str) -> Vec<u8> {
    let mut letter = ZipArchive::new(Cursor::new(LETTER)).unwrap();
    let mut other = ZipWriter::new(Cursor::new(vec![]));
    for index in 0..letter.len() {
        let mut part = letter.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        if name != "content.xml" {
            other.raw_copy_file(part).unwrap();
            continue;
        }
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        assert!(text.contains(from), "the letter does not hold {from}");
        other
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        other.write_all(text.replace(from, to).as_bytes()).unwrap();
    }
    other.finish().unwrap().into_inner()
}

async fn answer(response: reqwest::Response, status: u16) -> Value {
    serde_json::from_str(&body(response, status).await).unwrap()
}

#[tokio::test]
async fn a_template_is_told_what_it_needs_and_what_is_wrong_before_anything_is_kept() {
    let house = House::open().await;
    let token = house.token(Role::Supervisor, &[]).await;
    let check = async |bytes: &[u8]| {
        let path = "/templates/lettre/check";
        answer(house.send(&token, path, "Lettre.odt", bytes).await, 200).await
    };
    let report = check(LETTER).await;
    assert_eq!(report["usable"], true, "{report}");
    assert_eq!(report["format"], "odt");
    assert_eq!(report["file"], Digest::of(LETTER).to_string());
    let field = |path: &str| {
        let fields = report["fields"].as_array().unwrap();
        fields.iter().find(|field| field["path"] == path).unwrap()
    };
    let amount = field("dossier.montant");
    assert_eq!(amount["kind"], "amount");
    assert_eq!(amount["label"], "Montant accordé, ou à défaut demandé");
    assert_eq!(amount["known"], true);
    assert_eq!(field("versements[].date")["mayBeEmpty"], true);

    let broken = check(&letter_with(
        "beneficiaire.nom",
        "beneficiaire.nom|majuscul",
    ))
    .await;
    assert_eq!(broken["usable"], false);
    assert!(!broken["faults"].as_array().unwrap().is_empty(), "{broken}");
    assert!(broken["sentence"].is_string());
    let misspelt = check(&letter_with("beneficiaire.nom", "beneficiare.nom")).await;
    assert_eq!(misspelt["usable"], false);
    let fault = &misspelt["faults"][0];
    let sentence = fault["sentence"].as_str().unwrap();
    assert!(sentence.contains("beneficiaire.nom"), "{sentence}");
    assert!(fault["around"].as_str().unwrap().contains('⟦'), "{fault}");
    let copy = &misspelt["annotated"];
    assert_eq!(copy["fileName"], "Lettre (à corriger).odt");
    let copy = STANDARD.decode(copy["base64"].as_str().unwrap()).unwrap();
    let copy = text_of(&copy);
    assert!(copy.contains("office:annotation") && copy.contains("beneficiaire.nom"));
    let rare = check(&letter_with("beneficiaire.nom", "dossier.champs.canton")).await;
    assert_eq!(rare["usable"], true);
    assert!(!rare["warnings"].as_array().unwrap().is_empty(), "{rare}");
    // It would be written in another font than the one that its author saw.
    let fonts = |report: &Value| {
        let warnings = report["warnings"].as_array().unwrap().iter();
        let mut of_fonts = warnings.filter(|warning| warning["place"] == "polices");
        of_fonts
            .next()
            .map(|warning| warning["sentence"].to_string())
    };
    assert_eq!(fonts(&report), None);
    let properties = "<style:text-properties ";
    let other = format!("{properties}fo:font-family=\"Absente\" ");
    let other = check(&letter_with(properties, &other)).await;
    assert_eq!(other["usable"], true);
    let sentence = fonts(&other).unwrap();
    assert!(sentence.contains("« Absente"), "{sentence}");
    let unreadable = check(b"plain text").await;
    assert_eq!(unreadable["usable"], false);
    assert!(unreadable["sentence"].is_string(), "{unreadable}");

    assert_eq!(house.events().await, 0);
    assert_eq!(house.stored(), 0);
    let clerk = house.token(Role::Instructor, &[]).await;
    let path = "/templates/lettre/check";
    body(house.send(&clerk, path, "Lettre.odt", LETTER).await, 403).await;
}

#[tokio::test]
async fn a_template_that_is_refused_is_answered_with_everything_that_is_wrong() {
    let house = House::open().await;
    let token = house.token(Role::Admin, &[]).await;
    let broken = letter_with("beneficiaire.nom", "beneficiaire.nom|majuscul");
    let path = "/templates/lettre";
    let refused = answer(house.send(&token, path, "Lettre.odt", &broken).await, 422).await;
    assert_eq!(refused["refusal"]["code"], "INVALID_INPUT");
    assert!(
        !refused["faults"].as_array().unwrap().is_empty(),
        "{refused}"
    );
    let refused = answer(
        house.send(&token, "/templates/L", "L.odt", LETTER).await,
        422,
    )
    .await;
    let sentence = refused["refusal"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("minuscules"), "{sentence}");
    assert_eq!(house.events().await, 0);
}

#[tokio::test]
async fn every_version_of_a_template_is_kept_and_read_back() {
    let house = House::open().await;
    let token = house.token(Role::Supervisor, &[]).await;
    let second = letter_with("beneficiaire.nom", "beneficiaire.rna or ''");
    for (version, bytes) in [(1, LETTER), (2, &second), (2, &second)] {
        let sent = house
            .send(&token, "/templates/lettre", "Lettre.odt", bytes)
            .await;
        let taken = answer(sent, 200).await;
        assert_eq!(taken["version"], version);
        assert_eq!(taken["usable"], true);
    }
    house.settle().await;
    let query = r#"{ last: template(code: "lettre") { version versions { version file path } }
        first: template(code: "lettre", version: 1) { version fields
            check { usable fields { path kind label known } faults { sentence } } }
        none: template(code: "lettre", version: 3) { version } }"#;
    let read = house.ask(&token, query, json!({})).await;
    assert!(read["errors"].is_null(), "{read}");
    let read = &read["data"];
    assert_eq!(read["last"]["version"], 2);
    assert_eq!(read["none"], Value::Null);
    assert_eq!(read["first"]["check"]["usable"], true);
    let named = json!({
        "path": "beneficiaire.nom", "kind": "TEXT", "label": "Nom du bénéficiaire", "known": true,
    });
    let fields = read["first"]["check"]["fields"].as_array().unwrap();
    assert!(fields.contains(&named), "{fields:?}");
    let versions = read["last"]["versions"].as_array().unwrap();
    for (row, bytes) in versions.iter().zip([second.as_slice(), LETTER]) {
        assert_eq!(row["file"], Digest::of(bytes).to_string());
        let path = row["path"].as_str().unwrap();
        let file = house.get(path).bearer_auth(&token).send().await.unwrap();
        assert_eq!(file.status(), 200);
        assert_eq!(file.bytes().await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn an_image_is_kept_version_by_version_and_listed_for_templates() {
    let house = House::open().await;
    let token = house.token(Role::Supervisor, &[]).await;
    let png = |content: &str| STANDARD.decode(content).unwrap();
    for (version, content) in [(1, RED), (1, RED), (2, BLUE)] {
        let sent = house
            .send(&token, "/images/logo", "Logo.png", &png(content))
            .await;
        assert_eq!(answer(sent, 200).await["version"], version);
    }
    for bytes in [b"<svg/>".as_slice(), b"\x89PNG\r\n\x1a\nnothing more"] {
        let sent = house.send(&token, "/images/logo", "Logo.png", bytes).await;
        let sentence = answer(sent, 422).await["refusal"]["sentence"].clone();
        let sentence = sentence.as_str().unwrap();
        assert!(
            sentence.starts_with("L'image ne peut pas être utilisée"),
            "{sentence}"
        );
    }
    let clerk = house.token(Role::Instructor, &[]).await;
    let sent = house
        .send(&clerk, "/images/logo", "Logo.png", &png(RED))
        .await;
    body(sent, 403).await;
    house.settle().await;
    let query = "{ dictionary { images { code version format file } } }";
    let read = house.ask(&clerk, query, json!({})).await;
    assert_eq!(
        read["data"]["dictionary"]["images"],
        json!([{ "code": "logo", "version": 2, "format": "PNG", "file": Digest::of(&png(BLUE)).to_string() }])
    );
}

#[tokio::test]
async fn the_dictionary_tells_the_fields_of_documents_and_counts_those_of_the_dossiers_in_sight() {
    let house = House::open().await;
    house.granted("SUB-1", "Sport").await;
    house.granted("SUB-2", "Culture").await;
    let query = "{ dictionary(scope: BATCH) { fields { path kind mayBeEmpty example scopes }
        custom { name dossiers } } }";
    for (services, dossiers) in [(&[][..], 2), (&["Sport"][..], 1)] {
        let token = house.token(Role::Instructor, services).await;
        let read = house.ask(&token, query, json!({})).await;
        let dictionary = &read["data"]["dictionary"];
        assert_eq!(
            dictionary["custom"],
            json!([{ "name": "Canton", "dossiers": dossiers }]),
            "{read}"
        );
        let fields = dictionary["fields"].as_array().unwrap();
        assert!(fields.contains(&json!({
            "path": "lot.nombre", "kind": "INTEGER", "mayBeEmpty": false, "example": "2",
            "scopes": ["BATCH"],
        })));
        assert!(
            fields
                .iter()
                .all(|field| field["path"] != "dossier.montant")
        );
    }
}

#[tokio::test]
async fn a_preview_shows_what_a_letter_would_be_and_leaves_no_trace() {
    let house = House::open().await;
    let token = house.token(Role::Supervisor, &[]).await;
    let sent = house
        .send(&token, "/templates/lettre", "Lettre.odt", LETTER)
        .await;
    answer(sent, 200).await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let (events, files) = (house.events().await, house.stored());
    let preview = async |token: &str, query: &str| {
        let path = format!("/templates/lettre/preview{query}");
        house.post(&path).bearer_auth(token).send().await.unwrap()
    };
    let clerk = house.token(Role::Instructor, &["Sport"]).await;
    let of_dossier = preview(&clerk, &format!("?dossier={dossier}")).await;
    assert_eq!(of_dossier.headers()["content-type"], "application/pdf");
    let name = of_dossier.headers()["content-disposition"]
        .to_str()
        .unwrap();
    assert!(name.contains("apercu-lettre-SUB-1.pdf"), "{name}");
    assert_eq!(of_dossier.status(), 200);
    assert!(of_dossier.bytes().await.unwrap().starts_with(b"%PDF-"));

    let office = preview(
        &clerk,
        &format!("?format=office&version=1&dossier={dossier}"),
    )
    .await;
    assert_eq!(
        office.headers()["content-type"],
        "application/vnd.oasis.opendocument.text"
    );
    let office = text_of(&office.bytes().await.unwrap());
    assert!(office.contains("Fête de l'Été"), "{office}");
    let sample = preview(&clerk, "?format=office").await;
    let sample = text_of(&sample.bytes().await.unwrap());
    assert!(sample.contains("Saison culturelle 2026"), "{sample}");

    // A file that is not kept, for those who may keep one.
    let path = format!("/templates/lettre/preview?format=office&dossier={dossier}");
    let other = letter_with("beneficiaire.nom", "dossier.champs.Canton");
    let shown = house.send(&token, &path, "Lettre.odt", &other).await;
    assert_eq!(shown.status(), 200);
    assert!(text_of(&shown.bytes().await.unwrap()).contains("Vouneuil"));
    body(house.send(&clerk, &path, "Lettre.odt", &other).await, 403).await;
    let faulty = letter_with("beneficiaire.nom", "dossier.nature|montant");
    let shown = house.send(&token, &path, "Lettre.odt", &faulty).await;
    let faults = answer(shown, 422).await["faults"].clone();
    assert!(!faults.as_array().unwrap().is_empty());

    // What one may not see looks like what does not exist.
    let stranger = house.token(Role::Instructor, &["Culture"]).await;
    let hidden = preview(&stranger, &format!("?dossier={dossier}")).await;
    let absent = preview(&stranger, &format!("?dossier={}", Uuid::nil())).await;
    assert_eq!(body(hidden, 404).await, body(absent, 404).await);
    body(preview(&clerk, "?version=2").await, 404).await;
    body(preview(&clerk, "?dossier=x").await, 400).await;

    assert_eq!(house.events().await, events);
    assert_eq!(house.stored(), files);
}

#[tokio::test]
async fn a_table_is_previewed_on_the_dossiers_of_a_choice() {
    let house = House::open().await;
    let token = house.token(Role::Supervisor, &[]).await;
    let sent = house
        .send(&token, "/templates/tableau", "T.ods", TABLE)
        .await;
    answer(sent, 200).await;
    let (one, two) = (
        house.granted("SUB-1", "Sport").await,
        house.granted("SUB-2", "Sport").await,
    );
    let path = format!("/templates/tableau/preview?format=office&dossier={one}&dossier={two}");
    let shown = house.post(&path).bearer_auth(&token).send().await.unwrap();
    let text = text_of(&shown.bytes().await.unwrap());
    assert!(text.contains("SUB-1") && text.contains("SUB-2"), "{text}");
}

/// The body of an OpenDocument file.
fn text_of(bytes: &[u8]) -> String {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    let mut part = archive.by_name("content.xml").unwrap();
    part.read_to_string(&mut text).unwrap();
    text
}

/// A house in which letters of these dossiers were made and sent.
async fn with_letters(references: &[&str]) -> (House, String, BatchId, Vec<DossierId>) {
    let mut house = House::open().await;
    house.work().await;
    let token = house.token(Role::Supervisor, &[]).await;
    let sent = house
        .send(&token, "/templates/lettre", "Lettre.odt", LETTER)
        .await;
    answer(sent, 200).await;
    publish(&house).await;
    let mut dossiers = vec![];
    for reference in references {
        dossiers.push(house.granted(reference, "Sport").await);
    }
    let batch = start(&house, &token, &dossiers).await;
    completed(&house, &token, batch).await;
    (house, token, batch, dossiers)
}

/// The chain of the letters: merged, converted, sent by e-mail.
async fn publish(house: &House) {
    let definition = definition();
    let id = ChainId::of_code(&definition.code).0;
    let at = house.app.clock.now();
    let command = ChainCommand::Publish { definition, at };
    let envelope = asks();
    let published = house
        .app
        .dispatcher
        .dispatch::<Chain>(&envelope, id, command);
    published.await.unwrap();
}

async fn start(house: &House, token: &str, dossiers: &[DossierId]) -> BatchId {
    let ids: Vec<Uuid> = dossiers.iter().map(|dossier| dossier.0).collect();
    let input = json!({ "label": "Lettres de mars", "chain": "notification", "dossiers": ids });
    let started = house
        .mutate(token, "startBatch", input, "batch { id }")
        .await;
    started["batch"]["id"].as_str().unwrap().parse().unwrap()
}

/// Waits until the batch has ended.
async fn completed(house: &House, token: &str, batch: BatchId) {
    let query = format!(r#"{{ batch(id: "{batch}") {{ state }} }}"#);
    let mut standing = house.app.projections.standing();
    let end = async {
        while house.ask(token, &query, json!({})).await["data"]["batch"]["state"] != "COMPLETED" {
            standing.changed().await.unwrap();
        }
    };
    let patience = std::time::Duration::from_secs(90);
    let ended = tokio::time::timeout(patience, end).await;
    ended.expect("the batch does not end");
}

#[tokio::test]
async fn a_document_tells_what_it_was_made_of_and_is_made_again_byte_for_byte() {
    let (house, token, batch, dossiers) = with_letters(&["SUB-1"]).await;
    let document = DocumentId::of_dossier(batch, dossiers[0]);
    let query = format!(
        r#"{{ document(id: "{document}") {{ title date data office pdf pages
            template {{ code version file }} included {{ code }} timeline {{ sentence }} }} }}"#
    );
    let read = house.ask(&token, &query, json!({})).await["data"]["document"].clone();
    assert_eq!(
        read["template"],
        json!({ "code": "lettre", "version": 1, "file": Digest::of(LETTER).to_string() })
    );
    let sentences: Vec<&str> = read["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["sentence"].as_str().unwrap())
        .collect();
    assert!(
        sentences[0].contains("modèle en version 1"),
        "{sentences:?}"
    );
    for digest in ["data", "office"] {
        let short = &read[digest].as_str().unwrap()[..12];
        assert!(sentences[1].contains(short), "{sentences:?}");
    }
    let pdf = &read["pdf"].as_str().unwrap()[..12];
    assert!(sentences[2].contains(pdf), "{sentences:?}");

    // The same version and the same data, from the log, give the same bytes.
    let dispatcher = &house.app.dispatcher;
    let dossier = dispatcher.load::<Dossier>(dossiers[0].0).await.unwrap();
    assert!(matches!(dossier.state, Dossier::Open { .. }));
    let cases = navette::cases::load(dispatcher, &[dossiers[0].0])
        .await
        .unwrap();
    let around = Surroundings {
        document: PaperReference { document, round: 1 },
        title: read["title"].as_str().unwrap().to_owned(),
        date: read["date"].as_str().unwrap().parse().unwrap(),
        batch,
        batch_label: "Lettres de mars".into(),
    };
    let data = merge_fields::of_dossier(&cases[0], &around).unwrap();
    assert_eq!(
        read["data"],
        Digest::of(data.to_string().as_bytes()).to_string()
    );
    let again = house.app.ports.office.merge(LETTER, &data).await.unwrap();
    assert_eq!(read["office"], Digest::of(&again.bytes).to_string());
}

#[tokio::test]
async fn the_files_of_a_document_are_downloaded_whole_under_their_digests() {
    let (house, token, batch, dossiers) = with_letters(&["SUB-1"]).await;
    let document = DocumentId::of_dossier(batch, dossiers[0]);
    let query = format!(r#"{{ document(id: "{document}") {{ office pdf }} }}"#);
    let read = house.ask(&token, &query, json!({})).await["data"]["document"].clone();
    for (file, media_type, extension) in [
        ("pdf", "application/pdf", "pdf"),
        ("office", "application/vnd.oasis.opendocument.text", "odt"),
    ] {
        let path = format!("/documents/{document}/{file}");
        let got = house.get(&path).bearer_auth(&token).send().await.unwrap();
        assert_eq!(got.status(), 200);
        assert_eq!(got.headers()["content-type"], media_type);
        let name = got.headers()["content-disposition"].to_str().unwrap();
        assert!(
            name.contains(&format!("Notification_SUB-1.{extension}\"")),
            "{name}"
        );
        let tag = got.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(tag, format!("\"{}\"", read[file].as_str().unwrap()));
        let length = got.headers()["content-length"].clone();
        let bytes = got.bytes().await.unwrap();
        assert_eq!(read[file], Digest::of(&bytes).to_string());

        let url = format!("{}{path}", house.url);
        let head = house
            .client
            .head(&url)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        assert_eq!(head.status(), 200);
        assert_eq!(head.headers()["content-length"], length);
        assert_eq!(head.headers()["etag"], tag.as_str());
        assert!(head.bytes().await.unwrap().is_empty());

        for (known, status) in [(tag.as_str(), 304), ("\"other\", W/\"x\"", 200)] {
            let asked = house.get(&path).bearer_auth(&token);
            let asked = asked.header("if-none-match", known).send().await.unwrap();
            assert_eq!(asked.status(), status, "{known}");
        }
    }
}

/// A text document with this body and nothing else.
pub fn text_document(body: &str) -> Vec<u8> {
    open_document("text", &format!("<office:text>{body}</office:text>"))
}

fn open_document(kind: &str, body: &str) -> Vec<u8> {
    let media_type = format!("application/vnd.oasis.opendocument.{kind}");
    let content = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.3"
        xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
        xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
        xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>{body}</office:body></office:document-content>"#
    );
    let manifest = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><manifest:manifest manifest:version="1.3"
        xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
        <manifest:file-entry manifest:full-path="/" manifest:media-type="{media_type}"/>
        <manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"#
    );
    zipped(&[
        ("mimetype", &media_type),
        ("content.xml", &content),
        ("META-INF/manifest.xml", &manifest),
    ])
}

/// A workbook whose first cell holds this text.
fn workbook(text: &str) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    const TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let relation = |kind: &str, target: &str| {
        format!(
            r#"<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{OFFICE}/{kind}" Target="{target}"/></Relationships>"#
        )
    };
    zipped(&[
        (
            "[Content_Types].xml",
            &format!(
                r#"<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
                <Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>
                <Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPE}.worksheet+xml"/></Types>"#
            ),
        ),
        (
            "_rels/.rels",
            &relation("officeDocument", "xl/workbook.xml"),
        ),
        (
            "xl/workbook.xml",
            &format!(
                r#"<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="F" sheetId="1" r:id="rId1"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &relation("worksheet", "worksheets/sheet1.xml"),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!(
                r#"<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row></sheetData></worksheet>"#
            ),
        ),
    ])
}

fn zipped(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut target = ZipWriter::new(Cursor::new(vec![]));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, text) in entries {
        target.start_file(*name, stored).unwrap();
        target.write_all(text.as_bytes()).unwrap();
    }
    target.finish().unwrap().into_inner()
}

#[tokio::test]
async fn templates_and_documents_of_the_four_formats_go_up_and_come_down_as_what_they_are() {
    let mut house = House::open().await;
    house.work().await;
    let token = house.token(Role::Supervisor, &[]).await;
    publish(&house).await;
    let get = async |path: &str| house.get(path).bearer_auth(&token).send().await.unwrap();
    let said = |response: &reqwest::Response, header: &str| {
        response.headers()[header].to_str().unwrap().to_owned()
    };
    let tag = "{{ dossier.reference }}";
    let cell = format!(
        "<office:spreadsheet><table:table table:name=\"F\"><table:table-row><table:table-cell><text:p>{tag}\
         </text:p></table:table-cell></table:table-row></table:table></office:spreadsheet>"
    );
    let word = include_bytes!("../../examples/templates/lettre-attribution.docx").to_vec();
    let office = "application/vnd.openxmlformats-officedocument";
    let open = "application/vnd.oasis.opendocument";
    let mut made = vec![];
    for (version, (format, media_type, bytes)) in [
        ("odt", format!("{open}.text"), LETTER.to_vec()),
        (
            "ods",
            format!("{open}.spreadsheet"),
            open_document("spreadsheet", &cell),
        ),
        ("docx", format!("{office}.wordprocessingml.document"), word),
        (
            "xlsx",
            format!("{office}.spreadsheetml.sheet"),
            workbook(tag),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        // Its name says nothing of its format.
        let sent = house
            .send(&token, "/templates/lettre", "Modèle", &bytes)
            .await;
        let report = answer(sent, 200).await;
        assert_eq!(
            (&report["format"], &report["usable"]),
            (&json!(format), &json!(true))
        );
        let reference = format!("SUB-{format}");
        let dossier = house.granted(&reference, "Sport").await;
        let batch = start(&house, &token, &[dossier]).await;
        house.settle().await;
        let template = get(&format!("/templates/lettre/versions/{}", version + 1)).await;
        assert_eq!(template.status(), 200);
        assert_eq!(said(&template, "content-type"), media_type);
        let name = said(&template, "content-disposition");
        assert!(name.contains(&format!(".{format}\"")), "{name}");
        assert_eq!(template.bytes().await.unwrap(), bytes);
        made.push((batch, dossier, reference, format, media_type));
    }
    for (batch, dossier, reference, format, media_type) in made {
        completed(&house, &token, batch).await;
        let document = DocumentId::of_dossier(batch, dossier);
        let query = format!(r#"{{ document(id: "{document}") {{ office pdf }} }}"#);
        let digests = house.ask(&token, &query, json!({})).await["data"]["document"].clone();
        let office = get(&format!("/documents/{document}/office")).await;
        assert_eq!(said(&office, "content-type"), media_type);
        let name = said(&office, "content-disposition");
        assert!(name.contains(&format!("{reference}.{format}\"")), "{name}");
        let office = office.bytes().await.unwrap();
        assert_eq!(digests["office"], Digest::of(&office).to_string());
        assert!(all_text_of(&office).contains(&reference), "{format}");
        let pdf = get(&format!("/documents/{document}/pdf")).await;
        assert_eq!(said(&pdf, "content-type"), "application/pdf");
        let pdf = pdf.bytes().await.unwrap();
        assert_eq!(digests["pdf"], Digest::of(&pdf).to_string());
        let pdf = lopdf::Document::load_mem(&pdf).unwrap();
        let text = pdf.extract_text(&[1]).unwrap();
        assert!(text.contains(&reference), "{format}: {text}");
    }
}

/// All the parts of an office file.
fn all_text_of(bytes: &[u8]) -> String {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    for index in 0..archive.len() {
        let mut bytes = vec![];
        let mut part = archive.by_index(index).unwrap();
        part.read_to_end(&mut bytes).unwrap();
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    text
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, from upload to letter")]
async fn a_document_stays_on_what_its_template_included_when_its_batch_started() {
    let mut house = House::open().await;
    let token = house.token(Role::Supervisor, &[]).await;
    let letter = text_document(
        "<text:p>{% include \"entete\" %}</text:p>\
         <text:p>{{ images.logo|image }}{{ \"sceau\"|image }}</text:p>",
    );
    let send = async |code: &str, bytes: &[u8], status| {
        let path = format!("/templates/{code}");
        answer(house.send(&token, &path, "m.odt", bytes).await, status).await
    };
    let draw = async |content: &str| {
        let drawing = STANDARD.decode(content).unwrap();
        for path in ["/images/logo", "/images/sceau"] {
            answer(house.send(&token, path, "Image.png", &drawing).await, 200).await;
        }
    };
    // What does not exist is told; once it does, the letter is taken.
    let refused = send("lettre", &letter, 422).await;
    let faults = refused["faults"].to_string();
    assert!(
        ["entete", "images.logo", "images.sceau"]
            .iter()
            .all(|name| faults.contains(name)),
        "{faults}"
    );
    draw(RED).await;
    house.settle().await;
    let header = |text: &str| text_document(&format!("<text:p>{text}</text:p>"));
    send("entete", &header("Ancien en-tête"), 200).await;
    send("lettre", &letter, 200).await;
    publish(&house).await;
    let dossier = house.granted("SUB-1", "Sport").await;
    let batch = start(&house, &token, &[dossier]).await;
    // What is new after the start of the batch is for other batches.
    send("entete", &header("Nouvel en-tête"), 200).await;
    draw(BLUE).await;
    house.work().await;
    completed(&house, &token, batch).await;

    let document = DocumentId::of_dossier(batch, dossier);
    let query = format!(
        r#"{{ document(id: "{document}") {{ office included {{ kind code version file }} }} }}"#
    );
    let read = house.ask(&token, &query, json!({})).await["data"]["document"].clone();
    let old = Digest::of(&header("Ancien en-tête")).to_string();
    let red = Digest::of(&STANDARD.decode(RED).unwrap()).to_string();
    assert_eq!(
        read["included"],
        json!([
            { "kind": "TEMPLATE", "code": "entete", "version": 1, "file": old },
            { "kind": "IMAGE", "code": "logo", "version": 1, "file": red },
            { "kind": "IMAGE", "code": "sceau", "version": 1, "file": red },
        ])
    );
    let path = format!("/documents/{document}/office");
    let office = house.get(&path).bearer_auth(&token).send().await.unwrap();
    let office = office.bytes().await.unwrap();
    let mut archive = ZipArchive::new(Cursor::new(&office)).unwrap();
    let names: Vec<String> = (0..archive.len())
        .map(|index| {
            archive
                .by_index(index)
                .unwrap()
                .name()
                .unwrap()
                .into_owned()
        })
        .collect();
    assert!(
        names.iter().any(|name| name.starts_with("Pictures/")),
        "{names:?}"
    );
    let text = text_of(&office);
    assert!(text.contains("Ancien en-tête"), "{text}");

    // From what the log recorded, the same bytes.
    let order = house
        .app
        .dispatcher
        .load::<Document>(document.0)
        .await
        .unwrap();
    let order = order.state.journey().unwrap().order.clone();
    let files = house.app.ports.files.as_ref();
    let kept = navette::library::fetch(files, &order.included)
        .await
        .unwrap();
    let cases = navette::cases::load(&house.app.dispatcher, &[dossier.0])
        .await
        .unwrap();
    let around = Surroundings {
        title: order.title,
        date: order.date,
        batch,
        batch_label: "Lettres de mars".into(),
        document: PaperReference { document, round: 1 },
    };
    let data = merge_fields::of_dossier(&cases[0], &around).unwrap();
    let data = merge_fields::with_images(data, &order.included);
    let again = house
        .app
        .ports
        .office
        .merge_with(&letter, &kept, &data)
        .await
        .unwrap();
    assert_eq!(again.bytes, office);
    let preview = house.post("/templates/lettre/preview?format=office");
    let preview = preview.bearer_auth(&token).send().await.unwrap();
    let preview = text_of(&preview.bytes().await.unwrap());
    assert!(preview.contains("Nouvel en-tête"), "{preview}");
}

#[tokio::test]
async fn a_batch_is_printed_as_one_pdf_in_the_order_of_its_dossiers() {
    let (house, token, batch, dossiers) = with_letters(&["SUB-2", "SUB-1"]).await;
    for parameters in ["", "?recto_verso=true"] {
        let get = async |what: &str| {
            let path = format!("/batches/{batch}/{what}{parameters}");
            house.get(&path).bearer_auth(&token).send().await.unwrap()
        };
        let pages = answer(get("pages").await, 200).await;
        assert_eq!(pages["missing"], json!([]));
        let printed = pages["printed"].as_array().unwrap();
        let documents: Vec<&Value> = printed.iter().map(|range| &range["document"]).collect();
        let in_order: Vec<Value> = dossiers
            .iter()
            .map(|dossier| json!(DocumentId::of_dossier(batch, *dossier)))
            .collect();
        assert_eq!(documents, in_order.iter().collect::<Vec<_>>());
        let pdf = get("pdf").await;
        assert_eq!(pdf.status(), 200);
        assert_eq!(pdf.headers()["content-type"], "application/pdf");
        let name = pdf.headers()["content-disposition"].to_str().unwrap();
        assert!(name.contains("Lettres_de_mars.pdf"), "{name}");
        let pdf = lopdf::Document::load_mem(&pdf.bytes().await.unwrap()).unwrap();
        assert_eq!(printed[1]["last"], pdf.get_pages().len());
        for (range, reference) in printed.iter().zip(["SUB-2", "SUB-1"]) {
            assert!(range["title"].as_str().unwrap().ends_with(reference));
            let first = u32::try_from(range["first"].as_u64().unwrap()).unwrap();
            let last = u32::try_from(range["last"].as_u64().unwrap()).unwrap();
            let text = pdf.extract_text(&[first]).unwrap();
            assert!(text.contains(reference), "{range}: {text}");
            assert!(last >= first && (parameters.is_empty() || first % 2 == 1));
        }
    }
    let stranger = house.token(Role::Instructor, &["Culture"]).await;
    for what in ["pdf", "pages"] {
        let ask = async |batch: Uuid| {
            let path = format!("/batches/{batch}/{what}");
            let asked = house.get(&path).bearer_auth(&stranger);
            body(asked.send().await.unwrap(), 404).await
        };
        assert_eq!(ask(batch.0).await, ask(Uuid::nil()).await);
    }
}
