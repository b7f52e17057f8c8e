//! Third parties as clerks look for them.

mod filter;

pub use filter::{ThirdPartyFilter, ThirdPartyOrder, ThirdPartyOrderField};

use crate::{
    Projector,
    condition::{Sql, key},
    scope::Scope,
    words,
};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    event::{Event, Recorded},
    third_party::{PostalAddress, Profile, ThirdPartyEvent},
};
use sqlx::{PgConnection, PgPool, QueryBuilder, types::Json};
use std::fmt;
use uuid::Uuid;

/// One third party. It prints as its id only: the rest is personal.
#[derive(Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "ThirdPartyRow")]
pub struct ThirdPartyRow {
    /// Its id.
    pub id: Uuid,
    /// The name that letters carry.
    pub name: String,
    /// Its establishment's number.
    pub siret: Option<String>,
    /// Its number as an association.
    pub rna: Option<String>,
    /// Where letters go.
    #[graphql(skip)]
    pub address: Option<Json<PostalAddress>>,
    /// Where messages go.
    pub email: Option<String>,
    /// Its account in the porte-documents.
    pub applicant_account: Option<String>,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it became known.
    pub registered_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When what was known of it was erased.
    pub erased_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for ThirdPartyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThirdPartyRow")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Keeps `third_parties`.
#[derive(Debug)]
pub struct ThirdParties;

const SCHEMA: &str = concat!(
    "
CREATE TABLE third_parties (
    id uuid PRIMARY KEY,
    name text COLLATE \"C\" NOT NULL,
    siret text COLLATE \"C\",
    rna text COLLATE \"C\",
    address jsonb,
    email text COLLATE \"C\",
    applicant_account text COLLATE \"C\",
    words text COLLATE \"C\" NOT NULL,
    search tsvector NOT NULL GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED,
    version bigint NOT NULL,
    registered_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    erased_at timestamptz
);
CREATE INDEX ON third_parties (left(words, 200), id);
CREATE INDEX ON third_parties (left(name, 200));
CREATE INDEX ON third_parties (registered_at, id);
CREATE INDEX ON third_parties (updated_at, id);
CREATE INDEX ON third_parties USING gin (search);
CREATE INDEX ON third_parties (",
    key!(text "siret"),
    ", id);
CREATE INDEX ON third_parties (",
    key!(text "rna"),
    ");
CREATE INDEX ON third_parties (",
    key!(text "left(email, 200)"),
    ");
CREATE INDEX ON third_parties (",
    key!(text "left(address ->> 'postcode', 20)"),
    ", id);
"
);

#[async_trait]
impl Projector for ThirdParties {
    fn name(&self) -> &'static str {
        "third_parties"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["third_parties"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let Event::ThirdParty(event) = &recorded.event else {
            return Ok(());
        };
        match event {
            ThirdPartyEvent::Registered { profile, at }
            | ThirdPartyEvent::Amended { profile, at } => {
                keep(connection, recorded, profile, *at).await
            }
            ThirdPartyEvent::Erased { at, .. } => {
                keep(connection, recorded, &Profile::erased(), *at).await?;
                sqlx::query("UPDATE third_parties SET erased_at = $2 WHERE id = $1")
                    .bind(recorded.stream_id)
                    .bind(at)
                    .execute(connection)
                    .await?;
                Ok(())
            }
        }
    }
}

async fn keep(
    connection: &mut PgConnection,
    recorded: &Recorded,
    profile: &Profile,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (siret, rna) = (profile.siret.as_ref(), profile.rna.as_ref());
    let (siret, rna) = (siret.map(ToString::to_string), rna.map(ToString::to_string));
    let name = profile.name.reveal();
    let words = words::searchable(&[
        name,
        siret.as_deref().unwrap_or_default(),
        rna.as_deref().unwrap_or_default(),
    ]);
    sqlx::query(
        "INSERT INTO third_parties (id, version, updated_at, registered_at, name, siret, rna, address,
            email, applicant_account, words)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (id) DO UPDATE SET version = $2, updated_at = $3, name = $5, siret = $6, rna = $7,
            address = $8, email = $9, applicant_account = $10, words = $11",
    )
    .bind(recorded.stream_id)
    .bind(recorded.version)
    .bind(recorded.recorded_at)
    .bind(at)
    .bind(name)
    .bind(siret)
    .bind(rna)
    .bind(profile.address.as_ref().map(|address| Json(address.reveal())))
    .bind(profile.email.as_ref().map(|email| email.reveal().to_string()))
    .bind(profile.applicant_account.as_ref())
    .bind(words)
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<ThirdPartyRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM third_parties WHERE id = ANY(");
    query.push_bind(ids.to_vec()).push(")");
    seen(&mut query, scope);
    query.build_query_as().fetch_all(pool).await
}

/// A third party is seen through one of its dossiers, or while it has none.
pub(crate) fn seen(query: &mut Sql<'_>, scope: &Scope) {
    if scope.is_whole() {
        return;
    }
    query.push(
        " AND (NOT EXISTS (SELECT 1 FROM dossiers d WHERE d.third_party_id = third_parties.id)
          OR EXISTS (SELECT 1 FROM dossiers d WHERE d.third_party_id = third_parties.id AND ",
    );
    scope.sees(query, "d");
    query.push("))");
}

/// A dossier of a third party, with its documents.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DossierOf {
    /// Its id.
    pub id: Uuid,
    /// The documents about it alone.
    pub documents: Vec<Uuid>,
}

/// The dossiers of a third party.
pub async fn dossiers_of(pool: &PgPool, third_party: Uuid) -> sqlx::Result<Vec<DossierOf>> {
    sqlx::query_as(
        "SELECT dossiers.id, coalesce(array_agg(documents.id ORDER BY documents.id)
             FILTER (WHERE documents.id IS NOT NULL), '{}') AS documents
         FROM dossiers LEFT JOIN documents ON documents.dossier_id = dossiers.id
         WHERE dossiers.third_party_id = $1
         GROUP BY dossiers.id, dossiers.reference ORDER BY dossiers.reference",
    )
    .bind(third_party)
    .fetch_all(pool)
    .await
}

/// A document about a whole batch.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SharedDocument {
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub title: String,
    /// Whether third parties that are not erased are in it too.
    pub names_others: bool,
}

/// The documents about whole batches in which a third party is.
pub async fn documents_shared_by(
    pool: &PgPool,
    third_party: Uuid,
) -> sqlx::Result<Vec<SharedDocument>> {
    sqlx::query_as(
        "SELECT documents.id, documents.title, EXISTS (
             SELECT FROM batch_dossiers
             JOIN dossiers ON dossiers.id = batch_dossiers.dossier_id
             JOIN third_parties ON third_parties.id = dossiers.third_party_id
             WHERE batch_dossiers.batch_id = documents.batch_id
               AND third_parties.id <> $1 AND third_parties.erased_at IS NULL
         ) AS names_others
         FROM documents
         WHERE documents.dossier_id IS NULL AND documents.batch_id IN (
             SELECT batch_id FROM batch_dossiers
             JOIN dossiers ON dossiers.id = batch_dossiers.dossier_id
             WHERE dossiers.third_party_id = $1
         )
         ORDER BY documents.title, documents.id",
    )
    .bind(third_party)
    .fetch_all(pool)
    .await
}
