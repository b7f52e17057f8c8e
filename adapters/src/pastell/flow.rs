//! What a site's flow is like: its words belong to the configuration.

use serde::Deserialize;
use std::collections::BTreeMap;

/// What a site's flow calls things; by default, as the flow `pdf-generique` does.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// The field of the title.
    pub title: String,
    /// The field of the document.
    pub document: String,
    /// The fields of the desk's type and subtype.
    pub desk_type: String,
    /// See `desk_type`.
    pub desk_subtype: String,
    /// Fields to be filled in with fixed values, such as the one that says that a signature is wanted.
    pub fixed: BTreeMap<String, String>,
    /// What is done once everything is filled in, each when the hub allows it.
    pub actions: Vec<String>,
    /// The states in which nothing was sent yet.
    pub before: Vec<String>,
    /// Those in which it is signed.
    pub signed: Vec<String>,
    /// … refused.
    pub refused: Vec<String>,
    /// … stopped by an error that somebody must mend at the hub.
    pub failed: Vec<String>,
    /// The fields of the signed document and of the signature slip.
    pub signed_document: String,
    /// See `signed_document`.
    pub slip: String,
    /// The action that removes a document; without it, Navette leaves what is over where it is.
    pub removal: Option<String>,
}

impl Default for Flow {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            name: "pdf-generique".to_owned(),
            title: "libelle".to_owned(),
            document: "document".to_owned(),
            desk_type: "iparapheur_type".to_owned(),
            desk_subtype: "iparapheur_sous_type".to_owned(),
            fixed: [("envoi_signature".to_owned(), "1".to_owned())].into(),
            actions: words(&["orientation", "send-iparapheur"]),
            before: words(&["creation", "modification"]),
            signed: words(&["recu-iparapheur"]),
            refused: words(&["rejet-iparapheur"]),
            failed: words(&["erreur-verif-iparapheur"]),
            signed_document: "document".to_owned(),
            slip: "bordereau".to_owned(),
            removal: None,
        }
    }
}
