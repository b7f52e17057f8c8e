//! What queries show: the rows of the read models, and the links between them.

mod attachment;
mod batch;
mod chain;
mod document;
mod dossier;
mod effect;
mod history;
mod selection;
mod template;
mod third_party;

pub use attachment::Attachment;
pub use batch::Batch;
pub use chain::Chain;
pub use document::{Document, Signature};
pub use dossier::Dossier;
pub use effect::Effect;
pub use selection::Selection;
pub use template::{Dictionary, Included, Template};
pub use third_party::ThirdParty;

use super::{
    asking::Asker,
    loaders::{self, HistoryOf},
};
use crate::{addresses, dispatch::Dispatcher};
use async_graphql::{Context, Result};
use navette_projections::{
    kinds::Position,
    page::{LONGEST, PageFault},
    timeline::{Kind, TimelineRow},
};
use uuid::Uuid;

/// An address that opens a file for a while without a token, for whoever asks now.
fn signed(context: &Context<'_>, path: &str) -> Result<Option<String>> {
    let dispatcher = context.data::<Dispatcher>()?;
    let actor = &context.data::<Asker>()?.principal.actor;
    let keys = dispatcher.log().keys();
    Ok(addresses::sign(keys, path, actor, dispatcher.now()))
}

/// The entries of a history from a position on.
async fn history(
    context: &Context<'_>,
    kind: Kind,
    id: Uuid,
    first: Option<i32>,
    after: Option<Position>,
) -> Result<Vec<TimelineRow>> {
    let first = first.unwrap_or(LONGEST);
    if !(1..=LONGEST).contains(&first) {
        return Err(super::faults::bad_request(PageFault::Size.to_string()));
    }
    let after = after.map_or(0, |position| position.0);
    let key = HistoryOf {
        kind,
        id,
        after,
        first: first.into(),
    };
    Ok(loaders::load(context, key).await?.unwrap_or_default())
}
