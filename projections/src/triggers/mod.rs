//! Triggers: what they say, what came of them, and what they are still to answer to (`due`).

mod due;
mod filter;

pub use due::{LeftOutRow, due, left_out, ready};
pub use filter::{TriggerFilter, TriggerOrder, TriggerOrderField};

use crate::{
    Projector,
    kinds::{DocumentStatus, DossierStatus, OccasionKind},
    list::List as _,
    scope::Scope,
};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    batch::BatchEvent,
    event::{Event, Recorded},
    ids::ChainId,
    trigger::{Firing, Link, Occasion, Occurrence, Rule, TriggerEvent},
};
use sqlx::{PgConnection, PgPool, QueryBuilder, types::Json};
use uuid::Uuid;

/// One trigger.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "TriggerRow")]
pub struct TriggerRow {
    /// Its id.
    pub id: Uuid,
    /// What people call it: its batches bear this name.
    pub name: String,
    /// As whom it acts.
    pub owner: String,
    /// The code of the chain that it starts, on its latest version.
    pub chain: String,
    /// When it fires.
    #[graphql(skip)]
    pub occasion: Json<Occasion>,
    /// The selection whose dossiers are started, and no others.
    pub selection_id: Option<Uuid>,
    /// The filter that dossiers must pass.
    #[graphql(skip)]
    pub filter: Option<Json<serde_json::Value>>,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it was last saved.
    pub saved_at: DateTime<Utc>,
    /// Since when it is suspended.
    pub suspended_at: Option<DateTime<Utc>>,
    /// Why it is suspended.
    pub suspended_for: Option<String>,
    /// When its calendar is due next.
    pub next_at: Option<DateTime<Utc>>,
    /// When it last fired.
    pub fired_at: Option<DateTime<Utc>>,
    /// The last batch that it started.
    #[graphql(skip)]
    pub last_batch_id: Option<Uuid>,
    /// How many dossiers it has started.
    pub started: i64,
    /// How many its chain did not take.
    pub left_out: i64,
    /// How many it did not choose, or its owner did not see.
    pub not_chosen: i64,
}

/// Keeps `triggers` and what belongs to them.
#[derive(Debug)]
pub struct Triggers;

const SCHEMA: &str = r#"
CREATE TABLE triggers (
    id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    chain text COLLATE "C" NOT NULL,
    occasion jsonb NOT NULL,
    kind text NOT NULL,
    status text,
    after_chain_id uuid,
    selection_id uuid,
    filter jsonb,
    version bigint NOT NULL,
    saved_at timestamptz NOT NULL,
    suspended_at timestamptz,
    suspended_for text,
    next_at timestamptz,
    fired_at timestamptz,
    last_batch_id uuid,
    started bigint NOT NULL,
    left_out bigint NOT NULL,
    not_chosen bigint NOT NULL
);
CREATE INDEX ON triggers (name, id);
CREATE INDEX ON triggers (saved_at, id);
CREATE TABLE trigger_due (
    trigger_id uuid NOT NULL,
    position bigint NOT NULL,
    dossier_id uuid,
    batch_id uuid,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (trigger_id, position)
);
CREATE TABLE trigger_batches (
    batch_id uuid PRIMARY KEY,
    chain_id uuid NOT NULL
);
CREATE TABLE trigger_left_out (
    trigger_id uuid NOT NULL,
    position bigint NOT NULL,
    dossier_id uuid NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (trigger_id, position, dossier_id)
);
"#;

