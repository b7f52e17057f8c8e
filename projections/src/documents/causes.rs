//! Why documents wait for a person, and which wait for the same cause.

use super::{DocumentFilter, query::seen};
use crate::{
    chains,
    condition::{Filter as _, Sql},
    page::{ListFault, PageFault},
    scope::Scope,
};
use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use navette_domain::chain::StepId;
use sqlx::{PgPool, QueryBuilder};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Steps of documents that stopped for one and the same cause.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct Trouble {
    /// What names the cause in a filter of documents.
    pub cause: String,
    /// The neighbour that the step is about, by its stored name; `office` for what Navette does itself.
    pub neighbour: Option<String>,
    /// The step at which they stopped.
    pub step: Option<String>,
    /// Why they stopped, or were refused, without what is particular to one of them.
    pub sentence: Option<String>,
    /// The same, as one of them says it.
    pub example: Option<String>,
    /// How many they are.
    pub documents: i64,
    /// Since when the first of them waits.
    pub since: DateTime<Utc>,
    /// When the last of them came.
    pub until: DateTime<Utc>,
    /// Those that have waited longest, at most five.
    pub samples: Vec<Uuid>,
}

/// The stopped steps of a document, each with its sentence; of a refused one, the step that was refused.
const STOPPED: &str = "(
    SELECT told.step, told.sentence FROM jsonb_each_text(documents.troubles) AS told (step, sentence)
    UNION ALL SELECT documents.step, documents.reason WHERE documents.trouble IS NULL
) AS stopped (step, sentence)";

/// A sentence without what is particular to one document: any word that holds a digit or an at sign, such as a
/// reference, an amount, a date or an address. The code of an answer is none of these.
const ALIKE: &str = r"regexp_replace(regexp_replace(stopped.sentence,
    '(?<!code )\m[[:alnum:]_.,/:+-]*[0-9@][[:alnum:]_.,/:@+-]*', '…', 'g'), '…( …)+', '…', 'g')";

/// What names the cause of a stopped step.
fn cause() -> String {
    format!("md5(concat_ws(' ', stopped.step, {ALIKE}))")
}

/// Pushes the test that a step of a document stopped for one of these causes.
pub(super) fn stopped_for(query: &mut Sql<'_>, causes: &[String]) {
    query
        .push(format!(
            " AND needs_attention AND EXISTS (SELECT FROM {STOPPED} WHERE {} = ANY(",
            cause()
        ))
        .push_bind(causes.to_vec())
        .push("))");
}

/// Those of one version of a chain.
#[derive(sqlx::FromRow)]
struct OfChain {
    chain_id: Uuid,
    chain_version: i32,
    cause: String,
    step: Option<String>,
    sentence: Option<String>,
    example: Option<String>,
    documents: i64,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    samples: Vec<Uuid>,
}

/// The most samples of a cause.
const SAMPLES: usize = 5;

/// Why the documents that `scope` sees and the filter keeps wait for a person: the most frequent cause first, at
/// most `most` of them. A document counts for each of its stopped steps.
pub async fn troubles(
    pool: &PgPool,
    scope: &Scope,
    filter: &DocumentFilter,
    most: usize,
) -> Result<Vec<Trouble>, ListFault> {
    filter.check().map_err(PageFault::from)?;
    let mut query = QueryBuilder::new(format!(
        "SELECT chain_id, chain_version, {} AS cause, stopped.step, {ALIKE} AS sentence,
            min(stopped.sentence) AS example, count(*) AS documents,
            min(updated_at) AS since, max(updated_at) AS until,
            (array_agg(id ORDER BY updated_at, id))[1:{SAMPLES}] AS samples
         FROM (SELECT * FROM documents WHERE needs_attention",
        cause()
    ));
    seen(&mut query, scope);
    filter.push(&mut query, scope);
    query.push(format!(
        ") AS documents CROSS JOIN LATERAL {STOPPED} GROUP BY 1, 2, 3, 4, 5"
    ));
    let rows: Vec<OfChain> = query.build_query_as().fetch_all(pool).await?;
    let refs: Vec<(Uuid, i32)> = rows
        .iter()
        .map(|row| (row.chain_id, row.chain_version))
        .collect();
    let chains = chains::by_refs(pool, &refs).await?;
    let neighbour = |row: &OfChain| {
        let version = (row.chain_id, row.chain_version);
        let chain = chains.iter().find(|it| (it.id, it.version) == version)?;
        let step = chain.definition.step(&StepId(row.step.clone()?))?;
        Some(step.action.neighbour().code().to_owned())
    };
    let mut causes: BTreeMap<String, Trouble> = BTreeMap::new();
    for row in rows {
        let neighbour = neighbour(&row);
        let told = Trouble {
            cause: row.cause.clone(),
            neighbour,
            step: row.step,
            sentence: row.sentence,
            example: row.example,
            documents: row.documents,
            since: row.since,
            until: row.until,
            samples: row.samples,
        };
        causes
            .entry(row.cause)
            .and_modify(|known| known.add(&told))
            .or_insert(told);
    }
    let mut causes: Vec<Trouble> = causes.into_values().collect();
    causes.sort_by(|one, two| (two.documents, &one.step).cmp(&(one.documents, &two.step)));
    causes.truncate(most);
    Ok(causes)
}

impl Trouble {
    /// The same cause in another version of a chain.
    fn add(&mut self, other: &Self) {
        self.documents += other.documents;
        self.since = self.since.min(other.since);
        self.until = self.until.max(other.until);
        self.samples.extend(&other.samples);
        self.samples.truncate(SAMPLES);
    }
}
