//! Two roles in the database: the owner, who makes the tables, and the application, which may add to the
//! log and not change it.

use sqlx::{Connection as _, PgConnection, PgExecutor};

/// Gives the role `application` what Navette needs, and no more, on all the tables of the role that is
/// connected: on tables that only grow, to read and to add. Projections it makes itself, so they are its own.
pub async fn grant(owner: &mut PgConnection, application: &str) -> sqlx::Result<()> {
    let mut transaction = owner.begin().await?;
    let (itself,): (bool,) = sqlx::query_as("SELECT current_user = $1")
        .bind(application)
        .fetch_one(&mut *transaction)
        .await?;
    if itself {
        return Ok(());
    }
    // Two processes that start together would change the same rows of the catalogue.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('navette roles'))")
        .execute(&mut *transaction)
        .await?;
    let statements: Vec<String> = sqlx::query_scalar(
        r"SELECT format('GRANT CREATE ON DATABASE %I TO %I', current_database(), $1)
          UNION ALL
          SELECT format('GRANT USAGE, CREATE ON SCHEMA public TO %I', $1)
          UNION ALL
          SELECT format('GRANT USAGE ON SCHEMA %I TO %I', nspname, $1)
          FROM pg_namespace
          WHERE nspowner = current_user::regrole AND nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
          UNION ALL
          SELECT format('REVOKE ALL ON %1$s FROM %2$I; GRANT %3$s ON %1$s TO %2$I', relation.oid::regclass, $1,
              CASE
                  WHEN relation.relname IN ('_sqlx_migrations', 'archives', 'archived_hashes')
                      OR relation.relname LIKE 'events\_%' THEN 'SELECT'
                  WHEN EXISTS (
                      SELECT FROM pg_trigger
                      WHERE tgrelid = relation.oid AND tgfoid = to_regproc('refuse_change')
                  ) THEN 'SELECT, INSERT'
                  ELSE 'SELECT, INSERT, UPDATE, DELETE'
              END)
          FROM pg_class AS relation JOIN pg_namespace AS space ON space.oid = relation.relnamespace
          WHERE relation.relkind IN ('r', 'p') AND relation.relowner = current_user::regrole
            AND space.nspname NOT LIKE 'pg\_%' AND space.nspname <> 'information_schema'",
    )
    .bind(application)
    .fetch_all(&mut *transaction)
    .await?;
    for statement in statements {
        sqlx::raw_sql(&statement).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// Whether the role of these connections could change the log: it owns the table, or is above all rights.
/// None while there is no log.
pub async fn could_change_the_log(connection: impl PgExecutor<'_>) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar(
        "SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass('events')",
    )
    .fetch_optional(connection)
    .await
}

#[cfg(all(test, feature = "sim"))]
mod tests;
