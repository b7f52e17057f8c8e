//! The people a document passes before it leaves: visa, then signature.

use super::{Answer, Attempt};
use crate::{
    ids::{DocumentId, SignatureId},
    personal::Personal,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A tray, where documents wait for people: one listing shows which of them have moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Tray {
    /// A folder in which they circulate, as the chain's step says it.
    Folder {
        /// See `VisaRequest::folder`.
        folder: String,
    },
    /// The folders of one type and subtype at the signing desk.
    Desk {
        /// See `SigningRequest::desk_type`.
        desk_type: String,
        /// See `SigningRequest::desk_subtype`.
        desk_subtype: String,
    },
}

impl Tray {
    /// Its stored name.
    pub fn key(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The tray of this stored name.
    pub fn read(key: &str) -> Option<Self> {
        serde_json::from_str(key).ok()
    }
}

/// A PDF to put in front of those who give their visa.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisaRequest {
    /// Our id, part of the file's path.
    pub document: DocumentId,
    /// The folder, as the chain's step says it, `/`-separated, without the account's root.
    pub folder: String,
    /// The file's readable name, with extension; the adapter makes it safe.
    pub file_name: String,
    /// The approval rule, by the name its administrator gave it.
    pub circuit: String,
    /// The bytes.
    pub pdf: Vec<u8>,
}

/// Where a PDF circulates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circulation {
    /// The neighbour's number of the file, which survives renames.
    pub file_id: String,
    /// Where it was put.
    pub path: String,
    /// The neighbour's mark of the content that was sent.
    pub etag: String,
}

/// Where a visa stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VisaState {
    /// Nobody has answered yet.
    Pending,
    /// The circuit is over, and favourable.
    Approved {
        /// Who gave the last visa.
        by: Personal<String>,
        /// When.
        at: DateTime<Utc>,
        /// What they wrote, if anything.
        comment: Option<String>,
        /// The content as it stands now: annotated, perhaps.
        pdf: Vec<u8>,
    },
    /// Somebody refused.
    Rejected {
        /// Who.
        by: Personal<String>,
        /// When.
        at: DateTime<Utc>,
        /// Why, in their words.
        reason: String,
    },
    /// The file or the request is gone.
    Lost,
}

/// Circulation on tablets for visa.
#[async_trait]
pub trait VisaCircuit: Send + Sync {
    /// Uploads the PDF and asks for approval.
    async fn circulate(&self, request: &VisaRequest, attempt: Attempt) -> Answer<Circulation>;
    /// Where it circulates, if an earlier attempt put it there; the request's bytes do not matter.
    async fn find(&self, request: &VisaRequest) -> Answer<Option<Circulation>>;
    /// Where the visa stands.
    async fn state(&self, circulation: &Circulation) -> Answer<VisaState>;
    /// The numbers of the files of a folder that wait for nobody any more, in one listing; none when it cannot
    /// be told so, and then each document has to be asked for.
    async fn moved(&self, _folder: &str) -> Answer<Option<Vec<String>>> {
        Ok(None)
    }
    /// Takes the PDF out of circulation; already gone is done.
    async fn withdraw(&self, circulation: &Circulation) -> Answer<()>;
}

/// The desk's own name of a folder: ours where it lets us choose, the one it gave elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FolderRef(pub String);

/// One folder at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Our id, which the folder bears in some way.
    pub signature: SignatureId,
    /// The desk's, when its answer to the deposit was heard; without it, the desk is searched.
    pub folder: Option<FolderRef>,
}

/// A PDF to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRequest {
    /// Our id: the neighbour's own key where it takes one (`DossierID` of iParapheur).
    pub signature: SignatureId,
    /// The human title, at most 100 characters.
    pub title: String,
    /// The desk's type and subtype, which choose the circuit.
    pub desk_type: String,
    /// See `desk_type`.
    pub desk_subtype: String,
    /// The file's readable name.
    pub file_name: String,
    /// The bytes.
    pub pdf: Vec<u8>,
}

/// Where a signature stands at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeskProgress {
    /// Not over; the desk's last word, for the journal.
    InProgress(String),
    /// Signed and retrievable.
    Finished,
    /// Refused for good.
    Rejected {
        /// Who refused.
        by: Personal<String>,
        /// Why, in their words.
        reason: String,
    },
    /// The desk does not know this id.
    Unknown,
}

/// What comes back from the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedFolder {
    /// The document as the desk returns it.
    pub pdf: Vec<u8>,
    /// The signature slip (bordereau), when there is one.
    pub slip: Option<Vec<u8>>,
}

/// Electronic signature.
#[async_trait]
pub trait SigningDesk: Send + Sync {
    /// Deposits the PDF for signature.
    async fn submit(&self, request: &SigningRequest, attempt: Attempt) -> Answer<FolderRef>;
    /// Where it stands.
    async fn progress(&self, passage: &Passage) -> Answer<DeskProgress>;
    /// Those of our signatures of a type and subtype that wait for nobody any more, in a few listings; none when
    /// it cannot be told so, and then each signature has to be asked for.
    async fn moved(&self, _type: &str, _subtype: &str) -> Answer<Option<Vec<SignatureId>>> {
        Ok(None)
    }
    /// What the desk holds: signed if finished, slip and annexes if rejected.
    async fn retrieve(&self, passage: &Passage) -> Answer<SignedFolder>;
    /// Clears a finished or rejected folder from the desk, once its content is safe here; unknown is done.
    async fn archive(&self, passage: &Passage) -> Answer<()>;
    /// Takes a running folder back (right of withdrawal), then clears it; unknown is done.
    async fn withdraw(&self, passage: &Passage) -> Answer<()>;
}
