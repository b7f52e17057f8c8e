//! Totals that were counted lately: whoever goes from page to page of a list asks for the same one each time, and
//! counting costs more than the page.

use navette_domain::digest::Digest;
use navette_projections::{
    list::{self, List},
    page::Count,
    scope::Scope,
};
use sqlx::PgPool;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a total is told again, as long as the read models have not moved: another process may have moved them
/// without our knowing it yet.
const FRESH: Duration = Duration::from_secs(1);
/// How many are remembered; then those that are no longer fresh are forgotten.
const REMEMBERED: usize = 256;

/// See the module. Clones are the same totals.
#[derive(Clone, Default)]
pub(super) struct Counted(Arc<Mutex<HashMap<Digest, Known>>>);

struct Known {
    at: Instant,
    position: i64,
    count: Count,
}

impl Counted {
    fn known(&self) -> MutexGuard<'_, HashMap<Digest, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many rows `scope` sees and the filter keeps, when the read models are at `position`.
    pub async fn count<F: List>(
        &self,
        pool: &PgPool,
        scope: &Scope,
        filter: &F,
        position: i64,
    ) -> sqlx::Result<Count> {
        let Ok(question) = serde_json::to_vec(&(F::TABLE, scope, filter)) else {
            return list::count(pool, scope, filter).await;
        };
        let question = Digest::of(&question);
        if let Some(known) = self.known().get(&question)
            && known.position == position
            && known.at.elapsed() < FRESH
        {
            return Ok(known.count);
        }
        let at = Instant::now();
        let count = list::count(pool, scope, filter).await?;
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.retain(|_, known| known.at.elapsed() < FRESH);
        }
        if known.len() < REMEMBERED {
            let fresh = Known {
                at,
                position,
                count,
            };
            known.insert(question, fresh);
        }
        Ok(count)
    }
}
