//! The processes that carry effects out: each says how its gates stand, and learns its share of the limits.

use super::{Effects, seconds};
use navette_domain::{
    gate::{BreakerState, GateState, Share},
    ports::Neighbour,
};
use std::{num::NonZeroU32, time::Duration};

/// A process that has said nothing for so long is taken to be dead or frozen: the others share what it had.
const SILENCE: Duration = Duration::from_secs(15);

fn word(breaker: BreakerState) -> &'static str {
    match breaker {
        BreakerState::Closed => "closed",
        BreakerState::Open => "open",
        BreakerState::HalfOpen => "half_open",
    }
}

fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl Effects {
    /// Says that this process lives and how its gates stand; answers its share of the limits.
    pub async fn stand(&self, gates: &[(Neighbour, GateState)]) -> sqlx::Result<Share> {
        let column = |of: fn(&GateState) -> u32| -> Vec<i32> {
            gates.iter().map(|(_, state)| count(of(state))).collect()
        };
        let names: Vec<&str> = gates.iter().map(|(of, _)| of.code()).collect();
        let breakers: Vec<&str> = gates.iter().map(|(_, state)| word(state.breaker)).collect();
        let shut: Vec<Option<f64>> = gates
            .iter()
            .map(|(_, state)| state.shut_for.map(seconds))
            .collect();
        let (before, others): (i64, i64) = sqlx::query_as(include_str!("stand.sql"))
            .bind(&self.owner)
            .bind(names)
            .bind(breakers)
            .bind(column(|state| state.at_once))
            .bind(column(|state| state.most))
            .bind(column(|state| state.under_way))
            .bind(shut)
            .bind(seconds(SILENCE))
            .fetch_one(&self.pool)
            .await?;
        let others = u32::try_from(others).unwrap_or(0);
        Ok(Share {
            rank: u32::try_from(before).unwrap_or(0),
            of: NonZeroU32::MIN.saturating_add(others),
        })
    }

    /// Says that this process carries out nothing any more.
    pub async fn leave(&self) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM gates WHERE node = $1")
            .bind(&self.owner)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
