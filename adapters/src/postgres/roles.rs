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
                  WHEN relation.relname = '_sqlx_migrations' THEN 'SELECT'
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use super::*;
    use crate::{
        log::{
            Log,
            tests::{MIGRATIONS, commit},
        },
        postgres::test_cluster::TestDatabase,
    };
    use sqlx::PgPool;
    use uuid::Uuid;

    /// A database whose log has events, and the pool of a role that may not change it.
    async fn database() -> (TestDatabase, PgPool) {
        let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
        let role = format!("application_{}", Uuid::new_v4().simple());
        let mut owner = database.pool.acquire().await.unwrap();
        sqlx::raw_sql(&format!("CREATE ROLE {role} LOGIN"))
            .execute(&mut *owner)
            .await
            .unwrap();
        grant(&mut owner, &role).await.unwrap();
        // Starting again, or two at once, changes nothing.
        grant(&mut owner, &role).await.unwrap();
        drop(owner);
        let options = database.connect_options().username(&role);
        let application = PgPool::connect_with(options).await.unwrap();
        let log = Log::of_tests(application.clone());
        for _ in 0..3 {
            log.append(commit(Uuid::now_v7(), 0, 2)).await.unwrap();
        }
        (database, application)
    }

    async fn code(pool: &PgPool, statement: &str) -> Option<String> {
        let refused = sqlx::raw_sql(statement).execute(pool).await.err()?;
        let code = refused
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        Some(code.unwrap().into_owned())
    }

    /// Every way to change what only grows.
    const CHANGES: [&str; 18] = [
        "UPDATE events SET payload = '{}'",
        "DELETE FROM events",
        "TRUNCATE events",
        "UPDATE command_receipts SET version = 0",
        "DELETE FROM command_receipts",
        "TRUNCATE command_receipts",
        "UPDATE checkpoints SET note = ''",
        "DELETE FROM checkpoints",
        "TRUNCATE checkpoints CASCADE",
        "UPDATE tree_nodes SET level = 9",
        "DELETE FROM tree_nodes",
        "TRUNCATE tree_nodes",
        "UPDATE time_stamps SET token = ''",
        "DELETE FROM time_stamps",
        "TRUNCATE time_stamps",
        "UPDATE key_changes SET note = ''",
        "DELETE FROM key_changes",
        "TRUNCATE key_changes",
    ];

    #[tokio::test]
    async fn the_application_adds_to_the_log_and_is_refused_every_change_of_it() {
        let (_database, application) = database().await;
        let around = [
            "ALTER TABLE events DISABLE TRIGGER ALL",
            "DROP TABLE events",
            "DROP TRIGGER events_only_grow ON events",
            "CREATE RULE quiet AS ON INSERT TO events DO INSTEAD NOTHING",
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "SET session_replication_role = replica",
            "UPDATE _sqlx_migrations SET success = false",
        ];
        for statement in CHANGES.into_iter().chain(around) {
            // Insufficient privilege.
            let code = code(&application, statement).await;
            assert_eq!(code.as_deref(), Some("42501"), "{statement}");
        }
        assert_eq!(
            could_change_the_log(&application).await.unwrap(),
            Some(false)
        );
    }

    #[tokio::test]
    async fn the_application_makes_its_own_tables_and_keeps_its_own_counts() {
        let (_database, application) = database().await;
        for statement in [
            "CREATE TABLE shown (id int)",
            "CREATE SCHEMA beside; CREATE TABLE beside.shown2 (id int); ALTER TABLE beside.shown2 SET SCHEMA public",
            "DROP TABLE shown",
            "INSERT INTO batch_holds VALUES (gen_random_uuid()); DELETE FROM batch_holds",
        ] {
            assert_eq!(code(&application, statement).await, None, "{statement}");
        }
    }

    /// Even the owner, who would have to take the triggers away first.
    #[tokio::test]
    async fn triggers_refuse_every_change_of_the_log_to_its_owner_too() {
        let (database, _application) = database().await;
        for fill in [
            "INSERT INTO checkpoints (size, epoch, root, note) SELECT 1, gen_random_uuid(), hash, '' FROM events LIMIT 1",
            "INSERT INTO tree_nodes SELECT 8, 0, hash FROM events LIMIT 1",
            "INSERT INTO time_stamps SELECT size, root FROM checkpoints",
            "INSERT INTO key_changes SELECT size, note FROM checkpoints",
        ] {
            assert_eq!(code(&database.pool, fill).await, None, "{fill}");
        }
        for statement in CHANGES {
            let refused = sqlx::raw_sql(statement).execute(&database.pool).await;
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("only grows"), "{statement}: {refused}");
        }
        assert_eq!(
            could_change_the_log(&database.pool).await.unwrap(),
            Some(true)
        );
    }
}
