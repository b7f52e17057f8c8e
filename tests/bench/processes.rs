//! What processes used, read from `/proc`.

use std::{collections::HashMap, fs, path::Path, time::Duration};

/// The kernel counts a process's time in hundredths of a second, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// A process or a thread.
pub struct Process {
    pub parent: u32,
    pub own: Duration,
    /// What its children had used when they ended.
    reaped: Duration,
}

impl Process {
    pub fn read(stat: &Path) -> Option<Self> {
        let line = fs::read_to_string(stat).ok()?;
        // The name may itself contain anything, even a parenthesis.
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks =
            |field: usize| -> Option<Duration> { Some(TICK * fields.get(field)?.parse().ok()?) };
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own: ticks(11)? + ticks(12)?,
            reaped: ticks(13)? + ticks(14)?,
        })
    }
}

/// All that run.
pub fn all() -> anyhow::Result<HashMap<u32, Process>> {
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

/// What `root` and all below it used.
pub fn used_below(processes: &HashMap<u32, Process>, root: u32) -> Duration {
    let own = processes
        .get(&root)
        .map_or(Duration::ZERO, |process| process.own + process.reaped);
    let below = processes
        .iter()
        .filter(|(_, process)| process.parent == root)
        .map(|(pid, _)| used_below(processes, *pid));
    own + below.sum::<Duration>()
}
