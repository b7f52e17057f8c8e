//! Holding everything, a neighbour, a chain or a document, and letting it go on.

use super::documents::is_seen;
use crate::{
    dispatch::Dispatcher,
    graphql::{
        asking::{Asker, asker},
        refusal::{Answer, Refusal, RefusalCode, answer},
    },
    pauses::{self, What},
};
use async_graphql::{Context, Enum, InputObject, Object, Result};
use navette_domain::{document::DocumentRefusal, policy::Permission};
use serde::Serialize;
use uuid::Uuid;

/// Pauses, beside those of batches.
#[derive(Default)]
pub struct PauseMutation;

/// What can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum PauseKind {
    /// All outside work.
    Everything,
    /// All work at a neighbour.
    Neighbour,
    /// The documents of a chain.
    Chain,
    /// A document.
    Document,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct PauseInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// What is held.
    kind: PauseKind,
    /// Which: a neighbour's stored name, a chain's code, a document's id.
    name: Option<String>,
    /// Why, for the history.
    reason: String,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct ResumeInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// What goes on.
    kind: PauseKind,
    /// Which: a neighbour's stored name, a chain's code, a document's id.
    name: Option<String>,
}

#[Object]
impl PauseMutation {
    /// Holds it: nothing new begins there, and what is under way ends. A document is for operators, the rest for
    /// administrators.
    async fn pause(&self, context: &Context<'_>, input: PauseInput) -> Result<Answer> {
        let (asker, what) = match asked(context, input.kind, input.name.as_deref()).await? {
            Ok(asked) => asked,
            Err(refusal) => return Ok(refusal.into()),
        };
        let envelope = asker.envelope("pause", input.idempotency_key, None, &input);
        let dispatcher = context.data::<Dispatcher>()?;
        answer(pauses::begin(dispatcher, &envelope, &what, &input.reason).await)
    }

    /// Lets it go on.
    async fn resume(&self, context: &Context<'_>, input: ResumeInput) -> Result<Answer> {
        let (asker, what) = match asked(context, input.kind, input.name.as_deref()).await? {
            Ok(asked) => asked,
            Err(refusal) => return Ok(refusal.into()),
        };
        let envelope = asker.envelope("resume", input.idempotency_key, None, &input);
        let dispatcher = context.data::<Dispatcher>()?;
        answer(pauses::end(dispatcher, &envelope, &what).await)
    }
}

/// What is asked for, by somebody who may.
async fn asked<'c>(
    context: &Context<'c>,
    kind: PauseKind,
    name: Option<&str>,
) -> Result<Result<(&'c Asker, What), Refusal>> {
    let permission = match kind {
        PauseKind::Document => Permission::OperateBatch,
        _ => Permission::Administer,
    };
    let asker = asker(context, permission)?;
    let what = match (kind, name) {
        (PauseKind::Everything, None) => What::Everything,
        (PauseKind::Neighbour, Some(name)) => What::Neighbour(name.to_owned()),
        (PauseKind::Chain, Some(name)) => What::Chain(name.to_owned()),
        (PauseKind::Document, Some(name)) => {
            let id = name.parse().unwrap_or_default();
            if !is_seen(context, asker, id).await? {
                let sentence = DocumentRefusal::NotRequested.to_string();
                return Ok(Err(Refusal::new(RefusalCode::NotFound, sentence)));
            }
            What::Document(id)
        }
        (PauseKind::Everything, Some(_)) => {
            let sentence = "« name » ne se donne pas avec « EVERYTHING ».";
            return Ok(Err(Refusal::new(RefusalCode::InvalidInput, sentence)));
        }
        (_, None) => {
            let sentence =
                "« name » manque : dites quel système voisin, quelle chaîne ou quel document.";
            return Ok(Err(Refusal::new(RefusalCode::InvalidInput, sentence)));
        }
    };
    Ok(Ok((asker, what)))
}
