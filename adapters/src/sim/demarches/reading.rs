//! What the platform tells of its démarche and dossiers.

use super::{Inner, Kept, Platform, failed};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

fn known(platform: &Platform, variables: &Value) -> Option<Value> {
    let asked = variables["demarche"].as_u64();
    (asked != Some(platform.options.demarche))
        .then(|| failed("DemarcheWithDossiers not found", "not_found"))
}

pub(super) fn fields(platform: &Platform, variables: &Value) -> Value {
    if let Some(refusal) = known(platform, variables) {
        return refusal;
    }
    let labels = platform.options.labels.iter();
    let labels: Vec<_> = labels.map(|label| json!({"label": label})).collect();
    json!({"data": {"demarche": {"title": "Aide aux associations", "activeRevision": {
        "champDescriptors": labels, "annotationDescriptors": [],
    }}}})
}

pub(super) fn changed(platform: &Platform, inner: &Inner, variables: &Value) -> Value {
    if let Some(refusal) = known(platform, variables) {
        return refusal;
    }
    let since = variables["since"].as_str();
    let since = since.and_then(|since| DateTime::parse_from_rfc3339(since).ok());
    let mut found: Vec<_> = inner
        .dossiers
        .values()
        .filter(|kept| since.is_none_or(|since| kept.filed.changed_at >= since))
        .collect();
    found.sort_by_key(|kept| (kept.filed.changed_at, kept.filed.number));
    let begin = variables["after"]
        .as_str()
        .and_then(|after| after.parse().ok());
    let begin: usize = begin.unwrap_or_default();
    let page = found.iter().skip(begin).take(platform.options.page);
    let nodes: Vec<_> = page.map(|kept| node(kept)).collect();
    let end = begin + nodes.len();
    json!({"data": {"demarche": {"dossiers": {
        "pageInfo": {"hasNextPage": end < found.len(), "endCursor": end.to_string()},
        "nodes": nodes,
    }}}})
}

fn node(kept: &Kept) -> Value {
    let date = |date: DateTime<Utc>| date.to_rfc3339_opts(SecondsFormat::Secs, true);
    let filed = &kept.filed;
    let fields = filed.fields.iter();
    let fields: Vec<_> = fields
        .map(|(label, value)| json!({"label": label, "stringValue": value}))
        .collect();
    json!({
        "number": filed.number, "state": filed.state,
        "dateDerniereModification": date(filed.changed_at),
        "dateTraitement": kept.decided_at.map(date),
        "usager": {"email": "contact@lac.example"},
        "demandeur": filed.applicant,
        "champs": fields, "annotations": [{"label": "Avis", "stringValue": null}],
    })
}

pub(super) fn told(inner: &Inner, variables: &Value) -> Value {
    let number = variables["number"].as_u64().unwrap_or_default();
    let Some(kept) = inner.dossiers.get(&number) else {
        return failed("Dossier not found", "not_found");
    };
    let messages = kept.messages.iter().enumerate().map(|(id, file)| {
        let files: Vec<_> = file.iter().map(|sum| json!({"checksum": sum})).collect();
        json!({"id": id.to_string(), "attachments": files})
    });
    let messages: Vec<_> = messages.collect();
    json!({"data": {"dossier": {
        "id": format!("RG9zc2llci0={number}"), "state": kept.filed.state, "messages": messages,
    }}})
}
