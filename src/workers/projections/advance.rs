//! One window of events applied to projections that stand at the same position.

use super::{
    Projections,
    place::{Place, Shape},
    trouble::{self, Manner, Setback},
};
use navette_adapters::log::{Log, Reading, Stretch};
use navette_projections::Projector;

/// The most stored events applied in one transaction.
const BATCH: i64 = 500;

/// What came of a window.
pub(super) enum Advance {
    /// They stand there now, and there may be more.
    Moved { position: i64, more: bool },
    /// They do not stand at the same position, or somebody holds or swaps one of them.
    Uneven,
}

/// What came of a window for one projection alone.
#[derive(Default)]
pub(super) struct Apart {
    /// Where it stands, if it is known.
    pub position: Option<i64>,
    /// Whether there may be more.
    pub more: bool,
    /// Whether it is held from now on.
    pub held: bool,
    /// Whether it cannot take an event.
    pub failed: bool,
}

/// The stretch last read, which most projections want one after the other.
#[derive(Default)]
pub(super) struct Window(Option<(i64, i64, Stretch)>);

impl Window {
    async fn after(&mut self, log: &Log, position: i64, count: i64) -> Result<&Stretch, Reading> {
        let kept = self.0.take();
        let kept = match kept {
            Some((after, most, stretch)) if (after, most) == (position, count) => stretch,
            _ => read(log, position, count).await?,
        };
        Ok(&self.0.insert((position, count, kept)).2)
    }
}

/// What is in the log after `position`, up to an event that cannot be read; that one is told when it comes
/// first.
pub(super) async fn read(log: &Log, position: i64, count: i64) -> Result<Stretch, Reading> {
    match log.read(position, count).await {
        Err(Reading::Unreadable { position: at, .. }) if at > position + 1 => {
            let before = log.read(position, at - 1 - position).await?;
            Ok(Stretch {
                more: true,
                ..before
            })
        }
        whole_or_failed => whole_or_failed,
    }
}

/// Names and shapes, side by side.
pub(super) fn keys<'p>(
    projectors: impl IntoIterator<Item = &'p dyn Projector>,
) -> (Vec<&'static str>, Vec<String>) {
    projectors
        .into_iter()
        .map(Shape::of)
        .map(|shape| (shape.name, shape.digest))
        .unzip()
}

impl Projections {
    /// Applies one window to `group`, in one transaction. The rows of their live copies stay locked meanwhile:
    /// whoever lost that lock has lost its transaction with it.
    pub(super) async fn advance(
        &self,
        group: &[&dyn Projector],
        window: &mut Window,
        manner: Manner,
    ) -> Result<Advance, Setback> {
        let Some(first) = group.first() else {
            return Ok(Advance::Uneven);
        };
        let (names, digests) = keys(group.iter().copied());
        let mut transaction = self.followers.begin().await?;
        let positions: Vec<i64> = sqlx::query_scalar(
            "SELECT position
             FROM projections JOIN unnest($1::text[], $2::text[]) AS mine(name, shape) USING (name, shape)
             WHERE place = 'live' AND held_since IS NULL
             ORDER BY name FOR UPDATE OF projections",
        )
        .bind(&names)
        .bind(&digests)
        .fetch_all(&mut *transaction)
        .await?;
        let even = positions
            .iter()
            .all(|other| Some(other) == positions.first());
        let Some(position) = positions.first().copied().filter(|_| even) else {
            return Ok(Advance::Uneven);
        };
        if positions.len() != group.len() {
            return Ok(Advance::Uneven);
        }
        let count = match manner {
            Manner::OneByOne { until: Some(until) } => BATCH.min(until - position),
            Manner::OneByOne { until: None } | Manner::Together => BATCH,
        };
        if count <= 0 {
            return Ok(Advance::Moved {
                position,
                more: false,
            });
        }
        let stretch = window
            .after(&self.log, position, count)
            .await
            .map_err(|cause| Setback::of_reading(first.name(), cause))?;
        if stretch.last == position {
            return Ok(Advance::Moved {
                position,
                more: false,
            });
        }
        for projector in group {
            let apply = manner.apply(&mut transaction, *projector, &stretch.events);
            self.timings.of(projector.name(), apply).await?;
        }
        sqlx::query(
            "UPDATE projections
             SET position = $3, applied = applied + $4, moved_at = clock_timestamp(),
                 failures = 0, failed_at = NULL, trouble = NULL, tried_at = NULL
             FROM unnest($1::text[], $2::text[]) AS mine(name, shape)
             WHERE projections.name = mine.name AND projections.shape = mine.shape AND place = 'live'",
        )
        .bind(&names)
        .bind(&digests)
        .bind(stretch.last)
        .bind(stretch.stored)
        .execute(&mut *transaction)
        .await?;
        let (position, more) = (stretch.last, stretch.more);
        self.timings.of("commit", transaction.commit()).await?;
        Ok(Advance::Moved { position, more })
    }

    /// The same for one projection, whose failures are counted: what comes before the event that it cannot
    /// take is applied all the same.
    pub(super) async fn advance_apart(
        &self,
        projector: &dyn Projector,
        window: &mut Window,
    ) -> anyhow::Result<Apart> {
        let one_by_one = |until| Manner::OneByOne { until };
        let failure = match self.advance(&[projector], window, one_by_one(None)).await {
            Ok(advance) => return Ok(Apart::of(&advance)),
            Err(Setback::Poison(failure) | Setback::Among(failure)) => failure,
            Err(Setback::Fault(error)) => return Err(error),
        };
        let before = one_by_one(Some(failure.position - 1));
        let advance = self.advance(&[projector], window, before).await?;
        let shape = Shape::of(projector);
        let held = trouble::note(self.pool(), &shape, Place::Live, &failure).await?;
        Ok(Apart {
            held,
            failed: true,
            ..Apart::of(&advance)
        })
    }
}

impl Apart {
    fn of(advance: &Advance) -> Self {
        match *advance {
            Advance::Moved { position, more } => Self {
                position: Some(position),
                more,
                ..Self::default()
            },
            Advance::Uneven => Self::default(),
        }
    }
}
