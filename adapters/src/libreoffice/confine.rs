//! What the worker and its copies may do: nothing outside, and not much inside.

use super::worker::say;
use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
    sys::{
        prctl,
        resource::{Resource, setrlimit},
        signal::Signal,
    },
    unistd::{Gid, Uid, alarm, chown, geteuid, getpid, setgroups, setresgid, setresuid},
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Accounts that no one has, one per worker: none can read another's letters, nor signal it.
const FIRST_ACCOUNT: u32 = 2_000_000_000;
/// The account of nobody, where the machine does not let us choose.
const NOBODY: u32 = 65_534;
/// Processes and threads of an account of our own.
const MOST_PROCESSES: u64 = 128;
const LARGEST_FILE: u64 = 256 << 20;

/// What one conversion may use.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Limits {
    /// Seconds, on the wall and of CPU.
    pub seconds: u32,
    /// Bytes of address space.
    pub memory: u64,
}

/// Closes the network and drops the rights of root, for the worker's whole life; its `folder` is given to
/// the account that it takes. Where the kernel does not let us close the network, the scan of the files
/// and the profile still hold. Must be called while the process has a single thread.
pub fn settle(folder: &Path) -> nix::Result<()> {
    let closed = unshare(CloneFlags::CLONE_NEWNET);
    if geteuid().is_root() {
        let own = FIRST_ACCOUNT + getpid().as_raw().unsigned_abs();
        become_account(own, folder).or_else(|_| become_account(NOBODY, folder))?;
        setrlimit(Resource::RLIMIT_NPROC, MOST_PROCESSES, MOST_PROCESSES)?;
    }
    if let Err(error) =
        closed.or_else(|_| unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET))
    {
        say(&format!("the network stays open: {error}"));
    }
    prctl::set_no_new_privs()?;
    // After the change of account, which forgets it.
    prctl::set_pdeathsig(Signal::SIGKILL)
}

fn become_account(account: u32, folder: &Path) -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(account), Gid::from_raw(account));
    chown(folder, Some(uid), Some(gid))?;
    match setgroups(&[]) {
        // A user namespace may forbid it, and then has no other group to give.
        Ok(()) | Err(Errno::EPERM) => {}
        Err(error) => return Err(error),
    }
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)
}

/// Limits one copy.
pub fn limit(limits: Limits) -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    let seconds = limits.seconds.max(1);
    alarm::set(seconds);
    setrlimit(Resource::RLIMIT_CPU, seconds.into(), u64::from(seconds) + 2)?;
    setrlimit(Resource::RLIMIT_AS, limits.memory, limits.memory)?;
    setrlimit(Resource::RLIMIT_FSIZE, LARGEST_FILE, LARGEST_FILE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)
}
