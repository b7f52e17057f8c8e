//! What operators hold and let go: everything, a neighbour, a chain, a document.

use crate::{
    dispatch::{DispatchFailure, Dispatcher, Receipt},
    unit::Envelope,
};
use navette_domain::{
    chain::Chain,
    document::{Document, DocumentRefusal, Stage},
    french,
    ids::{ChainId, DocumentId},
    pause::{PauseCommand, PauseRefusal, Pauses, Target},
    ports::Neighbour,
};
use serde::Serialize;
use uuid::Uuid;

/// What is to be held, or let go, as operators name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum What {
    /// All outside work.
    Everything,
    /// A neighbour, by its stored name.
    Neighbour(String),
    /// A chain, by its code.
    Chain(String),
    /// A document.
    Document(Uuid),
}

/// Why nothing is held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefusal {
    /// No such neighbour.
    #[error("Aucun système voisin ne s'appelle « {0} » : choisissez parmi {known}.", known = neighbours())]
    NoNeighbour(String),
    /// No such chain.
    #[error("Aucune chaîne ne s'appelle « {0} ».")]
    NoChain(String),
    /// The document says no.
    #[error(transparent)]
    Document(#[from] DocumentRefusal),
    /// The rules of pauses say no.
    #[error(transparent)]
    Pause(#[from] PauseRefusal),
}

fn neighbours() -> String {
    Neighbour::ALL.map(Neighbour::code).join(", ")
}

type Held<T = Receipt> = Result<T, DispatchFailure<HoldRefusal>>;

/// Holds it: nothing new begins there, and what is under way ends.
pub async fn begin(
    dispatcher: &Dispatcher,
    envelope: &Envelope,
    what: &What,
    reason: &str,
) -> Held {
    let target = target(dispatcher, what).await?;
    if let Target::Document { document } = target {
        unfinished(dispatcher, document).await?;
    }
    let (reason, at) = (reason.to_owned(), dispatcher.now());
    let command = PauseCommand::Begin { target, reason, at };
    let begun = dispatcher.dispatch::<Pauses>(envelope, Pauses::STREAM, command);
    begun.await.map_err(DispatchFailure::into_refusal)
}

/// Lets it go on.
pub async fn end(dispatcher: &Dispatcher, envelope: &Envelope, what: &What) -> Held {
    let (target, at) = (target(dispatcher, what).await?, dispatcher.now());
    let command = PauseCommand::End { target, at };
    let ended = dispatcher.dispatch::<Pauses>(envelope, Pauses::STREAM, command);
    ended.await.map_err(DispatchFailure::into_refusal)
}

async fn target(dispatcher: &Dispatcher, what: &What) -> Held<Target> {
    let refused = |refusal| Err(DispatchFailure::Refused(refusal));
    match what {
        What::Everything => Ok(Target::Everything),
        What::Neighbour(code) => {
            let found = Neighbour::ALL.into_iter().find(|of| of.code() == code);
            let unknown = || refused(HoldRefusal::NoNeighbour(code.clone()));
            found.map_or_else(unknown, |neighbour| Ok(Target::Neighbour { neighbour }))
        }
        What::Chain(code) => {
            let chain = ChainId::of_code(code);
            let loaded = dispatcher.load::<Chain>(chain.0).await?;
            match loaded.state.latest() {
                Some(_) => Ok(Target::Chain { chain }),
                None => refused(HoldRefusal::NoChain(code.clone())),
            }
        }
        What::Document(id) => Ok(Target::Document {
            document: DocumentId(*id),
        }),
    }
}

async fn unfinished(dispatcher: &Dispatcher, id: DocumentId) -> Held<()> {
    let loaded = dispatcher.load::<Document>(id.0).await?;
    let refusal = match loaded.state.journey().map(|journey| &journey.stage) {
        None => DocumentRefusal::NotRequested,
        Some(stage @ (Stage::Delivered { .. } | Stage::Cancelled { .. })) => {
            DocumentRefusal::NotFrom {
                status: french::document_status(stage.status()),
                what: "suspendre le document",
            }
        }
        Some(_) => return Ok(()),
    };
    Err(DispatchFailure::Refused(refusal.into()))
}
