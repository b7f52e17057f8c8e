//! Pages of dossiers, with their third parties and documents, written straight as the JSON of an answer: only
//! the columns that are asked for are read, and no row becomes an object first. The list that clerks live in
//! costs half as much so.

mod fields;
mod write;

pub use fields::{DOCUMENT, DOSSIER, Field, THIRD_PARTY};

use crate::{
    dossiers::{DossierFilter, DossierOrder},
    list,
    page::{ListFault, PageRequest},
    scope::Scope,
    third_parties,
};
use sqlx::{PgPool, QueryBuilder, Row as _, postgres::PgRow};
use std::collections::HashMap;
use uuid::Uuid;

/// A field that is asked for, and the key under which it is answered.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The key.
    pub key: String,
    /// The field.
    pub field: &'static Field,
}

/// What is asked of a dossier.
#[derive(Debug, Clone)]
pub enum Part {
    /// One of its own fields.
    Own(Asked),
    /// Its third party, under this key.
    ThirdParty(String, Vec<Asked>),
    /// Its documents, the oldest first, under this key.
    Documents(String, Vec<Asked>),
}

/// The rows of a page, ready to be written.
#[derive(Debug)]
pub struct Rows {
    /// In the order of the page, each with its cursor.
    found: Vec<(String, Uuid)>,
    dossiers: HashMap<Uuid, PgRow>,
    documents: HashMap<Uuid, Vec<PgRow>>,
    /// Whether more follow.
    pub has_next: bool,
    /// Whether more precede.
    pub has_previous: bool,
}

/// Where pages are found, and where rows are read by their ids.
#[derive(Debug, Clone, Copy)]
pub struct Pools<'p> {
    /// Every statement is planned for what it asks.
    pub questions: &'p PgPool,
    /// Statements are planned once, and look rows up.
    pub lookups: &'p PgPool,
}

/// One page of the dossiers that `scope` sees and the filter keeps, with what is asked of them.
pub async fn dossiers(
    pools: Pools<'_>,
    scope: &Scope,
    filter: &DossierFilter,
    orders: &[DossierOrder],
    request: &PageRequest,
    parts: &[Part],
) -> Result<Rows, ListFault> {
    let slice = list::found(pools.questions, scope, filter, orders, request).await?;
    let found: Vec<(String, Uuid)> = slice
        .rows
        .into_iter()
        .map(|(cursor, row)| (cursor, row.id))
        .collect();
    let ids: Vec<Uuid> = found.iter().map(|(_, id)| *id).collect();
    let (dossiers, documents) = futures::try_join!(
        rows(pools.lookups, scope, &ids, parts),
        documents(pools.lookups, &ids, parts),
    )?;
    Ok(Rows {
        // A row that went meanwhile is on no page.
        found: found
            .into_iter()
            .filter(|(_, id)| dossiers.contains_key(id))
            .collect(),
        dossiers,
        documents,
        has_next: slice.has_next,
        has_previous: slice.has_previous,
    })
}

/// The dossiers of these ids, each with its third party. The first column is the id, the second tells whether
/// the third party is seen; the others are those that are asked for, in the order of `parts`.
async fn rows(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
    parts: &[Part],
) -> sqlx::Result<HashMap<Uuid, PgRow>> {
    let mut columns = vec![
        "dossier.id".to_owned(),
        "third_party.id IS NOT NULL".to_owned(),
    ];
    let mut joined = false;
    for part in parts {
        match part {
            Part::Own(asked) => columns.push(format!("dossier.{}", asked.field.column)),
            Part::ThirdParty(_, fields) => {
                joined = true;
                let column = |asked: &Asked| format!("third_party.{}", asked.field.column);
                columns.extend(fields.iter().map(column));
            }
            Part::Documents(..) => {}
        }
    }
    if !joined {
        "true".clone_into(&mut columns[1]);
    }
    let columns = columns.join(", ");
    let mut query = QueryBuilder::new(format!("SELECT {columns} FROM dossiers dossier"));
    if joined {
        query.push(" LEFT JOIN (SELECT * FROM third_parties WHERE true");
        third_parties::seen(&mut query, scope);
        query.push(") third_party ON third_party.id = dossier.third_party_id");
    }
    query.push(" WHERE dossier.id = ANY(").push_bind(ids);
    query.push(")");
    let rows = query.build().fetch_all(pool).await?;
    rows.into_iter()
        .map(|row| Ok((row.try_get(0)?, row)))
        .collect()
}

/// The documents of these dossiers, if they are asked for. The first column is the dossier's id.
async fn documents(
    pool: &PgPool,
    ids: &[Uuid],
    parts: &[Part],
) -> sqlx::Result<HashMap<Uuid, Vec<PgRow>>> {
    let mut documents: HashMap<Uuid, Vec<PgRow>> = HashMap::new();
    let asked = parts.iter().find_map(|part| match part {
        Part::Documents(_, asked) => Some(asked),
        Part::Own(_) | Part::ThirdParty(..) => None,
    });
    let Some(asked) = asked else {
        return Ok(documents);
    };
    let columns = asked.iter().map(|asked| asked.field.column);
    let columns: Vec<&str> = std::iter::once("dossier_id").chain(columns).collect();
    let columns = columns.join(", ");
    let statement = format!(
        "SELECT {columns} FROM documents WHERE dossier_id = ANY($1) ORDER BY dossier_id, requested_at, id"
    );
    for row in sqlx::query(&statement).bind(ids).fetch_all(pool).await? {
        documents.entry(row.try_get(0)?).or_default().push(row);
    }
    Ok(documents)
}
