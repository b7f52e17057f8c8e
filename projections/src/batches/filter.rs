//! Which batches, and in which order.

use super::BatchRow;
use crate::{
    condition::{Column, Filter, InstantIs, IntIs, Sql, TextIs, branches, key, one_id},
    kinds::BatchState,
    list::{ID, Key, List, ordered},
    scope::Scope,
};
use async_graphql::{Enum, InputObject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which batches: every condition that is given must hold. A list means "one of these".
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct BatchFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// One of these states.
    pub state: Option<Vec<BatchState>>,
    /// On one of these chains.
    pub chain: Option<Vec<Uuid>>,
    /// From one of these templates.
    pub template: Option<Vec<Uuid>>,
    /// They hold one of these dossiers.
    pub dossier: Option<Vec<Uuid>>,
    /// What its clerk calls it.
    pub label: Option<TextIs>,
    /// Who started it.
    pub requested_by: Option<TextIs>,
    /// How many dossiers it holds.
    pub dossier_count: Option<IntIs>,
    /// When it started.
    pub started_at: Option<InstantIs>,
    /// When it was completed or cancelled.
    pub ended_at: Option<InstantIs>,
    /// All of these hold.
    pub and: Option<Vec<BatchFilter>>,
    /// One of these holds.
    pub or: Option<Vec<BatchFilter>>,
    /// This does not hold.
    pub not: Option<Box<BatchFilter>>,
}

const LABEL: Column = Column::always("label");
const COUNT: Column = Column::always("dossier_count");
const STARTED: Column = Column::always("started_at");
const ENDED: Column = Column::date(key!(date "ended_at"));

impl Filter for BatchFilter {
    fn tests(&self, query: &mut Sql<'_>, _: &Scope) {
        for (column, ids) in [
            ("id", &self.id),
            ("chain_id", &self.chain),
            ("template_id", &self.template),
        ] {
            one_id(query, column, ids.as_ref());
        }
        if let Some(states) = &self.state {
            let names: Vec<&'static str> = states.iter().map(|state| state.as_str()).collect();
            query.push(" AND state = ANY(").push_bind(names).push(")");
        }
        if let Some(dossiers) = &self.dossier {
            query.push(" AND id IN (SELECT batch_id FROM batch_dossiers WHERE true");
            one_id(query, "dossier_id", Some(dossiers));
            query.push(")");
        }
        if let Some(test) = &self.label {
            test.push(query, LABEL);
        }
        if let Some(test) = &self.requested_by {
            test.push(query, Column::always("requested_by"));
        }
        if let Some(test) = &self.dossier_count {
            test.push(query, COUNT);
        }
        if let Some(test) = &self.started_at {
            test.push(query, STARTED);
        }
        if let Some(test) = &self.ended_at {
            test.push(query, ENDED);
        }
    }

    branches!();
}

/// By what batches are ordered. What is missing counts as larger than all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum BatchOrderField {
    /// When they started.
    StartedAt,
    /// When they were completed or cancelled.
    EndedAt,
    /// What their clerks call them.
    Label,
    /// How many dossiers they hold.
    DossierCount,
}

/// An order of batches; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, InputObject)]
pub struct BatchOrder {
    /// By what.
    pub field: BatchOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl Default for BatchOrder {
    fn default() -> Self {
        Self {
            field: BatchOrderField::StartedAt,
            descending: true,
        }
    }
}

impl BatchOrder {
    fn keys(self) -> Vec<Key> {
        let (column, sql_type) = match self.field {
            BatchOrderField::StartedAt => (STARTED, "timestamptz"),
            BatchOrderField::EndedAt => (ENDED, "timestamptz"),
            BatchOrderField::Label => (LABEL, "text"),
            BatchOrderField::DossierCount => (COUNT, "integer"),
        };
        let way = self.descending;
        vec![Key::new(column.key, sql_type).way(way), ID.way(way)]
    }
}

impl List for BatchFilter {
    type Row = BatchRow;
    type Order = BatchOrder;
    const TABLE: &'static str = "batches";

    fn keys(orders: &[BatchOrder]) -> Vec<Key> {
        match orders {
            [] => BatchOrder::default().keys(),
            some => ordered(some, BatchOrder::keys),
        }
    }

    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        query.push(" AND ");
        scope.sees_batch(query, "batches.id");
    }
}
