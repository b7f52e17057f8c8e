//! Taking attachments away. They are added by an upload: see `src/http/attachments.rs`.

use super::ReasonedChange;
use crate::{
    attachments::Attachments,
    graphql::{
        asking::asker,
        refusal::{Answer, answer},
    },
};
use async_graphql::{Context, Object, Result, SimpleObject};
use navette_domain::{ids::AttachmentId, policy::Permission};

/// Changes to attachments.
#[derive(Default)]
pub struct AttachmentMutation;

/// What a change to an attachment answers.
#[derive(SimpleObject)]
pub struct AttachmentPayload {
    #[graphql(flatten)]
    answer: Answer,
}

#[Object]
impl AttachmentMutation {
    /// Takes an attachment away from its dossier, whose history keeps that it was there.
    async fn remove_attachment(
        &self,
        context: &Context<'_>,
        input: ReasonedChange,
    ) -> Result<AttachmentPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.change.envelope(asker, "removeAttachment", &input);
        let attachments = context.data::<Attachments>()?;
        let (id, reason) = (AttachmentId(input.change.id), input.reason);
        let end = attachments
            .remove(&asker.principal, &envelope, id, reason)
            .await;
        let answer = answer(end)?;
        Ok(AttachmentPayload { answer })
    }
}
