//! What may happen to a third party.

use super::{Profile, ThirdParty, ThirdPartyEvent};
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
}

pub(super) fn decide(
    state: &ThirdParty,
    command: ThirdPartyCommand,
) -> Result<Vec<ThirdPartyEvent>, ThirdPartyRefusal> {
    use ThirdPartyCommand::{Amend, Register};
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
        (ThirdParty::Unborn, Amend { .. }) => Err(ThirdPartyRefusal::NotRegistered),
    }
}
