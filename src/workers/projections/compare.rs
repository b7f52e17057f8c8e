//! Whether a copy shows what the live one shows, at the same position.

use super::{
    copy::Copy,
    place::{self, Place, Shape},
};
use navette_projections::Projector;
use sqlx::PgConnection;
use std::fmt;

/// The most differences that are told of one table.
const TOLD: i64 = 20;

/// A row that is not the same in the live table and in its copy. It tells no value but those of the key:
/// the others may be personal.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// The primary key of the row, as JSON.
    pub key: String,
    /// Whether the live table has it.
    pub live: bool,
    /// Whether the copy has it.
    pub rebuilt: bool,
    /// The columns that differ.
    pub columns: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            key,
            columns,
            ..
        } = self;
        write!(f, "{table} {key}: ")?;
        match (self.live, self.rebuilt) {
            (true, false) => write!(f, "only in the live table"),
            (false, _) => write!(f, "only in the rebuilt table"),
            (true, true) => write!(f, "differs in {}", columns.join(", ")),
        }
    }
}

/// The number of rows of a table, and a sum of their digests that no order changes.
type Checksum = (i64, Option<String>);

/// The checksum of each table of a copy.
pub(super) async fn checksums(
    connection: &mut PgConnection,
    projector: &dyn Projector,
    shape: &Shape,
    place: Place,
) -> sqlx::Result<Vec<Checksum>> {
    let schema = shape.schema(place);
    let mut sums = vec![];
    for table in projector.tables() {
        let statement = format!(
            "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric)::text FROM {schema}.{table} AS t"
        );
        sums.push(
            sqlx::query_as(&statement)
                .fetch_one(&mut *connection)
                .await?,
        );
    }
    Ok(sums)
}

/// Brings `copy` to where the live one is and compares them; nothing is compared when there is no live one.
/// The live one goes on meanwhile, unless differences must be looked for row by row.
pub(super) async fn compare(copy: &mut Copy<'_>) -> anyhow::Result<Vec<Difference>> {
    // All but the last steps of the way, so that the snapshot of the live one is young.
    let mut near = 0;
    while let Some(live) = copy.position_of(Place::Live).await? {
        if live <= near {
            break;
        }
        near = copy.fill(Some(live)).await?;
    }
    let mut snapshot = copy.log.pool().begin().await?;
    place::run(&mut snapshot, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    let Some(live) = place::position(&mut snapshot, &copy.shape, Place::Live).await? else {
        return Ok(vec![]);
    };
    let shown = checksums(&mut snapshot, copy.projector, &copy.shape, Place::Live).await?;
    snapshot.commit().await?;
    copy.fill(Some(live)).await?;
    // Not by the copy's own connection, which is kept from reading whole tables.
    let mut reader = copy.log.pool().acquire().await?;
    let rebuilt = checksums(&mut reader, copy.projector, &copy.shape, copy.place).await?;
    drop(reader);
    if rebuilt == shown {
        return Ok(vec![]);
    }
    differences(copy).await
}

/// The rows that differ, with both copies kept at one position.
async fn differences(copy: &mut Copy<'_>) -> anyhow::Result<Vec<Difference>> {
    let mut hold = copy.log.pool().begin().await?;
    place::run(
        &mut hold,
        "SET LOCAL idle_in_transaction_session_timeout = 0",
    )
    .await?;
    let live: i64 = sqlx::query_scalar(
        "SELECT position FROM projections WHERE name = $1 AND shape = $2 AND place = 'live' FOR UPDATE",
    )
    .bind(copy.shape.name)
    .bind(&copy.shape.digest)
    .fetch_one(&mut *hold)
    .await?;
    copy.fill(Some(live)).await?;
    let mut found = vec![];
    for table in copy.projector.tables() {
        found.extend(differing_rows(&mut hold, &copy.shape, copy.place, table).await?);
    }
    hold.rollback().await?;
    Ok(found)
}

async fn differing_rows(
    connection: &mut PgConnection,
    shape: &Shape,
    place: Place,
    table: &str,
) -> sqlx::Result<Vec<Difference>> {
    let (live, copy) = (shape.schema(Place::Live), shape.schema(place));
    let key: Vec<String> = sqlx::query_scalar(
        "SELECT a.attname::text FROM pg_index i
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
         WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY a.attnum",
    )
    .bind(format!("{live}.{table}"))
    .fetch_all(&mut *connection)
    .await?;
    let pairs: Vec<String> = key
        .iter()
        .map(|column| format!("'{column}', t.{column}"))
        .collect();
    let rows = |schema| {
        format!(
            "SELECT jsonb_build_object({}) AS key, to_jsonb(t) AS row FROM {schema}.{table} AS t",
            pairs.join(", ")
        )
    };
    let statement = format!(
        "SELECT $1 AS table, key::text AS key, l.row IS NOT NULL AS live, n.row IS NOT NULL AS rebuilt,
                ARRAY(SELECT o.key FROM jsonb_each(l.row) AS o JOIN jsonb_each(n.row) AS w ON o.key = w.key
                      WHERE o.value <> w.value ORDER BY o.key) AS columns
         FROM ({}) AS l FULL JOIN ({}) AS n USING (key)
         WHERE l.row IS DISTINCT FROM n.row
         ORDER BY key LIMIT $2",
        rows(live),
        rows(copy)
    );
    sqlx::query_as(&statement)
        .bind(table)
        .bind(TOLD)
        .fetch_all(connection)
        .await
}
