//! Stopping gracefully: what is under way ends, and nothing new begins.

use crate::workers::Stop;
use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Says to stop when the process receives SIGINT or SIGTERM.
pub fn stop_on_signal() -> anyhow::Result<Stop> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listening to SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening to SIGTERM")?;
    let (tell, stop) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: what is under way ends first");
        // Nobody left to tell: everything has stopped.
        let _ = tell.send(true);
    });
    Ok(stop)
}
