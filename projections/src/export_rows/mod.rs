//! The rows that an export takes: one a dossier, in the order of references, under the same conditions as the
//! lists that people see. They are copied out in PostgreSQL's text format, which costs the least.

mod columns;
mod literals;
mod scdl;

pub use scdl::{Incomplete, incomplete};

use crate::{condition::Filter as _, dossiers::DossierFilter, list::List as _, scope::Scope};
use navette_domain::export::{Format, Heading};
use sqlx::{PgConnection, Postgres, QueryBuilder};

/// Which dossiers an export takes, and for whom.
#[derive(Debug, Clone)]
pub struct Selection {
    /// What whoever asks sees.
    pub scope: Scope,
    /// What they want of it.
    pub filter: DossierFilter,
}

impl Selection {
    fn push(&self, query: &mut QueryBuilder<'_, Postgres>) {
        query.push("(SELECT * FROM dossiers WHERE true");
        DossierFilter::seen(query, &self.scope);
        self.filter.push(query, &self.scope);
        query.push(")");
    }

    /// How many rows there are. An open-data file has those that were granted.
    pub async fn count(
        &self,
        connection: &mut PgConnection,
        format: Format,
    ) -> Result<u64, sqlx::Error> {
        let mut query = QueryBuilder::new("SELECT count(*) FROM ");
        self.push(&mut query);
        query.push(" AS d");
        if format == Format::Scdl {
            query.push(scdl::GRANTED);
        }
        let count: i64 = query.build_query_scalar().fetch_one(connection).await?;
        Ok(count.unsigned_abs())
    }

    /// The statement that copies the rows out, one cell a heading. It takes no parameters, which `COPY` does not
    /// know: the server itself has written the values into it.
    pub async fn copy(
        &self,
        connection: &mut PgConnection,
        format: Format,
        headings: &[Heading],
    ) -> Result<String, sqlx::Error> {
        let mut query = QueryBuilder::new("COPY (");
        if format == Format::Scdl {
            scdl::rows(&mut query, self);
        } else {
            columns::rows(&mut query, self, headings);
        }
        query.push(") TO STDOUT");
        literals::written_in(connection, query).await
    }
}

/// Begins the transaction of an export: one snapshot, nothing written, times as people in France read them, and
/// no statement that goes on for ever.
pub async fn begin(connection: &mut PgConnection, minutes: u32) -> Result<(), sqlx::Error> {
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "SELECT set_config('TimeZone', 'Europe/Paris', true), set_config('DateStyle', 'ISO', true),
             set_config('statement_timeout', $1, true)",
    )
    .bind(format!("{minutes}min"))
    .execute(connection)
    .await?;
    Ok(())
}
