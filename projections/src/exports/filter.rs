//! Which exports, and in which order.

use super::ExportRow;
use crate::{
    condition::{Column, Filter, InstantIs, Sql, TextIs, branches, key, one_id},
    kinds::{ExportFormat, ExportState},
    list::{ID, Key, List, ordered},
    scope::Scope,
};
use async_graphql::{Enum, InputObject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which exports: every condition that is given must hold. A list means "one of these".
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ExportFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// One of these states.
    pub state: Option<Vec<ExportState>>,
    /// One of these forms.
    pub format: Option<Vec<ExportFormat>>,
    /// Of one of these selections.
    pub selection: Option<Vec<Uuid>>,
    /// Whether its file is made for later.
    pub kept: Option<bool>,
    /// What whoever asked calls it.
    pub label: Option<TextIs>,
    /// Who asked.
    pub requested_by: Option<TextIs>,
    /// When it was asked for.
    pub requested_at: Option<InstantIs>,
    /// When it was completed, stopped or given up.
    pub ended_at: Option<InstantIs>,
    /// All of these hold.
    pub and: Option<Vec<ExportFilter>>,
    /// One of these holds.
    pub or: Option<Vec<ExportFilter>>,
    /// This does not hold.
    pub not: Option<Box<ExportFilter>>,
}

const LABEL: Column = Column::always("label");
const REQUESTED: Column = Column::always("requested_at");
const ENDED: Column = Column::date(key!(date "ended_at"));

impl Filter for ExportFilter {
    fn tests(&self, query: &mut Sql<'_>, _: &Scope) {
        one_id(query, "id", self.id.as_ref());
        one_id(
            query,
            "COALESCE(selection_id, '00000000-0000-0000-0000-000000000000')",
            self.selection.as_ref(),
        );
        if let Some(states) = &self.state {
            let names: Vec<&'static str> = states.iter().map(|state| state.as_str()).collect();
            query.push(" AND state = ANY(").push_bind(names).push(")");
        }
        if let Some(formats) = &self.format {
            let names: Vec<&'static str> = formats.iter().map(|format| format.as_str()).collect();
            query.push(" AND format = ANY(").push_bind(names).push(")");
        }
        if let Some(kept) = self.kept {
            query.push(" AND kept = ").push_bind(kept);
        }
        for (test, column) in [
            (&self.label, LABEL),
            (&self.requested_by, Column::always("requested_by")),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        for (test, column) in [(&self.requested_at, REQUESTED), (&self.ended_at, ENDED)] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
    }

    branches!();
}

/// By what exports are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum ExportOrderField {
    /// When they were asked for.
    RequestedAt,
    /// What those who asked call them.
    Label,
}

/// An order of exports; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, InputObject)]
pub struct ExportOrder {
    /// By what.
    pub field: ExportOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl Default for ExportOrder {
    fn default() -> Self {
        Self {
            field: ExportOrderField::RequestedAt,
            descending: true,
        }
    }
}

impl ExportOrder {
    fn keys(self) -> Vec<Key> {
        let (column, sql_type) = match self.field {
            ExportOrderField::RequestedAt => (REQUESTED, "timestamptz"),
            ExportOrderField::Label => (LABEL, "text"),
        };
        let way = self.descending;
        vec![Key::new(column.key, sql_type).way(way), ID.way(way)]
    }
}

impl List for ExportFilter {
    type Row = ExportRow;
    type Order = ExportOrder;
    const TABLE: &'static str = "exports";

    fn keys(orders: &[ExportOrder]) -> Vec<Key> {
        match orders {
            [] => ExportOrder::default().keys(),
            some => ordered(some, ExportOrder::keys),
        }
    }

    /// Their own, or all for those who look after the others.
    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        scope.sees_exports_of(query, "requested_by");
    }
}
