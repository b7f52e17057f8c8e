//! Maarch Courrier's own words: reference tables, resources, contacts, refusals.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET /indexingModels`.
#[derive(Debug, Deserialize)]
pub(super) struct IndexingModels {
    #[serde(rename = "indexingModels")]
    pub(super) models: Vec<IndexingModel>,
}

/// One way of registering.
#[derive(Debug, Deserialize)]
pub(super) struct IndexingModel {
    pub(super) id: i64,
    /// `incoming`, `outgoing`, `internal`, `ged_doc`.
    pub(super) category: String,
    pub(super) label: String,
}

/// `GET /doctypes/types`.
#[derive(Debug, Deserialize)]
pub(super) struct Doctypes {
    pub(super) doctypes: Vec<Doctype>,
}

/// A kind of mail.
#[derive(Debug, Deserialize)]
pub(super) struct Doctype {
    pub(super) type_id: i64,
    pub(super) description: String,
}

/// `GET /priorities`.
#[derive(Debug, Deserialize)]
pub(super) struct Priorities {
    pub(super) priorities: Vec<Priority>,
}

/// A priority, whose id is a random code on every site.
#[derive(Debug, Deserialize)]
pub(super) struct Priority {
    pub(super) id: String,
    pub(super) label: String,
}

/// `GET /entities`.
#[derive(Debug, Deserialize)]
pub(super) struct Entities {
    pub(super) entities: Vec<Entity>,
}

/// A service of the organisation: its code is what people know, its serial number what a resource wants.
#[derive(Debug, Deserialize)]
pub(super) struct Entity {
    #[serde(rename = "serialId")]
    pub(super) serial_id: i64,
    #[serde(rename = "entity_id")]
    pub(super) code: String,
    #[serde(rename = "entity_label")]
    pub(super) label: String,
}

/// One of `GET /autocomplete/statuses`.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) id: String,
    #[serde(rename = "idToDisplay")]
    pub(super) label: String,
}

/// Our id, as Maarch keeps the ids of others.
#[derive(Debug, Serialize)]
pub(super) struct ExternalId {
    pub(super) navette: String,
}

/// `PUT /resources/external`: a look-up in spite of its verb.
#[derive(Debug, Serialize)]
pub(super) struct ByExternalId {
    #[serde(rename = "type")]
    key: &'static str,
    value: String,
}

impl ByExternalId {
    /// Looks for our `id`. The server compares JSON with JSON: a text must come with its own quotes, and
    /// without them nothing is ever found.
    pub(super) fn navette(id: &str) -> Self {
        Self {
            key: "navette",
            value: Value::from(id).to_string(),
        }
    }
}

/// `POST /resources`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewResource<'a> {
    pub(super) model_id: i64,
    pub(super) doctype: i64,
    pub(super) priority: &'a str,
    pub(super) status: &'a str,
    pub(super) destination: i64,
    pub(super) subject: &'a str,
    pub(super) document_date: String,
    pub(super) chrono: bool,
    pub(super) recipients: Vec<Recipient>,
    pub(super) external_id: ExternalId,
    pub(super) encoded_file: String,
    pub(super) format: &'static str,
}

/// Whom a resource is for.
#[derive(Debug, Serialize)]
pub(super) struct Recipient {
    pub(super) id: i64,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

/// `POST /contacts`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewContact<'a> {
    pub(super) company: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<&'a str>,
    pub(super) external_id: ExternalId,
}

/// The answer to a new contact.
#[derive(Debug, Deserialize)]
pub(super) struct Contact {
    pub(super) id: i64,
}

/// The answer to a new resource, and to a look-up.
#[derive(Debug, Deserialize)]
pub(super) struct ResourceId {
    #[serde(rename = "resId")]
    pub(super) res_id: i64,
}

/// `GET /resources/{id}?light=true`, in what matters to us.
#[derive(Debug, Deserialize)]
pub(super) struct Resource {
    pub(super) chrono: Option<String>,
}

/// What a look-up says, with a 400, when it finds nothing.
pub(super) const NOT_FOUND: &str = "Document not found";

const LONGEST_REMARK: usize = 300;

/// The text of a refusal: `errors` is a text, or an object that holds one.
pub(super) fn remark(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut text = match body.get("errors")? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.truncate(text.floor_char_boundary(LONGEST_REMARK));
    Some(text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn our_id_is_looked_for_with_its_own_quotes() {
        let sent = serde_json::to_string(&ByExternalId::navette("ab-12")).unwrap();
        assert_eq!(sent, r#"{"type":"navette","value":"\"ab-12\""}"#);
    }

    #[test]
    fn a_refusal_is_read_whether_a_text_or_an_object() {
        let text = br#"{"errors":"Service forbidden"}"#;
        assert_eq!(remark(text).unwrap(), "Service forbidden");
        let object = br#"{"errors":{"lang":"locked"}}"#;
        assert_eq!(remark(object).unwrap(), r#"{"lang":"locked"}"#);
        assert_eq!(remark(b"<html>"), None);
    }
}
