//! Who used the processor, since what is measured runs in several processes.

use crate::processes::{self, Process};
use std::{fs, ops::Sub, path::Path, time::Duration};

/// The threads of the simulated neighbours have this name; all the others of this process are Navette's.
pub const NEIGHBOURS: &str = "neighbours";

/// Processor time since the start of each process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu {
    /// Navette itself.
    pub navette: Duration,
    /// The simulated neighbours.
    pub neighbours: Duration,
    /// The PDF workers and the processes that they fork.
    pub libreoffice: Duration,
    /// The embedded server and its backends.
    pub postgres: Duration,
}

impl Cpu {
    /// What was used until now.
    pub fn now() -> anyhow::Result<Self> {
        let processes = processes::all()?;
        let me = std::process::id();
        let mut cpu = Self::default();
        for (pid, _) in processes.iter().filter(|(_, process)| process.parent == me) {
            let used = processes::used_below(&processes, *pid);
            if name(Path::new(&format!("/proc/{pid}"))).starts_with("postgres") {
                cpu.postgres += used;
            } else {
                cpu.libreoffice += used;
            }
        }
        for task in fs::read_dir("/proc/self/task")? {
            // A thread may end while we look.
            let task = task?.path();
            let Some(thread) = Process::read(&task.join("stat")) else {
                continue;
            };
            if name(&task).starts_with(NEIGHBOURS) {
                cpu.neighbours += thread.own;
            }
        }
        if let Some(whole) = processes.get(&me) {
            cpu.navette = whole.own.saturating_sub(cpu.neighbours);
        }
        Ok(cpu)
    }
}

/// The name of a process or thread, nothing when it has ended.
fn name(folder: &Path) -> String {
    fs::read_to_string(folder.join("comm")).unwrap_or_default()
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            navette: self.navette.saturating_sub(before.navette),
            neighbours: self.neighbours.saturating_sub(before.neighbours),
            libreoffice: self.libreoffice.saturating_sub(before.libreoffice),
            postgres: self.postgres.saturating_sub(before.postgres),
        }
    }
}
