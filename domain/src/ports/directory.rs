//! Who a number belongs to.

use super::Answer;
use crate::{siret::Siret, third_party::PostalAddress};
use async_trait::async_trait;

/// An establishment, as the national directory tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Establishment {
    /// Its number.
    pub siret: Siret,
    /// The name of the company, association or authority.
    pub name: String,
    /// The number of the association, as the directory writes it.
    pub rna: Option<String>,
    /// Where it is.
    pub address: Option<PostalAddress>,
    /// Whether it is still open.
    pub open: bool,
}

/// The national directory of companies and associations.
#[async_trait]
pub trait CompanyDirectory: Send + Sync {
    /// The establishment of this number. `None` is "not found", which is not "does not exist": those that
    /// keep their data to themselves are not told.
    async fn establishment(&self, siret: &Siret) -> Answer<Option<Establishment>>;
}
