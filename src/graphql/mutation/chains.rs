//! Publishing chains.

use crate::{
    chains,
    dispatch::Dispatcher,
    graphql::{
        asking::asker,
        refusal::{Answer, Refusal, RefusalCode, answer},
    },
};
use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use navette_domain::{
    chain::{Chain, ChainCommand},
    ids::ChainId,
    policy::Permission,
};
use serde::Serialize;
use uuid::Uuid;

/// Changes to chains.
#[derive(Default)]
pub struct ChainMutation;

/// What publishing a chain answers.
#[derive(SimpleObject)]
pub struct ChainPayload {
    #[graphql(flatten)]
    answer: Answer,
    /// The chain's id; null when it was refused.
    chain_id: Option<Uuid>,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct PublishChainInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// The version that was seen: if it has changed since, nothing is done.
    expected_version: Option<i64>,
    /// The definition, in TOML.
    toml: String,
}

#[Object]
impl ChainMutation {
    /// Publishes a version of a chain. Batches that run stay on theirs.
    async fn publish_chain(
        &self,
        context: &Context<'_>,
        input: PublishChainInput,
    ) -> Result<ChainPayload> {
        let asker = asker(context, Permission::Administer)?;
        let (key, expected) = (input.idempotency_key, input.expected_version);
        let envelope = asker.envelope("publishChain", key, expected, &input);
        let definition = match chains::read(&input.toml) {
            Ok(definition) => definition,
            Err(faults) => {
                let refusal = Refusal::new(RefusalCode::InvalidInput, faults.to_string());
                return Ok(ChainPayload {
                    answer: refusal.into(),
                    chain_id: None,
                });
            }
        };
        let dispatcher = context.data::<Dispatcher>()?;
        let id = ChainId::of_code(&definition.code).0;
        let command = ChainCommand::Publish {
            definition,
            at: dispatcher.now(),
        };
        let answer = answer(dispatcher.dispatch::<Chain>(&envelope, id, command).await)?;
        let chain_id = answer.position.map(|_| id);
        Ok(ChainPayload { answer, chain_id })
    }
}
