//! Dossiers with their third parties, as merging needs them.

use crate::dispatch::Dispatcher;
use anyhow::Context as _;
use navette_adapters::log::StreamState;
use navette_domain::{
    dossier::Dossier,
    merge_fields::Case,
    third_party::{ThirdParty, ThirdPartyRefusal},
};
use std::collections::HashMap;
use uuid::Uuid;

/// Why dossiers cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum CasesFailure {
    /// A dossier names a third party that was never registered.
    #[error("Le tiers de ce dossier n'est pas enregistré : enregistrez-le, puis relancez.")]
    NoThirdParty,
    /// What was known of a third party was erased.
    #[error("{}", ThirdPartyRefusal::Erased)]
    Erased,
    /// Anything else.
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

/// The dossiers of these ids, in the same order.
pub async fn load(dispatcher: &Dispatcher, ids: &[Uuid]) -> Result<Vec<Case>, CasesFailure> {
    let log = dispatcher.log();
    let mut dossiers: HashMap<Uuid, StreamState<Dossier>> =
        log.load_many(ids).await.context("loading dossiers")?;
    let third_party_of = |dossier: &Dossier| match dossier {
        Dossier::Open { request, .. } => Some(request.third_party.0),
        Dossier::Unborn => None,
    };
    let parties: Vec<Uuid> = dossiers
        .values()
        .filter_map(|loaded| third_party_of(&loaded.state))
        .collect();
    let parties: HashMap<Uuid, StreamState<ThirdParty>> = log
        .load_many(&parties)
        .await
        .context("loading third parties")?;
    ids.iter()
        .map(|id| {
            let dossier = dossiers
                .remove(id)
                .context("a document about a dossier that does not exist")?
                .state;
            let party = third_party_of(&dossier).and_then(|party| parties.get(&party));
            match party.map(|party| &party.state) {
                Some(ThirdParty::Known(profile)) => Ok(Case {
                    dossier,
                    profile: (**profile).clone(),
                }),
                Some(ThirdParty::Erased) => Err(CasesFailure::Erased),
                None | Some(ThirdParty::Unborn) => Err(CasesFailure::NoThirdParty),
            }
        })
        .collect()
}
