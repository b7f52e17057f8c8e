//! The tool in which dossiers are managed, through our own outgoing contract: no public one was found for
//! OpenSub.

pub(crate) mod wire;

use crate::deposit::{DepositConfig, Door};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::ports::{Answer, Deposit, DepositReceipt, GrantsTool, Named, Neighbour, Trial};
use uuid::Uuid;

/// A grants tool that speaks our contract.
#[derive(Debug, Clone)]
pub struct GenericGrantsTool(Door);

impl GenericGrantsTool {
    /// Refuses an address that is not one.
    pub fn new(config: &DepositConfig) -> anyhow::Result<Self> {
        Door::new(Neighbour::GrantsTool, config).map(Self)
    }
}

#[async_trait]
impl GrantsTool for GenericGrantsTool {
    async fn attach(&self, deposit: &Deposit) -> Answer<DepositReceipt> {
        let id = deposit.document.to_string();
        let reference = &deposit.dossier_reference;
        let url = self
            .0
            .address(&["v1", "demandes", reference, "documents", &id])?;
        self.0.put(url, deposit, false).await
    }

    async fn report_status(
        &self,
        event: Uuid,
        dossier_reference: &str,
        status: &str,
        at: DateTime<Utc>,
    ) -> Answer<()> {
        let url = self
            .0
            .address(&["v1", "demandes", dossier_reference, "evenements"])?;
        let event = wire::Event {
            id: event,
            r#type: "statut".into(),
            statut: status.into(),
            horodatage: at,
        };
        self.0.post(url, &event).await
    }
}

#[async_trait]
impl Trial for GenericGrantsTool {
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        let nobody = Uuid::nil().to_string();
        let url = self
            .0
            .address(&["v1", "demandes", "navette", "documents", &nobody]);
        vec![match url {
            Ok(url) => self.0.try_out(url).await,
            Err(failure) => Err(failure),
        }]
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests;
