//! Erasing what is known of a third party.

use super::ReasonedChange;
use crate::{
    dispatch::DispatchFailure,
    erasure::{Erasure, ErasureRefusal},
    graphql::{
        asking::asker,
        refusal::{Answer, refusal},
    },
};
use async_graphql::{Context, Object, Result, SimpleObject};
use navette_domain::{policy::Permission, third_party::HeldDossier};
use uuid::Uuid;

/// Erasures.
#[derive(Default)]
pub struct ErasureMutation;

/// A dossier that forbids an erasure.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct HeldBy {
    /// Which.
    pub dossier_id: Uuid,
    /// What people call it.
    pub reference: String,
    /// Why, in French.
    pub sentence: String,
}

impl From<&HeldDossier> for HeldBy {
    fn from(held: &HeldDossier) -> Self {
        Self {
            dossier_id: held.dossier.0,
            reference: held.reference.clone(),
            sentence: held.to_string(),
        }
    }
}

/// What an erasure answers.
#[derive(SimpleObject)]
pub struct EraseThirdPartyPayload {
    #[graphql(flatten)]
    answer: Answer,
    /// The dossiers that forbid it, when it was refused for them.
    held_by: Vec<HeldBy>,
    /// What stays and why, in French. A repetition of the request does not tell it again.
    kept: Vec<String>,
}

#[Object]
impl ErasureMutation {
    /// Erases what is known of a third party: its key is destroyed, the files of its documents and what the
    /// read models show of it go, for good. Refused while the law holds one of its dossiers. The reason is
    /// kept, and must not say who it was.
    async fn erase_third_party(
        &self,
        context: &Context<'_>,
        input: ReasonedChange,
    ) -> Result<EraseThirdPartyPayload> {
        let asker = asker(context, Permission::Administer)?;
        let (id, reason) = (input.change.id, input.reason.clone());
        let envelope = input.change.envelope(asker, "eraseThirdParty", &input);
        let erasure = context.data::<Erasure>()?;
        let (answer, held_by, kept) = match erasure.erase(&envelope, id, &reason).await {
            Ok((receipt, kept)) => (receipt.into(), vec![], kept),
            Err(failure) => {
                let held_by = match &failure {
                    DispatchFailure::Refused(ErasureRefusal::Held(held)) => {
                        held.iter().map(HeldBy::from).collect()
                    }
                    _ => vec![],
                };
                (refusal(failure)?.into(), held_by, vec![])
            }
        };
        Ok(EraseThirdPartyPayload {
            answer,
            held_by,
            kept,
        })
    }
}
