//! Trying a neighbour, before anything depends on it.

use super::Answer;
use async_trait::async_trait;
use std::collections::BTreeSet;

/// What the chains of a site call by name at its neighbours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The circuits of visas.
    pub circuits: BTreeSet<String>,
    /// The types and subtypes of the signing desk.
    pub desk_types: BTreeSet<(String, String)>,
    /// The web services.
    pub services: BTreeSet<String>,
}

/// A neighbour that can be tried: reached, asked whether it takes our account, and whether it has what we
/// call by name. Trying changes nothing there.
#[async_trait]
pub trait Trial: Send + Sync {
    /// One sentence in French for each thing that was tried, or the failure that says what is wrong with it.
    /// What depends on something that failed is not tried.
    async fn try_out(&self, named: &Named) -> Vec<Answer<String>>;
}
