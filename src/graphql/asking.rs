//! Who asks, and how far the read models are.

use super::{counted::Counted, faults};
use crate::{unit::Envelope, workers::Standing};
use async_graphql::{Context, Error, Result};
use navette_domain::{
    digest::Digest,
    ids::CommandId,
    policy::{self, Permission, Principal},
};
use navette_projections::{kinds::Position, list::List, page::Count, scope::Scope};
use secrecy::SecretString;
use serde::Serialize;
use sqlx::PgPool;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// How long a query waits for the read models to catch up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whoever asks, for the time of one request.
#[derive(Clone)]
pub struct Asker {
    /// Who it is.
    pub principal: Principal,
    /// What it sees.
    pub scope: Scope,
    /// By what it proved it: long answers ask again.
    pub bearer: SecretString,
}

impl Asker {
    /// The holder of `bearer`, who was found to be `principal`.
    pub fn new(principal: Principal, bearer: SecretString) -> Self {
        let scope = Scope::of(&principal);
        Self {
            principal,
            scope,
            bearer,
        }
    }

    /// The envelope of a request. What is asked is pinned whole, under the name of the mutation.
    pub fn envelope(
        &self,
        mutation: &str,
        key: Uuid,
        expected_version: Option<i64>,
        input: &impl Serialize,
    ) -> Envelope {
        let asked = serde_json::to_string(input).unwrap_or_default();
        Envelope {
            command: CommandId(key),
            content: Digest::of(format!("{mutation}\u{1f}{asked}").as_bytes()),
            actor: self.principal.actor.clone(),
            expected_version,
        }
    }

    /// Goes on only if the role allows it.
    pub fn may(&self, permission: Permission) -> Result<&Self> {
        if policy::allows(&self.principal, permission) {
            return Ok(self);
        }
        let (actor, role) = (&self.principal.actor, self.principal.role);
        tracing::warn!(actor, ?role, ?permission, "a request was forbidden");
        Err(faults::forbidden())
    }
}

/// Whoever asks, if their role allows it.
pub fn asker<'c>(context: &Context<'c>, permission: Permission) -> Result<&'c Asker> {
    context.data::<Asker>()?.may(permission)
}

/// The read models.
#[derive(Clone)]
pub struct Reads {
    /// The database that holds them.
    pub pool: PgPool,
    /// The same, to look rows up by their ids.
    pub lookups: PgPool,
    standing: watch::Receiver<Standing>,
    counted: Counted,
}

impl Reads {
    /// The read models of `pool`, which are as far as `standing` says, and `lookups` the same database.
    pub fn new(pool: PgPool, lookups: PgPool, standing: watch::Receiver<Standing>) -> Self {
        Self {
            pool,
            lookups,
            standing,
            counted: Counted::default(),
        }
    }

    /// Waits until the read models are at this position, if one is given. Not for one that is held before
    /// it: that would be in vain.
    pub async fn reached(&self, position: Option<Position>) -> Result<()> {
        let Some(Position(wanted)) = position else {
            return Ok(());
        };
        let mut standing = self.standing.clone();
        if standing.borrow().position < wanted {
            self.exists(wanted).await?;
        }
        let settled = standing.wait_for(|standing| {
            standing.position >= wanted || standing.held_before(wanted).is_some()
        });
        let Ok(Ok(standing)) = tokio::time::timeout(PATIENCE, settled).await else {
            return Err(faults::not_yet());
        };
        match standing.held_before(wanted) {
            Some(held) => Err(faults::held(held)),
            None => Ok(()),
        }
    }

    /// What was never written, or was lost, would be waited for in vain.
    async fn exists(&self, wanted: i64) -> Result<()> {
        let head: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events")
            .fetch_one(&self.pool)
            .await
            .map_err(|cause| faults::internal(&cause))?;
        if wanted > head {
            return Err(faults::beyond(head));
        }
        Ok(())
    }

    /// How many rows `scope` sees and the filter keeps.
    pub async fn count<F: List>(&self, scope: &Scope, filter: &F) -> sqlx::Result<Count> {
        let position = self.standing.borrow().position;
        let counted = self.counted.count(&self.pool, scope, filter, position);
        counted.await
    }

    /// How far the read models are.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Tells each time the read models moved on.
    pub fn changes(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }
}

/// The read models, at `at_least` that position, and whoever may read them.
pub async fn reading<'c>(
    context: &Context<'c>,
    at_least: Option<Position>,
) -> Result<(&'c Reads, &'c Asker), Error> {
    let asker = asker(context, Permission::Read)?;
    let reads = context.data::<Reads>()?;
    reads.reached(at_least).await?;
    Ok((reads, asker))
}
