//! A copy of a projection that is filled from the log beside the live one. Its position is kept with its
//! tables, so that who was killed goes on where it was.

use super::{
    place::{self, Place, Shape},
    trouble::{self, Manner, Setback},
};
use navette_adapters::log::{Log, Stretch};
use navette_projections::Projector;
use sqlx::{Connection as _, PgConnection};

/// The most stored events applied in one transaction.
const BATCH: i64 = 2_000;

/// See the module. Nobody else works on the copies of its projection as long as this lives.
pub(super) struct Copy<'a> {
    pub log: &'a Log,
    pub projector: &'a dyn Projector,
    pub shape: Shape,
    pub place: Place,
    pub connection: PgConnection,
}

impl<'a> Copy<'a> {
    /// Waits until nobody else works on the copies of this projection.
    pub async fn open(
        log: &'a Log,
        projector: &'a dyn Projector,
        place: Place,
    ) -> anyhow::Result<Self> {
        // The lock goes with the connection.
        let mut connection = log.pool().acquire().await?.detach();
        place::lock(&mut connection, true, projector.name()).await?;
        let shape = Shape::of(projector);
        // Statements are planned once, and kept from reading whole tables by plans that were made while
        // these were empty. What a crash of the server forgets, the position forgets with it.
        place::run(
            &mut connection,
            &format!(
                "SET search_path = {}, public; SET plan_cache_mode = force_generic_plan;
             SET enable_seqscan = off; SET synchronous_commit = off",
                shape.schema(place)
            ),
        )
        .await?;
        Ok(Self {
            log,
            projector,
            shape,
            place,
            connection,
        })
    }

    /// Where a copy of this projection stands.
    pub async fn position_of(&mut self, place: Place) -> sqlx::Result<Option<i64>> {
        place::position(&mut self.connection, &self.shape, place).await
    }

    /// Takes up the copy that another left, if this release began it and it is not ahead of the live one,
    /// with which it is to be compared; else makes an empty one.
    pub async fn begin(&mut self) -> sqlx::Result<()> {
        let live = self.position_of(Place::Live).await?;
        let left: Option<i64> = sqlx::query_scalar(
            "SELECT position FROM projections
             WHERE name = $1 AND shape = $2 AND place = $3 AND release = $4",
        )
        .bind(self.shape.name)
        .bind(&self.shape.digest)
        .bind(self.place.as_str())
        .bind(env!("CARGO_PKG_VERSION"))
        .fetch_optional(&mut self.connection)
        .await?;
        if left.is_some_and(|left| live.is_none_or(|live| left <= live)) {
            return Ok(());
        }
        self.begin_anew().await
    }

    /// Makes an empty copy.
    pub async fn begin_anew(&mut self) -> sqlx::Result<()> {
        let mut transaction = self.connection.begin().await?;
        place::drop(&mut transaction, &self.shape, self.place).await?;
        place::make(&mut transaction, self.projector, self.place).await?;
        transaction.commit().await
    }

    /// Applies what comes up to `until`, or to the end of the log. Says where the copy stands then.
    pub async fn fill(&mut self, until: Option<i64>) -> anyhow::Result<i64> {
        let mut position = self.position_of(self.place).await?.unwrap_or(0);
        self.log.check_reaches_back_to(position).await?;
        let mut stretches = self.log.read_ahead(position, until, BATCH);
        while let Some(stretch) = stretches.recv().await {
            let stretch = stretch.map_err(|cause| Setback::of_reading(self.shape.name, cause));
            position = match stretch {
                Ok(stretch) => self.apply(&stretch).await?,
                Err(setback) => return Err(self.noted(setback).await),
            };
        }
        Ok(position)
    }

    /// Applies a stretch in a transaction of its own.
    async fn apply(&mut self, stretch: &Stretch) -> anyhow::Result<i64> {
        let applied = match self.try_apply(stretch, Manner::Together).await {
            Err(Setback::Among(_)) => {
                let one_by_one = Manner::OneByOne { until: None };
                self.try_apply(stretch, one_by_one).await
            }
            applied => applied,
        };
        match applied {
            Ok(()) => Ok(stretch.last),
            Err(setback) => Err(self.noted(setback).await),
        }
    }

    async fn try_apply(&mut self, stretch: &Stretch, manner: Manner) -> Result<(), Setback> {
        let mut transaction = self.connection.begin().await?;
        let (shape, place) = (&self.shape, self.place);
        let applied = apply_to(
            &mut transaction,
            self.projector,
            shape,
            place,
            stretch,
            manner,
        );
        match applied.await {
            Ok(()) => Ok(transaction.commit().await?),
            Err(setback) => {
                transaction.rollback().await?;
                Err(setback)
            }
        }
    }

    async fn noted(&self, setback: Setback) -> anyhow::Error {
        if let Setback::Poison(failure) = &setback {
            let noted = trouble::note(self.log.pool(), &self.shape, self.place, failure).await;
            if let Err(error) = noted {
                return error.into();
            }
        }
        setback.into()
    }
}

/// Applies a stretch to a copy, and moves its position.
pub(super) async fn apply_to(
    connection: &mut PgConnection,
    projector: &dyn Projector,
    shape: &Shape,
    place: Place,
    stretch: &Stretch,
    manner: Manner,
) -> Result<(), Setback> {
    manner.apply(connection, projector, &stretch.events).await?;
    sqlx::query(
        "UPDATE projections
         SET position = $4, applied = applied + $5, moved_at = clock_timestamp(),
             failures = 0, failed_at = NULL, trouble = NULL, tried_at = NULL, held_since = NULL
         WHERE name = $1 AND shape = $2 AND place = $3",
    )
    .bind(shape.name)
    .bind(&shape.digest)
    .bind(place.as_str())
    .bind(stretch.last)
    .bind(stretch.stored)
    .execute(connection)
    .await?;
    Ok(())
}
