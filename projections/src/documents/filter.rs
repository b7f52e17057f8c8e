//! Which documents, and in which order.

use super::{DocumentRow, causes::stopped_for, query::seen};
use crate::{
    condition::{Column, DateIs, Filter, InstantIs, IntIs, Sql, TextIs, branches, key, one_id},
    dossiers::DossierFilter,
    kinds::DocumentStatus,
    list::{ID, Key, List, ordered},
    scope::Scope,
};
use async_graphql::{Enum, InputObject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which documents: every condition that is given must hold. A list means "one of these".
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct DocumentFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// Of one of these batches.
    pub batch: Option<Vec<Uuid>>,
    /// Of one of these dossiers.
    pub dossier: Option<Vec<Uuid>>,
    /// Its dossier is so.
    pub dossier_is: Option<Box<DossierFilter>>,
    /// Whether it is about its whole batch.
    pub about_batch: Option<bool>,
    /// Made from one of these templates.
    pub template: Option<Vec<Uuid>>,
    /// On its way through one of these chains.
    pub chain: Option<Vec<Uuid>>,
    /// One of these statuses.
    pub status: Option<Vec<DocumentStatus>>,
    /// Whether they wait for a person.
    pub needs_attention: Option<bool>,
    /// The last step that began, ended or stopped.
    pub step: Option<TextIs>,
    /// Why it stopped.
    pub trouble: Option<TextIs>,
    /// A step of it stopped for one of these causes, as `troubles` names them.
    pub cause: Option<Vec<String>>,
    /// The title.
    pub title: Option<TextIs>,
    /// The date that it bears.
    pub date: Option<DateIs>,
    /// The number in the mail register.
    pub chrono: Option<TextIs>,
    /// The number of pages of the PDF in force.
    pub pages: Option<IntIs>,
    /// How often it was begun.
    pub round: Option<IntIs>,
    /// When it was asked for.
    pub requested_at: Option<InstantIs>,
    /// When it last changed.
    pub updated_at: Option<InstantIs>,
    /// All of these hold.
    pub and: Option<Vec<DocumentFilter>>,
    /// One of these holds.
    pub or: Option<Vec<DocumentFilter>>,
    /// This does not hold.
    pub not: Option<Box<DocumentFilter>>,
}

const TITLE: Column = Column::always("title");
const CHRONO: Column = Column::text(key!(text "chrono"));
const REQUESTED: Column = Column::always("requested_at");

impl Filter for DocumentFilter {
    fn tests(&self, query: &mut Sql<'_>, scope: &Scope) {
        for (column, ids) in [
            ("id", &self.id),
            ("batch_id", &self.batch),
            ("dossier_id", &self.dossier),
            ("template_id", &self.template),
            ("chain_id", &self.chain),
        ] {
            one_id(query, column, ids.as_ref());
        }
        if let Some(dossier) = &self.dossier_is {
            query.push(" AND dossier_id IN (SELECT id FROM dossiers WHERE true");
            dossier.push(query, scope);
            query.push(")");
        }
        if let Some(statuses) = &self.status {
            let names: Vec<&'static str> = statuses.iter().map(|status| status.as_str()).collect();
            query.push(" AND status = ANY(").push_bind(names).push(")");
        }
        // Said so that the indexes of what waits for a person serve.
        match self.needs_attention {
            Some(true) => _ = query.push(" AND needs_attention"),
            Some(false) => _ = query.push(" AND NOT needs_attention"),
            None => {}
        }
        if let Some(causes) = &self.cause {
            stopped_for(query, causes);
        }
        if let Some(about_batch) = self.about_batch {
            query
                .push(" AND (dossier_id IS NULL) = ")
                .push_bind(about_batch);
        }
        for (test, column) in [
            (&self.step, Column::text(key!(text "step"))),
            (&self.trouble, Column::text(key!(text "trouble"))),
            (&self.title, TITLE),
            (&self.chrono, CHRONO),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        for (test, column) in [
            (&self.pages, Column::integer(key!(integer "pages"))),
            (&self.round, Column::always("round")),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        for (test, column) in [
            (&self.requested_at, REQUESTED),
            (&self.updated_at, Column::always("updated_at")),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        if let Some(test) = &self.date {
            test.push(query, Column::always("date"));
        }
    }

    branches!();
}

/// By what documents are ordered. What is missing counts as larger than all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum DocumentOrderField {
    /// The title.
    Title,
    /// The status, those of one status together, by title.
    Status,
    /// When they were asked for.
    RequestedAt,
    /// The number in the mail register.
    Chrono,
}

/// An order of documents; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, InputObject)]
pub struct DocumentOrder {
    /// By what.
    pub field: DocumentOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl Default for DocumentOrder {
    fn default() -> Self {
        Self {
            field: DocumentOrderField::Title,
            descending: false,
        }
    }
}

impl DocumentOrder {
    fn keys(self) -> Vec<Key> {
        let title = Key::new(TITLE.key, "text");
        let keys = match self.field {
            DocumentOrderField::Title => vec![title, ID],
            DocumentOrderField::Status => vec![Key::new("status", "text"), title, ID],
            DocumentOrderField::RequestedAt => {
                vec![Key::new(REQUESTED.key, "timestamptz"), ID]
            }
            DocumentOrderField::Chrono => vec![Key::new(CHRONO.key, "text"), ID],
        };
        let way = |key: Key| key.way(self.descending);
        keys.into_iter().map(way).collect()
    }
}

impl List for DocumentFilter {
    type Row = DocumentRow;
    type Order = DocumentOrder;
    const TABLE: &'static str = "documents";

    fn keys(orders: &[DocumentOrder]) -> Vec<Key> {
        match orders {
            [] => DocumentOrder::default().keys(),
            some => ordered(some, DocumentOrder::keys),
        }
    }

    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        seen(query, scope);
    }
}
