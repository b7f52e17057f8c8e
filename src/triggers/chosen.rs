//! The dossiers on which a trigger is to start its chain.

use super::{NotFired, Triggers};
use crate::{batches::MOST_DOSSIERS, exports::read_filter};
use anyhow::Context as _;
use navette_domain::{
    ids::{DossierId, TriggerId},
    policy::Principal,
    trigger::{Occasion, Occurrence, Rule, Trigger},
};
use navette_projections::{
    dossiers::DossierFilter, list, page::ListFault, scope::Scope, selections, triggers,
};
use std::collections::HashSet;
use uuid::Uuid;

/// What a trigger is to answer to, and the dossiers of it that it chooses.
pub(super) struct Chosen {
    /// What is answered to.
    pub occurrence: Occurrence,
    /// The dossiers that it chooses, and its owner sees.
    pub dossiers: Vec<DossierId>,
    /// How many others there are.
    pub others: u32,
}

impl Triggers {
    /// What this trigger is to answer to now, if there is anything.
    pub(super) async fn chosen(
        &self,
        id: TriggerId,
        state: &Trigger,
        owner: &Principal,
    ) -> Result<Option<Chosen>, NotFired> {
        let Trigger::Saved { rule, through, .. } = state else {
            return Ok(None);
        };
        let filter = self.filter(rule).await?;
        let (occurrence, filter, asked) = match &rule.occasion {
            Occasion::Calendar(_) => match state.due(self.dispatcher.now()) {
                Some(due) => (Occurrence::Due(due), filter, None),
                None => return Ok(None),
            },
            Occasion::Status { .. } | Occasion::Chain { .. } => {
                let due = self.due(id, *through).await?;
                let Some((last, _)) = due.last() else {
                    return Ok(None);
                };
                let occurrence = Occurrence::Events {
                    after: *through,
                    through: *last,
                };
                let ids: HashSet<Uuid> = due.into_iter().map(|(_, dossier)| dossier).collect();
                let asked = ids.len();
                let among = DossierFilter {
                    id: Some(ids.into_iter().collect()),
                    and: Some(vec![filter]),
                    ..DossierFilter::default()
                };
                (occurrence, among, Some(asked))
            }
        };
        let most = i64::try_from(MOST_DOSSIERS + 1).unwrap_or(i64::MAX);
        let kept = list::ids(&self.pool, &Scope::of(owner), &filter, most).await;
        let kept = kept.map_err(|fault| match fault {
            ListFault::Page(fault) => NotFired::Suspend(format!(
                "La sélection de ce déclencheur ne se lit pas : {fault}"
            )),
            ListFault::Sql(cause) => NotFired::Fault(cause.into()),
        })?;
        if kept.len() > MOST_DOSSIERS {
            return Err(NotFired::Suspend(format!(
                "Ce déclencheur choisit plus de {MOST_DOSSIERS} dossiers, qu'un lot ne peut pas dépasser : restreignez \
                 sa sélection."
            )));
        }
        let others = asked.map_or(0, |asked| asked - kept.len());
        Ok(Some(Chosen {
            occurrence,
            dossiers: kept.into_iter().map(DossierId).collect(),
            others: u32::try_from(others).unwrap_or(u32::MAX),
        }))
    }

    /// What it is to answer to, as much as fits in a batch: of each place in the log all or nothing.
    async fn due(&self, id: TriggerId, through: i64) -> Result<Vec<(i64, Uuid)>, NotFired> {
        let most = i64::try_from(MOST_DOSSIERS + 1).unwrap_or(i64::MAX);
        let mut due = triggers::due(&self.pool, id.0, through, most).await?;
        if due.len() > MOST_DOSSIERS {
            // One place has at most the dossiers of one batch, so another one is left.
            let cut = due.last().map(|(position, _)| *position);
            due.retain(|(position, _)| Some(*position) != cut);
        }
        Ok(due)
    }

    /// Which dossiers it chooses.
    async fn filter(&self, rule: &Rule) -> Result<DossierFilter, NotFired> {
        if let Some(written) = &rule.filter {
            return Ok(read_filter(written)?);
        }
        let Some(selection) = rule.selection else {
            return Ok(DossierFilter::default());
        };
        let rows = selections::by_ids(&self.pool, &rule.owner, &[selection.0]).await;
        let rows = rows.context("looking for the selection of a trigger")?;
        let suspend = |reason: &str| NotFired::Suspend(reason.to_owned());
        let row = rows.first().ok_or_else(|| {
            suspend("La sélection de ce déclencheur n'existe plus, ou n'est plus partagée avec la personne qui l'a enregistré.")
        })?;
        row.as_filter().ok_or_else(|| {
            suspend("Le filtre de la sélection de ce déclencheur vient d'une autre version : enregistrez-la de nouveau.")
        })
    }
}
