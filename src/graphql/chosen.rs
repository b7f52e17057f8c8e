//! The dossiers that somebody chose: one by one, by a filter, or by a selection that is kept.

use super::{
    asking::{Asker, reading},
    faults,
    refusal::{Refusal, RefusalCode, RefusedRow},
};
use crate::{batches::MOST_DOSSIERS, dispatch::Dispatcher};
use async_graphql::{Context, Result};
use navette_domain::{dossier, ids::DossierId, policy, selection::SelectionRefusal};
use navette_projections::{dossiers::DossierFilter, kinds::Position, list, selections};
use uuid::Uuid;

/// What somebody chose: exactly one of these.
pub struct Chosen<'a> {
    /// These dossiers.
    pub dossiers: Option<&'a Vec<Uuid>>,
    /// Those that a filter keeps.
    pub filter: Option<&'a DossierFilter>,
    /// Those of a selection.
    pub selection: Option<Uuid>,
}

/// The dossiers that are seen, in order, and those that are not.
pub type Sorted = (Vec<DossierId>, Vec<RefusedRow>);

impl Chosen<'_> {
    /// Which dossiers they are, when the read models are at least at that position.
    pub async fn dossiers(
        &self,
        context: &Context<'_>,
        asker: &Asker,
        at_least: Option<Position>,
    ) -> Result<Result<Sorted, Refusal>> {
        let wrong = |sentence| Ok(Err(Refusal::new(RefusalCode::InvalidInput, sentence)));
        let ids = match (self.dossiers, self.filter, self.selection) {
            (Some(ids), None, None) => ids.clone(),
            (None, Some(filter), None) => {
                let (reads, _) = reading(context, at_least).await?;
                kept(&reads.pool, asker, filter).await?
            }
            (None, None, Some(id)) => {
                let (reads, _) = reading(context, at_least).await?;
                let actor = &asker.principal.actor;
                let rows = selections::by_ids(&reads.pool, actor, &[id]).await;
                let rows = rows.map_err(|cause| faults::internal(&cause))?;
                match rows.into_iter().next() {
                    None => {
                        let sentence = SelectionRefusal::NotSaved.to_string();
                        return Ok(Err(Refusal::new(RefusalCode::NotFound, sentence)));
                    }
                    // A fixed list keeps its order.
                    Some(row) => match (row.as_filter(), row.dossiers) {
                        (_, Some(ids)) => ids,
                        (Some(filter), None) => kept(&reads.pool, asker, &filter).await?,
                        (None, None) => {
                            return wrong(
                                "Le filtre de cette sélection vient d'une autre version : enregistrez-la de nouveau."
                                    .to_owned(),
                            );
                        }
                    },
                }
            }
            _ => {
                return wrong(
                    "Indiquez soit des dossiers, soit un filtre, soit une sélection.".to_owned(),
                );
            }
        };
        if ids.len() > MOST_DOSSIERS {
            return wrong(format!(
                "Un lot ne peut pas dépasser {MOST_DOSSIERS} dossiers."
            ));
        }
        let ids: Vec<DossierId> = ids.into_iter().map(DossierId).collect();
        sight(context, asker, ids).await.map(Ok)
    }
}

async fn kept(pool: &sqlx::PgPool, asker: &Asker, filter: &DossierFilter) -> Result<Vec<Uuid>> {
    let most = i64::try_from(MOST_DOSSIERS + 1).unwrap_or(i64::MAX);
    let ids = list::ids(pool, &asker.scope, filter, most).await;
    ids.map_err(faults::list)
}

/// Parts the dossiers that are seen from the others, as they are now, whatever the read models show.
async fn sight(context: &Context<'_>, asker: &Asker, ids: Vec<DossierId>) -> Result<Sorted> {
    if asker.scope.is_whole() {
        return Ok((ids, vec![]));
    }
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let log = context.data::<Dispatcher>()?.log();
    let loaded = log.load_many::<dossier::Dossier>(&wanted).await;
    let loaded = loaded.map_err(|cause| faults::of_the_log(&cause.into()))?;
    let is_seen = |id: &DossierId| {
        loaded
            .get(&id.0)
            .is_some_and(|loaded| policy::sees_dossier(&asker.principal, &loaded.state))
    };
    let (kept, others): (Vec<_>, Vec<_>) = ids.into_iter().partition(is_seen);
    let unknown = |id: DossierId| RefusedRow::unknown(id.0);
    Ok((kept, others.into_iter().map(unknown).collect()))
}
