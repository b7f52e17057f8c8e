//! The history of a dossier, read from the log.

use crate::clock;
use chrono::{DateTime, NaiveDate};
use navette_adapters::log::Log;
use navette_domain::{
    event::Recorded,
    history::Moment,
    ids::{BundleId, DossierId},
};
use navette_projections::timeline;
use sqlx::PgPool;
use std::collections::HashMap;
use uuid::Uuid;

/// The events of a dossier, of its documents and of their signatures, in the order of the log. Which
/// documents it has is asked of the read models in `pool`, so it goes as far as they do.
pub async fn of_dossier(
    log: &Log,
    pool: &PgPool,
    dossier: DossierId,
) -> anyhow::Result<Vec<Recorded>> {
    let mut histories = of_dossiers(log, pool, &[dossier.0]).await?;
    Ok(histories.remove(&dossier.0).unwrap_or_default())
}

/// The same of several dossiers, read together; those of which the log says nothing are left out.
pub async fn of_dossiers(
    log: &Log,
    pool: &PgPool,
    dossiers: &[Uuid],
) -> anyhow::Result<HashMap<Uuid, Vec<Recorded>>> {
    let owners = owners(pool, dossiers).await?;
    let streams: Vec<Uuid> = owners.keys().copied().collect();
    let mut histories: HashMap<Uuid, Vec<Recorded>> = HashMap::new();
    for recorded in log.streams(&streams).await? {
        if let Some(dossier) = owners.get(&recorded.stream_id) {
            histories.entry(*dossier).or_default().push(recorded);
        }
    }
    Ok(histories)
}

/// The streams of a dossier's history: its own, those of its documents, signatures and attachments, and that of
/// the bundles that were taken of it.
pub async fn streams(pool: &PgPool, dossier: DossierId) -> sqlx::Result<Vec<Uuid>> {
    Ok(owners(pool, &[dossier.0]).await?.into_keys().collect())
}

/// The streams of the histories of these dossiers, each with its dossier.
async fn owners(pool: &PgPool, dossiers: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Uuid>> {
    let streams = timeline::streams(pool, dossiers).await?;
    let streams = streams
        .into_iter()
        .map(|(dossier, stream)| (stream, dossier));
    let bundles = dossiers
        .iter()
        .map(|dossier| (BundleId::of_dossier(DossierId(*dossier)).0, *dossier));
    Ok(streams.chain(bundles).collect())
}

/// A text that names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no moment: write a position of the log (4812), a day (2026-03-12, until its end in Paris) or a time (2026-03-12T10:00:00+01:00)"
)]
pub struct NotAMoment(String);

/// Reads a moment as people write it.
pub fn moment(text: &str) -> Result<Moment, NotAMoment> {
    if let Ok(position) = text.parse() {
        return Ok(Moment::Position(position));
    }
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(Moment::At(clock::end_of_paris_day(day)));
    }
    DateTime::parse_from_rfc3339(text)
        .map(|at| Moment::At(at.to_utc()))
        .map_err(|_| NotAMoment(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_a_time_or_a_day_that_ends_when_it_ends_in_paris() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).map(|at| Moment::At(at.to_utc()));
        assert_eq!(moment("4812"), Ok(Moment::Position(4812)));
        assert_eq!(
            moment("2026-03-12").ok(),
            at("2026-03-12T22:59:59.999999Z").ok()
        );
        assert_eq!(
            moment("2026-07-12").ok(),
            at("2026-07-12T21:59:59.999999Z").ok()
        );
        assert_eq!(
            moment("2026-03-12T10:00:00+01:00").ok(),
            at("2026-03-12T09:00:00Z").ok()
        );
        for wrong in ["", "hier", "12/03/2026", "2026-02-30", "-"] {
            let refused = moment(wrong).map_err(|fault| fault.to_string());
            assert!(
                refused.is_err_and(|told| told.contains("2026-03-12")),
                "{wrong}"
            );
        }
    }
}
