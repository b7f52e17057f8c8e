//! The neighbours as the engine sees them: what waits for each, who left it alone and why, and how the gate of each
//! process stands. Tables of the log's own and of the processes, like `effects`.

use async_graphql::{Enum, SimpleObject};
use chrono::{DateTime, Utc};
use navette_domain::ports::Neighbour;
use sqlx::PgPool;

/// A neighbour.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "Neighbour")]
pub struct NeighbourRow {
    /// Its stored name.
    pub neighbour: String,
    /// How many effects wait for it or are under way.
    pub effects: i64,
    /// When the first of those that nobody does yet is due.
    pub next: Option<DateTime<Utc>>,
    /// Until when it is left alone because it refuses our account.
    pub held_until: Option<DateTime<Utc>>,
    /// Why it is left alone.
    pub held_because: Option<String>,
    /// How each process lets work through to it.
    #[sqlx(skip)]
    pub gates: Vec<GateRow>,
}

/// How one process lets work through to one neighbour.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "Gate")]
pub struct GateRow {
    /// The process.
    pub node: String,
    /// The neighbour.
    #[graphql(skip)]
    pub neighbour: String,
    /// Its breaker.
    pub breaker: Breaker,
    /// How many effects it lets be under way now.
    pub at_once: i32,
    /// How many, when all is well: its share of the neighbour's limit.
    pub most: i32,
    /// How many are under way.
    pub under_way: i32,
    /// Until when nothing passes, if the neighbour asked to wait or its breaker is open.
    pub shut_until: Option<DateTime<Utc>>,
    /// When the process said so.
    pub seen_at: DateTime<Utc>,
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Breaker {
    /// Everything passes.
    Closed,
    /// Nothing passes: the neighbour is taken to be down.
    Open,
    /// A few pass, to see whether it is back.
    HalfOpen,
}

/// The gates of the processes that live.
pub async fn gates(pool: &PgPool) -> sqlx::Result<Vec<GateRow>> {
    sqlx::query_as(
        "SELECT node, neighbour, breaker, at_once, most, under_way, shut_until, seen_at
         FROM gates WHERE seen_at > clock_timestamp() - interval '15 seconds' ORDER BY neighbour, node",
    )
    .fetch_all(pool)
    .await
}

/// Every neighbour, in the order of the chain.
pub async fn all(pool: &PgPool) -> sqlx::Result<Vec<NeighbourRow>> {
    let codes: Vec<&str> = Neighbour::ALL.into_iter().map(Neighbour::code).collect();
    let mut rows: Vec<NeighbourRow> = sqlx::query_as(
        "SELECT neighbour, waiting.effects, waiting.next, hold.until AS held_until, hold.sentence AS held_because
         FROM unnest($1::text[]) WITH ORDINALITY AS known (neighbour, rank)
         CROSS JOIN LATERAL (
             SELECT count(*) AS effects, min(run_at) FILTER (WHERE lease_token IS NULL) AS next
             FROM effects WHERE effects.neighbour = known.neighbour
         ) AS waiting
         LEFT JOIN LATERAL (
             SELECT until, sentence FROM neighbour_holds AS hold
             WHERE hold.neighbour = known.neighbour AND hold.until > clock_timestamp()
         ) AS hold ON true
         ORDER BY known.rank",
    )
    .bind(codes)
    .fetch_all(pool)
    .await?;
    for gate in gates(pool).await? {
        let of = rows.iter_mut().find(|row| row.neighbour == gate.neighbour);
        if let Some(row) = of {
            row.gates.push(gate);
        }
    }
    Ok(rows)
}
