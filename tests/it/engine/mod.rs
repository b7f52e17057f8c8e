//! What the engine does at its neighbours' pace.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod by_cause;
mod by_hand;
mod limits;
mod waits;

use crate::support::TestApp;
use navette_adapters::sim::wire::{Call, Fate, Mischief};
use navette_domain::{
    document::DocumentStatus,
    ids::{DocumentId, DossierId},
    ports::Neighbour,
};
use navette_projections::neighbours::{self, NeighbourRow};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Writes down when a neighbour was called, and may be down.
#[derive(Clone)]
pub struct Watched {
    neighbour: Neighbour,
    pub down: Arc<AtomicBool>,
    calls: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Watched {
    pub fn on(test: &TestApp, neighbour: Neighbour) -> Self {
        let watched = Self {
            neighbour,
            down: Arc::default(),
            calls: Arc::default(),
        };
        test.neighbours.meddler.becomes(watched.clone());
        watched
    }

    pub fn calls(&self) -> Vec<(Instant, String)> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.clone()
    }
}

impl Mischief for Watched {
    fn before(&self, call: &Call) -> Fate {
        if call.neighbour != self.neighbour {
            return Fate::Serve;
        }
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push((Instant::now(), call.operation.clone()));
        if self.down.load(Ordering::SeqCst) {
            Fate::Unavailable
        } else {
            Fate::Serve
        }
    }
}

/// So many letters that have all come as far as `neighbour`, which is left alone until it is let go.
pub async fn gathered_before(
    test: &TestApp,
    neighbour: Neighbour,
    letters: usize,
) -> Vec<DocumentId> {
    let effects = test.app.effects("observer");
    let hour = Duration::from_hours(1);
    effects
        .hold_neighbour(neighbour, hour, "Essai.")
        .await
        .unwrap();
    let mut dossiers: Vec<DossierId> = vec![];
    for n in 0..letters {
        dossiers.push(test.granted(&format!("SUB-{n}")).await);
    }
    let batch = test.notify(&dossiers).await;
    test.until("all the letters wait there", async || {
        let row = state(test, neighbour).await;
        usize::try_from(row.effects).unwrap() == letters
    })
    .await;
    let document = |dossier: DossierId| DocumentId::of_dossier(batch, dossier);
    dossiers.into_iter().map(document).collect()
}

pub async fn let_go(test: &TestApp, neighbour: Neighbour) {
    let effects = test.app.effects("observer");
    let now = Duration::ZERO;
    effects.hold_neighbour(neighbour, now, "").await.unwrap();
}

pub async fn state(test: &TestApp, neighbour: Neighbour) -> NeighbourRow {
    let rows = neighbours::all(&test.app.pool).await.unwrap();
    let row = rows
        .into_iter()
        .find(|row| row.neighbour == neighbour.code());
    row.unwrap()
}

pub async fn all_delivered(test: &TestApp, documents: &[DocumentId]) {
    for document in documents {
        test.until_status(*document, DocumentStatus::Delivered)
            .await;
    }
}
