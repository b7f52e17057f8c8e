//! Files that are added to dossiers, from the upload to the erasure.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{
    doors::{House, asks, body},
    story::{profile, request},
};
use navette::erasure::Erasure;
use navette_domain::{
    digest::Digest,
    dossier::{Dossier, DossierCommand, Request},
    ids::{DocumentId, DossierId},
    policy::Role,
    third_party::{Profile, Retention, ThirdParty, ThirdPartyCommand, ThirdPartyRefusal},
};
use reqwest::Response;
use serde_json::{Value, json};
use std::io::{Cursor, Write as _};
use uuid::Uuid;
use zip::{ZipWriter, write::SimpleFileOptions};

const PDF: &[u8] = b"%PDF-1.7\nun devis";

/// What an upload under this key is answered.
async fn send(
    house: &House,
    token: &str,
    dossier: Uuid,
    key: Uuid,
    (name, bytes): (&str, &[u8]),
) -> Response {
    house
        .post(&format!("/dossiers/{dossier}/attachments"))
        .bearer_auth(token)
        .header("idempotency-key", key.to_string())
        .header("content-type", "multipart/form-data; boundary=frontier")
        .body(form(name, bytes))
        .send()
        .await
        .unwrap()
}

/// A form with this file, as browsers write it.
fn form(name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--frontier--\r\n"].concat()
}

async fn json_of(response: Response, status: u16) -> Value {
    serde_json::from_str(&body(response, status).await).unwrap()
}

/// The attachments of a dossier.
async fn listed(house: &House, token: &str, dossier: Uuid) -> Vec<Value> {
    house.settle().await;
    let query = "query($id: UUID!) { dossier(id: $id) { attachments {
        id nodeId name format mediaType size file addedBy version path url } } }";
    let answer = house.ask(token, query, json!({ "id": dossier })).await;
    let attachments = &answer["data"]["dossier"]["attachments"];
    attachments
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .clone()
}

