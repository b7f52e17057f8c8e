//! Which schedules of exports, and in which order.

use super::ExportScheduleRow;
use crate::{
    condition::{Column, Filter, InstantIs, Sql, TextIs, branches, one_id},
    kinds::{DestinationKind, RunState},
    list::{ID, Key, List, ordered},
    scope::Scope,
};
use async_graphql::{Enum, InputObject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which schedules: every condition that is given must hold. A list means "one of these".
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ExportScheduleFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// What people call it.
    pub name: Option<TextIs>,
    /// As whom it runs.
    pub owner: Option<TextIs>,
    /// Where its files go.
    pub destination: Option<Vec<DestinationKind>>,
    /// Where its last run stands.
    pub last_state: Option<Vec<RunState>>,
    /// When it is due next.
    pub next_at: Option<InstantIs>,
    /// All of these hold.
    pub and: Option<Vec<ExportScheduleFilter>>,
    /// One of these holds.
    pub or: Option<Vec<ExportScheduleFilter>>,
    /// This does not hold.
    pub not: Option<Box<ExportScheduleFilter>>,
}

const NAME: Column = Column::always("name");
const NEXT: Column = Column::always("next_at");

impl Filter for ExportScheduleFilter {
    fn tests(&self, query: &mut Sql<'_>, _: &Scope) {
        one_id(query, "id", self.id.as_ref());
        for (test, column) in [(&self.name, NAME), (&self.owner, Column::always("owner"))] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        if let Some(kinds) = &self.destination {
            let names: Vec<&'static str> = kinds.iter().map(|kind| kind.as_str()).collect();
            query
                .push(" AND destination = ANY(")
                .push_bind(names)
                .push(")");
        }
        if let Some(states) = &self.last_state {
            let names: Vec<&'static str> = states.iter().map(|state| state.as_str()).collect();
            query
                .push(" AND COALESCE(last_state = ANY(")
                .push_bind(names)
                .push("), false)");
        }
        if let Some(test) = &self.next_at {
            test.push(query, NEXT);
        }
    }

    branches!();
}

/// By what schedules are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum ExportScheduleOrderField {
    /// What people call them.
    Name,
    /// When they are due next.
    NextAt,
}

/// An order of schedules; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, InputObject)]
pub struct ExportScheduleOrder {
    /// By what.
    pub field: ExportScheduleOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl ExportScheduleOrder {
    fn keys(self) -> Vec<Key> {
        let (column, sql_type) = match self.field {
            ExportScheduleOrderField::Name => (NAME, "text"),
            ExportScheduleOrderField::NextAt => (NEXT, "timestamptz"),
        };
        let way = self.descending;
        vec![Key::new(column.key, sql_type).way(way), ID.way(way)]
    }
}

impl List for ExportScheduleFilter {
    type Row = ExportScheduleRow;
    type Order = ExportScheduleOrder;
    const TABLE: &'static str = "export_schedules";

    fn keys(orders: &[ExportScheduleOrder]) -> Vec<Key> {
        let usual = ExportScheduleOrder {
            field: ExportScheduleOrderField::Name,
            descending: false,
        };
        match orders {
            [] => usual.keys(),
            some => ordered(some, ExportScheduleOrder::keys),
        }
    }

    /// Their own, or all for those who look after the others.
    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        scope.sees_exports_of(query, "owner");
    }
}
