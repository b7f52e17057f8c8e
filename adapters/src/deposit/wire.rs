//! The words of our own deposit contract, which the porte-documents and the grants tool share.

use navette_domain::{digest::Digest, ports};
use serde::{Deserialize, Serialize};

/// What accompanies the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Meta {
    pub titre: String,
    pub r#type: String,
    pub dossier_ref: String,
    pub date_document: chrono::NaiveDate,
    pub confidentialite: String,
    pub notifier: bool,
}

impl Meta {
    pub fn of(deposit: &ports::Deposit, notifier: bool) -> Self {
        Self {
            titre: deposit.title.clone(),
            r#type: "courrier".into(),
            dossier_ref: deposit.dossier_reference.clone(),
            date_document: deposit.date,
            confidentialite: "usager".into(),
            notifier,
        }
    }
}

/// A document that the neighbour holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Held {
    pub id: String,
    pub url: String,
    pub sha256: Digest,
    pub depot_le: chrono::DateTime<chrono::Utc>,
}

/// An error, as `application/problem+json` and the contract's `code` and `champs` say it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    pub title: Option<String>,
    pub code: Option<String>,
    pub champs: Vec<String>,
}
