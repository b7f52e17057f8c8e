//! The audit: which of all that happened.

use super::TimelineRow;
use crate::{
    condition::{Column, Filter, InstantIs, Sql, TextIs, branches, one_id},
    dossiers::DossierFilter,
    kinds::Position,
    list::{Key, List},
    scope::Scope,
};
use async_graphql::{Enum, InputObject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which entries: every condition that is given must hold. A list means "one of these".
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct AuditFilter {
    /// Who: `token:<name>`, or `navette`.
    pub actor: Option<TextIs>,
    /// The event's stored name: `dossier.granted`; with `prefix`, all those of a kind: `dossier.`.
    pub event_type: Option<TextIs>,
    /// Of one of these dossiers.
    pub dossier: Option<Vec<Uuid>>,
    /// Its dossier is so.
    pub dossier_is: Option<Box<DossierFilter>>,
    /// Of one of these documents.
    pub document: Option<Vec<Uuid>>,
    /// Of one of these batches, their documents included.
    pub batch: Option<Vec<Uuid>>,
    /// To one of these, whatever it is: a dossier, a third party, a template…
    pub stream: Option<Vec<Uuid>>,
    /// When the log received it.
    pub at: Option<InstantIs>,
    /// After this position.
    pub after: Option<Position>,
    /// All of these hold.
    pub and: Option<Vec<AuditFilter>>,
    /// One of these holds.
    pub or: Option<Vec<AuditFilter>>,
    /// This does not hold.
    pub not: Option<Box<AuditFilter>>,
}

impl Filter for AuditFilter {
    fn tests(&self, query: &mut Sql<'_>, scope: &Scope) {
        for (test, column) in [
            (&self.actor, Column::always("actor")),
            (&self.event_type, Column::always("event_type")),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        for (column, ids) in [
            ("dossier_id", &self.dossier),
            ("document_id", &self.document),
            ("batch_id", &self.batch),
            ("stream_id", &self.stream),
        ] {
            one_id(query, column, ids.as_ref());
        }
        if let Some(dossier) = &self.dossier_is {
            query.push(" AND dossier_id IN (SELECT id FROM dossiers WHERE true");
            DossierFilter::seen(query, scope);
            dossier.push(query, scope);
            query.push(")");
        }
        if let Some(test) = &self.at {
            test.push(query, Column::always("at"));
        }
        if let Some(after) = self.after {
            query.push(" AND position > ").push_bind(after);
        }
    }

    branches!();
}

/// In which order entries come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum AuditOrder {
    /// The newest first.
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

impl List for AuditFilter {
    type Row = TimelineRow;
    type Order = AuditOrder;
    const TABLE: &'static str = "timeline";

    fn keys(orders: &[AuditOrder]) -> Vec<Key> {
        let newest_first = orders.first() != Some(&AuditOrder::OldestFirst);
        vec![Key::new("position", "bigint").way(newest_first)]
    }

    /// Who is limited sees what happened to the dossiers, documents and batches that they see.
    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        if scope.is_whole() {
            return;
        }
        query.push(" AND CASE WHEN timeline.dossier_id IS NOT NULL THEN ");
        scope.sees_dossier(query, "timeline.dossier_id");
        query.push(" WHEN timeline.batch_id IS NOT NULL THEN ");
        scope.sees_batch(query, "timeline.batch_id");
        query.push(" ELSE false END");
    }
}
