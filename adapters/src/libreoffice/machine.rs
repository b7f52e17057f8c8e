//! What this machine, or the part of it that we were given, has room for.

use std::{fs, path::Path};

/// What one worker needs with the copy that converts: a letter takes 150 MiB, a long table several times that.
const MEMORY_PER_WORKER: u64 = 512 << 20;
/// The address space that a copy may use: LibreOffice maps about 1 GiB before it opens anything.
const LEAST_ADDRESS_SPACE: u64 = 2 << 30;
const MOST_ADDRESS_SPACE: u64 = 4 << 30;

/// What can be used of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Cores, with the quota of our control group counted.
    pub cores: usize,
    /// Bytes of memory still free, for the machine and for our control group.
    pub memory: u64,
}

impl Machine {
    /// This one, now.
    pub fn this() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: free_memory(Path::new("/")),
        }
    }

    /// How many workers it has room for, at least 1.
    pub fn workers(self) -> usize {
        let by_memory = usize::try_from(self.memory / MEMORY_PER_WORKER).unwrap_or(usize::MAX);
        self.cores.min(by_memory).max(1)
    }

    /// The address space that one copy may use.
    pub fn address_space(self) -> u64 {
        let share = self.memory / self.workers() as u64;
        (2 * share).clamp(LEAST_ADDRESS_SPACE, MOST_ADDRESS_SPACE)
    }
}

/// The bytes of memory that process `id` holds.
pub fn resident(id: u32) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{id}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    Some(pages * u64::try_from(size).ok()?)
}

/// The free memory of the system whose files are under `root`; plenty when it cannot be told.
fn free_memory(root: &Path) -> u64 {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let machine = read("proc/meminfo").and_then(|text| meminfo_available(&text));
    let groups = read("proc/self/cgroup").unwrap_or_default();
    groups
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, group) = rest.split_once(':')?;
            match controllers {
                "" => Some(("", group, "memory.max", "memory.current")),
                _ if controllers.split(',').any(|name| name == "memory") => Some((
                    "/memory",
                    group,
                    "memory.limit_in_bytes",
                    "memory.usage_in_bytes",
                )),
                _ => None,
            }
        })
        .flat_map(|(hierarchy, group, limit, usage)| {
            // A group is also bound by those around it. In a container, its own root is what we see.
            let around = Path::new(group).ancestors().map(|group| {
                let folder = format!("sys/fs/cgroup{hierarchy}{}", group.display());
                let number = |name| {
                    read(&format!("{folder}/{name}"))?
                        .trim()
                        .parse::<u64>()
                        .ok()
                };
                Some(number(limit)?.saturating_sub(number(usage)?))
            });
            around.collect::<Vec<_>>()
        })
        .chain([machine])
        .flatten()
        .min()
        .unwrap_or(u64::MAX)
}

fn meminfo_available(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]
mod tests {
    use super::*;

    /// A system with these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:       8000000 kB\nMemAvailable:   4000000 kB\n",
    );

    #[test]
    fn the_memory_of_the_machine_counts_without_a_control_group() {
        let root = system(&[MEMINFO]);
        assert_eq!(free_memory(root.path()), 4_000_000 << 10);
    }

    #[test]
    fn the_narrowest_control_group_around_us_counts() {
        let root = system(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/navette/work\n"),
            ("sys/fs/cgroup/navette/work/memory.max", "max\n"),
            ("sys/fs/cgroup/navette/work/memory.current", "7\n"),
            ("sys/fs/cgroup/navette/memory.max", "1000000000\n"),
            ("sys/fs/cgroup/navette/memory.current", "400000000\n"),
        ]);
        assert_eq!(free_memory(root.path()), 600_000_000);
    }

    #[test]
    fn the_older_control_groups_count_too() {
        let root = system(&[
            MEMINFO,
            ("proc/self/cgroup", "5:cpu:/x\n4:memory:/docker/1\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "900000000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000000\n"),
        ]);
        assert_eq!(free_memory(root.path()), 800_000_000);
    }

    #[test]
    fn workers_are_as_many_as_cores_unless_memory_lacks() {
        let workers = |cores, memory| Machine { cores, memory }.workers();
        assert_eq!(workers(4, 64 << 30), 4);
        assert_eq!(workers(4, 1100 << 20), 2);
        assert_eq!(workers(4, 1 << 20), 1);
    }

    #[test]
    fn the_memory_of_a_process_is_read() {
        assert!(resident(std::process::id()).unwrap() > 1 << 20);
        assert_eq!(resident(u32::MAX), None);
    }
}
