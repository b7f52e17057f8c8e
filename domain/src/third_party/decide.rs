//! What may happen to a third party.

use super::{Profile, ThirdParty, ThirdPartyEvent};
use crate::digest::Digest;
use chrono::{DateTime, Utc};

/// What one may ask of a third party.
#[derive(Debug, Clone, PartialEq)]
pub enum ThirdPartyCommand {
    /// Make it known.
    Register {
        /// What is known.
        profile: Profile,
        /// When.
        at: DateTime<Utc>,
    },
    /// Change what is known.
    Amend {
        /// What is known now.
        profile: Profile,
        /// When.
        at: DateTime<Utc>,
    },
    /// Erase what is known. Whoever asks has made sure that no [`Retention`](super::Retention) holds it.
    Erase {
        /// Why, without personal data.
        reason: String,
        /// The files of its documents.
        files: Vec<Digest>,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a third party says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThirdPartyRefusal {
    /// It is known under another profile.
    #[error("Ce tiers est déjà enregistré avec d'autres renseignements : modifiez-le plutôt.")]
    AlreadyRegistered,
    /// It is not known.
    #[error("Ce tiers n'existe pas.")]
    NotRegistered,
    /// Its name is empty.
    #[error("Le nom du tiers est vide.")]
    NoName,
    /// Nothing of it remains.
    #[error(
        "Les données de ce tiers ont été effacées : rien ne peut plus être enregistré ni envoyé pour lui."
    )]
    Erased,
    /// An erasure is accounted for.
    #[error("Le motif de l'effacement est vide.")]
    NoReason,
}

pub(super) fn decide(
    state: &ThirdParty,
    command: ThirdPartyCommand,
) -> Result<Vec<ThirdPartyEvent>, ThirdPartyRefusal> {
    use ThirdPartyCommand::{Amend, Erase, Register};
    match (state, command) {
        (_, Register { profile, .. } | Amend { profile, .. })
            if profile.name.reveal().trim().is_empty() =>
        {
            Err(ThirdPartyRefusal::NoName)
        }
        (ThirdParty::Unborn, Register { profile, at }) => {
            Ok(vec![ThirdPartyEvent::Registered { profile, at }])
        }
        (ThirdParty::Known(known), Register { profile, .. } | Amend { profile, .. })
            if **known == profile =>
        {
            Ok(vec![])
        }
        (ThirdParty::Known(_), Register { .. }) => Err(ThirdPartyRefusal::AlreadyRegistered),
        (ThirdParty::Known(_), Amend { profile, at }) => {
            Ok(vec![ThirdPartyEvent::Amended { profile, at }])
        }
        (_, Erase { reason, .. }) if reason.trim().is_empty() => Err(ThirdPartyRefusal::NoReason),
        (ThirdParty::Known(_), Erase { reason, files, at }) => {
            Ok(vec![ThirdPartyEvent::Erased { reason, files, at }])
        }
        (ThirdParty::Erased, Erase { .. }) => Ok(vec![]),
        (ThirdParty::Erased, Register { .. } | Amend { .. }) => Err(ThirdPartyRefusal::Erased),
        (ThirdParty::Unborn, Amend { .. } | Erase { .. }) => Err(ThirdPartyRefusal::NotRegistered),
    }
}
