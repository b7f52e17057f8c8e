//! The API's words.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// Any answer.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: serde::de::DeserializeOwned")]
pub(super) struct Answer<T> {
    #[serde(default = "nothing")]
    pub data: Option<T>,
    #[serde(default)]
    pub errors: Vec<GraphqlError>,
}

fn nothing<T>() -> Option<T> {
    None
}

#[derive(Debug, Deserialize)]
pub(super) struct GraphqlError {
    pub message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Debug, Default, Deserialize)]
struct Extensions {
    #[serde(default)]
    code: String,
}

impl GraphqlError {
    pub(super) fn code(&self) -> &str {
        &self.extensions.code
    }
}

/// Where a dossier stands; a draft that was never sent is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    EnConstruction,
    EnInstruction,
    Accepte,
    Refuse,
    SansSuite,
}

/// `demarche`.
#[derive(Debug, Deserialize)]
pub(super) struct Demarche<T> {
    pub demarche: T,
}

#[derive(Debug, Deserialize)]
pub(super) struct Changed {
    pub dossiers: Connection,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection {
    pub page_info: PageInfo,
    pub nodes: Vec<Dossier>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dossier {
    pub number: u64,
    pub state: State,
    pub date_derniere_modification: DateTime<Utc>,
    pub date_traitement: Option<DateTime<Utc>>,
    pub usager: Option<Usager>,
    pub demandeur: Demandeur,
    pub champs: Vec<Champ>,
    pub annotations: Vec<Champ>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Usager {
    pub email: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "__typename")]
pub(super) enum Demandeur {
    #[serde(rename = "PersonnePhysique")]
    Person {
        nom: String,
        prenom: String,
        email: Option<String>,
    },
    #[serde(rename = "PersonneMorale")]
    Organisation {
        siret: String,
        entreprise: Option<Entreprise>,
        association: Option<Association>,
        address: Option<Address>,
    },
    #[serde(rename = "PersonneMoraleIncomplete")]
    UnknownOrganisation { siret: String },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entreprise {
    pub raison_sociale: String,
    pub nom: Option<String>,
    pub prenom: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Association {
    pub rna: Option<String>,
    pub titre: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address {
    #[serde(rename = "streetAddress")]
    pub street: Option<String>,
    pub postal_code: String,
    pub city_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Champ {
    pub label: String,
    pub string_value: Option<String>,
}

/// `demarche`, for its fields.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Form {
    pub title: String,
    pub active_revision: Revision,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Revision {
    pub champ_descriptors: Vec<Label>,
    pub annotation_descriptors: Vec<Label>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Label {
    pub label: String,
}

/// `dossier`, for what it has already.
#[derive(Debug, Deserialize)]
pub(super) struct Read {
    pub dossier: Known,
}

#[derive(Debug, Deserialize)]
pub(super) struct Known {
    pub id: String,
    pub state: State,
    pub messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub id: String,
    #[serde(default)]
    pub attachments: Vec<File>,
}

#[derive(Debug, Deserialize)]
pub(super) struct File {
    /// The MD5 of the content, in base64.
    pub checksum: String,
}

/// What a mutation answers.
#[derive(Debug, Deserialize)]
pub(super) struct Payload<T> {
    pub payload: Option<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Upload {
    pub direct_upload: Option<DirectUpload>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DirectUpload {
    pub url: String,
    /// A JSON object, as a text.
    pub headers: String,
    pub signed_blob_id: String,
}

/// What was done, or why it was not.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Done {
    pub message: Option<Sent>,
    pub errors: Option<Vec<Refusal>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    pub id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub message: String,
}
