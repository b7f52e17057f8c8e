//! A third party.

use async_graphql::{ID, Object, SimpleObject};
use navette_projections::{global, third_parties::ThirdPartyRow};

/// A beneficiary, or any other tiers.
pub struct ThirdParty(ThirdPartyRow);

impl From<ThirdPartyRow> for ThirdParty {
    fn from(row: ThirdPartyRow) -> Self {
        Self(row)
    }
}

/// A French postal address.
#[derive(SimpleObject)]
pub struct PostalAddress {
    /// Street and complements.
    lines: Vec<String>,
    /// The postcode.
    postcode: String,
    /// The town.
    town: String,
}

#[Object]
impl ThirdParty {
    #[graphql(flatten)]
    fn row(&self) -> &ThirdPartyRow {
        &self.0
    }

    /// Its global id.
    pub async fn node_id(&self) -> ID {
        global::id("ThirdParty", self.0.id)
    }

    /// Where letters go.
    async fn address(&self) -> Option<PostalAddress> {
        self.0.address.as_ref().map(|address| PostalAddress {
            lines: address.lines.clone(),
            postcode: address.postcode.clone(),
            town: address.town.clone(),
        })
    }
}