/// An archive with these entries.
fn archive(entries: &[&str]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(vec![]));
    for entry in entries {
        archive
            .start_file(*entry, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(b"x").unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_file_is_added_to_a_dossier_listed_downloaded_and_taken_away() {
    let house = House::open().await;
    let dossier = house.granted("SUB-1", "Sport").await.0;
    let token = house.token(Role::Instructor, &["Sport"]).await;
    let key = Uuid::new_v4();
    let sent = ("dossiers/Devis été.pdf", PDF);
    let first = json_of(send(&house, &token, dossier, key, sent).await, 200).await;
    assert_eq!(first["name"], "Devis été.pdf");
    assert_eq!(first["format"], "pdf");
    let events = house.events().await;
    // A repetition is answered alike; the key serves nothing else.
    let again = json_of(send(&house, &token, dossier, key, sent).await, 200).await;
    assert_eq!(again, first);
    let other = send(&house, &token, dossier, key, ("autre.pdf", PDF)).await;
    assert_eq!(json_of(other, 409).await["refusal"]["code"], "KEY_REUSED");
    assert_eq!(house.events().await, events);
    let attachments = listed(&house, &token, dossier).await;
    assert_eq!(attachments.len(), 1);
    let attachment = &attachments[0];
    assert_eq!(attachment["id"], first["id"]);
    assert_eq!(attachment["size"], PDF.len());
    assert_eq!(attachment["file"], Digest::of(PDF).to_string());
    assert_eq!(attachment["mediaType"], "application/pdf");
    assert!(
        attachment["addedBy"]
            .as_str()
            .unwrap()
            .starts_with("token:essai-")
    );
    // The file itself, with the token or by its address.
    let path = attachment["path"].as_str().unwrap();
    let file = house.get(path).bearer_auth(&token).send().await.unwrap();
    let disposition = file.headers()["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with("attachment;"), "{disposition}");
    assert!(
        disposition.ends_with("Devis_%C3%A9t%C3%A9.pdf"),
        "{disposition}"
    );
    assert_eq!(file.bytes().await.unwrap(), PDF);
    let url = attachment["url"].as_str().unwrap();
    assert_eq!(
        house.get(url).send().await.unwrap().bytes().await.unwrap(),
        PDF
    );
    body(house.get(path).send().await.unwrap(), 401).await;
    // Any object by its id.
    let query = "query($id: ID!) { node(id: $id) { __typename } }";
    let variables = json!({ "id": attachment["nodeId"] });
    let node = house.ask(&token, query, variables).await;
    assert_eq!(node["data"]["node"]["__typename"], "Attachment");
    // Taken away, for a reason.
    let want = "position refusal { code }";
    let mut input = json!({ "id": first["id"], "reason": " " });
    let refused = house
        .mutate(&token, "removeAttachment", input.clone(), want)
        .await;
    assert_eq!(refused["refusal"]["code"], "INVALID_INPUT", "{refused}");
    input["reason"] = json!("doublon");
    input["expectedVersion"] = attachment["version"].clone();
    input["idempotencyKey"] = json!(Uuid::new_v4());
    let removed = house
        .mutate(&token, "removeAttachment", input.clone(), want)
        .await;
    assert!(removed["position"].is_number(), "{removed}");
    let again = house.mutate(&token, "removeAttachment", input, want).await;
    assert_eq!(again, removed);
    assert_eq!(listed(&house, &token, dossier).await, [Value::Null; 0]);
    body(
        house.get(path).bearer_auth(&token).send().await.unwrap(),
        404,
    )
    .await;
    let query = "query($id: UUID!) { dossier(id: $id) { version timeline { sentence } steps { sentence } } }";
    let told = house.ask(&token, query, json!({ "id": dossier })).await;
    let told = &told["data"]["dossier"];
    // The dossier itself has not changed.
    assert_eq!(told["version"], 2);
    for history in ["timeline", "steps"] {
        let sentences = told[history].to_string();
        assert!(sentences.contains("Pièce jointe ajoutée"), "{sentences}");
        assert!(
            sentences.contains("Pièce jointe retirée : doublon"),
            "{sentences}"
        );
    }
}

#[tokio::test]
async fn a_file_is_what_its_content_says_or_is_refused() {
    let house = House::open().await;
    let dossier = house.granted("SUB-1", "Sport").await.0;
    let token = house.token(Role::Instructor, &[]).await;
    let word = archive(&["[Content_Types].xml", "word/document.xml"]);
    let text = include_bytes!("../../examples/templates/lettre-attribution.odt");
    for (name, bytes, format) in [
        ("piece.exe", PDF, "pdf"),
        ("photo.png", b"\x89PNG\r\n\x1a\n".as_slice(), "png"),
        ("pv.odt", text.as_slice(), "odt"),
        ("pv.docx", word.as_slice(), "docx"),
    ] {
        let sent = send(&house, &token, dossier, Uuid::new_v4(), (name, bytes)).await;
        assert_eq!(json_of(sent, 200).await["format"], format, "{name}");
    }
    let (events, stored) = (house.events().await, house.stored());
    let programs = archive(&["word/document.xml", "word/vbaProject.bin"]);
    let other = archive(&["a.txt"]);
    for (name, bytes) in [
        ("devis.pdf", b"MZ\x90\0".as_slice()),
        ("devis.pdf", b"<html>"),
        ("devis.pdf", b""),
        ("pv.docx", programs.as_slice()),
        ("pv.docx", other.as_slice()),
        ("pv.docx", b"PK\x03\x04"),
    ] {
        let sent = send(&house, &token, dossier, Uuid::new_v4(), (name, bytes)).await;
        let told = body(sent, 422).await;
        assert!(told.contains("PDF, PNG, JPEG"), "{name}: {told}");
    }
    let long = "x".repeat(201);
    let sent = send(&house, &token, dossier, Uuid::new_v4(), (&long, PDF)).await;
    assert!(body(sent, 422).await.contains("de 1 à 200 caractères"));
    let large = [PDF, &vec![b'x'; 20 * 1024 * 1024]].concat();
    let sent = send(
        &house,
        &token,
        dossier,
        Uuid::new_v4(),
        ("grand.pdf", &large),
    )
    .await;
    body(sent, 413).await;
    let unkeyed = house
        .post(&format!("/dossiers/{dossier}/attachments"))
        .bearer_auth(&token)
        .header("content-type", "multipart/form-data; boundary=frontier")
        .body(form("devis.pdf", PDF));
    body(unkeyed.send().await.unwrap(), 400).await;
    assert_eq!(house.events().await, events);
    // What has a bad name is in the store already, under its digest, and was before.
    assert_eq!(house.stored(), stored);
}

#[tokio::test]
async fn attachments_are_for_those_who_see_the_dossier_and_written_by_those_who_may() {
    let house = House::open().await;
    let dossier = house.granted("SUB-1", "Sport").await.0;
    let clerk = house.token(Role::Instructor, &["Sport"]).await;
    let sent = send(&house, &clerk, dossier, Uuid::new_v4(), ("devis.pdf", PDF)).await;
    let id = json_of(sent, 200).await["id"].clone();
    house.settle().await;
    let auditor = house.token(Role::Auditor, &[]).await;
    let sent = send(
        &house,
        &auditor,
        dossier,
        Uuid::new_v4(),
        ("devis.pdf", PDF),
    )
    .await;
    body(sent, 403).await;
    assert_eq!(listed(&house, &auditor, dossier).await.len(), 1);
    // What one does not see is what does not exist.
    let stranger = house.token(Role::Instructor, &["Culture"]).await;
    let (seen, unseen) = (dossier, Uuid::from_u128(42));
    let mut answers = vec![];
    for dossier in [seen, unseen] {
        let sent = send(
            &house,
            &stranger,
            dossier,
            Uuid::new_v4(),
            ("devis.pdf", PDF),
        )
        .await;
        answers.push(body(sent, 404).await);
    }
    assert_eq!(answers[0], answers[1]);
    let mut answers = vec![];
    for id in [id.clone(), json!(unseen)] {
        let path = format!("/attachments/{}", id.as_str().unwrap());
        let got = house
            .get(&path)
            .bearer_auth(&stranger)
            .send()
            .await
            .unwrap();
        answers.push(body(got, 404).await);
        let input = json!({ "id": id, "reason": "x" });
        let want = "refusal { code sentence }";
        let removed = house
            .mutate(&stranger, "removeAttachment", input, want)
            .await;
        answers.push(removed.to_string());
    }
    assert_eq!(answers[0..2], answers[2..4]);
    assert!(answers[1].contains("NOT_FOUND"), "{answers:?}");
    assert_eq!(listed(&house, &clerk, dossier).await.len(), 1);
}

/// A dossier of a third party that has no other.
async fn of_another(house: &House) -> Uuid {
    let profile = Profile {
        siret: None,
        rna: None,
        ..profile("SUB-2")
    };
    let at = house.app.clock.now();
    let third_party = profile.derived_id(profile.name.reveal());
    let dispatcher = &house.app.dispatcher;
    let register = ThirdPartyCommand::Register { profile, at };
    dispatcher
        .dispatch::<ThirdParty>(&asks(), third_party.0, register)
        .await
        .unwrap();
    let request = Request {
        third_party,
        ..request("SUB-2")
    };
    let id = DossierId::of_reference("SUB-2").0;
    let command = DossierCommand::Register { request, at };
    dispatcher
        .dispatch::<Dossier>(&asks(), id, command)
        .await
        .unwrap();
    id
}

#[tokio::test]
async fn an_erasure_takes_the_attachments_of_a_third_party_away() {
    let house = House::open().await;
    let dossier = house.granted("SUB-1", "Sport").await.0;
    let other = of_another(&house).await;
    let admin = house.token(Role::Admin, &[]).await;
    let common = b"%PDF-1.7\nla note commune".as_slice();
    for (dossier, name, bytes) in [
        (dossier, "RIB Jeanne.pdf", PDF),
        (dossier, "note Jeanne.pdf", common),
        (other, "note.pdf", common),
    ] {
        let sent = send(&house, &admin, dossier, Uuid::new_v4(), (name, bytes)).await;
        body(sent, 200).await;
    }
    // What was taken away is still kept, so it goes too.
    let first = &listed(&house, &admin, dossier).await[0]["id"];
    let input = json!({ "id": first, "reason": "doublon" });
    house
        .mutate(&admin, "removeAttachment", input, "version")
        .await;
    let (app, at) = (&house.app, house.app.clock.now());
    let document = DocumentId(Uuid::nil());
    for command in [
        DossierCommand::Notify { document, at },
        DossierCommand::Close { at },
    ] {
        app.dispatcher
            .dispatch::<Dossier>(&asks(), dossier, command)
            .await
            .unwrap();
    }
    let erasure = Erasure::new(
        app.dispatcher.clone(),
        app.projections.clone(),
        app.ports.files.clone(),
        Retention { years: 0 },
    );
    let profile = profile("SUB-1");
    let third_party = profile.derived_id(profile.name.reveal()).0;
    erasure
        .erase(&asks(), third_party, "Demande")
        .await
        .unwrap();
    house.settle().await;
    let files = &app.ports.files;
    assert_eq!(files.get(Digest::of(PDF)).await.unwrap(), None);
    assert!(files.get(Digest::of(common)).await.unwrap().is_some());
    let shown: Vec<String> = sqlx::query_scalar("SELECT name FROM attachments")
        .fetch_all(&app.pool)
        .await
        .unwrap();
    assert_eq!(shown, ["note.pdf"]);
    let read = app
        .dispatcher
        .log()
        .read_named("attachment.added", 0, i64::MAX);
    let read: Vec<_> = read
        .await
        .unwrap()
        .into_iter()
        .map(|read| read.event)
        .collect();
    let read = serde_json::to_string(&read).unwrap();
    assert!(
        read.contains("note.pdf") && !read.contains("Jeanne"),
        "{read}"
    );
    // Nothing more is added for them.
    let sent = send(&house, &admin, dossier, Uuid::new_v4(), ("devis.pdf", PDF)).await;
    let told = body(sent, 422).await;
    assert!(
        told.contains(&ThirdPartyRefusal::Erased.to_string()),
        "{told}"
    );
}
