//! Changes to third parties.

use super::{Change, dossier_input::siret};
use crate::{
    dispatch::Dispatcher,
    graphql::{
        asking::{asker, reading},
        faults,
        loaders::{self, ThirdPartyById},
        objects::ThirdParty,
        refusal::{Answer, Refusal, RefusalCode, answer},
    },
};
use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use navette_domain::{
    personal::Personal,
    policy::Permission,
    third_party::{self, PostalAddress, Profile, ThirdPartyCommand, ThirdPartyRefusal},
};
use navette_projections::third_parties;
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// Changes to third parties.
#[derive(Default)]
pub struct ThirdPartyMutation;

/// What a change to a third party answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ThirdPartyPayload {
    #[graphql(flatten)]
    answer: Answer,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl ThirdPartyPayload {
    /// Its id, found again by SIRET, else RNA, else name; null when the change was refused.
    async fn third_party_id(&self) -> Option<Uuid> {
        self.answer.position.map(|_| self.id)
    }

    /// The third party as it now is; null when the change was refused.
    async fn third_party(&self, context: &Context<'_>) -> Option<Result<ThirdParty>> {
        let position = self.answer.position?;
        let read = async {
            reading(context, Some(position)).await?;
            loaders::load(context, ThirdPartyById(self.id)).await
        };
        read.await.transpose().map(|row| row.map(Into::into))
    }
}

#[derive(Clone, InputObject, Serialize)]
struct PostalAddressInput {
    /// Street and complements.
    lines: Vec<String>,
    /// The postcode.
    postcode: String,
    /// The town.
    town: String,
}

/// What is known of a third party. It never prints: most of it is personal.
#[derive(Clone, InputObject, Serialize)]
struct ProfileInput {
    /// The name that letters carry.
    name: String,
    /// Its establishment's number.
    siret: Option<String>,
    /// Its number as an association.
    rna: Option<String>,
    /// Where letters go.
    address: Option<PostalAddressInput>,
    /// Where messages go.
    email: Option<String>,
    /// Its account in the porte-documents.
    applicant_account: Option<String>,
}

impl fmt::Debug for ProfileInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProfileInput")
    }
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct RegisterThirdPartyInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// What is known.
    profile: ProfileInput,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct AmendThirdPartyInput {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// What is known now, whole.
    profile: ProfileInput,
}

impl TryFrom<ProfileInput> for Profile {
    type Error = Refusal;

    fn try_from(input: ProfileInput) -> Result<Self, Refusal> {
        let wrong = |sentence: String| Refusal::new(RefusalCode::InvalidInput, sentence);
        let address = input.address.map(|address| PostalAddress {
            lines: address.lines,
            postcode: address.postcode,
            town: address.town,
        });
        let rna = input.rna.map(|text| {
            text.parse()
                .map_err(|fault| wrong(format!("« {text} » {fault}.")))
        });
        let email = input.email.map(|text| text.parse());
        let email = email.transpose();
        Ok(Self {
            name: Personal(input.name),
            siret: input.siret.as_deref().map(siret).transpose()?,
            rna: rna.transpose()?,
            address: address.map(Personal),
            email: email
                .map_err(|fault: third_party::NotAnEmailAddress| wrong(fault.to_string()))?
                .map(Personal),
            applicant_account: input.applicant_account,
        })
    }
}

#[Object]
impl ThirdPartyMutation {
    /// Makes a third party known.
    async fn register_third_party(
        &self,
        context: &Context<'_>,
        input: RegisterThirdPartyInput,
    ) -> Result<ThirdPartyPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let key = input.idempotency_key;
        let envelope = asker.envelope("registerThirdParty", key, None, &input);
        let profile = match Profile::try_from(input.profile) {
            Ok(profile) => profile,
            Err(refusal) => return Ok(refused(refusal)),
        };
        let dispatcher = context.data::<Dispatcher>()?;
        let id = profile.derived_id(&key.to_string()).0;
        let command = ThirdPartyCommand::Register {
            profile,
            at: dispatcher.now(),
        };
        let end = dispatcher
            .dispatch::<third_party::ThirdParty>(&envelope, id, command)
            .await;
        Ok(ThirdPartyPayload {
            answer: answer(end)?,
            id,
        })
    }

    /// Changes what is known of a third party.
    async fn amend_third_party(
        &self,
        context: &Context<'_>,
        input: AmendThirdPartyInput,
    ) -> Result<ThirdPartyPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.change.envelope(asker, "amendThirdParty", &input);
        let id = input.change.id;
        let (reads, _) = reading(context, None).await?;
        let rows = third_parties::by_ids(&reads.pool, &asker.scope, &[id]).await;
        let hidden = rows.map_err(|cause| faults::internal(&cause))?.is_empty();
        if hidden && !asker.scope.is_whole() {
            let sentence = ThirdPartyRefusal::NotRegistered.to_string();
            return Ok(refused(Refusal::new(RefusalCode::NotFound, sentence)));
        }
        let profile = match Profile::try_from(input.profile) {
            Ok(profile) => profile,
            Err(refusal) => return Ok(refused(refusal)),
        };
        let dispatcher = context.data::<Dispatcher>()?;
        let command = ThirdPartyCommand::Amend {
            profile,
            at: dispatcher.now(),
        };
        let end = dispatcher
            .dispatch::<third_party::ThirdParty>(&envelope, id, command)
            .await;
        Ok(ThirdPartyPayload {
            answer: answer(end)?,
            id,
        })
    }
}

fn refused(refusal: Refusal) -> ThirdPartyPayload {
    ThirdPartyPayload {
        answer: refusal.into(),
        id: Uuid::nil(),
    }
}