#[async_trait]
impl Projector for Triggers {
    fn name(&self) -> &'static str {
        "triggers"
    }

    fn tables(&self) -> &'static [&'static str] {
        &[
            "triggers",
            "trigger_due",
            "trigger_batches",
            "trigger_left_out",
        ]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        match &recorded.event {
            Event::Trigger(event) => told(connection, recorded, event).await,
            Event::Dossier(event) => due::of_dossier(connection, recorded, event).await,
            Event::Document(event) => due::of_document(connection, recorded, event).await,
            Event::Batch(BatchEvent::Started { order, .. }) => {
                sqlx::query("INSERT INTO trigger_batches (batch_id, chain_id) VALUES ($1, $2)")
                    .bind(recorded.stream_id)
                    .bind(order.chain.chain.0)
                    .execute(connection)
                    .await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

async fn told(
    connection: &mut PgConnection,
    recorded: &Recorded,
    event: &TriggerEvent,
) -> Result<(), sqlx::Error> {
    use TriggerEvent as E;
    let change = |sql| {
        sqlx::query(sql)
            .bind(recorded.stream_id)
            .bind(recorded.version)
    };
    let statement = match event {
        E::Saved { rule, next, at } => {
            return saved(connection, recorded, rule, (*next, *at)).await;
        }
        E::Suspended { reason, at } => change(
            "UPDATE triggers SET version = $2, suspended_at = $3, suspended_for = $4 WHERE id = $1",
        )
        .bind(at)
        .bind(reason),
        E::Resumed { next, .. } => change(
            "UPDATE triggers SET version = $2, suspended_at = NULL, suspended_for = NULL, next_at = $3
             WHERE id = $1",
        )
        .bind(next),
        E::Fired { firing, next, at } => {
            return fired(connection, recorded, firing, (*next, *at)).await;
        }
        E::Removed { .. } => {
            for table in ["trigger_due", "trigger_left_out"] {
                sqlx::query(&format!("DELETE FROM {table} WHERE trigger_id = $1"))
                    .bind(recorded.stream_id)
                    .execute(&mut *connection)
                    .await?;
            }
            sqlx::query("DELETE FROM triggers WHERE id = $1").bind(recorded.stream_id)
        }
    };
    statement.execute(connection).await?;
    Ok(())
}

async fn saved(
    connection: &mut PgConnection,
    recorded: &Recorded,
    rule: &Rule,
    (next, at): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Result<(), sqlx::Error> {
    let (kind, status, after) = match &rule.occasion {
        Occasion::Status { status } => {
            let status = DossierStatus::from(*status).as_str();
            (OccasionKind::Status, Some(status), None)
        }
        Occasion::Chain { chain, ending } => {
            let ending = DocumentStatus::from(*ending).as_str();
            let chain = ChainId::of_code(chain).0;
            (OccasionKind::Chain, Some(ending), Some(chain))
        }
        Occasion::Calendar(_) => (OccasionKind::Calendar, None, None),
    };
    // What was due on another occasion is not answered to.
    sqlx::query(
        "DELETE FROM trigger_due USING triggers
         WHERE trigger_id = id AND id = $1 AND occasion <> $2",
    )
    .bind(recorded.stream_id)
    .bind(Json(&rule.occasion))
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO triggers (id, version, saved_at, next_at, name, owner, chain, occasion, kind, status,
            after_chain_id, selection_id, filter, started, left_out, not_chosen)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, 0)
         ON CONFLICT (id) DO UPDATE SET version = $2, saved_at = $3, next_at = $4, name = $5, owner = $6,
            chain = $7, occasion = $8, kind = $9, status = $10, after_chain_id = $11, selection_id = $12,
            filter = $13",
    )
    .bind(recorded.stream_id)
    .bind(recorded.version)
    .bind(at)
    .bind(next)
    .bind(&rule.name)
    .bind(&rule.owner)
    .bind(&rule.chain)
    .bind(Json(&rule.occasion))
    .bind(kind.as_str())
    .bind(status)
    .bind(after)
    .bind(rule.selection.map(|selection| selection.0))
    .bind(rule.filter.as_ref().map(Json))
    .execute(connection)
    .await?;
    Ok(())
}

async fn fired(
    connection: &mut PgConnection,
    recorded: &Recorded,
    firing: &Firing,
    (next, at): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> Result<(), sqlx::Error> {
    if let Occurrence::Events { through, .. } = firing.occurrence {
        sqlx::query("DELETE FROM trigger_due WHERE trigger_id = $1 AND position <= $2")
            .bind(recorded.stream_id)
            .bind(through)
            .execute(&mut *connection)
            .await?;
    }
    if !firing.left_out.is_empty() {
        let dossiers = firing.left_out.iter().map(|left_out| left_out.dossier.0);
        let reasons = firing.left_out.iter().map(|left_out| &left_out.reason[..]);
        sqlx::query(
            "INSERT INTO trigger_left_out (trigger_id, position, at, dossier_id, reason)
             SELECT $1, $2, $3, told.* FROM unnest($4::uuid[], $5::text[]) AS told",
        )
        .bind(recorded.stream_id)
        .bind(recorded.position)
        .bind(at)
        .bind(dossiers.collect::<Vec<Uuid>>())
        .bind(reasons.collect::<Vec<&str>>())
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query(
        "UPDATE triggers SET version = $2, next_at = $3, fired_at = $4,
            last_batch_id = COALESCE($5, last_batch_id), started = started + $6, left_out = left_out + $7,
            not_chosen = not_chosen + $8
         WHERE id = $1",
    )
    .bind(recorded.stream_id)
    .bind(recorded.version)
    .bind(next)
    .bind(at)
    .bind(firing.batch.map(|batch| batch.0))
    .bind(i64::from(firing.started))
    .bind(i64::try_from(firing.left_out.len()).unwrap_or(i64::MAX))
    .bind(i64::from(firing.not_chosen))
    .execute(connection)
    .await?;
    Ok(())
}

/// Those of the triggers of these ids that `scope` sees.
pub async fn by_ids(
    pool: &PgPool,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<TriggerRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT * FROM triggers WHERE id = ANY(");
    query.push_bind(ids.to_vec()).push(")");
    TriggerFilter::seen(&mut query, scope);
    query.build_query_as().fetch_all(pool).await
}

/// What all the triggers but this one start at the end of chains, whoever owns them.
pub async fn links(pool: &PgPool, but: Uuid) -> Result<Vec<Link>, sqlx::Error> {
    let rows: Vec<(String, String, Json<Occasion>)> = sqlx::query_as(
        "SELECT name, chain, occasion FROM triggers WHERE kind = 'chain' AND id <> $1 ORDER BY name, id",
    )
    .bind(but)
    .fetch_all(pool)
    .await?;
    let link = |(trigger, starts, occasion): (String, String, Json<Occasion>)| match occasion.0 {
        Occasion::Chain { chain: after, .. } => Some(Link {
            trigger,
            after,
            starts,
        }),
        Occasion::Status { .. } | Occasion::Calendar(_) => None,
    };
    Ok(rows.into_iter().filter_map(link).collect())
}
