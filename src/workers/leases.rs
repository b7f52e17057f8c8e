//! The leases that this process keeps: nobody else frees an effect whose lease is renewed.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// See the module. Clones are the same leases.
#[derive(Debug, Clone, Default)]
pub(super) struct Leases(Arc<Mutex<HashSet<Uuid>>>);

impl Leases {
    fn held(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lease that is renewed as long as the answer lives, however the step ends.
    pub(super) fn keep(&self, lease: Uuid) -> Kept {
        self.held().insert(lease);
        Kept {
            leases: self.clone(),
            lease,
        }
    }

    /// Those to renew.
    pub(super) fn all(&self) -> Vec<Uuid> {
        self.held().iter().copied().collect()
    }
}

/// See [`Leases::keep`].
pub(super) struct Kept {
    leases: Leases,
    lease: Uuid,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.leases.held().remove(&self.lease);
    }
}
