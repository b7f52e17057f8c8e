//! Where the tables of a projection are, and the row that says how far they are.
//!
//! Each copy has a PostgreSQL schema of its own. Readers name tables without a schema and find the live
//! ones by their `search_path`; a schema that is renamed in one transaction is what a swap is.

use navette_domain::digest::Digest;
use navette_projections::Projector;
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};
use std::time::Duration;

/// How often, and how far apart, it is looked whether another release follows its own tables.
const GLANCES: u32 = 20;
const GLANCE: Duration = Duration::from_millis(100);

/// Which copy of a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The one that is read.
    Live,
    /// The one that is being built, to take its place.
    Next,
    /// The one whose place was taken, kept for a return.
    Former,
}

impl Place {
    /// Its name in the table of projections.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Next => "next",
            Self::Former => "former",
        }
    }
}

/// A projection, and the shape that this program gives its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// The beginning of the digest of the statements that make its tables.
    pub digest: String,
}

impl Shape {
    /// The shape that `projector` wants.
    pub fn of(projector: &dyn Projector) -> Self {
        let digest = Digest::of(projector.schema().as_bytes()).to_string();
        Self {
            name: projector.name(),
            digest: digest.chars().take(12).collect(),
        }
    }

    /// The name of the PostgreSQL schema of a copy.
    pub fn schema(&self, place: Place) -> String {
        let Self { name, digest } = self;
        match place {
            Place::Live => format!("{name}_{digest}"),
            Place::Next | Place::Former => format!("{name}_{digest}_{}", place.as_str()),
        }
    }
}

/// Where connections find the tables of the shell, then the live ones of these projectors. What is made
/// without naming a schema is made in the first.
pub fn search_path(projectors: &[Box<dyn Projector>]) -> String {
    let mut path = vec!["public".to_owned()];
    path.extend(
        projectors
            .iter()
            .map(|projector| Shape::of(projector.as_ref()).schema(Place::Live)),
    );
    path.join(",")
}

/// Runs statements without arguments.
pub(super) async fn run(connection: &mut PgConnection, statements: &str) -> sqlx::Result<()> {
    connection.execute(statements).await?;
    Ok(())
}

/// Keeps two processes from making or building the same copy, as long as its transaction or session lasts.
pub(super) async fn lock(
    connection: &mut PgConnection,
    session: bool,
    name: &str,
) -> sqlx::Result<()> {
    let function = if session {
        "pg_advisory_lock"
    } else {
        "pg_advisory_xact_lock"
    };
    sqlx::query(&format!(
        "SELECT {function}(hashtext('navette projection'), hashtext($1))"
    ))
    .bind(name)
    .execute(connection)
    .await?;
    Ok(())
}

/// The position of a copy; `None` if there is no such copy.
pub(super) async fn position(
    connection: &mut PgConnection,
    shape: &Shape,
    place: Place,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT position FROM projections WHERE name = $1 AND shape = $2 AND place = $3",
    )
    .bind(shape.name)
    .bind(&shape.digest)
    .bind(place.as_str())
    .fetch_optional(connection)
    .await
}

/// Makes the empty tables of a copy.
pub(super) async fn make(
    connection: &mut PgConnection,
    projector: &dyn Projector,
    place: Place,
) -> sqlx::Result<()> {
    let shape = Shape::of(projector);
    let schema = shape.schema(place);
    run(
        &mut *connection,
        &format!("CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}, public"),
    )
    .await?;
    run(&mut *connection, projector.schema()).await?;
    sqlx::query("INSERT INTO projections (name, shape, place, release) VALUES ($1, $2, $3, $4)")
        .bind(shape.name)
        .bind(&shape.digest)
        .bind(place.as_str())
        .bind(env!("CARGO_PKG_VERSION"))
        .execute(connection)
        .await?;
    Ok(())
}

/// Drops a copy, if it is there.
pub(super) async fn drop(
    connection: &mut PgConnection,
    shape: &Shape,
    place: Place,
) -> sqlx::Result<()> {
    run(
        &mut *connection,
        &format!("DROP SCHEMA IF EXISTS {} CASCADE", shape.schema(place)),
    )
    .await?;
    sqlx::query("DELETE FROM projections WHERE name = $1 AND shape = $2 AND place = $3")
        .bind(shape.name)
        .bind(&shape.digest)
        .bind(place.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Drops every copy that nobody reads: what is being built, what was replaced, and the shapes of other
/// releases that nobody follows any more. Those that somebody follows soon are where the live one is.
pub async fn drop_unread(pool: &PgPool, projector: &dyn Projector) -> sqlx::Result<()> {
    let mine = Shape::of(projector);
    let mut connection = pool.acquire().await?;
    let here = position(&mut connection, &mine, Place::Live)
        .await?
        .unwrap_or(0);
    for _ in 0..GLANCES {
        let behind: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM projections
                            WHERE name = $1 AND shape <> $2 AND place = 'live' AND position < $3)",
        )
        .bind(mine.name)
        .bind(&mine.digest)
        .bind(here)
        .fetch_one(&mut *connection)
        .await?;
        if !behind {
            break;
        }
        tokio::time::sleep(GLANCE).await;
    }
    let mut transaction = connection.begin().await?;
    lock(&mut transaction, false, mine.name).await?;
    for place in [Place::Next, Place::Former] {
        drop(&mut transaction, &mine, place).await?;
    }
    drop_shapes(&mut transaction, &mine, |_, reached| reached < here).await?;
    transaction.commit().await
}

/// Drops the copies of other shapes that `unwanted` names by their rank, the last that moved first, and
/// position.
pub(super) async fn drop_shapes(
    connection: &mut PgConnection,
    mine: &Shape,
    unwanted: impl Fn(usize, i64) -> bool,
) -> sqlx::Result<()> {
    let others: Vec<(String, i64)> = sqlx::query_as(
        "SELECT shape, max(position) FROM projections WHERE name = $1 AND shape <> $2
         GROUP BY shape ORDER BY max(moved_at) DESC",
    )
    .bind(mine.name)
    .bind(&mine.digest)
    .fetch_all(&mut *connection)
    .await?;
    for (rank, (digest, position)) in others.into_iter().enumerate() {
        if unwanted(rank, position) {
            let other = Shape {
                name: mine.name,
                digest,
            };
            for place in [Place::Live, Place::Next, Place::Former] {
                drop(connection, &other, place).await?;
            }
        }
    }
    Ok(())
}
