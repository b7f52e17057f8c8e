//! A chain.

use async_graphql::{ID, Object};
use navette_projections::{
    chains::{ChainRow, ChainStep},
    global,
    kinds::DossierStatus,
};

/// What is done to each document of a batch.
pub struct Chain(ChainRow);

impl From<ChainRow> for Chain {
    fn from(row: ChainRow) -> Self {
        Self(row)
    }
}

#[Object]
impl Chain {
    #[graphql(flatten)]
    fn row(&self) -> &ChainRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("Chain", format_args!("{}:{}", self.0.id, self.0.version))
    }

    /// The code of the template it uses.
    async fn template(&self) -> &str {
        self.0.template()
    }

    /// The statuses of the dossiers it accepts.
    async fn accepts(&self) -> Vec<DossierStatus> {
        self.0.accepts()
    }

    /// Its steps, in order.
    async fn steps(&self) -> Vec<ChainStep> {
        self.0.steps()
    }
}
