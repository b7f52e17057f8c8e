//! What the platform does when it is asked to: files announced, messages sent, decisions taken.

use super::{Blob, DECIDED, Inner, MESSAGE, Platform, failed};
use navette_domain::ports::Neighbour;
use serde_json::{Value, json};
use std::sync::PoisonError;

pub(super) fn upload(platform: &Platform, inner: &mut Inner, input: &Value) -> Value {
    let blob = Blob {
        checksum: input["checksum"].as_str().unwrap_or_default().to_owned(),
        size: input["byteSize"].as_u64().unwrap_or_default(),
        bytes: None,
    };
    let number = inner.blobs.len() as u64 + 1;
    let url = platform.url.lock().unwrap_or_else(PoisonError::into_inner);
    let headers = json!({"Content-Type": input["contentType"], "Content-MD5": blob.checksum});
    inner.blobs.insert(number, blob);
    json!({"data": {"payload": {"directUpload": {
        "url": format!("{url}/blobs/{number}"),
        "headers": headers.to_string(),
        "signedBlobId": format!("blob-{number}"),
    }}}})
}

pub(super) fn change(
    platform: &Platform,
    inner: &mut Inner,
    mutation: &str,
    input: &Value,
) -> Value {
    let refused = |message: &str| json!({"data": {"payload": {"errors": [{"message": message}]}}});
    if input["instructeurId"] != platform.options.instructor.as_str() {
        return refused("L’instructeur n’a pas les droits d’accès à ce dossier");
    }
    let id = input["dossierId"].as_str().unwrap_or_default();
    let number: u64 = id
        .rsplit('=')
        .next()
        .and_then(|n| n.parse().ok())
        .unwrap_or_default();
    if mutation == "Message" {
        return message(platform, inner, number, input);
    }
    let Some(kept) = inner.dossiers.get_mut(&number) else {
        return failed("Dossier not found", "not_found");
    };
    let motive = input["motivation"].as_str().unwrap_or_default();
    let (to, from, needs_motive) = match mutation {
        "Instruct" => ("en_instruction", "en_construction", false),
        "Accept" => ("accepte", "en_instruction", false),
        "Refuse" => ("refuse", "en_instruction", true),
        "Drop" => ("sans_suite", "en_instruction", true),
        _ => return failed("unknown operation", "bad_request"),
    };
    if kept.filed.state != from {
        return refused(&format!("Le dossier est déjà {}", kept.filed.state));
    }
    if needs_motive && motive.is_empty() {
        return failed("motivation is required", "bad_request");
    }
    kept.filed.state = to;
    let key = format!("{number} {to}");
    platform
        .ledger
        .note(Neighbour::GrantsTool, DECIDED, key, Some(motive.as_bytes()));
    json!({"data": {"payload": {"errors": null}}})
}

fn message(platform: &Platform, inner: &mut Inner, number: u64, input: &Value) -> Value {
    let blob = input["attachment"]
        .as_str()
        .and_then(|id| id.strip_prefix("blob-"));
    let blob = blob.and_then(|id| id.parse::<u64>().ok());
    let blob = blob
        .and_then(|id| inner.blobs.get(&id))
        .filter(|blob| blob.bytes.is_some());
    let Some((checksum, bytes)) = blob.map(|blob| (blob.checksum.clone(), blob.bytes.clone()))
    else {
        let refusal = "Le fichier n’a pas été correctement envoyé";
        return json!({"data": {"payload": {"errors": [{"message": refusal}]}}});
    };
    let Some(kept) = inner.dossiers.get_mut(&number) else {
        return failed("Dossier not found", "not_found");
    };
    kept.messages.push(Some(checksum));
    let id = kept.messages.len() - 1;
    let key = number.to_string();
    platform
        .ledger
        .note(Neighbour::GrantsTool, MESSAGE, key, bytes.as_deref());
    json!({"data": {"payload": {"message": {"id": id.to_string()}, "errors": null}}})
}
