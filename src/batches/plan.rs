//! A batch before it is started.

use super::{Batches, RefusedDossier, Sorted, StartBatch, StartRefusal};
use crate::{clock, dispatch::DispatchFailure};
use chrono::{DateTime, Utc};
use navette_domain::{
    batch::Order as BatchOrder,
    chain::{Definition, Scope},
    document::{Order, Subject},
    ids::{BatchId, DocumentId, DossierId},
    template::Included,
};

/// A batch as it would be started.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What it would say of itself.
    pub order: BatchOrder,
    /// Its chain.
    pub definition: Definition,
    /// The dossiers that would be left out.
    pub refused: Vec<RefusedDossier>,
    included: Vec<Included>,
    taken: Vec<(DossierId, String)>,
}

impl Plan {
    /// The documents that it would make as the batch `batch`, with their orders, at `at`.
    pub fn documents(&self, batch: BatchId, at: DateTime<Utc>) -> Vec<(DocumentId, Order)> {
        let definition = &self.definition;
        let order_of = |subject, title| Order {
            batch,
            subject,
            chain: self.order.chain,
            template: self.order.template,
            included: self.included.clone(),
            title,
            trigger: self.order.trigger.clone(),
            date: clock::paris_date(at),
        };
        match definition.scope {
            Scope::Dossier => self
                .taken
                .iter()
                .map(|(dossier, reference)| {
                    (
                        DocumentId::of_dossier(batch, *dossier),
                        order_of(
                            Subject::Dossier(*dossier),
                            format!("{} {reference}", definition.label),
                        ),
                    )
                })
                .collect(),
            Scope::Batch => vec![(
                DocumentId::of_batch(batch),
                order_of(
                    Subject::Batch,
                    format!("{} – {}", definition.label, self.order.label),
                ),
            )],
        }
    }
}

impl Batches {
    /// What `start` would record, if `actor` asked for it now.
    pub async fn plan(
        &self,
        actor: &str,
        ask: &StartBatch,
    ) -> Result<Plan, DispatchFailure<StartRefusal>> {
        let (chain, definition) = self.chain(&ask.chain_code).await?;
        let template = self.template(&definition).await?;
        let included = self.included(&definition, template).await?;
        let Sorted { taken, mut refused } = self.sort_out(&definition, &ask.dossiers).await?;
        let taken = self.not_under_way(chain, taken, &mut refused).await?;
        if taken.is_empty() {
            return Err(DispatchFailure::Refused(StartRefusal::NothingLeft(refused)));
        }
        Ok(Plan {
            order: BatchOrder {
                label: ask.label.clone(),
                chain,
                template,
                dossiers: taken.iter().map(|(dossier, _)| *dossier).collect(),
                requested_by: actor.to_owned(),
                reply_to: ask.reply_to.clone(),
                trigger: None,
            },
            definition,
            included,
            taken,
            refused,
        })
    }
}
