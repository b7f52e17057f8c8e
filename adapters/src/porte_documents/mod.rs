//! The applicant's porte-documents, through our own deposit contract.

use crate::deposit::{DepositConfig, Door};
use async_trait::async_trait;
use navette_domain::ports::{
    Answer, Deposit, DepositReceipt, Named, Neighbour, PorteDocuments, Trial,
};
use uuid::Uuid;

/// A porte-documents that speaks our contract.
#[derive(Debug, Clone)]
pub struct GenericPorteDocuments(Door);

impl GenericPorteDocuments {
    /// Refuses an address that is not one.
    pub fn new(config: &DepositConfig) -> anyhow::Result<Self> {
        Door::new(Neighbour::PorteDocuments, config).map(Self)
    }
}

#[async_trait]
impl PorteDocuments for GenericPorteDocuments {
    async fn deposit(&self, applicant: &str, deposit: &Deposit) -> Answer<DepositReceipt> {
        let id = deposit.document.to_string();
        let url = self
            .0
            .address(&["v1", "usagers", applicant, "documents", &id])?;
        self.0.put(url, deposit, true).await
    }
}

#[async_trait]
impl Trial for GenericPorteDocuments {
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        let nobody = Uuid::nil().to_string();
        let url = self
            .0
            .address(&["v1", "usagers", "navette", "documents", &nobody]);
        vec![match url {
            Ok(url) => self.0.try_out(url).await,
            Err(failure) => Err(failure),
        }]
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests;
