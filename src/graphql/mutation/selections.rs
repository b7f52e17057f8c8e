//! Keeping selections of dossiers.

use super::Change;
use crate::{
    dispatch::Dispatcher,
    graphql::{
        asking::{asker, reading},
        faults,
        loaders::{self, SelectionById},
        objects::Selection,
        refusal::{Answer, Refusal, RefusalCode, answer},
    },
};
use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use navette_domain::{
    ids::{CommandId, DossierId},
    policy::Permission,
    selection::{self, Content, SelectionCommand},
};
use navette_projections::{condition::Filter as _, dossiers::DossierFilter, selections};
use serde::Serialize;
use uuid::Uuid;

/// Changes to selections.
#[derive(Default)]
pub struct SelectionMutation;

#[derive(Debug, Clone, InputObject, Serialize)]
struct SaveSelectionInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// Which selection is saved anew; a new one unless told.
    id: Option<Uuid>,
    /// The version that was seen: if it has changed since, nothing is done.
    expected_version: Option<i64>,
    /// What people will call it.
    name: String,
    /// Whether others may use it.
    #[graphql(default)]
    shared: bool,
    /// Whatever dossiers this keeps when the selection is used. Either this or `dossiers`.
    filter: Option<DossierFilter>,
    /// A fixed list of dossiers, in this order. Either this or `filter`.
    dossiers: Option<Vec<Uuid>>,
}

/// What a change to a selection answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct SelectionPayload {
    #[graphql(flatten)]
    answer: Answer,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl SelectionPayload {
    /// The selection as it now is; null when it is removed, or the change was refused.
    async fn selection(&self, context: &Context<'_>) -> Option<Result<Selection>> {
        let position = self.answer.position?;
        let read = async {
            reading(context, Some(position)).await?;
            loaders::load(context, SelectionById(self.id)).await
        };
        read.await.transpose().map(|row| row.map(Into::into))
    }
}

/// The most dossiers of a fixed list.
const LONGEST_LIST: usize = crate::batches::MOST_DOSSIERS;

fn content(input: &SaveSelectionInput) -> Result<std::result::Result<Content, Refusal>> {
    let wrong = |sentence: String| Ok(Err(Refusal::new(RefusalCode::InvalidInput, sentence)));
    match (&input.filter, &input.dossiers) {
        (Some(filter), None) => {
            filter
                .check()
                .map_err(|fault| faults::bad_request(fault.to_string()))?;
            Ok(Ok(selections::content(filter)))
        }
        (None, Some(ids)) if ids.len() <= LONGEST_LIST => {
            let ids = ids.iter().copied().map(DossierId).collect();
            Ok(Ok(Content::Dossiers(ids)))
        }
        (None, Some(_)) => wrong(format!(
            "Une liste fixe ne peut pas dépasser {LONGEST_LIST} dossiers."
        )),
        _ => wrong("Indiquez soit des dossiers, soit un filtre.".to_owned()),
    }
}

#[Object]
impl SelectionMutation {
    /// Keeps a selection of dossiers under a name.
    async fn save_selection(
        &self,
        context: &Context<'_>,
        input: SaveSelectionInput,
    ) -> Result<SelectionPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        // Repetitions name the same selection.
        let new = CommandId::following(input.idempotency_key, "selection").0;
        let id = input.id.unwrap_or(new);
        let content = match content(&input)? {
            Ok(content) => content,
            Err(refusal) => {
                let answer = refusal.into();
                return Ok(SelectionPayload { answer, id });
            }
        };
        let envelope = asker.envelope(
            "saveSelection",
            input.idempotency_key,
            input.expected_version,
            &input,
        );
        let dispatcher = context.data::<Dispatcher>()?;
        let command = SelectionCommand::Save {
            name: input.name,
            shared: input.shared,
            content,
            by: asker.principal.actor.clone(),
            at: dispatcher.now(),
        };
        let end = dispatcher
            .dispatch::<selection::Selection>(&envelope, id, command)
            .await;
        let answer = answer(end)?;
        Ok(SelectionPayload { answer, id })
    }

    /// Keeps a selection no longer. What was started with it goes on.
    async fn remove_selection(
        &self,
        context: &Context<'_>,
        input: Change,
    ) -> Result<SelectionPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.envelope(asker, "removeSelection", &input);
        let dispatcher = context.data::<Dispatcher>()?;
        let command = SelectionCommand::Remove {
            by: asker.principal.actor.clone(),
            at: dispatcher.now(),
        };
        let end = dispatcher
            .dispatch::<selection::Selection>(&envelope, input.id, command)
            .await;
        let (answer, id) = (answer(end)?, input.id);
        Ok(SelectionPayload { answer, id })
    }
}
