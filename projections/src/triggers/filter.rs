//! Which triggers, and in which order.

use super::TriggerRow;
use crate::{
    condition::{Column, Filter, InstantIs, Sql, TextIs, branches, one_id},
    kinds::OccasionKind,
    list::{ID, Key, List, ordered},
    scope::Scope,
};
use async_graphql::{Enum, InputObject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which triggers: every condition that is given must hold. A list means "one of these".
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct TriggerFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// What people call it.
    pub name: Option<TextIs>,
    /// As whom it acts.
    pub owner: Option<TextIs>,
    /// The code of the chain that it starts.
    pub chain: Option<TextIs>,
    /// On what it fires.
    pub occasion: Option<Vec<OccasionKind>>,
    /// Whether it is suspended.
    pub suspended: Option<bool>,
    /// When it was last saved.
    pub saved_at: Option<InstantIs>,
    /// All of these hold.
    pub and: Option<Vec<TriggerFilter>>,
    /// One of these holds.
    pub or: Option<Vec<TriggerFilter>>,
    /// This does not hold.
    pub not: Option<Box<TriggerFilter>>,
}

const NAME: Column = Column::always("name");
const SAVED: Column = Column::always("saved_at");

impl Filter for TriggerFilter {
    fn tests(&self, query: &mut Sql<'_>, _: &Scope) {
        one_id(query, "id", self.id.as_ref());
        for (test, column) in [
            (&self.name, NAME),
            (&self.owner, Column::always("owner")),
            (&self.chain, Column::always("chain")),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        if let Some(kinds) = &self.occasion {
            let names: Vec<&'static str> = kinds.iter().map(|kind| kind.as_str()).collect();
            query.push(" AND kind = ANY(").push_bind(names).push(")");
        }
        if let Some(suspended) = self.suspended {
            query
                .push(" AND (suspended_at IS NOT NULL) = ")
                .push_bind(suspended);
        }
        if let Some(test) = &self.saved_at {
            test.push(query, SAVED);
        }
    }

    branches!();
}

/// By what triggers are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum TriggerOrderField {
    /// What people call them.
    Name,
    /// When they were last saved.
    SavedAt,
}

/// An order of triggers; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, InputObject)]
pub struct TriggerOrder {
    /// By what.
    pub field: TriggerOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl TriggerOrder {
    fn keys(self) -> Vec<Key> {
        let (column, sql_type) = match self.field {
            TriggerOrderField::Name => (NAME, "text"),
            TriggerOrderField::SavedAt => (SAVED, "timestamptz"),
        };
        let way = self.descending;
        vec![Key::new(column.key, sql_type).way(way), ID.way(way)]
    }
}

impl List for TriggerFilter {
    type Row = TriggerRow;
    type Order = TriggerOrder;
    const TABLE: &'static str = "triggers";

    fn keys(orders: &[TriggerOrder]) -> Vec<Key> {
        let usual = TriggerOrder {
            field: TriggerOrderField::Name,
            descending: false,
        };
        match orders {
            [] => usual.keys(),
            some => ordered(some, TriggerOrder::keys),
        }
    }

    /// Their own, or all for those who look after the others.
    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        scope.sees_exports_of(query, "owner");
    }
}
