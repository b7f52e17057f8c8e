//! Which third parties, and in which order.

use super::ThirdPartyRow;
use crate::{
    condition::{Column, Filter, InstantIs, Sql, TextIs, branches, key, one_id, one_of, words},
    dossiers::DossierFilter,
    list::{ID, Key, List, ordered},
    scope::Scope,
};
use async_graphql::{Enum, InputObject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which third parties: every condition that is given must hold. A list means "one of these"; the fields that
/// end in `Is` test the same column in other ways.
#[derive(Debug, Clone, Default, PartialEq, InputObject, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ThirdPartyFilter {
    /// One of these.
    pub id: Option<Vec<Uuid>>,
    /// One of these SIRET.
    pub siret: Option<Vec<String>>,
    /// The SIRET.
    pub siret_is: Option<TextIs>,
    /// The number as an association.
    pub rna: Option<TextIs>,
    /// The name, letter for letter: its first 200 characters count.
    pub name: Option<TextIs>,
    /// Where messages go.
    pub email: Option<TextIs>,
    /// The postcode of the address.
    pub postcode: Option<TextIs>,
    /// When it became known.
    pub registered_at: Option<InstantIs>,
    /// When it last changed.
    pub updated_at: Option<InstantIs>,
    /// Whether what was known of it was erased.
    pub erased: Option<bool>,
    /// Beginnings of words of the name, the SIRET or the RNA, without accents, case or plurals.
    pub text: Option<String>,
    /// One of its dossiers is so.
    pub dossier_is: Option<Box<DossierFilter>>,
    /// All of these hold.
    pub and: Option<Vec<ThirdPartyFilter>>,
    /// One of these holds.
    pub or: Option<Vec<ThirdPartyFilter>>,
    /// This does not hold.
    pub not: Option<Box<ThirdPartyFilter>>,
}

const NAME: Column = Column::always("left(name, 200)");
const WORDS: Column = Column::always("left(words, 200)");
const SIRET: Column = Column::text(key!(text "siret"));
const RNA: Column = Column::text(key!(text "rna"));
const EMAIL: Column = Column::text(key!(text "left(email, 200)"));
const POSTCODE: Column = Column::text(key!(text "left(address ->> 'postcode', 20)"));
const REGISTERED: Column = Column::always("registered_at");
const UPDATED: Column = Column::always("updated_at");

impl Filter for ThirdPartyFilter {
    fn tests(&self, query: &mut Sql<'_>, scope: &Scope) {
        one_id(query, "id", self.id.as_ref());
        one_of(query, SIRET, self.siret.as_ref());
        for (test, column) in [
            (&self.siret_is, SIRET),
            (&self.rna, RNA),
            (&self.name, NAME),
            (&self.email, EMAIL),
            (&self.postcode, POSTCODE),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        for (test, column) in [
            (&self.registered_at, REGISTERED),
            (&self.updated_at, UPDATED),
        ] {
            if let Some(test) = test {
                test.push(query, column);
            }
        }
        if let Some(erased) = self.erased {
            query
                .push(" AND (erased_at IS NOT NULL) = ")
                .push_bind(erased);
        }
        words(query, self.text.as_ref());
        if let Some(dossier) = &self.dossier_is {
            query.push(" AND id IN (SELECT third_party_id FROM dossiers WHERE true");
            DossierFilter::seen(query, scope);
            dossier.push(query, scope);
            query.push(")");
        }
    }

    branches!();
}

/// By what third parties are ordered. What is missing counts as larger than all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
pub enum ThirdPartyOrderField {
    /// The name, without accents or case.
    Name,
    /// The SIRET.
    Siret,
    /// The postcode.
    Postcode,
    /// When they became known.
    RegisteredAt,
    /// When they last changed.
    UpdatedAt,
}

/// An order of third parties; the id breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, InputObject)]
pub struct ThirdPartyOrder {
    /// By what.
    pub field: ThirdPartyOrderField,
    /// Largest first.
    #[graphql(default)]
    pub descending: bool,
}

impl Default for ThirdPartyOrder {
    fn default() -> Self {
        Self {
            field: ThirdPartyOrderField::Name,
            descending: false,
        }
    }
}

impl ThirdPartyOrder {
    fn keys(self) -> Vec<Key> {
        use ThirdPartyOrderField as Field;
        let (column, sql_type) = match self.field {
            Field::Name => (WORDS, "text"),
            Field::Siret => (SIRET, "text"),
            Field::Postcode => (POSTCODE, "text"),
            Field::RegisteredAt => (REGISTERED, "timestamptz"),
            Field::UpdatedAt => (UPDATED, "timestamptz"),
        };
        let way = self.descending;
        vec![Key::new(column.key, sql_type).way(way), ID.way(way)]
    }
}

impl List for ThirdPartyFilter {
    type Row = ThirdPartyRow;
    type Order = ThirdPartyOrder;
    const TABLE: &'static str = "third_parties";

    fn keys(orders: &[ThirdPartyOrder]) -> Vec<Key> {
        match orders {
            [] => ThirdPartyOrder::default().keys(),
            some => ordered(some, ThirdPartyOrder::keys),
        }
    }

    fn seen(query: &mut Sql<'_>, scope: &Scope) {
        super::seen(query, scope);
    }
}
