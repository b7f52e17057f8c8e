//! Who used the processor: read from `/proc`, since what is measured runs in several processes.

use std::{collections::HashMap, fs, ops::Sub, time::Duration};

/// The kernel counts a process's time in hundredths of a second, on every Linux.
const TICK: Duration = Duration::from_millis(10);

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
        let processes = processes()?;
        let me = std::process::id();
        let mut cpu = Self::default();
        for (pid, child) in processes.iter().filter(|(_, process)| process.parent == me) {
            let used = subtree(&processes, *pid);
            if child.name.starts_with("postgres") {
                cpu.postgres += used;
            } else {
                cpu.libreoffice += used;
            }
        }
        for task in fs::read_dir("/proc/self/task")? {
            // A thread may end while we look.
            let Some(thread) = Process::read(&task?.path().join("stat")) else {
                continue;
            };
            if thread.name.starts_with(NEIGHBOURS) {
                cpu.neighbours += thread.own;
            }
        }
        if let Some(whole) = processes.get(&me) {
            cpu.navette = whole.own.saturating_sub(cpu.neighbours);
        }
        Ok(cpu)
    }
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

struct Process {
    name: String,
    parent: u32,
    own: Duration,
    /// What its children had used when they ended.
    reaped: Duration,
}

impl Process {
    fn read(stat: &std::path::Path) -> Option<Self> {
        let line = fs::read_to_string(stat).ok()?;
        let (_, rest) = line.split_once('(')?;
        // The name may itself contain anything, even a parenthesis.
        let (name, rest) = rest.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks =
            |field: usize| -> Option<Duration> { Some(TICK * fields.get(field)?.parse().ok()?) };
        Some(Self {
            name: name.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            own: ticks(11)? + ticks(12)?,
            reaped: ticks(13)? + ticks(14)?,
        })
    }
}

fn processes() -> anyhow::Result<HashMap<u32, Process>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Ok(pid) = entry.file_name().to_string_lossy().parse() else {
            continue;
        };
        if let Some(process) = Process::read(&entry.path().join("stat")) {
            found.insert(pid, process);
        }
    }
    Ok(found)
}

fn subtree(processes: &HashMap<u32, Process>, root: u32) -> Duration {
    let own = processes
        .get(&root)
        .map_or(Duration::ZERO, |process| process.own + process.reaped);
    let below = processes
        .iter()
        .filter(|(_, process)| process.parent == root)
        .map(|(pid, _)| subtree(processes, *pid));
    own + below.sum::<Duration>()
}
