//! Which passages at the signing desk, and in which order.

use super::SignatureRow;
use crate::{
    condition::{Column, Filter, InstantIs, Sql, TextIs, branches, key, one_id},
    documents::DocumentFilter,
    kinds::SignatureStatus,
    list::{ID, Key, List, ordered},
    scope::Scope,
};
use async_graphql::{Enum, InputObject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which passages at the signing desk: every condition that is given must hold. A list means "one of these".
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct SignatureFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// One of these statuses.
    pub status: Option<Vec<SignatureStatus>>,
    /// Of one of these documents.
    pub document: Option<Vec<Uuid>>,
    /// Its document is so.
    pub document_is: Option<Box<DocumentFilter>>,
    /// The desk's type.
    pub desk_type: Option<TextIs>,
    /// The desk's subtype.
    pub desk_subtype: Option<TextIs>,
    /// When it was prepared.
    pub prepared_at: Option<InstantIs>,
    /// When the desk had it.
    pub submitted_at: Option<InstantIs>,
    /// When Navette learnt that it was signed, refused or taken back.
    pub ended_at: Option<InstantIs>,
    /// All of these hold.
    pub and: Option<Vec<SignatureFilter>>,
    /// One of these holds.
    pub or: Option<Vec<SignatureFilter>>,
    /// This does not hold.
    pub not: Option<Box<SignatureFilter>>,
}

const PREPARED: Column = Column::always("prepared_at");
const SUBMITTED: Column = Column::date(key!(date "submitted_at"));
const ENDED: Column = Column::date(key!(date "ended_at"));

impl Filter for SignatureFilter {
    fn tests(&self, query: &mut Sql<'_>, scope: &Scope) {
        one_id(query, "id", self.id.as_ref());
        one_id(query, "document_id", self.document.as_ref());
        if let Some(document) = &self.document_is {
            query.push(" AND document_id IN (SELECT id FROM documents WHERE true");
            document.push(query, scope);
            query.push(")");
        }
        if let Some(statuses) = &self.status {
            let names: Vec<&'static str> = statuses.iter().map(|status| status.as_str()).collect();
            query.push(" AND status = ANY(").push_bind(names).push(")");
        }
        for (test, column) in [
            (&self.desk_type, Column::always("desk_type")),
            (&self.desk_subtype, Column::always("desk_subtype")),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        for (test, column) in [
            (&self.prepared_at, PREPARED),
            (&self.submitted_at, SUBMITTED),
            (&self.ended_at, ENDED),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
    }

    branches!();
}

/// By what passages are ordered. What is missing counts as larger than all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum SignatureOrderField {
    /// When they were prepared.
    PreparedAt,
    /// When Navette learnt how they ended.
    EndedAt,
    /// The status, those of one status together.
    Status,
}

/// An order of passages; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, InputObject)]
pub struct SignatureOrder {
    /// By what.
    pub field: SignatureOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl Default for SignatureOrder {
    fn default() -> Self {
        Self {
            field: SignatureOrderField::PreparedAt,
            descending: true,
        }
    }
}

impl SignatureOrder {
    fn keys(self) -> Vec<Key> {
        let prepared = Key::new(PREPARED.key, "timestamptz");
        let keys = match self.field {
            SignatureOrderField::PreparedAt => vec![prepared, ID],
            SignatureOrderField::EndedAt => vec![Key::new(ENDED.key, "timestamptz"), ID],
            SignatureOrderField::Status => vec![Key::new("status", "text"), prepared, ID],
        };
        let way = |key: Key| key.way(self.descending);
        keys.into_iter().map(way).collect()
    }
}

impl List for SignatureFilter {
    type Row = SignatureRow;
    type Order = SignatureOrder;
    const TABLE: &'static str = "signatures";

    fn keys(orders: &[SignatureOrder]) -> Vec<Key> {
        match orders {
            [] => SignatureOrder::default().keys(),
            some => ordered(some, SignatureOrder::keys),
        }
    }

    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        seen(query, scope);
    }
}

/// A passage is seen with its document.
pub(super) fn seen(query: &mut Sql<'_>, scope: &Scope) {
    if scope.is_whole() {
        return;
    }
    query.push(" AND document_id IN (SELECT id FROM documents WHERE true");
    DocumentFilter::seen(query, scope);
    query.push(")");
}
