//! The complete list of what a chain may ask of the outside.

use crate::{
    chain::StepId,
    ids::{BatchId, DocumentId, EffectId, SignatureId},
    ports::{Circulation, Neighbour},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One piece of outside work. It is recorded with the event that causes it, done afterwards, and its
/// outcome is reported as a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Derived from what causes it: working it out twice names it once.
    pub id: EffectId,
    /// For which document.
    pub document: DocumentId,
    /// In which batch.
    pub batch: BatchId,
    /// For which step of the chain.
    pub step: StepId,
    /// What to do.
    pub work: Work,
    /// Whether an earlier effect of this id may already have reached the neighbour.
    pub doubtful: bool,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the variants say what they do in the words of `Action` and of the ports"
)]
pub enum Work {
    Merge,
    Convert,
    Circulate,
    WatchVisa {
        circulation: Circulation,
    },
    WithdrawVisa {
        circulation: Circulation,
    },
    RecallVisa {
        round: u32,
    },
    Submit {
        signature: SignatureId,
    },
    WatchSignature {
        signature: SignatureId,
    },
    ArchiveSignature {
        signature: SignatureId,
    },
    WithdrawSignature {
        signature: SignatureId,
    },
    Register,
    Attach,
    Notify,
    Email,
    Publish,
    Call,
    Weigh,
    Wait,
    Wake {
        until: DateTime<Utc>,
    },
    /// A word to whoever asked for the document, which still waits for people.
    Remind,
    /// A look at a document that is on paper, for as long as its scan has not come back.
    WatchScan,
}

impl Work {
    /// Its stored name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Convert => "convert",
            Self::Circulate => "circulate",
            Self::WatchVisa { .. } => "watch_visa",
            Self::WithdrawVisa { .. } => "withdraw_visa",
            Self::RecallVisa { .. } => "recall_visa",
            Self::Submit { .. } => "submit",
            Self::WatchSignature { .. } => "watch_signature",
            Self::ArchiveSignature { .. } => "archive_signature",
            Self::WithdrawSignature { .. } => "withdraw_signature",
            Self::Register => "register",
            Self::Attach => "attach",
            Self::Notify => "notify",
            Self::Email => "email",
            Self::Publish => "publish",
            Self::Call => "call",
            Self::Weigh => "weigh",
            Self::Wait => "wait",
            Self::Wake { .. } => "wake",
            Self::Remind => "remind",
            Self::WatchScan => "watch_scan",
        }
    }

    /// Who does it.
    pub fn neighbour(&self) -> Neighbour {
        match self {
            Self::Merge
            | Self::Convert
            | Self::Weigh
            | Self::Wait
            | Self::Wake { .. }
            | Self::WatchScan => Neighbour::Office,
            Self::Circulate
            | Self::WatchVisa { .. }
            | Self::WithdrawVisa { .. }
            | Self::RecallVisa { .. } => Neighbour::Nextcloud,
            Self::Submit { .. }
            | Self::WatchSignature { .. }
            | Self::ArchiveSignature { .. }
            | Self::WithdrawSignature { .. } => Neighbour::IParapheur,
            Self::Register => Neighbour::MaarchCourrier,
            Self::Attach | Self::Notify => Neighbour::GrantsTool,
            Self::Call => Neighbour::WebServices,
            Self::Email | Self::Remind => Neighbour::Smtp,
            Self::Publish => Neighbour::PorteDocuments,
        }
    }

    /// Whether it belongs to the document's way forward; the others go beside it, or clean up behind it.
    pub fn is_on_the_way(&self) -> bool {
        !matches!(
            self,
            Self::WithdrawVisa { .. }
                | Self::RecallVisa { .. }
                | Self::ArchiveSignature { .. }
                | Self::WithdrawSignature { .. }
                | Self::Remind
        )
    }
}
