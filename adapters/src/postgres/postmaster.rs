//! The life of the `postgres` process: started, watched, restarted when it dies, stopped in the end.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    io,
    process::{Child, Command},
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

const GLANCE: Duration = Duration::from_millis(20);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A server that lived this long was healthy: its death is not the sequel of the one before.
const STEADY: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(30);

/// Keeps one server alive until `orders` says stop, or closes.
///
/// It must run on a thread of its own: the kernel ends the server when the thread that spawned it ends.
pub(super) fn keep_alive(launch: impl Fn() -> Command, orders: &Receiver<()>, deaths: &AtomicU32) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let born = Instant::now();
        let end = launch().spawn().and_then(|child| watch(child, orders));
        match end {
            Ok(End::AsOrdered) => return,
            Ok(End::Unexpected(status)) => {
                tracing::error!(%status, "PostgreSQL died; restarting it");
            }
            Err(error) => {
                tracing::error!(%error, "PostgreSQL cannot be run; trying again");
            }
        }
        deaths.fetch_add(1, Ordering::Relaxed);
        if born.elapsed() > STEADY {
            pause = SHORTEST_PAUSE;
        }
        if orders.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

enum End {
    AsOrdered,
    Unexpected(std::process::ExitStatus),
}

fn watch(mut child: Child, orders: &Receiver<()>) -> io::Result<End> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(End::Unexpected(status));
        }
        if orders.recv_timeout(GLANCE) != Err(RecvTimeoutError::Timeout) {
            stop(&mut child)?;
            return Ok(End::AsOrdered);
        }
    }
}

/// Fast shutdown; then, were it to hang, an immediate one, which the next start recovers from.
fn stop(child: &mut Child) -> io::Result<()> {
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        kill(Pid::from_raw(pid), signal)?;
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(GLANCE);
        }
        tracing::warn!(%signal, "PostgreSQL is slow to stop");
    }
    child.kill()?;
    child.wait().map(|_| ())
}
