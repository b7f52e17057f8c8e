//! Chains and their versions.

use crate::{
    Projector,
    condition::{Column, InstantIs, TextIs},
    kinds::{ChainScope, DossierStatus},
};
use async_graphql::{InputObject, SimpleObject};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    chain::{ChainEvent, Definition},
    event::{Event, Recorded},
};
use sqlx::{PgConnection, PgPool, QueryBuilder, types::Json};
use uuid::Uuid;

/// One version of a chain.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "ChainRow")]
pub struct ChainRow {
    /// The chain's id.
    pub id: Uuid,
    /// The version, from 1.
    pub version: i32,
    /// The name that programs use.
    pub code: String,
    /// The name that clerks read.
    pub label: String,
    /// How many documents a batch makes.
    #[sqlx(try_from = "String")]
    pub scope: ChainScope,
    /// What it says, whole.
    #[graphql(skip)]
    pub definition: Json<Definition>,
    /// When it was published.
    pub published_at: DateTime<Utc>,
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct ChainStep {
    /// Its name.
    pub id: String,
    /// What it does: `merge`, `convert`, `visa`, `sign`, `register`, `attach`, `notify`, `email`, `publish`,
    /// `call`, `approve`, `wait`.
    pub kind: String,
    /// The condition under which it is done.
    pub when: Option<String>,
    /// The group of steps with which it is done at once.
    pub parallel: Option<String>,
}

impl ChainRow {
    /// The code of the template it uses.
    pub fn template(&self) -> &str {
        &self.definition.template
    }

    /// The statuses of the dossiers it accepts.
    pub fn accepts(&self) -> Vec<DossierStatus> {
        self.definition
            .accepts
            .iter()
            .copied()
            .map(Into::into)
            .collect()
    }

    /// Its steps, in order.
    pub fn steps(&self) -> Vec<ChainStep> {
        let step = |step: &navette_domain::chain::Step| ChainStep {
            id: step.id.to_string(),
            kind: serde_json::to_value(&step.action)
                .ok()
                .and_then(|action| action.get("kind")?.as_str().map(str::to_owned))
                .unwrap_or_default(),
            when: step.when.clone(),
            parallel: step.parallel.clone(),
        };
        self.definition.steps.iter().map(step).collect()
    }
}

/// Keeps `chains`.
#[derive(Debug)]
pub struct Chains;

const SCHEMA: &str = "
CREATE TABLE chains (
    id uuid NOT NULL,
    version integer NOT NULL,
    code text NOT NULL,
    label text NOT NULL,
    scope text NOT NULL,
    definition jsonb NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (id, version)
);
";

#[async_trait]
impl Projector for Chains {
    fn name(&self) -> &'static str {
        "chains"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["chains"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        let Event::Chain(event) = &recorded.event else {
            return Ok(());
        };
        let ChainEvent::Published {
            version,
            definition,
            at,
        } = event;
        sqlx::query(
            "INSERT INTO chains (id, version, code, label, scope, definition, published_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(recorded.stream_id)
        .bind(i32::try_from(*version).unwrap_or(i32::MAX))
        .bind(&definition.code)
        .bind(&definition.label)
        .bind(ChainScope::from(definition.scope).as_str())
        .bind(Json(definition))
        .bind(at)
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Which chains: every condition that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, InputObject)]
pub struct ChainFilter {
    /// The name that programs use.
    pub code: Option<TextIs>,
    /// How many documents a batch makes.
    pub scope: Option<Vec<ChainScope>>,
    /// When the version was published.
    pub published_at: Option<InstantIs>,
}

/// The last version of every chain that the filter keeps, by code.
pub async fn latest(pool: &PgPool, filter: &ChainFilter) -> Result<Vec<ChainRow>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT * FROM (SELECT DISTINCT ON (id) * FROM chains ORDER BY id, version DESC) AS latest WHERE true",
    );
    if let Some(test) = &filter.code {
        test.push(&mut query, Column::always("code COLLATE \"C\""));
    }
    if let Some(scopes) = &filter.scope {
        let names: Vec<&'static str> = scopes.iter().map(|scope| scope.as_str()).collect();
        query.push(" AND scope = ANY(").push_bind(names).push(")");
    }
    if let Some(test) = &filter.published_at {
        test.push(&mut query, Column::always("published_at"));
    }
    query.push(" ORDER BY code, id");
    query.build_query_as().fetch_all(pool).await
}

/// These versions of these chains.
pub async fn by_refs(pool: &PgPool, refs: &[(Uuid, i32)]) -> Result<Vec<ChainRow>, sqlx::Error> {
    let (ids, versions): (Vec<Uuid>, Vec<i32>) = refs.iter().copied().unzip();
    sqlx::query_as(
        "SELECT chains.* FROM chains
         JOIN unnest($1::uuid[], $2::integer[]) AS asked (id, version) USING (id, version)",
    )
    .bind(ids)
    .bind(versions)
    .fetch_all(pool)
    .await
}
