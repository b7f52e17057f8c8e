//! What operators hold now, as the workers need it.

use crate::dispatch::Dispatcher;
use navette_adapters::effects::HeldBack;
use navette_domain::{
    pause::{Pauses, Target},
    ports::Neighbour,
};
use navette_projections::batches;
use uuid::Uuid;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Paused {
    /// The neighbours at which nothing begins.
    pub(super) neighbours: Vec<Neighbour>,
    /// The documents, and the batches of the chains, that do not move on.
    pub(super) held_back: HeldBack,
}

impl Paused {
    /// What is held now. A batch that starts on a paused chain is held once the read model shows it.
    pub(super) async fn read(dispatcher: &Dispatcher) -> anyhow::Result<Self> {
        let pauses = dispatcher.load::<Pauses>(Pauses::STREAM).await?.state;
        let mut paused = Self::default();
        let mut chains: Vec<Uuid> = Vec::new();
        for pause in pauses.all() {
            match pause.target {
                Target::Everything => paused.neighbours.extend(Neighbour::ALL),
                Target::Neighbour { neighbour } => paused.neighbours.push(neighbour),
                Target::Chain { chain } => chains.push(chain.0),
                Target::Document { document } => paused.held_back.documents.push(document.0),
            }
        }
        if !chains.is_empty() {
            let pool = dispatcher.log().pool();
            paused.held_back.batches = batches::of_chains(pool, &chains).await?;
        }
        Ok(paused)
    }
}
