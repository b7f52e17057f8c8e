//! A third party: whoever receives a subsidy or is written to.
//!
//! ```text
//! (unborn) --register--> known --amend--> known --erase--> erased
//! ```

mod address;
mod decide;
mod retention;
#[cfg(test)]
mod tests;

pub use address::{EmailAddress, NotAnEmailAddress, PostalAddress};
pub use decide::{ThirdPartyCommand, ThirdPartyRefusal};
pub use retention::{HeldDossier, Hold, KeptDossier, Retention};

use crate::{
    digest::Digest,
    event::{aggregate, events},
    ids::ThirdPartyId,
    personal::{ERASED, Personal},
    rna::Rna,
    siret::Siret,
};
use chrono::{DateTime, Utc};
use decide::decide;
use serde::{Deserialize, Serialize};

/// What is known of a third party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The name that letters carry.
    pub name: Personal<String>,
    /// Its establishment's number, when it has one.
    pub siret: Option<Siret>,
    /// Its number as an association.
    pub rna: Option<Rna>,
    /// Where letters go.
    pub address: Option<Personal<PostalAddress>>,
    /// Where messages go.
    pub email: Option<Personal<EmailAddress>>,
    /// Its account in the porte-documents.
    pub applicant_account: Option<String>,
}

impl Profile {
    /// The id under which this third party is always found again: by SIRET, else RNA. Without either, two
    /// that share a name are not taken for one, or one would receive the letters of the other: `met`, which
    /// says where this one was met (its dossier, a request), tells them apart.
    pub fn derived_id(&self, met: &str) -> ThirdPartyId {
        let key = match (&self.siret, &self.rna) {
            (Some(siret), _) => format!("siret:{siret}"),
            (None, Some(rna)) => format!("rna:{rna}"),
            (None, None) => format!("met:{met}"),
        };
        ThirdPartyId::of_key(&key)
    }

    /// What remains of a profile once it is erased: the same as what a sealed one reads as without its key.
    pub fn erased() -> Self {
        Self {
            name: Personal(ERASED.to_owned()),
            siret: None,
            rna: None,
            address: None,
            email: None,
            applicant_account: None,
        }
    }
}

events! {
    /// What happens to a third party.
    pub enum ThirdPartyEvent {
        /// It became known.
        Registered = "third_party.registered", 1 {
            /// What is known.
            profile: Profile,
            /// When.
            at: DateTime<Utc>,
        }
        /// What is known of it changed.
        Amended = "third_party.amended", 1 {
            /// What is known now.
            profile: Profile,
            /// When.
            at: DateTime<Utc>,
        }
        /// What was known of it is erased: its key is destroyed, and what was made for it goes.
        Erased = "third_party.erased", 1 {
            /// Why, without personal data.
            reason: String,
            /// The files of its documents, which nothing holds any longer.
            files: Vec<Digest>,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// The state of a third party.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum ThirdParty {
    /// Nothing is known.
    #[default]
    Unborn,
    /// It is known.
    Known(Box<Profile>),
    /// It was known, and nothing of it remains.
    Erased,
}

impl ThirdParty {
    /// The state after `event`.
    #[must_use]
    pub fn evolve(self, event: ThirdPartyEvent) -> Self {
        match event {
            ThirdPartyEvent::Registered { profile, .. }
            | ThirdPartyEvent::Amended { profile, .. } => Self::Known(Box::new(profile)),
            ThirdPartyEvent::Erased { .. } => Self::Erased,
        }
    }

    /// What is known, if anything.
    pub fn profile(&self) -> Option<&Profile> {
        match self {
            Self::Unborn | Self::Erased => None,
            Self::Known(profile) => Some(profile),
        }
    }
}

aggregate!(
    ThirdParty,
    "third_party",
    ThirdPartyCommand,
    ThirdPartyEvent,
    ThirdPartyRefusal
);
