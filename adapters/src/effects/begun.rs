//! A bell per neighbour: rung when work for it begins, heard by the worker that claims it.

use navette_domain::ports::Neighbour;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::sync::Notify;

/// See the module.
#[derive(Debug, Default)]
pub struct Begun {
    bells: AtomicU16,
    heard: Notify,
}

fn bit(neighbour: Neighbour) -> u16 {
    1 << (neighbour as u16)
}

impl Begun {
    /// Work for `neighbour` has begun.
    pub fn at(&self, neighbour: Neighbour) {
        self.bells.fetch_or(bit(neighbour), Ordering::AcqRel);
        self.heard.notify_one();
    }

    /// Work may have begun for any neighbour.
    pub fn everywhere(&self) {
        self.bells.fetch_or(u16::MAX, Ordering::AcqRel);
        self.heard.notify_one();
    }

    /// Waits until a bell rings.
    pub async fn wait(&self) {
        self.heard.notified().await;
    }

    /// The neighbours whose bell rang since the last call.
    pub fn take(&self) -> Vec<Neighbour> {
        let bells = self.bells.swap(0, Ordering::AcqRel);
        Neighbour::ALL
            .into_iter()
            .filter(|neighbour| bells & bit(*neighbour) != 0)
            .collect()
    }
}
