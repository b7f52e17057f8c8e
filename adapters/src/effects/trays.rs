//! Effects that wait for people, by the tray where they wait: listed in rounds, and woken when they have moved.

use super::{Claimed, Effects, neighbour, seconds};
use navette_domain::{
    ids::EffectId,
    ports::{Neighbour, Tray},
};
use std::time::Duration;

impl Effects {
    /// Puts back an effect that waits for people in `tray`, where a listing calls it `mark`: it is looked at when
    /// a round finds that it has moved, and `at_most` this long from now.
    pub async fn wait_in(
        &self,
        claimed: &Claimed,
        tray: &Tray,
        mark: &str,
        at_most: Duration,
    ) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE effects
             SET lease_token = NULL, lease_owner = NULL, lease_until = NULL, failures = 0, last_error = NULL,
                 run_at = clock_timestamp() + make_interval(secs => $3), tray = $4, mark = $5
             WHERE id = $1 AND lease_token = $2",
        )
        .bind(claimed.effect.id.0)
        .bind(claimed.lease)
        .bind(seconds(at_most))
        .bind(tray.key())
        .bind(mark)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// An effect that waits is to be looked at now.
    pub async fn look_now(&self, effect: EffectId) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE effects SET run_at = clock_timestamp() WHERE id = $1 AND lease_token IS NULL",
        )
        .bind(effect.0)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The neighbours that have trays to be listed now. What has just begun to wait was just looked at, so that a
    /// new tray is listed `every` from now.
    pub async fn rounds_due(&self, every: Duration) -> sqlx::Result<Vec<Neighbour>> {
        sqlx::query(
            // The trays are found by skipping through the index, whatever lies in each.
            "WITH RECURSIVE trays AS (
                 (SELECT neighbour, tray FROM effects WHERE tray IS NOT NULL ORDER BY neighbour, tray LIMIT 1)
                 UNION ALL
                 SELECT later.* FROM trays CROSS JOIN LATERAL (
                     SELECT neighbour, tray FROM effects
                     WHERE tray IS NOT NULL AND (neighbour, tray) > (trays.neighbour, trays.tray)
                     ORDER BY neighbour, tray LIMIT 1
                 ) AS later
             )
             INSERT INTO rounds (neighbour, tray, next_at)
             SELECT neighbour, tray, clock_timestamp() + make_interval(secs => $1) FROM trays
             ON CONFLICT DO NOTHING",
        )
        .bind(seconds(every))
        .execute(&self.pool)
        .await?;
        let due: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT neighbour FROM rounds WHERE next_at <= clock_timestamp()",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(due.iter().filter_map(|code| neighbour(code)).collect())
    }

    /// At most `limit` trays of this neighbour that are to be listed now, each for whoever asks first, once in
    /// `every`.
    pub async fn rounds(
        &self,
        neighbour: Neighbour,
        limit: usize,
        every: Duration,
    ) -> sqlx::Result<Vec<Tray>> {
        let due: Vec<String> = sqlx::query_scalar(
            "UPDATE rounds
             SET made_at = clock_timestamp(), next_at = clock_timestamp() + make_interval(secs => $2)
             WHERE neighbour = $1 AND tray IN (
                 SELECT tray FROM rounds AS due
                 WHERE neighbour = $1 AND next_at <= clock_timestamp()
                   AND EXISTS (
                       SELECT FROM effects
                       WHERE effects.neighbour = $1 AND effects.tray = due.tray AND lease_token IS NULL
                   )
                   AND NOT EXISTS (
                       SELECT FROM neighbour_holds AS hold
                       WHERE hold.neighbour = $1 AND hold.until > clock_timestamp()
                   )
                 ORDER BY next_at
                 LIMIT $3
                 FOR UPDATE SKIP LOCKED
             )
             RETURNING tray",
        )
        .bind(neighbour.code())
        .bind(seconds(every))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        Ok(due.iter().filter_map(|key| Tray::read(key)).collect())
    }

    /// What waits in `tray` and has moved is to be looked at now: all that waits there, if it is not known what.
    pub async fn wake(
        &self,
        neighbour: Neighbour,
        tray: &Tray,
        moved: Option<&[String]>,
    ) -> sqlx::Result<u64> {
        let woken = sqlx::query(
            "UPDATE effects SET run_at = clock_timestamp()
             WHERE neighbour = $1 AND tray = $2 AND ($3::text[] IS NULL OR mark = ANY ($3))
               AND lease_token IS NULL AND run_at > clock_timestamp()",
        )
        .bind(neighbour.code())
        .bind(tray.key())
        .bind(moved)
        .execute(&self.pool)
        .await?;
        Ok(woken.rows_affected())
    }

    /// Something may have moved at `neighbour`: its trays are listed soon, but no sooner than `rest` after the
    /// last time.
    pub async fn hurry(&self, neighbour: Neighbour, rest: Duration) -> sqlx::Result<()> {
        sqlx::query(
            "UPDATE rounds
             SET next_at = least(next_at, greatest(clock_timestamp(), made_at + make_interval(secs => $2)))
             WHERE neighbour = $1",
        )
        .bind(neighbour.code())
        .bind(seconds(rest))
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
