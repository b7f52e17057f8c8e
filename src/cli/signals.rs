//! Stopping gracefully: what is under way ends, and nothing new begins.

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// What says to stop, and does so by itself when the process receives SIGINT or SIGTERM.
pub fn stop_on_signal() -> anyhow::Result<watch::Sender<bool>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening to SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening to SIGTERM")?;
    let stopping = watch::channel(false).0;
    let tell = stopping.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: what is under way ends first");
        tell.send_replace(true);
    });
    Ok(stopping)
}
